import Geo

/// The tiles of one zoom that a rectangle touches, row by row from the north-west.
public struct TileCover: Sequence, Sendable {
    public let zoom: Int
    public let columns: ClosedRange<Int>
    public let rows: ClosedRange<Int>

    public var count: Int { columns.count * rows.count }

    public func makeIterator() -> Iterator {
        Iterator(cover: self, column: columns.lowerBound, row: rows.lowerBound)
    }

    public struct Iterator: IteratorProtocol, Sendable {
        let cover: TileCover
        var column: Int
        var row: Int

        public mutating func next() -> TileCoordinate? {
            if row > cover.rows.upperBound { return nil }
            defer {
                column += 1
                if column > cover.columns.upperBound {
                    column = cover.columns.lowerBound
                    row += 1
                }
            }
            return TileCoordinate(zoom: cover.zoom, column: column, row: row)
        }
    }
}

/// Which tiles there are for an area.
public enum TilePyramid {
    /// The tiles of a zoom whose area, borders and `buffer` grid units around included, meets an envelope in degrees.
    ///
    /// Beyond the latitudes that Web Mercator can show, the outermost row counts. Nil for an empty envelope and a zoom that is not served.
    public static func tiles(covering envelope: Envelope, zoom: Int, buffer: Int = 0) -> TileCover? {
        guard !envelope.isEmpty, (0...TileCoordinate.zoomLimit).contains(zoom) else { return nil }
        let northWest = WebMercator.project(longitude: envelope.minX, latitude: envelope.maxY)
        let southEast = WebMercator.project(longitude: envelope.maxX, latitude: envelope.minY)
        let columns = indexes(from: northWest.x, to: southEast.x, zoom: zoom, buffer: buffer)
        let rows = indexes(from: northWest.y, to: southEast.y, zoom: zoom, buffer: buffer)
        return TileCover(zoom: zoom, columns: columns, rows: rows)
    }

    private static func indexes(from: Int32, to: Int32, zoom: Int, buffer: Int) -> ClosedRange<Int> {
        // In quarters of a world unit, so that the buffer is a whole number at every zoom.
        let side = Int64(4) << (32 - Int64(zoom))
        let margin = Int64(buffer) * (side / Int64(TileGrid.extent))
        let last = Int64(1) << Int64(zoom) - 1
        let low = 4 * (Int64(from) + (1 << 31)) - margin
        let high = 4 * (Int64(to) + (1 << 31)) + margin
        // A rectangle that ends on an edge touches the tiles on both sides of it.
        let first = (low + side - 1) / side - 1
        return Int(min(max(0, first), last))...Int(min(max(0, high / side), last))
    }
}
