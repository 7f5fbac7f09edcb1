import CQL2
import Geo
import GeoNative
import TestKit
import Testing

@testable import Query

/// What a small filter may cost: places where edges meet, and looks at the deadline.
@Suite struct EdgeMeetingsTests {
    let never = Deadline(seconds: nil)

    @Test(arguments: 0..<20)
    func `edges meet as often as looking at every pair finds`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let context = GEOSContext()
        // Few places, so that ends touch, edges lie on each other, and lines close.
        func place() -> Point {
            Point(x: Double(Int.random(in: 0..<7, using: &generator)), y: Double(Int.random(in: 0..<7, using: &generator)))
        }
        for _ in 0..<20 {
            let lines = (0..<Int.random(in: 1..<6, using: &generator)).map { _ in
                var line: [Point] = []
                while line.count < 2 { line = (0..<Int.random(in: 2..<7, using: &generator)).map { _ in place() } }
                if line.count > 3 && Bool.random(using: &generator) { line.append(line[0]) }
                return line.reduce(into: [Point]()) { if $0.last != $1 { $0.append($1) } }
            }.filter { $0.count > 1 }
            var geometry = Geometry(kind: .multiLineString)
            var edges: [(line: Int, place: Int, count: Int, isClosed: Bool, geometry: Geometry)] = []
            for (number, line) in lines.enumerated() {
                geometry.coordinates += line.flatMap { [$0.x, $0.y] }
                geometry.ringEnds.append(geometry.vertexCount)
                geometry.partEnds.append(number + 1)
                for i in 1..<line.count {
                    edges.append((number, i - 1, line.count - 1, line.first == line.last, .lineString([line[i - 1], line[i]])))
                }
            }
            var expected = 0
            for (i, a) in edges.enumerated() {
                for b in edges[..<i] {
                    let distance = a.place - b.place
                    if a.line == b.line && (distance == 1 || (a.isClosed && distance == a.count - 1)) { continue }
                    if try NativeGeometry(a.geometry, in: context).intersects(NativeGeometry(b.geometry, in: context)) { expected += 1 }
                }
            }
            let meetings = EdgeMeetings(geometry)
            #expect(try !meetings.areMore(than: expected, never), "\(lines)")
            #expect(try expected == 0 || meetings.areMore(than: expected - 1, never), "\(lines)")
        }
    }

    @Test func `counting ends with the time`() throws {
        #expect(throws: QueryError.overdue) {
            try EdgeMeetings(Sieve.lines(40)).areMore(than: 10_000, Deadline(seconds: -1))
        }
    }

    @Test func `what lies beyond the box is not counted`() throws {
        var meetings = EdgeMeetings()
        let box = Envelope(minX: Sieve.west - 0.005, minY: Sieve.south - 0.005, maxX: Sieve.west + 0.045, maxY: 36)
        meetings.add(Sieve.lines(10), within: box)
        #expect(try meetings.areMore(than: 49, never))
        #expect(try !meetings.areMore(than: 50, never))
    }
}

/// Lines and strips that cross each other as often as so many can, over the features of `FilterSample`.
enum Sieve {
    static let (west, south, step) = (139.5, 35.4, 0.01)

    /// So many lines from west to east, and as many from south to north.
    static func lines(_ count: Int) -> Geometry {
        var geometry = Geometry(kind: .multiLineString)
        for line in across(count) + along(count) { add(line, to: &geometry) }
        return geometry
    }

    static func parallel(_ count: Int, across isAcross: Bool) -> Geometry {
        var geometry = Geometry(kind: .multiLineString)
        for line in isAcross ? across(count) : along(count) { add(line, to: &geometry) }
        return geometry
    }

    /// The same lines as polygons, a collection of them.
    static func strips(_ count: Int, step: Double = step) -> [Geometry] {
        let size = Double(count) * step
        return (0..<count).flatMap { number in
            let place = Double(number) * step
            return [
                rectangle(west - step, south + place, west + size, south + place + step / 2),
                rectangle(west + place, south - step, west + place + step / 2, south + size),
            ]
        }
    }

    static func collection(_ polygons: [Geometry]) -> Geometry {
        var geometry = Geometry(kind: .geometryCollection)
        for polygon in polygons {
            geometry.coordinates += polygon.coordinates
            geometry.ringEnds.append(geometry.vertexCount)
            geometry.partEnds.append(geometry.ringEnds.count)
            geometry.partKinds.append(.polygon)
        }
        return geometry
    }

