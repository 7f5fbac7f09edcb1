import CQL2
import Descriptions
import Geo
import Query

/// The body of an execution (OGC 18-062r2, 7.11.2) as a question: which two layers, what about them, and how to answer.
struct ProcessInputs {
    var target: String
    var overlay: String
    var request: OverlayRequest
    /// The media type that `outputs.result.format` names; nil leaves it to `f` and `Accept`.
    var mediaType: String?
    /// `response: document`: the table stands in an object under the output's name.
    var isDocument: Bool

    static let groupLimit = 8
    static let aggregateLimit = 16
    static let nearestLimit = 100
    /// Metres.
    static let distanceLimit = 100_000.0

    init(_ bytes: [UInt8]) throws {
        let document: JSONValue
        do throws(FilterError) { document = try JSONValue(reading: bytes) } catch { throw Problem(error) }
        let body = try ProcessInputs.members(document, "body", ["inputs", "outputs", "response", "subscriber"])
        guard let given = body["inputs"] else { throw ProcessInputs.missing("inputs") }
        let inputs = try ProcessInputs.members(
            given, "inputs", ["target", "overlay", "predicate", "distance", "nearest", "groupBy", "aggregates"])
        guard body["subscriber"] == nil else {
            throw Problem.invalid("subscriber", "…", ja: "通知は送りません。ジョブの状態を見てください。", en: "Nothing is sent: ask for the state of the job.")
        }
        let target = try ProcessInputs.side(inputs["target"], "target")
        let overlay = try ProcessInputs.side(inputs["overlay"], "overlay")
        (self.target, self.overlay) = (target.collection, overlay.collection)
        request = OverlayRequest(
            targetFilter: target.filter, overlayFilter: overlay.filter, relation: try ProcessInputs.relation(inputs),
            groupBy: try ProcessInputs.list(inputs["groupBy"], "groupBy", limit: ProcessInputs.groupLimit) { value throws(Problem) in
                let members = try ProcessInputs.members(value, "groupBy", ["side", "property"])
                return try ProcessInputs.property(members, "groupBy")
            },
            aggregates: try ProcessInputs.list(
                inputs["aggregates"], "aggregates", limit: ProcessInputs.aggregateLimit, ProcessInputs.aggregate))
        if request.aggregates.isEmpty { request.aggregates = [.count] }
        switch try body["response"].map({ try ProcessInputs.text($0, "response") }) {
        case nil, "raw": isDocument = false
        case "document": isDocument = true
        case .some(let other): throw Problem.invalid("response", other, ja: "使えるもの: raw, document", en: "There are: raw, document")
        }
        mediaType = try ProcessInputs.mediaType(body["outputs"])
    }

    // MARK: Parts

    private static func relation(_ inputs: [String: JSONValue]) throws(Problem) -> OverlayRequest.Relation {
        let name = try inputs["predicate"].map { value throws(Problem) in try text(value, "predicate") } ?? "intersects"
        let distance = try inputs["distance"].flatMap { value throws(Problem) in try number(value, "distance") }
        let nearest = try inputs["nearest"].flatMap { value throws(Problem) in try number(value, "nearest") }
        if name != "distance" && name != "nearest", let distance {
            throw .invalid("distance", "\(distance)", ja: "predicateがdistanceかnearestのときだけ使います。", en: "It goes with distance and nearest.")
        }
        if name != "nearest", let nearest {
            throw .invalid("nearest", "\(nearest)", ja: "predicateがnearestのときだけ使います。", en: "It goes with the predicate nearest.")
        }
        switch name {
        case "intersects": return .intersects
        case "within": return .within
        case "contains": return .contains
        case "distance":
            guard let distance else { throw missing("distance") }
            return .distance(distance)
        case "nearest":
            let count = nearest ?? 1
            guard count == count.rounded(), count >= 1 else {
                throw .invalid("nearest", "\(count)", ja: "1以上の整数です。", en: "It is a whole number from 1.")
            }
            guard count <= Double(nearestLimit) else {
                throw Problem(.limitExceeded, ja: "nearestは\(nearestLimit)までです。", en: "nearest is at most \(nearestLimit).")
            }
            return .nearest(Int(count), within: distance)
        default:
            throw .invalid(
                "predicate", name, ja: "使えるもの: intersects, within, contains, distance, nearest",
                en: "There are: intersects, within, contains, distance, nearest")
        }
    }

    private static func aggregate(_ value: JSONValue) throws(Problem) -> OverlayRequest.Aggregate {
        let members = try members(value, "aggregates", ["function", "side", "property"])
        guard let function = members["function"] else { throw missing("aggregates.function") }
        let name = try text(function, "function")
        switch name {
        case "count", "area", "length":
            guard members["property"] == nil else {
                throw .invalid("property", name, ja: "この関数に属性は要りません。", en: "This function takes no attribute.")
            }
            return name == "count" ? .count : name == "area" ? .area : .length
        case "distinct": return .distinct(try property(members, "aggregates"))
        case "sum": return .sum(try property(members, "aggregates"))
        case "mean": return .mean(try property(members, "aggregates"))
        case "min": return .min(try property(members, "aggregates"))
        case "max": return .max(try property(members, "aggregates"))
        default:
            throw .invalid(
                "function", name, ja: "使えるもの: count, distinct, sum, mean, min, max, area, length",
                en: "There are: count, distinct, sum, mean, min, max, area, length")
        }
    }

