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
    private static let unknown = UInt32.max
    /// Larger dictionaries are looked up by text: clearing their table would cost more than it saves.
    private let entryLimit = 4096

    func draw(_ source: RowSource, _ tile: TileCoordinate, _ deadline: Deadline) throws(QueryError) -> [UInt8] {
        let file = source.file
        let columns = source.columns.map { file.columns[$0] }
        encoder.start(tile, layer: source.layer, keys: columns.map(\.attribute.name))
        entryValues = columns.map { column in
            guard let count = column.entryCount, count <= entryLimit else { return [] }
            return [UInt32](repeating: Self.unknown, count: count)
        }
        do {
            // Taken out of the class once: its properties would be checked for exclusive access at every use.
            try Self.draw(file, columns, tile, deadline, into: &encoder, &entryValues, &written)
        } catch let error as QueryError {
            throw error
        } catch {
            throw .damaged(layer: source.layer, detail: "\(error)")
        }
        return encoder.finish()
    }

    private static func draw(
        _ file: LayerFile, _ columns: [Column], _ tile: TileCoordinate, _ deadline: Deadline, into encoder: inout TileEncoder,
        _ entryValues: inout [[UInt32]], _ written: inout ByteWriter
    ) throws {
        var drawn = 0
        try file.search(tile.envelope(buffer: Double(TileGrid.buffer) / Double(TileGrid.extent))) { run, isInside in
            try file.touchShapes(run)
            for column in columns.indices { try columns[column].touch(run) }
            for row in run {
                if encoder.draw(file.shape(touched: row), id: file.number(touched: row), isInside: isInside) {
                    for key in columns.indices { tag(key, columns, row, &encoder, &entryValues, &written) }
                    encoder.endFeature()
                }
                drawn += 1
                if drawn & 1023 == 0 { try deadline.check() }
            }
        }
    }

    /// Adds a value of a row whose columns were touched.
    @inline(__always)
    private static func tag(
        _ key: Int, _ columns: [Column], _ row: Int, _ encoder: inout TileEncoder, _ entryValues: inout [[UInt32]],
        _ written: inout ByteWriter
    ) {
        if !entryValues[key].isEmpty {
            guard !columns[key].isNull(row) else { return }
            let code = columns[key].code(row)
            if entryValues[key][code] == unknown { entryValues[key][code] = encoder.intern(text: columns[key].entry(code)) }
            encoder.tag(key, value: entryValues[key][code])
            return
        }
        switch columns[key].value(row) {
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
