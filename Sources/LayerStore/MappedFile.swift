import Glibc

/// A file mapped for reading: with `WorkingMemory` the only place that maps. The mapping lives as long as the value; the files are the server's own and
/// nothing truncates them, which is what makes reading it safe.
final class MappedFile: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer
    /// Which file it is, whatever name it has.
    let identity: FileIdentity

    init(path: String, sequential: Bool = false) throws(LayerFileError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { throw .system(call: "open", path: path, code: errno) }
        defer { close(descriptor) }
        var status = stat()
        if fstat(descriptor, &status) != 0 { throw .system(call: "fstat", path: path, code: errno) }
        identity = FileIdentity(status)
        let length = Int(status.st_size)
        guard length > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        guard let start = mmap(nil, length, PROT_READ, MAP_SHARED, descriptor, 0), start != MAP_FAILED else {
            throw .system(call: "mmap", path: path, code: errno)
        }
        if sequential { madvise(start, length, MADV_SEQUENTIAL) }
        bytes = UnsafeRawBufferPointer(start: start, count: length)
    }

    /// Takes the file's pages out of this process, though not out of the system's cache: whoever reads on finds them there.
    func letGo() {
        if let start = bytes.baseAddress { madvise(UnsafeMutableRawPointer(mutating: start), bytes.count, MADV_DONTNEED) }
    }

    deinit {
        if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
    }
}

/// Tells a file from another that has taken its name.
struct FileIdentity: Equatable, Sendable {
    private let device: dev_t
    private let node: ino_t

    init(_ status: stat) {
        (device, node) = (status.st_dev, status.st_ino)
    }
}
