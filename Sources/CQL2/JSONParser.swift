import Geo

/// Reads the JSON form by the schema of 21-065r2 (`cql2.json`); `TreeBuilder` says what may stand where, as for the text form.
///
/// Members that the schema does not name are passed over, as it does. Taken beyond it: a property as a condition, `between` for dates
/// and texts, collections of one geometry, timestamps with an offset.
struct JSONParser {
    var tree: TreeBuilder

    init(_ limits: Limits) {
        tree = TreeBuilder(limits)
    }

    mutating func filter(_ value: JSONValue) throws(FilterError) -> Expression {
        let result = try node(value)
        try tree.require(result, .condition)
        return result.expression
    }

    /// A value of any kind. Recursion is as deep as the JSON, which its reader bounded.
    private mutating func node(_ value: JSONValue) throws(FilterError) -> Node {
        let offset = value.offset
        switch value.content {
        case .null: throw .syntax(offset, ja: "null は値として書けません。isNull を使ってください。", en: "null is no value; use isNull.")
        case .boolean(let flag): return try tree.leaf(.boolean(flag), at: offset)
        case .integer(let number): return try tree.leaf(.integer(number), at: offset)
        case .real(let number): return try tree.leaf(.real(number), at: offset)
        case .text(let text): return try tree.leaf(.text(text), at: offset)
        case .list(let values):
            let elements = try list(values)
            return try tree.node(.list(elements.map(\.expression)), over: elements, at: offset)
        case .object: return try object(value)
        }
    }

    private mutating func list(_ values: [JSONValue]) throws(FilterError) -> [Node] {
        var elements: [Node] = []
        for value in values { try tree.append(try node(value), to: &elements) }
        return elements
    }

    private mutating func object(_ value: JSONValue) throws(FilterError) -> Node {
        let offset = value.offset
        let names = ["op", "property", "date", "timestamp", "interval", "type"].filter { value[$0] != nil }
        // A geometry may have a "bbox" of its own (RFC 7946, 5).
        guard let name = names.first ?? (value["bbox"] == nil ? nil : "bbox"), names.count <= 1, let member = value[name] else {
            throw .syntax(
                offset, ja: "オブジェクトには op、property、date、timestamp、interval、bbox、type のどれか一つが必要です。",
                en: "An object needs one of op, property, date, timestamp, interval, bbox and type, and no second.")
        }
        switch name {
        case "op": return try operation(try text(member), value["args"], at: offset)
        case "property":
            let property = try text(member)
            guard !property.isEmpty else { throw .syntax(member.offset, ja: "項目名が空です。", en: "The name is empty.") }
            return try tree.leaf(.property(property), at: offset)
        case "date": return try tree.leaf(.date(try TemporalText.day(try text(member), at: member.offset)), at: offset)
        case "timestamp": return try tree.leaf(.timestamp(try TemporalText.instant(try text(member), at: member.offset)), at: offset)
        case "interval": return try interval(member, at: offset)
        case "bbox":
            var numbers: [Double] = []
            for number in try self.values(member) { numbers.append(try self.number(number)) }
            guard let box = Expression.box(numbers) else {
                throw .syntax(member.offset, ja: "bbox には数が4個(または6個)必要です。", en: "bbox needs four numbers, or six.")
            }
            return try tree.leaf(box, at: offset)
        default:
            let kind = try self.kind(of: value)
            var builder = GeometryBuilder(kind)
            try geometry(value, kind, into: &builder)
            return try tree.leaf(.geometry(builder.geometry), at: offset)
        }
    }

    // MARK: Operations

    private mutating func operation(_ name: String, _ arguments: JSONValue?, at offset: Int) throws(FilterError) -> Node {
        guard let arguments else { throw .syntax(offset, ja: "op には args が必要です。", en: "op needs args.") }
        let values = try self.values(arguments)
        func need(_ count: Int) throws(FilterError) {
            guard values.count == count else {
                throw .syntax(
                    arguments.offset, ja: "この op の args には値が\(count)個必要です。",
                    en: "The args of this op must be \(count == 1 ? "one value" : "\(count) values").")
            }
        }
        switch name {
        case "and", "or":
            guard values.count >= 2 else {
                throw .syntax(
                    arguments.offset, ja: "and と or の args には条件が2個以上必要です。", en: "The args of and and or must be two conditions or more.")
            }
            var operands: [Node] = []
            for value in values { operands.append(try node(value)) }
            return try tree.junction(operands, isAnd: name == "and", at: offset)
        case "not":
            try need(1)
            return try tree.not(try node(values[0]), at: offset)
        case "isNull":
            try need(1)
            return try tree.isNull(try node(values[0]), at: offset)
        case "casei", "accenti":
            try need(1)
            return try tree.folded(try node(values[0]), accents: name == "accenti", at: offset)
        case "like":
            try need(2)
            return try tree.like(try node(values[0]), try node(values[1]), at: offset)
        case "between":
            try need(3)
            return try tree.between(try node(values[0]), try node(values[1]), try node(values[2]), at: offset)
        case "in":
            try need(2)
            let value = try node(values[0])
            return try tree.isIn(value, try list(try self.values(values[1])), at: offset)
        default: break
        }
        if let operation = Comparison(rawValue: name) {
            try need(2)
            return try tree.comparison(operation, try node(values[0]), try node(values[1]), at: offset)
        }
        if let relation = SpatialRelation(rawValue: name) {
            try need(2)
            return try tree.spatial(relation, try node(values[0]), try node(values[1]), at: offset)
        }
        if let relation = TemporalRelation(rawValue: name) {
            try need(2)
            return try tree.temporal(relation, try node(values[0]), try node(values[1]), at: offset)
        }
        if let relation = ArrayRelation(rawValue: name) {
            try need(2)
            return try tree.array(relation, try node(values[0]), try node(values[1]), at: offset)
        }
        if let operation = Arithmetic(rawValue: name) {
            try need(2)
            return try tree.arithmetic(operation, try node(values[0]), try node(values[1]), at: offset)
        }
        guard !name.isEmpty else { throw .syntax(offset, ja: "op が空です。", en: "op is empty.") }
        return try tree.function(name, try list(values), at: offset)
    }

