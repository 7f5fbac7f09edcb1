import Geo

/// What a map has to know of a feature before it looks at its vertices: 16 bytes in the order of the rows, so that a tile of half a million features is
/// decided without touching their geometry.
public struct FeatureDetail: Sendable, Equatable, BitwiseCopyable {
    /// The middle of the envelope, in Web Mercator world units.
    public var x: Int32
    public var y: Int32
    /// Square world units covered by its polygons, holes taken off; 0 for points and lines. World units, because that is what a map shows.
    public var area: Float
    /// The lowest zoom at which it matters, see `LevelOfDetail`; `never` where it does at none.
    public var leastZoom: UInt8
    @usableFromInline var flags: UInt8
    /// The zooms at which the feature, one ring, stays a simple polygon when its vertices are rounded to a grid of 2¹² units a tile and repeated ones
    /// left out, see `RingSafety`.
    @usableFromInline var safeZooms: UInt16

    public static let never: UInt8 = .max

    /// The ring runs clockwise on the map, other than RFC 7946, 3.1.6 has it.
    @inlinable public internal(set) var isClockwise: Bool {
        @inline(__always) get { flags & 1 != 0 }
        set { flags = flags & ~1 | (newValue ? 1 : 0) }
    }

    /// A ring of another feature has one of its polygons' vertices, see `Meetings`. False in layers whose polygons are all put on the grid together, and in
    /// files sealed before that was known.
    @inlinable public internal(set) var meetsOthers: Bool {
        @inline(__always) get { flags & 2 != 0 }
        set { flags = flags & ~2 | (newValue ? 2 : 0) }
    }

    /// Of one that meets others: the zoom, from 5 to 20, from which on it and all that hang together may each be rounded by themselves (`GroupSafety`).
    @inlinable public internal(set) var apartZoom: Int {
        @inline(__always) get { Int(flags >> 2) + 5 }
        set { flags = flags & 3 | UInt8(newValue - 5) << 2 }
    }

    /// Whether the feature's one ring may be drawn at a zoom without a look at what rounding made of it.
    @inlinable
    public func isSafe(atZoom zoom: Int) -> Bool {
        zoom >= 5 && safeZooms & (1 << UInt16(truncatingIfNeeded: min(zoom, 20) - 5)) != 0
    }

    /// Farther out some of its vertices are not drawn, so that nothing is known of its ring there.
    mutating func isSafe(onlyFrom zoom: Int) {
        if zoom > 5 { safeZooms &= ~0 << UInt16(min(zoom, 20) - 5) }
    }

    /// The lowest zoom at which tiles draw the feature by itself: it matters there, and its polygons are not less than `leastArea(zoom:)`; `never` where
    /// there is none. In WorldCRS84Quad the zoom counts at which a tile of WebMercatorQuad is as wide.
    public var ownZoom: UInt8 {
        if area == 0 || leastZoom == FeatureDetail.never { return leastZoom }
        // area ≥ 2^(42 − 2 × zoom) for the first time.
        let zoom = max(0, (43 - Int(area.exponent)) >> 1)
        return zoom > LevelOfDetail.lastZoom ? FeatureDetail.never : max(leastZoom, UInt8(zoom))
    }

    /// Square world units below which tiles of a zoom show polygons by their share of area: four square units of their grid, of which a tile's side has 2¹².
    public static func leastArea(zoom: Int) -> Float { Float(sign: .plus, exponent: 42 - 2 * zoom, significand: 1) }

    init(x: Int32, y: Int32, area: Float) {
        self.x = x
        self.y = y
        self.area = area
        leastZoom = 0
        flags = 0
        safeZooms = 0
    }
}

