import Geo

/// An expression on its way into a tree: how high it is, and where it began, for whoever has to refuse it.
struct Node {
    var expression: Expression
    var height = 1
    var offset: Int
}

/// Makes the nodes of both forms: what may stand where, and how much of it.
struct TreeBuilder {
    let limits: Limits
    /// Nodes so far, as `Expression.nodeCount` counts them.
    private var nodes = 0
    private var vertices = 0

    init(_ limits: Limits) {
        self.limits = limits
    }

    // MARK: Nodes

    mutating func leaf(_ expression: Expression, at offset: Int) throws(FilterError) -> Node {
        try count(offset)
        return Node(expression: expression, offset: offset)
    }

    /// A node over `children`, which are part of `expression` already.
    mutating func node(_ expression: Expression, over children: [Node], at offset: Int) throws(FilterError) -> Node {
        try count(offset)
        var height = 0
        for child in children { height = max(height, child.height) }
        guard height < limits.depth else { throw .tooDeep(offset, limits.depth) }
        return Node(expression: expression, height: height + 1, offset: offset)
    }

    private mutating func count(_ offset: Int) throws(FilterError) {
        nodes += 1
        guard nodes <= limits.nodes else {
            throw .limit(
                offset, ja: "フィルターの条件が多すぎます。\(limits.nodes)個以内にしてください。",
                en: "The filter has too many parts; at most \(limits.nodes) are allowed.")
        }
    }

    /// Takes an element into a list. Plain values in lists are not counted as nodes.
    mutating func append(_ element: Node, to elements: inout [Node]) throws(FilterError) {
        if element.expression.isLiteral { nodes -= 1 }
        guard elements.count < limits.listItems else {
            throw .limit(
                element.offset, ja: "並びの値が多すぎます。\(limits.listItems)個以内にしてください。",
                en: "The list has too many members; at most \(limits.listItems) are allowed.")
        }
        elements.append(element)
    }

    /// What a list of one stands for when its parentheses turn out to be plain ones.
    mutating func ungrouped(_ node: Node) -> Node? {
        var node = node
        while case .list(let elements) = node.expression {
            guard elements.count == 1 else { return nil }
            if !elements[0].isLiteral { nodes -= 1 }
            node = Node(expression: elements[0], height: node.height - 1, offset: node.offset)
        }
        return node
    }

    // MARK: What may stand where

    func require(_ node: Node, _ role: Role) throws(FilterError) {
        guard role.isDisjoint(with: node.expression.role) else { return }
        throw misplaced(node, role)
    }

    private func misplaced(_ node: Node, _ role: Role) -> FilterError {
        let at = node.offset
        return switch role {
        case .condition:
            .syntax(
                at, ja: "ここには条件が必要です(例: floors > 5)。値だけでは条件になりません。",
                en: "A condition is needed here, such as floors > 5; a value alone is none.")
        case .scalar where node.expression.role == .truth:
            .syntax(
                at, ja: "条件を値として比べることはできません。条件だけを書くか、NOT を付けてください。",
                en: "A condition cannot be compared as a value; write it alone, or with NOT.")
        case .scalar:
            .syntax(
                at, ja: "ここには数・文字列・日時・真偽値・項目名のいずれかが必要です。",
                en: "A number, text, time, truth value or property is needed here.")
        case [.number, .reference]: .syntax(at, ja: "計算には数か項目名が必要です。", en: "Arithmetic needs numbers or properties.")
        case [.characters, .reference]: .syntax(at, ja: "ここには文字列か項目名が必要です。", en: "A text or a property is needed here.")
        case .time:
            .syntax(
                at, ja: "ここには日時が必要です。DATE('2024-03-31')、TIMESTAMP('…Z')、INTERVAL('…','…')、または項目名を書いてください。",
                en: "A time is needed here: DATE('2024-03-31'), TIMESTAMP('…Z'), INTERVAL('…','…') or a property.")
        case [.place, .reference]:
            .syntax(
                at, ja: "ここには図形が必要です。POINT(139.7 35.6) などのWKT、BBOX(西,南,東,北)、または項目名を書いてください。",
                en: "A geometry is needed here: WKT such as POINT(139.7 35.6), BBOX(west,south,east,north) or a property.")
        case [.list, .reference]:
            .syntax(at, ja: "ここには並びが必要です。('a','b') のように書くか、項目名を書いてください。", en: "A list such as ('a','b') or a property is needed here.")
        default: .syntax(at, ja: "この値はここには書けません。", en: "This value cannot stand here.")
        }
    }

