/// A JSON text as it was read: strictly by RFC 8259, no name twice in an object, whole numbers of 64 bits exact, offsets kept.
///
/// For bytes from strangers: nesting is refused as it opens, so reading and freeing need little of the stack.
public struct JSONValue: Sendable {
    public indirect enum Content: Sendable {
        case null
        case boolean(Bool)
        /// Written without fraction or exponent, and within 64 bits.
        case integer(Int64)
        case real(Double)
        case text(String)
        case list([JSONValue])
        case object([Member])
    }

    public struct Member: Sendable {
        public var name: String
        public var value: JSONValue
    }

    public var content: Content
    /// The byte where it begins, from 0.
    public var offset: Int

    /// The value of an object's member; nil when this is no object or has no such member.
    public subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = content else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// Reads a whole text.
    /// - Parameter depth: how deep lists and objects may nest.
    /// - Throws: code `syntax`, or `limit-exceeded` for what is nested too deeply.
    /// - Complexity: O(bytes)
    public init(reading bytes: [UInt8], depth: Int = 128) throws(FilterError) {
        var reader = JSONReader(bytes: bytes, depth: depth)
        self = try reader.document()
    }

    init(_ content: Content, at offset: Int) {
        self.content = content
        self.offset = offset
    }
}

private struct JSONReader {
    let bytes: [UInt8]
    let depth: Int
    private var position = 0
    private var nesting = 0

    init(bytes: [UInt8], depth: Int) {
        self.bytes = bytes
        self.depth = depth
    }

    mutating func document() throws(FilterError) -> JSONValue {
        let value = try value()
        skipSpace()
        guard position == bytes.count else {
            throw wrong(ja: "JSONの終わりの後に余分な文字があります。", en: "There is something behind the end of the JSON.")
        }
        return value
    }

    private mutating func value() throws(FilterError) -> JSONValue {
        skipSpace()
        let offset = position
        guard position < bytes.count else { throw wrong(ja: "JSONが途中で終わっています。", en: "The JSON ends too early.") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return JSONValue(.object(try object()), at: offset)
        case UInt8(ascii: "["): return JSONValue(.list(try list()), at: offset)
        case UInt8(ascii: "\""): return JSONValue(.text(try string()), at: offset)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return JSONValue(try number(), at: offset)
        case UInt8(ascii: "t") where take("true"): return JSONValue(.boolean(true), at: offset)
        case UInt8(ascii: "f") where take("false"): return JSONValue(.boolean(false), at: offset)
        case UInt8(ascii: "n") where take("null"): return JSONValue(.null, at: offset)
        default: throw wrong(ja: "ここにはJSONの値が必要です。", en: "A JSON value is needed here.")
        }
    }

