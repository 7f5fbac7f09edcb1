public import Geo
public import LayerAtlas
import LayerStore
import Synchronization
import Tiles

extension QueryEngine {
    /// A vector tile (MVT 2.1) of one layer, uncompressed; empty when nothing of the layer lies in it.
    ///
    /// Made anew from the stored integers at each call; whoever asks often keeps what comes.
    public func tile(_ layer: VisibleLayer, _ tile: TileCoordinate, deadline: Deadline) throws(QueryError) -> [UInt8] {
        let source = source(layer)
        return try drawers.withDrawer { drawer throws(QueryError) in try drawer.draw(source, tile, deadline) }
    }
}

/// Draws tiles one after another with the same memory.
final class TileDrawer {
    private var encoder = TileEncoder()
    private var batch = TileBatch()

    func draw(_ source: RowSource, _ tile: TileCoordinate, _ deadline: Deadline) throws(QueryError) -> [UInt8] {
        do {
            // Taken out of the class once: its properties would be checked for exclusive access at every use.
            return try Self.draw(source, tile, deadline, into: &encoder, &batch)
        } catch let error as QueryError {
            throw error
        } catch {
            throw .damaged(layer: source.layer, detail: "\(error)")
        }
    }

    private static func draw(
        _ source: RowSource, _ tile: TileCoordinate, _ deadline: Deadline, into encoder: inout TileEncoder, _ batch: inout TileBatch
    ) throws -> [UInt8] {
        let file = source.file
        batch.start(source.columns.map { file.columns[$0] })
        var runs: [(rows: Range<Int>, isInside: Bool)] = []
        var count = 0
        try file.search(tile.envelope(buffer: Double(TileGrid.buffer) / Double(TileGrid.extent))) { rows, isInside in
            runs.append((rows, isInside))
            count += rows.count
        }
        encoder.start(
            tile, layer: source.layer, keys: batch.columns.map(\.attribute.name), expectedValues: count * batch.variedColumns)
        let details = try file.details()
        var drawn = 0
        for (rows, isInside) in runs {
            try file.touchShapes(rows)
            try details?.touch(rows)
            for column in batch.columns { try column.touch(rows) }
            for row in rows {
                if isInside, let detail = details?[row], detail.isSafe(atZoom: tile.zoom) {
                    encoder.draw(safeRing: file.mercator(touched: row), isClockwise: detail.isClockwise != 0, id: file.number(touched: row))
                    batch.add(row)
                } else if encoder.draw(file.shape(touched: row), id: file.number(touched: row), isInside: isInside) {
                    batch.add(row)
                }
                if batch.isFull { batch.end(&encoder) }
                drawn += 1
                if drawn & 1023 == 0 { try deadline.check() }
            }
        }
        batch.end(&encoder)
        return encoder.finish()
    }
}

/// Drawers that are not in use; there are never more than threads that draw.
final class DrawerPool: Sendable {
    private struct Idle: @unchecked Sendable {
        var drawers: [TileDrawer] = []
    }
    private let idle = Mutex(Idle())

    func withDrawer<R>(_ body: (TileDrawer) throws(QueryError) -> R) throws(QueryError) -> R {
        let drawer = take()
        defer { idle.withLock { $0.drawers.append(drawer) } }
        return try body(drawer)
    }

    private func take() -> sending TileDrawer {
        idle.withLock { $0.drawers.popLast() } ?? TileDrawer()
    }
}
