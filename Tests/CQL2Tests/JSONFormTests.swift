import CQL2
import Geo
import Testing

struct JSONFormTests {
    private func read(_ json: String, limits: Limits = .address) throws -> Expression {
        try Expression(json: Array(json.utf8), limits: limits)
    }

    @Test func `numbers keep what they are`() throws {
        func value(_ number: String) throws -> Expression? {
            guard case .comparison(_, _, let value) = try read(#"{"op":"=","args":[{"property":"a"},\#(number)]}"#) else { return nil }
            return value
        }
        #expect(try value("9223372036854775807") == .integer(.max))
        #expect(try value("-9223372036854775808") == .integer(.min))
        #expect(try value("9223372036854775808") == .real(9_223_372_036_854_775_808))
        #expect(try value("1.0") == .real(1))
        #expect(try value("1e2") == .real(100))
        for number in ["01", "+1", "1.", ".5", "1e", "1e400", "-", "0x1", "NaN", "Infinity", "1_000", "--1", "１"] {
            #expect(throws: FilterError.self, "\(number)") { try value(number) }
        }
    }

    @Test(arguments: [
        (#""\u4f4f\u6240""#, "住所"), (#""\ud842\udfb7""#, "𠮷"), (#""\"\\\/\b\f\n\r\t\u0000""#, "\"\\/\u{8}\u{C}\n\r\t\u{0}"), (#""é""#, "é"),
    ])
    func `strings are unescaped`(json: String, text: String) throws {
        #expect(try read(#"{"op":"=","args":[{"property":"a"},\#(json)]}"#) == .comparison(.equal, .property("a"), .text(text)))
    }

    @Test(arguments: [
        "", " ", "nul", "{", "[", "\"", "{\"a\"}", "{\"a\":1,}", "[1,]", "[1 2]", "true false", "{'a':1}", "{a:1}", "// x\ntrue",
        "\u{FEFF}true", #""\x""#, #""\ud800""#, #""\udc00""#, #""\ud800\u0041""#, #""\u12""#, "\"a\nb\"",
        #"{"op":"not","op":"not","args":[true]}"#, #"{"op":"not","args":[true],"args":[true]}"#,
    ])
    func `what is no JSON is refused`(json: String) throws {
        let error = try #require(throws: FilterError.self) { try read(json) }
        #expect(error.code == .syntax)
        #expect((0...json.utf8.count).contains(error.offset))
    }

    @Test func `bytes that are no UTF-8 are refused`() {
        for bytes: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE4, 0xBD]] {
            let json = Array(#"{"op":"f","args":[""#.utf8) + bytes + Array(#""]}"#.utf8)
            #expect(throws: FilterError.self) { try Expression(json: json) }
        }
    }

    @Test(arguments: [
        "5", "\"a\"", "null", "[]", "{}", #"{"op":"and"}"#, #"{"op":"and","args":true}"#, #"{"op":"and","args":[true]}"#,
        #"{"op":1,"args":[]}"#, #"{"op":"","args":[]}"#, #"{"property":""}"#, #"{"property":5}"#,
        #"{"op":"not","args":[true,true]}"#, #"{"op":"not","args":[5]}"#, #"{"op":"=","args":[1]}"#, #"{"op":"=","args":[1,null]}"#,
        #"{"op":"=","args":[{"property":"a"},[1]]}"#, #"{"op":"like","args":[{"property":"a"},{"property":"b"}]}"#,
        #"{"op":"in","args":[{"property":"a"},1]}"#, #"{"op":"in","args":[{"property":"a"},1,2]}"#, #"{"op":"isNull","args":[[1]]}"#,
        #"{"op":"s_within","args":[{"property":"a"},{"bbox":[1,2,3]}]}"#,
        #"{"op":"s_within","args":[{"property":"a"},{"bbox":[1,2,3,"4"]}]}"#,
        #"{"op":"s_within","args":[{"property":"a"},{"type":"Point"}]}"#,
        #"{"op":"s_within","args":[{"property":"a"},{"type":"Point","coordinates":[1]}]}"#,
        #"{"op":"s_within","args":[{"property":"a"},{"type":"Feature","geometry":null}]}"#,
        #"{"op":"s_within","args":[{"property":"a"},{"type":"Polygon","coordinates":[[]]}]}"#,
        #"{"op":"s_within","args":[{"property":"a"},{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}]}"#,
        #"{"op":"s_within","args":[{"property":"a"},{"type":"LineString","coordinates":[[0,0]]}]}"#,
        #"{"op":"t_after","args":[{"property":"a"},{"date":"2023-02-29"}]}"#,
        #"{"op":"t_after","args":[{"property":"a"},{"timestamp":"2023-02-28"}]}"#,
        #"{"op":"t_after","args":[{"property":"a"},{"interval":[".."]}]}"#,
        #"{"op":"t_after","args":[{"property":"a"},{"interval":["..",5]}]}"#,
        #"{"op":"t_after","args":[{"property":"a"},{"date":"2023-02-28","interval":["..",".."]}]}"#,
        #"{"op":"s_within","args":[{"property":"a"},{"type":"GeometryCollection","geometries":[{"type":"GeometryCollection","geometries":[]}]}]}"#,
    ])
    func `JSON that is no filter is refused`(json: String) throws {
        let error = try #require(throws: FilterError.self) { try read(json) }
        #expect(error.code == .syntax)
        #expect(error.message.texts.keys.sorted() == ["en", "ja"])
    }

    @Test func `members that the schema does not name are passed over`() throws {
        #expect(
            try read(
                #"{"args":[{"x":1,"property":"a"},{"coordinates":[1,2,3],"bbox":[1,2,1,2],"type":"Point"}],"note":null,"op":"s_equals"}"#)
                == .spatial(.equals, .property("a"), .geometry(.point(1, 2))))
    }

    @Test func `operators are told by case, as the schema does`() throws {
        #expect(try read(#"{"op":"AND","args":[true,false]}"#) == .function("AND", [.boolean(true), .boolean(false)]))
    }

    @Test func `a filter inside a document is taken from it`() throws {
        let document = try JSONValue(reading: Array(#"{"limit":5,"filter":{"op":"not","args":[{"property":5}]}}"#.utf8))
        let filter = try #require(document["filter"])
        let error = try #require(throws: FilterError.self) { try Expression(json: filter) }
        #expect(error.offset == 52)
    }
}