    // MARK: Predicates and operators

    mutating func junction(_ operands: [Node], isAnd: Bool, at offset: Int) throws(FilterError) -> Node {
        for operand in operands { try require(operand, .condition) }
        let expressions = operands.map(\.expression)
        return try node(isAnd ? .and(expressions) : .or(expressions), over: operands, at: offset)
    }

    mutating func not(_ operand: Node, at offset: Int) throws(FilterError) -> Node {
        try require(operand, .condition)
        return try node(.not(operand.expression), over: [operand], at: offset)
    }

    mutating func comparison(_ operation: Comparison, _ left: Node, _ right: Node, at offset: Int) throws(FilterError) -> Node {
        try require(left, .scalar)
        try require(right, .scalar)
        return try node(.comparison(operation, left.expression, right.expression), over: [left, right], at: offset)
    }

    mutating func isNull(_ operand: Node, at offset: Int) throws(FilterError) -> Node {
        try require(operand, .nullable)
        return try node(.isNull(operand.expression), over: [operand], at: offset)
    }

    mutating func like(_ value: Node, _ pattern: Node, at offset: Int) throws(FilterError) -> Node {
        try require(value, [.characters, .reference])
        var inner = pattern.expression
        while true {
            switch inner {
            case .casei(let next), .accenti(let next):
                inner = next
                continue
            case .text(let text):
                guard text.unicodeScalars.count <= limits.patternLength else {
                    throw .limit(
                        pattern.offset, ja: "LIKE の型が長すぎます。\(limits.patternLength)文字以内にしてください。",
                        en: "The pattern of LIKE is too long; at most \(limits.patternLength) characters are allowed.")
                }
                return try node(.like(value.expression, pattern: pattern.expression), over: [value, pattern], at: offset)
            default:
                throw .syntax(
                    pattern.offset, ja: "LIKE の後には '…' の文字列が必要です(CASEI、ACCENTI で囲めます)。",
                    en: "LIKE needs a text in '…' behind it, which may stand in CASEI or ACCENTI.")
            }
        }
    }

    /// The grammar has numbers only; QGIS, pygeofilter and cql2-rs send dates and texts too, whose order is as plain.
    mutating func between(_ value: Node, _ lower: Node, _ upper: Node, at offset: Int) throws(FilterError) -> Node {
        for operand in [value, lower, upper] { try require(operand, Role.scalar.subtracting(.truthLiteral)) }
        return try node(
            .between(value.expression, lower: lower.expression, upper: upper.expression), over: [value, lower, upper], at: offset)
    }

    mutating func isIn(_ value: Node, _ elements: [Node], at offset: Int) throws(FilterError) -> Node {
        try require(value, .scalar)
        for element in elements { try require(element, .scalar) }
        return try node(.isIn(value.expression, elements.map(\.expression)), over: [value] + elements, at: offset)
    }

    mutating func spatial(_ relation: SpatialRelation, _ left: Node, _ right: Node, at offset: Int) throws(FilterError) -> Node {
        for operand in [left, right] { try require(operand, [.place, .reference]) }
        return try node(.spatial(relation, left.expression, right.expression), over: [left, right], at: offset)
    }

    mutating func temporal(_ relation: TemporalRelation, _ left: Node, _ right: Node, at offset: Int) throws(FilterError) -> Node {
        for operand in [left, right] { try require(operand, .time) }
        return try node(.temporal(relation, left.expression, right.expression), over: [left, right], at: offset)
    }

