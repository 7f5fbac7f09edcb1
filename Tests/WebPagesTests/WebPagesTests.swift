import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing

@testable import WebPages

/// `GET path` of a server with nothing but the pages.
private func get(_ path: String, headers: HTTPFields = [:]) async throws -> TestResponse {
    let router = Router()
    WebPages().addRoutes(to: router)
    return try await Application(router: router).test(.router) { client in
        try await client.execute(uri: path, method: .get, headers: headers)
    }
}

private func text(_ response: TestResponse) -> String {
    String(buffer: response.body)
}

@Test func `the page is Japanese, and English when asked`() async throws {
    let japanese = try await text(get("/map"))
    let english = try await text(get("/map?lang=en"))
    #expect(japanese.contains("<html lang=\"ja\">") && japanese.contains("現在地を調べる"))
    #expect(english.contains("<html lang=\"en\">") && english.contains("Where I am"))
    #expect(try await text(get("/map?lang=xx")) == japanese)
    for page in [japanese, english] { #expect(!page.contains("{{")) }
}

@Test func `the page allows no code but its own files`() async throws {
    let response = try await get("/map")
    let page = text(response)
    #expect(
        response.headers[.contentSecurityPolicy]
            == "default-src 'none'; script-src 'self'; worker-src 'self' blob:; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )
    #expect(!page.contains("<style") && !page.contains(" style=") && page.firstMatch(of: /<script(?![^>]*\bsrc=)/) == nil)
    #expect(page.firstMatch(of: /\bon[a-z]+=/) == nil)
}

@Test func `everything the page names is there, from this server, and kept for ever`() async throws {
    let page = try await text(get("/map"))
    let addresses = page.matches(of: /(?:src|href)="([^"]+)"/).map { String($0.1) }
    let assets = addresses.filter { $0.hasPrefix("map/assets/") }
    #expect(assets.count >= 4)
    // What is not an asset is a place in the page, another page of this server, or the empty icon.
    for address in addresses where !assets.contains(address) {
        #expect(
            address.hasPrefix("#") || address.hasPrefix("?lang=") || ["collections?f=html", "data:,"].contains(address)
                || address.hasPrefix("styles/town/legend?"),
            "\(address)")
    }
    for address in assets {
        let response = try await get("/" + address)
        #expect(response.status == .ok && response.body.readableBytes > 0, "\(address)")
        #expect(response.headers[.cacheControl] == "public, max-age=31536000, immutable")
        #expect(response.headers[.xContentTypeOptions] == "nosniff")
    }
}

@Test func `modules import only modules that are there`() async throws {
    let base = "/map/assets/\(WebPages().version)/js/"
    var waiting = ["main.js"]
    var seen: Set<String> = []
    while let name = waiting.popLast() {
        guard seen.insert(name).inserted else { continue }
        let response = try await get(base + name)
        #expect(response.status == .ok && response.headers[.contentType] == "text/javascript; charset=utf-8", "\(name)")
        waiting += text(response).matches(of: /from "\.\/([^"]+)"/).map { String($0.1) }
    }
    #expect(seen.count == 9)
}

@Test func `a file comes compressed to who takes it, and unpacks to the same bytes`() async throws {
    let path = "/map/assets/\(WebPages().version)/vendor/maplibre-gl.js"
    let plain = try await get(path)
    let packed = try await get(path, headers: [.acceptEncoding: "br, gzip"])
    #expect(plain.headers[.contentEncoding] == nil && packed.headers[.contentEncoding] == "gzip")
    #expect(packed.body.readableBytes < 280_000)
    #expect(plain.headers[.eTag] != packed.headers[.eTag])
    #expect(try gunzip(Data(buffer: packed.body)) == Data(buffer: plain.body))
    #expect(try await get(path, headers: [.acceptEncoding: "gzip;q=0"]).headers[.contentEncoding] == nil)
}

/// By another program than the one that packed.
private func gunzip(_ data: Data) throws -> Data {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("kasane-pages-\(UUID().uuidString).gz")
    try data.write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/gzip")
    process.arguments = ["-dc", file.path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let result = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return result
}

@Test(arguments: ["/map", "/map/assets/{version}/map.css"])
func `who has it already is told so`(path: String) async throws {
    let path = path.replacingOccurrences(of: "{version}", with: WebPages().version)
    let first = try await get(path, headers: [.acceptEncoding: "gzip"])
    let tag = try #require(first.headers[.eTag])
    for known in [tag, "W/" + tag, "\"other\", " + tag, "*"] {
        let again = try await get(path, headers: [.ifNoneMatch: known, .acceptEncoding: "gzip"])
        #expect(again.status == .notModified && again.body.readableBytes == 0 && again.headers[.eTag] == tag)
    }
    #expect(try await get(path, headers: [.ifNoneMatch: "\"other\""]).status == .ok)
}

@Test func `a page from before an update still gets its files, and nobody keeps them under the old name`() async throws {
    let response = try await get("/map/assets/old/map.css")
    #expect(response.status == .ok && response.headers[.cacheControl] == "no-store")
}

@Test(arguments: ["nothing.js", "map.html", "../map.css", "js/..%2fmap.css", "vendor/", ""])
func `nothing else is there`(name: String) async throws {
    #expect(try await get("/map/assets/\(WebPages().version)/\(name)").status == .notFound)
}

@Test func `both languages have all words, with the same values in them`() throws {
    func catalogue(_ language: String) throws -> [String: String] {
        let file = try #require(PageAsset.all.first { $0.path == "strings/\(language).json" })
        return WebPages.catalogue(file.text)
    }
    let japanese = try catalogue("ja")
    let english = try catalogue("en")
    #expect(Set(japanese.keys) == Set(english.keys))
    for (key, word) in japanese {
        func values(_ text: String) -> Set<String> { Set(text.matches(of: /\{(\w+)\}/).map { String($0.1) }) }
        #expect(values(word) == values(english[key] ?? ""), "\(key)")
    }
    // And every word a module asks for is in the catalogue.
    for module in PageAsset.all where module.path.hasPrefix("js/") {
        for match in module.text.matches(of: /\bwords\("([^"]+)"/) {
            #expect(japanese[String(match.1)] != nil, "\(module.path): \(match.1)")
        }
    }
}

@Test func `the licence of MapLibre is beside it`() throws {
    let licence = try #require(PageAsset.all.first { $0.path == "licences/maplibre-gl-js.txt" })
    #expect(licence.text.contains("MapLibre contributors") && licence.text.contains("Mapbox"))
}
