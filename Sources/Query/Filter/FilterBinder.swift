import CQL2
import Geo
import GeoNative
import LayerStore

/// What the conditions of one filter share while they run. One thread at a time.
final class FilterContext {
    let source: RowSource
    /// Of the binding first, then of each scan.
    var deadline: Deadline
    /// Kept from condition to condition and from batch to batch: many that are small take long together.
    var workLeft = WorkMeter.stretch

    private(set) lazy var geos = GEOSContext()

    init(_ source: RowSource, _ deadline: Deadline) { (self.source, self.deadline) = (source, deadline) }

    var layer: String { source.layer }
}

extension RowSource {
    /// What the geometry is called in filters; the first is the one that `/queryables` shows. An attribute of the same name goes before.
    static let geometryNames = ["geometry", "geom"]
}

/// Makes conditions of an expression: names become columns, types are checked, and what compares a column with a value becomes a set.
///
/// It goes down by recursion; parsed trees are at most `Limits.depth` deep.
struct FilterBinder {
    let context: FilterContext

    var source: RowSource { context.source }
    var layer: String { context.layer }

    /// A value of some type for each row.
    enum Operand {
        case integer(IntegerOperand)
        case real(RealOperand)
        case text(TextOperand)
        case truth(TruthNode)
        /// Days since 1970-01-01.
        case day(IntegerOperand)
        /// Microseconds since 1970-01-01T00:00:00Z.
        case instant(IntegerOperand)

        var typeName: LocalizedText {
            switch self {
            case .integer, .real: LocalizedText(ja: "数値", en: "a number")
            case .text: LocalizedText(ja: "文字列", en: "a text")
            case .truth: LocalizedText(ja: "真偽値", en: "a truth value")
            case .day: LocalizedText(ja: "日付", en: "a date")
            case .instant: LocalizedText(ja: "日時", en: "a timestamp")
            }
        }
    }

    func invalid(_ ja: String, _ en: String) -> QueryError { .invalidFilter(LocalizedText(ja: ja, en: en)) }

    // MARK: Conditions

    /// - Parameter negated: under an odd number of NOT; they are carried down to where they cost nothing.
    func condition(_ expression: Expression, negated: Bool = false) throws(QueryError) -> TruthNode {
        switch expression {
        case .and(let parts), .or(let parts):
            var isAll = negated
            if case .and = expression { isAll.toggle() }
            var nodes: [TruthNode] = []
            for part in parts { nodes.append(try condition(part, negated: negated)) }
            return junction(all: isAll, nodes)
        case .not(let inner): return try condition(inner, negated: !negated)
        case .comparison(let comparison, let left, let right):
            return turned(try compare(ComparisonRule(comparison), operand(left), operand(right)), negated)
        case .isNull(let inner): return try isNull(inner, negated: negated)
        case .like(let inner, let pattern): return turned(try like(inner, pattern), negated)
        case .between(let inner, let lower, let upper):
            let (value, lower, upper) = (try operand(inner), try operand(lower), try operand(upper))
            let parts = [
                try compare(ComparisonRule(.greaterOrEqual), value, lower), try compare(ComparisonRule(.lessOrEqual), value, upper),
            ]
            let isStrict = !(lower.isValue && upper.isValue)
            return turned(isStrict ? JunctionNode(context, all: true, strict: true, parts) : junction(all: true, parts), negated)
        case .isIn(let inner, let items): return turned(try isIn(operand(inner), items), negated)
        case .spatial(let relation, let left, let right): return try spatial(relation, left, right, negated: negated)
        case .temporal(let relation, let left, let right): return turned(try temporal(relation, left, right), negated)
        case .array(let relation, let left, let right): return turned(try array(relation, left, right), negated)
        case .boolean(let value): return ConstantNode(value != negated ? Truth.yes : Truth.no)
        case .property, .function:
            guard case .truth(let node) = try operand(expression) else {
                throw invalid("条件が必要なところに値があります。", "There is a value where a condition belongs.")
            }
            return turned(node, negated)
        default: throw invalid("条件が必要なところに値があります。", "There is a value where a condition belongs.")
        }
    }

