import CQL2
import Geo
import GeoNative
import LayerStore
import TestKit
import Testing

@testable import Query

extension FilterSample {
    /// Without the attribute that is not for everybody.
    var source: RowSource { RowSource(layer: "sample", file: file, columns: Array(0..<12)) }

    func rows(_ filter: Expression, area: BoxArea? = nil) throws -> [Int] {
        let page = try source.items(ItemsRequest(area: area, filter: filter, limit: 10_000), deadline: Deadline(seconds: nil))
        let count = try count(filter, area: area)
        // What only counts goes the same way.
        precondition(count == page.rows.count && page.matched == count, "\(count) counted, \(page.rows.count) found")
        return page.rows
    }

    func count(_ filter: Expression, area: BoxArea? = nil) throws -> Int {
        var sink = CountSink()
        let question = try RowQuestion(
            ItemsRequest(area: area, filter: filter), in: source, deadline: Deadline(seconds: nil))
        try question.run(into: &sink, deadline: Deadline(seconds: nil))
        return sink.count
    }
}

@Suite struct FilterTests {
    @Test(arguments: 0..<12)
    func `the plan answers what looking at every row answers`(seed: UInt64) throws {
        let sample = try FilterSample(count: 400, seed: seed)
        let witness = FilterWitness(sample: sample)
        var filters = RandomFilter(seed: 1000 + seed)
        for _ in 0..<120 {
            let filter = filters.condition()
            #expect(try sample.rows(filter) == witness.rows(filter), "\(filter)")
        }
    }

    @Test(arguments: 0..<3)
    func `more rows than a block`(seed: UInt64) throws {
        let sample = try FilterSample(count: 9000, seed: 70 + seed)
        let witness = FilterWitness(sample: sample)
        var filters = RandomFilter(seed: 2000 + seed)
        for _ in 0..<6 {
            let filter = filters.condition(depth: 2)
            #expect(try sample.rows(filter) == witness.rows(filter), "\(filter)")
        }
    }

    @Test(arguments: 0..<4)
    func `a filter and a box both hold`(seed: UInt64) throws {
        let sample = try FilterSample(count: 600, seed: 40 + seed)
        let witness = FilterWitness(sample: sample)
        var filters = RandomFilter(seed: 3000 + seed)
        for _ in 0..<40 {
            let (west, south) = (Double(filters.number(1394..<1400)) / 10, Double(filters.number(353..<359)) / 10)
            let area = try #require(BoxArea(west: west, south: south, east: west + 0.15, north: south + 0.1))
            let filter = Bool.random(using: &filters.generator) ? filters.spatial() : filters.condition(depth: 1)
            let inside = try sample.geometries.indices.filter { try geosMeets(sample.geometries[$0], area.boxes, witness.context) }
            let expected = Set(try witness.rows(filter)).intersection(inside)
            #expect(try sample.rows(filter, area: area) == expected.sorted(), "\(filter)")
        }
    }

    @Test(arguments: 0..<3)
    func `blocks are passed over by their statistics and nothing is lost`(seed: UInt64) throws {
        let sample = try FilterSample(count: 20_000, seed: 90 + seed, isSorted: true)
        let witness = FilterWitness(sample: sample)
        let filters: [Expression] = [
            .comparison(.equal, .property("storeys"), .integer(200)),
            .comparison(.less, .property("height"), .real(100.5)),
            .between(.property("storeys"), lower: .integer(101), upper: .real(103.5)),
            .isIn(.property("storeys"), [.integer(3), .real(400), .integer(-1)]),
            .comparison(.greaterOrEqual, .property("built"), .date(Day(daysSince1970: 450))),
            .comparison(.less, .property("seen"), .timestamp(Instant(microseconds: 90_000_000_000, zoneMinutes: nil))),
            .and([
                .comparison(.greater, .property("storeys"), .integer(100)), .comparison(.less, .property("storeys"), .integer(102)),
            ]),
        ]
        for filter in filters {
            #expect(try sample.rows(filter) == witness.rows(filter), "\(filter)")
            let explanation = try Filter(filter, in: sample.source).explanation()
            let line = try #require(explanation.split(separator: "\n").first { $0.hasPrefix("statistics") })
            let numbers = line.split { !$0.isNumber }.compactMap { Int($0) }
            #expect(numbers[0] == 5 && numbers[1] >= 3, "\(explanation)")
        }
    }

