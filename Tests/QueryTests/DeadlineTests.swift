import CQL2
import Geo
import LayerStore
import TestKit
import Testing

@testable import Query

@Suite struct DeadlineTests {
    @Test func `a part is over when the whole is, or when it is told so`() throws {
        let whole = Deadline(seconds: nil)
        let part = Deadline(within: whole)
        try part.check()
        part.shorten(to: 1e9)
        try part.check()
        part.shorten(to: -1)
        #expect(throws: QueryError.overdue) { try part.check() }
        part.shorten(to: 60)
        #expect(throws: QueryError.overdue, "it is never longer again") { try part.check() }
        try whole.check()
        let other = Deadline(within: whole)
        whole.cancel()
        #expect(throws: QueryError.cancelled) { try other.check() }
        #expect(throws: QueryError.overdue) { try Deadline(within: Deadline(seconds: -1)).check() }
        try Deadline(seconds: .infinity).check()
    }

    @Test func `a page that is not to be counted is the same page`() throws {
        let source = try SampleLayer(count: 20_000, seed: 5).publicSource
        var request = ItemsRequest(filter: try Expression(text: "storeys > 3"), limit: 50)
        let counted = try source.items(request, deadline: Deadline(seconds: nil))
        request.counts = false
        let plain = try source.items(request, deadline: Deadline(seconds: nil))
        #expect(plain.rows == counted.rows && plain.next == counted.next)
        #expect(plain.matched == nil && counted.matched != nil)
        // The last page is found without counting too.
        request.limit = 10_000
        request.position = .row(try #require(counted.next))
        let rest = try source.items(request, deadline: Deadline(seconds: nil))
        #expect(rest.rows.count + 50 == min(10_050, try #require(counted.matched)))
    }

    @Test func `rows that do not hold are passed in pieces, and none is lost`() throws {
        let source = try SampleLayer(count: 30_000, seed: 6).publicSource
        func gather(_ filter: String) throws -> (rows: [Int], pauses: Int) {
            var feed = RowFeed(
                try RowQuestion(ItemsRequest(filter: try Expression(text: filter)), in: source, deadline: Deadline(seconds: nil)),
                rowCount: source.file.rowCount)
            var rows: [Int] = []
            var pauses = 0
            while true {
                switch try feed.refill(Deadline(seconds: nil)) {
                case .found: while let row = feed.next() { rows.append(row) }
                case .notYet: pauses += 1
                case .end: return (rows, pauses)
                }
            }
        }
        #expect(try gather("storeys > 1000").pauses > 0)
        #expect(try gather("storeys > 1000").rows.isEmpty)
        let wanted = try source.items(
            ItemsRequest(filter: try Expression(text: "storeys = 7"), limit: 10_000), deadline: Deadline(seconds: nil))
        #expect(try gather("storeys = 7").rows == wanted.rows)
    }
}
