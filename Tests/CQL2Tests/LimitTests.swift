import CQL2
import Geo
import Testing

/// How filters that would cost too much are refused: early, by code, whatever thread they come to.
struct LimitTests {
    private func refusal(_ text: String, _ limits: Limits = .body) throws -> FilterError {
        try #require(throws: FilterError.self) { try Expression(text: text, limits: limits) }
    }

    private func refusal(json: String, _ limits: Limits = .body) throws -> FilterError {
        try #require(throws: FilterError.self) { try Expression(json: Array(json.utf8), limits: limits) }
    }

    @Test(arguments: [
        "(", "NOT ", "NOT (", "f(", "A_EQUALS((", "a = (", "- (", "a = -(", "CASEI(", "f((", "a IN (", "T_AFTER(INTERVAL(f(", "a + (",
        "S_WITHIN(f(", "a AND (b OR ", "GEOMETRYCOLLECTION(", "a BETWEEN (", "f(a, ",
    ])
    func `hostile nesting is refused within its first kilobyte`(piece: String) throws {
        let error = try refusal(String(repeating: piece, count: 43_000 / piece.utf8.count))
        #expect(error.offset < 1000)
    }

    @Test(arguments: ["[", "{\"op\":\"not\",\"args\":[", "{\"a\":", "{\"op\":\"in\",\"args\":[1,[", "{\"op\":\"f\",\"args\":["])
    func `hostile JSON is refused within its first kilobytes`(piece: String) throws {
        let error = try refusal(json: String(repeating: piece, count: 43_000 / piece.utf8.count))
        #expect(error.code == .limitExceeded)
        #expect(error.offset < 3000)
    }

    @Test func `the tree is as deep as allowed and no deeper`() throws {
        func nots(_ count: Int) -> String { String(repeating: "NOT (", count: count) + "a" + String(repeating: ")", count: count) }
        let deepest = try Expression(text: nots(31))
        #expect(try refusal(nots(32)).code == .limitExceeded)
        // The same by JSON, which has no parentheses, and back.
        #expect(try Expression(json: deepest.json) == deepest)
        #expect(try refusal(json: String(decoding: Expression.not(deepest).json, as: UTF8.self)).code == .limitExceeded)
        let parentheses = String(repeating: "(", count: 32) + "a" + String(repeating: ")", count: 32)
        #expect(try Expression(text: parentheses) == .property("a"))
        #expect(try refusal("(" + parentheses + ")").code == .limitExceeded)
    }

    @Test func `long chains are trees as deep, and refused`() throws {
        func sum(_ count: Int) -> String { (0..<count).map { "a\($0)" }.joined(separator: " + ") + " > 0" }
        _ = try Expression(text: sum(31))
        #expect(try refusal(sum(32)).code == .limitExceeded)
        // AND and OR are not: they take any number of conditions.
        #expect(try Expression(text: (0..<200).map { "a\($0)" }.joined(separator: " AND ")).properties.count == 200)
    }

    @Test func `nodes are counted, plain values in lists are not`() throws {
        func any(_ count: Int) -> String { (0..<count).map { _ in "a" }.joined(separator: " OR ") }
        #expect(try Expression(text: any(999)).nodeCount == 1000)
        #expect(try refusal(any(1000)).code == .limitExceeded)
        let json = Expression.or(Array(repeating: .property("a"), count: 1000)).json
        #expect(try refusal(json: String(decoding: json, as: UTF8.self)).code == .limitExceeded)
        let list = try Expression(text: "a IN (" + (0..<1000).map(String.init).joined(separator: ",") + ") AND b")
        #expect(list.nodeCount == 4)
        #expect(try refusal("a IN (" + (0..<1001).map(String.init).joined(separator: ",") + ")").code == .limitExceeded)
        #expect(
            try refusal(json: #"{"op":"in","args":[{"property":"a"},["# + (0..<1001).map(String.init).joined(separator: ",") + "]]}").code
                == .limitExceeded)
        #expect(try refusal("a IN (" + (0..<999).map { "a\($0)" }.joined(separator: ",") + ")").code == .limitExceeded)
    }

    @Test(arguments: 0..<20)
    func `a tree is read exactly when its nodes are allowed`(seed: UInt64) throws {
        var random = RandomExpression(seed: seed)
        for _ in 0..<10 {
            let expression = random.condition(depth: 5)
            let (enough, few) = (
                Limits(bytes: 1 << 20, nodes: expression.nodeCount), Limits(bytes: 1 << 20, nodes: expression.nodeCount - 1)
            )
            #expect(try Expression(json: expression.json, limits: enough) == expression)
            #expect(throws: FilterError.self) { try Expression(json: expression.json, limits: few) }
            #expect(throws: FilterError.self) { try Expression(text: expression.text, limits: few) }
        }
    }

    @Test func `bytes, vertices and patterns are limited`() throws {
        let long = "a = '" + String(repeating: "x", count: 8186) + "'"
        #expect(long.utf8.count == 8192)
        _ = try Expression(text: long)
        #expect(try refusal(long + " ", .address).code == .limitExceeded)
        #expect(try refusal(json: String(repeating: " ", count: 65_537)).code == .limitExceeded)

        func line(_ count: Int) -> String { "S_CROSSES(g,LINESTRING(" + (0..<count).map { "\($0 % 9) 1" }.joined(separator: ",") + "))" }
        let roomy = Limits(bytes: 1 << 20)
        let longest = try Expression(text: line(20_000), limits: roomy)
        #expect(try refusal(line(20_001), roomy).code == .limitExceeded)
        #expect(try Expression(json: longest.json, limits: roomy) == longest)
        let json = String(decoding: longest.json, as: UTF8.self).replacing("[[0.0,1.0]", with: "[[5,5],[0.0,1.0]")
        #expect(try refusal(json: json, roomy).code == .limitExceeded)

        _ = try Expression(text: "a LIKE '" + String(repeating: "町", count: 256) + "'")
        #expect(try refusal("a LIKE CASEI('" + String(repeating: "町", count: 257) + "')").code == .limitExceeded)
    }
}
