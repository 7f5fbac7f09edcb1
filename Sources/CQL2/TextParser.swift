/// Reads the text form by the grammar of 21-065r2, annex B: recursive descent, operators by precedence.
///
/// Conditions, values and arithmetic share one walk, as `(` may open any of them; `TreeBuilder` then says what may stand where. Taken
/// beyond the grammar, because clients send it: parentheses around any operand, `-(…)` (QGIS), `NOT NOT`, a property as a condition,
/// `BETWEEN` for dates and texts, `IN ()` (the JSON form has it), `div(a, b)` (cql2-rs writes it).
struct TextParser {
    var tokens: Tokenizer
    var current: Token
    /// The token before `current`.
    var previous: Token
    var tree: TreeBuilder
    /// Parentheses and `NOT`s around `current`.
    private var nesting = 0
    /// Calls of `expression` under way. Each is a pair of parentheses or a level of the tree, so more than both together may be cannot
    /// end well; stopping there keeps the stack small (about 100 KiB) where operators and parentheses alternate.
    private var calls = 0

    init(_ text: String, _ limits: Limits) throws(FilterError) {
        guard text.utf8.count <= limits.bytes else { throw .tooLong(limits.bytes) }
        tokens = Tokenizer(text)
        tree = TreeBuilder(limits)
        current = try tokens.next()
        previous = current
    }

    mutating func filter() throws(FilterError) -> Expression {
        guard current.kind != .end else {
            throw .syntax(0, ja: "フィルターが空です。条件を書いてください(例: floors > 5)。", en: "The filter is empty; write a condition such as floors > 5.")
        }
        let result = try expression(.or)
        guard current.kind == .end else { throw unexpected(ja: "条件の続き(AND、OR)か終わり", en: "AND, OR or the end") }
        try tree.require(result, .condition)
        return result.expression
    }

    // MARK: Operators

    /// How tightly an operator binds, loosest first.
    enum Precedence: Int, Comparable {
        case or, and, not, predicate, sum, product, power, operand

        static func < (left: Precedence, right: Precedence) -> Bool { left.rawValue < right.rawValue }
    }

    /// An operand and all operators behind it that bind at least as tightly as `floor`.
    /// - Parameter inList: a `(` at the very beginning opens a list, as for arguments and members of lists.
    mutating func expression(_ floor: Precedence, inList: Bool = false) throws(FilterError) -> Node {
        calls += 1
        guard calls <= 2 * tree.limits.depth else { throw .tooDeep(current.start, tree.limits.depth) }
        var left = try operand(floor, inList: inList)
        // What the grammar does not chain: a second comparison or `^`.
        var isPredicate = false
        var isPower = false
        while let (infix, precedence) = infix(), precedence >= floor {
            let offset = current.start
            guard !(isPredicate && precedence == .predicate) && !(isPower && precedence == .power) else {
                throw .syntax(
                    offset, ja: "この演算子は続けて書けません。括弧で区切ってください。", en: "This operator cannot follow another of its kind; use parentheses.")
            }
            guard let operand = tree.ungrouped(left) else {
                throw .syntax(left.offset, ja: "並び ('a','b') はここには書けません。", en: "A list such as ('a','b') cannot stand here.")
            }
            left = operand
            switch infix {
            case .junction(let isAnd):
                var operands = [left]
                while case .junction(isAnd: isAnd)? = self.infix()?.0 {
                    try advance()
                    operands.append(try expression(isAnd ? .not : .and))
                }
                left = try tree.junction(operands, isAnd: isAnd, at: left.offset)
            case .comparison:
                let operation = try comparisonOperator()
                left = try tree.comparison(operation, left, try expression(.sum), at: left.offset)
            case .arithmetic(let operation):
                try advance()
                let right = try expression(precedence == .sum ? .product : precedence == .product ? .power : .operand)
                left = try tree.arithmetic(operation, left, right, at: left.offset)
            case .keyword: left = try predicate(on: left)
            }
            isPredicate = precedence == .predicate
            isPower = precedence == .power
        }
        calls -= 1
        return left
    }

    private enum Infix {
        case junction(isAnd: Bool)
        case comparison
        case arithmetic(Arithmetic)
        /// `LIKE`, `BETWEEN`, `IN`, `IS`, and `NOT` before them.
        case keyword
    }

