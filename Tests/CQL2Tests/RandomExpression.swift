import CQL2
import Geo
import TestKit

/// Expressions of every kind that a parser can give.
struct RandomExpression {
    private var generator: SeededGenerator
    /// Leaves out what the tree has and the standard's schema has not.
    var staysInSchema = false

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    mutating func number(in range: Range<Int>) -> Int { Int.random(in: range, using: &generator) }

    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[number(in: 0..<elements.count)] }

    mutating func condition(depth: Int) -> Expression {
        switch number(in: 0..<(depth > 0 ? 13 : 2)) {
        case 0: return .boolean(number(in: 0..<2) == 0)
        case 1: return staysInSchema ? function(depth: depth - 1) : reference(depth: depth - 1)
        case 2: return .and(some(2) { $0.condition(depth: depth - 1) })
        case 3: return .or(some(2) { $0.condition(depth: depth - 1) })
        case 4, 5: return .not(condition(depth: depth - 1))
        case 6: return .comparison(pick(Comparison.allCases), scalar(depth: depth - 1), scalar(depth: depth - 1))
        case 7: return .isNull(nullable(depth: depth - 1))
        case 8:
            var pattern = Expression.text(text())
            for _ in 0..<number(in: 0..<3) { pattern = number(in: 0..<2) == 0 ? .casei(pattern) : .accenti(pattern) }
            return .like(characters(depth: depth - 1), pattern: pattern)
        case 9:
            let operands = (0..<3).map { _ in staysInSchema || number(in: 0..<2) == 0 ? arithmetic(depth: depth - 1) : instant() }
            return .between(operands[0], lower: operands[1], upper: operands[2])
        case 10: return .isIn(scalar(depth: depth - 1), some(number(in: 0..<4)) { $0.scalar(depth: depth - 2) })
        case 11:
            let (left, right) = (place(depth: depth - 1), place(depth: depth - 1))
            return .spatial(pick(SpatialRelation.allCases), left, right)
        default:
            if number(in: 0..<2) == 0 { return .array(pick(ArrayRelation.allCases), list(depth: depth - 1), list(depth: depth - 1)) }
            return .temporal(pick(TemporalRelation.allCases), time(depth: depth - 1), time(depth: depth - 1))
        }
    }

    private mutating func some(_ least: Int, _ make: (inout RandomExpression) -> Expression) -> [Expression] {
        (0..<(least + number(in: 0..<3))).map { _ in make(&self) }
    }

    private mutating func nullable(depth: Int) -> Expression {
        switch number(in: 0..<5) {
        case 0: condition(depth: depth)
        case 1: place(depth: depth)
        case 2: time(depth: depth)
        default: scalar(depth: depth)
        }
    }

    private mutating func scalar(depth: Int) -> Expression {
        switch number(in: 0..<6) {
        case 0: .boolean(number(in: 0..<2) == 0)
        case 1: instant()
        case 2, 3: arithmetic(depth: depth)
        default: characters(depth: depth)
        }
    }

    private mutating func characters(depth: Int) -> Expression {
        switch number(in: 0..<(depth > 0 ? 6 : 3)) {
        case 0, 1: .text(text())
        case 2, 3: reference(depth: depth - 1)
        case 4: .casei(characters(depth: depth - 1))
        default: .accenti(characters(depth: depth - 1))
        }
    }

    private mutating func arithmetic(depth: Int) -> Expression {
        switch number(in: 0..<(depth > 0 ? 6 : 2)) {
        case 0: value()
        case 1: reference(depth: depth - 1)
        default: .arithmetic(pick(Arithmetic.allCases), arithmetic(depth: depth - 1), arithmetic(depth: depth - 1))
        }
    }

    private mutating func value() -> Expression {
        switch number(in: 0..<5) {
        case 0: .integer(pick([0, -1, Int64.max, Int64.min, 1 << 53 + 1]))
        case 1: .real(pick([0.5, -2.25, 1e300, -1e-300, 1e16, 123_456.789, -0.0, 4]))
        case 2: .real(Double.random(in: -1000...1000, using: &generator))
        default: .integer(Int64(number(in: -50..<200)))
        }
    }

    private mutating func reference(depth: Int) -> Expression {
        depth > 0 && number(in: 0..<4) == 0 ? function(depth: depth - 1) : .property(name())
    }

    private mutating func function(depth: Int) -> Expression {
        let name = pick(["avg", "Buffer", "date", "point", "距離", "two words", "NOT", "S_INTERSECTS", "z", "empty"])
        return .function(
            name,
            some(0) { random in
                switch random.number(in: 0..<6) {
                case 0: random.condition(depth: depth)
                case 1: random.place(depth: depth)
                case 2: random.time(depth: depth)
                case 3: random.list(depth: depth)
                default: random.scalar(depth: depth)
                }
            })
    }

    private mutating func list(depth: Int) -> Expression {
        guard depth > 0, number(in: 0..<3) > 0 else { return number(in: 0..<2) == 0 ? .list([]) : reference(depth: depth) }
        return .list(
            some(0) { random in
                switch random.number(in: 0..<8) {
                case 0: random.condition(depth: depth - 1)
                case 1: random.place(depth: depth - 1)
                case 2: random.time(depth: depth - 1)
                case 3:
                    // In the schema a list in a list is a list only.
                    random.staysInSchema ? .list([random.scalar(depth: 0)]) : random.list(depth: depth - 1)
                default: random.scalar(depth: depth - 1)
                }
            })
    }

    private mutating func day() -> Day { Day(daysSince1970: Int32(number(in: -719_528..<2_932_897))) }

    private mutating func instant() -> Expression {
        if number(in: 0..<2) == 0 { return .date(day()) }
        let second = Int64(day().daysSince1970) * 86_400 + Int64(number(in: 0..<86_400))
        return .timestamp(Instant(microseconds: second * 1_000_000 + Int64(pick([0, 0, 500_000, 1, 123_456, 999_999])), zoneMinutes: 0))
    }

    private mutating func time(depth: Int) -> Expression {
        switch number(in: 0..<4) {
        case 0: return instant()
        case 1: return reference(depth: depth)
        default:
            let ends = (0..<2).map { _ -> Expression? in
                switch number(in: 0..<4) {
                case 0: nil
                case 1: reference(depth: depth - 1)
                default: instant()
                }
            }
            return .interval(start: ends[0], end: ends[1])
        }
    }

    private mutating func place(depth: Int) -> Expression {
        switch number(in: 0..<8) {
        case 0: return reference(depth: depth)
        case 1: return .bbox(west: 139.5, south: -35.25, east: -179, north: Double(number(in: 0..<90)))
        case 2: return .geometry(Geometry(kind: pick([.polygon, .multiPoint, .multiLineString, .multiPolygon])))
        default:
            let geometry = RandomGeometry().geometry(using: &generator)
            return .geometry(geometry)
        }
    }

    private mutating func name() -> String {
        pick([
            "floors", "eo:cloud_cover", "住所", "a.b", "and", "NULL", "date", "Point", "div", "z", "empty", "two words", "quo\"ted", "構造（階）",
            "x1", "1x",
            "e\u{301}tat", "true", "-", "in", "like", "T_AFTER", "'", "‿", "Kelvin\u{212A}",
        ])
    }

    private mutating func text() -> String {
        (0..<number(in: 0..<6)).map { _ in
            pick([
                "a", "Z", "'", "''", "\\", "\\'", "\\%", "%", "_", "\n", "\t", "\u{7}", "n", "t", "住", "é", "\"", " ", "𠮷", "\u{0}",
                "\u{1F}", "x)", ",",
            ])
        }.joined()
    }
}
