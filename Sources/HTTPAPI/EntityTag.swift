import Crypto
import HTTPTypes

/// A strong entity tag (RFC 9110, 8.8.3): the same tag means the same bytes.
struct EntityTag: Sendable, Equatable {
    /// With its quotes.
    let text: String

    /// A tag for what is made from `parts` alone: a version, a query, a form.
    init(from parts: [String]) { self.init(digest: EntityTag.hash(parts)) }

    /// 32 bytes that name what is made from `parts` alone.
    static func digest(of parts: [String]) -> [UInt8] { Array(hash(parts)) }

    private static func hash(_ parts: [String]) -> SHA256.Digest {
        var hash = SHA256()
        for part in parts {
            // The length first, so that ("a", "bc") and ("ab", "c") differ.
            withUnsafeBytes(of: UInt64(part.utf8.count).littleEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: Array(part.utf8))
        }
        return hash.finalize()
    }

    /// A tag for a document that is cheap to make: a hash of its bytes.
    init(of body: [UInt8]) {
        self.init(digest: SHA256.hash(data: body))
    }

    private init(digest: SHA256.Digest) {
        text = "\"" + digest.prefix(12).map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined() + "\""
    }

    /// A tag that was made before.
    init(text: String) {
        self.text = text
    }

    /// The tag of the same thing compressed: another sequence of bytes, so another strong tag.
    func compressed(_ coding: ContentCoding) -> EntityTag {
        coding.name.map { EntityTag(text: text.dropLast() + "-\($0)\"") } ?? self
    }

    /// Whether one of the tags that the client has is this one, compared weakly, as `If-None-Match` asks (RFC 9110, 13.1.2).
    ///
    /// Whether it was compressed is not looked at: the client has what it would get.
    func matches(ifNoneMatch fields: [String]) -> Bool {
        fields.joined(separator: ",").split(separator: ",").contains { item in
            var tag = item.trimmed
            if tag == "*" { return true }
            if tag.hasPrefix("W/") { tag = tag.dropFirst(2) }
            return tag == text || tag.hasPrefix(text.dropLast()) && ContentCoding.allCases.contains { tag == compressed($0).text }
        }
    }
}

extension Substring {
    /// Without spaces and tabs around it.
    var trimmed: Substring {
        var result = self
        while let first = result.first, first == " " || first == "\t" { result = result.dropFirst() }
        while let last = result.last, last == " " || last == "\t" { result = result.dropLast() }
        return result
    }
}
