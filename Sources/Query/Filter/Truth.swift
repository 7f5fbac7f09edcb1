/// The three truth values of SQL, a byte a row: their order makes AND the least, OR the greatest and NOT the distance to 2.
enum Truth {
    static let no: UInt8 = 0
    /// An operand is null, so nobody knows.
    static let unknown: UInt8 = 1
    static let yes: UInt8 = 2
}

/// Which truth values may occur among rows that nobody has looked at.
struct TruthSet: OptionSet {
    let rawValue: UInt8

    static let no = TruthSet(rawValue: 1)
    static let unknown = TruthSet(rawValue: 2)
    static let yes = TruthSet(rawValue: 4)
    static let any: TruthSet = [.no, .unknown, .yes]

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Of one truth value.
    init(_ truth: UInt8) { rawValue = 1 << truth }

    var negated: TruthSet {
        TruthSet(rawValue: (rawValue & 2) | (rawValue >> 2 & 1) | (rawValue << 2 & 4))
    }

    func and(_ other: TruthSet) -> TruthSet { combined(other, min) }
    func or(_ other: TruthSet) -> TruthSet { combined(other, max) }

    private func combined(_ other: TruthSet, _ rule: (UInt8, UInt8) -> UInt8) -> TruthSet {
        var result: TruthSet = []
        for a: UInt8 in 0...2 where contains(TruthSet(a)) {
            for b: UInt8 in 0...2 where other.contains(TruthSet(b)) { result.insert(TruthSet(rule(a, b))) }
        }
        return result
    }
}

/// Up to 4,096 rows of one block that a condition is put to.
struct Batch {
    /// What the numbers of a batch count.
    enum Domain {
        case rows
        /// Entries of the one dictionary that the condition reads, instead of the rows that have them.
        case entries
        /// A single place whose value is null.
        case null
    }

    var domain = Domain.rows
    /// The first row, when they follow each other.
    var start = 0
    /// The rows, ascending, when they do not.
    var rows: UnsafePointer<Int32>?
    var count: Int

    static let capacity = 4096

    @inline(__always)
    func row(_ i: Int) -> Int {
        if let rows { return Int(rows[i]) }
        return start &+ i
    }

    /// The rows of a batch that is not empty lie in here.
    var span: Range<Int> { row(0)..<row(count - 1) + 1 }
}

/// A condition bound to a layer: it says of each row of a batch whether it holds.
///
/// A node owns the memory it works in, so that nothing is allocated for a row; therefore it belongs to one thread at a time.
class TruthNode {
    /// Nanoseconds a row, roughly; orders conditions.
    var cost: Int { 1 }
    /// A cost from which on a batch is worth a look at the deadline, and a row worth leaving out.
    static let dear = 8
    /// How it is asked, for people who tune a filter.
    var text: String { "" }
    /// Where features of which it is true can be.
    var reach: Reach { .everywhere }

    /// Writes a truth value for each row of a batch that is not empty.
    func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        preconditionFailure("a condition without a rule")
    }

    /// What the statistics of a block of 4,096 rows leave possible.
    func possible(_ block: Int) throws(QueryError) -> TruthSet { .any }
}

/// Bytes, one for each row of a batch.
final class ByteScratch {
    let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: Batch.capacity)
    deinit { bytes.deallocate() }
}

final class RowScratch {
    let rows = UnsafeMutablePointer<Int32>.allocate(capacity: Batch.capacity)
    deinit { rows.deallocate() }
}

/// The same for all rows.
final class ConstantNode: TruthNode {
    let truth: UInt8

    init(_ truth: UInt8) { self.truth = truth }

    override var cost: Int { 0 }
    override var text: String { ["false", "unknown", "true"][Int(truth)] }
    override var reach: Reach { truth == Truth.yes ? .everywhere : .nowhere }
    override func possible(_ block: Int) throws(QueryError) -> TruthSet { TruthSet(truth) }
    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        out.update(repeating: truth, count: batch.count)
    }
}

final class NotNode: TruthNode {
    let inner: TruthNode

    init(_ inner: TruthNode) { self.inner = inner }

    override var cost: Int { inner.cost }
    override var text: String { "not (\(inner.text))" }
    override func possible(_ block: Int) throws(QueryError) -> TruthSet { try inner.possible(block).negated }
    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        try inner.evaluate(batch, into: out)
        for i in 0..<batch.count { out[i] = 2 &- out[i] }
    }
}

