import Access
import Descriptions
import Geo
@_spi(Rows) import LayerAtlas
import LayerStore
import Query

/// Answers what can happen at a place.
///
/// The rule above all others: what is not known is never called safe. `outside` is said only where a survey of that river and scenario
/// covered the place, every feature of the layer is there and could be read, and none of them holds the place; all else is `inside` or
/// `unknown`, and a hazard that the town answers for is never left out.
public struct HazardFinder: Sendable {
    /// The most feature identifiers in one entry.
    public static let featureLimit = 100

    let atlas: LayerAtlas
    let engine: QueryEngine
    private let surveys = SurveyCache()

    public init(atlas: LayerAtlas, engine: QueryEngine) {
        self.atlas = atlas
        self.engine = engine
    }

    /// Everything that is known about a place for this viewer.
    /// - Parameter point: finite, within ±180 and ±90 degrees.
    /// - Throws: `overdue` and `cancelled` only. Trouble with a layer is an answer, not an error.
    public func report(at point: Point, for viewer: Viewer, deadline: Deadline) throws(QueryError) -> HazardReport {
        let listing = atlas.listing(for: viewer) { $0.hazard != nil || $0.theme == "shelter" }
        var hazards: [HazardEntry] = []
        for listed in listing {
            guard listed.isReadable else {
                // What the layer is cannot be read: it may be a hazard.
                hazards.append(
                    HazardEntry(
                        layer: listed.id, title: listed.description.title, kind: HazardEntry.unknownKind, status: .unknown,
                        reason: .unreadable))
                continue
            }
            guard let hazard = listed.description.hazard else { continue }
            try deadline.check()
            hazards += entries(listed, hazard, at: point, for: viewer)
        }
        for expected in atlas.town?.hazards ?? [] {
            let isHeld = hazards.contains { $0.layer != nil && expected.isFulfilled(kind: $0.kind, scenario: $0.scenario, river: $0.river) }
            if !isHeld {
                hazards.append(
                    HazardEntry(
                        kind: expected.kind, scenario: expected.scenario, river: expected.river, status: .unknown, reason: .notLoaded))
            }
        }
        hazards.sort(by: HazardEntry.precedes)
        try deadline.check()
        let threats = Set(hazards.filter { $0.status == .inside }.map(\.kind))
        let shelters = nearestShelters(in: listing.filter { $0.description.theme == "shelter" }, to: point, from: threats, for: viewer)
        return HazardReport(point: point, hazards: hazards, shelters: shelters)
    }

    /// The entries of one layer, one a river; never none.
    private func entries(
        _ listed: LayerAtlas.ListedLayer, _ hazard: HazardDescription, at point: Point, for viewer: Viewer
    ) -> [HazardEntry] {
        let description = listed.description
        var blank = HazardEntry(
            layer: listed.id, title: description.title, kind: hazard.kind, scenario: hazard.scenario, river: hazard.river,
            status: .unknown, reason: .unreadable, baseDate: description.baseDate, attribution: description.attribution)
        do {
            let layer = try atlas.layer(listed.id, for: viewer)
            let survey = try surveys.survey(of: layer, hazard)
            let features = try featuresByRiver(layer, hazard, at: point)
            let surveyGap = try coverageTest(of: layer, survey, hazard, at: point, for: viewer)
            let fixed = River(hazard.river)
            var rivers: [River] = hazard.riverAttribute == nil ? [fixed] : survey.rivers
            rivers += features.keys.filter { !rivers.contains($0) }
            if rivers.isEmpty { rivers = [fixed] }
            // A feature of a river that is not named may be any river's.
            let hidden: UnknownReason? = hazard.riverAttribute != nil && features[River(LocalizedText?.none)] != nil ? .incomplete : nil
            return try rivers.map { river in
                var entry = blank
                entry.river = river.name
                if let rows = features[river] {
                    entry.status = .inside
                    entry.reason = nil
                    try fill(&entry, layer, hazard, rows)
                } else {
                    entry.reason = hidden ?? reasonNotToSayOutside(survey, at: point) ?? surveyGap(river)
                    entry.status = entry.reason == nil ? .outside : .unknown
                }
                return entry
            }
        } catch {
            // Whatever it was, nothing is known of what the layer holds here.
            blank.reason = .unreadable
            return [blank]
        }
    }

