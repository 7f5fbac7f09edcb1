import Formats
import Foundation
import Geo
public import LayerAtlas
public import Query
public import Tiles

/// Makes every tile of one or several layers and puts them into an archive.
///
/// Only tiles that may have something are looked at: the quadtree is walked once from the top, zoom by zoom, and a branch that the layers' indexes know
/// to be empty is left. Up to eight layers share a tile's bytes as they do over HTTP; of more, each eight do.
public struct TileArchiver {
    /// How far the work is.
    public struct Progress: Sendable {
        public var done: Int
        /// Tiles that may have something.
        public var total: Int
        public var zoom: Int
    }

    private let engine: QueryEngine
    private let layers: [VisibleLayer]
    private let zooms: ClosedRange<Int>
    private let threads: Int
    private let now: () -> ContinuousClock.Instant

    /// What may be lost with an interruption: so much, or what was made in so long, where tiles take long to make.
    private static let (mostUnsaved, longestUnsaved) = (64 << 20, Duration.seconds(5))

    public init(
        engine: QueryEngine, layers: [VisibleLayer], zooms: ClosedRange<Int>, threads: Int = ProcessInfo.processInfo.activeProcessorCount,
        now: @escaping () -> ContinuousClock.Instant = { .now }
    ) {
        precondition(!layers.isEmpty && zooms.lowerBound >= 0 && zooms.upperBound <= TileCoordinate.zoomLimit)
        self.engine = engine
        self.layers = layers
        self.zooms = zooms
        self.threads = threads
        self.now = now
    }

    /// Writes what the archive does not have yet, and finishes it.
    ///
    /// - Parameter deadline: cancelled to stop; the archive can then be gone on with.
    /// - Throws: `QueryError`, `ArchiveError`.
    public func write(to archive: some TileArchive, deadline: Deadline, progress: (Progress) throws -> Void) throws {
        var unsaved = 0
        var saved = now()
        let engine = engine
        let groups = stride(from: 0, to: layers.count, by: QueryEngine.layerLimit).map { first in
            Array(layers[first..<min(first + QueryEngine.layerLimit, layers.count)])
        }
        try forEach(after: archive.lastNumber) { tile in
            var bytes: [UInt8] = []
            for group in groups { bytes += try engine.drawnTile(group, tile, deadline: deadline).bytes }
            return (tile, bytes.isEmpty ? [] : Gzip.compress(bytes, level: 6))
        } take: { made, step in
            let (tile, bytes) = made
            if !bytes.isEmpty {
                guard let place = TileCoordinate(zoom: tile.zoom, column: tile.column, row: tile.row) else {
                    preconditionFailure("a tile of Web Mercator")
                }
                try archive.add(place, bytes)
                unsaved += bytes.count
                if unsaved > TileArchiver.mostUnsaved || now() - saved > TileArchiver.longestUnsaved {
                    try archive.flush()
                    (unsaved, saved) = (0, now())
                }
            }
            try progress(step)
        }
        try archive.finish()
    }

    /// Makes something of every tile that may have something, on several threads, and takes it on this one, zoom by zoom; in Web Mercator in the order of
    /// the tiles' numbers.
    ///
    /// - Parameters:
    ///   - set: the zooms are those of this set.
    ///   - number: of the last tile that is left out, with all before it.
    /// - Throws: the first error of `make` or `take`.
    public func forEach<Made: Sendable>(
        in set: TileMatrixSet = .webMercatorQuad, after number: UInt64? = nil, make: @escaping @Sendable (MapTile) throws -> Made,
        take: (Made, Progress) throws -> Void
    ) throws {
        var places: [UInt64] = []
        try walk(set) { places.append($0) }
        let begun = number.map { last in places.partition(after: last) } ?? 0
        try OrderedWork.run(count: places.count - begun, threads: threads) { [places] place in
            let tile = TileArchiver.tile(set, places[begun + place])
            return (tile, try make(tile))
        } take: { place, made in
            try take(made.1, Progress(done: begun + place + 1, total: places.count, zoom: made.0.zoom))
        }
    }

    /// All tiles of the zooms that may have something, as numbers; in Web Mercator ascending.
    ///
    /// A tile has something only where the tile above has: its buffer lies within that of the one above.
    private func walk(_ set: TileMatrixSet, _ found: (UInt64) -> Void) throws {
        // Places on the curve of a zoom, ascending; the four below a place follow each other. A world of two halves has two curves beside each other.
        let halves: [UInt64] = set == .webMercatorQuad ? [0] : [0, 1]
        var places = halves.map { (half: $0, place: UInt64(0)) }
        for zoom in 0...min(zooms.upperBound, set.zoomLimit) {
            if zoom > 0 { places = places.flatMap { above in (0..<4).map { (above.half, 4 * above.place + $0) } } }
            let number = { (each: (half: UInt64, place: UInt64)) in
                each.half << TileArchiver.halfBit | (TileNumber.first(zoom: zoom) + each.place)
            }
            places = try places.filter { each in
                let tile = TileArchiver.tile(set, number(each))
                return try layers.contains { try engine.mayHaveFeatures($0, in: tile) }
            }
            if zooms.contains(zoom) { for each in places { found(number(each)) } }
        }
    }

    /// The eastern half of a world has this bit in its numbers, which are far smaller.
    private static let halfBit: UInt64 = 60

    private static func tile(_ set: TileMatrixSet, _ number: UInt64) -> MapTile {
        guard let tile = TileNumber.tile(number & (1 << halfBit - 1)),
            let found = MapTile(set, zoom: tile.zoom, column: tile.column + Int(number >> halfBit) << tile.zoom, row: tile.row)
        else { preconditionFailure("a number that was walked to") }
        return found
    }
}

extension [UInt64] {
    /// How many of the ascending numbers are no greater.
    fileprivate func partition(after number: UInt64) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] <= number { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
