import Formats
import Foundation
public import Geo
public import LayerAtlas
public import Query

/// Makes every tile of one or several layers and puts them into an archive.
///
/// Only tiles that may have something are looked at: the quadtree of each zoom is walked from the top, and a branch that the layers' indexes know
/// to be empty is left. Tiles of several layers hold one after the other, as a vector tile may (MVT 2.1, 4.1).
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
        var numbers: [UInt64] = []
        for zoom in zooms { try walk(to: zoom, level: 0, place: 0, into: &numbers) }
        let begun = archive.lastNumber.map { last in numbers.partition(after: last) } ?? 0
        var unsaved = 0
        let (engine, layers) = (engine, layers)
        try OrderedWork.run(count: numbers.count - begun, threads: threads) { [numbers] place in
            guard let tile = TileNumber.tile(numbers[begun + place]) else { preconditionFailure("a number that was walked to") }
            var bytes: [UInt8] = []
            for layer in layers { bytes += try engine.tile(layer, tile, deadline: deadline) }
            return (tile, bytes.isEmpty ? [] : Gzip.compress(bytes, level: 6))
        } take: { place, made in
            let (tile, bytes) = made
            if !bytes.isEmpty {
                try archive.add(tile, bytes)
                unsaved += bytes.count
                if unsaved > 64 << 20 {
                    try archive.flush()
                    unsaved = 0
                }
            }
            try progress(Progress(done: begun + place + 1, total: numbers.count, zoom: tile.zoom))
        }
        try archive.finish()
    }

    /// Appends the numbers of a zoom's tiles below a tile, ascending.
    private func walk(to zoom: Int, level: Int, place: UInt64, into numbers: inout [UInt64]) throws {
        guard let tile = TileNumber.tile(zoom: level, place: place) else { preconditionFailure("a place on its curve") }
        guard try layers.contains(where: { try engine.mayHaveFeatures($0, in: tile) }) else { return }
        guard level < zoom else {
            numbers.append(TileNumber.first(zoom: zoom) + place)
            return
        }
        for quarter in 0..<4 { try walk(to: zoom, level: level + 1, place: 4 * place + UInt64(quarter), into: &numbers) }
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
