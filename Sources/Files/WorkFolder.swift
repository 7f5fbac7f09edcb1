public import Foundation

/// A folder of one's own in which something is made, gone with this object. That of a program that was killed stays, until the next one of the same kind
/// in the same place removes it.
///
/// Whoever works in a folder holds a lock on it (`flock`), which ends with the process however that ends; so what is nobody's can be told from what is
/// somebody's without names or times being believed.
public final class WorkFolder {
    /// What folders are for, as the beginning of their names.
    public struct Kind: Sendable {
        let prefix: String

        /// - Parameter prefix: no other program's folders begin with it.
        public init(_ prefix: String) {
            self.prefix = prefix
        }

        /// Begins the names of the folders of this process.
        public var ownPrefix: String { prefix + "\(ProcessInfo.processInfo.processIdentifier)-" }
    }

    /// The system refused.
    public struct Failure: Error, CustomStringConvertible {
        /// What was asked of it, such as `open`.
        public var step: String
        /// Its number, `errno`.
        public var code: Int32

        public var description: String { "\(step): \(String(cString: strerror(code)))" }
    }

    public let url: URL
    private let lock: Int32

    /// For its owner only (mode 0700) from its beginning. Clears away what killed programs left.
    ///
    /// - Parameter place: the folder that it is made in: the system's for what is temporary, or where a finished file is to be, so that a rename is enough.
    public init(_ kind: Kind, in place: URL = FileManager.default.temporaryDirectory) throws(Failure) {
        WorkFolder.removeAbandoned(kind, in: place)
        var path = Array((place.appendingPathComponent(kind.ownPrefix).path + "XXXXXX").utf8CString)
        guard mkdtemp(&path) != nil else { throw Failure(step: "mkdtemp", code: errno) }
        url = URL(fileURLWithPath: String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self), isDirectory: true)
        lock = WorkFolder.locked(url)
        guard lock >= 0 else {
            let code = errno
            rmdir(url.path)
            throw Failure(step: "lock", code: code)
        }
    }

    deinit {
        // What cannot be removed now goes with the next folder of its kind.
        try? FileManager.default.removeItem(at: url)
        close(lock)
    }

    /// A new file in the folder, to write; as open to others as the process lets new files be.
    public func newFile(_ name: String) throws(Failure) -> FileHandle {
        let descriptor = open(url.appendingPathComponent(name).path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw Failure(step: "open", code: errno) }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// Gives a file or folder in this one its name elsewhere on the same disk, in one step and for good: its bytes are on the disk before, and its name after.
    ///
    /// - Parameters:
    ///   - name: in this folder.
    ///   - target: a file that is there is replaced.
    public func move(_ name: String, to target: URL) throws(Failure) {
        let file = url.appendingPathComponent(name)
        var facts = stat()
        guard lstat(file.path, &facts) == 0 else { throw Failure(step: "lstat", code: errno) }
        if facts.st_mode & S_IFMT == S_IFDIR {
            for inner in (try? FileManager.default.subpathsOfDirectory(atPath: file.path)) ?? [] {
                try WorkFolder.sync(file.appendingPathComponent(inner))
            }
        }
        try WorkFolder.sync(file)
        guard rename(file.path, target.path) == 0 else { throw Failure(step: "rename", code: errno) }
        try WorkFolder.sync(target.deletingLastPathComponent())
    }

    private static func sync(_ url: URL) throws(Failure) {
        let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(step: "open", code: errno) }
        defer { close(descriptor) }
        // Some places, such as those of other machines, know no such thing for folders.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw Failure(step: "fsync", code: errno) }
    }

    /// The descriptor that holds the lock; negative, with `errno`, where somebody else holds it or it cannot be had.
    private static func locked(_ folder: URL) -> Int32 {
        let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return -1 }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            errno = code
            return -1
        }
        return descriptor
    }

    /// Younger ones may be about to be locked; in seconds.
    private static let youth = 30.0

    /// Removes folders of a kind that are ours and that nobody holds. What cannot be removed stays: it is in nobody's way.
    private static func removeAbandoned(_ kind: Kind, in place: URL) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
        for name in names where name.hasPrefix(kind.prefix) {
            let folder = place.appendingPathComponent(name, isDirectory: true)
            var facts = stat()
            guard lstat(folder.path, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR, facts.st_uid == geteuid(),
                Date().timeIntervalSince1970 - Double(facts.st_mtim.tv_sec) > youth
            else { continue }
            let descriptor = locked(folder)
            guard descriptor >= 0 else { continue }
            try? FileManager.default.removeItem(at: folder)
            close(descriptor)
        }
    }
}
