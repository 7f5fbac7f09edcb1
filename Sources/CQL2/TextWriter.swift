import Geo

/// Writes the text form: keywords in capitals, names quoted only where they must be, no more parentheses than the grammar needs.
struct TextWriter {
    private(set) var result = ""

    typealias Precedence = TextParser.Precedence

    /// The expression, in parentheses when it binds more loosely than `floor`.
    mutating func write(_ expression: Expression, _ floor: Precedence = .or) {
        guard precedence(of: expression) >= floor else {
            result += "("
            bare(expression)
            result += ")"
            return
        }
        bare(expression)
    }

    private func precedence(of expression: Expression) -> Precedence {
        switch expression {
        case .or: .or
        case .and: .and
        case .not(let operand):
            switch operand {
            case .like, .between, .isIn, .isNull: .predicate
            default: .not
            }
        case .comparison, .like, .between, .isIn, .isNull: .predicate
        case .arithmetic(let operation, _, _): precedence(of: operation)
        // (-2) ^ 2 needs no parentheses by the grammar, but readers differ about it.
        case .integer(let value): value < 0 ? .power : .operand
        case .real(let value): value.sign == .minus ? .power : .operand
        default: .operand
        }
    }

    private func precedence(of operation: Arithmetic) -> Precedence {
        switch operation {
        case .add, .subtract: .sum
        case .multiply, .divide, .modulo, .integerDivide: .product
        case .power: .power
        }
    }

    private mutating func bare(_ expression: Expression) {
        switch expression {
        case .and(let operands): separated(operands, by: " AND ", .not)
        case .or(let operands): separated(operands, by: " OR ", .and)
        case .not(.like(let value, let pattern)): like(value, pattern, negated: true)
        case .not(.between(let value, let lower, let upper)): between(value, lower, upper, negated: true)
        case .not(.isIn(let value, let elements)): isIn(value, elements, negated: true)
        case .not(.isNull(let operand)):
            write(operand, .sum)
            result += " IS NOT NULL"
        case .not(let operand):
            result += "NOT "
            write(operand, .predicate)
        case .comparison(let operation, let left, let right): infix(left, operation.rawValue, right, .sum, .sum)
        case .isNull(let operand):
            write(operand, .sum)
            result += " IS NULL"
        case .like(let value, let pattern): like(value, pattern, negated: false)
        case .between(let value, let lower, let upper): between(value, lower, upper, negated: false)
        case .isIn(let value, let elements): isIn(value, elements, negated: false)
        case .spatial(let relation, let left, let right): call(relation.rawValue.uppercased(), [left, right])
        case .temporal(let relation, let left, let right): call(relation.rawValue.uppercased(), [left, right])
        case .array(let relation, let left, let right): call(relation.rawValue.uppercased(), [left, right])
        case .property(let name): result += TextWriter.name(name)
        case .text(let text): literal(text)
        case .integer(let value): result += String(value)
        case .real(let value): result += value.description
        case .boolean(let value): result += value ? "TRUE" : "FALSE"
        case .date(let day): result += "DATE('\(TemporalText.text(day))')"
        case .timestamp(let instant): result += "TIMESTAMP('\(TemporalText.text(instant))')"
        case .interval(let start, let end):
            result += "INTERVAL("
            intervalEnd(start)
            result += ","
            intervalEnd(end)
            result += ")"
        case .geometry(let geometry): self.geometry(geometry)
        case .bbox(let west, let south, let east, let north): result += "BBOX(\(west),\(south),\(east),\(north))"
        case .list(let elements): call("", elements)
        case .arithmetic(let operation, let left, let right):
            let own = precedence(of: operation)
            let next: Precedence = own == .sum ? .product : own == .product ? .power : .operand
            infix(left, operation.rawValue, right, own == .power ? .operand : own, next)
        case .casei(let operand): call("CASEI", [operand])
        case .accenti(let operand): call("ACCENTI", [operand])
        case .function(let name, let arguments): call(TextWriter.name(name), arguments)
        }
    }

