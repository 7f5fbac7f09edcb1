/// Percent-encoding of paths and query strings (RFC 3986, 2.1), always over UTF-8.
enum PercentCoding {
    /// The text that an encoded one stands for, or nil where it stands for none: a `%` without two hexadecimal digits, bytes that are not
    /// UTF-8 (as of CP932, or overlong), or a control character, which no name of ours holds.
    ///
    /// - Parameter plusIsSpace: as HTML forms write query strings; never in a path, where `+` is itself.
    /// - Complexity: O(length)
    static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.next().flatMap(digit), let low = rest.next().flatMap(digit) else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace:
                bytes.append(UInt8(ascii: " "))
            default:
                bytes.append(byte)
            }
        }
        // Line breaks and tabs are white space in a filter; in a path they are nothing.
        let allowed: Set<UInt8> = plusIsSpace ? [9, 10, 13] : []
        guard !bytes.contains(where: { ($0 < 0x20 && !allowed.contains($0)) || $0 == 0x7F }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// One segment of a path, or one name or value of a query string: everything but letters, digits and `-._~` is encoded, so that
    /// `/`, `+`, `&`, space and Japanese come back as they were.
    static func encode(_ text: some StringProtocol) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                result += "%"
                result.unicodeScalars.append(Unicode.Scalar(hexadecimal[Int(byte >> 4)]))
                result.unicodeScalars.append(Unicode.Scalar(hexadecimal[Int(byte & 15)]))
            }
        }
        return result
    }

    private static let hexadecimal = Array("0123456789ABCDEF".utf8)

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
