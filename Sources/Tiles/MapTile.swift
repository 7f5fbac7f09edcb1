public import Geo

/// How the world is cut into tiles (OGC 17-083r4, annex D).
public enum TileMatrixSet: String, Sendable, CaseIterable {
    /// D.1: Web Mercator, one tile at zoom 0.
    case webMercatorQuad = "WebMercatorQuad"
    /// D.3: longitude and latitude, two tiles beside each other at zoom 0.
    case worldCRS84Quad = "WorldCRS84Quad"

    /// The largest zoom served; at both a tile's side is the same part of the equator.
    public var zoomLimit: Int { self == .webMercatorQuad ? TileCoordinate.zoomLimit : TileCoordinate.zoomLimit - 1 }
}

/// A tile of either set, as a square of world units: 2³² of them around the equator, x growing east and y south from the middle.
///
/// In WorldCRS84Quad a unit is 360° ÷ 2³² along both axes, and the world is half as high as it is wide.
public struct MapTile: Hashable, Sendable {
    public let matrixSet: TileMatrixSet
    public let zoom: Int
    public let column: Int
    public let row: Int

    /// Nil when no such tile exists.
    public init?(_ set: TileMatrixSet, zoom: Int, column: Int, row: Int) {
        guard (0...set.zoomLimit).contains(zoom) else { return nil }
        let columns = set == .webMercatorQuad ? 1 << zoom : 2 << zoom
        guard (0..<columns).contains(column), (0..<(1 << zoom)).contains(row) else { return nil }
        (matrixSet, self.zoom, self.column, self.row) = (set, zoom, column, row)
    }

    public init(_ tile: TileCoordinate) {
        (matrixSet, zoom, column, row) = (.webMercatorQuad, tile.zoom, tile.column, tile.row)
    }

    /// The zoom of WebMercatorQuad at which tiles are as wide.
    public var levelZoom: Int { matrixSet == .webMercatorQuad ? zoom : zoom + 1 }

    /// In world units.
    public var side: Int64 { 1 << (32 - Int64(levelZoom)) }
    /// Beyond it the world ends.
    var isEasternmost: Bool { minX + side == 1 << 31 }
    var isSouthernmost: Bool { row + 1 == 1 << zoom }

    public var minX: Int64 { Int64(column) * side - (1 << 31) }
    public var minY: Int64 { Int64(row) * side - (matrixSet == .webMercatorQuad ? 1 << 31 : 1 << 30) }

    /// The area of the tile in degrees with the buffer that is drawn around it, never past the world's edge.
    public var bufferedEnvelope: Envelope {
        let buffer = Double(TileGrid.buffer) / Double(TileGrid.extent)
        if matrixSet == .webMercatorQuad { return TileCoordinate(zoom: zoom, column: column, row: row)!.envelope(buffer: buffer) }
        let margin = Double(side) * buffer
        let degrees = 360 / WebMercator.worldSize
        return Envelope(
            minX: max(-180, (Double(minX) - margin) * degrees), minY: max(-90, -(Double(minY + side) + margin) * degrees),
            maxX: min(180, (Double(minX + side) + margin) * degrees), maxY: min(90, -(Double(minY) - margin) * degrees))
    }
}
