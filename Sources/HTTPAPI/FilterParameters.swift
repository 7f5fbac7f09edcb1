import CQL2
import Descriptions
import Geo
import HTTPTypes
import Query

/// `filter`, `filter-lang` and `filter-crs` (OGC 19-079r2, 7), and the same names in the body of a search.
enum FilterParameters {
    /// The filter of an address, its places in degrees; nil when there is none.
    static func filter(_ query: QueryString, _ engine: QueryEngine) throws -> Expression? {
        let system = try ItemsParameters.system("filter-crs", query["filter-crs"])
        let isJSON = try language(query["filter-lang"], normally: false)
        guard let text = query["filter"] else { return nil }
        return try reading(system, engine) { () throws(FilterError) in
            isJSON ? try Expression(json: Array(text.utf8), limits: .address) : try Expression(text: text, limits: .address)
        }
    }

    /// The parameters of a body, in the form of an address's, and its filter: a JSON object, or a text.
    static func body(_ bytes: [UInt8], _ engine: QueryEngine) throws -> (query: QueryString, filter: Expression?, document: JSONValue) {
        let document: JSONValue
        do throws(FilterError) { document = try JSONValue(reading: bytes) } catch { throw Problem(error) }
        guard case .object(let members) = document.content else {
            throw Problem(.syntax, ja: "本文はJSONのオブジェクトです。", en: "The body is a JSON object.")
        }
        var pairs: [(name: String, value: String)] = []
        for member in members {
            if member.name == "filter" { continue }
            if let value = try text(member.value, member.name) { pairs.append((member.name, value)) }
        }
        let query = QueryString(pairs: pairs)
        let system = try ItemsParameters.system("filter-crs", query["filter-crs"])
        guard let value = document["filter"] else { return (query, nil, document) }
        let filter: Expression?
        switch value.content {
        case .null: filter = nil
        case .text(let text):
            let isJSON = try language(query["filter-lang"], normally: false)
            filter = try reading(system, engine) { () throws(FilterError) in
                isJSON ? try Expression(json: Array(text.utf8), limits: .body) : try Expression(text: text, limits: .body)
            }
        default:
            guard try language(query["filter-lang"], normally: true) else {
                throw Problem.invalid("filter-lang", "cql2-text", ja: "filterは文字列です。", en: "The filter is then a text.")
            }
            filter = try reading(system, engine) { () throws(FilterError) in try Expression(json: value, limits: .body) }
        }
        return (query, filter, document)
    }

    private static func reading(
        _ system: MapSystem, _ engine: QueryEngine, _ read: () throws(FilterError) -> Expression
    ) throws -> Expression {
        let filter: Expression
        do throws(FilterError) { filter = try read() } catch { throw Problem(error) }
        do throws(QueryError) { return try engine.filter(filter, in: system) } catch {
            guard case .noPlace = error else { throw error }
            throw Problem.invalid(
                "filter-crs", system.uri, ja: "フィルターの図形がこの座標系で表せる範囲の外にあります。",
                en: "A geometry of the filter lies outside the area for which this reference system is made.")
        }
    }

    /// - Returns: whether the filter is in JSON.
    private static func language(_ text: String?, normally: Bool) throws(Problem) -> Bool {
        switch text {
        case nil: return normally
        case "cql2-text": return false
        case "cql2-json": return true
        default: throw .invalid("filter-lang", text ?? "", ja: "使えるもの: cql2-text, cql2-json", en: "There are: cql2-text, cql2-json")
        }
    }

    /// A member of a body as it would stand in an address; nil for null.
    private static func text(_ value: JSONValue, _ name: String) throws(Problem) -> String? {
        switch value.content {
        case .null: return nil
        case .text(let text): return text
        case .integer(let number): return String(number)
        case .real(let number): return "\(number)"
        case .boolean(let flag): return String(flag)
        case .list(let values):
            var texts: [String] = []
            for value in values {
                if case .list = value.content { throw .invalid(name, "[…]", ja: "一段の並びにしてください。", en: "It is a plain list.") }
                if let text = try text(value, name) { texts.append(text) }
            }
            return texts.joined(separator: ",")
        case .object: throw .invalid(name, "{…}", ja: "オブジェクトにはできません。", en: "It cannot be an object.")
        }
    }
}

extension Problem {
    /// A filter that was refused, and the place where it shows.
    init(_ error: FilterError) {
        let code: Code =
            switch error.code {
            case .syntax: .syntax
            case .limitExceeded: .limitExceeded
            }
        self.init(
            code, ja: "\(error.message.text("ja"))（\(error.offset)バイト目）", en: "\(error.message.text("en")) (at byte \(error.offset))")
    }
}

extension JSONTree {
    /// The same value, to be written again.
    init(_ value: JSONValue) {
        switch value.content {
        case .null: self = .null
        case .boolean(let flag): self = .boolean(flag)
        case .integer(let number): self = .integer(number)
        case .real(let number): self = .number(number)
        case .text(let text): self = .text(text)
        case .list(let values): self = .list(values.map { JSONTree($0) })
        case .object(let members): self = .object(members.map { Member($0.name, JSONTree($0.value)) })
        }
    }
}
