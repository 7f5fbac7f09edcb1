import CQL2
import Testing

struct RoundTripTests {
    @Test(arguments: 0..<100)
    func `what is written in either form is read as it was`(seed: UInt64) throws {
        var random = RandomExpression(seed: seed)
        for _ in 0..<20 {
            let expression = random.condition(depth: 6)
            let limits = Limits(bytes: 1 << 20, nodes: 100_000)
            #expect(try Expression(text: expression.text, limits: limits) == expression, "\(expression.text)")
            #expect(
                try Expression(json: expression.json, limits: limits) == expression, "\(String(decoding: expression.json, as: UTF8.self))")
        }
    }

    @Test(arguments: [
        ("((a))=(1)", "a = 1"), ("NOT (a = 1)", "NOT a = 1"), ("(a = 1 AND b = 2) OR c = 3", "a = 1 AND b = 2 OR c = 3"),
        ("(a OR b) AND c", "(a OR b) AND c"), ("a AND (b AND c)", "a AND (b AND c)"), ("a - (b - c) = 1", "a - (b - c) = 1"),
        ("(a - b) - c = 1", "a - b - c = 1"), ("(a ^ b) ^ c = 1", "(a ^ b) ^ c = 1"), ("-2 ^ 2 = 4", "(-2) ^ 2 = 4"),
        ("a - -1 = 0", "a - -1 = 0"),
        ("not a like 'x'", "a NOT LIKE 'x'"), ("NOT NOT a", "NOT (NOT a)"), ("\"floors\" > 1", "floors > 1"),
        ("\"and\" > 1", "\"and\" > 1"),
        ("S_Within(g,bbox(1,2,3,4))", "S_WITHIN(g,BBOX(1.0,2.0,3.0,4.0))"), ("a = '5\\% \\\\ \\''", "a = '5\\% \\ '''"),
        ("(a = 1) IS NULL", "(a = 1) IS NULL"),
    ])
    func `no more parentheses and quotation marks are written than needed`(text: String, written: String) throws {
        #expect(try Expression(text: text).text == written)
    }
}
