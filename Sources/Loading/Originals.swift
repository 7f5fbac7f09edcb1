import Crypto
import Foundation
import Synchronization

/// One file of a source, as it was kept.
public struct OriginalFile: Sendable, Codable, Equatable {
    public var name: String
    public var byteCount: Int
    /// Hexadecimal; also its name in `originals/`.
    public var sha256: String
}

/// Copies the files of a source byte for byte while they are being read, and finds out whether they changed meanwhile.
///
/// The copies lie in the load's own folder until `publish` moves them to `originals/<sha256>`.
final class OriginalCopy: Sendable {
    private let files: [URL]
    /// Nil: only the hashes are wanted.
    private let folder: URL?
    private let cancellation: Cancellation
    private let stamps: [Stamp]
    private let result = Mutex<Result<[OriginalFile], LoadError>?>(nil)
    private let running = DispatchGroup()
    private let isAbandoned = Atomic<Bool>(false)

    private struct Stamp: Equatable {
        var device: UInt64
        var inode: UInt64
        var size: Int
        var seconds: Int
        var nanoseconds: Int

        init(_ url: URL) throws(LoadError) {
            var answer = stat()
            guard stat(url.path, &answer) == 0 else { throw .system("stat", url.path, errno) }
            (device, inode, size) = (UInt64(answer.st_dev), UInt64(answer.st_ino), Int(answer.st_size))
            (seconds, nanoseconds) = (answer.st_mtim.tv_sec, answer.st_mtim.tv_nsec)
        }
    }

    init(files: [URL], folder: URL?, cancellation: Cancellation) throws(LoadError) {
        self.files = files
        self.folder = folder
        self.cancellation = cancellation
        var stamps: [Stamp] = []
        for file in files { stamps.append(try Stamp(file)) }
        self.stamps = stamps
    }

    /// Begins on a thread of its own.
    func start() {
        running.enter()
        let thread = Thread { [self] in
            let copied: Result<[OriginalFile], LoadError>
            do throws(LoadError) {
                var originals: [OriginalFile] = []
                for index in files.indices { originals.append(try copy(index)) }
                copied = .success(originals)
            } catch {
                copied = .failure(error)
            }
            result.withLock { $0 = copied }
            running.leave()
        }
        thread.start()
    }

    /// Stops copying if it is still going on; the load's folder can go then.
    func abandon() {
        isAbandoned.store(true, ordering: .releasing)
        running.wait()
    }

    /// Waits for the copies.
    func finish() throws(LoadError) -> [OriginalFile] {
        running.wait()
        guard let outcome = result.withLock({ $0 }) else { preconditionFailure("the copy was not started") }
        let originals = try outcome.get()
        for (index, file) in files.enumerated() where try Stamp(file) != stamps[index] {
            throw LoadError(
                "source-changed", ja: "読み込み中に元データ（\(file.lastPathComponent)）が書き換えられました。もう一度読み込んでください。",
                en: "The source (\(file.lastPathComponent)) was changed while it was read. Load it again.")
        }
        return originals
    }

    private func temporary(_ index: Int, in folder: URL) -> URL { folder.appendingPathComponent("original-\(index)") }

    /// Moves the copies to their places; what is there already has the same bytes.
    func publish(_ originals: [OriginalFile], to destination: URL) throws(LoadError) {
        guard let folder else { return }
        try Durability.makeFolder(destination)
        for (index, original) in originals.enumerated() {
            let place = destination.appendingPathComponent(original.sha256)
            if access(place.path, F_OK) == 0 { continue }
            try Durability.move(temporary(index, in: folder), to: place)
        }
        try Durability.syncFolder(destination)
    }

    private func copy(_ index: Int) throws(LoadError) -> OriginalFile {
        let file = files[index]
        let input = open(file.path, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw .system("open", file.path, errno) }
        defer { close(input) }
        var output: Int32 = -1
        let copy = folder.map { temporary(index, in: $0) }
        if let copy {
            output = open(copy.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard output >= 0 else { throw .system("open", copy.path, errno) }
        }
        defer { if output >= 0 { close(output) } }

        var hash = SHA256()
        var total = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            try cancellation.check()
            if isAbandoned.load(ordering: .acquiring) { throw .cancelled }
            let count = read(input, buffer.baseAddress, buffer.count)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw .system("read", file.path, errno)
            }
            let part = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            hash.update(bufferPointer: part)
            total += count
            if let copy { try writeAll(part, to: output, copy.path) }
        }
        if let copy {
            FaultPoint.pass("before-fsync-original")
            guard fsync(output) == 0 else { throw .system("fsync", copy.path, errno) }
            FaultPoint.pass("after-fsync-original")
        }
        let digest = hash.finalize().map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }
        return OriginalFile(name: file.lastPathComponent, byteCount: total, sha256: digest.joined())
    }

    private func writeAll(_ bytes: UnsafeRawBufferPointer, to output: Int32, _ path: String) throws(LoadError) {
        var done = 0
        while done < bytes.count {
            let count = write(output, bytes.baseAddress! + done, bytes.count - done)
            if count >= 0 { done += count } else if errno != EINTR { throw .system("write", path, errno) }
        }
    }
}
