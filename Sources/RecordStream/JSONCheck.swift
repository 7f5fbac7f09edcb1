/// Whether bytes, known to be UTF-8, are one JSON text (RFC 8259), so that they can be put into an answer as they are.
///
/// Nesting is kept as bits of one number, so that nothing recurses or allocates.
/// - Complexity: O(bytes)
package enum JSONCheck {
    /// The deepest nesting that passes.
    static let depthLimit = 64

    package static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var scanner = Scanner(bytes: bytes)
        return scanner.document()
    }

    private struct Scanner {
        let bytes: UnsafeRawBufferPointer
        var position = 0
        /// One bit per open bracket, the innermost lowest: set for an object.
        var objects: UInt64 = 0
        var depth = 0

        var insideObject: Bool { depth > 0 && objects & 1 == 1 }

        mutating func document() -> Bool {
            var expectsValue = true
            while true {
                skipSpace()
                if expectsValue {
                    guard let byte = peek() else { return false }
                    switch byte {
                    case UInt8(ascii: "{"), UInt8(ascii: "["):
                        guard open(object: byte == UInt8(ascii: "{")) else { return false }
                        skipSpace()
                        if take(insideObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                            close()
                            expectsValue = false
                        } else if insideObject, !key() {
                            return false
                        }
                    default:
                        guard scalar(byte) else { return false }
                        expectsValue = false
                    }
                } else if depth == 0 {
                    return position == bytes.count
                } else if take(UInt8(ascii: ",")) {
                    skipSpace()
                    if insideObject, !key() { return false }
                    expectsValue = true
                } else if take(insideObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                    close()
                } else {
                    return false
                }
            }
        }

        mutating func open(object: Bool) -> Bool {
            guard depth < JSONCheck.depthLimit else { return false }
            position += 1
            depth += 1
            objects = objects << 1 | (object ? 1 : 0)
            return true
        }

        mutating func close() {
            depth -= 1
            objects >>= 1
        }

        /// A name and its colon.
        mutating func key() -> Bool {
            guard string() else { return false }
            skipSpace()
            return take(UInt8(ascii: ":"))
        }

        mutating func scalar(_ first: UInt8) -> Bool {
            switch first {
            case UInt8(ascii: "\""): string()
            case UInt8(ascii: "t"): word("true")
            case UInt8(ascii: "f"): word("false")
            case UInt8(ascii: "n"): word("null")
            default: number()
            }
        }

        mutating func string() -> Bool {
            guard take(UInt8(ascii: "\"")) else { return false }
            while let byte = peek() {
                position += 1
                switch byte {
                case UInt8(ascii: "\""): return true
                case ..<0x20: return false
                case UInt8(ascii: "\\"):
                    guard let escaped = peek() else { return false }
                    position += 1
                    switch escaped {
                    case UInt8(ascii: "u"):
                        for _ in 0..<4 {
                            guard let digit = peek(), isHexDigit(digit) else { return false }
                            position += 1
                        }
                    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
                        UInt8(ascii: "r"), UInt8(ascii: "t"):
                        break
                    default: return false
                    }
                default: break
                }
            }
            return false
        }

        mutating func number() -> Bool {
            _ = take(UInt8(ascii: "-"))
            if !take(UInt8(ascii: "0")) {
                guard digits() else { return false }
            }
            if take(UInt8(ascii: ".")) {
                guard digits() else { return false }
            }
            if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
                if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
                return digits()
            }
            return true
        }

        mutating func digits() -> Bool {
            let start = position
            while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
            return position > start
        }

        mutating func word(_ word: StaticString) -> Bool {
            word.withUTF8Buffer { letters in
                guard position + letters.count <= bytes.count else { return false }
                for letter in letters {
                    guard bytes[position] == letter else { return false }
                    position += 1
                }
                return true
            }
        }

        func isHexDigit(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): true
            default: false
            }
        }

        func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

        mutating func take(_ byte: UInt8) -> Bool {
            guard peek() == byte else { return false }
            position += 1
            return true
        }

        mutating func skipSpace() {
            while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
        }
    }
}
