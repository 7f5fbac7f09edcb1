import CQL2
import Geo
import Testing

/// Where readers of CQL2 differ: what the grammar (21-065r2, annex B) says, and where more is taken because clients send it.
struct GrammarTests {
    private func read(_ text: String) throws -> Expression { try Expression(text: text) }

    /// The left side of `… = 0`.
    private func value(_ text: String) throws -> Expression {
        guard case .comparison(.equal, let left, .integer(0)) = try read(text + " = 0") else {
            Issue.record("\(text)")
            return .boolean(false)
        }
        return left
    }

    @Test func `operators bind as the grammar says`() throws {
        let (a, b, c) = (Expression.property("a"), Expression.property("b"), Expression.property("c"))
        #expect(try value("a-b-c") == .arithmetic(.subtract, .arithmetic(.subtract, a, b), c))
        #expect(try value("a/b*c") == .arithmetic(.multiply, .arithmetic(.divide, a, b), c))
        #expect(try value("a + b * c") == .arithmetic(.add, a, .arithmetic(.multiply, b, c)))
        #expect(try value("a * b ^ c") == .arithmetic(.multiply, a, .arithmetic(.power, b, c)))
        #expect(try value("a DIV b % c") == .arithmetic(.modulo, .arithmetic(.integerDivide, a, b), c))
        #expect(try value("-2^2") == .arithmetic(.power, .integer(-2), .integer(2)))
        #expect(try value("-a^2") == .arithmetic(.power, .arithmetic(.multiply, .integer(-1), a), .integer(2)))
        #expect(try value("2^-1") == .arithmetic(.power, .integer(2), .integer(-1)))
        #expect(try value("a -1") == .arithmetic(.subtract, a, .integer(1)))
        #expect(try value("a - -1") == .arithmetic(.subtract, a, .integer(-1)))
        #expect(try read("NOT a AND b") == .and([.not(a), b]))
        #expect(try read("a OR b AND NOT c") == .or([a, .and([b, .not(c)])]))
        #expect(try read("a AND b AND c") == .and([a, b, c]))
        #expect(try read("NOT a IS NULL") == .not(.isNull(a)))
        #expect(try read("a BETWEEN 1 AND 2 AND b") == .and([.between(a, lower: .integer(1), upper: .integer(2)), b]))
        #expect(try read("a NOT BETWEEN b+1 AND c") == .not(.between(a, lower: .arithmetic(.add, b, .integer(1)), upper: c)))
        #expect(try read("a < > 1") == .comparison(.notEqual, a, .integer(1)))
    }

    @Test(arguments: [
        "a^b^c = 0", "a = b = c", "a < b < c", "a IS NULL IS NULL", "a = NOT b", "a + (b = c) = 0", "(a = 1) = TRUE", "+a = 0", "- - a = 0",
        "---1 = 0",
    ])
    func `what the grammar does not chain is refused`(text: String) {
        #expect(throws: FilterError.self) { try read(text) }
    }

    @Test(arguments: [
        ("9223372036854775807", Expression.integer(.max)), ("-9223372036854775808", .integer(.min)),
        ("9223372036854775808", .real(9_223_372_036_854_775_808)),
        ("-9223372036854775809", .real(-9_223_372_036_854_775_808)), ("007", .integer(7)), ("5.", .real(5)), (".5", .real(0.5)),
        ("-.5", .real(-0.5)),
        ("5.e2", .real(500)), ("1e3", .real(1000)), ("1E-2", .real(0.01)), ("+5", .integer(5)), ("--5", .integer(5)), ("-+5", .integer(-5)),
        ("1e-400", .real(0)),
        ("9007199254740993", .integer(9_007_199_254_740_993)),
    ])
    func `numbers are exact`(text: String, expected: Expression) throws {
        #expect(try read("a = \(text)") == .comparison(.equal, .property("a"), expected))
    }

    @Test(arguments: [
        "POINT(138.536.25)", "POINT(138.5 36.25.5)", "POINT(-138.536.25)", "POINT(1 2.3.4)", "POINT(1e2.5)", "LINESTRING(0 0, 1.1.1)",
        "POLYGON((0 0, 1 0, 1.0.1, 0 0))", "MULTIPOINT(1.2.3)",
    ])
    func `numbers of a position that run into each other are refused`(text: String) throws {
        let error = #expect(throws: FilterError.self) { try read("S_INTERSECTS(geometry, \(text))") }
        #expect(error?.code == .syntax)
    }

