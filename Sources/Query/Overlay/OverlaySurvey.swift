import Descriptions
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
        /// For each river of the layer where it was surveyed.
        case areas([[Outline]])
    }

    let coverage: Coverage
    let unknownAreas: [Envelope]
    let unknownEverywhere: Bool

    /// - Parameter hazard: what the layer shows; nil where it is no hazard.
    init(_ file: LayerFile, _ hazard: HazardDescription?) throws(LayerFileError) {
        (unknownAreas, unknownEverywhere) = (file.facts.unknownAreas, file.facts.unknownEverywhere)
        guard let hazard else {
            coverage = .notNeeded
            return
        }
        var areas: [(area: CoverageArea, outline: Outline)] = []
        for area in file.facts.coverage {
            var geometry = Geometry(kind: .polygon)
            do {
                try area.wkb.withUnsafeBytes { try WKBReader().read($0, into: &geometry) }
            } catch {
                // An area that cannot be read covers nothing: its places stay unknown.
                continue
            }
            let outline = Outline(geometry)
            guard geometry.kind != .geometryCollection else { continue }
            outline.prepare()
            areas.append((area, outline))
        }
        var rivers = [hazard.river]
        if let attribute = hazard.riverAttribute {
            var names = Set(areas.compactMap { $0.area.river.map { [UInt8]($0.utf8) } })
            // Whether the viewer sees the attribute or not: what is not surveyed does not depend on that.
            if let column = file.attributes.firstIndex(where: { $0.name == attribute }) {
                for row in 0..<file.rowCount {
                    switch try file.columns[column].attributeValue(row) {
                    case .text(let text): names.insert([UInt8](text.utf8))
                    case .integer(let number): names.insert([UInt8](String(number).utf8))
                    default: break
                    }
                }
            }
            rivers = names.map { LocalizedText(ja: String(decoding: $0, as: UTF8.self)) }
        }
        let surveyed = rivers.map { river in
            areas.filter { hazard.isSurveyed(forRiver: $0.area.river, scenario: $0.area.scenario, of: river) }.map(\.outline)
        }
        coverage = surveyed.allSatisfy(\.isEmpty) ? .unknown : .areas(surveyed)
    }

    /// Whether all of a target feature, and all around it that matters, was surveyed for every river, each in one area: of a feature across two areas
    /// nobody can say here, so it does not.
    /// - Parameters:
    ///   - box: of the feature, and what lies around it.
    ///   - isGrown: something around it is in the box.
    func covers(
        _ box: Box, isGrown: Bool, _ outline: () throws(QueryError) -> Outline, _ scratch: inout [Int32]
    ) throws(QueryError) -> Bool {
        guard case .areas(let rivers) = coverage else {
            if case .notNeeded = coverage { return true }
            return false
        }
        for areas in rivers {
            var isCovered = false
            for area in areas where !isCovered {
                switch area.side(of: box) {
                case .inside: isCovered = true
                case .outside: continue
                case .border:
                    scratch.removeAll(keepingCapacity: true)
                    area.edges(meeting: box, into: &scratch)
                    // With no edge of the area near, one place speaks for all; else the feature may reach out.
                    guard scratch.isEmpty else { continue }
                    if isGrown {
                        isCovered = area.covers(box.minX, box.minY)
                    } else {
                        let target = try outline()
                        isCovered = area.covers(target.x(0), target.y(0))
                    }
                }
            }
            if !isCovered { return false }
        }
        return true
    }

    /// It matters where was surveyed.
    var isNeeded: Bool { if case .notNeeded = coverage { false } else { true } }

    /// Whether features are missing that may have met the box, which may reach over the antimeridian.
    func isIncomplete(_ box: Box) -> Bool {
        unknownEverywhere
            || unknownAreas.contains { area in [-360.0, 0, 360].contains { area.intersects(box.moved(byDegrees: $0)) } }
    }
}
