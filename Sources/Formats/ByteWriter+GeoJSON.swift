public import Geo

extension ByteWriter {
    /// A geometry object (RFC 7946, 3.1), longitude before latitude, with exactly the decimals that are stored.
    /// - Complexity: O(vertices)
    public mutating func geoJSON(_ shape: Shape) {
        if shape.kind == .geometryCollection {
            literal("{\"type\":\"GeometryCollection\",\"geometries\":[")
            for part in shape.partEnds.indices {
                if part > 0 { byte(44) }
                let kind = shape.kind(ofPart: part)
                literal("{\"type\":\"")
                text(kind.name)
                literal("\",\"coordinates\":")
                partCoordinates(shape, part, kind)
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
            partCoordinates(shape, 0, kind)
        } else {
            byte(91)
            for part in shape.partEnds.indices {
                if part > 0 { byte(44) }
                partCoordinates(shape, part, kind)
            }
            byte(93)
        }
        byte(125)
    }

    private mutating func partCoordinates(_ shape: Shape, _ part: Int, _ kind: GeometryKind) {
        switch kind {
        case .point: vertex(shape, shape.vertices(ofRing: shape.rings(ofPart: part).lowerBound).lowerBound)
        case .lineString: vertices(shape, shape.vertices(ofRing: shape.rings(ofPart: part).lowerBound))
        default:
            byte(91)
            for ring in shape.rings(ofPart: part) {
                if ring > shape.rings(ofPart: part).lowerBound { byte(44) }
                vertices(shape, shape.vertices(ofRing: ring))
            }
            byte(93)
        }
    }

    private mutating func vertices(_ shape: Shape, _ range: Range<Int>) {
        // A vertex is at most `[-139.700000000,-35.000000000],`.
        reserve(40 * range.count + 2)
        unchecked(91)
        switch shape.degrees {
        case .narrow(let numbers):
            for i in range {
                unchecked(91)
                fixed(Int64(numbers[2 * i]), decimals: 7)
                unchecked(44)
                fixed(Int64(numbers[2 * i + 1]), decimals: 7)
                unchecked(93)
                unchecked(44)
            }
        case .wide(let numbers, let decimals):
            for i in range {
                unchecked(91)
                fixed(numbers[2 * i], decimals: decimals)
                unchecked(44)
                fixed(numbers[2 * i + 1], decimals: decimals)
                unchecked(93)
                unchecked(44)
            }
        }
        if !range.isEmpty { removeLast(1) }
        byte(93)
    }

    private mutating func vertex(_ shape: Shape, _ index: Int) {
        byte(91)
        switch shape.degrees {
        case .narrow(let numbers):
            fixed(Int64(numbers[2 * index]), decimals: 7)
            byte(44)
            fixed(Int64(numbers[2 * index + 1]), decimals: 7)
        case .wide(let numbers, let decimals):
            fixed(numbers[2 * index], decimals: decimals)
            byte(44)
            fixed(numbers[2 * index + 1], decimals: decimals)
        }
        byte(93)
    }
}
