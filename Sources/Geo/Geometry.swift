/// What shape a geometry has; raw values are the codes of well-known binary (OGC 06-103r4, 8.2.8, table 7).
public enum GeometryKind: UInt8, Sendable, Codable, CaseIterable {
    case point = 1
    case lineString = 2
    case polygon = 3
    case multiPoint = 4
    case multiLineString = 5
    case multiPolygon = 6
    case geometryCollection = 7

    /// The name in GeoJSON (RFC 7946, 1.4).
    public var name: String {
        switch self {
        case .point: "Point"
        case .lineString: "LineString"
        case .polygon: "Polygon"
        case .multiPoint: "MultiPoint"
        case .multiLineString: "MultiLineString"
        case .multiPolygon: "MultiPolygon"
        case .geometryCollection: "GeometryCollection"
        }
    }

    /// 0 for points, 1 for lines, 2 for polygons, nil for a collection, whose parts say.
    public var dimension: Int? {
        switch self {
        case .point, .multiPoint: 0
        case .lineString, .multiLineString: 1
        case .polygon, .multiPolygon: 2
        case .geometryCollection: nil
        }
    }

    /// The kind of each part: a multipolygon's parts are polygons. A collection's parts say themselves.
    public var partKind: GeometryKind {
        switch self {
        case .point, .multiPoint: .point
        case .lineString, .multiLineString: .lineString
        case .polygon, .multiPolygon: .polygon
        case .geometryCollection: .geometryCollection
        }
    }
}

/// A geometry in memory, flat: vertices, then where each ring and each part ends.
///
/// Every kind has the same form. A *ring* is a run of vertices: a polygon's ring (closed: the last vertex repeats the first), a whole
/// line, or one point. A *part* is a run of rings: one polygon (shell first, then holes), one line, one point. A polygon has one part, a
/// multipolygon any number. A collection is flattened to its simple parts, each of a kind of its own.
///
/// Coordinates are longitude and latitude in degrees unless the owner says otherwise. Z and M are not kept.
public struct Geometry: Sendable, Equatable {
    public var kind: GeometryKind
    /// x and y in turn, two numbers a vertex.
    public var coordinates: [Double]
    /// For each ring the number of vertices up to its end.
    public var ringEnds: [Int]
    /// For each part the number of rings up to its end.
    public var partEnds: [Int]
    /// For each part its kind, in a collection; otherwise empty.
    public var partKinds: [GeometryKind]

    public init(
        kind: GeometryKind, coordinates: [Double] = [], ringEnds: [Int] = [], partEnds: [Int] = [], partKinds: [GeometryKind] = []
    ) {
        self.kind = kind
        self.coordinates = coordinates
        self.ringEnds = ringEnds
        self.partEnds = partEnds
        self.partKinds = partKinds
    }

    @inlinable public var vertexCount: Int { coordinates.count / 2 }

    /// Has no vertex at all, like `POLYGON EMPTY`.
    @inlinable public var isEmpty: Bool { coordinates.isEmpty }

    @inlinable
    public func vertex(_ index: Int) -> Point {
        Point(x: coordinates[2 * index], y: coordinates[2 * index + 1])
    }

    /// The rings of a part, as a range into `ringEnds`.
    @inlinable
    public func rings(ofPart part: Int) -> Range<Int> {
        (part == 0 ? 0 : partEnds[part - 1])..<partEnds[part]
    }

    /// The vertices of a ring.
    @inlinable
    public func vertices(ofRing ring: Int) -> Range<Int> {
        (ring == 0 ? 0 : ringEnds[ring - 1])..<ringEnds[ring]
    }

    public func kind(ofPart part: Int) -> GeometryKind {
        kind == .geometryCollection ? partKinds[part] : kind.partKind
    }

    public var envelope: Envelope {
        var result = Envelope.empty
        for i in 0..<vertexCount { result.extend(x: coordinates[2 * i], y: coordinates[2 * i + 1]) }
        return result
    }

    /// Forgets everything but keeps the memory, for the next geometry of a stream.
    @inlinable
    public mutating func removeAll(kind: GeometryKind) {
        self.kind = kind
        coordinates.removeAll(keepingCapacity: true)
        ringEnds.removeAll(keepingCapacity: true)
        partEnds.removeAll(keepingCapacity: true)
        partKinds.removeAll(keepingCapacity: true)
    }
}

extension Geometry {
    public static func point(_ x: Double, _ y: Double) -> Geometry {
        Geometry(kind: .point, coordinates: [x, y], ringEnds: [1], partEnds: [1])
    }

    public static func lineString(_ vertices: [Point]) -> Geometry {
        Geometry(kind: .lineString, coordinates: vertices.flatMap { [$0.x, $0.y] }, ringEnds: [vertices.count], partEnds: [1])
    }

    /// A polygon from its rings, the shell first; each ring closed.
    public static func polygon(_ rings: [[Point]]) -> Geometry {
        multiPolygon([rings], kind: .polygon)
    }

    public static func multiPolygon(_ polygons: [[[Point]]]) -> Geometry {
        multiPolygon(polygons, kind: .multiPolygon)
    }

    private static func multiPolygon(_ polygons: [[[Point]]], kind: GeometryKind) -> Geometry {
        var result = Geometry(kind: kind)
        for rings in polygons {
            for ring in rings {
                for vertex in ring { result.coordinates += [vertex.x, vertex.y] }
                result.ringEnds.append(result.vertexCount)
            }
            result.partEnds.append(result.ringEnds.count)
        }
        return result
    }
}
