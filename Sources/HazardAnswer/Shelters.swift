import Access
import Descriptions
import Geo
@_spi(Rows) import LayerAtlas
import LayerStore
import Query

extension HazardFinder {
    /// The most shelters in a report.
    public static let shelterLimit = 5

    /// Attributes that say for which hazards a shelter is designated, as the open data of municipalities divide them.
    private static let designations = [
        "flood", "landslide", "storm_surge", "earthquake", "tsunami", "fire", "inland_flood", "volcano",
    ]

    /// The nearest shelters of the layers, in a straight line. A layer that cannot be read has none: its shelters are not made up.
    /// - Parameter threats: Kinds of hazard that the place lies in. A shelter whose layer says that it is not for one of them is left out.
    func nearestShelters(
        in layers: [LayerAtlas.ListedLayer], to point: Point, from threats: Set<String>, for viewer: Viewer
    ) -> [NearbyShelter] {
        var all: [NearbyShelter] = []
        for listed in layers {
            do {
                all += try nearestShelters(in: try atlas.layer(listed.id, for: viewer), to: point, from: threats)
            } catch {
                continue
            }
        }
        return Array(all.sorted { ($0.distance, $0.identifier) < ($1.distance, $1.identifier) }.prefix(HazardFinder.shelterLimit))
    }

    /// Looks in a box around the place, and in one of four times the side until it holds enough, and no shelter outside can be nearer.
    private func nearestShelters(in layer: VisibleLayer, to point: Point, from threats: Set<String>) throws -> [NearbyShelter] {
        let plane = TangentPlane(at: point)
        var radius = 2000.0
        while true {
            let (dx, dy) = (Swift.min(radius / Swift.max(plane.perDegree.x, 1), 180), Swift.min(radius / plane.perDegree.y, 180))
            let box = Envelope(
                minX: Swift.max(-180, point.x - dx), minY: Swift.max(-90, point.y - dy), maxX: Swift.min(180, point.x + dx),
                maxY: Swift.min(90, point.y + dy))
            var near: [(row: Int, distance: Double, place: Point)] = []
            try layer.file.search(box) { run, _ in
                for row in run {
                    if let found = try layer.file.shape(row).geometry.nearest(to: point) { near.append((row, found.distance, found.point)) }
                }
            }
            near.sort { ($0.distance, $0.row) < ($1.distance, $1.row) }
            let isWhole = radius > 40_000_000
            var shelters: [NearbyShelter] = []
            for (row, distance, place) in near where isWhole || distance <= radius {
                let shelter = try shelter(layer, row, distance, place)
                if shelter.designated.contains(where: { !$0.isDesignated && threats.contains($0.kind) }) { continue }
                shelters.append(shelter)
                if shelters.count == HazardFinder.shelterLimit { return shelters }
            }
            if isWhole { return shelters }
            radius *= 4
        }
    }

    private func shelter(_ layer: VisibleLayer, _ row: Int, _ distance: Double, _ place: Point) throws -> NearbyShelter {
        let values = try engine.values(layer, row: row)
        func text(_ name: String) -> String? {
            guard case .text(let text)? = values.first(where: { $0.attribute.name == name })?.value, !text.isEmpty else { return nil }
            return text
        }
        let designated = HazardFinder.designations.compactMap { name -> (kind: String, isDesignated: Bool)? in
            let spellings = [name, name.replacing("_", with: "-")]
            guard let value = values.first(where: { spellings.contains($0.attribute.name) })?.value else { return nil }
            return (name.replacing("_", with: "-"), HazardFinder.isYes(value))
        }
        return NearbyShelter(
            layer: layer.id, identifier: try engine.identifier(layer, row: row),
            name: text("name").map { LocalizedText(ja: $0, en: text("name_en")) }, distance: distance, location: place,
            address: text("address"), designated: designated)
    }

    /// 1, true, ○ and ◎ are yes. An empty cell means that the shelter is not designated, and so does what nobody can read.
    static func isYes(_ value: AttributeValue) -> Bool {
        switch value {
        case .integer(let number): number == 1
        case .real(let number): number == 1
        case .boolean(let flag): flag
        case .text(let text): ["1", "１", "true", "TRUE", "○", "〇", "◯", "◎", "有", "可"].contains(text)
        case .null, .date, .time, .json: false
        }
    }
}
