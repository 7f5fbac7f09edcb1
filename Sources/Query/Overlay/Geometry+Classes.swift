import Geo
import GeoNative

extension Geometry {
    /// The parts of one kind (points, lines or polygons) as a multi-geometry; nil when there is none.
    func parts(of partKind: GeometryKind) -> Geometry? {
        if kind != .geometryCollection { return kind.partKind == partKind && !isEmpty ? self : nil }
        let wanted: GeometryKind =
            switch partKind {
            case .polygon: .multiPolygon
            case .lineString: .multiLineString
            default: .multiPoint
            }
        var result = Geometry(kind: wanted)
        for part in partEnds.indices where kind(ofPart: part) == partKind { result.append(part: part, of: self) }
        return result.isEmpty ? nil : result
    }

    /// A collection's polygons made one, so that they are apart; other geometry as it is.
    func withPolygonsDissolved(_ context: GEOSContext) throws(GEOSError) -> Geometry {
        guard kind == .geometryCollection, let polygons = parts(of: .polygon), polygons.partEnds.count > 1 else { return self }
        let dissolved = try NativeGeometry(polygons, in: context).dissolved().geometry()
        var result = Geometry(kind: .geometryCollection)
        for part in partEnds.indices where kind(ofPart: part) != .polygon {
            result.append(part: part, of: self)
            result.partKinds.append(kind(ofPart: part))
        }
        for part in dissolved.partEnds.indices where dissolved.kind(ofPart: part) == .polygon {
            result.append(part: part, of: dissolved)
            result.partKinds.append(.polygon)
        }
        return result
    }

    /// Adds a part of another geometry; in a collection the caller adds its kind.
    mutating func append(part: Int, of other: Geometry) {
        for ring in other.rings(ofPart: part) {
            let range = other.vertices(ofRing: ring)
            coordinates += other.coordinates[2 * range.lowerBound..<2 * range.upperBound]
            ringEnds.append(vertexCount)
        }
        partEnds.append(ringEnds.count)
    }
}
