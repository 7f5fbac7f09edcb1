import Descriptions
import Geo
import HTTPTypes
import Hummingbird
import LayerAtlas
import Query

/// `/collections/{layer}/schema`, `/queryables` and `/sortables`: what a layer's features have, what of it can be asked for, and by what they can be ordered, in
/// JSON Schema 2020-12 (OGC 23-058r1, OGC 19-079r2, 6).
///
/// Titles are in the language that is asked for, with all languages beside them.
struct SchemaDocument {
    enum Purpose {
        case returnables
        case queryables
        case sortables
    }

    var purpose: Purpose
    var addresses: Addresses
    var layer: VisibleLayer
    /// Of titles and descriptions; `ja` where they are not in it.
    var language = "ja"
    /// What `datetime` asks about: one attribute, or both ends of an interval.
    var time: (start: String, end: String?)?
    /// The attribute that identifies features.
    var idAttribute: String?

    func json() -> JSONTree {
        let own =
            switch purpose {
            case .returnables: addresses.schema(layer.id)
            case .queryables: addresses.queryables(layer.id)
            case .sortables: addresses.sortables(layer.id)
            }
        var properties: [JSONTree.Member] = []
        let shape = LocalizedText(ja: "図形", en: "Geometry")
        if purpose != .sortables, let format = SchemaDocument.format(of: layer.geometryKinds) {
            properties.append(
                .init(
                    layer.geometryName,
                    .object([
                        "title": .text(shape.text(language)), "x-kasane-titles": .localized(shape), "format": .text(format),
                        "x-ogc-role": "primary-geometry", "x-ogc-propertySeq": .count(0),
                    ])))
        }
        for (number, attribute) in layer.attributes.enumerated() where purpose != .sortables || attribute.type != .json {
            properties.append(.init(attribute.name, property(attribute, number + 1)))
        }
        let title = layer.description.title
        return .object([
            "$schema": "https://json-schema.org/draft/2020-12/schema", "$id": .text(own), "type": "object",
            "title": .text(title.text(language)), "x-kasane-titles": .localized(title),
            "description": layer.description.description.map { .text($0.text(language)) }, "properties": .object(properties),
            "additionalProperties": false,
        ])
    }

    private func property(_ attribute: Attribute, _ number: Int) -> JSONTree {
        let told = layer.description.attribute(attribute.name)
        let title = told?.title ?? LocalizedText(ja: attribute.name)
        let (type, format): (JSONTree?, String?) =
            switch attribute.type {
            case .integer: ("integer", nil)
            case .real: ("number", nil)
            case .boolean: ("boolean", nil)
            case .text: ("string", nil)
            case .date: ("string", "date")
            case .time: ("string", "date-time")
            case .json: (["object", "array"], nil)
            }
        let role: JSONTree? = attribute.name == idAttribute ? "id" : timeRole(attribute.name)
        return .object([
            "title": .text(title.text(language)), "x-kasane-titles": .localized(title), "type": type, "format": format.map { .text($0) },
            "x-ogc-unit": told?.unit.map { .text($0) }, "x-ogc-role": role, "x-ogc-propertySeq": .count(number),
            "oneOf": told?.codes.flatMap { codes($0, attribute.type) },
        ])
    }

    /// OGC API – Features part 5, roles of temporal properties.
    private func timeRole(_ name: String) -> JSONTree? {
        guard let time else { return nil }
        guard let end = time.end else { return name == time.start ? "primary-instant" : nil }
        return name == time.start ? "primary-interval-start" : name == end ? "primary-interval-end" : nil
    }

    /// Codes with their meaning, as values of the attribute's type; nil when one is none, since then the list says nothing sure about values.
    private func codes(_ list: CodeList, _ type: AttributeType) -> JSONTree? {
        var values: [JSONTree] = []
        for code in list.codes {
            let value: JSONTree?
            switch type {
            case .integer: value = Int64(code.value).map { .integer($0) }
            case .real: value = Double(code.value).map { .number($0) }
            case .text: value = .text(code.value)
            default: value = nil
            }
            guard let value else { return nil }
            values.append(["const": value, "title": .text(code.label.text(language)), "x-kasane-titles": .localized(code.label)])
        }
        return values.isEmpty ? nil : .list(values)
    }

    /// OGC 23-058r1, 8.6: the formats of geometries; nil when the layer has none.
    static func format(of kinds: [GeometryKind]) -> String? {
        switch Set(kinds) {
        case []: nil
        case [.point]: "geometry-point"
        case [.lineString]: "geometry-linestring"
        case [.polygon]: "geometry-polygon"
        case [.multiPoint]: "geometry-multipoint"
        case [.multiLineString]: "geometry-multilinestring"
        case [.multiPolygon]: "geometry-multipolygon"
        case [.point, .multiPoint]: "geometry-point-or-multipoint"
        case [.lineString, .multiLineString]: "geometry-linestring-or-multilinestring"
        case [.polygon, .multiPolygon]: "geometry-polygon-or-multipolygon"
        case [.geometryCollection]: "geometry-geometrycollection"
        default: "geometry-any"
        }
    }
}

extension VisibleLayer {
    /// What the geometry is called in filters and schemas.
    var geometryName: String { attributes.contains { $0.name == "geometry" } ? "geom" : "geometry" }
}

extension LayerAPI {
    func addSchemaRoutes(to router: Router<APIContext>) {
        for (name, purpose) in [("schema", SchemaDocument.Purpose.returnables), ("queryables", .queryables), ("sortables", .sortables)] {
            document(router, "collections/{layer}/\(name)", [.schema], allowing: ["lang"]) { api, exchange in
                let layer = try api.layer(exchange)
                let language = try LayerAPI.language(exchange.query["lang"]) ?? exchange.language
                var response = exchange.answer(
                    SchemaDocument(
                        purpose: purpose, addresses: exchange.addresses, layer: layer, language: language,
                        time: api.engine.timeAttributes(layer).map { ($0.start.name, $0.end?.name) },
                        idAttribute: api.engine.idAttribute(layer)?.name
                    ).json())
                response.headers[.contentLanguage] = language
                return response
            }
        }
    }
}

extension Representation {
    static let schema = Representation(
        name: "json", mediaType: "application/schema+json", matches: ["application/schema+json", "application/json"], title: "JSON Schema")
}
