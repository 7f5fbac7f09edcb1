import Crypto
import Foundation

/// Where a page ends, as an opaque text that only this server can have made.
///
/// It names the layer's version, so that paging goes on over a publication on the version it began with, and a hash of the filter, so that
/// it cannot be used with another one. HMAC-SHA-256 over all of it, cut to 16 bytes (RFC 2104, 5), keeps a client from writing row numbers of its own.
struct CursorToken: Sendable, Equatable {
    var layer: String
    var version: String
    /// The row to go on from.
    var row: Int
    /// The number of matching features, where it was counted; it cannot change within a version.
    var matched: Int?
    /// What the filter was, hashed: see `ItemsParameters.filterTag`.
    var filter: String

    /// The key for the seal; the same on all servers that share the load.
    struct Key: Sendable {
        fileprivate let key: SymmetricKey

        init(_ bytes: [UInt8]) {
            precondition(bytes.count >= 32)
            key = SymmetricKey(data: bytes)
        }
    }

    private static let separator = "\u{1F}"
    private static let sealLength = 16

    func sealed(with key: Key) -> String {
        let fields = [layer, version, String(row), matched.map(String.init) ?? "", filter]
        let payload = Array(fields.joined(separator: CursorToken.separator).utf8)
        let seal = HMAC<SHA256>.authenticationCode(for: payload, using: key.key).prefix(CursorToken.sealLength)
        return Data(seal + payload).base64EncodedString()
            .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
    }

    /// Nil unless it was sealed with `key`.
    init?(_ text: String, key: Key) {
        guard text.utf8.count <= 1024 else { return nil }
        var base64 = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: base64), data.count > CursorToken.sealLength else { return nil }
        let payload = Array(data.dropFirst(CursorToken.sealLength))
        let seal = HMAC<SHA256>.authenticationCode(for: payload, using: key.key).prefix(CursorToken.sealLength)
        // Every byte is looked at, whichever differs, so that the time taken tells nothing.
        guard zip(seal, data).reduce(0, { $0 | ($1.0 ^ $1.1) }) == 0 else { return nil }
        let fields = String(decoding: payload, as: UTF8.self).components(separatedBy: CursorToken.separator)
        guard fields.count == 5, let row = Int(fields[2]) else { return nil }
        layer = fields[0]
        version = fields[1]
        self.row = row
        matched = Int(fields[3])
        filter = fields[4]
    }

    init(layer: String, version: String, row: Int, matched: Int?, filter: String) {
        self.layer = layer
        self.version = version
        self.row = row
        self.matched = matched
        self.filter = filter
    }
}
