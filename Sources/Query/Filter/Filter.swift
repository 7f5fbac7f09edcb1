import CQL2
import Geo
import LayerStore

/// A filter bound to the rows of one layer, type-checked, and planned: the index first, then block statistics, then columns from the
/// cheapest to the dearest, and geometry last.
///
/// It owns the memory its conditions work in and so belongs to one thread; each thread that asks binds its own.
struct Filter {
    let context: FilterContext
    /// All must hold, cheapest first.
    let conjuncts: [TruthNode]
    /// Where features that hold can be.
    let reach: Reach

    /// - Throws: `unknownProperty` for a name that the viewer does not see; `invalidFilter` where operands do not fit together; `overdue`.
    /// - Complexity: O(nodes), and for texts with a small dictionary its entries
    init(_ expression: Expression, in context: FilterContext) throws(QueryError) {
        self.context = context
        let root = try FilterBinder(context: context).condition(expression)
        if let junction = root as? JunctionNode, junction.isAll, !junction.isStrict {
            conjuncts = junction.parts
        } else {
            conjuncts = [root]
        }
        reach = root.reach
    }

    init(_ expression: Expression, in source: RowSource, deadline: Deadline = Deadline(seconds: nil)) throws(QueryError) {
        try self.init(expression, in: FilterContext(source, deadline))
    }

    /// The plan in words, a line a step, for `kasane query --explain`.
    func explanation() throws(QueryError) -> String {
        var lines: [String] = []
        switch reach {
        case .everywhere: lines.append("index: not used")
        case .boxes(let boxes) where boxes.isEmpty: lines.append("index: nothing can hold")
        case .boxes(let boxes):
            let words = boxes.map { "\($0.minX),\($0.minY),\($0.maxX),\($0.maxY)" }
            lines.append("index: \(words.joined(separator: "; "))")
        }
        let file = context.source.file
        let blocks = (file.rowCount + Column.statisticRows - 1) / Column.statisticRows
        var (none, all) = (0, 0)
        for block in 0..<blocks {
            var verdicts: [TruthSet] = []
            for conjunct in conjuncts { verdicts.append(try conjunct.possible(block)) }
            if verdicts.contains(where: { !$0.contains(.yes) }) {
                none += 1
            } else if verdicts.allSatisfy({ $0 == .yes }) {
                all += 1
            }
        }
        lines.append("statistics: of \(blocks) blocks \(none) passed over, \(all) taken whole, \(blocks - none - all) looked at")
        for (number, conjunct) in conjuncts.enumerated() { lines.append("\(number + 1). \(conjunct.text)") }
        return lines.joined(separator: "\n")
    }
}
