import Foundation

/// Steps after which something is on the disk for good, or is not. Every failure is an error, and an fsync that failed is never tried again.
enum Durability {
    static func syncFile(_ url: URL) throws(LoadError) { try sync(url, O_RDONLY, "fsync") }

    /// So that names made, changed and removed in it last.
    static func syncFolder(_ url: URL) throws(LoadError) { try sync(url, O_RDONLY | O_DIRECTORY, "fsync-folder") }

    private static func sync(_ url: URL, _ flags: Int32, _ step: String) throws(LoadError) {
        FaultPoint.pass("before-\(step)-\(url.lastPathComponent.prefix(8))")
        let descriptor = open(url.path, flags | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system("open", url.path, errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system("fsync", url.path, errno) }
        FaultPoint.pass("after-\(step)")
    }

    static func move(_ from: URL, to: URL) throws(LoadError) {
        FaultPoint.pass("before-rename")
        guard rename(from.path, to.path) == 0 else { throw .system("rename", to.path, errno) }
        FaultPoint.pass("after-rename")
    }

    /// The folder and those above it, each durable; what exists is left as it is.
    static func makeFolder(_ url: URL) throws(LoadError) {
        if mkdir(url.path, 0o700) == 0 {
            FaultPoint.pass("after-mkdir")
            try syncFolder(url.deletingLastPathComponent())
            return
        }
        switch errno {
        case EEXIST: return
        case ENOENT where url.path != "/":
            try makeFolder(url.deletingLastPathComponent())
            try makeFolder(url)
        default: throw .system("mkdir", url.path, errno)
        }
    }
}
