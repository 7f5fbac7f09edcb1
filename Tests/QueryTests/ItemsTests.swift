import FoundationEssentials
import Geo
import GeoNative
import LayerStore
import TestKit
import Testing

@testable import Query

/// A layer file of random features, and what is in it as plain values.
struct SampleLayer {
    static let attributes = [
        Attribute(name: "usage", type: .text), Attribute(name: "storeys", type: .integer), Attribute(name: "height", type: .real),
        Attribute(name: "listed", type: .boolean), Attribute(name: "built", type: .date), Attribute(name: "name", type: .text),
        Attribute(name: "keeper", type: .text, visibility: .internal),
    ]

    let folder: TemporaryFolder
    let file: LayerFile
    let geometries: [Geometry?]
    let values: [[AttributeValue]]

    init(count: Int, seed: UInt64, geometry: (inout SeededGenerator) -> Geometry? = { RandomGeometry().geometry(using: &$0) }) throws {
        var generator = SeededGenerator(seed: seed)
        folder = try TemporaryFolder()
        let scratch = try TemporaryFolder()
        let builder = try LayerBuilder(settings: .init(attributes: SampleLayer.attributes), scratch: scratch.url)
        for i in 0..<count {
            func sometimes(_ body: () throws -> Void) rethrows { if Int.random(in: 0..<6, using: &generator) > 0 { try body() } }
            try sometimes { try builder.set(0, text: ["住宅", "商業", "工場", ""].randomElement(using: &generator)!) }
            sometimes { builder.set(1, integer: Int64.random(in: -3...40, using: &generator)) }
            sometimes { builder.set(2, real: Double(Int.random(in: 0...100, using: &generator)) / 4) }
            sometimes { builder.set(3, boolean: Bool.random(using: &generator)) }
            sometimes { builder.set(4, date: Day(daysSince1970: Int32.random(in: 10_000...10_100, using: &generator))) }
            try sometimes { try builder.set(5, text: "建物 \"\(i % 50)\"\n") }
            try sometimes { try builder.set(6, text: "氏名\(i)") }
            let shape = Int.random(in: 0..<25, using: &generator) == 0 ? nil : geometry(&generator)
            try builder.endFeature(geometry: shape, sourceRow: UInt64(i))
        }
        let url = folder.path("a.layer")
        _ = try builder.seal(as: url, identity: Identity(), facts: LayerFacts())
        file = try LayerFile.open(url)
        var geometries: [Geometry?] = []
        var values: [[AttributeValue]] = []
        for row in 0..<file.rowCount {
            geometries.append(row < file.geometryCount ? try file.shape(row).geometry : nil)
            values.append(try file.columns.map { try $0.attributeValue(row) })
        }
        (self.geometries, self.values) = (geometries, values)
    }

    var publicSource: RowSource { RowSource(layer: "sample", file: file, columns: [0, 1, 2, 3, 4, 5]) }
}

/// GEOS's answer, the independent witness.
func geosMeets(_ geometry: Geometry?, _ boxes: [Envelope], _ context: GEOSContext) throws -> Bool {
    guard let geometry else { return true }
    for box in boxes where try NativeGeometry(geometry, in: context).intersects(witness(box, context)) { return true }
    return false
}

private func witness(_ box: Envelope, _ context: GEOSContext) throws -> NativeGeometry {
    let corners = [(box.minX, box.minY), (box.maxX, box.minY), (box.maxX, box.maxY), (box.minX, box.maxY), (box.minX, box.minY)]
    if box.minX == box.maxX && box.minY == box.maxY { return try NativeGeometry(Geometry.point(box.minX, box.minY), in: context) }
    return try NativeGeometry(Geometry.polygon([corners.map { Point(x: $0.0, y: $0.1) }]), in: context)
}

@Suite struct ItemsTests {
    let never = Deadline(seconds: nil)

    @Test(arguments: 0..<12)
    func `boxes select what GEOS says they meet, and what has no geometry`(seed: UInt64) throws {
        let sample = try SampleLayer(count: 300, seed: seed)
        let context = GEOSContext()
        var generator = SeededGenerator(seed: 500 + seed)
        for _ in 0..<25 {
            let x = Double.random(in: 139.45...140, using: &generator)
            let y = Double.random(in: 35.35...35.9, using: &generator)
            let size = [0.0005, 0.01, 0.1, 0.4].randomElement(using: &generator)!
            let area = try #require(BoxArea(west: x, south: y, east: x + size, north: y + size))
            let page = try sample.publicSource.items(ItemsRequest(area: area, limit: 10_000), deadline: never)
            let boxes = area.boxes.map(\.roundedToUnits)
            let expected = try sample.geometries.indices.filter { try geosMeets(sample.geometries[$0], boxes, context) }
            #expect(page.rows == expected)
            #expect(page.matched == expected.count && page.next == nil)
        }
    }

