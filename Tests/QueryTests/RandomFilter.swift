import CQL2
import Geo
import TestKit

/// Filters of every kind, from the values that `FilterSample` has and some that it has not.
struct RandomFilter {
    var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func pick<T>(_ choices: [T]) -> T { choices.randomElement(using: &generator)! }
    mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &generator) }

    mutating func condition(depth: Int = 3) -> Expression {
        if depth > 0 {
            switch number(0..<6) {
            case 0: return .and((0..<number(2..<4)).map { _ in condition(depth: depth - 1) })
            case 1: return .or((0..<number(2..<4)).map { _ in condition(depth: depth - 1) })
            case 2: return .not(condition(depth: depth - 1))
            default: break
            }
        }
        switch number(0..<15) {
        case 0, 1: return .comparison(pick(Comparison.allCases), real(1), real(1))
        case 2, 3: return .comparison(pick(Comparison.allCases), text(), text())
        case 4: return .comparison(pick(Comparison.allCases), moment(), moment())
        case 5: return pick([.property("listed"), .comparison(pick(Comparison.allCases), truth(), truth())])
        case 6:
            return .isNull(
                pick([
                    .property("storeys"), .property("usage"), .property("geometry"), .property("tags"), real(2), text(), moment(), truth(),
                ]))
        case 7: return like()
        case 8: return .between(real(1), lower: real(1), upper: real(0))
        case 9: return .isIn(real(1), (0..<number(1..<12)).map { _ in real(0) })
        case 10: return .isIn(text(), (0..<number(1..<5)).map { _ in pick([.text(pick(FilterSample.usages)), text()]) })
        case 11: return .isIn(moment(), (0..<number(1..<4)).map { _ in moment() })
        case 12: return .temporal(pick(TemporalRelation.allCases), span(), span())
        case 13: return .array(pick(ArrayRelation.allCases), list(), list())
        default: return spatial()
        }
    }

    mutating func real(_ depth: Int) -> Expression {
        if depth > 0 && number(0..<4) == 0 {
            if number(0..<4) == 0 {
                return pick([
                    .function("abs", [real(depth - 1)]), .function("floor", [.property("height")]), .function("length", [text()]),
                    .function("max", [.property("storeys"), .integer(3)]),
                ])
            }
            let operations: [Arithmetic] = [.add, .subtract, .multiply, .divide, .modulo, .integerDivide]
            return .arithmetic(pick(operations), real(depth - 1), real(depth - 1))
        }
        return pick([
            .property("storeys"), .property("height"), .property("storeys"), .property("height"), .integer(pick(FilterSample.whole)),
            .integer(Int64(number(-2..<50))), .real(pick(FilterSample.reals)), .real(Double(number(0..<40)) / 4),
        ])
    }

    mutating func text() -> Expression {
        let plain: Expression = pick([
            .property("usage"), .property("name"), .property("usage"), .property("other"), .text(pick(FilterSample.usages)),
        ])
        switch number(0..<6) {
        case 0: return .casei(plain)
        case 1: return .accenti(plain)
        case 2: return .casei(.accenti(plain))
        default: return plain
        }
    }

    mutating func like() -> Expression {
        let pattern = pick([
            "%", "", "住%", "%宅", "_宅", "%a%", "C%", "ca__", "%x", "%1%2%", "__", "100\\%", "a\\_b", "%É%", "%カ%", "CAF_%", "\\",
        ])
        switch number(0..<4) {
        case 0: return .like(.casei(text()), pattern: .casei(.text(pattern)))
        case 1: return .like(.accenti(text()), pattern: .accenti(.text(pattern)))
        default: return .like(text(), pattern: .text(pattern))
        }
    }

    mutating func truth() -> Expression {
        pick([
            .property("listed"), .property("open"), .boolean(true), .boolean(false), .comparison(.less, .property("storeys"), .integer(3)),
        ])
    }

    mutating func moment() -> Expression {
        pick([
            .property("built"), .property("razed"), .property("seen"), .property("left"),
            .date(Day(daysSince1970: Int32(number(19_999..<20_005)))),
            .timestamp(Instant(microseconds: pick(FilterSample.instants), zoneMinutes: 0)),
        ])
    }

    mutating func span() -> Expression {
        switch number(0..<6) {
        case 0, 1: return moment()
        case 3: return .interval(start: property(), end: .date(Day(daysSince1970: Int32(number(20_000..<20_004)))))
        case 2:
            // Written out, it must not end before it begins.
            let start = number(19_999..<20_004)
            return .interval(
                start: pick([nil, .date(Day(daysSince1970: Int32(start)))]),
                end: pick([nil, .date(Day(daysSince1970: Int32(number(start..<20_005))))]))
        default: return .interval(start: pick([nil, property()]), end: pick([nil, property()]))
        }
    }

    private mutating func property() -> Expression { .property(pick(["built", "razed", "seen", "left"])) }

    mutating func list() -> Expression {
        if Bool.random(using: &generator) { return .property("tags") }
        let elements: [Expression] = [
            .integer(1), .integer(2), .real(1), .text("a"), .text("b"), .text("あ"), .boolean(true), .list([.integer(1), .integer(2)]),
        ]
        return .list((0..<number(0..<4)).map { _ in pick(elements) })
    }

    mutating func spatial() -> Expression {
        let feature = Expression.property(pick(["geometry", "geom"]))
        let other: Expression
        switch number(0..<4) {
        case 0:
            let (x, y, size) = (Double(number(13950..<14000)) / 100, Double(number(3540..<3590)) / 100, Double(number(1..<30)) / 100)
            other = .bbox(west: x, south: y, east: x + size, north: y + size / 2)
        case 1:
            let ring = RandomGeometry().ring(
                centre: Point(x: 139.75, y: 35.65), radius: Double(number(5..<30)) / 100, vertices: number(4..<60), using: &generator)
            var polygon = Geometry.polygon([ring])
            polygon.roundToStorage()
            other = .geometry(polygon)
        default: other = .geometry(simple())
        }
        return Bool.random(using: &generator)
            ? .spatial(pick(SpatialRelation.allCases), feature, other) : .spatial(pick(SpatialRelation.allCases), other, feature)
    }

    private mutating func simple() -> Geometry {
        while true {
            let geometry = RandomGeometry().geometry(using: &generator)
            if geometry.kind != .geometryCollection { return geometry }
        }
    }
}
