import Formats
import Foundation
public import Geo
public import LayerAtlas
public import Query
import Tiles

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

    public init(
        engine: QueryEngine, layers: [VisibleLayer], zooms: ClosedRange<Int>, threads: Int = ProcessInfo.processInfo.activeProcessorCount
    ) {
        precondition(!layers.isEmpty && zooms.lowerBound >= 0 && zooms.upperBound <= TileCoordinate.zoomLimit)
        self.engine = engine
        self.layers = layers
        self.zooms = zooms
        self.threads = threads
    }

    /// Writes what the archive does not have yet, and finishes it.
    ///
    /// - Parameter deadline: cancelled to stop; the archive can then be gone on with.
    /// - Throws: `QueryError`, `ArchiveError`.
    public func write(to archive: some TileArchive, deadline: Deadline, progress: (Progress) throws -> Void) throws {
        var unsaved = 0
        let engine = engine
        let groups = stride(from: 0, to: layers.count, by: QueryEngine.layerLimit).map { first in
            Array(layers[first..<min(first + QueryEngine.layerLimit, layers.count)])
        }
        try forEach(after: archive.lastNumber) { tile in
            var bytes: [UInt8] = []
            for group in groups { bytes += try engine.drawnTile(group, MapTile(tile), deadline: deadline).bytes }
            return (tile, bytes.isEmpty ? [] : Gzip.compress(bytes, level: 6))
        } take: { made, step in
            let (tile, bytes) = made
            if !bytes.isEmpty {
                try archive.add(tile, bytes)
                unsaved += bytes.count
                if unsaved > 64 << 20 {
                    try archive.flush()
                    unsaved = 0
                }
            }
            try progress(step)
        }
        try archive.finish()
    }

    /// Makes something of every tile that may have something, on several threads, and takes it on this one, in the order of the tiles' numbers.
    ///
    /// - Parameter number: of the last tile that is left out, with all before it.
    /// - Throws: the first error of `make` or `take`.
    public func forEach<Made: Sendable>(
        after number: UInt64? = nil, make: @escaping @Sendable (TileCoordinate) throws -> Made, take: (Made, Progress) throws -> Void
    ) throws {
        var numbers: [UInt64] = []
        try walk { numbers.append($0) }
        let begun = number.map { last in numbers.partition(after: last) } ?? 0
        try OrderedWork.run(count: numbers.count - begun, threads: threads) { [numbers] place in
            guard let tile = TileNumber.tile(numbers[begun + place]) else { preconditionFailure("a number that was walked to") }
            return (tile, try make(tile))
        } take: { place, made in
            try take(made.1, Progress(done: begun + place + 1, total: numbers.count, zoom: made.0.zoom))
        }
    }

    /// The numbers of all tiles of the zooms that may have something, ascending.
    ///
    /// A tile has something only where the tile above has: its buffer lies within that of the one above.
    private func walk(_ found: (UInt64) -> Void) throws {
        // Places on the curve of a zoom, ascending; the four below a place follow each other.
        var places: [UInt64] = [0]
        for zoom in 0...zooms.upperBound {
            if zoom > 0 { places = places.flatMap { place in (0..<4).map { 4 * place + $0 } } }
            places = try places.filter { place in
                guard let tile = TileNumber.tile(zoom: zoom, place: place) else { preconditionFailure("a place on its curve") }
                return try layers.contains { try engine.mayHaveFeatures($0, in: tile) }
            }
            if zooms.contains(zoom) { for place in places { found(TileNumber.first(zoom: zoom) + place) } }
        }
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