    mutating func array(_ relation: ArrayRelation, _ left: Node, _ right: Node, at offset: Int) throws(FilterError) -> Node {
        for operand in [left, right] { try require(operand, [.list, .reference]) }
        return try node(.array(relation, left.expression, right.expression), over: [left, right], at: offset)
    }

    mutating func arithmetic(_ operation: Arithmetic, _ left: Node, _ right: Node, at offset: Int) throws(FilterError) -> Node {
        for operand in [left, right] { try require(operand, [.number, .reference]) }
        return try node(.arithmetic(operation, left.expression, right.expression), over: [left, right], at: offset)
    }

    mutating func folded(_ operand: Node, accents: Bool, at offset: Int) throws(FilterError) -> Node {
        try require(operand, [.characters, .reference])
        return try node(accents ? .accenti(operand.expression) : .casei(operand.expression), over: [operand], at: offset)
    }

    mutating func interval(_ ends: [Node?], at offset: Int) throws(FilterError) -> Node {
        try node(.interval(start: ends[0]?.expression, end: ends[1]?.expression), over: ends.compactMap { $0 }, at: offset)
    }

    /// - Parameter arguments: as `append` took them.
    mutating func function(_ name: String, _ arguments: [Node], at offset: Int) throws(FilterError) -> Node {
        // The JSON form could not tell such a function from the operator.
        guard !TreeBuilder.operators.contains(name) else {
            throw .syntax(offset, ja: "「\(name)」は演算子の名前なので、関数にはできません。", en: "“\(name)” is an operator and cannot be a function.")
        }
        return try node(.function(name, arguments.map(\.expression)), over: arguments, at: offset)
    }

    /// What the JSON form means as an operator.
    private static let operators: Set<String> = {
        var result: Set = ["and", "or", "not", "like", "between", "in", "isNull", "casei", "accenti"]
        result.formUnion(Comparison.allCases.map(\.rawValue))
        result.formUnion(SpatialRelation.allCases.map(\.rawValue))
        result.formUnion(TemporalRelation.allCases.map(\.rawValue))
        result.formUnion(ArrayRelation.allCases.map(\.rawValue))
        result.formUnion(Arithmetic.allCases.map(\.rawValue))
        return result
    }()

    // MARK: Values

    /// A number as it was written: whole numbers exactly while they fit 64 bits, all others as doubles.
    mutating func number(_ digits: some Collection<UInt8>, negative: Bool, at offset: Int) throws(FilterError) -> Node {
        let text = (negative ? "-" : "") + String(decoding: digits, as: UTF8.self)
        if let whole = Int64(text) { return try leaf(.integer(whole), at: offset) }
        return try leaf(.real(TreeBuilder.real(text, at: offset)), at: offset)
    }

    /// - Parameter text: a decimal number of either form. Swift wants digits on both sides of a point, CQL2 on one.
    static func real(_ text: String, at offset: Int) throws(FilterError) -> Double {
        var text = text
        if let point = text.utf8.firstIndex(of: UInt8(ascii: ".")) {
            let after = text.utf8.index(after: point)
            if after == text.utf8.endIndex || !(48...57).contains(text.utf8[after]) { text.insert("0", at: after) }
            if point == text.startIndex || text.utf8[text.utf8.index(before: point)] == UInt8(ascii: "-") { text.insert("0", at: point) }
        }
        guard let value = Double(text), value.isFinite else {
            throw .syntax(offset, ja: "数が大きすぎて扱えません。", en: "The number is too large.")
        }
        return value
    }

    /// One more vertex of the filter's geometries.
    mutating func countVertex(at offset: Int) throws(FilterError) {
        vertices += 1
        guard vertices <= limits.vertices else {
            throw .limit(
                offset, ja: "図形の頂点が多すぎます。合わせて\(limits.vertices)点以内にしてください。",
                en: "The geometries have too many vertices; at most \(limits.vertices) together are allowed.")
        }
    }
}
