extension ByteWriter {
    /// A text as a cell (RFC 4180, 2), from valid UTF-8: quoted where it must be, and where it is empty, because an empty cell without quotes is null.
    ///
    /// A text that a spreadsheet would take for a formula gets an apostrophe before it, which spreadsheets take for “this is text”; one that is
    /// simply a number with a sign is left as it is.
    /// Reference: OWASP, “CSV Injection”; full-width signs count too, since Japanese versions of Excel take them for the plain ones.
    public mutating func csvText(_ utf8: UnsafeRawBufferPointer) {
        if utf8.isEmpty {
            literal("\"\"")
            return
        }
        let isFormula = ByteWriter.looksLikeFormula(utf8)
        var needsQuotes = utf8.first == 32 || utf8.last == 32
        if !needsQuotes {
            for byte in utf8 where byte == 34 || byte == 44 || byte == 10 || byte == 13 {
                needsQuotes = true
                break
            }
        }
        reserve(2 * utf8.count + 3)
        if needsQuotes { unchecked(34) }
        if isFormula { unchecked(39) }
        for byte in utf8 {
            if byte == 34 { unchecked(34) }
            unchecked(byte)
        }
        if needsQuotes { unchecked(34) }
    }

    public mutating func csvText(_ string: String) {
        var string = string
        string.withUTF8 { csvText(UnsafeRawBufferPointer($0)) }
    }

    private static func looksLikeFormula(_ utf8: UnsafeRawBufferPointer) -> Bool {
        switch utf8[0] {
        case 61, 64, 9, 13, 10: return true  // = @ tab, returns
        case 43, 45: return !isNumber(utf8.dropFirst())  // + -
        case 0xEF:
            // U+FF0B ＋, U+FF0D －, U+FF1D ＝, U+FF20 ＠
            guard utf8.count >= 3, utf8[1] == 0xBC else { return false }
            return [0x8B, 0x8D, 0x9D, 0xA0].contains(utf8[2])
        default: return false
        }
    }

    /// Digits with at most one point among them.
    private static func isNumber(_ utf8: Slice<UnsafeRawBufferPointer>) -> Bool {
        var points = 0
        var digits = 0
        for byte in utf8 {
            if byte == 46 { points += 1 } else if (48...57).contains(byte) { digits += 1 } else { return false }
        }
        return digits > 0 && points <= 1
    }
}