    private mutating func interval(_ value: JSONValue, at offset: Int) throws(FilterError) -> Node {
        var ends: [Node?] = []
        for end in try values(value) {
            if case .text(let text) = end.content {
                guard let instant = try TemporalText.end(text, at: end.offset) else {
                    ends.append(nil)
                    continue
                }
                ends.append(try tree.leaf(instant, at: end.offset))
            } else {
                let node = try node(end)
                guard node.expression.role == .reference else {
                    throw .syntax(
                        end.offset, ja: "interval の両端は \"2024-03-31\"、\"2024-03-31T12:00:00Z\"、\"..\"、または property で書いてください。",
                        en: "The ends of interval are \"2024-03-31\", \"2024-03-31T12:00:00Z\", \"..\" or a property.")
                }
                ends.append(node)
            }
        }
        guard ends.count == 2 else { throw .syntax(value.offset, ja: "interval には両端の2個が必要です。", en: "interval needs its two ends.") }
        return try tree.interval(ends, at: offset)
    }

    // MARK: Geometries

    private func kind(of value: JSONValue) throws(FilterError) -> GeometryKind {
        guard let member = value["type"], case .text(let name) = member.content,
            let kind = GeometryKind.allCases.first(where: { $0.name == name })
        else {
            throw .syntax(
                value.offset, ja: "type はGeoJSONの図形の名前(Point など)で書いてください。", en: "type must name a GeoJSON geometry, such as Point.")
        }
        return kind
    }

    private mutating func geometry(_ value: JSONValue, _ kind: GeometryKind, into builder: inout GeometryBuilder) throws(FilterError) {
        if kind == .geometryCollection {
            guard let members = value["geometries"] else { throw missing("geometries", value) }
            for member in try values(members) {
                let memberKind = try self.kind(of: member)
                guard memberKind != .geometryCollection else {
                    throw .syntax(
                        member.offset, ja: "GeometryCollection は入れ子にできません。", en: "A GeometryCollection cannot hold another.")
                }
                try geometry(member, memberKind, into: &builder)
            }
            return
        }
        guard let coordinates = value["coordinates"] else { throw missing("coordinates", value) }
        let part = kind.partKind
        if kind == part { return try self.part(coordinates, part, into: &builder) }
        for element in try values(coordinates) { try self.part(element, part, into: &builder) }
    }

    private func missing(_ name: String, _ value: JSONValue) -> FilterError {
        .syntax(value.offset, ja: "図形に \(name) がありません。", en: "The geometry has no \(name).")
    }

    private mutating func part(_ value: JSONValue, _ kind: GeometryKind, into builder: inout GeometryBuilder) throws(FilterError) {
        switch kind {
        case .polygon:
            for ring in try values(value) {
                let positions = try values(ring)
                guard !positions.isEmpty else {
                    throw .syntax(ring.offset, ja: "多角形の輪には4点以上が必要です。", en: "A ring needs four points or more.")
                }
                for position in positions { try self.position(position, into: &builder) }
                try builder.endRing(kind, at: ring.offset)
            }
        case .lineString:
            for position in try values(value) { try self.position(position, into: &builder) }
            try builder.endRing(kind, at: value.offset)
        default:
            try position(value, into: &builder)
            try builder.endRing(kind, at: value.offset)
        }
        builder.endPart(kind)
    }

    /// x and y; what follows is dropped.
    private mutating func position(_ value: JSONValue, into builder: inout GeometryBuilder) throws(FilterError) {
        let numbers = try values(value)
        guard numbers.count >= 2 else { throw .syntax(value.offset, ja: "座標には数が2個以上必要です。", en: "A position needs two numbers or more.") }
        for number in numbers { _ = try self.number(number) }
        try tree.countVertex(at: value.offset)
        builder.add(x: try number(numbers[0]), y: try number(numbers[1]))
    }

    // MARK: Members

    private func values(_ value: JSONValue) throws(FilterError) -> [JSONValue] {
        guard case .list(let values) = value.content else {
            throw .syntax(value.offset, ja: "ここには [ … ] が必要です。", en: "A list [ … ] is needed here.")
        }
        return values
    }

    private func text(_ value: JSONValue) throws(FilterError) -> String {
        guard case .text(let text) = value.content else {
            throw .syntax(value.offset, ja: "ここには \"…\" の文字列が必要です。", en: "A string is needed here.")
        }
        return text
    }

    private func number(_ value: JSONValue) throws(FilterError) -> Double {
        switch value.content {
        case .integer(let number): return Double(number)
        case .real(let number): return number
        default: throw .syntax(value.offset, ja: "ここには数が必要です。", en: "A number is needed here.")
        }
    }
}
