import Formats

/// How the bytes of an answer are compressed on their way (RFC 9110, 8.4.1).
enum ContentCoding: UInt8, Sendable, CaseIterable {
    case identity
    case gzip
    /// Of all that browsers take it makes the smallest tiles, see `Brotli`; they ask for it over HTTPS only, so behind a proxy that has the certificate.
    case brotli

    /// As in `Content-Encoding`; nil for what is sent as it is.
    var name: String? {
        switch self {
        case .identity: nil
        case .gzip: "gzip"
        case .brotli: "br"
        }
    }

    /// - Parameter isKept: the result is sent many times, so it may take longer to make it small.
    func compress(_ bytes: [UInt8], isKept: Bool) -> [UInt8] {
        bytes.withUnsafeBytes { compress($0, isKept: isKept) }
    }

    func compress(_ bytes: UnsafeRawBufferPointer, isKept: Bool) -> [UInt8] {
        switch self {
        case .identity: Array(bytes)
        case .gzip: Gzip.compress(bytes, level: isKept ? 6 : 1)
        case .brotli: Brotli.compress(bytes, quality: isKept ? 5 : 2)
        }
    }
}