    /// The operator that `current` begins.
    private func infix() -> (Infix, Precedence)? {
        switch current.kind {
        case .sign(let sign):
            switch sign {
            case UInt8(ascii: "="), UInt8(ascii: "<"), UInt8(ascii: ">"): (.comparison, .predicate)
            case UInt8(ascii: "+"): (.arithmetic(.add), .sum)
            case UInt8(ascii: "-"): (.arithmetic(.subtract), .sum)
            case UInt8(ascii: "*"): (.arithmetic(.multiply), .product)
            case UInt8(ascii: "/"): (.arithmetic(.divide), .product)
            case UInt8(ascii: "%"): (.arithmetic(.modulo), .product)
            case UInt8(ascii: "^"): (.arithmetic(.power), .power)
            default: nil
            }
        case .word:
            switch keyword {
            case .and: (.junction(isAnd: true), .and)
            case .or: (.junction(isAnd: false), .or)
            case .not, .like, .between, .isIn, .isNull: (.keyword, .predicate)
            case .div: (.arithmetic(.integerDivide), .product)
            default: nil
            }
        default: nil
        }
    }

    private mutating func comparisonOperator() throws(FilterError) -> Comparison {
        // `<>`, `<=` and `>=` are two tokens in the grammar.
        if try take("=") { return .equal }
        if try take("<") { return try take(">") ? .notEqual : try take("=") ? .lessOrEqual : .less }
        try advance()
        return try take("=") ? .greaterOrEqual : .greater
    }

    private mutating func predicate(on value: Node) throws(FilterError) -> Node {
        if try take(.isNull) {
            let negated = try take(.not)
            guard try take(.null) else { throw unexpected(ja: "NULL", en: "NULL") }
            let result = try tree.isNull(value, at: value.offset)
            return negated ? try tree.not(result, at: value.offset) : result
        }
        let negated = try take(.not)
        let result: Node
        if try take(.like) {
            result = try tree.like(value, try expression(.sum), at: value.offset)
        } else if try take(.between) {
            let lower = try expression(.sum)
            guard try take(.and) else { throw unexpected(ja: "BETWEEN の AND", en: "the AND of BETWEEN") }
            result = try tree.between(value, lower, try expression(.sum), at: value.offset)
        } else if try take(.isIn) {
            result = try tree.isIn(value, try list { parser throws(FilterError) in try parser.expression(.sum) }, at: value.offset)
        } else {
            throw unexpected(ja: "LIKE、BETWEEN、IN のいずれか", en: "LIKE, BETWEEN or IN")
        }
        return negated ? try tree.not(result, at: value.offset) : result
    }

    // MARK: Operands

    private mutating func operand(_ floor: Precedence, inList: Bool) throws(FilterError) -> Node {
        let offset = current.start
        switch current.kind {
        case .text:
            let text = tokens.text(of: current)
            try advance()
            return try tree.leaf(.text(text), at: offset)
        case .number: return try number(negative: false)
        case .quoted: return try reference()
        case .word: return try word(floor)
        case .sign(UInt8(ascii: "(")):
            if inList {
                let elements = try list { parser throws(FilterError) in try parser.expression(.or, inList: true) }
                return try tree.node(.list(elements.map(\.expression)), over: elements, at: offset)
            }
            try advance()
            let inner = try nested { parser throws(FilterError) in try parser.expression(.or) }
            try close()
            return Node(expression: inner.expression, height: inner.height, offset: offset)
        case .sign(UInt8(ascii: "-")):
            try advance()
            return try negated(at: offset)
        case .sign(UInt8(ascii: "+")):
            try advance()
            guard current.kind == .number else { throw unexpected(ja: "数", en: "a number") }
            return try number(negative: false)
        default: throw unexpected(ja: "値か項目名", en: "a value or a property")
        }
    }

    /// What stands behind a minus: a number, which may have a sign of its own, or something to be multiplied by −1, as the standard's
    /// example 85 has it. `-2 ^ 2` is (−2)²: the sign belongs to the factor.
    private mutating func negated(at offset: Int) throws(FilterError) -> Node {
        if try take("-") { return try number(negative: false) }
        if try take("+") { return try number(negative: true) }
        if current.kind == .number { return try number(negative: true) }
        let factor = try tree.leaf(.integer(-1), at: offset)
        return try tree.arithmetic(.multiply, factor, try expression(.operand), at: offset)
    }