    @Test func `a box over the antimeridian takes both sides, each feature once`() throws {
        let sample = try SampleLayer(count: 200, seed: 4) { generator in
            let side = Bool.random(using: &generator) ? 179.9 : -179.9
            // Some reach from one box to the other the long way round.
            return Int.random(in: 0..<10, using: &generator) == 0
                ? .lineString([Point(x: -179.99, y: 1), Point(x: 179.99, y: 1)])
                : .point(side + Double.random(in: -0.09...0.09, using: &generator), Double.random(in: -1...1, using: &generator))
        }
        let context = GEOSContext()
        let area = try #require(BoxArea(west: 179.85, south: -2, east: -179.85, north: 2))
        #expect(area.boxes.count == 2)
        let page = try sample.publicSource.items(ItemsRequest(area: area, limit: 10_000), deadline: never)
        let expected = try sample.geometries.indices.filter { try geosMeets(sample.geometries[$0], area.boxes, context) }
        #expect(page.rows == expected && page.matched == expected.count)
    }

    @Test(arguments: 0..<10)
    func `conditions keep what a plain loop keeps`(seed: UInt64) throws {
        let sample = try SampleLayer(count: 9000, seed: 50 + seed) { generator in
            .point(Double.random(in: 139...140, using: &generator), Double.random(in: 35...36, using: &generator))
        }
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<10 {
            var request = ItemsRequest(limit: 10_000)
            var wanted: [(Int, AttributeValue)] = []
            for column in [0, 1, 2, 3, 4, 5] where Int.random(in: 0..<4, using: &generator) == 0 {
                let value = sample.values[Int.random(in: 0..<9000, using: &generator)][column]
                let text: String
                switch value {
                case .text(let v): text = v
                case .integer(let v): text = String(v)
                case .real(let v): text = String(v)
                case .boolean(let v): text = String(v)
                case .date(let v):
                    let civil = v.civil
                    text = "\(civil.year)-\(civil.month < 10 ? "0" : "")\(civil.month)-\(civil.day < 10 ? "0" : "")\(civil.day)"
                default: continue
                }
                request.equals.append(.init(attribute: SampleLayer.attributes[column].name, value: text))
                wanted.append((column, value))
            }
            if Bool.random(using: &generator) { request.area = BoxArea(west: 139.2, south: 35.3, east: 139.8, north: 35.9) }
            let page = try sample.publicSource.items(request, deadline: never)
            let expected = sample.values.indices.filter { row in
                wanted.allSatisfy { sample.values[row][$0.0] == $0.1 }
                    && (request.area == nil || sample.geometries[row].map { request.area!.boxes[0].contains($0.vertex(0)) } ?? true)
            }
            #expect(page.rows == expected && page.matched == expected.count)
        }
    }

    @Test func `times select days in Japan, and what has no time`() throws {
        let sample = try SampleLayer(count: 500, seed: 8)
        // 1997-06-01 in Japan begins at 15:00 UTC the day before.
        let day = try #require(Day(year: 1997, month: 6, day: 1))
        let start = (Int64(day.daysSince1970) * 86400 - 9 * 3600) * 1_000_000
        let page = try sample.publicSource.items(
            ItemsRequest(time: TimeSpan(start: start, end: start), limit: 10_000), deadline: never)
        let expected = sample.values.indices.filter { sample.values[$0][4] == .null || sample.values[$0][4] == .date(day) }
        #expect(page.rows == expected)
    }

    @Test(arguments: [1, 7, 100, 1000])
    func `pages by row and by offset tile the whole`(limit: Int) throws {
        let sample = try SampleLayer(count: 700, seed: 3)
        for equals in [[], [ItemsRequest.Equality(attribute: "usage", value: "住宅")]] {
            let request = ItemsRequest(area: BoxArea(west: 139.6, south: 35.4, east: 139.9, north: 35.8), equals: equals, limit: 10_000)
            let whole = try sample.publicSource.items(request, deadline: never)
            var byRow: [Int] = []
            var position: ItemsRequest.Position? = .start
            while let here = position {
                var part = request
                (part.limit, part.position) = (limit, here)
                let page = try sample.publicSource.items(part, deadline: never)
                #expect(page.matched == whole.matched)
                byRow += page.rows
                position = page.next.map { .row($0) }
            }
            #expect(byRow == whole.rows)
            var byOffset: [Int] = []
            while byOffset.count < whole.rows.count {
                var part = request
                (part.limit, part.position) = (limit, .offset(byOffset.count))
                byOffset += try sample.publicSource.items(part, deadline: never).rows
            }
            #expect(byOffset == whole.rows)
            var beyond = request
            beyond.position = .offset(whole.rows.count)
            #expect(try sample.publicSource.items(beyond, deadline: never).rows.isEmpty)
        }
    }

