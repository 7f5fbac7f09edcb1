import Geo
import LayerStore
import TestKit
import Testing

@testable import Query

@Suite struct IntervalTests {
    private static let day: Int64 = 86_400_000_000

    /// A layer whose features are from one day to another; either end may be missing.
    private func source(seed: UInt64, folder: TemporaryFolder) throws -> RowSource {
        var random = SeededGenerator(seed: seed)
        let attributes = [Attribute(name: "noted", type: .date), Attribute(name: "from", type: .date), Attribute(name: "to", type: .time)]
        let builder = try LayerBuilder(settings: .init(attributes: attributes), scratch: folder.url)
        for row in 0..<2000 {
            builder.set(0, date: Day(daysSince1970: 0))
            let start = Int32.random(in: 0..<100, using: &random)
            if Int.random(in: 0..<5, using: &random) > 0 { builder.set(1, date: Day(daysSince1970: start)) }
            if Int.random(in: 0..<5, using: &random) > 0 {
                let end = Int64(start) * Self.day + Int64.random(in: 0..<20 * Self.day, using: &random)
                builder.set(2, time: Instant(microseconds: end, zoneMinutes: 0))
            }
            try builder.endFeature(geometry: .point(140, 37), sourceRow: UInt64(row))
        }
        let url = folder.path("a.layer")
        _ = try builder.seal(as: url, identity: Identity(), facts: LayerFacts())
        return RowSource(layer: "a", file: try LayerFile.open(url), columns: [0, 1, 2], time: (start: "from", end: "to"))
    }

    @Test(arguments: 0..<6)
    func `datetime finds what lasts into the span, open ends included`(seed: UInt64) throws {
        let folder = try TemporaryFolder()
        let source = try source(seed: seed, folder: folder)
        var random = SeededGenerator(seed: seed + 100)
        for _ in 0..<40 {
            let first = Int64.random(in: -5 * Self.day..<110 * Self.day, using: &random)
            let last = first + Int64.random(in: 0..<9 * Self.day, using: &random)
            let span = TimeSpan(
                start: Bool.random(using: &random) ? first : nil, end: Bool.random(using: &random) ? last : nil)
            var wanted: [Int] = []
            for row in 0..<source.file.rowCount {
                var begins = Int64.min
                var ends = Int64.max
                if case .date(let day) = try source.file.columns[1].attributeValue(row) {
                    // A date is that whole day in Japan (UTC+9).
                    begins = Int64(day.daysSince1970) * Self.day - 9 * 3_600_000_000
                }
                if case .time(let instant) = try source.file.columns[2].attributeValue(row) { ends = instant.microseconds }
                if begins <= span.end ?? .max, ends >= span.start ?? .min { wanted.append(row) }
            }
            let page = try source.items(ItemsRequest(time: span, limit: 10_000), deadline: Deadline(seconds: nil))
            #expect(page.rows == wanted, "\(span)")
            #expect(page.matched == wanted.count)
        }
    }

    @Test(arguments: 0..<4)
    func `from when to when features are is what looking at each finds`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        let attributes = [Attribute(name: "from", type: .date), Attribute(name: "to", type: .time), Attribute(name: "text", type: .text)]
        let builder = try LayerBuilder(settings: .init(attributes: attributes), scratch: folder.url)
        let (hasEmptyStart, hasEmptyEnd) = (seed & 1 == 1, seed & 2 == 2)
        var (starts, ends): ([Int64], [Int64]) = ([], [])
        for row in 0..<10_000 {
            let start = Int32.random(in: -9000..<20_000, using: &random)
            let end = Int64(start) * Self.day + Int64.random(in: Self.day..<20 * Self.day, using: &random)
            if !hasEmptyStart || row != 7000 {
                builder.set(0, date: Day(daysSince1970: start))
                starts.append(Int64(start))
            }
            if !hasEmptyEnd || row != 3 {
                builder.set(1, time: Instant(microseconds: end, zoneMinutes: 0))
                ends.append(end)
            }
            try builder.endFeature(geometry: .point(140, 37), sourceRow: UInt64(row))
        }
        let url = folder.path("a.layer")
        _ = try builder.seal(as: url, identity: Identity(), facts: LayerFacts())
        let file = try LayerFile.open(url)
        func extent(_ start: String?, _ end: String?) -> TimeSpan? {
            RowSource(layer: "a", file: file, columns: [0, 1, 2], time: start.map { (start: $0, end: end) }).timeExtent
        }
        let japan: Int64 = 9 * 3_600_000_000
        let first = try #require(starts.min()) * Self.day - japan
        // A day ends with its last second.
        let last = try #require(starts.max()) * Self.day - japan + Self.day - 1_000_000
        #expect(extent("from", nil) == TimeSpan(start: first, end: last))
        #expect(extent("to", nil) == TimeSpan(start: ends.min(), end: ends.max()))
        #expect(extent("from", "to") == TimeSpan(start: hasEmptyStart ? nil : first, end: hasEmptyEnd ? nil : ends.max()))
        // Without a word from the description it is the first attribute of times.
        #expect(extent(nil, nil) == TimeSpan(start: ends.min(), end: ends.max()))
        #expect(RowSource(layer: "a", file: file, columns: [0, 2], time: (start: "to", end: nil)).timeExtent == nil, "not for this viewer")
        #expect(RowSource(layer: "a", file: file, columns: [2]).timeExtent == nil, "no time at all")
    }

    @Test func `an end that the viewer does not see is not asked about`() throws {
        let folder = try TemporaryFolder()
        let whole = try source(seed: 1, folder: folder)
        let masked = RowSource(layer: "a", file: whole.file, columns: [0, 1], time: whole.time)
        #expect(masked.timeColumns == nil)
        #expect(RowSource(layer: "a", file: whole.file, columns: [0, 1]).timeColumns?.start == 0)
        let page = try masked.items(ItemsRequest(time: TimeSpan(start: 0, end: 0), limit: 10), deadline: Deadline(seconds: nil))
        #expect(page.matched == whole.file.rowCount)
    }
}
