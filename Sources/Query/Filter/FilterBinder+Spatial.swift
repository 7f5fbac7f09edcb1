import CQL2
import Geo
import GeoNative

extension FilterBinder {
    private enum Place {
        case feature
        case geometry(Geometry)
        case box(BoxArea)
    }

    func spatial(
        _ relation: SpatialRelation, _ left: Expression, _ right: Expression, negated: Bool
    ) throws(QueryError) -> TruthNode {
        var (a, b) = (try place(left), try place(right))
        var relation = relation
        // The feature stands on the left.
        if case .feature = b {
            (a, b) = (b, a)
            relation = relation.turned
        }
        // To be disjoint is not to intersect.
        let isNegated = negated != (relation == .disjoint)
        let asked = relation.asked
        switch (a, b) {
        case (.feature, .feature): return SelfRelationNode(context, asked, negated: isNegated)
        case (.feature, .box(let area)) where asked == .intersects:
            return AreaNode(context, area.boxes.map(\.roundedToUnits), nullTruth: Truth.unknown, negated: isNegated)
        case (.feature, _):
            let literal = try literal(b)
            try allow(asked, literal)
            return SpatialNode(context, asked, literal, negated: isNegated)
        default:
            let (first, second) = (try literal(a), try literal(b))
            try allow(asked, first)
            try allow(asked, second)
            do throws(GEOSError) {
                return ConstantNode(try second.holds(asked, first) != isNegated ? Truth.yes : Truth.no)
            } catch {
                throw invalid("図形を比べられません（\(error.message)）。", "The geometries cannot be compared (\(error.message)).")
            }
        }
    }

    private func allow(_ relation: FeatureRelation, _ literal: SpatialLiteral) throws(QueryError) {
        guard literal.isMixed, relation != .intersects else { return }
        throw invalid(
            "種類の異なる図形の集まり（GEOMETRYCOLLECTION）は S_INTERSECTS と S_DISJOINT でだけ使えます。",
            "A GEOMETRYCOLLECTION of several kinds can only stand in S_INTERSECTS and S_DISJOINT.")
    }

    private func place(_ expression: Expression) throws(QueryError) -> Place {
        switch expression {
        case .property(let name):
            if case .geometry = try property(name) { return .feature }
            throw invalid("「\(name)」は図形ではありません。", "“\(name)” is not a geometry.")
        case .geometry(let geometry): return .geometry(geometry)
        case .bbox(let west, let south, let east, let north):
            guard let area = BoxArea(west: west, south: south, east: east, north: north) else {
                throw invalid("BBOX の座標が正しくありません。", "The coordinates of a BBOX are not a box of degrees.")
            }
            return .box(area)
        default: throw invalid("空間演算には図形が必要です。", "Spatial relations take geometries.")
        }
    }

    private func literal(_ place: Place) throws(QueryError) -> SpatialLiteral {
        switch place {
        case .feature: preconditionFailure("a feature is no literal")
        case .geometry(let geometry): return try SpatialLiteral(geometry, in: context.geos)
        case .box(let area): return try SpatialLiteral(area.geometry, in: context.geos)
        }
    }
}

extension SpatialRelation {
    /// The relation of the second to the first.
    fileprivate var turned: SpatialRelation {
        switch self {
        case .within: .contains
        case .contains: .within
        default: self
        }
    }

    fileprivate var asked: FeatureRelation {
        switch self {
        case .intersects, .disjoint: .intersects
        case .equals: .equals
        case .touches: .touches
        case .within: .within
        case .overlaps: .overlaps
        case .crosses: .crosses
        case .contains: .contains
        }
    }
}

extension BoxArea {
    /// The box as a geometry; one without breadth or height is a line or a point.
    fileprivate var geometry: Geometry {
        let box = boxes[0]
        if boxes.count == 1 && (box.minX == box.maxX || box.minY == box.maxY) {
            let corners = [Point(x: box.minX, y: box.minY), Point(x: box.maxX, y: box.maxY)]
            return corners[0] == corners[1] ? .point(box.minX, box.minY) : .lineString(corners)
        }
        let polygons = boxes.filter { $0.minX < $0.maxX && $0.minY < $0.maxY }.map { box in
            [
                [
                    Point(x: box.minX, y: box.minY), Point(x: box.maxX, y: box.minY), Point(x: box.maxX, y: box.maxY),
                    Point(x: box.minX, y: box.maxY), Point(x: box.minX, y: box.minY),
                ]
            ]
        }
        return polygons.count == 1 ? .polygon(polygons[0]) : .multiPolygon(polygons)
    }
}
