import Access
import Descriptions
import Foundation
import GRDB
import Geo

#if canImport(Glibc)
    import Glibc
#endif

/// What exists, who may see it and who did what: layers, versions, keys and the audit log, in `catalogue.sqlite` of the data directory.
///
/// Several processes may use one catalogue: a server reads while a load publishes. Every change is one transaction that is on disk when
/// the call returns (WAL with `synchronous=FULL`), and every change that readers have to see grows `changeCounter()`.
///
/// The catalogue never touches layer files but to see that one is there before it is published.
public final class Catalogue: Sendable {
    /// The data directory.
    public let directory: URL
    public let isReadOnly: Bool
    private let file: CatalogueFile
    private let reserve: DiskReserve
    var pool: DatabasePool { file.pool }
    private let clock: @Sendable () -> Date

    /// Opens the catalogue of a data directory; makes both when they are missing, unless `readOnly`. A disk that cannot be written to is enough for
    /// reading.
    /// - Parameters:
    ///   - usesReserve: on a full disk takes what is kept for such a day; not for what adds to the disk.
    ///   - clock: The time written into records.
    public convenience init(
        directory: URL, readOnly: Bool = false, usesReserve: Bool = true, clock: @escaping @Sendable () -> Date = { Date() }
    ) throws(CatalogueError) {
        try self.init(directory: directory, readOnly: readOnly, unchanging: false, usesReserve: usesReserve, clock: clock)
    }

    /// - Parameter unchanging: reads as on a disk that cannot be written to.
    init(
        directory: URL, readOnly: Bool, unchanging: Bool, usesReserve: Bool = true, clock: @escaping @Sendable () -> Date = { Date() }
    ) throws(CatalogueError) {
        self.directory = directory
        self.clock = clock
        isReadOnly = readOnly
        let reserve = DiskReserve(in: directory)
        self.reserve = reserve
        file = try Catalogue.mapping {
            do {
                return try Catalogue.openFile(directory, readOnly: readOnly, unchanging: unchanging)
            } catch let error as DatabaseError where !readOnly && usesReserve && error.mayMeanFullDisk && reserve.release() {
                return try Catalogue.openFile(directory, readOnly: readOnly, unchanging: unchanging)
            }
        }
        keepReserve()
    }

    private static func openFile(_ directory: URL, readOnly: Bool, unchanging: Bool) throws -> CatalogueFile {
        let path = directory.appending(path: "catalogue.sqlite").path
        if !readOnly { try Catalogue.makeFile(path, in: directory) }
        // One process at a time switches to WAL and migrates: SQLite's busy timeout does not cover the first, nor GRDB's the second.
        let lock = readOnly ? nil : try Catalogue.lock(directory.appending(path: "catalogue.lock").path)
        defer { if let lock { close(lock) } }
        let configuration = Catalogue.configuration(readOnly: readOnly)
        let file =
            readOnly
            ? try CatalogueFile(reading: path, configuration, unchanging: unchanging) : try CatalogueFile(path, configuration)
        let migrator = Catalogue.migrator
        if try file.read(migrator.hasBeenSuperseded) { throw CatalogueError.newerFormat }
        if !readOnly {
            try file.pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            try migrator.migrate(file.pool)
        }
        return file
    }

    /// Makes sure that something can be withdrawn when the disk is full.
    func keepReserve() {
        if !isReadOnly { reserve.keep() }
    }

    /// The time by which versions age.
    public func now() -> Date { clock() }

    /// Grows with every change that readers have to see, whichever process made it. One read of one row.
    public func changeCounter() throws(CatalogueError) -> Int64 {
        try read { try Int64.fetchOne($0, sql: "SELECT counter FROM change") ?? 0 }
    }

    // MARK: - How it works

    private static func configuration(readOnly: Bool) -> Configuration {
        var configuration = Configuration()
        configuration.readonly = readOnly
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(10)
        configuration.label = "catalogue"
        return configuration
    }

    /// The write-ahead log and its index take the mode of the file, so it has to be right before SQLite opens it.
    private static func makeFile(_ file: String, in directory: URL) throws {
        try FileManager.default.createDirectory(
            at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CatalogueError.storage("\(file): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else { throw CatalogueError.storage("\(file): \(String(cString: strerror(errno)))") }
    }

    /// A descriptor that holds the lock until it is closed.
    private static func lock(_ file: String) throws -> Int32 {
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CatalogueError.storage("\(file): \(String(cString: strerror(errno)))") }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else {
                close(descriptor)
                throw CatalogueError.storage("\(file): \(String(cString: strerror(errno)))")
            }
        }
        return descriptor
    }

    func read<T>(_ body: (Database) throws -> T) throws(CatalogueError) -> T {
        try Catalogue.mapping { try file.read(body) }
    }

    /// One transaction, on disk when this returns.
    /// - Parameter isUrgent: has to be possible when the disk is full: what is kept for that is given up for it.
    func write<T>(isUrgent: Bool = false, _ body: (Database) throws -> T) throws(CatalogueError) -> T {
        if isReadOnly { throw .readOnly }
        return try Catalogue.mapping {
            do {
                return try pool.write(body)
            } catch let error as DatabaseError where isUrgent && error.mayMeanFullDisk && reserve.release() {
                return try pool.write(body)
            }
        }
    }

    /// Counts a change of these layers, so that readers look again. Part of the transaction that changes them.
    func countChange(_ db: Database, layer: String? = nil) throws {
        try db.execute(sql: "UPDATE change SET counter = counter + 1")
        if let layer {
            try db.execute(sql: "UPDATE layer SET changed = (SELECT counter FROM change) WHERE id = ?", arguments: [layer])
        }
    }

    private static func mapping<T>(_ body: () throws -> T) throws(CatalogueError) -> T {
        do {
            return try body()
        } catch let error as CatalogueError {
            throw error
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            throw .busy
        } catch let error as DatabaseError {
            // Without the statement and its arguments, which may be private.
            throw .storage("SQLite \(error.extendedResultCode.rawValue): \(error.message ?? "no message")")
        } catch is RowDecodingError {
            // Without the row, which may be private.
            throw .damaged("a value of another type")
        } catch {
            throw .storage("\(error)")
        }
    }
}

extension DatabaseError {
    /// SQLite says plainly that the disk is full only where it writes the database itself, not the files beside it.
    fileprivate var mayMeanFullDisk: Bool { [.SQLITE_FULL, .SQLITE_IOERR, .SQLITE_CANTOPEN].contains(resultCode) }
}