    func turned(_ node: TruthNode, _ negated: Bool) -> TruthNode {
        guard negated else { return node }
        switch node {
        case let test as ColumnTest: return test.inverted()
        case let constant as ConstantNode: return ConstantNode(2 - constant.truth)
        case let not as NotNode: return not.inner
        default: return NotNode(node)
        }
    }

    /// AND or OR, flattened, with tests of one column put together.
    func junction(all isAll: Bool, _ nodes: [TruthNode]) -> TruthNode {
        var parts: [TruthNode] = []
        var places: [String: Int] = [:]
        func add(_ node: TruthNode) {
            if let inner = node as? JunctionNode, inner.isAll == isAll, !inner.isStrict {
                inner.parts.forEach(add)
            } else if let test = node as? ColumnTest, !test.isNegated {
                let name = test.column.attribute.name
                if let place = places[name], let both = (parts[place] as? ColumnTest)?.merged(test, all: isAll) {
                    parts[place] = both
                } else {
                    places[name] = parts.count
                    parts.append(test)
                }
            } else {
                parts.append(node)
            }
        }
        nodes.forEach(add)
        return parts.count == 1 ? parts[0] : JunctionNode(context, all: isAll, parts)
    }

    /// Asked once for each entry where all that is read is a dictionary; a constant where nothing is read.
    func settled(_ node: TruthNode, texts operands: [TextOperand]) throws(QueryError) -> TruthNode {
        let columns = operands.compactMap(\.column)
        guard let column = columns.first else { return try constant(node) }
        guard column.entryCount != nil, columns.allSatisfy({ $0.attribute.name == column.attribute.name }) else { return node }
        return try DictionaryNode(context, column, node)
    }

    /// The one truth value of a condition that reads no row.
    func constant(_ node: TruthNode) throws(QueryError) -> TruthNode {
        var truth = Truth.unknown
        try node.evaluate(Batch(domain: .null, count: 1), into: &truth)
        return ConstantNode(truth)
    }

    private func isNull(_ expression: Expression, negated: Bool) throws(QueryError) -> TruthNode {
        if case .property(let name) = expression {
            switch try property(name) {
            case .column(let number): return NullTest(layer, source.file.columns[number], negated: negated)
            case .geometry: return GeometryNullTest(source, negated: negated)
            }
        }
        switch expression {
        case .geometry, .bbox, .list, .interval: return ConstantNode(negated ? Truth.yes : Truth.no)
        default: break
        }
        let node: TruthNode =
            switch try operand(expression) {
            case .integer(let operand), .day(let operand), .instant(let operand): NumberNullNode(operand)
            case .real(let operand): NumberNullNode(operand)
            case .text(let operand): TextNullNode(context, operand)
            case .truth(let node): UnknownNode(node)
            }
        return turned(node, negated)
    }

    private func like(_ expression: Expression, _ pattern: Expression) throws(QueryError) -> TruthNode {
        guard case .text(let operand) = try operand(expression) else {
            throw invalid("LIKE の左は文字列でなければなりません。", "The left side of LIKE must be a text.")
        }
        var foldings: [TextFolding] = []
        var inner = pattern
        while true {
            if case .casei(let next) = inner {
                foldings.append(.casei)
                inner = next
            } else if case .accenti(let next) = inner {
                foldings.append(.accenti)
                inner = next
            } else {
                break
            }
        }
        guard case .text(let text) = inner else {
            throw invalid("LIKE の型は文字列リテラルでなければなりません。", "The pattern of LIKE must be a text literal.")
        }
        let node = LikeNode(context, operand, LikePattern(text) { run in foldings.reversed().reduce(run) { $1.fold($0) } })
        return try settled(node, texts: [operand])
    }

    // MARK: Values

    enum Property {
        case column(Int)
        case geometry
    }

    /// - Throws: `unknownProperty`, for hidden attributes as for those that are not.
    func property(_ name: String) throws(QueryError) -> Property {
        if let number = source.column(named: name) { return .column(number) }
        if RowSource.geometryNames.contains(name) { return .geometry }
        throw .unknownProperty(name)
    }

