import Foundation

/// A hidden folder beside the file that is being made, where it is made: what was there stays until all is written, and nothing half is left. It goes
/// with this object; that of a program that was killed goes with the next export into the same place.
///
/// Whoever works in one holds a lock on it, which ends with the process however that ends.
final class PartFolder {
    let url: URL
    private let lock: Int32

    private static let prefix = ".kasane-export-"

    /// The system refused; its number.
    struct Failure: Error {
        var code: Int32
    }

    /// - Parameter place: where the finished file is to be.
    init(in place: URL) throws(Failure) {
        PartFolder.removeAbandoned(in: place)
        url = place.appendingPathComponent(PartFolder.prefix + UUID().uuidString.lowercased(), isDirectory: true)
        guard mkdir(url.path, 0o700) == 0 else { throw Failure(code: errno) }
        lock = PartFolder.locked(url)
        guard lock >= 0 else {
            let code = errno
            rmdir(url.path)
            throw Failure(code: code)
        }
    }

    deinit {
        // What remains has a hidden name of its own and goes with the next export.
        try? FileManager.default.removeItem(at: url)
        close(lock)
    }

    /// A new file of this folder, to write.
    func newFile(_ name: String) throws(Failure) -> FileHandle {
        let descriptor = open(url.appendingPathComponent(name).path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw Failure(code: errno) }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    /// Gives a file of this folder its name in the place, in one step, and for good: its bytes are on the disk before, and its name after.
    /// - Parameter name: of the file in this folder.
    func move(_ name: String, to target: URL) throws(Failure) {
        let file = url.appendingPathComponent(name)
        var facts = stat()
        guard lstat(file.path, &facts) == 0 else { throw Failure(code: errno) }
        if facts.st_mode & S_IFMT == S_IFDIR {
            for inner in (try? FileManager.default.subpathsOfDirectory(atPath: file.path)) ?? [] {
                try PartFolder.sync(file.appendingPathComponent(inner))
            }
        }
        try PartFolder.sync(file)
        guard rename(file.path, target.path) == 0 else { throw Failure(code: errno) }
        try PartFolder.sync(target.deletingLastPathComponent())
    }

    private static func sync(_ url: URL) throws(Failure) {
        let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(code: errno) }
        defer { close(descriptor) }
        // Some places, such as those of other machines, know no such thing for folders.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw Failure(code: errno) }
    }

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
    private static let youth = 10.0

    /// Removes folders of ours that nobody holds. What cannot be removed stays: it is in nobody's way.
    private static func removeAbandoned(in place: URL) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? [] where name.hasPrefix(prefix) {
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