    private mutating func number(negative: Bool) throws(FilterError) -> Node {
        guard current.kind == .number else { throw unexpected(ja: "数", en: "a number") }
        let result = try tree.number(tokens.bytes[current.start..<current.end], negative: negative, at: current.start)
        try advance()
        return result
    }

    /// A number with its sign, as coordinates are.
    mutating func coordinate() throws(FilterError) -> Double {
        let negative = try take("-")
        if !negative { _ = try take("+") }
        guard current.kind == .number else { throw unexpected(ja: "座標の数", en: "a coordinate") }
        let digits = String(decoding: tokens.bytes[current.start..<current.end], as: UTF8.self)
        let value = try TreeBuilder.real(digits, at: current.start)
        try advance()
        return negative ? -value : value
    }

    private mutating func word(_ floor: Precedence) throws(FilterError) -> Node {
        let offset = current.start
        guard let keyword else { return try reference() }
        switch keyword {
        case .not:
            guard floor <= .not else {
                throw .syntax(offset, ja: "ここに NOT は書けません。条件を括弧で囲んでください。", en: "NOT cannot stand here; put the condition in parentheses.")
            }
            try advance()
            // What else could follow and nest has parentheses, which count.
            let operand =
                self.keyword == .not ? try nested { parser throws(FilterError) in try parser.expression(.not) } : try expression(.not)
            return try tree.not(operand, at: offset)
        case .boolean(let value):
            try advance()
            return try tree.leaf(.boolean(value), at: offset)
        case .null:
            throw .syntax(
                offset, ja: "NULL は値として書けません。IS NULL か IS NOT NULL を使ってください。", en: "NULL is no value; use IS NULL or IS NOT NULL.")
        case .and, .or: throw unexpected(ja: "値か項目名", en: "a value or a property")
        default: break
        }
        // All others are names where what belongs to them does not follow.
        try advance()
        if case .geometry(let kind) = keyword, isSign("(") || self.keywordText == "z" || self.keywordText == "empty" {
            return try tree.leaf(.geometry(try geometry(kind)), at: offset)
        }
        guard isSign("(") else { return try tree.leaf(.property(tokens.name(of: previous)), at: offset) }
        switch keyword {
        case .casei, .accenti:
            let operand = try only { parser throws(FilterError) in try parser.expression(.sum) }
            return try tree.folded(operand, accents: keyword == .accenti, at: offset)
        case .spatial(let relation):
            let (left, right) = try pair { parser throws(FilterError) in try parser.expression(.sum) }
            return try tree.spatial(relation, left, right, at: offset)
        case .temporal(let relation):
            let (left, right) = try pair { parser throws(FilterError) in try parser.expression(.sum) }
            return try tree.temporal(relation, left, right, at: offset)
        case .array(let relation):
            let (left, right) = try pair { parser throws(FilterError) in try parser.expression(.or, inList: true) }
            return try tree.array(relation, left, right, at: offset)
        case .bbox: return try tree.leaf(try box(), at: offset)
        case .div:
            let (left, right) = try pair { parser throws(FilterError) in try parser.expression(.sum) }
            return try tree.arithmetic(.integerDivide, left, right, at: offset)
        case .date, .timestamp: return try instant(keyword, at: offset)
        case .interval:
            var ends: [Node?] = []
            _ = try list { parser throws(FilterError) in
                ends.append(try parser.intervalEnd())
                return Node(expression: .list([]), offset: offset)
            }
            guard ends.count == 2 else { throw wrongCount(2, at: offset) }
            return try tree.interval(ends, at: offset)
        default: return try call(tokens.name(of: previous), at: offset)
        }
    }

    /// A property or, where `(` follows, a function.
    private mutating func reference() throws(FilterError) -> Node {
        let token = current
        let name = tokens.name(of: token)
        guard !name.isEmpty else { throw .syntax(token.start, ja: "項目名が空です。", en: "The name is empty.") }
        try advance()
        return isSign("(") ? try call(name, at: token.start) : try tree.leaf(.property(name), at: token.start)
    }

    private mutating func call(_ name: String, at offset: Int) throws(FilterError) -> Node {
        let arguments = try list { parser throws(FilterError) in try parser.expression(.or, inList: true) }
        return try tree.function(name, arguments, at: offset)
    }

    // MARK: Parentheses

