import CQL2
import Geo

/// The fifteen relations of times (OGC 21-065r2, 7.6: tables 8 and 9), as comparisons of their ends, so that columns and statistics answer them.
///
/// An instant is an interval that ends where it begins; a date is that whole day in Japan, and where a date meets a timestamp the day of the
/// timestamp is compared: the last day of an interval of dates belongs to it. An open end is before, or after, everything and equal
/// to other open ends of its side. As the standard has it, the relation is unknown when an end is null.
extension FilterBinder {
    fileprivate enum End {
        case openStart
        case openEnd
        case at(Operand)
    }

    func temporal(_ relation: TemporalRelation, _ left: Expression, _ right: Expression) throws(QueryError) -> TruthNode {
        let (a, b) = (try span(left), try span(right))
        func ends(_ x: End, _ comparison: Comparison, _ y: End) throws(QueryError) -> TruthNode {
            switch (x, y) {
            case (.at(let x), .at(let y)): return try compare(ComparisonRule(comparison), x, y)
            case (.openStart, .openStart), (.openEnd, .openEnd): return ConstantNode(ComparisonRule(comparison).truth(0))
            case (.openStart, _), (_, .openEnd): return ConstantNode(ComparisonRule(comparison).truth(-1))
            case (.openEnd, _), (_, .openStart): return ConstantNode(ComparisonRule(comparison).truth(1))
            }
        }
        let parts: [TruthNode]
        switch relation {
        case .after: parts = [try ends(a.start, .greater, b.end)]
        case .before: parts = [try ends(a.end, .less, b.start)]
        case .disjoint: parts = [try ends(a.end, .less, b.start), try ends(a.start, .greater, b.end)]
        case .intersects: parts = [try ends(a.start, .lessOrEqual, b.end), try ends(a.end, .greaterOrEqual, b.start)]
        case .equals: parts = [try ends(a.start, .equal, b.start), try ends(a.end, .equal, b.end)]
        case .contains: parts = [try ends(a.start, .less, b.start), try ends(a.end, .greater, b.end)]
        case .during: parts = [try ends(a.start, .greater, b.start), try ends(a.end, .less, b.end)]
        case .finishedBy: parts = [try ends(a.start, .less, b.start), try ends(a.end, .equal, b.end)]
        case .finishes: parts = [try ends(a.start, .greater, b.start), try ends(a.end, .equal, b.end)]
        case .startedBy: parts = [try ends(a.start, .equal, b.start), try ends(a.end, .greater, b.end)]
        case .starts: parts = [try ends(a.start, .equal, b.start), try ends(a.end, .less, b.end)]
        case .meets: parts = [try ends(a.end, .equal, b.start)]
        case .metBy: parts = [try ends(a.start, .equal, b.end)]
        case .overlaps:
            parts = [
                try ends(a.start, .less, b.start), try ends(a.end, .greater, b.start), try ends(a.end, .less, b.end),
            ]
        case .overlappedBy:
            parts = [
                try ends(a.start, .greater, b.start), try ends(a.start, .less, b.end), try ends(a.end, .greater, b.end),
            ]
        }
        let isAll = relation != .disjoint
        let operands = [a.start, a.end, b.start, b.end].compactMap {
            if case .at(let operand) = $0, !operand.isConstant { operand } else { nil }
        }
        // One attribute alone, read by every comparison, is null in all of them or in none.
        let columns = Set(operands.map(\.columnName))
        if columns.isEmpty { return junction(all: isAll, parts) }
        let readsNone = parts.contains { $0 is ConstantNode }
        if columns.count == 1 && columns != [nil] && !readsNone { return junction(all: isAll, parts) }
        let guards = operands.compactMap { nullGuard($0, neutral: isAll ? Truth.yes : Truth.no) }
        return JunctionNode(context, all: isAll, strict: true, parts + guards)
    }

    private func nullGuard(_ operand: Operand, neutral: UInt8) -> TruthNode? {
        switch operand {
        case .day(let operand), .instant(let operand): NullGuard(operand, neutral: neutral)
        default: nil
        }
    }

    private func span(_ expression: Expression) throws(QueryError) -> (start: End, end: End) {
        guard case .interval(let start, let end) = expression else {
            let instant = try moment(expression)
            return (.at(instant), .at(instant))
        }
        let from = try start.map { expression throws(QueryError) in End.at(try moment(expression)) } ?? .openStart
        let to = try end.map { expression throws(QueryError) in End.at(try moment(expression)) } ?? .openEnd
        if case .at(let a) = from, case .at(let b) = to, a.isConstant, b.isConstant,
            let order = try compare(ComparisonRule(.greater), a, b) as? ConstantNode, order.truth == Truth.yes
        {
            throw invalid("期間の終わりが始まりより前です。", "An interval ends before it begins.")
        }
        return (from, to)
    }

    private func moment(_ expression: Expression) throws(QueryError) -> Operand {
        let operand = try operand(expression)
        switch operand {
        case .day, .instant: return operand
        default:
            let name = operand.typeName
            throw invalid(
                "時間の演算には日付か日時が必要ですが、\(name.text("ja"))があります。", "Temporal relations take dates and timestamps, not \(name.text("en")).")
        }
    }
}

extension FilterBinder.Operand {
    fileprivate var columnName: String? {
        switch self {
        case .day(let operand), .instant(let operand): operand.column?.attribute.name
        default: nil
        }
    }
}

/// Unknown where an operand is null, and what changes nothing elsewhere.
final class NullGuard: TruthNode {
    private let operand: IntegerOperand
    private let neutral: UInt8

    init(_ operand: IntegerOperand, neutral: UInt8) { (self.operand, self.neutral) = (operand, neutral) }

    override var cost: Int { 4 }
    override var text: String { "\(operand.text) is known" }
    override func possible(_ block: Int) throws(QueryError) -> TruthSet { [.unknown, TruthSet(neutral)] }
    override func evaluate(_ batch: Batch, into out: UnsafeMutablePointer<UInt8>) throws(QueryError) {
        try operand.evaluate(batch)
        for i in 0..<batch.count { out[i] = operand.nulls[i] != 0 ? Truth.unknown : neutral }
    }
}