extension FeatureDetail {
    /// - Parameters:
    ///   - record: a feature between `endFeature` and `seal`.
    ///   - start: where its ring ends begin there.
    ///   - world: its vertices, Web Mercator world units, x and y in turn.
    ///   - length: of its lines and rings, in world units; 0 for points.
    init(
        _ record: UnsafeRawPointer, at start: Int, _ head: SpillHead, world: UnsafeBufferPointer<Int32>, length: inout Float
    ) {
        var (west, north, east, south) = (Int32.max, Int32.max, Int32.min, Int32.min)
        var i = 0
        while i + 1 < world.count {
            (west, east) = (min(west, world[i]), max(east, world[i]))
            (north, south) = (min(north, world[i + 1]), max(south, world[i + 1]))
            i += 2
        }
        self.init(x: Int32((Int64(west) + Int64(east)) / 2), y: Int32((Int64(north) + Int64(south)) / 2), area: 0)
        length = 0
        let kind = GeometryKind(rawValue: head.kind)!
        if kind == .point || kind == .multiPoint { return }
        let (rings, parts) = (Int(head.rings), Int(head.parts))
        let partStart = start + 4 * rings
        let kindStart = partStart + 4 * parts
        func number(_ offset: Int) -> Int { Int(record.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) }
        var doubled = 0.0
        var ring = 0
        var vertex = 0
        for part in 0..<parts {
            let partKind =
                kind == .geometryCollection
                ? GeometryKind(rawValue: record.load(fromByteOffset: kindStart + part, as: UInt8.self)) ?? .point : kind.partKind
            let firstRing = ring
            while ring < number(partStart + 4 * part) {
                let end = number(start + 4 * ring)
                let vertices = UnsafeBufferPointer(rebasing: world[2 * vertex..<2 * end])
                if partKind != .point { length += RingSafety.length(vertices) }
                if partKind == .polygon {
                    let ofRing = RingSafety.doubledArea(vertices)
                    doubled += ring == firstRing ? abs(ofRing) : -abs(ofRing)
                    if rings == 1 && kind != .geometryCollection {
                        safeZooms = RingSafety.zooms(vertices)
                        isClockwise = ofRing > 0
                    }
                }
                vertex = end
                ring += 1
            }
        }
        area = Float(max(0, doubled / 2))
    }
}

/// The details of an open file's features.
public struct FeatureDetails: Sendable {
    @usableFromInline let section: Section
    @usableFromInline let count: Int

    /// Checks the blocks that the details of these rows lie in, all below the file's `geometryCount`.
    @inlinable
    public func touch(_ rows: Range<Int>) throws(LayerFileError) {
        precondition(rows.lowerBound >= 0 && rows.upperBound <= count)
        try section.touch(16 * rows.lowerBound, 16 * rows.count)
    }

    /// The detail of a row that was touched.
    @inlinable
    public subscript(row: Int) -> FeatureDetail {
        @inline(__always) get {
            precondition(row >= 0 && row < count)
            return section.load(row, as: FeatureDetail.self)
        }
    }
}

extension LayerFile {
    /// For each zoom how many features do not matter before the next, and last those that do at none; nil in files sealed before that was known. Together
    /// they are the rows with a geometry.
    public var leastZoomCounts: [Int]? { header.leastZoomCounts }

    /// The same of the zooms from which features are drawn by themselves, see `FeatureDetail.ownZoom`; nil in files sealed before that was counted.
    public var ownZoomCounts: [Int]? { header.ownZoomCounts }

    /// The details of the rows with a geometry; nil in files sealed before there were any.
    public func details() throws(LayerFileError) -> FeatureDetails? {
        guard let section = sections[SectionKey(kind: .detail)] else { return nil }
        guard section.length == 16 * geometryCount else { throw .malformed("section detail has \(section.length) bytes") }
        return FeatureDetails(section: section, count: geometryCount)
    }

    /// The vertices of a row that `touchShapes` was asked about, x and y in turn: Web Mercator world units.
    @inlinable @inline(__always)
    public func mercator(touched row: Int) -> UnsafeBufferPointer<Int32> {
        precondition(row >= 0 && row < geometryCount)
        let first = vertexSteps.start(row)
        return UnsafeBufferPointer(start: mercator.pointer(Int32.self) + 2 * first, count: 2 * (vertexSteps.start(row + 1) - first))
    }
}
