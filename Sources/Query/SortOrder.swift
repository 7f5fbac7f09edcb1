import Geo
import Glibc
import LayerStore

/// The order of `sortby`: by one attribute after another, nulls as the greatest (last ascending, first descending), texts by code point, ties by
/// feature id ascending. No two rows are equal in it.
struct SortOrder {
    private enum Part {
        case column(Column, isDescending: Bool)
        /// Features' numbers, which are all different.
        case number
    }

    private let file: LayerFile
    private let parts: [Part]

    /// - Throws: `unknownProperty`; `notSortable` for lists and objects.
    init(_ keys: [ItemsRequest.SortKey], in source: RowSource) throws(QueryError) {
        file = source.file
        var parts: [Part] = []
        for key in keys {
            guard let number = source.column(named: key.attribute) else { throw .unknownProperty(key.attribute) }
            let column = file.columns[number]
            guard column.attribute.type != .json else { throw .notSortable(key.attribute) }
            parts.append(.column(column, isDescending: key.isDescending))
        }
        // Hidden identifiers must not be told by an order. Numbers settle what is left: an identifier is unique, but not its column's rounding to a type.
        if source.showsIdentifier, let column = file.idColumn { parts.append(.column(file.columns[column], isDescending: false)) }
        parts.append(.number)
        self.parts = parts
    }

    /// Checks the blocks that the keys of these rows lie in.
    func touch(_ rows: Range<Int>) throws(LayerFileError) {
        for part in parts {
            switch part {
            case .column(let column, _): try column.touch(rows)
            case .number: try file.touchNumbers(rows)
            }
        }
    }

    /// A number in whose order the first key lies, as far as 64 bits tell: rows of a lower one come first, those of the same one have to be compared.
    @inline(__always)
    func rank(_ row: Int) -> UInt64 {
        switch parts[0] {
        case .column(let column, let isDescending):
            let rank = column.isNull(row) ? .max : SortOrder.rank(column, row)
            return isDescending ? ~rank : rank
        case .number: return file.number(touched: row)
        }
    }

    /// The lowest rank that a row of the block `4096 × block ..<` can have; nil when nothing is known.
    func leastRank(block: Int) throws(LayerFileError) -> UInt64? {
        guard case .column(let column, let isDescending) = parts[0], let known = try column.statistic(block) else { return nil }
        if isDescending && known.nullCount > 0 { return 0 }
        if let range = known.integers {
            return isDescending ? ~SortOrder.rank(range.upperBound) : SortOrder.rank(range.lowerBound)
        }
        if let range = known.reals { return isDescending ? ~SortOrder.rank(range.upperBound) : SortOrder.rank(range.lowerBound) }
        return nil
    }

    /// Whether row `a` comes before row `b`; both were touched.
    func precedes(_ a: Int, _ b: Int) -> Bool {
        for part in parts {
            switch part {
            case .column(let column, let isDescending):
                let order = SortOrder.compare(column, a, b)
                if order != 0 { return isDescending ? order > 0 : order < 0 }
            case .number:
                let (left, right) = (file.number(touched: a), file.number(touched: b))
                if left != right { return left < right }
            }
        }
        return a < b
    }

    // MARK: Keys

    private static func rank(_ column: Column, _ row: Int) -> UInt64 {
        // Entries of a dictionary lie in the order of their code points.
        if column.entryCount != nil { return rank(Int64(column.code(row))) }
        switch column.value(row) {
        case .null: return .max
        case .integer(let value): return rank(value)
        case .real(let value): return rank(value)
        case .boolean(let value): return value ? 1 : 0
        case .date(let day): return rank(Int64(day.daysSince1970))
        case .time(let instant): return rank(instant.microseconds)
        case .text(let bytes), .json(let bytes):
            // The order of UTF-8 is that of code points.
            var rank: UInt64 = 0
            for i in 0..<8 { rank = rank << 8 | (i < bytes.count ? UInt64(bytes[i]) : 0) }
            return rank
        }
    }

    private static func rank(_ value: Int64) -> UInt64 { UInt64(bitPattern: value) ^ 1 << 63 }

    private static func rank(_ value: Double) -> UInt64 {
        let bits = (value == 0 ? 0.0 : value).bitPattern
        return bits >> 63 == 1 ? ~bits : bits | 1 << 63
    }

