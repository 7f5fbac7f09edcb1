import CZlib
import Foundation
import RecordStream

/// Unpacks single entries of an archive into files, holding size and checksum against what the entry promised.
struct ZipExtraction {
    let archive: FileBytes

    /// Writes the entry to a new file.
    /// - Throws: `bad-archive` when the data is not what the headers say; `no-room` when it cannot be written.
    func extract(_ entry: ZipEntry, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw RecordFailure(code: "no-room", message: "a scratch file cannot be made (\(errno))") }
        defer { close(descriptor) }
        var sink = Sink(descriptor: descriptor, limit: entry.size)
        if entry.method == 0 { try copy(entry, to: &sink) } else { try inflate(entry, to: &sink) }
        guard sink.written == entry.size else { throw ZipDirectory.refusal("an entry is shorter than it says") }
        guard sink.checksum == entry.checksum else { throw ZipDirectory.refusal("an entry's checksum is wrong") }
    }

    private static let pieceSize = 256 << 10

    private func copy(_ entry: ZipEntry, to sink: inout Sink) throws {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceSize, alignment: 16)
        defer { room.deallocate() }
        var done = 0
        while done < entry.packedSize {
            let wanted = min(room.count, entry.packedSize - done)
            let count = try archive.read(at: entry.dataOffset + done, into: UnsafeMutableRawBufferPointer(rebasing: room[..<wanted]))
            guard count == wanted else { throw ZipDirectory.refusal("the archive is cut off") }
            try sink.write(UnsafeRawBufferPointer(rebasing: room[..<count]))
            done += count
        }
    }

    private func inflate(_ entry: ZipEntry, to sink: inout Sink) throws {
        var stream = z_stream()
        guard inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw RecordFailure(code: "no-room", message: "no memory to unpack")
        }
        defer { inflateEnd(&stream) }
        let packed = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceSize, alignment: 16)
        let plain = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceSize, alignment: 16)
        defer {
            packed.deallocate()
            plain.deallocate()
        }
        var taken = 0
        var status = Z_OK
        while status != Z_STREAM_END {
            if stream.avail_in == 0 {
                let wanted = min(packed.count, entry.packedSize - taken)
                guard wanted > 0 else { throw ZipDirectory.refusal("packed data ends too early") }
                let count = try archive.read(at: entry.dataOffset + taken, into: UnsafeMutableRawBufferPointer(rebasing: packed[..<wanted]))
                guard count == wanted else { throw ZipDirectory.refusal("the archive is cut off") }
                taken += count
                stream.next_in = packed.baseAddress?.assumingMemoryBound(to: Bytef.self)
                stream.avail_in = uInt(count)
            }
            stream.next_out = plain.baseAddress?.assumingMemoryBound(to: Bytef.self)
            stream.avail_out = uInt(plain.count)
            status = CZlib.inflate(&stream, Z_NO_FLUSH)
            guard status == Z_OK || status == Z_STREAM_END || (status == Z_BUF_ERROR && stream.avail_in == 0) else {
                throw ZipDirectory.refusal("packed data is damaged")
            }
            try sink.write(UnsafeRawBufferPointer(rebasing: plain[..<(plain.count - Int(stream.avail_out))]))
        }
        guard taken == entry.packedSize, stream.avail_in == 0 else { throw ZipDirectory.refusal("packed data has something after its end") }
    }

    private struct Sink {
        let descriptor: Int32
        let limit: Int
        var written = 0
        var checksum: UInt32 = 0

        init(descriptor: Int32, limit: Int) {
            self.descriptor = descriptor
            self.limit = limit
        }

        mutating func write(_ bytes: UnsafeRawBufferPointer) throws {
            guard !bytes.isEmpty else { return }
            guard bytes.count <= limit - written else { throw ZipDirectory.refusal("an entry is longer than it says") }
            checksum = UInt32(crc32(uLong(checksum), bytes.baseAddress?.assumingMemoryBound(to: Bytef.self), uInt(bytes.count)))
            var done = 0
            while done < bytes.count {
                let count = Foundation.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
                if count > 0 {
                    done += count
                } else if errno != EINTR {
                    throw RecordFailure(code: "no-room", message: "a scratch file cannot be written (\(errno))")
                }
            }
            written += bytes.count
        }
    }
}