    func operand(_ expression: Expression) throws(QueryError) -> Operand {
        switch expression {
        case .property(let name):
            guard case .column(let number) = try property(name) else {
                throw invalid(
                    "「\(name)」は図形です。空間演算の中でだけ使えます。", "“\(name)” is a geometry; it can only stand in spatial relations.")
            }
            let column = source.file.columns[number]
            switch column.attribute.type {
            case .integer: return .integer(IntegerColumn(layer, column))
            case .real: return .real(RealColumn(layer, column))
            case .boolean: return .truth(ColumnTest(layer, column, .truth(true), negated: false, text: name))
            case .date: return .day(IntegerColumn(layer, column))
            case .time: return .instant(IntegerColumn(layer, column))
            case .text: return .text(TextColumn(layer, column))
            case .json:
                throw invalid("「\(name)」は一覧です。配列演算の中でだけ使えます。", "“\(name)” is a list; it can only stand in array relations.")
            }
        case .text(let text): return .text(TextConstant(Array(text.utf8)))
        case .integer(let value): return .integer(IntegerConstant(value))
        case .real(let value):
            guard value.isFinite else { throw invalid("数値が大きすぎます。", "The number is too large.") }
            return .real(RealConstant(value))
        case .boolean(let value): return .truth(ConstantNode(value ? Truth.yes : Truth.no))
        case .date(let day): return .day(IntegerConstant(Int64(day.daysSince1970)))
        case .timestamp(let instant): return .instant(IntegerConstant(instant.microseconds))
        case .arithmetic(let operation, let left, let right): return try arithmetic(operation, operand(left), operand(right))
        case .casei(let inner): return try folded(inner, .casei)
        case .accenti(let inner): return try folded(inner, .accenti)
        case .function(let name, let arguments): return try function(name, arguments)
        case .and, .or, .not, .comparison, .isNull, .like, .between, .isIn, .spatial, .temporal, .array:
            return .truth(try condition(expression))
        case .interval, .geometry, .bbox, .list:
            throw invalid(
                "期間、図形、一覧は比べられません。", "Intervals, geometries and lists belong in their own relations, not in comparisons.")
        }
    }

    private func folded(_ expression: Expression, _ folding: TextFolding) throws(QueryError) -> Operand {
        guard case .text(let inner) = try operand(expression) else {
            throw invalid("\(folding.rawValue.uppercased()) は文字列に使います。", "\(folding.rawValue.uppercased()) takes a text.")
        }
        return .text(folded(inner, folding))
    }

    private func folded(_ inner: TextOperand, _ folding: TextFolding) -> TextOperand {
        guard let text = inner.constant else { return FoldedText(inner, folding) }
        return TextConstant(Array(folding.fold(String(decoding: text, as: UTF8.self)).utf8))
    }

    private func arithmetic(_ operation: Arithmetic, _ left: Operand, _ right: Operand) throws(QueryError) -> Operand {
        if case .integer(let a) = left, case .integer(let b) = right, let rule = ArithmeticRule.integer(operation) {
            return try constant(.integer(IntegerRule(operation.rawValue, [a, b], rule)), isConstant: left.isConstant && right.isConstant)
        }
        guard let a = left.real, let b = right.real else {
            throw invalid("計算できるのは数値だけです。", "Only numbers can be reckoned with.")
        }
        let rule = RealRule(operation.rawValue, [a, b], ArithmeticRule.real(operation))
        return try constant(.real(rule), isConstant: left.isConstant && right.isConstant)
    }

    /// What depends on no row is worked out at once.
    private func constant(_ operand: Operand, isConstant: Bool) throws(QueryError) -> Operand {
        guard isConstant else { return operand }
        let batch = Batch(domain: .null, count: 1)
        switch operand {
        case .integer(let rule):
            try rule.evaluate(batch)
            return .integer(IntegerConstant(rule.nulls[0] == 0 ? rule.numbers[0] : nil))
        case .real(let rule):
            try rule.evaluate(batch)
            return .real(RealConstant(rule.nulls[0] == 0 ? rule.numbers[0] : nil))
        default: return operand
        }
    }

