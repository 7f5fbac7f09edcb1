import Crypto
import Foundation

/// Keys of the API: `ksn_`, twelve hexadecimal digits of the key's id, `_`, and 64 of its secret.
///
/// The secret has 256 random bits, so its plain SHA-256 is enough to keep: there is nothing to guess and nothing to salt. The prefix lets
/// scanners find a key that was published by mistake.
public enum APIKey {
    public static let prefix = "ksn_"

    /// A new key and what is kept of it. The key itself is nowhere else: it is shown once.
    /// - Parameter departments: Whose layers the holder may see besides those of the department the key is named after.
    public static func make(
        named name: String, departments: Set<String> = [], at instant: Date,
        using random: inout some RandomNumberGenerator
    ) -> (key: String, record: KeyRecord) {
        let id = hexadecimal((0..<6).map { _ in UInt8.random(in: .min ... .max, using: &random) })
        let secret = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let record = KeyRecord(
            id: id, name: name, departments: departments.union([name]), digest: digest(secret), createdAt: instant, revokedAt: nil)
        return (prefix + id + "_" + hexadecimal(secret), record)
    }

    /// The id and secret of a key that is well formed; nil for anything else. Says nothing about whether there is such a key.
    public static func parse(_ key: String) -> (id: String, secret: [UInt8])? {
        let text = Array(key.utf8)
        guard text.count == 81, text.starts(with: prefix.utf8), text[16] == UInt8(ascii: "_") else { return nil }
        guard bytes(text[4..<16]) != nil, let secret = bytes(text[17...]) else { return nil }
        return (String(decoding: text[4..<16], as: UTF8.self), secret)
    }

    static func digest(_ secret: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: secret)) }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Lower case only, so that a key has one spelling.
    private static func bytes(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        var high: UInt8?
        for digit in digits {
            let value: UInt8
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
            default: return nil
            }
            if let first = high {
                result.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return high == nil ? result : nil
    }
}

/// What is kept of a key.
public struct KeyRecord: Sendable, Equatable {
    /// Twelve hexadecimal digits; not secret.
    public var id: String
    public var name: String
    public var departments: Set<String>
    /// SHA-256 of the secret, 32 bytes.
    public var digest: [UInt8]
    public var createdAt: Date
    /// Nil while the key is good.
    public var revokedAt: Date?

    public init(id: String, name: String, departments: Set<String>, digest: [UInt8], createdAt: Date, revokedAt: Date?) {
        self.id = id
        self.name = name
        self.departments = departments
        self.digest = digest
        self.createdAt = createdAt
        self.revokedAt = revokedAt
    }

    /// The viewer who holds the key, when `secret` is its and it has not been revoked.
    ///
    /// Takes the same time wherever the digests differ.
    package func viewer(secret: [UInt8]) -> Viewer? {
        // Compared in constant time: this is the comparison of a digest with bytes, not of two arrays.
        guard SHA256.hash(data: secret) == Data(digest), revokedAt == nil else { return nil }
        return Viewer(name: name, keyID: id, departments: departments, mayReadInternal: true, mayReadEverything: false)
    }
}