    @Test func `null operands make the unknown, which no filter lets pass`() throws {
        let sample = try FilterSample(count: 300, seed: 5)
        let (null, yes, no) = (
            Expression.comparison(.equal, .arithmetic(.divide, .integer(1), .integer(0)), .integer(1)), Expression.boolean(true),
            Expression.boolean(false)
        )
        func holds(_ filter: Expression) throws -> Bool { try sample.count(filter) == 300 }
        // SQL's tables: AND, OR and NOT of true, false and unknown, each shown by itself and under NOT.
        let table: [(Expression, Bool?)] = [
            (.and([yes, yes]), true), (.and([yes, no]), false), (.and([yes, null]), nil), (.and([no, no]), false),
            (.and([no, null]), false),
            (.and([null, null]), nil), (.or([yes, yes]), true), (.or([yes, no]), true), (.or([yes, null]), true), (.or([no, no]), false),
            (.or([no, null]), nil), (.or([null, null]), nil), (.not(null), nil), (.isNull(null), true),
            (.between(.integer(5), lower: .arithmetic(.modulo, .integer(1), .integer(0)), upper: .integer(3)), nil),
            (.isIn(.integer(1), [.integer(1), .arithmetic(.integerDivide, .integer(1), .integer(0))]), true),
            (.isIn(.integer(1), [.integer(2), .arithmetic(.integerDivide, .integer(1), .integer(0))]), nil),
            (.comparison(.equal, .arithmetic(.add, .integer(.max), .integer(1)), .integer(1)), nil),
        ]
        for (filter, truth) in table {
            #expect(try holds(filter) == (truth == true), "\(filter)")
            #expect(try holds(.not(filter)) == (truth == false), "\(filter)")
        }
        for filter: Expression in [
            .comparison(.notEqual, .property("usage"), .text("住宅")), .not(.comparison(.equal, .property("usage"), .text("住宅"))),
            .not(.isIn(.property("usage"), [.text("住宅")])), .not(.like(.property("usage"), pattern: .text("住宅"))),
        ] {
            let expected = sample.values.indices.filter { sample.values[$0][0] != .null && sample.values[$0][0] != .text("住宅") }
            #expect(try sample.rows(filter) == expected, "\(filter)")
        }
    }

    @Test func `long lists are one test`() throws {
        let sample = try FilterSample(count: 5000, seed: 6)
        let numbers = (0..<1000).map { Expression.integer(Int64($0) * 3 + 1) } + [.integer(.max)]
        let expected = sample.values.indices.filter {
            guard case .integer(let value) = sample.values[$0][2] else { return false }
            return value == .max || (value >= 0 && value < 3000 && value % 3 == 1)
        }
        #expect(try sample.rows(.isIn(.property("storeys"), numbers)) == expected)
        let names = sample.values.compactMap { if case .text(let name) = $0[1] { name } else { nil } }.prefix(900)
        #expect(try sample.rows(.isIn(.property("name"), names.map { .text($0) })).count == 900)
    }

