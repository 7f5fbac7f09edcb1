import CQL2
import Geo
import Testing

struct WalkTests {
    @Test func `all properties are found wherever they stand`() throws {
        let text = """
            NOT a IS NULL AND (CASEI(b) LIKE 'x' OR c + d * -e BETWEEN f AND g) AND h IN (i, 1) AND S_WITHIN(j, Buffer(k, 10))
            AND T_DURING(INTERVAL(l, '..'), INTERVAL('..', m)) AND A_CONTAINS(n, (o, ('x', p))) AND ACCENTI(q) = r AND s
            """
        #expect(try Expression(text: text).properties == Set("abcdefghijklmnopqrs".map(String.init)))
    }

    @Test func `geometries are replaced wherever they stand, and nothing else`() throws {
        let text = "S_WITHIN(g,POINT(1 2)) AND f(BBOX(1,2,3,4)) > 0 AND NOT A_EQUALS(a,(POINT(1 2),'x')) OR POINT(1 2) IS NULL"
        let moved = try Expression(text: text).transformingGeometries { place in
            switch place {
            case .geometry: .geometry(.point(2, 1))
            case .bbox: .bbox(west: 2, south: 1, east: 4, north: 3)
            default: place
            }
        }
        #expect(try moved == Expression(text: text.replacing("POINT(1 2)", with: "POINT(2 1)").replacing("1,2,3,4", with: "2,1,4,3")))
    }

    @Test(arguments: 0..<30)
    func `a transformation that changes nothing gives the same expression`(seed: UInt64) {
        var random = RandomExpression(seed: seed)
        let expression = random.condition(depth: 6)
        #expect(expression.transformingGeometries { $0 } == expression)
    }

    @Test func `an error of a transformation comes through`() throws {
        struct Refusal: Error {}
        let expression = try Expression(text: "T_AFTER(INTERVAL(f(POINT(1 2)),'..'),a)")
        #expect(throws: Refusal.self) { try expression.transformingGeometries { _ throws(Refusal) in throw Refusal() } }
    }
}
