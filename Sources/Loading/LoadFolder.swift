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

/// Removes what loads that died have left.
public enum LoadCleanup {
    /// Removes temporary folders and layer files that no record names, of every layer that nobody is loading now.
    /// - Returns: the paths that were removed.
    @discardableResult
    public static func removeAbandoned(_ catalogue: Catalogue) throws -> [String] {
        let layers = catalogue.directory.appendingPathComponent("layers", isDirectory: true)
        var removed: [String] = []
        let manager = FileManager.default
        for name in (try? manager.contentsOfDirectory(atPath: layers.path))?.sorted() ?? [] {
            let folder = layers.appendingPathComponent(name, isDirectory: true)
            var isFolder: ObjCBool = false
            guard manager.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder.boolValue else { continue }
            // Held until this layer is done: no load can begin or be under way.
            guard let lock = try LayerLock(folder: folder) else { continue }
            removed += try removeAbandoned(lock, layer: name, catalogue)
        }
        return removed
    }

    static func removeAbandoned(_ lock: LayerLock, layer: String, _ catalogue: Catalogue) throws -> [String] {
        let manager = FileManager.default
        let names = try manager.contentsOfDirectory(atPath: lock.folder.path)
        let leftovers = names.filter { $0.hasPrefix(LoadFolder.prefix) || $0.hasSuffix(".layer") }
        guard !leftovers.isEmpty else { return [] }
        let known = try catalogue.layer(layer) == nil ? [] : catalogue.versions(of: layer).map { $0.name + ".layer" }
        var removed: [String] = []
        for name in leftovers.sorted() where !known.contains(name) {
            let url = lock.folder.appendingPathComponent(name)
            try manager.removeItem(at: url)
            removed.append(url.path)
        }
        if !removed.isEmpty { try Durability.syncFolder(lock.folder) }
        return removed
    }
}
