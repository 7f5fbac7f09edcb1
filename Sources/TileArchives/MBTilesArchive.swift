import Formats
public import Foundation
import GRDB
public import Geo

/// Writes an MBTiles 1.3 archive: one SQLite file, as desktop programs and older servers read it.
///
/// It is written as `<name>.part`; a run that was cut off is gone on with, because every `flush` is one transaction.
public final class MBTilesArchive: TileArchive {
    private let content: ArchiveContent
    private let target: URL
    private let database: DatabaseQueue
    private var waiting: [(tile: TileCoordinate, bytes: [UInt8])] = []
    private var waitingBytes = 0
    public private(set) var lastNumber: UInt64?
    public private(set) var count: Int

    public init(_ target: URL, _ content: ArchiveContent) throws {
        self.content = content
        self.target = target
        let part = target.appendingPathExtension("part")
        let origin = "\(content.zooms) \(content.origin)"
        do {
            (database, lastNumber, count) = try Self.open(part, origin)
        } catch {
            throw Self.failure(error, part)
        }
    }

    private static func open(_ part: URL, _ origin: String) throws -> (DatabaseQueue, UInt64?, Int) {
        if let begun = try? DatabaseQueue(path: part.path), let state = try? begun.read({ try Self.state($0, origin) }) {
            return (begun, state.last, state.count)
        }
        for ending in ["", "-journal", "-wal", "-shm"] {
            let file = part.path + ending
            if FileManager.default.fileExists(atPath: file) { try FileManager.default.removeItem(atPath: file) }
        }
        let database = try DatabaseQueue(path: part.path)
        try database.write { db in
            // MBTiles 1.3: “the application ID should be 0x4d504258”.
            try db.execute(
                sql: """
                    PRAGMA application_id = 0x4d504258;
                    CREATE TABLE metadata (name TEXT PRIMARY KEY, value TEXT);
                    CREATE TABLE tiles (zoom_level INTEGER, tile_column INTEGER, tile_row INTEGER, tile_data BLOB,
                        PRIMARY KEY (zoom_level, tile_column, tile_row));
                    CREATE TABLE progress (origin TEXT, last INTEGER, count INTEGER);
                    """)
            try db.execute(sql: "INSERT INTO progress VALUES (?, NULL, 0)", arguments: [origin])
        }
        return (database, nil, 0)
    }

    /// How far an earlier run of the same came; nil when the file is of another, or none.
    private static func state(_ db: Database, _ origin: String) throws -> (last: UInt64?, count: Int)? {
        guard try db.tableExists("progress"), let row = try Row.fetchOne(db, sql: "SELECT * FROM progress"),
            row["origin"] as String? == origin
        else { return nil }
        return ((row["last"] as Int64?).map { UInt64($0) }, row["count"] as Int)
    }

    public func add(_ tile: TileCoordinate, _ bytes: [UInt8]) throws {
        let number = TileNumber.of(tile)
        precondition(lastNumber.map { number > $0 } ?? true, "tiles come in the order of their numbers")
        lastNumber = number
        count += 1
        waiting.append((tile, bytes))
        waitingBytes += bytes.count
        if waitingBytes > 32 << 20 { try flush() }
    }

    public func flush() throws {
        do {
            try database.write { db in
                let insert = try db.makeStatement(sql: "INSERT INTO tiles VALUES (?, ?, ?, ?)")
                for (tile, bytes) in waiting {
                    // Rows are counted from the south (TMS).
                    try insert.execute(arguments: [tile.zoom, tile.column, (1 << tile.zoom) - 1 - tile.row, Data(bytes)])
                }
                try db.execute(sql: "UPDATE progress SET last = ?, count = ?", arguments: [lastNumber.map { Int64($0) }, count])
            }
        } catch {
            throw Self.failure(error, target)
        }
        waiting.removeAll(keepingCapacity: true)
        waitingBytes = 0
    }

    public func finish() throws {
        try flush()
        let bounds = content.bounds
        let values = [
            ("name", content.name), ("format", "pbf"), ("type", "overlay"), ("version", "1"), ("layer_versions", content.versions),
            ("description", content.description), ("attribution", content.attribution),
            ("minzoom", "\(content.zooms.lowerBound)"), ("maxzoom", "\(content.zooms.upperBound)"),
            ("bounds", "\(bounds.minX),\(bounds.minY),\(bounds.maxX),\(bounds.maxY)"),
            ("center", "\((bounds.minX + bounds.maxX) / 2),\((bounds.minY + bounds.maxY) / 2),\(content.zooms.lowerBound)"),
            ("json", "{\"vector_layers\":\(content.vectorLayers),\"leftOut\":\(content.leftOut)}"),
        ]
        do {
            try database.write { db in
                for (name, value) in values {
                    try db.execute(sql: "INSERT OR REPLACE INTO metadata VALUES (?, ?)", arguments: [name, value])
                }
                try db.execute(sql: "DROP TABLE progress")
            }
            try database.close()
        } catch {
            throw Self.failure(error, target)
        }
        try ArchiveFile.place(target.appendingPathExtension("part"), at: target)
    }

    private static func failure(_ error: any Error, _ file: URL) -> any Error {
        guard let error = error as? DatabaseError else { return error }
        return ArchiveError(ja: "\(file.path) に書けません（\(error)）。", en: "\(file.path) cannot be written (\(error)).")
    }
}