    private mutating func object() throws(FilterError) -> [JSONValue.Member] {
        try open()
        var members: [JSONValue.Member] = []
        var names: Set<String> = []
        skipSpace()
        if take("}") {
            nesting -= 1
            return members
        }
        repeat {
            skipSpace()
            let offset = position
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                throw wrong(ja: "ここには \"…\" の名前が必要です。", en: "A name in quotation marks is needed here.")
            }
            let name = try string()
            guard names.insert(name).inserted else {
                throw .syntax(offset, ja: "同じ名前が一つのオブジェクトに2回あります。", en: "A name appears twice in one object.")
            }
            skipSpace()
            guard take(":") else { throw wrong(ja: "ここには「:」が必要です。", en: "“:” is needed here.") }
            members.append(JSONValue.Member(name: name, value: try value()))
            skipSpace()
        } while take(",")
        guard take("}") else { throw wrong(ja: "ここには「,」か「}」が必要です。", en: "“,” or “}” is needed here.") }
        nesting -= 1
        return members
    }

    private mutating func list() throws(FilterError) -> [JSONValue] {
        try open()
        var elements: [JSONValue] = []
        skipSpace()
        if take("]") {
            nesting -= 1
            return elements
        }
        repeat {
            elements.append(try value())
            skipSpace()
        } while take(",")
        guard take("]") else { throw wrong(ja: "ここには「,」か「]」が必要です。", en: "“,” or “]” is needed here.") }
        nesting -= 1
        return elements
    }

    /// Passes the bracket that opens a list or an object.
    private mutating func open() throws(FilterError) {
        nesting += 1
        guard nesting <= depth else { throw .tooDeep(position, depth) }
        position += 1
    }

    private mutating func number() throws(FilterError) -> JSONValue.Content {
        let start = position
        _ = take("-")
        let whole = position
        skipDigits()
        var isSound = position > whole && (bytes[whole] != UInt8(ascii: "0") || position == whole + 1)
        var isWhole = true
        if take(".") {
            isWhole = false
            let fraction = position
            skipDigits()
            isSound = isSound && position > fraction
        }
        if position < bytes.count, bytes[position] | 32 == UInt8(ascii: "e") {
            isWhole = false
            position += 1
            if !take("+") { _ = take("-") }
            let exponent = position
            skipDigits()
            isSound = isSound && position > exponent
        }
        guard isSound else { throw .syntax(start, ja: "JSONの数の書き方が正しくありません。", en: "This is not how JSON writes a number.") }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let value = Int64(text) { return .integer(value) }
        return .real(try TreeBuilder.real(text, at: start))
    }

    private mutating func skipDigits() {
        while position < bytes.count && (48...57).contains(bytes[position]) { position += 1 }
    }

    // MARK: Strings

    private mutating func string() throws(FilterError) -> String {
        let start = position
        position += 1
        var utf8: [UInt8] = []
        while true {
            guard position < bytes.count else { throw .syntax(start, ja: "JSONの文字列が閉じていません。", en: "This JSON string is not closed.") }
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: utf8, as: UTF8.self) else {
                    throw .syntax(start, ja: "JSONの文字列がUTF-8ではありません。", en: "This JSON string is not UTF-8.")
                }
                return text
            case UInt8(ascii: "\\"): utf8 += UTF8.encode(try escape())!
            case ..<32: throw .syntax(position - 1, ja: "JSONの文字列に制御文字があります。", en: "A control character stands in this JSON string.")
            default: utf8.append(byte)
            }
        }
    }

    private mutating func escape() throws(FilterError) -> Unicode.Scalar {
        let offset = position - 1
        let error = FilterError.syntax(offset, ja: "JSONの文字列のエスケープが正しくありません。", en: "This is no escape of JSON strings.")
        guard position < bytes.count else { throw error }
        let letter = bytes[position]
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            guard let first = unit() else { throw error }
            if let scalar = Unicode.Scalar(first) { return scalar }
            // Half a character beyond U+FFFF; the other half must follow.
            guard first < 0xDC00, take("\\u"), let second = unit(), (0xDC00...0xDFFF).contains(second) else { throw error }
            return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))!
        default: throw error
        }
    }

    /// Four hexadecimal digits.
    private mutating func unit() -> UInt32? {
        guard position + 4 <= bytes.count else { return nil }
        var value: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            switch byte {
            case 48...57: value = value << 4 | UInt32(byte - 48)
            case 65...70, 97...102: value = value << 4 | UInt32(byte | 32 - 87)
            default: return nil
            }
        }
        position += 4
        return value
    }

    // MARK: Bytes

    private mutating func skipSpace() {
        while position < bytes.count, [32, 9, 10, 13].contains(bytes[position]) { position += 1 }
    }

    private mutating func take(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard position + count <= bytes.count, word.withUTF8Buffer({ $0.elementsEqual(bytes[position..<position + count]) }) else {
            return false
        }
        position += count
        return true
    }

    private func wrong(ja: String, en: String) -> FilterError { .syntax(position, ja: ja, en: en) }
}