    @Test func `what does not fit together is said in words`() throws {
        let sample = try FilterSample(count: 10, seed: 7)
        func refused(_ filter: Expression) -> Bool {
            do throws(QueryError) {
                _ = try Filter(filter, in: sample.source)
                return false
            } catch {
                guard case .invalidFilter(let message) = error else { return false }
                return !message.text("ja").isEmpty && message.texts["en"]?.isEmpty == false
            }
        }
        let bow = Geometry.polygon([[Point(x: 0, y: 0), Point(x: 1, y: 1), Point(x: 1, y: 0), Point(x: 0, y: 1), Point(x: 0, y: 0)]])
        let mixed = Geometry(
            kind: .geometryCollection, coordinates: [0, 0, 0, 0, 1, 1], ringEnds: [1, 3], partEnds: [1, 2],
            partKinds: [.point, .lineString])
        let filters: [Expression] = [
            .comparison(.equal, .property("storeys"), .text("三")), .comparison(.less, .property("built"), .text("2024-03-31")),
            .comparison(.equal, .property("tags"), .integer(1)), .comparison(.equal, .property("geometry"), .integer(1)),
            .property("storeys"), .integer(1), .like(.property("storeys"), pattern: .text("1%")),
            .like(.property("usage"), pattern: .property("name")), .casei(.property("usage")),
            .comparison(.equal, .casei(.property("storeys")), .text("a")), .comparison(.equal, .function("nothing", []), .integer(1)),
            .comparison(.equal, .function("abs", [.text("a")]), .integer(1)), .comparison(.equal, .function("abs", []), .integer(1)),
            .comparison(.equal, .arithmetic(.add, .text("a"), .integer(1)), .integer(1)),
            .temporal(.after, .property("storeys"), .date(Day(daysSince1970: 1))),
            .temporal(
                .after, .property("built"),
                .interval(start: .date(Day(daysSince1970: 2)), end: .date(Day(daysSince1970: 1)))),
            .spatial(.intersects, .property("usage"), .geometry(.point(1, 1))), .spatial(.intersects, .property("geom"), .geometry(bow)),
            .spatial(.within, .property("geom"), .geometry(mixed)), .spatial(.intersects, .property("geom"), .geometry(.point(.nan, 1))),
            .spatial(.intersects, .property("geom"), .bbox(west: 0, south: 2, east: 1, north: 1)),
            .spatial(.intersects, .property("geom"), .geometry(Geometry(kind: .polygon))),
            .array(.contains, .property("usage"), .list([])), .array(.contains, .property("tags"), .list([.property("usage")])),
        ]
        for filter in filters { #expect(refused(filter), "\(filter)") }
        for name in ["keeper", "nothing"] {
            #expect(throws: QueryError.unknownProperty(name)) { try Filter(.isNull(.property(name)), in: sample.source) }
            #expect(throws: QueryError.unknownProperty(name)) {
                try Filter(.or([.boolean(true), .comparison(.equal, .property(name), .text("x"))]), in: sample.source)
            }
        }
    }

    @Test func `time that ran out ends a filter`() throws {
        let sample = try FilterSample(count: 5000, seed: 8)
        let filter = Expression.like(.property("name"), pattern: .text("%9%"))
        #expect(throws: QueryError.overdue) {
            try sample.source.items(ItemsRequest(filter: filter, limit: 10_000), deadline: Deadline(seconds: -1))
        }
    }

    @Test func `pages under a filter tile the whole`() throws {
        let sample = try FilterSample(count: 3000, seed: 9)
        let filter = Expression.comparison(.greater, .property("height"), .integer(0))
        let whole = try sample.rows(filter)
        var (seen, position): ([Int], ItemsRequest.Position?) = ([], .start)
        while let here = position {
            let page = try sample.source.items(
                ItemsRequest(filter: filter, limit: 37, position: here), deadline: Deadline(seconds: nil))
            #expect(page.matched == whole.count)
            seen += page.rows
            position = page.next.map { .row($0) }
        }
        #expect(seen == whole)
    }
}

@Suite struct FilterPlaceTests {
    @Test func `collections meet by their parts, and what is disjoint is not asked of the index`() throws {
        let sample = try FilterSample(count: 300, seed: 11)
        let mixed = Geometry(
            kind: .geometryCollection, coordinates: [139.7, 35.6, 139.5, 35.4, 140, 35.9], ringEnds: [1, 3], partEnds: [1, 2],
            partKinds: [.point, .lineString])
        let witness = FilterWitness(sample: sample)
        for relation in [SpatialRelation.intersects, .disjoint] {
            let filter = Expression.spatial(relation, .property("geom"), .geometry(mixed))
            #expect(try sample.rows(filter) == witness.rows(filter))
        }
        let outside = try sample.rows(
            .spatial(.disjoint, .property("geom"), .bbox(west: 0, south: 0, east: 1, north: 1)))
        #expect(outside == Array(0..<sample.file.geometryCount))
    }

