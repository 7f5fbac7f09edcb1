/// Walks over whole trees. They recurse, which the limits of the parsers make safe.
extension Expression {
    /// What the expression is made of, in the order it is written.
    public var children: [Expression] {
        switch self {
        case .and(let operands), .or(let operands), .list(let operands), .function(_, let operands): operands
        case .not(let operand), .isNull(let operand), .casei(let operand), .accenti(let operand): [operand]
        case .comparison(_, let left, let right), .spatial(_, let left, let right), .temporal(_, let left, let right),
            .array(_, let left, let right), .arithmetic(_, let left, let right), .like(let left, let right):
            [left, right]
        case .between(let value, let lower, let upper): [value, lower, upper]
        case .isIn(let value, let elements): [value] + elements
        case .interval(let start, let end): [start, end].compactMap { $0 }
        case .property, .text, .integer, .real, .boolean, .date, .timestamp, .geometry, .bbox: []
        }
    }

    /// The properties it names.
    public var properties: Set<String> {
        var result: Set<String> = []
        collectProperties(into: &result)
        return result
    }

    private func collectProperties(into result: inout Set<String>) {
        if case .property(let name) = self { result.insert(name) }
        for child in children { child.collectProperties(into: &result) }
    }

    /// How many nodes the tree has. Plain values in lists and among the arguments of functions are none: a list is asked as one.
    public var nodeCount: Int {
        switch self {
        case .isIn(let value, let elements): 1 + value.nodeCount + elements.reduce(0) { $1.isLiteral ? $0 : $0 + $1.nodeCount }
        case .list(let elements), .function(_, let elements): 1 + elements.reduce(0) { $1.isLiteral ? $0 : $0 + $1.nodeCount }
        default: 1 + children.reduce(0) { $0 + $1.nodeCount }
        }
    }

    /// The expression with its geometries and boxes replaced, such as by those of another reference system.
    /// - Parameter transform: gets a `.geometry` or a `.bbox`; what it answers takes the place.
    public func transformingGeometries<Failure: Error>(
        _ transform: (Expression) throws(Failure) -> Expression
    ) throws(Failure) -> Expression {
        func inside(_ expression: Expression) throws(Failure) -> Expression { try expression.transformingGeometries(transform) }
        func inside(_ expressions: [Expression]) throws(Failure) -> [Expression] {
            var result: [Expression] = []
            result.reserveCapacity(expressions.count)
            for expression in expressions { result.append(try inside(expression)) }
            return result
        }
        switch self {
        case .geometry, .bbox: return try transform(self)
        case .and(let operands): return .and(try inside(operands))
        case .or(let operands): return .or(try inside(operands))
        case .not(let operand): return .not(try inside(operand))
        case .isNull(let operand): return .isNull(try inside(operand))
        case .spatial(let relation, let left, let right): return .spatial(relation, try inside(left), try inside(right))
        case .array(let relation, let left, let right): return .array(relation, try inside(left), try inside(right))
        case .list(let elements): return .list(try inside(elements))
        case .function(let name, let arguments): return .function(name, try inside(arguments))
        // Functions stand in these too, and geometries in functions.
        case .comparison(let operation, let left, let right): return .comparison(operation, try inside(left), try inside(right))
        case .like(let value, let pattern): return .like(try inside(value), pattern: pattern)
        case .between(let value, let lower, let upper):
            return .between(try inside(value), lower: try inside(lower), upper: try inside(upper))
        case .isIn(let value, let elements): return .isIn(try inside(value), try inside(elements))
        case .temporal(let relation, let left, let right): return .temporal(relation, try inside(left), try inside(right))
        case .arithmetic(let operation, let left, let right): return .arithmetic(operation, try inside(left), try inside(right))
        case .casei(let operand): return .casei(try inside(operand))
        case .accenti(let operand): return .accenti(try inside(operand))
        case .interval(let start, let end):
            var ends: [Expression?] = []
            for end in [start, end] {
                guard let end else {
                    ends.append(nil)
                    continue
                }
                ends.append(try inside(end))
            }
            return .interval(start: ends[0], end: ends[1])
        case .property, .text, .integer, .real, .boolean, .date, .timestamp: return self
        }
    }
}