    /// Everything that can hold itself comes through here, so that hostile nesting ends before it is deep.
    private mutating func nested(_ body: (inout TextParser) throws(FilterError) -> Node) throws(FilterError) -> Node {
        nesting += 1
        guard nesting <= tree.limits.depth else { throw .tooDeep(current.start, tree.limits.depth) }
        let result = try body(&self)
        nesting -= 1
        return result
    }

    /// `(`, none or several separated by commas, `)`.
    private mutating func list(_ element: (inout TextParser) throws(FilterError) -> Node) throws(FilterError) -> [Node] {
        guard try take("(") else { throw unexpected(ja: "「(」", en: "“(”") }
        if try take(")") { return [] }
        var elements: [Node] = []
        repeat {
            try tree.append(try nested(element), to: &elements)
        } while try take(",")
        try close()
        return elements
    }

    private mutating func pair(_ element: (inout TextParser) throws(FilterError) -> Node) throws(FilterError) -> (Node, Node) {
        let offset = previous.start
        let operands = try operands(element)
        guard operands.count == 2 else { throw wrongCount(2, at: offset) }
        return (operands[0], operands[1])
    }

    private mutating func only(_ element: (inout TextParser) throws(FilterError) -> Node) throws(FilterError) -> Node {
        let offset = previous.start
        let operands = try operands(element)
        guard operands.count == 1 else { throw wrongCount(1, at: offset) }
        return operands[0]
    }

    private func wrongCount(_ count: Int, at offset: Int) -> FilterError {
        .syntax(offset, ja: "括弧の中には値が\(count)個必要です。", en: "The parentheses must hold \(count == 1 ? "one value" : "two values").")
    }

    /// Like `list`, but of operands, which are nodes whatever they are.
    private mutating func operands(_ element: (inout TextParser) throws(FilterError) -> Node) throws(FilterError) -> [Node] {
        guard try take("(") else { throw unexpected(ja: "「(」", en: "“(”") }
        var operands: [Node] = []
        if try take(")") { return operands }
        repeat {
            operands.append(try nested(element))
            if operands.count > 2 { break }
        } while try take(",")
        try close()
        return operands
    }

    mutating func close() throws(FilterError) {
        guard try take(")") else { throw unexpected(ja: "「,」か「)」", en: "“,” or “)”") }
    }

    // MARK: Tokens

    mutating func advance() throws(FilterError) {
        previous = current
        current = try tokens.next()
    }

    var keyword: Keyword? {
        current.kind == .word ? Keyword(tokens.bytes[current.start..<current.end]) : nil
    }

    /// A short word in small letters, for those that are keywords in one place only.
    var keywordText: String? {
        guard current.kind == .word, current.end - current.start <= 5 else { return nil }
        return String(decoding: tokens.bytes[current.start..<current.end].map { $0 | 32 }, as: UTF8.self)
    }

    func isSign(_ sign: Unicode.Scalar) -> Bool { current.kind == .sign(UInt8(ascii: sign)) }

    mutating func take(_ sign: Unicode.Scalar) throws(FilterError) -> Bool {
        guard isSign(sign) else { return false }
        try advance()
        return true
    }

    private mutating func take(_ wanted: Keyword) throws(FilterError) -> Bool {
        guard keyword == wanted else { return false }
        try advance()
        return true
    }

    /// What stands at `current` is not what is needed.
    func unexpected(ja: String, en: String) -> FilterError {
        let offset = current.start
        // Full-width signs are letters to the grammar, so `住所＝'x'` is a name and a text.
        if previous.kind == .word, previous.end <= offset,
            let sign = tokens.name(of: previous).unicodeScalars.first(where: {
                (0xFF01...0xFF0F).contains($0.value) || (0xFF1A...0xFF20).contains($0.value)
            })
        {
            return .syntax(
                previous.start, ja: "全角の記号「\(sign)」は使えません。半角で書いてください。",
                en: "The full-width sign “\(sign)” has no meaning here; write it half-width.")
        }
        if keywordText == "ilike" {
            return .syntax(
                offset, ja: "ILIKE は使えません。CASEI(項目名) LIKE CASEI('…') と書いてください。",
                en: "ILIKE is not CQL2; write CASEI(name) LIKE CASEI('…').")
        }
        if current.kind == .end {
            return .syntax(offset, ja: "フィルターが途中で終わっています。\(ja)が必要です。", en: "The filter ends too early; \(en) is needed.")
        }
        return .syntax(offset, ja: "ここには\(ja)が必要です。", en: "Here \(en) is needed.")
    }
}
