import Descriptions
import Geo

/// Where links begin: scheme, host, and a path prefix where a proxy adds one; no slash at the end.
public struct BaseURL: Sendable, Equatable {
    public let text: String

    /// A configured address, like `https://gis.city.mihon.lg.jp/kasane`. Nil unless it is `http` or `https` with a well-formed host.
    public init?(configured: String) {
        let trimmed = configured.hasSuffix("/") ? String(configured.dropLast()) : configured
        for scheme in ["https://", "http://"] where trimmed.hasPrefix(scheme) {
            let rest = trimmed.dropFirst(scheme.count)
            let host = rest.prefix { $0 != "/" }
            let path = rest.dropFirst(host.count)
            guard BaseURL.isHost(String(host)), path.utf8.allSatisfy(BaseURL.isPathByte) else { return nil }
            text = trimmed
            return
        }
        return nil
    }

    /// From the `Host` field of a request, for a server without a configured address. Nil when it is not a host and a port.
    ///
    /// `X-Forwarded-Host` and its kin are not looked at: anybody can send them.
    init?(host: String?) {
        guard let host, BaseURL.isHost(host) else { return nil }
        text = "http://" + host
    }

    /// A name, an IPv4 address or an IPv6 address in brackets, and perhaps a port (RFC 3986, 3.2.2; no percent-encoding, no user).
    public static func isHost(_ text: String) -> Bool {
        guard text.utf8.count <= 255 else { return false }
        var name = text[...]
        if name.hasPrefix("[") {
            guard let end = name.firstIndex(of: "]") else { return false }
            let inside = name[name.index(after: name.startIndex)..<end]
            guard !inside.isEmpty, inside.utf8.allSatisfy({ isHexadecimal($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
            else {
                return false
            }
            name = name[name.index(after: end)...]
        } else {
            let host = name.prefix { $0 != ":" }
            guard !host.isEmpty,
                host.utf8.allSatisfy({
                    isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_")
                })
            else { return false }
            name = name[host.endIndex...]
        }
        guard !name.isEmpty else { return true }
        let port = name.dropFirst()
        return name.first == ":" && (1...5).contains(port.utf8.count) && port.utf8.allSatisfy(isDigit) && Int(port)! <= 65_535
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isPathByte(_ byte: UInt8) -> Bool {
        isLetterOrDigit(byte) || "/-._~".utf8.contains(byte)
    }
}

/// A typed link (RFC 8288) as the OGC documents write them.
struct Link: Sendable, Equatable {
    var href: String
    var rel: String
    var type: String?
    var title: LocalizedText?
    var templated = false
    /// What to send there, where it is not a plain address: a search goes on with another body.
    var body: JSONTree?

    var json: JSONTree {
        .object([
            "href": .text(href), "rel": .text(rel), "type": type.map { .text($0) },
            "title": title.map { .text($0.text("ja")) }, "templated": templated ? true : nil,
            "method": body == nil ? nil : "POST", "body": body,
        ])
    }
}
