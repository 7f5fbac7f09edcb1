import Foundation
import RecordStream

/// Turns bytes of one encoding into UTF-8 strictly: what does not decode is refused whole, never replaced.
///
/// Its memory is used again for each value; the result is valid until the next call. The only file that speaks to iconv.
final class TextDecoder {
    let encoding: TextEncoding
    private let converter: iconv_t?
    private var room: UnsafeMutableRawBufferPointer

    /// Loads what conversions need from the disk, which a confined process cannot: glibc has a module for each.
    ///
    /// The conversions stay open on purpose, since glibc unloads a module with its last one. Called once.
    static func preload(_ encodings: [TextEncoding]) {
        for encoding in encodings { _ = iconv_open("UTF-8", encoding.iconvName) }
    }

    /// - Throws: `unknown-encoding` when iconv does not know it.
    init(_ encoding: TextEncoding) throws(RecordFailure) {
        self.encoding = encoding
        room = .allocate(byteCount: 4096, alignment: 16)
        guard encoding != .utf8 else {
            converter = nil
            return
        }
        let opened = iconv_open("UTF-8", encoding.iconvName)
        guard let opened, opened != iconv_t(bitPattern: -1) else {
            converter = nil
            throw RecordFailure(code: "unknown-encoding", message: "no encoding is known by the name \(encoding.name)")
        }
        converter = opened
    }

    deinit {
        if let converter { iconv_close(converter) }
        room.deallocate()
    }

    /// The bytes as UTF-8, valid until the next call and as long as this lives; nil when they are not of this encoding.
    func decode(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard let converter else { return UTF8Check.isValid(bytes) ? bytes : nil }
        if Self.isPlainASCII(bytes), encoding.keepsDelimiters { return bytes }
        let needed = bytes.count * 4 + 16
        if room.count < needed {
            room.deallocate()
            room = .allocate(byteCount: max(needed, room.count * 2), alignment: 16)
        }
        iconv(converter, nil, nil, nil, nil)
        // iconv takes a pointer to changeable bytes and does not change them.
        var from = UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: CChar.self))
        var fromLeft = bytes.count
        var to: UnsafeMutablePointer<CChar>? = room.baseAddress?.assumingMemoryBound(to: CChar.self)
        var toLeft = room.count
        // -1 is an error; more than 0 counts characters that were put by others.
        guard iconv(converter, &from, &fromLeft, &to, &toLeft) == 0, fromLeft == 0 else { return nil }
        return UnsafeRawBufferPointer(rebasing: room[..<(room.count - toLeft)])
    }

    /// The bytes as UTF-8 of their own, for whole files.
    func data(_ bytes: UnsafeRawBufferPointer) -> Data? {
        // In here `self` lives until the copy is made; a caller's last use might be the decoding itself.
        decode(bytes).map { Data($0) }
    }

    func string(_ bytes: UnsafeRawBufferPointer) -> String? {
        decode(bytes).map { String(decoding: $0, as: UTF8.self) }
    }

    static func isPlainASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var i = 0
        while i + 8 <= bytes.count {
            if bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self) & 0x8080_8080_8080_8080 != 0 { return false }
            i += 8
        }
        while i < bytes.count {
            if bytes[i] >= 0x80 { return false }
            i += 1
        }
        return true
    }
}
