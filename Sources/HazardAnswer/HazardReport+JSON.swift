import Descriptions
import Geo

extension HazardReport {
    /// The answer of `/at`; the order of members never changes.
    public var json: JSONTree {
        .object([
            "point": .list([.number(point.x), .number(point.y)]),
            "hazards": .list(hazards.map(\.json)),
            "shelters": .list(shelters.map(\.json)),
        ])
    }
}

extension HazardEntry {
    var json: JSONTree {
        .object([
            "layer": .optional(layer), "title": title.map { .localized($0) }, "kind": .text(kind), "scenario": .optional(scenario),
            "river": river.map { .localized($0) } ?? .null, "status": .text(status.rawValue),
            "reason": reason.map { .text($0.rawValue) }, "class": found?.json ?? .null, "value": value.map { .text($0) },
            "features": .list(features.map { .text($0) }), "baseDate": .optional(baseDate?.text),
            "attribution": attribution.map { .localized($0) } ?? .null,
        ])
    }
}

extension FoundClass {
    var json: JSONTree {
        .object([
            "scheme": .text(scheme.name), "rank": .integer(Int64(hazardClass.rank)),
            "phenomenon": hazardClass.phenomenon.map { .integer(Int64($0)) },
            "min": hazardClass.min.map { .number($0) } ?? .null, "max": hazardClass.max.map { .number($0) } ?? .null,
            "unit": .optional(scheme.unit), "label": .localized(hazardClass.label), "color": .text(hazardClass.color.description),
            "pattern": .text(hazardClass.pattern.rawValue),
        ])
    }
}

extension NearbyShelter {
    var json: JSONTree {
        .object([
            "layer": .text(layer), "id": .text(identifier), "name": name.map { .localized($0) } ?? .null,
            "distance": .number(distance.rounded()), "straightLine": .boolean(true),
            "location": .list([.number(location.x), .number(location.y)]), "address": .optional(address),
            "designated": .object(designated.map { JSONTree.Member($0.kind, .boolean($0.isDesignated)) }),
        ])
    }
}
