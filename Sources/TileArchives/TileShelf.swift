import CXXHash
public import Foundation
import GRDB
public import SpatialIndex
import Synchronization

/// Finished tiles on the disk, by a digest of all that they were made from: what a server has when it starts again, and what `kasane warm` fills.
///
/// One SQLite file, `tiles.sqlite`, for its owner only. A tile comes in whole, by a transaction, with a sum over its bytes. It is a cache and nothing else:
/// a file that is damaged, or was filled by another program, is removed and begun anew, and whoever asks merely finds nothing. Several processes may use it at once.
///
/// Its calls read and write the disk, so they belong on threads that may wait.
public final class TileShelf: Sendable {
    /// A tile as it is sent.
    public struct Tile: Sendable, Equatable {
        public var bytes: [UInt8]
        /// See `DrawnTile.leftOut`.
        public var leftOut: Int

        public init(bytes: [UInt8], leftOut: Int) {
            self.bytes = bytes
            self.leftOut = leftOut
        }
    }

    /// One version of a layer after another, as `TileHistory` has it.
    public struct Step: Sendable, Equatable {
        public var layer: String
        public var version: String
        public var base: String
        /// Envelopes of what changed.
        public var boxes: [IndexBox]

        public init(layer: String, version: String, base: String, boxes: [IndexBox]) {
            self.layer = layer
            self.version = version
            self.base = base
            self.boxes = boxes
        }
    }

    private struct Waiting {
        var tiles: [(key: [UInt8], tile: Tile)] = []
        var used: Set<[UInt8]> = []
        var bytes = 0
        var isScheduled = false
    }

    private let file: URL
    private let limit: Int
    private let program: String
    private let report: @Sendable (String) -> Void
    private struct Place {
        var database: DatabasePool?
        /// That there can be none was told.
        var isTold = false
    }
    private let place = Mutex(Place())
    private let waiting = Mutex(Waiting())
    private let queue = DispatchQueue(label: "tile-shelf", qos: .utility)
    private let lost = Atomic<Int>(0)

    /// Tiles that wait to be written, in bytes; beyond that they are not kept.
    private static let waitingLimit = 32 << 20
    private static let pageSize = 8192
    /// Of the pages that there may be so many hundredths are filled; the rest is for what is written before something goes.
    private static let fullShare = 90

    /// - Parameters:
    ///   - limit: bytes of the file; SQLite's journal beside it takes a few megabytes more.
    ///   - program: names what draws the tiles. What another program drew is not used.
    ///   - report: told of a file that was removed because it was damaged, and of a disk that cannot be written.
    public init(_ folder: URL, limit: Int, program: String, report: @escaping @Sendable (String) -> Void) {
        file = folder.appending(path: "tiles.sqlite")
        self.limit = max(limit, 64 * TileShelf.pageSize)
        self.program = program
        self.report = report
        opened()
    }

