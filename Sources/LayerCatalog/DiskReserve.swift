import Foundation

/// A little of the disk, kept for the moment when there is none left: what is withdrawn then has to be written down too.
struct DiskReserve: Sendable {
    /// The file that takes the room, in the data directory.
    let path: String

    /// Bytes.
    static let size = 1 << 20
    /// Bytes that are to be free besides when it is made: the last of a disk is not taken for it.
    private static let margin = 4 << 20

    init(in directory: URL) {
        path = directory.appending(path: "catalogue.reserve").path
    }

    /// Gives the room back to the disk.
    /// - Returns: whether there was any.
    func release() -> Bool {
        unlink(path) == 0
    }

    /// Takes the room, where it is not taken yet and the disk has enough. Where it has not, there is none.
    func keep() {
        var facts = stat()
        if stat(path, &facts) == 0, Int(facts.st_size) == DiskReserve.size { return }
        var disk = statvfs()
        guard statvfs(URL(fileURLWithPath: path).deletingLastPathComponent().path, &disk) == 0,
            Double(disk.f_bavail) * Double(disk.f_frsize) >= Double(DiskReserve.size + DiskReserve.margin)
        else { return }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        // Blocks of its own, which a file of zeros need not have.
        if posix_fallocate(descriptor, 0, off_t(DiskReserve.size)) != 0 { unlink(path) }
        close(descriptor)
    }
}
