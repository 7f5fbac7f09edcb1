import CQL2
import TestKit
import Testing

struct FuzzTests {
    /// Filters that, between them, have every rule of the grammar.
    static let seeds = [
        "住所 LIKE CASEI('東京%') AND NOT (a.b BETWEEN -1 AND 2.5e3 OR c NOT IN (1, 'x', TRUE))",
        "\"two words\" IS NOT NULL OR f((1,2), a = 1, 'x') <> - b ^ 2 div 3 % 4",
        "S_INTERSECTS(g, POLYGON((0 0,1 0,1 1,0 0),(0.1 0.1,0.2 0.1,0.2 0.2,0.1 0.1)))",
        "S_WITHIN(GEOMETRYCOLLECTION(POINT Z(1 2 3),MULTIPOINT((1 2),(3 4))),g)",
        "S_CROSSES(MULTIPOLYGON(((0 0,1 0,1 1,0 0))), MULTILINESTRING((0 0,1 1),(2 2,3 3)))",
        "T_DURING(INTERVAL(a,'..'),INTERVAL('2020-01-01','2020-02-01T00:00:00.5Z'))",
        "A_CONTAINS(tags,('a',(1,2),DATE('2020-02-29')))",
        "updated >= TIMESTAMP('2024-03-31T12:00:00Z') AND ACCENTI(x) = ACCENTI('é''\\n')",
    ]

    @Test(arguments: 0..<60)
    func `damaged filters end in an error or in a tree that round-trips`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let examples = Self.seeds + (try StandardExamples.texts().map(\.text))
        let jsons = try examples.map { try Expression(text: $0).json } + (try StandardExamples.jsons().map(\.bytes))
        let pieces = [
            "(", ")", "'", "\"", ",", "NOT ", " AND ", "-", "1e400", "\\", "NULL", "[", "{", "}", "]", ":", "\u{3000}", "．", "Z", " EMPTY",
            "\0",
        ]
        for _ in 0..<40 {
            var text = Array(examples.randomElement(using: &generator)!.utf8)
            Self.damage(&text, with: pieces, using: &generator)
            if let string = String(validating: text, as: UTF8.self) { Self.check(seed) { try Expression(text: string) } }
            var json = jsons.randomElement(using: &generator)!
            Self.damage(&json, with: pieces, using: &generator)
            Self.check(seed) { try Expression(json: json) }
        }
    }

    private static func check(_ seed: UInt64, _ read: () throws -> Expression) {
        guard let expression = try? read() else { return }
        // The written form may be longer than what was read.
        let limits = Limits(bytes: 1 << 20)
        #expect((try? Expression(text: expression.text, limits: limits)) == expression, "seed \(seed): \(expression.text)")
        #expect((try? Expression(json: expression.json, limits: limits)) == expression, "seed \(seed): \(expression.text)")
    }

    private static func damage(_ bytes: inout [UInt8], with pieces: [String], using generator: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let place = Int.random(in: 0...bytes.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes.insert(contentsOf: pieces.randomElement(using: &generator)!.utf8, at: place)
            case 1: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 0..<5, using: &generator)))
            case 2 where place < bytes.count: bytes[place] = UInt8.random(in: 0...127, using: &generator)
            case 3:
                let end = min(bytes.count, place + Int.random(in: 0..<12, using: &generator))
                bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &generator))
            default: bytes.removeSubrange(place...)
            }
        }
    }
}
