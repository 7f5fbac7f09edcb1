import Foundation
import Geo

/// A JSON value whose objects keep the order of their members, so that the same answer is the same bytes.
public indirect enum JSONTree: Sendable, Equatable {
    case null
    case boolean(Bool)
    case integer(Int64)
    /// Written as short as reads back the same; not a finite number: `null`.
    case number(Double)
    case text(String)
    case list([JSONTree])
    case object([Member])

    public struct Member: Sendable, Equatable {
        public var name: String
        public var value: JSONTree

        public init(_ name: String, _ value: JSONTree) {
            self.name = name
            self.value = value
        }
    }

    /// An object from names and values in order; a nil value leaves the member out.
    public static func object(_ members: KeyValuePairs<String, JSONTree?>) -> JSONTree {
        .object(members.compactMap { name, value in value.map { Member(name, $0) } })
    }

    /// The text, or null.
    public static func optional(_ text: String?) -> JSONTree { text.map { .text($0) } ?? .null }

    /// `{"ja": …, "en": …}`: Japanese first, then English, then by tag.
    public static func localized(_ text: LocalizedText) -> JSONTree {
        let tags = text.texts.keys.sorted { (rank($0), $0) < (rank($1), $1) }
        return .object(tags.map { Member($0, .text(text.texts[$0] ?? "")) })
    }

    private static func rank(_ tag: String) -> Int { tag == "ja" ? 0 : tag == "en" ? 1 : 2 }

    public subscript(_ name: String) -> JSONTree? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// UTF-8 without spaces between the parts.
    public var bytes: [UInt8] {
        var result: [UInt8] = []
        write(to: &result)
        return result
    }

    public var string: String { String(decoding: bytes, as: UTF8.self) }

    /// Appends the value to `bytes`. O(size)
    public func write(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += "null".utf8
        case .boolean(let flag): bytes += (flag ? "true" : "false").utf8
        case .integer(let number): bytes += String(number).utf8
        case .number(let number): bytes += JSONTree.digits(number).utf8
        case .text(let text): JSONTree.write(text, to: &bytes)
        case .list(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                value.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                JSONTree.write(member.name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func digits(_ number: Double) -> String {
        guard number.isFinite else { return "null" }
        return number == number.rounded() && abs(number) < 1e15 && number != 0 ? String(Int64(number)) : number == 0 ? "0" : "\(number)"
    }

    /// RFC 8259, 7; U+2028, U+2029 and `<` are escaped too, so that the text may stand in a script element.
    private static func write(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": bytes += "\\\"".utf8
            case "\\": bytes += "\\\\".utf8
            case "\n": bytes += "\\n".utf8
            case "\r": bytes += "\\r".utf8
            case "\t": bytes += "\\t".utf8
            case "<", "\u{2028}", "\u{2029}", "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16, uppercase: true)
                bytes += ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8
            default: bytes += UTF8.encode(scalar)!
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
