import CQL2
import Geo
import LayerStore

extension FilterBinder {
    /// - Throws: `invalidFilter` for values of different types.
    func compare(_ rule: ComparisonRule, _ left: Operand, _ right: Operand) throws(QueryError) -> TruthNode {
        // The value stands on the right.
        if left.isConstant && !right.isConstant { return try compare(rule.flipped, right, left) }
        if let test = columnTest(rule, left, right) { return test }
        let pair: CompareNumbers.Pair
        switch (left, right) {
        case (.text(let a), .text(let b)): return try settled(CompareTexts(context, rule, a, b), texts: [a, b])
        case (.truth(let a), .truth(let b)):
            let node = CompareTruths(rule, a, b)
            return left.isConstant && right.isConstant ? try constant(node) : node
        case (.integer(let a), .integer(let b)), (.day(let a), .day(let b)), (.instant(let a), .instant(let b)): pair = .integers(a, b)
        case (.real(let a), .real(let b)): pair = .reals(a, b)
        case (.integer(let a), .real(let b)): pair = .mixed(a, b)
        case (.day(let a), .instant(let b)): pair = .dayAndInstant(a, b)
        case (.real, .integer), (.instant, .day):
            guard left.isConstant else { return try swapped(rule, left, right) }
            return try constant(try swapped(rule, left, right))
        default:
            let (a, b) = (left.typeName, right.typeName)
            var (ja, en) = ("", "")
            if case .text = right, case .day = left { (ja, en) = ("日付は DATE('2024-03-31') と書きます。", " Write dates as DATE('2024-03-31').") }
            if case .text = right, case .instant = left {
                (ja, en) = ("日時は TIMESTAMP('2024-03-31T00:00:00Z') と書きます。", " Write times as TIMESTAMP('2024-03-31T00:00:00Z').")
            }
            throw invalid(
                "\(a.text("ja"))と\(b.text("ja"))は比べられません。\(ja)",
                "\(a.text("en").capitalizedFirst) cannot be compared with \(b.text("en")).\(en)")
        }
        let node = CompareNumbers(rule, pair)
        return left.isConstant && right.isConstant ? try constant(node) : node
    }

    private func swapped(_ rule: ComparisonRule, _ left: Operand, _ right: Operand) throws(QueryError) -> TruthNode {
        switch (left, right) {
        case (.real(let a), .integer(let b)): CompareNumbers(rule.flipped, .mixed(b, a))
        case (.instant(let a), .day(let b)): CompareNumbers(rule.flipped, .dayAndInstant(b, a))
        default: preconditionFailure("a pair that is not changed")
        }
    }

    /// A column compared with a value that is written out.
    private func columnTest(_ rule: ComparisonRule, _ left: Operand, _ right: Operand) -> TruthNode? {
        let comparison = rule.comparison
        func test(_ column: Column, _ values: ColumnTest.Values, _ value: String) -> ColumnTest {
            ColumnTest(
                layer, column, values, negated: comparison == .notEqual,
                text: "\(column.attribute.name) \(comparison == .notEqual ? "=" : comparison.rawValue) \(value)")
        }
        switch (left, right) {
        case (.text(let operand), .text(let other)):
            guard operand.isPlainColumn, let column = operand.column, let bytes = other.constant, column.entryCount != nil else {
                return nil
            }
            return test(column, .codes(codes(column, comparison, bytes)), other.text)
        case (.truth(let node as ColumnTest), .truth(let other as ConstantNode)):
            guard case .truth(true) = node.values, !node.isNegated, comparison == .equal || comparison == .notEqual,
                other.truth != Truth.unknown
            else { return nil }
            return (other.truth == Truth.yes) == (comparison == .equal) ? node : node.inverted()
        default: break
        }
        guard let set = wholeSet(comparison, left, right) else {
            guard case .real(let operand) = left, let column = operand.column else { return nil }
            switch right {
            case .real(let other): return other.constant.map { test(column, .real(ValueRanges(comparison, $0)), other.text) }
            case .integer(let other): return other.constant.map { test(column, .real(ValueRanges(comparison, $0)), other.text) }
            default: return nil
            }
        }
        return test(set.column, .whole(set.values), set.text)
    }

