/// A tile of WebMercatorQuad (OGC 17-083r4, annex D.1): zoom, column from the west, row from the north.
public struct TileCoordinate: Hashable, Sendable {
    public let zoom: Int
    public let column: Int
    public let row: Int

    /// The largest zoom served.
    public static let zoomLimit = 22

    /// Nil when no such tile exists. The zoom is looked at before any arithmetic, so hostile numbers cannot overflow.
    public init?(zoom: Int, column: Int, row: Int) {
        guard (0...TileCoordinate.zoomLimit).contains(zoom) else { return nil }
        guard (0..<(1 << zoom)).contains(column), (0..<(1 << zoom)).contains(row) else { return nil }
        self.zoom = zoom
        self.column = column
        self.row = row
    }

    /// The tile's side in world units (see `WebMercator`): 2³² ÷ 2^zoom.
    @inlinable public var side: Int64 { 1 << (32 - Int64(zoom)) }

    /// The west edge in world units, from −2³¹.
    @inlinable public var minX: Int64 { Int64(column) * side - (1 << 31) }

    /// The north edge in world units, from −2³¹; y grows south.
    @inlinable public var minY: Int64 { Int64(row) * side - (1 << 31) }

    /// The area of the tile in degrees, widened by `buffer` (a share of the side: 64/4096 is 0.015625), never past the world's edge.
    public func envelope(buffer: Double = 0) -> Envelope {
        let margin = Double(side) * buffer
        let half = WebMercator.worldSize / 2
        let northWest = WebMercator.unproject(x: max(Double(minX) - margin, -half), y: max(Double(minY) - margin, -half))
        let southEast = WebMercator.unproject(
            x: min(Double(minX + side) + margin, half), y: min(Double(minY + side) + margin, half))
        return Envelope(minX: northWest.x, minY: southEast.y, maxX: southEast.x, maxY: northWest.y)
    }
}
