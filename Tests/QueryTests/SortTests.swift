import Geo
import LayerStore
import TestKit
import Testing

@testable import Query

@Suite struct SortTests {
    let never = Deadline(seconds: nil)

    /// The order as the reference has it: value by value, nulls the greatest, ties by id.
    private func sorted(_ rows: [Int], _ keys: [ItemsRequest.SortKey], _ sample: SampleLayer) throws -> [Int] {
        let columns = try keys.map { key in try #require(SampleLayer.attributes.firstIndex { $0.name == key.attribute }) }
        let numbers = try rows.reduce(into: [:]) { $0[$1] = try sample.file.number($1) }
        return rows.sorted { a, b in
            for (key, column) in zip(keys, columns) {
                let (left, right) = (sample.values[a][column], sample.values[b][column])
                if left == right { continue }
                let isLess = less(left, right)
                return key.isDescending ? !isLess : isLess
            }
            return numbers[a]! < numbers[b]!
        }
    }

    private func less(_ a: AttributeValue, _ b: AttributeValue) -> Bool {
        switch (a, b) {
        case (.null, _): false
        case (_, .null): true
        case (.integer(let a), .integer(let b)): a < b
        case (.real(let a), .real(let b)): a < b
        case (.boolean(let a), .boolean(let b)): !a && b
        case (.date(let a), .date(let b)): a < b
        case (.text(let a), .text(let b)): a.unicodeScalars.lexicographicallyPrecedes(b.unicodeScalars)
        default: false
        }
    }

    private func keys(_ generator: inout SeededGenerator) -> [ItemsRequest.SortKey] {
        let names = SampleLayer.attributes.prefix(6).map(\.name).shuffled(using: &generator)
        return names.prefix(Int.random(in: 1...3, using: &generator)).map {
            ItemsRequest.SortKey(attribute: $0, isDescending: Bool.random(using: &generator))
        }
    }

    @Test(arguments: 0..<12)
    func `any order is that of a plain sort, by offset too`(seed: UInt64) throws {
        let sample = try SampleLayer(count: 5000, seed: 70 + seed) { generator in
            .point(Double.random(in: 139...140, using: &generator), Double.random(in: 35...36, using: &generator))
        }
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<6 {
            let keys = keys(&generator)
            var request = ItemsRequest(sort: keys, limit: Int.random(in: 1...400, using: &generator))
            if Bool.random(using: &generator) { request.equals = [.init(attribute: "listed", value: "true")] }
            if Bool.random(using: &generator) { request.area = BoxArea(west: 139.2, south: 35.3, east: 139.8, north: 35.9) }
            var plain = request
            (plain.sort, plain.limit) = ([], 10_000)
            let expected = try sorted(try sample.publicSource.items(plain, deadline: never).rows, keys, sample)
            let offset = Int.random(in: 0...expected.count, using: &generator)
            request.position = .offset(offset)
            let page = try sample.publicSource.items(request, deadline: never)
            #expect(page.rows == Array(expected.dropFirst(offset).prefix(request.limit)), "\(keys)")
            #expect(page.matched == expected.count)
            #expect(page.next == expected.dropFirst(offset + request.limit).first)
        }
    }

    @Test(arguments: 0..<6)
    func `paging by row gives each feature once, in any order and under conditions`(seed: UInt64) throws {
        let sample = try SampleLayer(count: 900, seed: 170 + seed)
        var generator = SeededGenerator(seed: seed)
        for limit in [1, 7, 100, 2000] {
            let keys = keys(&generator)
            var request = ItemsRequest(sort: keys, limit: limit)
            if limit > 1 { request.equals = [.init(attribute: "usage", value: "住宅")] }
            if limit == 1 { request.equals = [.init(attribute: "storeys", value: "3")] }
            var plain = request
            (plain.sort, plain.limit) = ([], 10_000)
            let expected = try sorted(try sample.publicSource.items(plain, deadline: never).rows, keys, sample)
            var seen: [Int] = []
            var position: ItemsRequest.Position? = .start
            while let here = position {
                request.position = here
                let page = try sample.publicSource.items(request, deadline: never)
                #expect(page.matched == expected.count)
                seen += page.rows
                position = page.next.map { .row($0) }
            }
            #expect(seen == expected, "\(keys)")
        }
    }

    @Test func `texts that begin alike are ordered by what follows`() throws {
        let sample = try SampleLayer(count: 3000, seed: 9)
        let page = try sample.publicSource.items(ItemsRequest(sort: [.init(attribute: "name")], limit: 3000), deadline: never)
        #expect(page.rows == (try sorted(Array(0..<sample.file.rowCount), [.init(attribute: "name")], sample)))
    }

    @Test func `an order by what is hidden or unknown is refused`() throws {
        let sample = try SampleLayer(count: 10, seed: 1)
        for name in ["keeper", "nothing"] {
            #expect(throws: QueryError.unknownProperty(name)) {
                try sample.publicSource.items(ItemsRequest(sort: [.init(attribute: name)]), deadline: never)
            }
        }
    }

    @Test func `time that runs out in sorting is an error`() throws {
        let sample = try SampleLayer(count: 5000, seed: 6)
        #expect(throws: QueryError.overdue) {
            try sample.publicSource.items(ItemsRequest(sort: [.init(attribute: "height")]), deadline: Deadline(seconds: -1))
        }
    }
}