    /// Below, at or above 0 as the value of `a` is less than, equal to or greater than that of `b`.
    private static func compare(_ column: Column, _ a: Int, _ b: Int) -> Int {
        switch (column.isNull(a), column.isNull(b)) {
        case (true, true): return 0
        case (true, false): return 1
        case (false, true): return -1
        case (false, false): break
        }
        if column.entryCount == nil, case .text(let left) = column.value(a), case .text(let right) = column.value(b) {
            let common = min(left.count, right.count)
            if common > 0 {
                let order = memcmp(left.baseAddress!, right.baseAddress!, common)
                if order != 0 { return Int(order) }
            }
            return left.count - right.count
        }
        let (left, right) = (rank(column, a), rank(column, b))
        return left < right ? -1 : left > right ? 1 : 0
    }
}

/// Keeps the first rows of a sort order while all that hold go by, and counts them.
///
/// Never more than twice what is asked for is kept. Memory: 16 bytes a row kept; nothing is allocated for one that is not.
struct SortSink: RowScan.Sink {
    private struct Pick {
        var rank: UInt64
        var row: Int32
    }

    private let order: SortOrder
    private let offset: Int
    private let limit: Int
    private let deadline: Deadline
    /// The row with which the page begins: those before it do not count.
    private let start: Pick?
    private var picks: [Pick] = []
    /// Once there are enough, the last of them: what comes after it cannot be on the page.
    private var last: Pick?
    private(set) var matched = 0
    /// Why the walk is of no use any more.
    private var failure: QueryError?
    private let source: RowSource

    init(_ order: SortOrder, limit: Int, position: ItemsRequest.Position, deadline: Deadline, source: RowSource) throws(QueryError) {
        self.order = order
        self.limit = limit
        self.deadline = deadline
        self.source = source
        switch position {
        case .start: (offset, start) = (0, nil)
        case .offset(let offset): (self.offset, start) = (offset, nil)
        case .row(let row):
            offset = 0
            try reading(source.layer) { () throws(LayerFileError) in try order.touch(row..<row + 1) }
            start = Pick(rank: order.rank(row), row: Int32(truncatingIfNeeded: row))
        }
    }

    /// One more than the page, to know what the next one begins with.
    private var needed: Int { offset + limit + 1 }

    mutating func take(_ run: Range<Int>) {
        matched += run.count
        let size = Column.statisticRows
        var first = run.lowerBound
        while first < run.upperBound, failure == nil {
            let end = min(run.upperBound, (first / size + 1) * size)
            look(first..<end) { sink in
                for row in first..<end { sink.add(row) }
            }
            first = end
        }
    }

    mutating func take(_ rows: UnsafeBufferPointer<Int32>) {
        matched += rows.count
        guard let first = rows.first, let last = rows.last, failure == nil else { return }
        look(Int(first)..<Int(last) + 1) { sink in
            for row in rows { sink.add(Int(row)) }
        }
    }

    /// Adds rows of one block, unless the block has none that could be kept.
    @inline(__always)
    private mutating func look(_ rows: Range<Int>, _ body: (inout SortSink) -> Void) {
        do throws(QueryError) {
            if rows.count > 64 { try deadline.check() }
            let order = order
            let least = try reading(source.layer) { () throws(LayerFileError) in
                try order.leastRank(block: rows.lowerBound / Column.statisticRows)
            }
            if let last, let least, least > last.rank { return }
            try reading(source.layer) { () throws(LayerFileError) in try order.touch(rows) }
        } catch {
            failure = error
            return
        }
        body(&self)
    }

    @inline(__always)
    private mutating func add(_ row: Int) {
        let pick = Pick(rank: order.rank(row), row: Int32(truncatingIfNeeded: row))
        if let start, precedes(pick, start) { return }
        if let last, !precedes(pick, last) { return }
        picks.append(pick)
        if picks.count >= 2 * needed + 4096 { cut() }
    }

    @inline(__always)
    private func precedes(_ a: Pick, _ b: Pick) -> Bool {
        a.rank != b.rank ? a.rank < b.rank : order.precedes(Int(a.row), Int(b.row))
    }

    private mutating func cut() {
        let order = order
        picks.sort { a, b in a.rank != b.rank ? a.rank < b.rank : order.precedes(Int(a.row), Int(b.row)) }
        guard picks.count >= needed else { return }
        picks.removeLast(picks.count - needed)
        last = picks.last
    }

    /// The rows of the page in order, and the one that the next page begins with.
    mutating func page() throws(QueryError) -> (rows: [Int], next: Int?) {
        if let failure { throw failure }
        cut()
        let rows = picks.dropFirst(offset).prefix(limit).map { Int($0.row) }
        return (rows, picks.count > offset + limit ? Int(picks[offset + limit].row) : nil)
    }
}