    @Test func `a place with more digits than are kept equals what is stored of it`() throws {
        let place = Point(x: 139.123456789123, y: 35.987654321987)
        let sample = try SampleLayer(count: 3, seed: 2) { _ in
            var geometry = Geometry.lineString([place, Point(x: 139.2, y: 35.9)])
            geometry.roundToStorage()
            return geometry
        }
        for (relation, other) in [
            (SpatialRelation.equals, Geometry.lineString([place, Point(x: 139.2, y: 35.9)])), (.intersects, .point(place.x, place.y)),
        ] {
            let filter = Expression.spatial(relation, .property("geom"), .geometry(other))
            let page = try sample.publicSource.items(ItemsRequest(filter: filter), deadline: Deadline(seconds: nil))
            #expect(page.matched == sample.file.geometryCount, "\(relation)")
        }
    }

    @Test(arguments: 0..<3)
    func `whole blocks are settled by the envelopes of their rows`(seed: UInt64) throws {
        let sample = try SampleLayer(count: 30_000, seed: 700 + seed) { generator in
            .point(
                Double(Int.random(in: 1_394_000..<1_401_000, using: &generator)) / 10_000,
                Double(Int.random(in: 353_000..<360_000, using: &generator)) / 10_000)
        }
        for block in 0..<sample.file.geometryCount / 4096 {
            let whole = try #require(try sample.file.envelope(ofBlock: block))
            for row in block * 4096..<(block + 1) * 4096 { #expect(whole.holds(try sample.file.indexedEnvelope(row))) }
        }
        let context = GEOSContext()
        var generator = SeededGenerator(seed: seed)
        let ring = RandomGeometry().ring(centre: Point(x: 139.75, y: 35.65), radius: 0.25, vertices: 9, using: &generator)
        var polygon = Geometry.polygon([ring])
        polygon.roundToStorage()
        let native = try PreparedGeometry(NativeGeometry(polygon, in: context))
        let inside = try sample.geometries.indices.filter {
            guard let geometry = sample.geometries[$0] else { return false }
            return try native.intersects(NativeGeometry(geometry, in: context))
        }
        let outside = Array(Set(0..<sample.file.geometryCount).subtracting(inside)).sorted()
        let bounds = polygon.envelope
        let boxed = try sample.geometries.indices.filter { sample.geometries[$0].map { bounds.contains($0.vertex(0)) } ?? false }
        let box = Expression.bbox(west: bounds.minX, south: bounds.minY, east: bounds.maxX, north: bounds.maxY)
        let cases: [(Expression, [Int])] = [
            (.spatial(.intersects, .property("geom"), .geometry(polygon)), inside),
            (.spatial(.disjoint, .property("geom"), .geometry(polygon)), outside),
            (.not(.spatial(.disjoint, .geometry(polygon), .property("geom"))), inside),
            (.or([.boolean(false), .not(.spatial(.intersects, .property("geom"), .geometry(polygon)))]), outside),
            (.spatial(.intersects, .property("geom"), box), boxed), (.not(.spatial(.disjoint, .property("geom"), box)), boxed),
            (
                .and([.spatial(.intersects, .property("geom"), box), .spatial(.disjoint, .property("geom"), .geometry(polygon))]),
                boxed.filter(Set(outside).contains)
            ),
        ]
        for (filter, expected) in cases {
            let page = try sample.publicSource.items(ItemsRequest(filter: filter, limit: 100_000), deadline: Deadline(seconds: nil))
            #expect(page.rows == expected && page.matched == expected.count, "\(filter)")
        }
        // Most blocks are far from the south-west corner: all of their rows are disjoint from it.
        let small = Geometry.lineString([Point(x: 139.4, y: 35.3), Point(x: 139.401, y: 35.301)])
        let plan = try Filter(.spatial(.disjoint, .property("geom"), .geometry(small)), in: sample.publicSource).explanation()
        let numbers = plan.split(separator: "\n")[1].split { !$0.isNumber }.compactMap { Int($0) }
        #expect(numbers[1] == 0 && numbers[2] >= 4, "\(plan)")
    }

    @Test(arguments: 0..<4)
    func `an outline takes what meets it, and what has no geometry`(seed: UInt64) throws {
        let sample = try FilterSample(count: 300, seed: 80 + seed)
        let witness = FilterWitness(sample: sample)
        var generator = SeededGenerator(seed: seed)
        let ring = RandomGeometry().ring(centre: Point(x: 139.75, y: 35.65), radius: 0.2, vertices: 12, using: &generator)
        let outline = Geometry.polygon([ring])
        let filter = Expression.comparison(.greater, .property("height"), .integer(0))
        let meets = Expression.or([
            .isNull(.property("geometry")), .spatial(.intersects, .property("geometry"), .geometry(outline)),
        ])
        for (request, expected) in [
            (ItemsRequest(outline: outline, limit: 1000), try witness.rows(meets)),
            (ItemsRequest(filter: filter, outline: outline, limit: 1000), try witness.rows(.and([meets, filter]))),
        ] {
            let page = try sample.source.items(request, deadline: Deadline(seconds: nil))
            #expect(page.rows == expected && page.matched == expected.count)
        }
    }

    @Test func `a box over the antimeridian is two`() throws {
        let sample = try SampleLayer(count: 100, seed: 4) { generator in
            .point(
                (Bool.random(using: &generator) ? 179.9 : -179.9) + Double.random(in: -0.09...0.09, using: &generator),
                Double.random(in: -1...1, using: &generator))
        }
        func count(_ relation: SpatialRelation) throws -> Int {
            let filter = Expression.spatial(
                relation, .property("geometry"), .bbox(west: 179.85, south: -2, east: -179.85, north: 2))
            return try sample.publicSource.items(ItemsRequest(filter: filter, limit: 1000), deadline: Deadline(seconds: nil)).rows.count
        }
        let expected = sample.geometries.compactMap { $0 }.filter { abs($0.vertex(0).x) >= 179.85 }.count
        #expect(try count(.intersects) == expected)
        #expect(try count(.within) == expected)
        #expect(try count(.disjoint) == sample.file.geometryCount - expected)
    }

    @Test func `flat boxes over the antimeridian are lines, and points`() throws {
        let places = [(179.9, 0.0), (-179.9, 0), (179.9, 1), (180, 0), (-180, 0), (180, 1), (-180, 1), (0, 0)]
        var place = 0
        let sample = try SampleLayer(count: 80, seed: 6) { _ in
            place += 1
            return .point(places[place % 8].0, places[place % 8].1)
        }
        typealias Box = (west: Double, south: Double, east: Double, north: Double)
        let boxes: [(Box, GeometryKind)] = [
            ((179, 0, -179, 0), .multiLineString), ((180, -1, -180, 2), .multiLineString), ((180, 0, -180, 0), .multiPoint),
            ((179, 0, -180, 0), .lineString), ((179, -1, -180, 2), .polygon), ((180, -1, -179, 2), .polygon),
            ((179, -1, -179, 2), .multiPolygon),
            ((10, 5, 10, 6), .lineString), ((10, 5, 10, 5), .point),
        ]
        for (box, kind) in boxes {
            let area = try #require(BoxArea(west: box.west, south: box.south, east: box.east, north: box.north))
            #expect(area.geometry.kind == kind, "\(box)")
            for relation in SpatialRelation.allCases {
                let filter = Expression.spatial(
                    relation, .property("geometry"), .bbox(west: box.west, south: box.south, east: box.east, north: box.north))
                _ = try Filter(filter, in: sample.publicSource)
            }
        }
        // Points are within lines that they lie on, but for their ends.
        let filter = Expression.spatial(.within, .property("geometry"), .bbox(west: 179, south: 0, east: -179, north: 0))
        let expected = sample.geometries.indices.filter { row in
            sample.geometries[row].map { abs($0.vertex(0).x) == 179.9 && $0.vertex(0).y == 0 } ?? false
        }
        #expect(
            try !expected.isEmpty
                && sample.publicSource.items(ItemsRequest(filter: filter, limit: 100), deadline: Deadline(seconds: nil)).rows == expected)
    }

