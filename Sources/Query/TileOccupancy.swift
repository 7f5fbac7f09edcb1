import Geo
import LayerStore
import SpatialIndex
import Synchronization
import Tiles

/// Which tiles of a set may have something of a layer: a bit for each tile over the layer's extent, from zoom 0 down to where they fit into `byteLimit`.
///
/// A clear bit means that no envelope meets the tile and its buffer, so that it is surely empty. Below the last zoom its tiles speak for those inside them,
/// whose buffers are smaller.
struct TileOccupancy: Sendable {
    /// Bytes of all bits together, at most.
    static let byteLimit = 256 << 10

    private struct Level {
        var columns: ClosedRange<Int>
        var rows: ClosedRange<Int>
        var words: [UInt64]

        init(columns: ClosedRange<Int>, rows: ClosedRange<Int>) {
            self.columns = columns
            self.rows = rows
            words = [UInt64](repeating: 0, count: (columns.count * rows.count + 63) / 64)
        }

        func place(_ column: Int, _ row: Int) -> Int { (row - rows.lowerBound) * columns.count + column - columns.lowerBound }

        mutating func set(_ columns: ClosedRange<Int>, _ rows: ClosedRange<Int>) {
            for row in rows {
                for column in columns {
                    let place = place(column, row)
                    words[place >> 6] |= 1 << UInt64(place & 63)
                }
            }
        }
    }

    private var levels: [Level] = []

    /// Looks at the envelopes of all rows, in the index only.
    /// - Complexity: O(rows), a few nanoseconds each: sixteen neighbours are looked at together as long as they lie in one tile.
    /// - Throws: `LayerFileError`.
    init(_ file: LayerFile, _ set: TileMatrixSet) throws(LayerFileError) {
        guard let extent = file.extent, file.geometryCount > 0 else { return }
        let whole = Square(IndexBox(around: extent), set)
        // A layer of few features is not worth as much.
        let limit = 8 * min(TileOccupancy.byteLimit, max(4 << 10, 8 * file.geometryCount))
        var bits = 0
        for zoom in 0...set.zoomLimit {
            let (columns, rows) = whole.tiles(zoom)
            bits += columns.count * rows.count + 64
            if bits > limit && zoom > 0 { break }
            levels.append(Level(columns: columns, rows: rows))
        }
        var first = 0
        while first < file.geometryCount {
            let group = first..<min(first + PackedIndex.fanout, file.geometryCount)
            var union = try file.indexBox(first)
            for row in group.dropFirst() {
                let box = try file.indexBox(row)
                union = IndexBox(
                    minX: min(union.minX, box.minX), minY: min(union.minY, box.minY), maxX: max(union.maxX, box.maxX),
                    maxY: max(union.maxY, box.maxY))
            }
            let next = mark(Square(union, set), from: 0)
            if next < levels.count {
                for row in group {
                    let square = Square(try file.indexBox(row), set)
                    for zoom in mark(square, from: next)..<levels.count {
                        let (columns, rows) = square.tiles(zoom)
                        levels[zoom].set(columns, rows)
                    }
                }
            }
            first = group.upperBound
        }
    }

    /// Marks one tile of each zoom, as long as it is one.
    /// - Returns: the first zoom at which it is several.
    private mutating func mark(_ square: Square, from first: Int) -> Int {
        for zoom in first..<levels.count {
            let (columns, rows) = square.tiles(zoom)
            guard columns.count == 1, rows.count == 1 else { return zoom }
            levels[zoom].set(columns, rows)
        }
        return levels.count
    }

    /// False: the tile is surely empty.
    /// - Complexity: O(1)
    func mayHaveFeatures(_ tile: MapTile) -> Bool {
        guard !levels.isEmpty else { return false }
        let zoom = min(tile.zoom, levels.count - 1)
        let (column, row) = (tile.column >> (tile.zoom - zoom), tile.row >> (tile.zoom - zoom))
        let level = levels[zoom]
        guard level.columns.contains(column), level.rows.contains(row) else { return false }
        let place = level.place(column, row)
        return level.words[place >> 6] & (1 << UInt64(place & 63)) != 0
    }