    /// The set of whole numbers that a column of integers, days or instants is compared with.
    private func wholeSet(
        _ comparison: Comparison, _ left: Operand, _ right: Operand
    ) -> (column: Column, values: ValueRanges<Int64>, text: String)? {
        switch (left, right) {
        case (.integer(let operand), .integer(let other)), (.day(let operand), .day(let other)),
            (.instant(let operand), .instant(let other)):
            guard let column = operand.column, let value = other.constant else { return nil }
            return (column, ValueRanges(comparison, value), other.text)
        case (.integer(let operand), .real(let other)):
            guard let column = operand.column, let value = other.constant else { return nil }
            return (column, ValueRanges(comparison, value), other.text)
        case (.day(let operand), .instant(let other)):
            guard let column = operand.column, let value = other.constant else { return nil }
            return (column, ValueRanges(comparison, Day.inJapan(value)), "the day of instant \(value)")
        case (.instant(let operand), .day(let other)):
            guard let column = operand.column, let value = other.constant else { return nil }
            let start = Day(daysSince1970: Int32(truncatingIfNeeded: value)).startInJapan
            let end = start + 86_400_000_000 - 1
            let values: ValueRanges<Int64> =
                switch comparison {
                case .equal, .notEqual: ValueRanges([start...end])
                case .less: ValueRanges(.less, start)
                case .lessOrEqual: ValueRanges(.lessOrEqual, end)
                case .greater: ValueRanges(.greater, end)
                case .greaterOrEqual: ValueRanges(.greaterOrEqual, start)
                }
            return (column, values, "day \(value)")
        default: return nil
        }
    }

    /// The codes of the dictionary's entries that compare so with a text: entries are sorted by their bytes.
    /// - Complexity: O(log n)
    func codes(_ column: Column, _ comparison: Comparison, _ text: [UInt8]) -> ValueRanges<Int64> {
        text.withUnsafeBytes { text in
            let entries = column.entryCount ?? 0
            var (low, high) = (0, entries)
            while low < high {
                let middle = (low + high) / 2
                if Order.of(column.entry(middle), text) < 0 { low = middle + 1 } else { high = middle }
            }
            let behind = low < entries && Order.of(column.entry(low), text) == 0 ? low + 1 : low
            let range: Range<Int> =
                switch comparison {
                case .equal, .notEqual: low..<behind
                case .less: 0..<low
                case .lessOrEqual: 0..<behind
                case .greater: behind..<entries
                case .greaterOrEqual: low..<entries
                }
            return ValueRanges(range.isEmpty ? [] : [Int64(range.lowerBound)...Int64(range.upperBound - 1)])
        }
    }

    // MARK: IN

    func isIn(_ value: Operand, _ items: [Expression]) throws(QueryError) -> TruthNode {
        var operands: [Operand] = []
        for item in items { operands.append(try operand(item)) }
        if operands.allSatisfy(\.isConstant), let set = try constantSet(value, operands) { return set }
        var parts: [TruthNode] = []
        for item in operands { parts.append(try compare(ComparisonRule(.equal), value, item)) }
        return parts.isEmpty ? ConstantNode(Truth.no) : junction(all: false, parts)
    }

    /// One test for a whole list of values; nil where the values are of no one type, which is for `compare` to say.
    private func constantSet(_ value: Operand, _ items: [Operand]) throws(QueryError) -> TruthNode? {
        switch value {
        case .text(let operand):
            let texts = items.compactMap { if case .text(let item) = $0 { item.constant } else { nil } }
            guard texts.count == items.count else { return nil }
            if operand.isPlainColumn, let column = operand.column, column.entryCount != nil {
                let ranges = texts.flatMap { codes(column, .equal, $0).ranges }
                return ColumnTest(
                    layer, column, .codes(ValueRanges(ranges)), negated: false, text: "\(column.attribute.name) in \(texts.count) texts")
            }
            return try settled(TextSetNode(context, operand, texts), texts: [operand])
        case .integer(let operand), .day(let operand), .instant(let operand):
            // As comparisons of a column; what is no column has the same ranges.
            var ranges: [ClosedRange<Int64>] = []
            for item in items {
                switch (value, item) {
                case (.integer, .integer(let other)), (.day, .day(let other)), (.instant, .instant(let other)):
                    guard let number = other.constant else { return nil }
                    ranges.append(number...number)
                case (.integer, .real(let other)):
                    guard let number = other.constant else { return nil }
                    ranges += ValueRanges<Int64>(.equal, number).ranges
                default: return nil
                }
            }
            let set = ValueRanges(ranges)
            guard let column = operand.column else {
                let node = NumberSetNode(.integer(operand, set))
                return value.isConstant ? try constant(node) : node
            }
            return ColumnTest(layer, column, .whole(set), negated: false, text: "\(column.attribute.name) in \(items.count) values")
        case .real(let operand):
            var ranges: [ClosedRange<Double>] = []
            for item in items {
                switch item {
                case .integer(let other):
                    guard let number = other.constant else { return nil }
                    ranges += ValueRanges<Double>(.equal, number).ranges
                case .real(let other):
                    guard let number = other.constant else { return nil }
                    ranges.append(number...number)
                default: return nil
                }
            }
            let set = ValueRanges(ranges)
            guard let column = operand.column else {
                let node = NumberSetNode(.real(operand, set))
                return value.isConstant ? try constant(node) : node
            }
            return ColumnTest(layer, column, .real(set), negated: false, text: "\(column.attribute.name) in \(items.count) values")
        case .truth: return nil
        }
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
