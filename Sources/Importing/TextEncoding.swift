import Foundation
import RecordStream

/// A text encoding by the name that people meet: `UTF-8`, `CP932`, `EUC-JP`, `ISO-2022-JP`, …
struct TextEncoding: Equatable, Sendable {
    /// As said to people.
    let name: String
    /// As iconv knows it.
    let iconvName: String

    static let utf8 = TextEncoding(name: "UTF-8", iconvName: "UTF-8")
    /// Microsoft's form of Shift_JIS, in which `～` is U+FF5E and `①` exists.
    static let cp932 = TextEncoding(name: "CP932", iconvName: "CP932")
    static let eucJP = TextEncoding(name: "EUC-JP", iconvName: "EUC-JP-MS")
    static let iso2022JP = TextEncoding(name: "ISO-2022-JP", iconvName: "ISO-2022-JP")
    static let latin1 = TextEncoding(name: "ISO-8859-1", iconvName: "ISO-8859-1")
    static let cp1252 = TextEncoding(name: "CP1252", iconvName: "CP1252")
    static let utf16LE = TextEncoding(name: "UTF-16LE", iconvName: "UTF-16LE")
    static let utf16BE = TextEncoding(name: "UTF-16BE", iconvName: "UTF-16BE")

    /// Those that a file may ask for after confinement, when no more code can be loaded.
    static let common: [TextEncoding] = [.cp932, .eucJP, .iso2022JP, .latin1, .cp1252, .utf16LE, .utf16BE]

    /// Quotes, commas and line ends are single bytes that are no part of other characters.
    var keepsDelimiters: Bool { ![.iso2022JP, .utf16LE, .utf16BE].contains(self) }

    private init(name: String, iconvName: String) {
        self.name = name
        self.iconvName = iconvName
    }

    /// Nil when the name cannot be one of an encoding.
    ///
    /// Takes the many names of Shift_JIS as CP932, since files that say so nearly always hold Microsoft's characters too, and the numbers that
    /// Esri writes into `.cpg` files.
    init?(named name: String) {
        let plain = name.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !plain.isEmpty, plain.utf8.count < 40,
            plain.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-_.: ".contains($0)) })
        else { return nil }
        let key = plain.lowercased().filter { $0.isLetter || $0.isNumber }
        switch key {
        case "utf8", "65001", "utf8n", "utf8sig": self = .utf8
        case "cp932", "932", "ansi932", "oem932", "sjis", "shiftjis", "windows31j", "ms932", "xsjis", "mskanji", "windows932", "sjiswin",
            "ldid19", "ldid123":
            self = .cp932
        case "eucjp", "ujis", "xeucjp", "20932", "51932", "eucjpms", "cp51932": self = .eucJP
        case "iso2022jp", "jis", "50220", "50221", "50222": self = .iso2022JP
        case "latin1", "iso88591", "88591", "ldid87": self = .latin1
        case "cp1252", "1252", "ansi1252", "windows1252": self = .cp1252
        case "utf16", "utf16le", "1200": self = .utf16LE
        case "utf16be", "1201": self = .utf16BE
        default: self.init(name: plain, iconvName: plain.replacingOccurrences(of: " ", with: ""))
        }
    }
}
