import Geo
import LayerStore

/// A condition that reads one attribute whose texts are kept in a dictionary: asked once of each entry, not of each row.
///
/// A large dictionary is asked only for the entries that occur, so that a small box does not pay for the whole of it.
final class DictionaryNode: TruthNode {
    private let context: FilterContext
    private let column: Column
    private let inner: TruthNode
    private let isWide: Bool
    /// A truth value for every code that a column of this width can have, `unasked` at first.
    private let table: UnsafeMutablePointer<UInt8>
    private let nullTruth: UInt8
    /// For each truth value how many entries before a code have it; empty when not all were asked.
    private var counts: [[UInt32]] = []
    private lazy var pending = RowScratch()
    private lazy var answers = ByteScratch()

    private static let unasked: UInt8 = 3
    /// Larger dictionaries are asked as their entries occur.
    private static let eagerLimit = 4096

    init(_ context: FilterContext, _ column: Column, _ inner: TruthNode) throws(QueryError) {
        guard case .codes(let isWide) = column.layout, let entries = column.entryCount else {
            preconditionFailure("a column without a dictionary")
        }
        (self.context, self.column, self.inner, self.isWide) = (context, column, inner, isWide)
        try context.deadline.check()
        var truth = Truth.unknown
        try inner.evaluate(Batch(domain: .null, count: 1), into: &truth)
        nullTruth = truth
        let size = isWide ? 1 << 16 : 1 << 8
        table = .allocate(capacity: size)
        table.initialize(repeating: Truth.no, count: size)
        table.update(repeating: DictionaryNode.unasked, count: entries)
        super.init()
        guard entries <= DictionaryNode.eagerLimit else { return }
        if entries > 0 { try inner.evaluate(Batch(domain: .entries, start: 0, count: entries), into: table) }
        counts = (0...2).map { truth in
            var sum: UInt32 = 0
            return [0]
                + (0..<entries).map { code in
                    if table[code] == UInt8(truth) { sum += 1 }
                    return sum
                }
        }
    }

    deinit { table.deallocate() }

    override var cost: Int { counts.isEmpty ? 4 : 2 }

    override var text: String {
        guard let all = counts.last?.last else { return "\(inner.text), once for each text that occurs" }
        return "\(inner.text), true of \(all) of \(column.entryCount ?? 0) texts"
    }

    override func possible(_ block: Int) throws(QueryError) -> TruthSet {
        let statistic = try reading(context.layer) { () throws(LayerFileError) in try column.statistic(block) }
        guard let statistic, !counts.isEmpty else { return .any }
        var result: TruthSet = statistic.nullCount > 0 ? TruthSet(nullTruth) : []
        if let codes = statistic.integers, codes.lowerBound >= 0, codes.upperBound < counts[0].count - 1 {
            for truth in 0...2 where counts[truth][Int(codes.upperBound) + 1] > counts[truth][Int(codes.lowerBound)] {
                result.insert(TruthSet(UInt8(truth)))
            }
        } else if statistic.integers != nil {
            return .any
        }
        return result
    }

    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        let span = batch.span
        try reading(context.layer) { () throws(LayerFileError) in try column.touch(span) }
        if isWide {
            try look(batch, out, column.values(as: UInt16.self))
        } else {
            try look(batch, out, column.values(as: UInt8.self))
        }
        Nulls.mark(column, batch, out, nullTruth)
    }

    @inline(__always)
    private func look<Code: FixedWidthInteger>(
        _ batch: Batch, _ out: UnsafeMutablePointer<UInt8>, _ codes: UnsafePointer<Code>
    ) throws(QueryError) {
        if counts.isEmpty { try ask(batch, codes) }
        if let rows = batch.rows {
            for i in 0..<batch.count { out[i] = table[Int(codes[Int(rows[i])])] }
        } else {
            let codes = codes + batch.start
            for i in 0..<batch.count { out[i] = table[Int(codes[i])] }
        }
    }

    /// Asks for the entries of the batch that nobody asked for yet.
    private func ask<Code: FixedWidthInteger>(_ batch: Batch, _ codes: UnsafePointer<Code>) throws(QueryError) {
        try context.deadline.check()
        var open = 0
        for i in 0..<batch.count {
            let code = Int(codes[batch.row(i)])
            guard table[code] == DictionaryNode.unasked else { continue }
            // Marked, so that it is asked once.
            table[code] = Truth.unknown
            pending.rows[open] = Int32(truncatingIfNeeded: code)
            open += 1
        }
        guard open > 0 else { return }
        try inner.evaluate(Batch(domain: .entries, rows: UnsafePointer(pending.rows), count: open), into: answers.bytes)
        for i in 0..<open { table[Int(pending.rows[i])] = answers.bytes[i] }
    }
}
