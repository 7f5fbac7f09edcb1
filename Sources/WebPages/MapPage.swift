import Foundation

/// The page at `/map` in one language: the template with the words of that language's catalogue put in.
struct MapPage: Sendable {
    /// Nothing but our own files, no inline script or style; MapLibre starts its worker from a blob.
    static let contentSecurityPolicy =
        "default-src 'none'; script-src 'self'; worker-src 'self' blob:; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        + "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

    let html: [UInt8]
    let gzip: [UInt8]
    /// A strong entity tag, with its quotes.
    let tag: String

    /// - Parameter assets: the address of the assets, relative to the page’s.
    init(template: String, words: [String: String], language: String, assets: String) {
        var words = words
        words["language"] = language
        words["assets"] = assets
        html = Array(MapPage.filled(template, words).utf8)
        gzip = html.withUnsafeBytes { PageAsset.gzip($0) }
        tag = "\"" + String(PageAsset.hash(html), radix: 36) + "\""
    }

    /// Puts `words` where the template has `{{key}}`, escaped for text and attributes alike.
    ///
    /// A key that the catalogue does not have is our own mistake, and a test looks for it.
    static func filled(_ template: String, _ words: [String: String]) -> String {
        var result = ""
        var rest = template[...]
        while let start = rest.range(of: "{{"), let end = rest.range(of: "}}", range: start.upperBound..<rest.endIndex) {
            result += rest[..<start.lowerBound]
            let key = String(rest[start.upperBound..<end.lowerBound])
            guard let word = words[key] else { preconditionFailure("the catalogue of the page lacks \(key)") }
            result += escaped(word)
            rest = rest[end.upperBound...]
        }
        return result + rest
    }

    private static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
    }
}
