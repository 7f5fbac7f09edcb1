import CQL2
import Testing

/// The examples of the standard, in both forms.
struct ConformanceTests {
    @Test func `every text example round-trips through both forms`() throws {
        for (name, text) in try StandardExamples.texts() {
            let expression = try Expression(text: text)
            let json = try Expression(json: expression.json)
            #expect(json == expression, "\(name)")
            #expect(try Expression(text: json.text) == expression, "\(name): \(json.text)")
        }
    }

    @Test func `every JSON example round-trips through both forms`() throws {
        for (name, bytes) in try StandardExamples.jsons() {
            let expression = try Expression(json: bytes)
            #expect(try Expression(text: expression.text) == expression, "\(name): \(expression.text)")
            #expect(try Expression(json: expression.json) == expression, "\(name)")
        }
    }

    @Test func `text and JSON of an example are the same expression`() throws {
        let jsons = Dictionary(uniqueKeysWithValues: try StandardExamples.jsons().map { ($0.name, $0.bytes) })
        for (name, text) in try StandardExamples.texts() {
            let json = try #require(jsons[name.replacing(/-alt\d+$/, with: "")], "\(name)")
            #expect(try Expression(text: text) == Expression(json: json), "\(name)")
        }
    }

    @Test func `the JSON we write is valid by the standard's schema`() throws {
        guard let schema = try StandardExamples.schema() else { return }
        let expressions = try StandardExamples.texts().map { ($0.name, try Expression(text: $0.text)) }
        for (name, expression) in expressions + (try StandardExamples.jsons().map { ($0.name, try Expression(json: $0.bytes)) }) {
            #expect(schema.accepts(try JSONValue(reading: expression.json)), "\(name): \(String(decoding: expression.json, as: UTF8.self))")
        }
    }

    @Test(arguments: 0..<40)
    func `random expressions are valid by the standard's schema too`(seed: UInt64) throws {
        guard let schema = try StandardExamples.schema() else { return }
        var random = RandomExpression(seed: seed)
        random.staysInSchema = true
        for _ in 0..<25 {
            let expression = random.condition(depth: 5)
            #expect(schema.accepts(try JSONValue(reading: expression.json)), "\(String(decoding: expression.json, as: UTF8.self))")
        }
    }

    @Test func `the schema checker refuses what the schema refuses`() throws {
        guard let schema = try StandardExamples.schema() else { return }
        for text in [
            "5", #"{"op":"and","args":[true]}"#, #"{"op":"=","args":[{"property":"a"},{"interval":["..",".."]}]}"#,
            #"{"op":"=","args":[{"property":"a"},{"date":"2024-3-1"}]}"#, #"{"op":"s_within","args":[{"property":"a"},{"bbox":[1,2,3]}]}"#,
        ] {
            #expect(!schema.accepts(try JSONValue(reading: Array(text.utf8))), "\(text)")
        }
    }
}