    @Test func `numbers of a position are told apart by any space, and by nothing in a list`() throws {
        let wanted = try read("S_INTERSECTS(geometry, POINT(138.5 -.25))")
        for text in ["POINT(138.5\t-.25)", "POINT(138.5\u{3000}-0.25)", "POINT( +138.5  - .25 )", "POINT(138.5 -.25 7)"] {
            #expect(try read("S_INTERSECTS(geometry, \(text))") == wanted, "\(text)")
        }
        #expect(throws: Never.self) { try read("S_INTERSECTS(geometry, BBOX(138,-36,139.5,.5))") }
        #expect(throws: Never.self) { try read("S_INTERSECTS(geometry, LINESTRING(0 0,1 -1,.5 .5))") }
    }

    @Test(arguments: [
        ("''", ""), ("'it''s'", "it's"), (#"'it\'s'"#, "it's"), (#"'\\'"#, #"\"#), (#"'\a\b\t\n\v\f\r'"#, "\u{7}\u{8}\t\n\u{B}\u{C}\r"),
        (#"'50\% \_ \x'"#, #"50\% \_ \x"#),
        (#"'\\%'"#, #"\%"#), ("'改行\n'", "改行\n"), ("''''", "'"),
    ])
    func `texts are unescaped`(text: String, expected: String) throws {
        #expect(try read("a = \(text)") == .comparison(.equal, .property("a"), .text(expected)))
    }

    @Test(arguments: [
        ("住所", "住所"), ("eo:cloud_cover", "eo:cloud_cover"), ("a.b-1", "a.b"), ("_x", "_x"), (":x", ":x"), ("階数2", "階数2"), ("ﾊﾝｶｸ", "ﾊﾝｶｸ"),
        ("𠮷野", "𠮷野"), ("\"住所 (旧)\"", "住所 (旧)"),
        ("\"a\"\"b\"", "a\"b"), ("date", "date"), ("point", "point"), ("interval", "interval"), ("in", "in"), ("\"and\"", "and"),
        ("T_AFTER", "T_AFTER"),
    ])
    func `names are found`(text: String, name: String) throws {
        #expect(try read("\(text) = 0").properties == [name])
    }

    @Test func `white space is that of the grammar, the Japanese one included`() throws {
        #expect(try read("\u{3000}住所\u{3000}=\u{A0}'x'\u{2003}\r\n") == .comparison(.equal, .property("住所"), .text("x")))
    }

    @Test func `keywords are found in any case, names keep theirs`() throws {
        #expect(
            try read("a like 'x' And nOt B iN (tRue)")
                == .and([.like(.property("a"), pattern: .text("x")), .not(.isIn(.property("B"), [.boolean(true)]))]))
        #expect(try read("t_finishedby(A,B)") == .temporal(.finishedBy, .property("A"), .property("B")))
        // U+212A KELVIN SIGN is not the K of LIKE.
        #expect(throws: FilterError.self) { try read("a LI\u{212A}E 'x'") }
    }

    @Test func `functions and lists are told from parentheses`() throws {
        let (a, b) = (Expression.property("a"), Expression.property("b"))
        #expect(try read("f()") == .function("f", []))
        #expect(try read("f(a = 1, (b))") == .function("f", [.comparison(.equal, a, .integer(1)), .list([b])]))
        #expect(try read("f((a + b) * 2)") == .function("f", [.arithmetic(.multiply, .arithmetic(.add, a, b), .integer(2))]))
        #expect(try read("f(((a)) + 1)") == .function("f", [.arithmetic(.add, a, .integer(1))]))
        #expect(try read("f((a = 1) IS NULL AND b)") == .function("f", [.and([.isNull(.comparison(.equal, a, .integer(1))), b])]))
        #expect(try read("A_EQUALS(('x'), ())") == .array(.equals, .list([.text("x")]), .list([])))
        #expect(try read("A_EQUALS(a, ((1),(2)))") == .array(.equals, a, .list([.list([.integer(1)]), .list([.integer(2)])])))
        #expect(try read("\"date\"(a)") == .function("date", [a]))
        #expect(try read("div(a,b) = 0") == .comparison(.equal, .arithmetic(.integerDivide, a, b), .integer(0)))
        for text in [
            "f((1,2) + 1)", "A_EQUALS(1, a)", "f(a)(b)", "a IN (b", "a IN 1", "f(,)", "f(a,)", "\"casei\"(a)", "S_WITHIN(a)",
            "S_WITHIN(a,b,a)", "CASEI()",
        ] {
            #expect(throws: FilterError.self, "\(text)") { try read(text) }
        }
    }

    @Test(arguments: [
        "S_INTERSECTS(g,point(1 2))", "S_INTERSECTS(g,POINT Z (1 2 3))", "S_INTERSECTS(g,POINTZ(1 2 3))",
        "S_INTERSECTS(g, POINT ( 1.0 2e0 3 ))", "S_INTERSECTS(g,POINT(1+2))",
    ])
    func `a point may be written in many ways`(text: String) throws {
        #expect(try read(text) == .spatial(.intersects, .property("g"), .geometry(.point(1, 2))))
    }

    @Test func `geometries of every kind are read`() throws {
        func geometry(_ text: String) throws -> Geometry? {
            guard case .spatial(_, .geometry(let geometry), _) = try read("S_EQUALS(\(text),g)") else { return nil }
            return geometry
        }
        let triangle = [Point(x: 0, y: 0), Point(x: 1, y: 0), Point(x: 1, y: 1), Point(x: 0, y: 0)]
        #expect(try geometry("POLYGON((0 0,1 0,1 1,0 0))") == .polygon([triangle]))
        #expect(try geometry("MULTIPOLYGON(((0 0,1 0,1 1,0 0)),EMPTY)") == .multiPolygon([[triangle]]))
        #expect(try geometry("POLYGON(EMPTY)") == Geometry(kind: .polygon))
        #expect(try geometry("MULTILINESTRING EMPTY") == Geometry(kind: .multiLineString))
        // GEOS before 3.12 writes multipoints without inner parentheses.
        #expect(try geometry("MULTIPOINT(1 2, 3 4)") == geometry("MULTIPOINT((1 2),(3 4))"))
        let collection = try geometry("GEOMETRYCOLLECTION(MULTIPOINT((1 2),(3 4)), LINESTRING(0 0,1 1))")
        #expect(collection?.partKinds == [.point, .point, .lineString])
        for text in [
            "POINT EMPTY", "LINESTRING EMPTY", "POINT(1)", "POINT(1 2 3 4)", "POINT M(1 2 3)", "LINESTRING(1 2)", "POLYGON((0 0,1 0,0 0))",
            "POLYGON((0 0,1 0,1 1,0 1))", "POLYGON(EMPTY,(0 0,1 0,1 1,0 0))",
            "POINT(1e400 2)", "POINT(a 2)", "SRID=4326;POINT(1 2)", "GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(1 2)))",
            "GEOMETRYCOLLECTION EMPTY", "CIRCULARSTRING(0 0,1 1,2 0)",
            "BBOX(1,2,3)", "BBOX(1,2,3,4,5)", "BBOX(1,2,3,4,5,6,7)", "BBOX(a,2,3,4)", "'POINT(1 2)'", "BBOX(1,2,3,1e999)", "POINT(NaN 2)",
        ] {
            #expect(throws: FilterError.self, "\(text)") { try geometry(text) }
        }
        #expect(
            try read("S_WITHIN(g,BBOX(170,-10,5,-170,10,6))")
                == .spatial(.within, .property("g"), .bbox(west: 170, south: -10, east: -170, north: 10)))
    }

    @Test(arguments: [
        ("2024-02-29T23:59:59.999999Z", 1_709_251_199_999_999), ("1970-01-01T00:00:00.5Z", 500_000), ("1970-01-01T09:00:00+09:00", 0),
        ("1969-12-31T19:00:00.000-05:00", 0),
        ("1970-01-01t00:00:00.0000019z", 1),
    ])
    func `timestamps are instants`(text: String, microseconds: Int64) throws {
        let instant = Expression.timestamp(Instant(microseconds: microseconds, zoneMinutes: 0))
        #expect(try read("a = TIMESTAMP('\(text)')") == .comparison(.equal, .property("a"), instant))
    }

    @Test(arguments: [
        "DATE('2023-02-29')", "DATE('2024-13-01')", "DATE('2024-1-1')", "DATE('24-01-01')", "DATE(a)", "DATE('')",
        "TIMESTAMP('2024-01-01')", "TIMESTAMP('2024-01-01T00:00:00')",
        "TIMESTAMP('2024-01-01T24:00:00Z')", "TIMESTAMP('2024-01-01T00:60:00Z')", "TIMESTAMP('2024-01-01T00:00:60Z')",
        "TIMESTAMP('2024-01-01T00:00:00.Z')", "TIMESTAMP('2024-01-01T00:00Z')",
        "TIMESTAMP('0000-01-01T00:00:00+09:00')", "TIMESTAMP('9999-12-31T23:59:59-01:00')", "TIMESTAMP('2024-01-01T00:00:00Z ')",
        "INTERVAL('2020-01-01')", "INTERVAL('2020-01-01','','..')", "INTERVAL(1,2)",
        "INTERVAL('','..')", "'2024-01-01'", "INTERVAL(DATE('2020-01-01'),'..')",
    ])
    func `times that are none are refused`(text: String) {
        #expect(throws: FilterError.self) { try read("T_AFTER(a,\(text))") }
    }

    @Test func `intervals are open, or have dates, timestamps, properties or functions for ends`() throws {
        let day = Expression.date(Day(year: 2020, month: 1, day: 2)!)
        #expect(try read("T_DURING(a,INTERVAL('..','2020-01-02'))") == .temporal(.during, .property("a"), .interval(start: nil, end: day)))
        #expect(
            try read("T_DURING(a,INTERVAL(b,f(c)))")
                == .temporal(.during, .property("a"), .interval(start: .property("b"), end: .function("f", [.property("c")]))))
    }

