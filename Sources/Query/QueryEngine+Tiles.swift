import Formats
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
    /// Dates and times on their way to the tile: it has no such type, so they go as text.
    private var written = ByteWriter()
    /// For each column with a small dictionary the tile's number of each entry, or `unknown`.
    private var entryValues: [[UInt32]] = []
    private let unknown = UInt32.max
    /// Larger dictionaries are looked up by text: clearing their table would cost more than it saves.
    private let entryLimit = 4096

    func draw(_ source: RowSource, _ tile: TileCoordinate, _ deadline: Deadline) throws(QueryError) -> [UInt8] {
        let file = source.file
        let columns = source.columns.map { file.columns[$0] }
        encoder.start(tile, layer: source.layer, keys: columns.map(\.attribute.name))
        entryValues = columns.map { column in
            guard let count = column.entryCount, count <= entryLimit else { return [] }
            return [UInt32](repeating: unknown, count: count)
        }
        var drawn = 0
        do {
            try file.search(tile.envelope(buffer: Double(TileGrid.buffer) / Double(TileGrid.extent))) { run, _ in
                for row in run {
                    if try encoder.draw(file.shape(row), id: file.number(row)) {
                        for i in columns.indices { try tag(i, columns[i], row) }
                        encoder.endFeature()
                    }
                    drawn += 1
                    if drawn & 1023 == 0 { try deadline.check() }
                }
            }
        } catch let error as QueryError {
            throw error
        } catch {
            throw .damaged(layer: source.layer, detail: "\(error)")
        }
        return encoder.finish()
    }

    private func tag(_ key: Int, _ column: Column, _ row: Int) throws(LayerFileError) {
        try column.touch(row..<row + 1)
        if !entryValues[key].isEmpty {
            guard !column.isNull(row) else { return }
            let code = column.code(row)
            if entryValues[key][code] == unknown { entryValues[key][code] = encoder.intern(text: column.entry(code)) }
            encoder.tag(key, value: entryValues[key][code])
            return
        }
        switch column.value(row) {
        case .null: break
        case .integer(let value): encoder.tag(key, integer: value)
        case .real(let value): encoder.tag(key, real: value)
        case .boolean(let value): encoder.tag(key, boolean: value)
        case .date(let day):
            written.removeAll()
            written.day(day)
            written.withBytes { encoder.tag(key, text: $0) }
        case .time(let instant):
            written.removeAll()
            written.instant(instant)
            written.withBytes { encoder.tag(key, text: $0) }
        case .text(let bytes), .json(let bytes): encoder.tag(key, text: bytes)
        }
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
