import Descriptions
import Geo
@_spi(Rows) import LayerAtlas
import LayerStore
import Synchronization

/// The river of an entry; nil where none is named.
struct River: Hashable {
    private let texts: [String: String]

    init(_ name: LocalizedText?) { texts = name?.texts ?? [:] }

    /// From an attribute's value: a text, and numbers as they are written.
    init(_ value: AttributeValue) {
        switch value {
        case .text(let text) where !text.isEmpty: texts = ["ja": text]
        case .integer(let number): texts = ["ja": String(number)]
        default: texts = [:]
        }
    }

    var name: LocalizedText? { texts.isEmpty ? nil : LocalizedText(texts) }

}

/// Where the hazard of one layer version was surveyed, and whether all of it is there.
struct Survey: Sendable {
    /// Which river and scenario an area is of; nil is for all that the layer holds.
    struct Reach: Sendable {
        var river: String?
        var scenario: String?

        /// Something about it could not be understood: then it says nothing.
        var isUnclear = false

        /// See `HazardDescription.isSurveyed`.
        func includes(_ river: River, of hazard: HazardDescription) -> Bool {
            !isUnclear && hazard.isSurveyed(forRiver: self.river, scenario: scenario, of: river.name)
        }
    }

    struct Area: Sendable {
        var reach: Reach
        var geometry: Geometry
        var envelope: Envelope

        func covers(_ point: Point) -> Bool { envelope.contains(point) && geometry.areaCovers(point) }
    }

    var areas: [Area] = []
    var coverageLayer: String?
    /// Where features are missing.
    var unknownAreas: [Envelope]
    /// A feature may lie anywhere, or the layer's features have no area that a place could be outside of.
    var isIncomplete: Bool
    /// The rivers of a layer with a river attribute: those of its features and those surveyed, by name.
    var rivers: [River] = []

    init(_ layer: VisibleLayer, _ hazard: HazardDescription) throws {
        let facts = layer.facts
        unknownAreas = facts.unknownAreas
        coverageLayer = facts.coverageLayer
        if coverageLayer == nil, case .layer(let id)? = hazard.coverage { coverageLayer = id }
        isIncomplete =
            facts.unknownEverywhere || layer.file.geometryCount < layer.file.rowCount
            || layer.geometryKinds.contains { $0.dimension != 2 }
        for area in facts.coverage {
            var geometry = Geometry(kind: .polygon)
            do {
                try area.wkb.withUnsafeBytes { try WKBReader().read($0, into: &geometry) }
            } catch is WKBError {
                // An area that cannot be read covers nothing: its places stay unknown.
                continue
            }
            areas.append(
                Area(reach: Reach(river: area.river, scenario: area.scenario), geometry: geometry, envelope: geometry.envelope))
        }
        guard let attribute = hazard.riverAttribute else { return }
        var names = Set(areas.compactMap { $0.reach.river.map { River(LocalizedText(ja: $0)) } })
        if let index = layer.attributes.firstIndex(where: { $0.name == attribute }) {
            let column = layer.file.columns[layer.columns[index]]
            for row in 0..<layer.file.rowCount { names.insert(River(try column.attributeValue(row))) }
        }
        rivers = names.filter { $0.name != nil }.sorted { ($0.name?.text("ja") ?? "") < ($1.name?.text("ja") ?? "") }
    }
}

/// The surveys of versions that were asked for, so that coverage is decoded and rivers are gathered once.
final class SurveyCache: Sendable {
    private struct Key: Hashable {
        var layer: String
        /// What a viewer sees decides which rivers are known.
        var columns: [Int]
    }

    private let surveys = Mutex<[Key: (version: String, survey: Survey)]>([:])

    func survey(of layer: VisibleLayer, _ hazard: HazardDescription) throws -> Survey {
        let key = Key(layer: layer.id, columns: layer.columns)
        if let known = surveys.withLock({ $0[key] }), known.version == layer.version { return known.survey }
        let survey = try Survey(layer, hazard)
        surveys.withLock { $0[key] = (layer.version, survey) }
        return survey
    }
}
