public import Geo

extension ByteWriter {
    /// A geometry object (RFC 7946, 3.1), longitude before latitude, with exactly the decimals that are stored.
    /// - Complexity: O(vertices)
    public mutating func geoJSON(_ shape: Shape) {
        geoJSON(shape, WrittenVertices(shape))
    }

    /// A geometry object with the shape's vertices as they are in another system.
    public mutating func geoJSON(_ shape: Shape, _ vertices: WrittenVertices) {
        if shape.kind == .geometryCollection {
            literal("{\"type\":\"GeometryCollection\",\"geometries\":[")
            for part in shape.partEnds.indices {
                if part > 0 { byte(44) }
                let kind = shape.kind(ofPart: part)
                literal("{\"type\":\"")
                text(kind.name)
                literal("\",\"coordinates\":")
                partCoordinates(shape, part, kind, vertices)
                byte(125)
            }
            literal("]}")
            return
        }
        literal("{\"type\":\"")
        switch shape.kind {
        case .point: literal("Point")
        case .lineString: literal("LineString")
        case .polygon: literal("Polygon")
        case .multiPoint: literal("MultiPoint")
        case .multiLineString: literal("MultiLineString")
        default: literal("MultiPolygon")
        }
        literal("\",\"coordinates\":")
        let kind = shape.kind.partKind
        if shape.kind == kind {
            partCoordinates(shape, 0, kind, vertices)
        } else {
            byte(91)
            for part in shape.partEnds.indices {
                if part > 0 { byte(44) }
                partCoordinates(shape, part, kind, vertices)
            }
            byte(93)
        }
        byte(125)
    }

    private mutating func partCoordinates(_ shape: Shape, _ part: Int, _ kind: GeometryKind, _ written: WrittenVertices) {
        switch kind {
        case .point:
            let vertex = shape.vertices(ofRing: shape.rings(ofPart: part).lowerBound).lowerBound
            vertices(written, vertex..<vertex + 1, open: 91, between: 44, close: 93)
        case .lineString: run(shape, shape.rings(ofPart: part).lowerBound, written)
        default:
            byte(91)
            for ring in shape.rings(ofPart: part) {
                if ring > shape.rings(ofPart: part).lowerBound { byte(44) }
                run(shape, ring, written)
            }
            byte(93)
        }
    }

    private mutating func run(_ shape: Shape, _ ring: Int, _ written: WrittenVertices) {
        byte(91)
        vertices(written, shape.vertices(ofRing: ring), open: 91, between: 44, close: 93)
        byte(93)
    }
}
