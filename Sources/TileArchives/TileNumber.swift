public import Geo

/// The number of a tile in a PMTiles archive (version 3, “Tile ID”): all tiles of a zoom along a Hilbert curve, one zoom after the other.
///
/// Tiles that are neighbours on the map are neighbours in the archive; the four children of a tile follow each other.
public enum TileNumber {
    /// Tiles of all zooms below.
    static func first(zoom: Int) -> UInt64 { ((1 << (2 * UInt64(zoom))) - 1) / 3 }

    /// - Complexity: O(zoom)
    public static func of(_ tile: TileCoordinate) -> UInt64 {
        var (x, y) = (tile.column, tile.row)
        var place: UInt64 = 0
        for level in stride(from: tile.zoom - 1, through: 0, by: -1) {
            let side = 1 << level
            let (right, lower) = (x & side != 0, y & side != 0)
            let quadrant: UInt64 = right ? (lower ? 2 : 3) : (lower ? 1 : 0)
            place += quadrant << (2 * UInt64(level))
            turn(&x, &y, side, right: right, lower: lower)
        }
        return first(zoom: tile.zoom) + place
    }

    /// Nil for a number beyond the largest zoom.
    /// - Complexity: O(zoom)
    public static func tile(_ number: UInt64) -> TileCoordinate? {
        guard let zoom = (0...TileCoordinate.zoomLimit).last(where: { first(zoom: $0) <= number }), number < first(zoom: zoom + 1) else {
            return nil
        }
        return tile(zoom: zoom, place: number - first(zoom: zoom))
    }

    /// The tile at a place on the curve of its zoom.
    static func tile(zoom: Int, place: UInt64) -> TileCoordinate? {
        var (x, y) = (0, 0)
        for level in 0..<zoom {
            let side = 1 << level
            let quadrant = (place >> (2 * UInt64(level))) & 3
            let (right, lower) = (quadrant >= 2, quadrant == 1 || quadrant == 2)
            turn(&x, &y, side, right: right, lower: lower)
            if right { x += side }
            if lower { y += side }
        }
        return TileCoordinate(zoom: zoom, column: x, row: y)
    }

    private static func turn(_ x: inout Int, _ y: inout Int, _ side: Int, right: Bool, lower: Bool) {
        guard !lower else { return }
        if right {
            x = side - 1 - (x & (side - 1))
            y = side - 1 - (y & (side - 1))
        }
        swap(&x, &y)
    }
}
