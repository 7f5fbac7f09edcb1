import Geo
import LayerStore

/// Whether a column's value is in a set: loops over thousands of rows that the compiler can make straight, and most blocks are decided
/// by their statistic.
final class ColumnTest: TruthNode {
    enum Values {
        /// Integers, instants (microseconds) or days.
        case whole(ValueRanges<Int64>)
        case real(ValueRanges<Double>)
        case truth(Bool)
        /// Codes of the dictionary, in the order of their texts.
        case codes(ValueRanges<Int64>)
    }

    private let layer: String
    let column: Column
    let values: Values
    /// True for the rows that are *not* in the set; null stays unknown.
    let isNegated: Bool
    private let words: String
    /// For sets of whole numbers close together a byte for each.
    private let members: Members?

    private struct Members {
        let first: Int64
        private(set) var bytes: [UInt8]

        /// Nil where the numbers lie too far apart, or where comparing is as good.
        init?(_ set: ValueRanges<Int64>) {
            guard set.ranges.count > 1, let first = set.ranges.first?.lowerBound, let last = set.ranges.last?.upperBound else { return nil }
            let (size, overflow) = last.subtractingReportingOverflow(first)
            guard !overflow, size < 1 << 16 else { return nil }
            self.first = first
            bytes = Array(repeating: 0, count: Int(size) + 1)
            for range in set.ranges {
                for place in Int(range.lowerBound - first)...Int(range.upperBound - first) { bytes[place] = 1 }
            }
        }
    }

    init(_ layer: String, _ column: Column, _ values: Values, negated: Bool, text: String) {
        (self.layer, self.column, self.values, isNegated, words) = (layer, column, values, negated, text)
        members =
            switch values {
            case .whole(let set), .codes(let set): Members(set)
            default: nil
            }
    }

    override var text: String { isNegated ? "not \(words)" : words }

    /// The same test the other way round.
    func inverted() -> ColumnTest { ColumnTest(layer, column, values, negated: !isNegated, text: words) }

    /// Both at once, or either, when both are sets of numbers of the same column: `5 <= x AND x < 9`.
    func merged(_ other: ColumnTest, all: Bool) -> ColumnTest? {
        guard !isNegated, !other.isNegated else { return nil }
        let both: Values
        switch (values, other.values) {
        case (.whole(let a), .whole(let b)): both = .whole(all ? a.intersection(b) : ValueRanges(a.ranges + b.ranges))
        case (.real(let a), .real(let b)): both = .real(all ? a.intersection(b) : ValueRanges(a.ranges + b.ranges))
        case (.codes(let a), .codes(let b)): both = .codes(all ? a.intersection(b) : ValueRanges(a.ranges + b.ranges))
        default: return nil
        }
        return ColumnTest(layer, column, both, negated: false, text: "\(words) \(all ? "and" : "or") \(other.words)")
    }

    override func possible(_ block: Int) throws(QueryError) -> TruthSet {
        let statistic = try reading(layer) { () throws(LayerFileError) in try column.statistic(block) }
        guard let statistic else { return .any }
        var result: TruthSet = statistic.nullCount > 0 ? .unknown : []
        var found: (some: Bool, all: Bool)?
        switch values {
        case .whole(let set), .codes(let set): found = statistic.integers.map { set.meets($0) }
        case .real(let set): found = statistic.reals.map { set.meets($0) }
        case .truth: return .any
        }
        // No values at all: the statistic says nothing but nulls.
        if let found {
            if found.some { result.insert(isNegated ? .no : .yes) }
            if !found.all { result.insert(isNegated ? .yes : .no) }
        }
        return result
    }

    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        let span = batch.span
        try reading(layer) { () throws(LayerFileError) in try column.touch(span) }
        let inside = isNegated ? Truth.no : Truth.yes
        let outside = 2 - inside
        switch (values, column.layout) {
        case (.truth(let wanted), _):
            let wanted: UInt8 = wanted ? 1 : 0
            fill(batch, out, column.values(as: UInt8.self)) { ($0 != 0 ? 1 : 0) == wanted ? inside : outside }
        case (.codes(let set), .codes(let isWide)):
            if isWide {
                whole(set, batch, out, column.values(as: UInt16.self), inside, outside)
            } else {
                whole(set, batch, out, column.values(as: UInt8.self), inside, outside)
            }
        case (.whole(let set), .days): whole(set, batch, out, column.values(as: Int32.self), inside, outside)
        case (.whole(let set), _): whole(set, batch, out, column.values(as: Int64.self), inside, outside)
        case (.real(let set), _):
            let numbers = column.values(as: Double.self)
            switch set.ranges.count {
            case 0: out.update(repeating: outside, count: batch.count)
            case 1:
                let (low, high) = (set.ranges[0].lowerBound, set.ranges[0].upperBound)
                fill(batch, out, numbers) { $0 >= low && $0 <= high ? inside : outside }
            default: fill(batch, out, numbers) { set.contains($0) ? inside : outside }
            }
        case (.codes, _): preconditionFailure("codes of a column without a dictionary")
        }
        Nulls.mark(column, batch, out, Truth.unknown)
    }

    @inline(__always)
    private func whole<T: FixedWidthInteger & BitwiseCopyable>(
        _ set: ValueRanges<Int64>, _ batch: Batch, _ out: UnsafeMutablePointer<UInt8>, _ numbers: UnsafePointer<T>, _ inside: UInt8,
        _ outside: UInt8
    ) {
        if set.ranges.isEmpty {
            out.update(repeating: outside, count: batch.count)
        } else if set.ranges.count == 1 {
            // As unsigned distances from the lower end one comparison does for two.
            let low = UInt64(bitPattern: set.ranges[0].lowerBound)
            let size = UInt64(bitPattern: set.ranges[0].upperBound) &- low
            fill(batch, out, numbers) { UInt64(bitPattern: Int64($0)) &- low <= size ? inside : outside }
        } else if let members {
            let (first, count) = (UInt64(bitPattern: members.first), UInt64(members.bytes.count))
            members.bytes.withUnsafeBufferPointer { bytes in
                fill(batch, out, numbers) {
                    let place = UInt64(bitPattern: Int64($0)) &- first
                    return place < count && bytes[Int(place)] != 0 ? inside : outside
                }
            }
        } else {
            fill(batch, out, numbers) { set.contains(Int64($0)) ? inside : outside }
        }
    }

    @inline(__always)
    private func fill<T>(_ batch: Batch, _ out: UnsafeMutablePointer<UInt8>, _ values: UnsafePointer<T>, _ truth: (T) -> UInt8) {
        if let rows = batch.rows {
            for i in 0..<batch.count { out[i] = truth(values[Int(rows[i])]) }
        } else {
            let values = values + batch.start
            for i in 0..<batch.count { out[i] = truth(values[i]) }
        }
    }
}

