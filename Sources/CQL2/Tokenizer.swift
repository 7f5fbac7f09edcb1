/// A piece of the text form; where it stands is a range of its bytes.
struct Token {
    enum Kind: Equatable {
        /// Letters, unquoted: a keyword or a name.
        case word
        /// A name in `"…"`.
        case quoted
        /// A text in `'…'`.
        case text
        /// Digits with fraction and exponent, without sign.
        case number
        /// One sign, such as `(` or `<`.
        case sign(UInt8)
        case end
    }

    var kind: Kind
    var start: Int
    var end: Int
}

/// Cuts the text form into tokens, one at a time (21-065r2, annex B).
struct Tokenizer {
    let bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    mutating func next() throws(FilterError) -> Token {
        while let space = whitespace(at: position) { position += space }
        let start = position
        guard start < bytes.count else { return Token(kind: .end, start: start, end: start) }
        let byte = bytes[start]
        switch byte {
        case UInt8(ascii: "'"):
            try skipQuoted(by: byte, escapes: true)
            return Token(kind: .text, start: start, end: position)
        case UInt8(ascii: "\""):
            try skipQuoted(by: byte, escapes: false)
            return Token(kind: .quoted, start: start, end: position)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return number()
        case UInt8(ascii: ".") where start + 1 < bytes.count && isDigit(bytes[start + 1]): return number()
        case _ where "()+-*/%^=<>,".utf8.contains(byte):
            position += 1
            return Token(kind: .sign(byte), start: start, end: position)
        default: break
        }
        while let length = identifierPart(at: position, first: position == start) { position += length }
        guard position > start else { throw unexpected(byte, at: start) }
        return Token(kind: .word, start: start, end: position)
    }

    private func unexpected(_ byte: UInt8, at offset: Int) -> FilterError {
        switch byte {
        case UInt8(ascii: "!"): .syntax(offset, ja: "「!」は使えません。「等しくない」は <> と書きます。", en: "“!” has no meaning here; write “not equal” as <>.")
        case UInt8(ascii: ";"):
            .syntax(
                offset, ja: "「;」は使えません。SRID= は付けず、座標系は filter-crs で指定してください。",
                en: "“;” has no meaning here; leave SRID= out and name the reference system in filter-crs.")
        case UInt8(ascii: "["), UInt8(ascii: "]"):
            .syntax(offset, ja: "角括弧は使えません。並びは ('a', 'b') と書きます。", en: "Square brackets have no meaning here; write a list as ('a', 'b').")
        default:
            .syntax(
                offset, ja: "ここに書けない文字があります。記号や空白を含む項目名は \"…\" で、文字列は '…' で囲んでください。",
                en: "A character that cannot stand here. Put names with signs or spaces in \"…\" and texts in '…'.")
        }
    }

    // MARK: Quoted pieces

