import Foundation
import Geo
import TestKit
import Testing

@testable import Query

@Suite struct StreamTests {
    let never = Deadline(seconds: nil)
    let transforms = TransformPool(gridDirectories: [])

    private func stream(
        _ sample: SampleLayer, _ format: FeatureFormat, _ request: ItemsRequest = ItemsRequest(), form: FeatureForm = FeatureForm(),
        encoding: TableEncoding = .utf8
    ) throws -> FeatureStream {
        let source = sample.publicSource
        let feed = RowFeed(try RowQuestion(request, in: source, deadline: never), rowCount: source.file.rowCount)
        return try FeatureStream(source, feed: feed, form: form, format: format, encoding: encoding, transforms: transforms)
    }

    /// 70,000 rows: more than are looked at at a time.
    private static let large: SampleLayer? = try? SampleLayer(count: 70_000, seed: 40) { generator in
        .point(Double.random(in: 139...140, using: &generator), Double.random(in: 35...36, using: &generator))
    }

    @Test func `pieces are small and together they are the whole, each feature once and in order`() throws {
        let sample = try #require(Self.large)
        let stream = try stream(sample, .geoJSONSequence)
        var bytes: [UInt8] = []
        while !stream.isDone {
            var size = 0
            #expect(
                try stream.next(never) {
                    bytes += $0
                    size = $0.count
                })
            #expect(size < 300_000)
        }
        #expect(try stream.next(never) { _ in } == false)
        #expect(stream.count == 70_000)
        let records = bytes.split(separator: 0x1E)
        #expect(records.count == 70_000 && records.allSatisfy { $0.last == 10 })
        for row in [0, 1, 65_535, 65_536, 69_999] {
            let feature = try #require(JSONSerialization.jsonObject(with: Data(records[row])) as? [String: Any])
            #expect((feature["id"] as? NSNumber)?.uint64Value == (try sample.file.number(row)))
        }
    }

    @Test func `conditions select what a page selects`() throws {
        let sample = try #require(Self.large)
        let request = ItemsRequest(
            area: BoxArea(west: 139.2, south: 35.3, east: 139.5, north: 35.6), equals: [.init(attribute: "usage", value: "住宅")],
            limit: 10_000)
        let page = try sample.publicSource.items(request, deadline: never)
        #expect(page.next == nil)
        let object = try JSONSerialization.jsonObject(with: Data(try stream(sample, .geoJSON, request).bytes(never))) as? [String: Any]
        let ids = (object?["features"] as? [[String: Any]])?.compactMap { ($0["id"] as? NSNumber)?.uint64Value }
        #expect(ids == (try page.rows.map { try sample.file.number($0) }))
    }

    @Test func `a table has a head, a line each, and null apart from empty`() throws {
        let sample = try SampleLayer(count: 300, seed: 41)
        let text = String(decoding: try stream(sample, .csv).bytes(never), as: UTF8.self)
        #expect(text.hasPrefix("id,usage,storeys,height,listed,built,name,WKT\r\n"))
        let marked = try stream(sample, .csv, encoding: .utf8WithMark).bytes(never)
        #expect(marked.prefix(3) == [0xEF, 0xBB, 0xBF] && Array(marked.dropFirst(3)) == Array(text.utf8))
        let short = try stream(sample, .csv, form: FeatureForm(attributes: ["height", "storeys"], hasGeometry: false))
        #expect(String(decoding: try short.bytes(never), as: UTF8.self).hasPrefix("id,storeys,height\r\n"))
        let empties = sample.values.filter { $0[0] == .text("") }.count
        let nulls = sample.values.filter { $0[0] == .null }.count
        let column = text.split(separator: "\r\n").dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false)[1] }
        #expect(column.filter { $0 == "\"\"" }.count == empties && column.filter { $0 == "" }.count == nulls)
    }

    @Test func `a form leaves out what was not asked for, and refuses what is hidden`() throws {
        let sample = try SampleLayer(count: 20, seed: 42)
        let bytes = try stream(sample, .geoJSON, form: FeatureForm(attributes: ["name"], hasGeometry: false)).bytes(never)
        let features = (try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])?["features"] as? [[String: Any]]
        for feature in try #require(features) {
            #expect((feature["properties"] as? [String: Any])?.keys.sorted() == ["name"] && feature["geometry"] is NSNull)
        }
        #expect(throws: QueryError.unknownProperty("keeper")) { try stream(sample, .geoJSON, form: FeatureForm(attributes: ["keeper"])) }
    }

    @Test(arguments: ["EPSG:6677", "EPSG:3857", "EPSG:4326", "EPSG:30169"])
    func `coordinates in another system come back to where they were`(name: String) throws {
        let sample = try SampleLayer(count: 60, seed: 43)
        let system = try #require(MapSystem(name))
        let bytes = try stream(sample, .geoJSON, form: FeatureForm(system: system)).bytes(never)
        let features = (try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])?["features"] as? [[String: Any]]
        for (row, feature) in try #require(features).enumerated() {
            guard let geometry = sample.geometries[row] else { continue }
            var numbers = numbers(feature["geometry"])
            if system.isNorthFirst { for i in 0..<numbers.count / 2 { numbers.swapAt(2 * i, 2 * i + 1) } }
            if !system.isStored {
                try transforms.with(system) { transform in #expect(transform.transform(&numbers) == 0) }
            }
            for (a, b) in zip(numbers, geometry.coordinates) { #expect(abs(a - b) < 3e-8, "\(name)") }
            #expect(numbers.count == geometry.coordinates.count)
        }
    }

    /// All numbers of a geometry in their order.
    private func numbers(_ value: Any?) -> [Double] {
        switch value {
        case let number as NSNumber: [number.doubleValue]
        case let list as [Any]: list.flatMap { numbers($0) }
        case let object as [String: Any]: numbers(object["coordinates"] ?? object["geometries"])
        default: []
        }
    }

    @Test func `a FlatGeobuf says how many features it has, and their sizes lead from one to the next`() throws {
        let sample = try SampleLayer(count: 500, seed: 44)
        let bytes = try stream(sample, .flatGeobuf).bytes(never)
        #expect(Array(bytes.prefix(4)) == [0x66, 0x67, 0x62, 3])
        func size(_ at: Int) -> Int { bytes.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: at, as: UInt32.self)) } }
        // 500 leaves, 32, 2 and 1 nodes.
        var place = 8 + 4 + size(8) + 40 * (500 + 32 + 2 + 1)
        var count = 0
        while place < bytes.count {
            #expect((4 + size(place)) % 8 == 0)
            place += 4 + size(place)
            count += 1
        }
        #expect(count == 500 && place == bytes.count)
    }

    @Test func `a stream ends when it is told to`() throws {
        let sample = try #require(Self.large)
        for format in FeatureFormat.allCases {
            let stream = try stream(sample, format)
            let deadline = Deadline(seconds: nil)
            #expect(try stream.next(deadline) { _ in })
            deadline.cancel()
            #expect(throws: QueryError.cancelled) { while try stream.next(deadline, { _ in }) {} }
        }
    }
}