    // MARK: Pieces

    private mutating func separated(_ operands: [Expression], by separator: String, _ floor: Precedence) {
        for (i, operand) in operands.enumerated() {
            if i > 0 { result += separator }
            write(operand, floor)
        }
    }

    private mutating func infix(
        _ left: Expression, _ operation: String, _ right: Expression, _ leftFloor: Precedence, _ rightFloor: Precedence
    ) {
        write(left, leftFloor)
        result += " \(operation) "
        write(right, rightFloor)
    }

    private mutating func like(_ value: Expression, _ pattern: Expression, negated: Bool) {
        infix(value, negated ? "NOT LIKE" : "LIKE", pattern, .sum, .sum)
    }

    private mutating func between(_ value: Expression, _ lower: Expression, _ upper: Expression, negated: Bool) {
        infix(value, negated ? "NOT BETWEEN" : "BETWEEN", lower, .sum, .sum)
        result += " AND "
        write(upper, .sum)
    }

    private mutating func isIn(_ value: Expression, _ elements: [Expression], negated: Bool) {
        write(value, .sum)
        result += negated ? " NOT IN " : " IN "
        call("", elements)
    }

    private mutating func call(_ name: String, _ arguments: [Expression]) {
        result += name + "("
        separated(arguments, by: ",", .or)
        result += ")"
    }

    private mutating func intervalEnd(_ end: Expression?) {
        switch end {
        case nil: result += "'..'"
        case .date(let day): result += "'\(TemporalText.text(day))'"
        case .timestamp(let instant): result += "'\(TemporalText.text(instant))'"
        case .some(let reference): write(reference, .operand)
        }
    }

    /// In quotation marks unless it is an identifier and no keyword.
    static func name(_ name: String) -> String {
        if Tokenizer.isIdentifier(name) && Keyword(name.utf8) == nil { return name }
        return "\"\(name.replacing("\"", with: "\"\""))\""
    }

    private mutating func literal(_ text: String) {
        result += "'"
        var scalars = text.unicodeScalars.makeIterator()
        var next = scalars.next()
        while let scalar = next {
            next = scalars.next()
            switch scalar {
            case "'": result += "''"
            // A backslash stands for itself unless what follows would make an escape of it.
            case "\\":
                let isEscape = next.map { (7...13).contains($0.value) || $0.isASCII && Tokenizer.escaped(UInt8(ascii: $0)) != nil } ?? true
                result += isEscape ? "\\\\" : "\\"
            case "\u{7}": result += "\\a"
            case "\u{8}": result += "\\b"
            case "\t": result += "\\t"
            case "\n": result += "\\n"
            case "\u{B}": result += "\\v"
            case "\u{C}": result += "\\f"
            case "\r": result += "\\r"
            default: result.unicodeScalars.append(scalar)
            }
        }
        result += "'"
    }

    // MARK: Geometries

    private mutating func geometry(_ geometry: Geometry) {
        result += geometry.kind.name.uppercased()
        guard !geometry.partEnds.isEmpty else {
            result += " EMPTY"
            return
        }
        if geometry.kind != geometry.kind.partKind || geometry.kind == .geometryCollection { result += "(" }
        for part in geometry.partEnds.indices {
            if part > 0 { result += "," }
            let kind = geometry.kind(ofPart: part)
            if geometry.kind == .geometryCollection { result += kind.name.uppercased() }
            if kind == .polygon { result += "(" }
            for ring in geometry.rings(ofPart: part) {
                if ring > geometry.rings(ofPart: part).lowerBound { result += "," }
                result += "("
                for i in geometry.vertices(ofRing: ring) {
                    if i > geometry.vertices(ofRing: ring).lowerBound { result += "," }
                    let vertex = geometry.vertex(i)
                    result += "\(vertex.x) \(vertex.y)"
                }
                result += ")"
            }
            if kind == .polygon { result += ")" }
        }
        if geometry.kind != geometry.kind.partKind || geometry.kind == .geometryCollection { result += ")" }
    }
}