    private static func rectangle(_ west: Double, _ south: Double, _ east: Double, _ north: Double) -> Geometry {
        .polygon([
            [
                Point(x: west, y: south), Point(x: east, y: south), Point(x: east, y: north), Point(x: west, y: north),
                Point(x: west, y: south),
            ]
        ])
    }

    private static func add(_ line: [Point], to geometry: inout Geometry) {
        geometry.coordinates += line.flatMap { [$0.x, $0.y] }
        geometry.ringEnds.append(geometry.vertexCount)
        geometry.partEnds.append(geometry.ringEnds.count)
    }

    private static func across(_ count: Int) -> [[Point]] {
        (0..<count).map { number in
            let y = south + Double(number) * step
            return [Point(x: west - step, y: y), Point(x: west + Double(count) * step, y: y)]
        }
    }

    private static func along(_ count: Int) -> [[Point]] {
        (0..<count).map { number in
            let x = west + Double(number) * step
            return [Point(x: x, y: south - step), Point(x: x, y: south + Double(count) * step)]
        }
    }
}

@Suite struct FilterLimitTests {
    let relations: [SpatialRelation] = [.touches, .crosses, .overlaps, .equals, .within, .contains]

    private func refusal(_ filter: Expression, _ source: RowSource) -> LocalizedText? {
        do throws(QueryError) {
            _ = try Filter(filter, in: source)
            return nil
        } catch {
            guard case .invalidFilter(let message) = error, message.texts["ja"] != nil, message.texts["en"] != nil else { return nil }
            return message
        }
    }

    @Test func `lines that cross too often are refused, but where only meeting them is asked`() throws {
        let sample = try FilterSample(count: 60, seed: 21)
        let context = GEOSContext()
        let lines = Sieve.lines(101)
        for relation in relations {
            #expect(refusal(.spatial(relation, .property("geom"), .geometry(lines)), sample.source) != nil, "\(relation)")
            #expect(refusal(.spatial(relation, .property("geom"), .geometry(Sieve.lines(20))), sample.source) == nil, "\(relation)")
        }
        var meeting: [Int] = []
        for row in 0..<sample.file.geometryCount {
            let feature = try #require(sample.geometries[row])
            for part in lines.partEnds.indices {
                guard try NativeGeometry(feature, in: context).intersects(NativeGeometry(lines.part(part), in: context)) else { continue }
                meeting.append(row)
                break
            }
        }
        #expect(try sample.rows(.spatial(.intersects, .property("geom"), .geometry(lines))) == meeting)
        let apart = (0..<sample.file.geometryCount).filter { !meeting.contains($0) }
        #expect(try sample.rows(.spatial(.disjoint, .property("geom"), .geometry(lines))) == apart)
    }

