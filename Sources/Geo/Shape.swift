/// One feature's geometry as it lies in a layer file: integer vertices, then where rings and parts end. The form is that of `Geometry`.
///
/// A view: it owns nothing, and is valid only as long as what it looks into (an open layer file, or a `ShapeStorage`). All numbers were
/// checked when the file was opened or touched, so rings lie inside the vertices and parts inside the rings.
public struct Shape: @unchecked Sendable {
    public let kind: GeometryKind
    /// For each part the number of rings up to its end, counted from this feature's first ring.
    public let partEnds: UnsafeBufferPointer<UInt32>
    /// For each ring the number of vertices up to its end, counted from this feature's first vertex.
    public let ringEnds: UnsafeBufferPointer<UInt32>
    /// For each part its kind in a collection; otherwise empty.
    public let partKinds: UnsafeBufferPointer<UInt8>
    /// Web Mercator world units (see `WebMercator`), x and y in turn.
    public let mercator: UnsafeBufferPointer<Int32>
    /// Longitude and latitude in turn.
    public let degrees: Degrees

    /// Longitude and latitude as integers: degrees × 10^decimals.
    public enum Degrees: @unchecked Sendable {
        /// Seven decimals: a unit is about a centimetre.
        case narrow(UnsafePointer<Int32>)
        /// Eight or nine decimals.
        case wide(UnsafePointer<Int64>, decimals: Int)
    }

    @inlinable
    public init(
        kind: GeometryKind, partEnds: UnsafeBufferPointer<UInt32>, ringEnds: UnsafeBufferPointer<UInt32>,
        partKinds: UnsafeBufferPointer<UInt8>, mercator: UnsafeBufferPointer<Int32>, degrees: Degrees
    ) {
        self.kind = kind
        self.partEnds = partEnds
        self.ringEnds = ringEnds
        self.partKinds = partKinds
        self.mercator = mercator
        self.degrees = degrees
    }

    @inlinable public var vertexCount: Int { mercator.count / 2 }

    @inlinable
    public func rings(ofPart part: Int) -> Range<Int> {
        (part == 0 ? 0 : Int(partEnds[part - 1]))..<Int(partEnds[part])
    }

    @inlinable
    public func vertices(ofRing ring: Int) -> Range<Int> {
        (ring == 0 ? 0 : Int(ringEnds[ring - 1]))..<Int(ringEnds[ring])
    }

    @inlinable
    public func kind(ofPart part: Int) -> GeometryKind {
        kind == .geometryCollection ? GeometryKind(rawValue: partKinds[part]) ?? .point : kind.partKind
    }

    /// The same geometry as a value that owns its vertices, in degrees.
    public var geometry: Geometry {
        var result = Geometry(kind: kind)
        result.coordinates.reserveCapacity(2 * vertexCount)
        switch degrees {
        case .narrow(let numbers):
            for i in 0..<2 * vertexCount { result.coordinates.append(Double(numbers[i]) / 1e7) }
        case .wide(let numbers, let decimals):
            let scale = decimals == 8 ? 1e8 : 1e9
            for i in 0..<2 * vertexCount { result.coordinates.append(Double(numbers[i]) / scale) }
        }
        result.ringEnds = ringEnds.map { Int($0) }
        result.partEnds = partEnds.map { Int($0) }
        result.partKinds = partKinds.compactMap { GeometryKind(rawValue: $0) }
        return result
    }
}

/// Holds the memory of one shape made from a geometry, for tests and for geometry that comes from elsewhere than a layer file.
public final class ShapeStorage: @unchecked Sendable {
    public let shape: Shape
    private let release: () -> Void

    /// Rounds to seven decimals of a degree.
    public init(_ geometry: Geometry) {
        let degrees = UnsafeMutableBufferPointer<Int32>.allocate(capacity: max(1, geometry.coordinates.count))
        let mercator = UnsafeMutableBufferPointer<Int32>.allocate(capacity: max(1, geometry.coordinates.count))
        let rings = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: max(1, geometry.ringEnds.count))
        let parts = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: max(1, geometry.partEnds.count))
        let kinds = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, geometry.partKinds.count))
        for i in 0..<geometry.vertexCount {
            let place = geometry.vertex(i)
            degrees[2 * i] = Int32((place.x * 1e7).rounded())
            degrees[2 * i + 1] = Int32((place.y * 1e7).rounded())
            (mercator[2 * i], mercator[2 * i + 1]) = WebMercator.project(longitude: place.x, latitude: place.y)
        }
        for (i, end) in geometry.ringEnds.enumerated() { rings[i] = UInt32(end) }
        for (i, end) in geometry.partEnds.enumerated() { parts[i] = UInt32(end) }
        for (i, kind) in geometry.partKinds.enumerated() { kinds[i] = kind.rawValue }
        shape = Shape(
            kind: geometry.kind, partEnds: UnsafeBufferPointer(start: parts.baseAddress, count: geometry.partEnds.count),
            ringEnds: UnsafeBufferPointer(start: rings.baseAddress, count: geometry.ringEnds.count),
            partKinds: UnsafeBufferPointer(start: kinds.baseAddress, count: geometry.partKinds.count),
            mercator: UnsafeBufferPointer(start: mercator.baseAddress, count: geometry.coordinates.count),
            degrees: .narrow(UnsafePointer(degrees.baseAddress!)))
        release = {
            degrees.deallocate()
            mercator.deallocate()
            rings.deallocate()
            parts.deallocate()
            kinds.deallocate()
        }
    }

    deinit { release() }
}