/// The null bits of a column, brought to the rows of a batch.
enum Nulls {
    /// Writes `mark` where the column is null and leaves the rest.
    @inline(__always)
    static func mark(_ column: Column, _ batch: Batch, _ out: UnsafeMutablePointer<UInt8>, _ mark: UInt8) {
        guard let bits = column.nullBits else { return }
        if let rows = batch.rows {
            for i in 0..<batch.count where bits[Int(rows[i]) >> 3] & (1 << UInt8(rows[i] & 7)) != 0 { out[i] = mark }
            return
        }
        var i = 0
        while i < batch.count {
            let row = batch.start + i
            if row & 7 == 0 && batch.count - i >= 8 {
                let byte = bits[row >> 3]
                if byte == 0xFF {
                    for place in 0..<8 { out[i + place] = mark }
                } else if byte != 0 {
                    for place in 0..<8 where byte & (1 << UInt8(place)) != 0 { out[i + place] = mark }
                }
                i += 8
            } else {
                if bits[row >> 3] & (1 << UInt8(row & 7)) != 0 { out[i] = mark }
                i += 1
            }
        }
    }
}

/// `IS NULL` of a column.
final class NullTest: TruthNode {
    private let layer: String
    private let column: Column
    private let isNegated: Bool

    init(_ layer: String, _ column: Column, negated: Bool) {
        (self.layer, self.column, isNegated) = (layer, column, negated)
    }

    override var text: String { "\(column.attribute.name) is \(isNegated ? "not " : "")null" }

    override func possible(_ block: Int) throws(QueryError) -> TruthSet {
        if column.nullBits == nil { return isNegated ? .yes : .no }
        let statistic = try reading(layer) { () throws(LayerFileError) in try column.statistic(block) }
        guard let statistic else { return [.yes, .no] }
        var result: TruthSet = []
        if statistic.nullCount > 0 { result.insert(isNegated ? .no : .yes) }
        if statistic.integers != nil || statistic.reals != nil { result.insert(isNegated ? .yes : .no) }
        return result
    }

    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        out.update(repeating: isNegated ? Truth.yes : Truth.no, count: batch.count)
        let span = batch.span
        try reading(layer) { () throws(LayerFileError) in try column.touch(span) }
        Nulls.mark(column, batch, out, isNegated ? Truth.no : Truth.yes)
    }
}

/// `IS NULL` of the feature's geometry: the rows without one come last.
final class GeometryNullTest: TruthNode {
    private let geometryCount: Int
    private let isNegated: Bool

    init(_ source: RowSource, negated: Bool) { (geometryCount, isNegated) = (source.file.geometryCount, negated) }

    override var text: String { "geometry is \(isNegated ? "not " : "")null" }

    override func possible(_ block: Int) throws(QueryError) -> TruthSet {
        let first = block * Column.statisticRows
        if first >= geometryCount { return isNegated ? .no : .yes }
        return first + Column.statisticRows <= geometryCount ? (isNegated ? .yes : .no) : [.yes, .no]
    }

    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        for i in 0..<batch.count { out[i] = (batch.row(i) < geometryCount) == isNegated ? Truth.yes : Truth.no }
    }
}