    /// The tile of a key; nil where there is none, or none that can be trusted.
    public func tile(_ key: [UInt8]) -> Tile? {
        guard let database = opened() else { return nil }
        do {
            let row = try database.read { db in
                try Row.fetchOne(
                    db.cachedStatement(sql: "SELECT bytes, left_out, sum, used FROM tile WHERE key = ?"), arguments: [Data(key)])
            }
            guard let row else { return nil }
            let bytes = [UInt8](row["bytes"] as Data? ?? Data())
            let leftOut: Int = row["left_out"]
            guard row["sum"] == TileShelf.sum(key, bytes, leftOut) else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a tile’s sum")
            }
            if row["used"] as Int64? != TileShelf.hour { note(used: key) }
            return Tile(bytes: bytes, leftOut: leftOut)
        } catch {
            failed(error, database)
            return nil
        }
    }

    /// Whether there is a tile of the key.
    public func has(_ key: [UInt8]) -> Bool {
        guard let database = opened() else { return false }
        do {
            return try database.read { db in
                try Bool.fetchOne(db.cachedStatement(sql: "SELECT 1 FROM tile WHERE key = ?"), arguments: [Data(key)]) != nil
            }
        } catch {
            failed(error, database)
            return false
        }
    }

    /// Takes a tile, which is written soon afterwards, together with others. Never waits.
    public func keep(_ key: [UInt8], _ tile: Tile) {
        guard tile.bytes.count < limit / 8 else { return }
        let mustSchedule = waiting.withLock { waiting in
            guard waiting.bytes < TileShelf.waitingLimit else { return false }
            waiting.tiles.append((key, tile))
            waiting.bytes += tile.bytes.count + 256
            return TileShelf.schedule(&waiting)
        }
        if mustSchedule { schedule() }
    }

    /// Writes what waits, and returns when it is written.
    public func flush() {
        queue.sync { write() }
    }

    /// What is known of the versions of layers.
    public func steps() -> [Step] {
        guard let database = opened() else { return [] }
        do {
            return try database.read { db in
                try Row.fetchAll(db, sql: "SELECT * FROM step ORDER BY rowid").map { row in
                    let bytes = [UInt8](row["boxes"] as Data? ?? Data())
                    let step = Step(layer: row["layer"], version: row["version"], base: row["base"], boxes: TileShelf.boxes(bytes))
                    guard bytes.count % 16 == 0, row["sum"] == TileShelf.sum(step.name, bytes, 0) else {
                        throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a step’s sum")
                    }
                    return step
                }
            }
        } catch {
            failed(error, database)
            return []
        }
    }

    /// Keeps what is known of a version; of each layer the last sixteen.
    public func keep(_ step: Step) {
        guard let database = opened() else { return }
        let bytes = TileShelf.bytes(step.boxes)
        do {
            try database.write { db in
                try db.execute(
                    sql: "INSERT OR IGNORE INTO step (layer, version, base, boxes, sum) VALUES (?, ?, ?, ?, ?)",
                    arguments: [
                        step.layer, step.version, step.base, Data(bytes), TileShelf.sum(step.name, bytes, 0),
                    ])
                try db.execute(
                    sql: """
                        DELETE FROM step WHERE layer = ?1 AND rowid NOT IN (SELECT rowid FROM step WHERE layer = ?1 ORDER BY rowid DESC LIMIT 16)
                        """, arguments: [step.layer])
            }
        } catch {
            failed(error, database)
        }
    }

    /// Whether there is a file to keep tiles in.
    public var isOpen: Bool { opened() != nil }

    /// Tiles that this process could not keep for long: those that had to make room for others, and those that the disk did not take.
    public var lostCount: Int { lost.load(ordering: .relaxed) }

    /// Bytes in use.
    public var byteCount: Int {
        guard let database = opened() else { return 0 }
        return (try? database.read { try TileShelf.used($0) }) ?? 0
    }

    // MARK: - How it works

    private static var hour: Int64 { Int64(time(nil)) / 3600 }

    private static func sum(_ key: [UInt8], _ bytes: [UInt8], _ leftOut: Int) -> Int64 {
        let ofKey = key.withUnsafeBytes { XXH3_64bits($0.baseAddress, $0.count) }
        let ofBytes = bytes.withUnsafeBytes { XXH3_64bits_withSeed($0.baseAddress, $0.count, ofKey) }
        return Int64(bitPattern: ofBytes &+ UInt64(bitPattern: Int64(leftOut)) &* 0x9E37_79B9_7F4A_7C15)
    }

    private static func bytes(_ boxes: [IndexBox]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16 * boxes.count)
        for box in boxes {
            for edge in [box.minX, box.minY, box.maxX, box.maxY] { withUnsafeBytes(of: edge.littleEndian) { bytes += $0 } }
        }
        return bytes
    }

    private static func boxes(_ bytes: [UInt8]) -> [IndexBox] {
        func edge(_ start: Int) -> Int32 {
            Int32(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) })
        }
        return stride(from: 0, to: bytes.count / 16 * 16, by: 16).map { start in
            IndexBox(minX: edge(start), minY: edge(start + 4), maxX: edge(start + 8), maxY: edge(start + 12))
        }
    }

    private static func used(_ db: Database) throws -> Int {
        let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
        let free = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
        return (pages - free) * pageSize
    }

    private func note(used key: [UInt8]) {
        let mustSchedule = waiting.withLock { waiting in
            guard waiting.used.count < 10_000 else { return false }
            waiting.used.insert(key)
            return TileShelf.schedule(&waiting)
        }
        if mustSchedule { schedule() }
    }

    private static func schedule(_ waiting: inout Waiting) -> Bool {
        defer { waiting.isScheduled = true }
        return !waiting.isScheduled
    }

    private func schedule() {
        queue.asyncAfter(deadline: .now() + .milliseconds(300)) { [weak self] in self?.write() }
    }

    /// On the queue.
    private func write() {
        let batch = waiting.withLock { waiting in
            defer { waiting = Waiting() }
            return waiting
        }
        guard !(batch.tiles.isEmpty && batch.used.isEmpty), let database = opened() else { return }
        do {
            try database.write { db in
                let insert = try db.cachedStatement(
                    sql: "INSERT OR REPLACE INTO tile (key, bytes, left_out, sum, used) VALUES (?, ?, ?, ?, ?)")
                for (key, tile) in batch.tiles {
                    try makeRoom(db, for: tile.bytes.count)
                    let sum = TileShelf.sum(key, tile.bytes, tile.leftOut)
                    try insert.execute(arguments: [Data(key), Data(tile.bytes), tile.leftOut, sum, TileShelf.hour])
                }
                let touch = try db.cachedStatement(sql: "UPDATE tile SET used = ? WHERE key = ?")
                for key in batch.used { try touch.execute(arguments: [TileShelf.hour, Data(key)]) }
            }
        } catch {
            lost.add(batch.tiles.count, ordering: .relaxed)
            failed(error, database)
        }
    }

    /// Lets those go that were not asked for longest.
    private func makeRoom(_ db: Database, for bytes: Int) throws {
        let most = limit / 100 * TileShelf.fullShare
        while try TileShelf.used(db) + bytes + TileShelf.pageSize > most {
            try db.execute(sql: "DELETE FROM tile WHERE rowid IN (SELECT rowid FROM tile ORDER BY used, rowid LIMIT 64)")
            if db.changesCount == 0 { return }
            lost.add(db.changesCount, ordering: .relaxed)
        }
    }

    /// The open file; nil where there can be none, which is told once.
    @discardableResult
    private func opened() -> DatabasePool? {
        place.withLock { place in
            if let database = place.database { return database }
            do {
                do {
                    place.database = try open()
                } catch let error as DatabaseError where TileShelf.isDamage(error) {
                    remove(because: "\(error)")
                    place.database = try open()
                }
            } catch {
                if !place.isTold { report("no tiles are kept on disk: \(error)") }
                place.isTold = true
            }
            return place.database
        }
    }

    private func open() throws -> DatabasePool {
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        // Made before SQLite does it, which gives its journal the same permissions.
        let descriptor = Foundation.open(file.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteNoPermission) }
        close(descriptor)
        var configuration = Configuration()
        configuration.busyMode = .timeout(2)
        configuration.maximumReaderCount = 8
        let (limit, program) = (limit, program)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA page_size = \(TileShelf.pageSize)")
            try db.execute(sql: "PRAGMA journal_size_limit = 8388608")
            try db.execute(sql: "PRAGMA synchronous = NORMAL")
            try db.execute(sql: "PRAGMA max_page_count = \(limit / TileShelf.pageSize)")
        }
        let database = try DatabasePool(path: file.path, configuration: configuration)
        try database.write { db in
            try db.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS about (program TEXT NOT NULL);
                    CREATE TABLE IF NOT EXISTS tile (
                        key BLOB NOT NULL UNIQUE, left_out INTEGER NOT NULL, sum INTEGER NOT NULL, used INTEGER NOT NULL, bytes BLOB NOT NULL);
                    CREATE INDEX IF NOT EXISTS tile_used ON tile (used);
                    CREATE TABLE IF NOT EXISTS step (
                        layer TEXT NOT NULL, version TEXT NOT NULL, base TEXT NOT NULL, boxes BLOB NOT NULL, sum INTEGER NOT NULL,
                        UNIQUE (layer, version));
                    """)
            if try String.fetchOne(db, sql: "SELECT program FROM about") != program {
                try db.execute(sql: "DELETE FROM tile; DELETE FROM step; DELETE FROM about")
                try db.execute(sql: "INSERT INTO about VALUES (?)", arguments: [program])
            }
        }
        return database
    }

    private static func isDamage(_ error: DatabaseError) -> Bool {
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_SCHEMA, .SQLITE_MISMATCH, .SQLITE_CONSTRAINT, .SQLITE_IOERR: true
        default: false
        }
    }

    /// What went wrong costs nobody an answer: a damaged file goes, and anything else is told.
    private func failed(_ error: any Error, _ failed: DatabasePool) {
        guard let error = error as? DatabaseError else { return report("\(error)") }
        // Another process writes just now, or the disk is full: later.
        guard TileShelf.isDamage(error) else { return report("\(error)") }
        let isFirst = place.withLock { place in
            guard place.database === failed else { return false }
            place.database = nil
            return true
        }
        if isFirst { remove(because: "\(error)") }
    }

    private func remove(because reason: String) {
        report("removed \(file.lastPathComponent): \(reason)")
        for ending in ["", "-wal", "-shm", "-journal"] { unlink(file.path + ending) }
    }
}

extension TileShelf.Step {
    /// What the sum is over, besides the envelopes.
    fileprivate var name: [UInt8] { Array("\(layer)\n\(version)\n\(base)".utf8) }
}