    @Test func `a page of large geometries ends early and goes on where it ended`() throws {
        let sample = try SampleLayer(count: 200, seed: 30)
        let whole = try sample.publicSource.items(ItemsRequest(limit: 1000), deadline: never)
        var seen: [Int] = []
        var rest: ItemsPage? = whole
        while let page = rest {
            let cut = try sample.publicSource.withinBudget(page, vertices: 50)
            #expect(!cut.rows.isEmpty && cut.matched == whole.matched)
            let vertices = cut.rows.reduce(0) { $0 + (sample.geometries[$1]?.vertexCount ?? 0) }
            #expect(vertices <= 50 || cut.rows.count == 1)
            seen += cut.rows
            rest = try cut.next.map { try sample.publicSource.items(ItemsRequest(limit: 1000, position: .row($0)), deadline: never) }
        }
        #expect(seen == whole.rows)
    }

    @Test func `a hidden attribute cannot be asked for and is not written`() throws {
        let sample = try SampleLayer(count: 60, seed: 5)
        #expect(throws: QueryError.unknownProperty("keeper")) {
            try sample.publicSource.items(ItemsRequest(equals: [.init(attribute: "keeper", value: "氏名1")]), deadline: never)
        }
        let page = try sample.publicSource.items(ItemsRequest(limit: 100), deadline: never)
        let json = String(
            decoding: try sample.publicSource.collection(
                page, form: FeatureForm(), links: "[]", timeStamp: "2026-01-01T00:00:00Z", transforms: TransformPool(gridDirectories: [])
            ).bytes(never), as: UTF8.self)
        #expect(!json.contains("氏名") && !json.contains("keeper"))
        #expect(throws: QueryError.invalidValue(property: "storeys", value: "三")) {
            try sample.publicSource.items(ItemsRequest(equals: [.init(attribute: "storeys", value: "三")]), deadline: never)
        }
    }

    @Test func `time that ran out is an error, never a short answer`() throws {
        let sample = try SampleLayer(count: 5000, seed: 6)
        let request = ItemsRequest(equals: [.init(attribute: "usage", value: "住宅")], limit: 10_000)
        #expect(throws: QueryError.overdue) { try sample.publicSource.items(request, deadline: Deadline(seconds: -1)) }
        let gone = Deadline(seconds: nil)
        gone.cancel()
        #expect(throws: QueryError.cancelled) { try sample.publicSource.items(request, deadline: gone) }
    }
}

@Suite struct PlaceTests {
    @Test(arguments: 0..<10)
    func `a place is in what GEOS says covers it, corners and edges too`(seed: UInt64) throws {
        let sample = try SampleLayer(count: 150, seed: 900 + seed)
        let context = GEOSContext()
        var generator = SeededGenerator(seed: seed)
        var places: [Point] = []
        for geometry in sample.geometries.compactMap({ $0 }).prefix(40) {
            places.append(geometry.vertex(Int.random(in: 0..<geometry.vertexCount, using: &generator)))
            let envelope = geometry.envelope
            for _ in 0..<5 {
                places.append(
                    Point(
                        x: Double.random(in: envelope.minX...envelope.maxX, using: &generator),
                        y: Double.random(in: envelope.minY...envelope.maxY, using: &generator)))
            }
        }
        for place in places {
            let exact = Envelope(minX: place.x, minY: place.y, maxX: place.x, maxY: place.y).roundedToUnits
            let rows = try sample.publicSource.featuresAt(Point(x: exact.minX, y: exact.minY))
            let point = try NativeGeometry(Geometry.point(exact.minX, exact.minY), in: context)
            var expected: [Int] = []
            for (row, geometry) in sample.geometries.enumerated() {
                guard let geometry else { continue }
                if try NativeGeometry(geometry, in: context).intersects(point) { expected.append(row) }
            }
            #expect(rows == expected)
        }
    }
}
