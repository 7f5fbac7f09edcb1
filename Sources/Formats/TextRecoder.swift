import Glibc

/// Turns UTF-8 into CP932 (Microsoft's form of Shift_JIS), for programs that know nothing else. For one thread at a time.
///
/// What CP932 cannot hold becomes 〓 (U+3013, geta), the mark that printers in Japan set for a type they do not have, and is counted.
public final class TextRecoder {
    private let converter: iconv_t
    private var room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    /// Characters that were replaced.
    public private(set) var replaced = 0

    /// Nil where the system's library does not know CP932.
    public init?() {
        guard let converter = iconv_open("CP932", "UTF-8"), converter != iconv_t(bitPattern: -1) else { return nil }
        self.converter = converter
    }

    deinit {
        iconv_close(converter)
        room.deallocate()
    }

    /// The same text in CP932, valid until the next call.
    /// - Parameter utf8: whole characters.
    /// - Complexity: O(length)
    public func recode(_ utf8: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        // A character of two bytes or more in UTF-8 has at most two in CP932; half-width kana have three and one.
        if room.count < 2 * utf8.count + 16 {
            room.deallocate()
            room = .allocate(byteCount: 2 * utf8.count + 16, alignment: 16)
        }
        // iconv takes a pointer to changeable bytes and does not change them.
        var from = UnsafeMutablePointer(mutating: utf8.baseAddress?.assumingMemoryBound(to: CChar.self))
        var left = utf8.count
        var to: UnsafeMutablePointer<CChar>? = room.baseAddress?.assumingMemoryBound(to: CChar.self)
        var space = room.count
        while left > 0 {
            if iconv(converter, &from, &left, &to, &space) != -1 || left == 0 { break }
            replaced += 1
            to?[0] = CChar(bitPattern: 0x81)
            to?[1] = CChar(bitPattern: 0xAC)
            to = to.map { $0 + 2 }
            space -= 2
            // Past the first byte of the character, and those that follow it.
            repeat {
                from = from.map { $0 + 1 }
                left -= 1
            } while left > 0 && UInt8(bitPattern: from![0]) & 0xC0 == 0x80
        }
        return UnsafeRawBufferPointer(rebasing: room[..<(room.count - space)])
    }
}