    @Test func `areas and lengths are those of the ellipsoid`() throws {
        let sample = try FilterSample(count: 200, seed: 14)
        let geometry = [Expression.property("geometry")]
        let cases: [(Expression, (Geometry) -> Bool)] = [
            (.comparison(.greater, .function("area_m2", geometry), .integer(100_000)), { Ellipsoid.area($0) > 100_000 }),
            (.comparison(.greater, .function("LENGTH_M", geometry), .real(1000.5)), { Ellipsoid.length($0) > 1000.5 }),
            (
                .comparison(.equal, .arithmetic(.add, .function("area_m2", geometry), .function("length_m", geometry)), .integer(0)),
                { Ellipsoid.area($0) + Ellipsoid.length($0) == 0 }
            ),
        ]
        for (filter, holds) in cases {
            let expected = sample.geometries.indices.filter { sample.geometries[$0].map(holds) ?? false }
            #expect(!expected.isEmpty && expected.count < sample.file.geometryCount)
            #expect(try sample.rows(filter) == expected, "\(filter)")
        }
        #expect(
            try sample.rows(.isNull(.function("area_m2", geometry))) == Array(sample.file.geometryCount..<sample.file.rowCount))
        for arguments: [Expression] in [[], [.property("usage")], [.geometry(.point(1, 1))], geometry + geometry] {
            #expect(throws: QueryError.self) {
                try Filter(.comparison(.less, .function("area_m2", arguments), .integer(1)), in: sample.source)
            }
        }
    }

    @Test func `an attribute that is a time equals an instant, or a day in Japan`() throws {
        let sample = try FilterSample(count: 500, seed: 15)
        func rows(_ value: String) throws -> [Int] {
            let request = ItemsRequest(equals: [.init(attribute: "seen", value: value)], limit: 1000)
            return try sample.source.items(request, deadline: Deadline(seconds: nil)).rows
        }
        func expected(_ holds: (Int64) -> Bool) -> [Int] {
            sample.values.indices.filter {
                guard case .time(let instant) = sample.values[$0][8] else { return false }
                return holds(instant.microseconds)
            }
        }
        // FilterSample's instants are about midnight in Japan: that of 2024-10-05, and a microsecond before and after it.
        let midnight: Int64 = 20_000 * 86_400_000_000 + 54_000_000_000
        for text in ["2024-10-04T15:00:00Z", "2024-10-05T00:00:00+09:00", "2024-10-05t00:00:00.000+09:00"] {
            #expect(try rows(text) == expected { $0 == midnight }, "\(text)")
        }
        #expect(try rows("2024-10-04T14:59:59.999999Z") == expected { $0 == midnight - 1 })
        #expect(try rows("2024-10-05") == expected { $0 >= midnight && $0 < midnight + 86_400_000_000 })
        #expect(try !rows("2024-10-05").isEmpty && rows("1999-01-01").isEmpty)
        for text in ["", "..", "2024", "2024-13-01", "2024-10-05T00:00:00", "2024-10-05/2024-10-06", "../2024-10-05", "三月"] {
            #expect(throws: QueryError.invalidValue(property: "seen", value: text)) { try rows(text) }
        }
    }

    @Test(arguments: 0..<6)
    func `large polygons decide most features by their envelopes, and rightly`(seed: UInt64) throws {
        let sample = try FilterSample(count: 500, seed: 60 + seed)
        let witness = FilterWitness(sample: sample)
        var generator = SeededGenerator(seed: seed)
        let shell = RandomGeometry().ring(centre: Point(x: 139.75, y: 35.65), radius: 0.3, vertices: 200, using: &generator)
        let hole = RandomGeometry().ring(centre: Point(x: 139.75, y: 35.65), radius: 0.1, vertices: 50, using: &generator)
        var polygon = Geometry.polygon([shell, hole.reversed()])
        polygon.roundToStorage()
        for relation in SpatialRelation.allCases {
            let filter = Expression.spatial(relation, .property("geom"), .geometry(polygon))
            #expect(try sample.rows(filter) == witness.rows(filter), "\(relation)")
            #expect(try sample.rows(.not(filter)) == witness.rows(.not(filter)), "not \(relation)")
        }
    }
}