    /// The features at the place, by the river they are of.
    private func featuresByRiver(_ layer: VisibleLayer, _ hazard: HazardDescription, at point: Point) throws -> [River: [Int]] {
        let rows = try engine.featuresAt(layer, point: point)
        guard !rows.isEmpty else { return [:] }
        guard let attribute = hazard.riverAttribute else { return [River(hazard.river): rows] }
        return try Dictionary(grouping: rows) { row in River(try value(of: attribute, layer, row)) }
    }

    private func fill(_ entry: inout HazardEntry, _ layer: VisibleLayer, _ hazard: HazardDescription, _ rows: [Int]) throws {
        entry.features = try rows.prefix(HazardFinder.featureLimit).map { try engine.identifier(layer, row: $0) }
        guard let scheme = hazard.classScheme, let attribute = hazard.classAttribute else { return }
        var classes: [HazardClass?] = []
        for row in rows {
            let value = try value(of: attribute, layer, row)
            let phenomenon = try hazard.phenomenonAttribute.map { try self.value(of: $0, layer, row) } ?? .null
            classes.append(scheme.classify(value, phenomenon: phenomenon))
            guard classes.last == .some(nil) else { continue }
            switch value {
            case .text(let text): entry.value = text
            case .integer(let number): entry.value = String(number)
            case .real(let number): entry.value = "\(number)"
            case .null, .boolean, .date, .time, .json: break
            }
        }
        entry.found = HazardFinder.gravest(classes, of: scheme).map { FoundClass(scheme: scheme, hazardClass: $0) }
        if entry.found != nil { entry.value = nil }
    }

    /// The gravest class, or nil where a class that is not known might be graver still.
    static func gravest(_ classes: [HazardClass?], of scheme: ClassScheme) -> HazardClass? {
        let known = classes.compactMap(\.self).max { $0.gravity < $1.gravity }
        guard classes.contains(nil) else { return known }
        let limit = scheme.classes.map(\.gravity).max()
        return known?.gravity == limit ? known : nil
    }

    /// What forbids to call any place, or this place, outside of the layer's hazard.
    private func reasonNotToSayOutside(_ survey: Survey, at point: Point) -> UnknownReason? {
        survey.isIncomplete || survey.unknownAreas.contains { $0.contains(point) } ? .incomplete : nil
    }

    /// Whether the hazard was surveyed at the place, by river: nil when it was, else why that is not known.
    private func coverageTest(
        of layer: VisibleLayer, _ survey: Survey, _ hazard: HazardDescription, at point: Point, for viewer: Viewer
    ) throws -> (River) -> UnknownReason? {
        if let other = survey.coverageLayer {
            let covering: [Survey.Reach]
            do {
                covering = try reaches(of: atlas.layer(other, for: viewer), hazard, at: point)
            } catch is AtlasError {
                return { _ in .noCoverage }
            }
            return { river in covering.contains { $0.includes(river, of: hazard) } ? nil : .notSurveyed }
        }
        return { river in
            let areas = survey.areas.filter { $0.reach.includes(river, of: hazard) }
            if areas.isEmpty { return .noCoverage }
            return areas.contains { $0.covers(point) } ? nil : .notSurveyed
        }
    }

    /// The rivers and scenarios that a coverage layer says were surveyed at the place. They are read whether this viewer sees them or not: an area whose
    /// scenario is hidden is still not one of all scenarios.
    private func reaches(of coverage: VisibleLayer, _ hazard: HazardDescription, at point: Point) throws -> [Survey.Reach] {
        try engine.featuresAt(coverage, point: point).map { row in
            func value(_ name: String) throws -> AttributeValue {
                guard let column = coverage.file.attributes.firstIndex(where: { $0.name == name }) else { return .null }
                return try coverage.file.columns[column].attributeValue(row)
            }
            var reach = Survey.Reach()
            func text(_ value: AttributeValue) -> String? {
                switch value {
                case .null: return nil
                case .text(let text): return text
                case .integer(let number): return String(number)
                default:
                    reach.isUnclear = true
                    return nil
                }
            }
            reach.river = try text(value(hazard.coverageRiverAttribute))
            reach.scenario = try text(value("scenario"))
            return reach
        }
    }

    /// The value of an attribute; null where the layer has no such attribute for this viewer.
    func value(of attribute: String, _ layer: VisibleLayer, _ row: Int) throws -> AttributeValue {
        guard layer.attributes.contains(where: { $0.name == attribute }) else { return .null }
        return try engine.values(layer, row: row).first { $0.attribute.name == attribute }?.value ?? .null
    }
}
