import HTTPTypes

/// A request that the connection already refused: too long, too many fields, malformed.
///
/// The connection cannot answer by itself, because answers to requests sent before must go first. So it passes on a request of its own
/// making, in the order of the others. Its path has a space in it, which no path from outside can have.
public enum RefusedRequest {
    /// The path that says why.
    public static func path(_ code: Problem.Code) -> String { "* " + code.rawValue }

    /// What can be done with every address.
    static let methods = "GET, HEAD, OPTIONS"

    static let methodNotAllowed = Problem(
        .methodNotAllowed, ja: "GET、HEAD、OPTIONSが使えます。", en: "There are GET, HEAD and OPTIONS.", headers: [.allow: methods])

    /// Why a request with this path was refused; nil for one from outside.
    static func problem(path: String) -> Problem? {
        guard path.hasPrefix("* "), let code = Problem.Code(rawValue: String(path.dropFirst(2))) else { return nil }
        switch code {
        case .addressTooLong:
            return Problem(code, ja: "アドレスは8 KiBまでです。", en: "An address may have up to 8 KiB.")
        case .headersTooLarge:
            return Problem(code, ja: "ヘッダーは全体で16 KiB、100行までです。", en: "Header fields may have up to 16 KiB and be up to 100.")
        case .bodyTooLarge:
            return Problem(code, ja: "この要求に本文は付けられないか、本文が大きすぎます。", en: "This request may not have a body, or not so large a one.")
        case .unsupportedEncoding:
            return Problem(code, ja: "本文は圧縮せずに送ってください。", en: "Send bodies uncompressed.", headers: [.acceptEncoding: "identity"])
        case .methodNotAllowed:
            return methodNotAllowed
        default:
            return Problem(.badRequest, ja: "HTTPの要求として読めません。", en: "This does not read as an HTTP request.")
        }
    }
}
