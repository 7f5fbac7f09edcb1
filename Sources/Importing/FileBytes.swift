import Foundation
import RecordStream

/// A regular file open for reading at any place. The size is that of the moment it was opened; what is beyond cannot be read.
final class FileBytes {
    let path: String
    let size: Int
    private let descriptor: Int32

    /// - Throws: `unreadable` when it cannot be opened or is no regular file.
    init(_ path: String) throws(RecordFailure) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw RecordFailure(code: "unreadable", message: "the file cannot be opened (\(errno))") }
        var about = stat()
        guard fstat(descriptor, &about) == 0, about.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw RecordFailure(code: "unreadable", message: "not a regular file")
        }
        size = Int(about.st_size)
    }

    deinit { close(descriptor) }

    /// Reads up to `room.count` bytes at `offset`; returns how many, fewer only at the end of the file.
    func read(at offset: Int, into room: UnsafeMutableRawBufferPointer) throws(RecordFailure) -> Int {
        var done = 0
        while done < room.count, offset + done < size {
            let count = pread(descriptor, room.baseAddress! + done, min(room.count - done, size - offset - done), off_t(offset + done))
            if count > 0 {
                done += count
            } else if count == 0 {
                break
            } else if errno != EINTR {
                throw RecordFailure(code: "unreadable", message: "the file cannot be read (\(errno))")
            }
        }
        return done
    }

    /// `count` bytes at `offset`, or as many as there are.
    func bytes(at offset: Int, count: Int) throws(RecordFailure) -> [UInt8] {
        let wanted = max(0, min(count, size - offset))
        var result = [UInt8](repeating: 0, count: wanted)
        var failure: RecordFailure?
        let read = result.withUnsafeMutableBytes { room -> Int in
            do throws(RecordFailure) { return try self.read(at: offset, into: room) } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        return Array(result[..<read])
    }

    /// Calls `body` for each piece of the file in turn; each piece begins with the last `overlap` bytes of the one before.
    func forEachPiece(of pieceSize: Int = 1 << 20, overlap: Int = 0, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceSize + overlap, alignment: 16)
        defer { room.deallocate() }
        var offset = 0
        var kept = 0
        while offset < size {
            let count = try read(at: offset, into: UnsafeMutableRawBufferPointer(rebasing: room[kept..<(kept + pieceSize)]))
            if count == 0 { break }
            try body(UnsafeRawBufferPointer(rebasing: room[..<(kept + count)]))
            offset += count
            let keep = min(overlap, kept + count)
            memmove(room.baseAddress!, room.baseAddress! + kept + count - keep, keep)
            kept = keep
        }
    }
}
