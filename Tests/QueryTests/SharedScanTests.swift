import CQL2
import Geo
import LayerStore
import TestKit
import Testing

@testable import Query

/// A scan that several threads share answers what one thread answers.
@Suite struct SharedScanTests {
    private let never = Deadline(seconds: nil)

    /// Everything that a sink is told, to be compared.
    private struct Record: RowScan.Sink {
        var rows: [Int] = []
        var count = 0
        /// Rows are wanted until there are so many.
        var limit = Int.max

        var wantsRows: Bool { rows.count < limit }
        mutating func take(_ run: Range<Int>) {
            count += run.count
            rows += run
        }
        mutating func take(_ selected: UnsafeBufferPointer<Int32>) {
            count += selected.count
            rows += selected.map(Int.init)
        }
        mutating func take(count: Int) { self.count += count }
    }

    @Test(arguments: 0..<4)
    func `rows, their order and their number do not depend on how many look`(seed: UInt64) throws {
        let sample = try FilterSample(count: 20_000, seed: 500 + seed)
        var filters = RandomFilter(seed: 5000 + seed)
        for number in 0..<30 {
            let area = number % 3 == 0 ? BoxArea(west: 139.4, south: 35.3, east: 139.9, north: 35.8) : nil
            let request = ItemsRequest(area: area, filter: filters.condition(depth: 2))
            for limit in [Int.max, 700, 0] {
                var alone = Record(limit: limit)
                try RowQuestion(request, in: sample.source, deadline: never).scan.run(into: &alone, deadline: never)
                var together = Record(limit: limit)
                let scan = SharedScan(
                    question: try RowQuestion(request, in: sample.source, deadline: never), portionRows: 1000, aloneFor: .zero,
                    helpers: SharedScan.Helpers(3))
                try scan.run(into: &together, deadline: never)
                #expect(together.count == alone.count, "\(request.filter!)")
                // Who has enough is only told numbers, from some point on that may differ.
                let wanted = min(limit, alone.count)
                #expect(together.rows.prefix(wanted) == alone.rows.prefix(wanted), "\(request.filter!)")
            }
        }
    }

    @Test func `helpers are given back, also when the time is over`() throws {
        let sample = try FilterSample(count: 9000, seed: 9)
        let helpers = SharedScan.Helpers(2)
        let request = ItemsRequest(filter: try Expression(text: "height > 0.5 or name like '%x%'"))
        for _ in 0..<5 {
            var sink = CountSink()
            let question = try RowQuestion(request, in: sample.source, deadline: never)
            let deadline = Deadline(seconds: nil)
            let scan = SharedScan(question: question, portionRows: 500, aloneFor: .zero, helpers: helpers)
            try scan.run(into: &sink, deadline: deadline)
            #expect(helpers.idle == 2)
            // Stopped after the first portion, so that those who share it are told.
            var stopping = Stopper(deadline: deadline)
            #expect(throws: QueryError.cancelled) { try scan.run(into: &stopping, deadline: deadline) }
            #expect(helpers.idle == 2)
        }
    }

    private struct Stopper: RowScan.Sink {
        let deadline: Deadline
        mutating func take(_ run: Range<Int>) { deadline.cancel() }
        mutating func take(_ rows: UnsafeBufferPointer<Int32>) { deadline.cancel() }
    }

    @Test func `a portion has so many rows, and all of them are in one`() {
        let runs = [(0..<10), (20..<21), (30..<95), (95..<95), (100..<104)].map { RowScan.Run(rows: $0, isDecided: $0.lowerBound == 20) }
        let portions = SharedScan.portions(runs, rows: 16)
        #expect(portions.flatMap { $0 }.flatMap { Array($0.rows) } == runs.flatMap { Array($0.rows) })
        #expect(portions.map { $0.reduce(0) { $0 + $1.rows.count } } == [16, 16, 16, 16, 16])
        #expect(portions.flatMap { $0 }.filter(\.isDecided).map(\.rows) == [20..<21])
    }
}