    /// Moves behind the closing quotation mark; a doubled one is part of the piece, and where there are escapes one behind `\`.
    private mutating func skipQuoted(by mark: UInt8, escapes: Bool) throws(FilterError) {
        let start = position
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            if escapes && byte == UInt8(ascii: "\\") {
                position += 2
            } else if byte != mark {
                position += 1
            } else if position + 1 < bytes.count && bytes[position + 1] == mark {
                position += 2
            } else {
                position += 1
                return
            }
        }
        throw escapes
            ? .syntax(
                start, ja: "文字列が閉じていません。終わりに ' を付けてください(文字列の中の ' は '' と書きます)。",
                en: "This text is not closed; end it with ' (a ' inside a text is written '').")
            : .syntax(start, ja: "項目名が閉じていません。終わりに \" を付けてください。", en: "This name is not closed; end it with \".")
    }

    /// What a text in `'…'` says: `''` and `\'` are a quotation mark, `\\` a backslash, and `\a \b \t \n \v \f \r` control characters
    /// (requirement /req/cql2-text/escaping; QGIS doubles backslashes). Before anything else a backslash stands for itself, so that
    /// the `\%` and `\_` of patterns arrive whole. Characters outside the grammar's `character` are let through: the JSON form has them.
    func text(of token: Token) -> String {
        var result: [UInt8] = []
        var i = token.start + 1
        while i < token.end - 1 {
            var byte = bytes[i]
            if byte == UInt8(ascii: "'") {
                i += 1
            } else if byte == UInt8(ascii: "\\"), let meaning = Tokenizer.escaped(bytes[i + 1]) {
                byte = meaning
                i += 1
            }
            result.append(byte)
            i += 1
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The character that a letter stands for behind a backslash; nil when the backslash stands for itself.
    static func escaped(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "'"), UInt8(ascii: "\\"): letter
        case UInt8(ascii: "a"): 7
        case UInt8(ascii: "b"): 8
        case UInt8(ascii: "t"): 9
        case UInt8(ascii: "n"): 10
        case UInt8(ascii: "v"): 11
        case UInt8(ascii: "f"): 12
        case UInt8(ascii: "r"): 13
        default: nil
        }
    }

    /// A name as it stands, or without its quotation marks. The grammar wants an identifier inside them; any characters are taken, as
    /// attribute names have spaces and brackets, and `""` for a mark, as QGIS writes it.
    func name(of token: Token) -> String {
        guard token.kind == .quoted else { return String(decoding: bytes[token.start..<token.end], as: UTF8.self) }
        var result: [UInt8] = []
        var i = token.start + 1
        while i < token.end - 1 {
            result.append(bytes[i])
            i += bytes[i] == UInt8(ascii: "\"") ? 2 : 1
        }
        return String(decoding: result, as: UTF8.self)
    }

    // MARK: Numbers

    private mutating func number() -> Token {
        let start = position
        skipDigits()
        if position < bytes.count && bytes[position] == UInt8(ascii: ".") {
            position += 1
            skipDigits()
        }
        if position < bytes.count && bytes[position] | 32 == UInt8(ascii: "e") {
            var probe = position + 1
            if probe < bytes.count && (bytes[probe] == UInt8(ascii: "+") || bytes[probe] == UInt8(ascii: "-")) { probe += 1 }
            if probe < bytes.count && isDigit(bytes[probe]) {
                position = probe
                skipDigits()
            }
        }
        return Token(kind: .number, start: start, end: position)
    }

    private mutating func skipDigits() {
        while position < bytes.count && isDigit(bytes[position]) { position += 1 }
    }

    private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    // MARK: Characters

    /// The scalar at an offset and its length in bytes. The bytes come from a `String`, so they are valid UTF-8.
    private func scalar(at offset: Int) -> (value: UInt32, length: Int)? {
        guard offset < bytes.count else { return nil }
        let first = UInt32(bytes[offset])
        func following(_ i: Int) -> UInt32 { UInt32(bytes[offset + i]) & 0x3F }
        switch first {
        case ..<0x80: return (first, 1)
        case ..<0xE0: return ((first & 0x1F) << 6 | following(1), 2)
        case ..<0xF0: return ((first & 0xF) << 12 | following(1) << 6 | following(2), 3)
        default: return ((first & 7) << 18 | following(1) << 12 | following(2) << 6 | following(3), 4)
        }
    }

    /// Bytes of the white space at an offset; nil where there is none. The space of Japanese keyboards (U+3000) is one.
    private func whitespace(at offset: Int) -> Int? {
        guard let (value, length) = scalar(at: offset) else { return nil }
        return switch value {
        case 0x9...0xD, 0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: length
        default: nil
        }
    }

    private func identifierPart(at offset: Int, first: Bool) -> Int? {
        guard let (value, length) = scalar(at: offset) else { return nil }
        return Tokenizer.isIdentifierStart(value) || !first && Tokenizer.isIdentifierRest(value) ? length : nil
    }

    /// `identifierStart` of the grammar, less the one white space inside its ranges.
    static func isIdentifierStart(_ value: UInt32) -> Bool {
        switch value {
        case 0x3A, 0x5F, 0x41...0x5A, 0x61...0x7A, 0xC0...0xD6, 0xD8...0xF6, 0xF8...0x2FF, 0x370...0x37D, 0x37F...0x1FFE, 0x200C...0x200D,
            0x2070...0x218F, 0x2C00...0x2FEF, 0x3001...0xD7FF, 0xF900...0xFDCF, 0xFDF0...0xFFFD, 0x10000...0xEFFFF:
            value != 0x1680
        default: false
        }
    }

    /// What `identifierPart` adds to it.
    static func isIdentifierRest(_ value: UInt32) -> Bool {
        switch value {
        case 0x2E, 0x30...0x39, 0x300...0x36F, 0x203F...0x2040: true
        default: false
        }
    }

    /// Whether a name may stand without quotation marks.
    static func isIdentifier(_ name: String) -> Bool {
        var first = true
        for scalar in name.unicodeScalars {
            guard isIdentifierStart(scalar.value) || !first && isIdentifierRest(scalar.value) else { return false }
            first = false
        }
        return !first
    }
}
