import Geo
import GeoNative
import LayerStore
import SpatialIndex

/// What is known of an overlay layer beyond its features: where it was surveyed, and where features are missing.
struct OverlaySurvey: Sendable {
    enum Coverage: Sendable {
        /// Not a hazard: a place that no feature meets is outside.
        case notNeeded
        /// Nobody said where it was surveyed, or another layer says it.
        case unknown
        case areas([Outline])
    }

    let coverage: Coverage
    let unknownAreas: [Envelope]
    let unknownEverywhere: Bool

    init(_ facts: LayerFacts, isHazard: Bool) {
        (unknownAreas, unknownEverywhere) = (facts.unknownAreas, facts.unknownEverywhere)
        guard isHazard else {
            coverage = .notNeeded
            return
        }
        var areas: [Outline] = []
        for area in facts.coverage {
            var geometry = Geometry(kind: .polygon)
            do {
                try area.wkb.withUnsafeBytes { try WKBReader().read($0, into: &geometry) }
            } catch is WKBError {
                // An area that cannot be read covers nothing: its places stay unknown.
                continue
            } catch {
                continue
            }
            let outline = Outline(geometry)
            guard geometry.kind != .geometryCollection else { continue }
            outline.prepare()
            areas.append(outline)
        }
        coverage = areas.isEmpty ? .unknown : .areas(areas)
    }

    /// Whether all of a target feature lies in one surveyed area. Of a feature across two areas nobody can say here, so it does not.
    func covers(_ box: Box, _ outline: () throws(QueryError) -> Outline, _ scratch: inout [Int32]) throws(QueryError) -> Bool {
        guard case .areas(let areas) = coverage else {
            if case .notNeeded = coverage { return true }
            return false
        }
        for area in areas {
            switch area.side(of: box) {
            case .inside: return true
            case .outside: continue
            case .border:
                scratch.removeAll(keepingCapacity: true)
                area.edges(meeting: box, into: &scratch)
                let target = try outline()
                // With no edge of the area near, one vertex speaks for all; else the feature may reach out.
                if scratch.isEmpty && area.covers(target.x(0), target.y(0)) { return true }
            }
        }
        return false
    }

    /// Whether features are missing that may have met the box.
    func isIncomplete(_ box: Box) -> Bool { unknownEverywhere || unknownAreas.contains { $0.intersects(box) } }
}
