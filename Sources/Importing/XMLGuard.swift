import Foundation
import RecordStream

/// Looks at an XML file before any parser does: which vocabulary it is, and that it declares no document type, hence no entities.
enum XMLGuard {
    /// Encodings in which `<!DOCTYPE` is those bytes and nothing else is.
    private static let plainEncodings: Set<String> = ["UTF-8", "CP932", "EUC-JP", "ISO-8859-1", "CP1252", "US-ASCII", "ASCII"]

    /// - Parameter head: the first bytes of the file, from its first `<`.
    static func format(ofRootIn head: [UInt8]) throws(RecordFailure) -> SourceFormat {
        let unsupported = RecordFailure(code: "unsupported-format", message: "XML, but neither GML nor KML")
        guard let root = rootElement(head) else { throw unsupported }
        let name = root.name.split(separator: ":").last.map(String.init) ?? root.name
        if name == "kml" { return .kml }
        // Every GML document declares the namespace on its root; other vocabularies that point to files or services do not.
        let namespaces = ["http://www.opengis.net/gml", "http://fgd.gsi.go.jp/spec/"]
        let refused = name.hasPrefix("OGR") || name.hasPrefix("GDAL") || name.hasPrefix("WFS_") || name == "VRTDataset"
        guard !refused, namespaces.contains(where: { root.tag.contains($0) }) else { throw unsupported }
        return .gml
    }

    /// Reads all of the file.
    /// - Returns: the encoding that the declaration names; UTF-8 without one.
    /// - Throws: `xml-doctype` when there is a document type or entity declaration, `unsupported-format` for an encoding that could hide one.
    static func check(_ file: FileBytes) throws -> TextEncoding {
        let head = try file.bytes(at: 0, count: 1024)
        let encoding = try declaredEncoding(head)
        let forbidden = [Array("<!DOCTYPE".utf8), Array("<!ENTITY".utf8)]
        try file.forEachPiece(overlap: 16) { piece in
            var i = 0
            while let found = piece[i...].firstIndex(of: UInt8(ascii: "<")) {
                i = found + 1
                guard i < piece.count, piece[i] == UInt8(ascii: "!") else { continue }
                for word in forbidden where found + word.count <= piece.count {
                    let same = word.indices.allSatisfy { word[$0] == uppercase(piece[found + $0]) }
                    if same { throw RecordFailure(code: "xml-doctype", message: "document type and entity declarations are not taken") }
                }
            }
        }
        return encoding
    }

    private static func declaredEncoding(_ head: [UInt8]) throws(RecordFailure) -> TextEncoding {
        let refusal = RecordFailure(
            code: "unsupported-encoding", message: "XML in UTF-8, Shift_JIS, EUC-JP or ISO-2022-JP is taken, no other")
        guard !head.contains(0) else { throw refusal }  // UTF-16 and UTF-32
        let text = String(decoding: head.prefix { $0 != UInt8(ascii: ">") }, as: UTF8.self)
        guard let start = text.range(of: "encoding") else { return .utf8 }
        let quoted = text[start.upperBound...].split(whereSeparator: { "=\"' ".contains($0) }).first.map(String.init) ?? ""
        guard let encoding = TextEncoding(named: quoted), plainEncodings.contains(encoding.name) || encoding == .iso2022JP else {
            throw refusal
        }
        return encoding.name.hasSuffix("ASCII") ? .utf8 : encoding
    }

    /// The first element's name and its whole opening tag, past the declaration, processing instructions and comments.
    private static func rootElement(_ head: [UInt8]) -> (name: String, tag: String)? {
        var text = String(decoding: head, as: UTF8.self)[...]
        while let open = text.firstIndex(of: "<") {
            text = text[open...]
            if text.hasPrefix("<!--") {
                guard let end = text.range(of: "-->") else { return nil }
                text = text[end.upperBound...]
            } else if text.hasPrefix("<?") || text.hasPrefix("<!") {
                guard let end = text.firstIndex(of: ">") else { return nil }
                text = text[text.index(after: end)...]
            } else {
                let tag = text.prefix { $0 != ">" }
                let name = tag.dropFirst().prefix { !$0.isWhitespace && $0 != "/" }
                return name.isEmpty ? nil : (String(name), String(tag))
            }
        }
        return nil
    }

    private static func uppercase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) ? byte & 0xDF : byte
    }
}
