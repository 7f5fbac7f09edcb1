import Descriptions
import Geo

// Documents are written here as they look: `["title": .text(title), "links": .list(links)]`.
extension JSONTree: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .text(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
    public init(arrayLiteral elements: JSONTree...) { self = .list(elements) }
    public init(dictionaryLiteral elements: (String, JSONTree)...) { self = .object(elements.map { Member($0.0, $0.1) }) }

    static func count(_ value: Int) -> JSONTree { .integer(Int64(value)) }

    /// West, south, east, north.
    static func box(_ box: Envelope) -> JSONTree {
        .list([box.minX, box.minY, box.maxX, box.maxY].map { .number($0) })
    }
}
