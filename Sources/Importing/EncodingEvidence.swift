import RecordStream

/// What the bytes of many values say about their encoding.
///
/// A value speaks against an encoding when its bytes cannot be of it. UTF-8 is very unlikely by chance, so it comes first; EUC-JP nearly always
/// passes for CP932 too, as half-width katakana that nobody writes so much of, so that is counted.
struct EncodingEvidence {
    private(set) var values = 0
    private(set) var beyondASCII = 0
    private(set) var againstUTF8 = 0
    private(set) var againstCP932 = 0
    private(set) var againstEUC = 0
    private var halfWidthKana = 0
    private var doubleByte = 0

    /// - Parameter mayBeCut: the value fills its place, so its last character may be incomplete.
    mutating func look(at bytes: UnsafeRawBufferPointer, mayBeCut: Bool = false) {
        values += 1
        guard !TextDecoder.isPlainASCII(bytes) else { return }
        beyondASCII += 1
        let whole = mayBeCut ? Self.withoutCutUTF8(bytes) : bytes
        if !UTF8Check.isValid(whole) { againstUTF8 += 1 }
        if !looksLikeCP932(bytes, mayBeCut: mayBeCut) { againstCP932 += 1 }
        if !Self.looksLikeEUC(bytes, mayBeCut: mayBeCut) { againstEUC += 1 }
    }

    /// The encoding that fits best.
    var best: TextEncoding {
        if beyondASCII == 0 || againstUTF8 == 0 { return .utf8 }
        if againstEUC == 0, againstCP932 > 0 || halfWidthKana > doubleByte { return .eucJP }
        if againstCP932 == 0 { return .cp932 }
        let least = min(againstUTF8, againstCP932, againstEUC)
        return least == againstCP932 ? .cp932 : least == againstUTF8 ? .utf8 : .eucJP
    }

    /// How many values speak against an encoding; nil for those that are not looked for.
    func against(_ encoding: TextEncoding) -> Int? {
        switch encoding {
        case .utf8: againstUTF8
        case .cp932: againstCP932
        case .eucJP: againstEUC
        default: nil
        }
    }

    /// Without the first bytes of a character whose others are missing at the end.
    static func withoutCutUTF8(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var start = bytes.count
        while start > 0, bytes.count - start < 3, bytes[start - 1] & 0xC0 == 0x80 { start -= 1 }
        guard start > 0 else { return bytes }
        let lead = bytes[start - 1]
        let length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1
        return length > bytes.count - start + 1 ? UnsafeRawBufferPointer(rebasing: bytes[..<(start - 1)]) : bytes
    }

    private mutating func looksLikeCP932(_ bytes: UnsafeRawBufferPointer, mayBeCut: Bool) -> Bool {
        var i = 0
        while i < bytes.count {
            switch bytes[i] {
            case ..<0x80: i += 1
            case 0xA1...0xDF:
                halfWidthKana += 1
                i += 1
            case 0x81...0x9F, 0xE0...0xFC:
                if i + 1 == bytes.count { return mayBeCut }
                guard (0x40...0x7E).contains(bytes[i + 1]) || (0x80...0xFC).contains(bytes[i + 1]) else { return false }
                doubleByte += 1
                i += 2
            default: return false
            }
        }
        return true
    }

    private static func looksLikeEUC(_ bytes: UnsafeRawBufferPointer, mayBeCut: Bool) -> Bool {
        var i = 0
        while i < bytes.count {
            let length: Int
            switch bytes[i] {
            case ..<0x80: length = 1
            case 0x8E, 0xA1...0xFE: length = 2
            case 0x8F: length = 3
            default: return false
            }
            for k in 1..<max(1, length) {
                if i + k == bytes.count { return mayBeCut }
                guard (0xA1...0xFE).contains(bytes[i + k]) else { return false }
            }
            i += length
        }
        return true
    }
}
