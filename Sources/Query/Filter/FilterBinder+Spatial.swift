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
            return SpatialNode(context, asked, try literal(b, asked), negated: isNegated)
        default:
            let (first, second) = (try literal(a, asked), try literal(b, asked))
            return ConstantNode(try second.holds(asked, first, context.deadline) != isNegated ? Truth.yes : Truth.no)
        }
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

    private func literal(_ place: Place, _ relation: FeatureRelation) throws(QueryError) -> SpatialLiteral {
        switch place {
        case .feature: preconditionFailure("a feature is no literal")
        case .geometry(let geometry): return try SpatialLiteral(geometry, for: relation, in: context)
        case .box(let area): return try SpatialLiteral(area.geometry, for: relation, in: context)
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
    /// The boxes as one geometry: polygons; lines where none has both breadth and height; points where none has either.
    ///
    /// Over the antimeridian, what has fewer dimensions than the other box is left out: it is the other's border, seen from the other side.
    var geometry: Geometry {
        func dimensions(_ box: Envelope) -> Int { (box.minX < box.maxX ? 1 : 0) + (box.minY < box.maxY ? 1 : 0) }
        let most = boxes.map(dimensions).max() ?? 0
        let boxes = boxes.filter { dimensions($0) == most }
        guard most < 2 else {
            let polygons = boxes.map { box in
                [
                    [
                        Point(x: box.minX, y: box.minY), Point(x: box.maxX, y: box.minY), Point(x: box.maxX, y: box.maxY),
                        Point(x: box.minX, y: box.maxY), Point(x: box.minX, y: box.minY),
                    ]
                ]
            }
            return polygons.count == 1 ? .polygon(polygons[0]) : .multiPolygon(polygons)
        }
        var result = Geometry(kind: most == 0 ? .point : .lineString)
        if boxes.count > 1 { result.kind = most == 0 ? .multiPoint : .multiLineString }
        for box in boxes {
            result.coordinates += [box.minX, box.minY]
            if most == 1 { result.coordinates += [box.maxX, box.maxY] }
            result.ringEnds.append(result.vertexCount)
            result.partEnds.append(result.ringEnds.count)
        }
        return result
    }
}
