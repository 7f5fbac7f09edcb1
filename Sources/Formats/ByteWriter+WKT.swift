public import Geo

extension ByteWriter {
    /// Well-known text (OGC 06-103r4, 7), x east before y north whatever the system's own order is: as programs that read tables expect it.
    /// - Complexity: O(vertices)
    public mutating func wkt(_ shape: Shape, _ vertices: WrittenVertices) {
        if shape.kind == .geometryCollection {
            literal("GEOMETRYCOLLECTION (")
            for part in shape.partEnds.indices {
                if part > 0 { byte(44) }
                name(shape.kind(ofPart: part))
                partText(shape, part, shape.kind(ofPart: part), vertices)
            }
            byte(41)
            return
        }
        name(shape.kind)
        let kind = shape.kind.partKind
        if shape.kind == kind {
            partText(shape, 0, kind, vertices)
        } else {
            byte(40)
            for part in shape.partEnds.indices {
                if part > 0 { byte(44) }
                partText(shape, part, kind, vertices)
            }
            byte(41)
        }
    }

    /// x and y of a single point, with `between` between them.
    public mutating func xy(_ vertices: WrittenVertices, between: UInt8) {
        self.vertices(vertices, 0..<1, open: nil, between: between, close: nil)
    }

    private mutating func name(_ kind: GeometryKind) {
        switch kind {
        case .point: literal("POINT ")
        case .lineString: literal("LINESTRING ")
        case .polygon: literal("POLYGON ")
        case .multiPoint: literal("MULTIPOINT ")
        case .multiLineString: literal("MULTILINESTRING ")
        default: literal("MULTIPOLYGON ")
        }
    }

    private mutating func partText(_ shape: Shape, _ part: Int, _ kind: GeometryKind, _ written: WrittenVertices) {
        let rings = shape.rings(ofPart: part)
        if kind == .polygon { byte(40) }
        for ring in rings {
            if ring > rings.lowerBound { byte(44) }
            byte(40)
            vertices(written, shape.vertices(ofRing: ring), open: nil, between: 32, close: nil)
            byte(41)
        }
        if kind == .polygon { byte(41) }
    }
}
