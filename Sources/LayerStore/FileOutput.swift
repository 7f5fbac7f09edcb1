import FoundationEssentials
import Glibc

/// A file being written at chosen places. Every failure is an error; nothing is tried again.
final class FileOutput {
    let path: String
    private let descriptor: Int32

    /// Makes the file; it must not exist. Only the owner may read it.
    init(creating path: String) throws(LayerFileError) {
        self.path = path
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor < 0 { throw .system(call: "open", path: path, code: errno) }
    }

    deinit { close(descriptor) }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(LayerFileError) {
        var done = 0
        while done < bytes.count {
            let written = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
            if written < 0 {
                if errno == EINTR { continue }
                throw .system(call: "pwrite", path: path, code: errno)
            }
            done += written
        }
    }

    /// Lets the disk begin with bytes that were just written, so that little is left to wait for in `synchronize`.
    func startWriting(from offset: Int, count: Int) {
        // On Linux this advice begins the writing and lets go only of pages that the disk has already. A hint: where it fails, `synchronize`
        // does all of it.
        _ = posix_fadvise(descriptor, off_t(offset), off_t(count), POSIX_FADV_DONTNEED)
    }

    /// Asks for the space before it is used, so that a full disk is met at the start and not in the middle.
    func reserve(_ length: Int) throws(LayerFileError) {
        guard length > 0 else { return }
        let code = posix_fallocate(descriptor, 0, off_t(length))
        // Some file systems cannot reserve; then a full disk shows in `write`.
        if code != 0 && code != EOPNOTSUPP && code != EINVAL { throw .system(call: "posix_fallocate", path: path, code: code) }
    }

    func synchronize() throws(LayerFileError) {
        if fsync(descriptor) != 0 { throw .system(call: "fsync", path: path, code: errno) }
    }

    func write<T: BitwiseCopyable>(_ values: [T], at offset: Int) throws(LayerFileError) {
        try withTypedBytes(of: values) { bytes throws(LayerFileError) in try write(bytes, at: offset) }
    }
}

/// `Array.withUnsafeBytes` with the type of the error kept.
func withTypedBytes<T: BitwiseCopyable>(
    of values: [T], _ body: (UnsafeRawBufferPointer) throws(LayerFileError) -> Void
) throws(LayerFileError) {
    var failure: LayerFileError?
    values.withUnsafeBytes { bytes in
        do throws(LayerFileError) { try body(bytes) } catch { failure = error }
    }
    if let failure { throw failure }
}