    private static func property(_ members: [String: JSONValue], _ place: String) throws(Problem) -> OverlayRequest.Property {
        guard let property = members["property"] else { throw missing(place + ".property") }
        let name = try members["side"].map { value throws(Problem) in try text(value, "side") } ?? "target"
        guard let side = OverlayRequest.Side(rawValue: name) else {
            throw .invalid("side", name, ja: "使えるもの: target, overlay", en: "There are: target, overlay")
        }
        return OverlayRequest.Property(side, try text(property, "property"))
    }

    private static func side(_ value: JSONValue?, _ name: String) throws -> (collection: String, filter: Expression?) {
        guard let value else { throw missing(name) }
        let members = try members(value, name, ["collection", "filter"])
        guard let collection = members["collection"] else { throw missing(name + ".collection") }
        let id = try text(collection, name + ".collection")
        guard let filter = members["filter"] else { return (id, nil) }
        do throws(FilterError) {
            switch filter.content {
            case .null: return (id, nil)
            case .text(let text): return (id, try Expression(text: text, limits: .body))
            default: return (id, try Expression(json: filter, limits: .body))
            }
        } catch {
            throw Problem(error)
        }
    }

    private static func mediaType(_ outputs: JSONValue?) throws(Problem) -> String? {
        guard let outputs else { return nil }
        guard let result = try members(outputs, "outputs", ["result"])["result"] else { return nil }
        let wish = try members(result, "outputs.result", ["format", "transmissionMode"])
        if let mode = wish["transmissionMode"], try text(mode, "transmissionMode") != "value" {
            throw .invalid("transmissionMode", "reference", ja: "valueだけです。", en: "There is value only.")
        }
        guard let format = wish["format"] else { return nil }
        guard let type = try members(format, "format", ["mediaType", "encoding", "schema"])["mediaType"] else { return nil }
        return try text(type, "mediaType")
    }

    // MARK: JSON

    /// The members of an object, none of them unknown and none null.
    private static func members(_ value: JSONValue, _ place: String, _ names: Set<String>) throws(Problem) -> [String: JSONValue] {
        guard case .object(let members) = value.content else {
            throw .invalid(place, "…", ja: "JSONのオブジェクトです。", en: "It is a JSON object.")
        }
        var result: [String: JSONValue] = [:]
        for member in members {
            guard names.contains(member.name) else {
                let list = names.sorted().joined(separator: ", ")
                throw Problem(
                    .unknownParameter, ja: "\(place)に「\(member.name.prefix(80))」はありません。使えるもの: \(list)",
                    en: "There is no “\(member.name.prefix(80))” in \(place). There are: \(list)")
            }
            guard result[member.name] == nil else {
                throw Problem(.syntax, ja: "「\(member.name)」が2回あります。", en: "“\(member.name)” is given twice.")
            }
            if case .null = member.value.content { continue }
            result[member.name] = member.value
        }
        return result
    }

    private static func list<Item>(
        _ value: JSONValue?, _ place: String, limit: Int, _ read: (JSONValue) throws(Problem) -> Item
    ) throws(Problem) -> [Item] {
        guard let value else { return [] }
        guard case .list(let values) = value.content else {
            throw .invalid(place, "…", ja: "JSONの並びです。", en: "It is a JSON list.")
        }
        guard values.count <= limit else {
            throw Problem(.limitExceeded, ja: "\(place)は\(limit)個までです。", en: "\(place) has at most \(limit) entries.")
        }
        var result: [Item] = []
        for value in values { result.append(try read(value)) }
        return result
    }

    private static func text(_ value: JSONValue, _ place: String) throws(Problem) -> String {
        guard case .text(let text) = value.content else { throw .invalid(place, "…", ja: "文字列です。", en: "It is a text.") }
        return text
    }

    /// A number from 0 to the limit of distances.
    private static func number(_ value: JSONValue, _ place: String) throws(Problem) -> Double? {
        let number: Double
        switch value.content {
        case .null: return nil
        case .integer(let value): number = Double(value)
        case .real(let value): number = value
        default: throw .invalid(place, "…", ja: "数です。", en: "It is a number.")
        }
        guard number >= 0 else { throw .invalid(place, "\(number)", ja: "0以上の数です。", en: "It is a number from 0.") }
        guard number <= distanceLimit else {
            throw Problem(
                .limitExceeded, ja: "\(place)は\(Int(distanceLimit))までです。", en: "\(place) is at most \(Int(distanceLimit)).")
        }
        return number
    }

    private static func missing(_ name: String) -> Problem {
        Problem(.invalidParameter, ja: "\(name)が要ります。", en: "\(name) is missing.")
    }
}