    @Test(arguments: [
        "5", "'a'", "a + 1", "DATE('2020-01-01')", "POINT(1 2)", "(1,2)", "", "  ", "a = ", "a LIKE b", "a LIKE CASEI(b)", "5 LIKE 'a'",
        "CASEI(5) = 'a'", "a = NULL", "a IS 5", "a = POINT(1 2)", "S_WITHIN(a,'x')",
        "'a' + 1 = 2", "a IN ((1,2))", "a AND 5", "NOT 5", "a != 1", "a == 1", "a || b = 'x'", "a ILIKE 'x'", "a b", "a = 1 b", "a = 'x",
        "\"a = 1", "\"\" = 1", "a = 'x'y'", "a; b", "{}", "a = 1)", "(a = 1", "#", "\u{0}",
        "住所＝'x'", "a BETWEEN TRUE AND FALSE", "a = 1 AND", "AND", "NOT",
    ])
    func `what is no filter is refused with its place and in two languages`(text: String) throws {
        let error = try #require(throws: FilterError.self) { try read(text) }
        #expect(error.code == .syntax)
        #expect((0...text.utf8.count).contains(error.offset))
        #expect(error.message.texts.keys.sorted() == ["en", "ja"])
    }

    @Test(arguments: [
        ("a = 1 AND b ! 2", 12), ("住所 = 1 AND", 14), ("a = 1 AND (b + 'x') = 2", 15), ("a IN (1, NULL)", 9), ("住所＝'x'", 0),
        ("T_AFTER(a, 5)", 11), ("a = 'x", 4),
    ])
    func `errors point at the byte`(text: String, offset: Int) throws {
        let error = try #require(throws: FilterError.self) { try read(text) }
        #expect(error.offset == offset)
    }

