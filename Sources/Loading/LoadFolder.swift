import Foundation
public import LayerCatalog

/// The right to load one layer of a data directory: one load at a time, in whichever process, until this object goes or the process dies.
///
/// It is a lock (`flock`) on the layer's folder itself, so there is nothing to be left behind.
final class LayerLock {
    let folder: URL
    private let descriptor: Int32

    /// Nil when somebody else holds it.
    init?(folder: URL) throws(LoadError) {
        self.folder = folder
        descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open", folder.path, errno) }
        // Whoever leaves here early leaves a whole object: its deinit closes.
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            switch errno {
            case EINTR: continue
            case EWOULDBLOCK: return nil
            default: throw .system("flock", folder.path, errno)
            }
        }
    }

    deinit {
        // A child that is just being started may hold a copy of the descriptor until its own program begins; the lock must not last that long.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}

/// Everything temporary of one load, in a folder of its own that goes with this object.
final class LoadFolder {
    let url: URL

    static let prefix = ".loading-"

    /// - Parameter parent: the layer's folder, or any other for a check.
    init(in parent: URL) throws(LoadError) {
        url = parent.appendingPathComponent(Self.prefix + UUID().uuidString.lowercased(), isDirectory: true)
        guard mkdir(url.path, 0o700) == 0 else { throw .system("mkdir", url.path, errno) }
        FaultPoint.pass("after-mkdir-loading")
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func folder(_ name: String) throws(LoadError) -> URL {
        let folder = url.appendingPathComponent(name, isDirectory: true)
        guard mkdir(folder.path, 0o700) == 0 else { throw .system("mkdir", folder.path, errno) }
        return folder
    }
}

/// Removes what loads that died have left, and nothing that may be somebody's only copy.
public enum LoadCleanup {
    /// The folder in a layer's folder for sealed files that the catalogue does not account for.
    static let unclaimed = ".unclaimed"

    /// What became of what lay about; paths.
    public struct Outcome: Sendable {
        /// Temporary folders, and sealed files of loads that died before they were recorded.
        public var removed: [String] = []
        /// Sealed files of which the catalogue knows nothing, where they are now. It may be the catalogue that is wrong: lost, or restored from a backup.
        public var setAside: [String] = []
        /// Files that had been set aside and are wanted again, where they are now.
        public var restored: [String] = []

        mutating func add(_ other: Outcome) {
            removed += other.removed
            setAside += other.setAside
            restored += other.restored
        }
    }

    /// Clears the folder of every layer that nobody is loading now.
    /// - Parameter failed: told of a folder that could not be cleared; the others are, all the same.
    @discardableResult
    public static func removeAbandoned(
        _ catalogue: Catalogue, failed: (_ layer: String, _ error: any Error) -> Void = { _, _ in }
    ) -> Outcome {
        let layers = catalogue.directory.appendingPathComponent("layers", isDirectory: true)
        var outcome = Outcome()
        let manager = FileManager.default
        for name in (try? manager.contentsOfDirectory(atPath: layers.path))?.sorted() ?? [] {
            let folder = layers.appendingPathComponent(name, isDirectory: true)
            var isFolder: ObjCBool = false
            guard manager.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder.boolValue else { continue }
            do {
                // Held until this layer is done: no load can begin or be under way.
                guard let lock = try LayerLock(folder: folder) else { continue }
                outcome.add(try removeAbandoned(lock, layer: name, catalogue))
            } catch {
                failed(name, error)
            }
        }
        return outcome
    }

    static func removeAbandoned(_ lock: LayerLock, layer: String, _ catalogue: Catalogue) throws -> Outcome {
        let manager = FileManager.default
        var outcome = Outcome()
        let names = try manager.contentsOfDirectory(atPath: lock.folder.path).sorted()
        for name in names where name.hasPrefix(LoadFolder.prefix) {
            let url = lock.folder.appendingPathComponent(name)
            try manager.removeItem(at: url)
            outcome.removed.append(url.path)
        }
        let aside = lock.folder.appendingPathComponent(unclaimed, isDirectory: true)
        let files = names.filter { $0.hasSuffix(suffix) }
        let kept = (try? manager.contentsOfDirectory(atPath: aside.path))?.sorted() ?? []
        if !files.isEmpty || !kept.isEmpty {
            let register = try catalogue.fileRegister(of: layer)
            for name in files {
                let version = String(name.dropLast(suffix.count))
                if register?.versions.contains(version) == true { continue }
                let url = lock.folder.appendingPathComponent(name)
                if register?.isAbandoned(version) == true {
                    try manager.removeItem(at: url)
                    outcome.removed.append(url.path)
                } else {
                    try Durability.makeFolder(aside)
                    let place = free(name, in: aside)
                    try Durability.move(url, to: place)
                    try Durability.syncFolder(aside)
                    outcome.setAside.append(place.path)
                }
            }
            // A catalogue that was brought back wants what was set aside without it.
            for name in kept where register?.versions.contains(String(name.dropLast(suffix.count))) == true && !names.contains(name) {
                let place = lock.folder.appendingPathComponent(name)
                try Durability.move(aside.appendingPathComponent(name), to: place)
                try Durability.syncFolder(aside)
                outcome.restored.append(place.path)
            }
        }
        if !outcome.removed.isEmpty || !outcome.setAside.isEmpty || !outcome.restored.isEmpty { try Durability.syncFolder(lock.folder) }
        return outcome
    }

    private static let suffix = ".layer"

    /// A place of that name, or with a number after it where there is such a file already.
    private static func free(_ name: String, in folder: URL) -> URL {
        var place = folder.appendingPathComponent(name)
        var number = 2
        while FileManager.default.fileExists(atPath: place.path) {
            place = folder.appendingPathComponent("\(name).\(number)")
            number += 1
        }
        return place
    }
}