    private func function(_ name: String, _ arguments: [Expression]) throws(QueryError) -> Operand {
        guard let function = FilterFunction.all.first(where: { $0.name == name.lowercased() }) else {
            throw invalid("関数「\(name.prefix(80))」はありません。", "There is no function “\(name.prefix(80))”.")
        }
        guard arguments.count == function.arguments.count || (function.isVariadic && arguments.count > 1) else {
            throw invalid("関数「\(name)」の引数の数が違います。", "The function “\(name)” takes another number of arguments.")
        }
        if function.arguments[0].types == [.geometry] {
            guard case .property(let name) = arguments[0], case .geometry = try property(name) else {
                throw invalid(
                    "関数「\(function.name)」の引数は地物の図形です。", "The argument of the function “\(function.name)” is the feature’s geometry.")
            }
            return .real(GeometryMeasure(context, function.name, function.name == "area_m2" ? .area : .length))
        }
        var operands: [Operand] = []
        for argument in arguments { operands.append(try operand(argument)) }
        let isConstant = operands.allSatisfy(\.isConstant)
        if case .text(let text) = operands[0] {
            switch function.name {
            case "lower": return .text(folded(text, .lower))
            case "upper": return .text(folded(text, .upper))
            case "length":
                guard let text = text.constant else { return .integer(TextLength(context, text)) }
                return .integer(IntegerConstant(Int64(String(decoding: text, as: UTF8.self).unicodeScalars.count)))
            default: break
            }
        }
        let integers = operands.compactMap { if case .integer(let operand) = $0 { operand } else { nil } }
        if integers.count == operands.count, let rule = FilterBinder.integerRule(function.name) {
            return try constant(.integer(IntegerRule(function.name, integers, rule)), isConstant: isConstant)
        }
        let reals = operands.compactMap(\.real)
        guard reals.count == operands.count, let rule = FilterBinder.realRule(function.name) else {
            throw invalid("関数「\(name)」の引数の型が違います。", "The function “\(name)” takes arguments of another type.")
        }
        return try constant(.real(RealRule(function.name, reals, rule)), isConstant: isConstant)
    }

    private static func integerRule(_ name: String) -> ((Int64, Int64) -> Int64?)? {
        switch name {
        case "abs": { a, _ in a == .min ? nil : Swift.abs(a) }
        case "round", "floor", "ceil": { a, _ in a }
        case "min": { Swift.min($0, $1) }
        case "max": { Swift.max($0, $1) }
        default: nil
        }
    }

    private static func realRule(_ name: String) -> ((Double, Double) -> Double)? {
        switch name {
        case "abs": { a, _ in Swift.abs(a) }
        case "round": { a, _ in a.rounded(.toNearestOrAwayFromZero) }
        case "floor": { a, _ in a.rounded(.down) }
        case "ceil": { a, _ in a.rounded(.up) }
        case "min": { Swift.min($0, $1) }
        case "max": { Swift.max($0, $1) }
        default: nil
        }
    }
}

extension FilterBinder.Operand {
    /// Null is a constant too.
    var isConstant: Bool {
        switch self {
        case .integer(let operand), .day(let operand), .instant(let operand): operand is IntegerConstant
        case .real(let operand): operand is RealConstant
        case .text(let operand): operand.constant != nil
        case .truth(let node): node is ConstantNode
        }
    }

    /// A constant that is not null.
    var isValue: Bool {
        switch self {
        case .integer(let operand), .day(let operand), .instant(let operand): operand.constant != nil
        case .real(let operand): operand.constant != nil
        case .text(let operand): operand.constant != nil
        case .truth(let node): (node as? ConstantNode).map { $0.truth != Truth.unknown } ?? false
        }
    }

    /// A number as a double; nil for what is no number.
    var real: RealOperand? {
        switch self {
        case .real(let operand): operand
        case .integer(let operand as IntegerConstant): RealConstant(operand.constant.map { Double($0) })
        case .integer(let operand): RealFromInteger(operand)
        default: nil
        }
    }
}