    /// What QGIS 3.44 writes.
    @Test(arguments: [
        "((\"name\" = 'a') AND (NOT ((floors > 5))))", "(( - (floors)) < 3)", "(CASEI(\"name\") LIKE CASEI('x%'))",
        "(\"t\" >= TIMESTAMP('2024-03-31T12:00:00.000Z'))",
        "(\"d\" BETWEEN DATE('2024-01-01') AND DATE('2024-02-01'))", "(\"a\" IS NOT NULL)", "S_INTERSECTS(geometry,BBOX(139.5,35,140,36))",
        "(\"a\" NOT IN ('x','y'))", "((floors % 2) = 1)",
    ])
    func `filters of QGIS are taken`(text: String) throws {
        let expression = try read(text)
        #expect(try read(expression.text) == expression)
    }

    /// What cql2-rs and pygeofilter write, which is not always what they read.
    @Test func `filters of other libraries are taken`() throws {
        let (a, b) = (Expression.property("a"), Expression.property("b"))
        #expect(try read("NOT NOT true AND a") == .and([.not(.not(.boolean(true))), a]))
        #expect(
            try read("div(a - 1, -2.5) IN (b)")
                == .isIn(.arithmetic(.integerDivide, .arithmetic(.subtract, a, .integer(1)), .real(-2.5)), [b]))
        #expect(try read("t_during(a, INTERVAL('..','..'))") == .temporal(.during, a, .interval(start: nil, end: nil)))
        #expect(try read("s_within(POINT Z(1 2 3), a)") == .spatial(.within, .geometry(.point(1, 2)), a))
        #expect(try read("a <= accenti(b)") == .comparison(.lessOrEqual, a, .accenti(b)))
        #expect(
            try read("(\"a\" = TIMESTAMP('1970-01-01T00:00:01+00:00'))")
                == .comparison(.equal, a, .timestamp(Instant(microseconds: 1_000_000, zoneMinutes: 0))))
        #expect(try read("a BETWEEN 'x' AND 'y'") == .between(a, lower: .text("x"), upper: .text("y")))
        // They read a list of one as the value in it, and drop the inner AND of two. The grammar has lists first, and we keep what was said.
        #expect(try read("f((1))") == .function("f", [.list([.integer(1)])]))
        #expect(try read("a AND (b AND a)") == .and([a, .and([b, a])]))
        // What they write for (a ^ b) ^ a others read as a ^ (b ^ a); the grammar has neither.
        #expect(throws: FilterError.self) { try read("a ^ b ^ a = 0") }
    }
}
