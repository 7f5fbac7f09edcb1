import Foundation
public import LayerAtlas
import NIOCore
public import Query
public import TileArchives
public import Tiles

/// Makes the tiles of a layer, or of several in one tile, before anybody asks for them, into the cache on disk, just as the server would.
///
/// What is there already is left, so work that was cut off is gone on with by doing it again.
public struct TileWarmer: Sendable {
    /// How far the work is.
    public struct Progress: Sendable {
        public var done: Int
        public var total: Int
        public var zoom: Int
        /// Tiles that were made now; the others were there.
        public var made: Int

        /// Before the first.
        public static let none = Progress(done: 0, total: 0, zoom: 0, made: 0)
    }

    private let engine: QueryEngine
    private let layers: [VisibleLayer]
    private let shelf: TileShelf
    private let history: TileHistory

    /// - Parameters:
    ///   - layers: that are in one tile, in the order in which they are asked for; different ones, `QueryEngine.layerLimit` at most.
    ///   - history: as it was read from the shelf.
    public init(engine: QueryEngine, layers: [VisibleLayer], shelf: TileShelf, history: TileHistory) {
        precondition((1...QueryEngine.layerLimit).contains(layers.count))
        self.engine = engine
        self.layers = layers
        self.shelf = shelf
        self.history = history
    }

    /// The names that `codings` may have: `identity`, `gzip` and `br`.
    public static let codings = ContentCoding.allCases.map { $0.name ?? "identity" }

    /// The zooms of a set that tiles of the layers are made for.
    public func zooms(of set: TileMatrixSet) -> ClosedRange<Int> {
        let all = layers.map(\.tileZooms)
        let (least, greatest) = (all.map(\.lowerBound).min() ?? 0, all.map(\.upperBound).max() ?? 0)
        return set.zoom(least)...max(set.zoom(least), set.zoom(greatest))
    }

    /// - Parameters:
    ///   - zooms: of the set.
    ///   - codings: of `TileWarmer.codings`.
    ///   - progress: called for each tile, in order; false ends the work.
    /// - Throws: `QueryError`.
    public func warm(
        _ set: TileMatrixSet = .webMercatorQuad, zooms: ClosedRange<Int>, codings: [String], threads: Int,
        progress: (Progress) throws -> Bool
    ) throws {
        let wanted = ContentCoding.allCases.filter { codings.contains($0.name ?? "identity") }
        let (engine, layers, shelf, history) = (engine, layers, shelf, history)
        struct Enough: Error {}
        var made = 0
        var unwritten = 0
        let deadline = Deadline(seconds: nil)
        do {
            try TileArchiver(engine: engine, layers: layers, zooms: zooms, threads: threads).forEach(in: set) { tile in
                let parts = layers.map { TileCache.Key.Layer($0, tile, history) }
                let keys = wanted.map { TileCache.Key(layers: parts, tile: tile, coding: $0, thins: true) }
                let missing = keys.filter { !shelf.has($0.digest) }
                if missing.isEmpty { return [(key: [UInt8], tile: TileShelf.Tile)]() }
                let drawn = try engine.drawnTile(layers, tile, deadline: deadline)
                return missing.map { key in
                    let bytes = drawn.bytes.isEmpty ? [] : key.coding.compress(drawn.bytes, isKept: true)
                    return (key.digest, TileShelf.Tile(bytes: bytes, leftOut: drawn.leftOut))
                }
            } take: { tiles, step in
                for (key, tile) in tiles {
                    shelf.keep(key, tile)
                    unwritten += tile.bytes.count
                }
                made += tiles.isEmpty ? 0 : 1
                if unwritten > 8 << 20 {
                    shelf.flush()
                    unwritten = 0
                }
                guard try progress(Progress(done: step.done, total: step.total, zoom: step.zoom, made: made)) else { throw Enough() }
            }
        } catch is Enough {
            // Told to end.
        }
        shelf.flush()
    }
}

extension TileShelf {
    /// The cache on disk of a data directory, or of another folder, for tiles that this program draws.
    public convenience init(_ folder: URL, limit: Int, report: @escaping @Sendable (String) -> Void) {
        self.init(folder, limit: limit, program: TileShelf.program, report: report)
    }

    /// Where it lies unless told otherwise.
    public static func folder(in data: URL) -> URL { data.appending(path: "tiles", directoryHint: .isDirectory) }

    /// Names this very program: an update may draw the same version in other bytes.
    private static let program: String = {
        var facts = stat()
        guard stat("/proc/self/exe", &facts) == 0 else { return Addresses.drawing }
        return "\(Addresses.drawing) \(facts.st_size) \(facts.st_mtim.tv_sec).\(facts.st_mtim.tv_nsec)"
    }()
}

extension TileHistory {
    /// Takes up what a shelf knows.
    public func add(from shelf: TileShelf) {
        for step in shelf.steps() { add(Step(base: step.base, boxes: step.boxes), of: step.layer, step.version) }
    }
}

extension TileCache.Key {
    /// Names the tile as it is sent: of all that it is made from, and of its coding.
    var digest: [UInt8] { EntityTag.digest(of: origin + [coding.name ?? "identity"]) }
}
