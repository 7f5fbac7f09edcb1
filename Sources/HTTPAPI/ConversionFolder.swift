import Foundation

/// A temporary folder for one conversion, gone with it. Of a server that was killed it stays, until the next conversion of any server removes it.
///
/// Whoever works in a folder holds a lock on it, which ends with the process however that ends.
final class ConversionFolder {
    let url: URL
    private let lock: Int32

    private static let prefix = "kasane-download-"

    /// Begins the names of the folders of this process.
    static var ownPrefix: String { prefix + "\(ProcessInfo.processInfo.processIdentifier)-" }

    /// Mode 0700 from its beginning.
    /// - Throws: `Conversion.Failure`
    init(in place: URL = FileManager.default.temporaryDirectory) throws {
        ConversionFolder.removeAbandoned(in: place)
        let template = place.appendingPathComponent(ConversionFolder.ownPrefix).path + String(repeating: "X", count: 6)
        var path = Array(template.utf8CString)
        guard mkdtemp(&path) != nil else { throw Conversion.Failure(reason: "mkdtemp: \(errno)") }
        url = URL(fileURLWithPath: String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
        lock = ConversionFolder.locked(url)
        guard lock >= 0 else {
            let reason = "lock: \(errno)"
            rmdir(url.path)
            throw Conversion.Failure(reason: reason)
        }
    }

    deinit {
        // A temporary folder that cannot be removed is the system's to clean.
        try? FileManager.default.removeItem(at: url)
        close(lock)
    }

    private static func locked(_ folder: URL) -> Int32 {
        let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return -1 }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            close(descriptor)
            errno = reason
            return -1
        }
        return descriptor
    }

    /// Younger ones may be about to be locked; in seconds.
    private static let youth = 60.0

    /// Removes folders of ours that nobody holds. What cannot be removed stays: it is in nobody's way.
    static func removeAbandoned(in place: URL) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
        for name in names where name.hasPrefix(prefix) {
            let folder = place.appendingPathComponent(name)
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