    @Test func `polygons of a collection that overlap often are asked one by one, or refused`() throws {
        let sample = try FilterSample(count: 60, seed: 22)
        let context = GEOSContext()
        let strips = Sieve.strips(52)
        let collection = Expression.geometry(Sieve.collection(strips))
        for relation in relations { #expect(refusal(.spatial(relation, .property("geom"), collection), sample.source) != nil) }
        let meeting = try (0..<sample.file.geometryCount).filter { row in
            let feature = try #require(sample.geometries[row])
            return try strips.contains { try NativeGeometry(feature, in: context).intersects(NativeGeometry($0, in: context)) }
        }
        #expect(try sample.rows(.spatial(.intersects, .property("geom"), collection)) == meeting)
        let apart = (0..<sample.file.geometryCount).filter { !meeting.contains($0) }
        #expect(try sample.rows(.spatial(.disjoint, .property("geom"), collection)) == apart)
        // Few enough are one, as before.
        let witness = FilterWitness(sample: sample)
        let few = Sieve.collection(Sieve.strips(6, step: 0.1))
        let whole = try NativeGeometry(few, in: context).dissolved().geometry()
        for relation in SpatialRelation.allCases {
            let rows = try sample.rows(.spatial(relation, .property("geom"), .geometry(few)))
            #expect(try rows == witness.rows(.spatial(relation, .property("geom"), .geometry(whole))), "\(relation)")
        }
    }

    @Test func `two geometries of a filter that cross too often are refused`() throws {
        let sample = try FilterSample(count: 5, seed: 23)
        let (across, along) = (
            Expression.geometry(Sieve.parallel(101, across: true)), Expression.geometry(Sieve.parallel(101, across: false))
        )
        for relation in relations { #expect(refusal(.spatial(relation, across, along), sample.source) != nil, "\(relation)") }
        #expect(try sample.count(.spatial(.intersects, across, along)) == 5)
        #expect(try sample.count(.spatial(.crosses, across, .geometry(Sieve.parallel(3, across: false)))) == 5)
    }

    @Test func `a feature that a geometry crosses too often ends the question`() throws {
        let sample = try SampleLayer(count: 1, seed: 3) { _ in Sieve.parallel(230, across: false) }
        let source = sample.publicSource
        let few = Expression.spatial(.crosses, .property("geometry"), .geometry(Sieve.parallel(30, across: true)))
        #expect(try source.items(ItemsRequest(filter: few), deadline: Deadline(seconds: nil)).matched == sample.file.geometryCount)
        let filter = Expression.spatial(.crosses, .property("geometry"), .geometry(Sieve.parallel(230, across: true)))
        do throws(QueryError) {
            _ = try source.items(ItemsRequest(filter: filter), deadline: Deadline(seconds: nil))
            Issue.record("52,900 crossings were let through")
        } catch {
            if case .limitExceeded = error { return }
            throw error
        }
    }

    // MARK: The deadline

    @Test func `binding ends with the time`() throws {
        let sample = try FilterSample(count: 100, seed: 24)
        let past = Deadline(seconds: -1)
        // Asked of each text of a dictionary when bound.
        let filter = Expression.comparison(.equal, .casei(.property("usage")), .text("cafe"))
        #expect(throws: QueryError.overdue) { try Filter(filter, in: sample.source, deadline: past) }
        #expect(throws: QueryError.overdue) { try RowQuestion(ItemsRequest(filter: filter), in: sample.source, deadline: past) }
        let place = Expression.spatial(.intersects, .property("geom"), .geometry(Sieve.collection(Sieve.strips(60))))
        #expect(throws: QueryError.overdue) { try Filter(place, in: sample.source, deadline: past) }
    }

    @Test func `many conditions on one batch end with the time`() throws {
        let sample = try FilterSample(count: 5000, seed: 25)
        var truths = [UInt8](repeating: 0, count: 10)
        // So few rows do not use up the work after which a condition itself looks at the deadline.
        let lengths = (1...3).map { number in
            Expression.comparison(.equal, .function("length", [.casei(.property("name"))]), .integer(Int64(number)))
        }
        // Of the texts of a large dictionary those are asked that occur.
        let name = Expression.comparison(.equal, .casei(.property("name")), .text("x1"))
        for condition: Expression in [.or(lengths), .not(.and(lengths)), .or([name, .property("listed")])] {
            let filter = try Filter(condition, in: sample.source)
            try filter.conjuncts[0].evaluate(Batch(start: 0, count: 10), into: &truths)
            filter.context.deadline = Deadline(seconds: -1)
            #expect(throws: QueryError.overdue, "\(condition)") {
                try filter.conjuncts[0].evaluate(Batch(start: 10, count: 10), into: &truths)
            }
        }
    }

    @Test func `work is added up from condition to condition`() throws {
        let sample = try FilterSample(count: 50, seed: 26)
        let filter = try Filter(.comparison(.less, .property("name"), .property("other")), in: sample.source)
        var truths = [UInt8](repeating: 0, count: 50)
        var left = filter.context.workLeft
        for _ in 0..<3 {
            try filter.conjuncts[0].evaluate(Batch(start: 0, count: 50), into: &truths)
            #expect(filter.context.workLeft < left)
            left = filter.context.workLeft
        }
        // Once it is used up, the next text looks at the deadline.
        filter.context.workLeft = 1
        filter.context.deadline = Deadline(seconds: -1)
        #expect(throws: QueryError.overdue) { try filter.conjuncts[0].evaluate(Batch(start: 0, count: 50), into: &truths) }
    }

    @Test func `the deadline is looked at after each relation that GEOS has not prepared`() throws {
        let sample = try SampleLayer(count: 2, seed: 5) { _ in Sieve.parallel(3, across: false) }
        var truths = [UInt8](repeating: 0, count: 2)
        for (relation, isPrepared) in [(SpatialRelation.crosses, false), (.equals, false), (.within, false), (.intersects, true)] {
            let filter = try Filter(
                .spatial(relation, .property("geometry"), .geometry(Sieve.parallel(3, across: true))), in: sample.publicSource)
            filter.context.deadline = Deadline(seconds: -1)
            let batch = Batch(start: 0, count: 1)
            if isPrepared {
                try filter.conjuncts[0].evaluate(batch, into: &truths)
                #expect(truths[0] == Truth.yes)
            } else {
                #expect(throws: QueryError.overdue, "\(relation)") { try filter.conjuncts[0].evaluate(batch, into: &truths) }
            }
        }
    }
}
