import Geo

/// A vertex on a tile's grid: x east, y south, 0 and `TileGrid.extent` on the tile's edges.
struct GridPoint: Equatable, BitwiseCopyable {
    var x: Int32
    var y: Int32

    /// Ordered by y, then x: 26 bits, because nothing lies outside the buffered tile.
    @inline(__always) var key: UInt64 {
        UInt64(truncatingIfNeeded: y &+ TileGrid.buffer32) << 13 | UInt64(truncatingIfNeeded: x &+ TileGrid.buffer32)
    }

    @inline(__always)
    init(x: Int32, y: Int32) {
        self.x = x
        self.y = y
    }

    @inline(__always)
    static func &+ (a: GridPoint, b: GridPoint) -> GridPoint { GridPoint(x: a.x &+ b.x, y: a.y &+ b.y) }

    /// The step from `b` to `a`.
    @inline(__always)
    static func &- (a: GridPoint, b: GridPoint) -> GridPoint { GridPoint(x: a.x &- b.x, y: a.y &- b.y) }

    @inline(__always) var isZero: Bool { x | y == 0 }

    @inline(__always)
    init(key: UInt64) {
        x = Int32(truncatingIfNeeded: key & 0x1FFF) &- TileGrid.buffer32
        y = Int32(truncatingIfNeeded: key >> 13 & 0x1FFF) &- TileGrid.buffer32
    }
}

/// Twice the area of the triangle a, b, c: positive when they turn clockwise on the map (y grows south).
@inline(__always)
func turn(_ a: GridPoint, _ b: GridPoint, _ c: GridPoint) -> Int32 {
    (b.x &- a.x) &* (c.y &- a.y) &- (b.y &- a.y) &* (c.x &- a.x)
}

/// Whether two segments have a point in common, ends included.
@inline(__always)
func segmentsMeet(_ a: GridPoint, _ b: GridPoint, _ c: GridPoint, _ d: GridPoint) -> Bool {
    if max(a.x, b.x) < min(c.x, d.x) || max(c.x, d.x) < min(a.x, b.x) { return false }
    if max(a.y, b.y) < min(c.y, d.y) || max(c.y, d.y) < min(a.y, b.y) { return false }
    let ofC = turn(a, b, c)
    let ofD = turn(a, b, d)
    if (ofC > 0 && ofD > 0) || (ofC < 0 && ofD < 0) { return false }
    let ofA = turn(c, d, a)
    let ofB = turn(c, d, b)
    // Where all four are zero they lie on one line, and there overlapping envelopes mean overlapping segments.
    return !((ofA > 0 && ofB > 0) || (ofA < 0 && ofB < 0))
}

/// The quotient rounded down; the divisor is positive.
@inline(__always)
func floorDivide<Number: FixedWidthInteger & SignedInteger>(_ numerator: Number, _ divisor: Number) -> Number {
    let quotient = numerator / divisor
    return numerator < 0 && quotient * divisor != numerator ? quotient - 1 : quotient
}

/// A vertex while it is clipped, in fine units from the tile's north-west corner.
struct FinePoint: Equatable, BitwiseCopyable {
    var x: Int64
    var y: Int64
}

/// How the world lies under a tile's grid.
///
/// *Fine* units are what clipping works in, from the tile's north-west corner: world units up to zoom 20, where a grid unit is one; beyond,
/// grid units, of which two (zoom 21) or four (zoom 22) make a world unit.
public struct TileGrid: Sendable {
    /// Grid units along a tile's side (MVT 2.1, 4.1: `extent`).
    public static let extent = 4096

    /// Grid units drawn beyond each edge, so that outlines and icons do not end at a tile's edge.
    ///
    /// `extent` + 2 × `buffer` stays below 2¹³, on which `GridPoint.key` and the two-byte steps rest.
    public static let buffer = 64

    @inline(__always) static var buffer32: Int32 { Int32(buffer) }

    let minX: Int64
    let minY: Int64
    /// Fine units are world units shifted left by this.
    let enlargement: Int64
    /// Grid units are fine units shifted right by this.
    let reduction: Int64
    /// Half a grid unit in fine units; zero where they are the same.
    let half: Int64
    /// The buffered tile in fine units, borders included.
    let low: Int64
    let high: Int64
    /// The buffered tile in world units, borders included.
    let worldLowX: Int64
    let worldLowY: Int64
    let worldHighX: Int64
    let worldHighY: Int64

    /// The greatest coordinates that a point may have.
    let lastPointX: Int32
    let lastPointY: Int32

    /// World units are those of degrees, not those of Web Mercator.
    let isGeographic: Bool

    init(_ tile: TileCoordinate) { self.init(MapTile(tile)) }

    init(_ tile: MapTile) {
        isGeographic = tile.matrixSet == .worldCRS84Quad
        minX = tile.minX
        minY = tile.minY
        enlargement = max(0, Int64(tile.levelZoom) - 20)
        reduction = max(0, 20 - Int64(tile.levelZoom))
        half = reduction > 0 ? 1 << (reduction - 1) : 0
        low = -Int64(TileGrid.buffer) << reduction
        high = Int64(TileGrid.extent + TileGrid.buffer) << reduction
        let beyond = Int32(TileGrid.extent + TileGrid.buffer)
        lastPointX = tile.isEasternmost ? Int32(TileGrid.extent) - 1 : beyond
        lastPointY = tile.isSouthernmost ? Int32(TileGrid.extent) - 1 : beyond
        // The buffer is a multiple of four, so at every zoom its edge is a whole number of world units.
        worldLowX = minX + low >> enlargement
        worldLowY = minY + low >> enlargement
        worldHighX = minX + high >> enlargement
        worldHighY = minY + high >> enlargement
    }

    /// Rounds to the nearest grid unit, halves to the south and east; not floored, which would shift everything by half a unit.
    @inline(__always)
    func snap(_ fine: FinePoint) -> GridPoint {
        GridPoint(
            x: Int32(truncatingIfNeeded: (fine.x &+ half) &>> reduction), y: Int32(truncatingIfNeeded: (fine.y &+ half) &>> reduction))
    }

    /// The same for points: those on the world's eastern or southern edge, beyond which there is no tile, lie in the last unit of theirs, since maps draw no point
    /// on a tile's own eastern or southern edge.
    @inline(__always)
    func snapWithin(_ fine: FinePoint) -> GridPoint {
        let point = snap(fine)
        return GridPoint(x: min(point.x, lastPointX), y: min(point.y, lastPointY))
    }

    @inline(__always)
    func fine(_ x: Int32, _ y: Int32) -> FinePoint {
        FinePoint(x: (Int64(x) &- minX) &<< enlargement, y: (Int64(y) &- minY) &<< enlargement)
    }

    /// Square grid units in a square fine unit.
    var areaScale: Double { 1 / Double(Int64(1) << (2 * reduction)) }
}
