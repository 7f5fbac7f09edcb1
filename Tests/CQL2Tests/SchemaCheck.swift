import CQL2
import Foundation

/// As much of JSON Schema (2020-12) as the standard's `cql2.json` uses; unknown keywords end the test.
struct SchemaCheck {
    private let root: JSONValue

    init(_ root: JSONValue) {
        self.root = root
    }

    func accepts(_ value: JSONValue) -> Bool { accepts(value, root) }

    private func accepts(_ value: JSONValue, _ schema: JSONValue) -> Bool {
        guard case .object(let rules) = schema.content else { preconditionFailure("a schema is an object") }
        return rules.allSatisfy { satisfies(value, $0.name, $0.value, schema) }
    }

    private func satisfies(_ value: JSONValue, _ rule: String, _ argument: JSONValue, _ schema: JSONValue) -> Bool {
        switch rule {
        case "$schema", "$dynamicAnchor", "$defs", "title": return true
        case "$dynamicRef": return accepts(value, root)
        case "$ref":
            let name = String(argument.string.dropFirst("#/$defs/".count))
            return accepts(value, root["$defs"]![name]!)
        case "type":
            switch (argument.string, value.content) {
            case ("object", .object), ("array", .list), ("string", .text), ("boolean", .boolean), ("number", .integer), ("number", .real):
                return true
            default: return false
            }
        case "enum": return argument.list.contains { $0.string == value.optionalString }
        case "pattern":
            guard let text = value.optionalString else { return true }
            return text.range(of: argument.string, options: .regularExpression) != nil
        case "required": return argument.list.allSatisfy { value[$0.string] != nil }
        case "properties":
            guard case .object(let properties) = argument.content else { return false }
            return properties.allSatisfy { property in value[property.name].map { accepts($0, property.value) } ?? true }
        case "minItems", "maxItems":
            guard case .list(let elements) = value.content, case .integer(let count) = argument.content else { return true }
            return rule == "minItems" ? elements.count >= count : elements.count <= count
        case "prefixItems":
            guard case .list(let elements) = value.content else { return true }
            return zip(elements, argument.list).allSatisfy { accepts($0, $1) }
        case "items":
            guard case .list(let elements) = value.content else { return true }
            return elements.allSatisfy { accepts($0, argument) }
        case "oneOf": return argument.list.count { accepts(value, $0) } == 1
        case "not": return !accepts(value, argument)
        default: preconditionFailure("\(rule) is not known to this checker")
        }
    }
}

extension JSONValue {
    var optionalString: String? {
        guard case .text(let text) = content else { return nil }
        return text
    }

    var string: String { optionalString! }

    var list: [JSONValue] {
        guard case .list(let elements) = content else { preconditionFailure("a list is needed") }
        return elements
    }
}