/// All of its parts, or any: AND is the least truth value, OR the greatest.
final class JunctionNode: TruthNode {
    let isAll: Bool
    /// Unknown as soon as one part is, even where another part settles the rest: so BETWEEN and the relations of times have it.
    let isStrict: Bool
    /// Cheapest first.
    let parts: [TruthNode]
    private let context: FilterContext
    private let scratch = ByteScratch()
    private lazy var places = RowScratch()
    private lazy var rows = RowScratch()

    init(_ context: FilterContext, all isAll: Bool, strict isStrict: Bool = false, _ parts: [TruthNode]) {
        self.context = context
        self.isAll = isAll
        self.isStrict = isStrict
        self.parts = parts.enumerated().sorted { ($0.element.cost, $0.offset) < ($1.element.cost, $1.offset) }.map(\.element)
    }

    override var cost: Int { parts.reduce(0) { $0 + $1.cost } }

    override var text: String { parts.map { "(\($0.text))" }.joined(separator: isAll ? " and " : " or ") }

    override var reach: Reach {
        isAll
            ? parts.reduce(Reach.everywhere) { $0.narrower($1.reach) }
            : parts.reduce(Reach.nowhere) { $0.joined($1.reach) }
    }

    override func possible(_ block: Int) throws(QueryError) -> TruthSet {
        var result: TruthSet = isAll ? .yes : .no
        let settled: TruthSet = isAll ? .no : .yes
        var isOpen = false
        for part in parts {
            let next = try part.possible(block)
            result = isAll ? result.and(next) : result.or(next)
            if next.contains(.unknown) { isOpen = true }
            if result == settled && !isStrict { break }
        }
        return isStrict && isOpen ? result.union(.unknown) : result
    }

    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        out.update(repeating: isAll ? Truth.yes : Truth.no, count: batch.count)
        for (number, part) in parts.enumerated() {
            if number > 0 && part.cost >= TruthNode.dear {
                // There may be hundreds.
                try context.deadline.check()
                // What costs much is asked only of the rows that are not settled yet.
                if !isStrict {
                    try refine(part, batch, out)
                    continue
                }
            }
            try part.evaluate(batch, into: scratch.bytes)
            let more = scratch.bytes
            if isStrict {
                for i in 0..<batch.count {
                    let isUnknown = out[i] == Truth.unknown || more[i] == Truth.unknown
                    out[i] = isUnknown ? Truth.unknown : isAll ? min(out[i], more[i]) : max(out[i], more[i])
                }
            } else if isAll {
                for i in 0..<batch.count { out[i] = min(out[i], more[i]) }
            } else {
                for i in 0..<batch.count { out[i] = max(out[i], more[i]) }
            }
        }
    }

    private func refine(_ part: TruthNode, _ batch: Batch, _ out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        let settled = isAll ? Truth.no : Truth.yes
        let (places, rows) = (places.rows, rows.rows)
        var open = 0
        for i in 0..<batch.count {
            places[open] = Int32(truncatingIfNeeded: i)
            rows[open] = Int32(truncatingIfNeeded: batch.row(i))
            open += out[i] == settled ? 0 : 1
        }
        guard open > 0 else { return }
        try part.evaluate(Batch(domain: batch.domain, rows: UnsafePointer(rows), count: open), into: scratch.bytes)
        for i in 0..<open {
            let place = Int(places[i])
            out[place] = isAll ? min(out[place], scratch.bytes[i]) : max(out[place], scratch.bytes[i])
        }
    }
}

/// `IS NULL` of what another condition says.
final class UnknownNode: TruthNode {
    let inner: TruthNode

    init(_ inner: TruthNode) { self.inner = inner }

    override var cost: Int { inner.cost }
    override var text: String { "(\(inner.text)) is unknown" }
    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        try inner.evaluate(batch, into: out)
        for i in 0..<batch.count { out[i] = out[i] == Truth.unknown ? Truth.yes : Truth.no }
    }
}

/// Two truth values compared: false comes before true.
final class CompareTruths: TruthNode {
    let comparison: ComparisonRule
    let left: TruthNode
    let right: TruthNode
    private let scratch = ByteScratch()

    init(_ comparison: ComparisonRule, _ left: TruthNode, _ right: TruthNode) {
        (self.comparison, self.left, self.right) = (comparison, left, right)
    }

    override var cost: Int { left.cost + right.cost + 1 }
    override var text: String { "(\(left.text)) \(comparison.text) (\(right.text))" }
    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        try left.evaluate(batch, into: out)
        try right.evaluate(batch, into: scratch.bytes)
        for i in 0..<batch.count {
            let (a, b) = (out[i], scratch.bytes[i])
            if a == Truth.unknown || b == Truth.unknown {
                out[i] = Truth.unknown
            } else {
                out[i] = comparison.truth(a < b ? -1 : a > b ? 1 : 0)
            }
        }
    }
}