    /// The last zoom that has bits of its own.
    var lastZoom: Int { levels.count - 1 }

    /// An envelope in world units from the north-west corner of a set's world, a little larger than it is: what the index rounds outward counts.
    private struct Square {
        var west, north, east, south: Double
        var set: TileMatrixSet

        /// A unit of the index is 1.2 world units, and in Web Mercator at the edge of the world twelve times as much.
        static let slack = 32.0

        init(_ box: IndexBox, _ set: TileMatrixSet) {
            self.set = set
            let scale = WebMercator.worldSize / 360 / IndexBox.unitsPerDegree
            west = Double(box.minX) * scale + 2_147_483_648 - Square.slack
            east = Double(box.maxX) * scale + 2_147_483_648 + Square.slack
            if set == .webMercatorQuad {
                north = Double(Square.projected(box.maxY)) + 2_147_483_648 - Square.slack
                south = Double(Square.projected(box.minY)) + 2_147_483_648 + Square.slack
            } else {
                north = 1_073_741_824 - Double(box.maxY) * scale - Square.slack
                south = 1_073_741_824 - Double(box.minY) * scale + Square.slack
            }
        }

        private static func projected(_ latitude: Int32) -> Int32 {
            WebMercator.project(longitude: 0, latitude: Double(latitude) / IndexBox.unitsPerDegree).y
        }

        /// The tiles of a zoom that the envelope meets, their buffers included.
        func tiles(_ zoom: Int) -> (columns: ClosedRange<Int>, rows: ClosedRange<Int>) {
            let levelZoom = set == .webMercatorQuad ? zoom : zoom + 1
            let side = Double(Int64(1) << (32 - Int64(levelZoom)))
            let margin = side * Double(TileGrid.buffer) / Double(TileGrid.extent)
            func range(_ low: Double, _ high: Double, _ last: Int) -> ClosedRange<Int> {
                let first = min(max(0, Int(((low - margin) / side).rounded(.down))), last)
                return first...max(first, min(last, Int(((high + margin) / side).rounded(.down))))
            }
            return (range(west, east, (1 << levelZoom) - 1), range(north, south, (1 << zoom) - 1))
        }
    }
}

/// What is known of empty tiles, by layer version and set. What was learnt of versions that nobody asks for any more goes with time.
final class TileOccupancies: Sendable {
    private struct Key: Hashable {
        var layer: String
        var version: String
        var set: TileMatrixSet
    }

    private enum Knowledge {
        case learning
        case known(TileOccupancy)
        /// The index cannot be read; whoever asks for a tile hears of that.
        case unreadable
    }

    private struct State {
        var known: [Key: Knowledge] = [:]
        /// In the order they came.
        var order: [Key] = []
    }

    private let state = Mutex(State())
    private static let limit = 256

    /// Nil where it is not known.
    func mayHaveFeatures(_ layer: String, _ version: String, _ tile: MapTile) -> Bool? {
        state.withLock { state in
            guard case .known(let occupancy) = state.known[Key(layer: layer, version: version, set: tile.matrixSet)] else { return nil }
            return occupancy.mayHaveFeatures(tile)
        }
    }

    /// - Returns: whether the caller is the one who should call `learn` now.
    func begin(_ layer: String, _ version: String, _ set: TileMatrixSet) -> Bool {
        state.withLock { state in
            let key = Key(layer: layer, version: version, set: set)
            guard state.known[key] == nil else { return false }
            state.known[key] = .learning
            state.order.append(key)
            if state.order.count > TileOccupancies.limit { state.known[state.order.removeFirst()] = nil }
            return true
        }
    }

    func learn(_ layer: String, _ version: String, _ set: TileMatrixSet, _ file: LayerFile) {
        let found: Knowledge
        do throws(LayerFileError) {
            found = .known(try TileOccupancy(file, set))
        } catch {
            found = .unreadable
        }
        state.withLock { state in
            let key = Key(layer: layer, version: version, set: set)
            if state.known[key] != nil { state.known[key] = found }
        }
    }
}
