import Foundation
import HTTPTypes
public import Hummingbird

/// The map page and its files; it speaks to the server over HTTP, as any other client does.
///
/// Everything comes from the binary, nothing from another host. The files lie below a folder named by a hash of them all, so that browsers and
/// caches may keep them for ever, and modules find each other by relative addresses.
public struct WebPages: Sendable {
    private let pages: [String: MapPage]
    private let assets: [String: PageAsset]
    /// Names what the assets are, in the addresses and as entity tag.
    let version: String

    private static let languages = ["ja", "en"]
    private static let defaultLanguage = "ja"
    /// For pages: short, and long enough to outlast a server that is gone (RFC 5861).
    private static let pageCaching = "public, max-age=60, stale-while-revalidate=600, stale-if-error=86400"
    private static let assetCaching = "public, max-age=31536000, immutable"

    /// - Complexity: hashes a megabyte; well under a millisecond in a release build.
    public init() {
        let found = PageAsset.all
        let hashes = found.sorted { $0.path < $1.path }.map { $0.path + String($0.hash, radix: 36) }
        let version = String(PageAsset.hash(Array(hashes.joined(separator: "\n").utf8)), radix: 36)
        let byPath = Dictionary(uniqueKeysWithValues: found.map { ($0.path, $0) })
        func file(_ path: String) -> String {
            guard let asset = byPath[path] else { preconditionFailure("\(path) is not among the assets") }
            return asset.text
        }
        pages = Dictionary(
            uniqueKeysWithValues: WebPages.languages.map { language in
                (
                    language,
                    MapPage(
                        template: file("map.html"), words: WebPages.catalogue(file("strings/\(language).json")), language: language,
                        assets: "map/assets/\(version)")
                )
            })
        assets = byPath.filter { $0.key != "map.html" }
        self.version = version
    }

    static func catalogue(_ json: String) -> [String: String] {
        guard let words = try? JSONDecoder().decode([String: String].self, from: Data(json.utf8)) else {
            preconditionFailure("a catalogue of words is not a flat JSON object")
        }
        return words
    }

    /// Adds `GET /map` and `GET /map/assets/…`.
    public func addRoutes<Context: RequestContext>(to router: Router<Context>) {
        router.get("map") { request, _ in page(request) }
        router.get("map/assets/:version/**") { request, context in
            try asset(
                context.parameters.getCatchAll().joined(separator: "/"), isCurrent: context.parameters.require("version") == version,
                request)
        }
    }

    private func page(_ request: Request) -> Response {
        let language = request.uri.queryParameters["lang"].map(String.init) ?? WebPages.defaultLanguage
        // An unknown language gets the page all the same: a resident who mistypes shall not stand before an error.
        guard let page = pages[language] ?? pages[WebPages.defaultLanguage] else { preconditionFailure("no page in the default language") }
        var headers: HTTPFields = [
            .contentType: "text/html; charset=utf-8", .contentSecurityPolicy: MapPage.contentSecurityPolicy,
            .cacheControl: WebPages.pageCaching, .vary: "Accept-Encoding", .xContentTypeOptions: "nosniff",
        ]
        headers[.permissionsPolicy] = "geolocation=(self), camera=(), microphone=(), payment=()"
        headers[.referrerPolicy] = "no-referrer"
        return WebPages.answer(request, headers: headers, tag: page.tag, plain: { page.html }, gzip: { page.gzip })
    }

    private func asset(_ path: String, isCurrent: Bool, _ request: Request) throws -> Response {
        guard let asset = assets[path] else { throw HTTPError(.notFound) }
        let headers: HTTPFields = [
            .contentType: asset.mediaType, .vary: "Accept-Encoding", .xContentTypeOptions: "nosniff",
            // A page from before an update asks by the old name. It gets what there is, and nobody keeps that under this name.
            .cacheControl: isCurrent ? WebPages.assetCaching : "no-store",
        ]
        let tag = "\"" + String(asset.hash, radix: 36) + "\""
        return WebPages.answer(request, headers: headers, tag: tag, plain: { asset.bytes }, gzip: { asset.gzip })
    }

    /// The bytes as the client takes them, or 304 when it has them (RFC 9110, 13.1.2).
    private static func answer(
        _ request: Request, headers: HTTPFields, tag: String, plain: () -> [UInt8], gzip: () -> [UInt8]
    ) -> Response {
        var headers = headers
        let compressed = acceptsGzip(request.headers[.acceptEncoding] ?? "")
        // Other bytes, another strong tag.
        let compressedTag = tag.dropLast() + "-gzip\""
        headers[.eTag] = compressed ? String(compressedTag) : tag
        let known = (request.headers[.ifNoneMatch] ?? "").split(separator: ",").map { field in
            let trimmed = field.drop { $0 == " " }.prefix { $0 != " " }
            return trimmed.hasPrefix("W/") ? trimmed.dropFirst(2) : trimmed
        }
        if known.contains(where: { $0 == "*" || $0 == tag || $0 == compressedTag }) {
            headers[.contentType] = nil
            return Response(status: .notModified, headers: headers)
        }
        if compressed { headers[.contentEncoding] = "gzip" }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: compressed ? gzip() : plain())))
    }

    /// `gzip` is named, and not with a weight of zero (RFC 9110, 12.5.3).
    static func acceptsGzip(_ field: String) -> Bool {
        field.lowercased().split(separator: ",").contains { item in
            let parts = item.split(separator: ";").map { $0.filter { $0 != " " } }
            guard let name = parts.first, name == "gzip" || name == "*" else { return false }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) }
            return weight != 0
        }
    }
}

extension HTTPField.Name {
    static let permissionsPolicy = HTTPField.Name("Permissions-Policy")!
    static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
}
