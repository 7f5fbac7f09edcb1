/// In which places of the grammar an expression may stand.
struct Role: OptionSet {
    let rawValue: UInt16

    /// A predicate or something else that is true or false.
    static let truth = Role(rawValue: 1)
    static let number = Role(rawValue: 2)
    static let characters = Role(rawValue: 4)
    /// A date or a timestamp.
    static let instant = Role(rawValue: 8)
    static let interval = Role(rawValue: 16)
    static let place = Role(rawValue: 32)
    static let list = Role(rawValue: 64)
    /// A property or a function, which may be any of these.
    static let reference = Role(rawValue: 128)
    /// `TRUE` and `FALSE`, which are both truth and value.
    static let truthLiteral = Role(rawValue: 256)

    /// `scalarExpression`: what can be compared.
    static let scalar: Role = [.number, .characters, .instant, .truthLiteral, .reference]
    static let condition: Role = [.truth, .truthLiteral, .reference]
    static let time: Role = [.instant, .interval, .reference]
    static let any: Role = [.truth, .truthLiteral, .number, .characters, .instant, .interval, .place, .list, .reference]
    /// `isNullOperand`: anything but a list.
    static let nullable = any.subtracting(.list)
}

extension Expression {
    var role: Role {
        switch self {
        case .and, .or, .not, .comparison, .isNull, .like, .between, .isIn, .spatial, .temporal, .array: .truth
        case .property, .function: .reference
        case .text, .casei, .accenti: .characters
        case .integer, .real, .arithmetic: .number
        case .boolean: .truthLiteral
        case .date, .timestamp: .instant
        case .interval: .interval
        case .geometry, .bbox: .place
        case .list: .list
        }
    }

    /// A plain value, which a list holds without cost to whoever asks the list.
    var isLiteral: Bool {
        switch self {
        case .text, .integer, .real, .boolean, .date, .timestamp: true
        default: false
        }
    }
}
