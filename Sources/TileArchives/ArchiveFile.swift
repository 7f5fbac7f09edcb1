import Foundation
import Glibc

/// A file that is written front to back, with its errors in words. Its descriptor closes with it.
final class ArchiveFile {
    let path: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    /// Bytes so far, those in the buffer included.
    private(set) var length: UInt64

    /// Opens for reading and writing, and makes the file when it is missing. Writing goes on at the end.
    init(_ url: URL) throws {
        path = url.path
        let opened = open(url.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard opened >= 0 else { throw ArchiveError.system("open", url.path) }
        descriptor = opened
        let end = lseek(opened, 0, SEEK_END)
        length = UInt64(max(0, end))
        guard end >= 0 else { throw ArchiveError.system("lseek", url.path) }
    }

    deinit { close(descriptor) }

    func write(_ bytes: some Collection<UInt8>) throws {
        buffer += bytes
        length += UInt64(bytes.count)
        if buffer.count >= 1 << 20 { try pass() }
    }

    /// Gives what is buffered to the system.
    func pass() throws {
        try buffer.withUnsafeBytes { try put($0, at: length - UInt64(buffer.count)) }
        buffer.removeAll(keepingCapacity: true)
    }

    /// On the disk when it returns.
    func sync() throws {
        try pass()
        guard fdatasync(descriptor) == 0 else { throw ArchiveError.system("fdatasync", path) }
    }

    /// Overwrites; the place must have been passed already.
    func put(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws {
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset) + off_t(done))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw ArchiveError.system("pwrite", path) }
            done += count
        }
    }

    /// What lies at a place, as far as the file goes.
    func read(_ count: Int, at offset: UInt64) throws -> [UInt8] {
        try pass()
        var done = 0
        var bytes = [UInt8](repeating: 0, count: count)
        while done < count {
            let got = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress! + done, count - done, off_t(offset) + off_t(done)) }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw ArchiveError.system("pread", path) }
            if got == 0 { break }
            done += got
        }
        return Array(bytes.prefix(done))
    }

    func truncate(to size: UInt64) throws {
        try pass()
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw ArchiveError.system("ftruncate", path) }
        length = size
    }

    /// Renames, and makes the new name last.
    static func place(_ from: URL, at to: URL) throws {
        guard rename(from.path, to.path) == 0 else { throw ArchiveError.system("rename", to.path) }
        let folder = open(to.deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw ArchiveError.system("open", to.path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw ArchiveError.system("fsync", to.path) }
    }
}
