import Foundation
import GRDB
import Synchronization

/// The open database of a catalogue.
///
/// SQLite wants to write beside a database in WAL mode even where it only reads. Where the folder cannot be written to, and no log waits to be brought in,
/// the file is read as one that does not change (`immutable`, https://sqlite.org/c3ref/open.html); that it has not changed is looked at before and
/// after every read, because another program may well write where this one may not.
final class CatalogueFile: Sendable {
    private struct Opened {
        var pool: DatabasePool
        /// What the files were when this was opened as unchanging; nil where SQLite itself sees changes.
        var stamp: Stamp?
    }

    private let path: String
    private let configuration: Configuration
    private let opened: Mutex<Opened>

    /// Opens a file to read and write.
    init(_ path: String, _ configuration: Configuration) throws {
        (self.path, self.configuration) = (path, configuration)
        opened = Mutex(Opened(pool: try DatabasePool(path: path, configuration: configuration)))
    }

    /// Opens a file to read.
    /// - Parameter unchanging: as if the folder could not be written to.
    init(reading path: String, _ configuration: Configuration, unchanging: Bool = false) throws {
        (self.path, self.configuration) = (path, configuration)
        opened = Mutex(try CatalogueFile.open(path, configuration, unchanging: unchanging))
    }

    var pool: DatabasePool { opened.withLock { $0.pool } }

    func read<T>(_ body: (Database) throws -> T) throws -> T {
        for _ in 0..<CatalogueFile.attempts {
            let (pool, stamp) = try current()
            guard let stamp else { return try pool.read(body) }
            let result = Result { try pool.read(body) }
            // What was read while the file changed may be half of each, an error too.
            if Stamp(path) == stamp { return try result.get() }
        }
        throw CatalogueError.busy
    }

    /// Reads that may be spoiled one after the other.
    private static let attempts = 5

    private func current() throws -> (DatabasePool, Stamp?) {
        try opened.withLock { opened in
            if let stamp = opened.stamp, Stamp(path) != stamp { opened = try CatalogueFile.open(path, configuration, unchanging: false) }
            return (opened.pool, opened.stamp)
        }
    }

    private static func open(_ path: String, _ configuration: Configuration, unchanging: Bool) throws -> Opened {
        let stamp = Stamp(path)
        do {
            if unchanging { throw DatabaseError(resultCode: .SQLITE_CANTOPEN) }
            let pool = try DatabasePool(path: path, configuration: configuration)
            // The first read is what needs the files beside it.
            _ = try pool.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM sqlite_master") }
            return Opened(pool: pool)
        } catch let error as DatabaseError where [.SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_IOERR].contains(error.resultCode) {
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
            guard let stamp, unchanging || access(folder, W_OK) != 0 else { throw error }
            guard stamp.logSize == 0 else {
                throw CatalogueError.storage("\(path)-wal holds changes that only a program which may write there can bring in")
            }
            let allowed = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "/-_.~"))
            let name = path.addingPercentEncoding(withAllowedCharacters: allowed) ?? path
            return Opened(pool: try DatabasePool(path: "file:\(name)?immutable=1", configuration: configuration), stamp: stamp)
        }
    }

    /// By what a change of the database shows.
    private struct Stamp: Equatable {
        var device: UInt64
        var inode: UInt64
        var size: Int
        var seconds: Int
        var nanoseconds: Int
        /// Bytes of the write-ahead log; 0 where there is none.
        var logSize: Int

        /// Nil when there is no file.
        init?(_ path: String) {
            var answer = stat()
            guard stat(path, &answer) == 0 else { return nil }
            (device, inode, size) = (UInt64(answer.st_dev), UInt64(answer.st_ino), Int(answer.st_size))
            (seconds, nanoseconds) = (answer.st_mtim.tv_sec, answer.st_mtim.tv_nsec)
            logSize = stat(path + "-wal", &answer) == 0 ? Int(answer.st_size) : 0
        }
    }
}
