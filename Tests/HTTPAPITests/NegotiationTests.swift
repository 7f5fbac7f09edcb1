import Testing

@testable import HTTPAPI

@Suite struct NegotiationTests {
    private func chosen(f: String? = nil, _ accept: String...) throws -> String {
        try Negotiation.choose([.geoJSON, .html], f: f, accept: accept).name
    }

    @Test func `no Accept gets JSON`() throws {
        #expect(try chosen() == "json")
        #expect(try chosen("*/*") == "json")
        #expect(try chosen("") == "json")
        #expect(try chosen("image/png") == "json")
        #expect(try chosen("application/json") == "json")
    }

    @Test func `browsers get HTML`() throws {
        #expect(try chosen("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8") == "html")
        #expect(try chosen("text/*") == "html")
        #expect(try chosen("application/geo+json;q=0.5, text/html;q=0.6") == "html")
        #expect(try chosen("text/html;q=0, */*") == "json")
        #expect(try chosen("text/html;q=nonsense") == "json")
    }

    @Test func `f wins over Accept`() throws {
        #expect(try chosen(f: "json", "text/html") == "json")
        #expect(try chosen(f: "html", "application/json") == "html")
        #expect(throws: Problem.self) { try chosen(f: "xml") }
        #expect(throws: Problem.self) { try chosen(f: "JSON") }
    }

    @Test func `answers are compressed as the client likes best`() {
        #expect(Negotiation.coding(["gzip, deflate, br"]) == .brotli)
        #expect(Negotiation.coding(["gzip, deflate"]) == .gzip)
        #expect(Negotiation.coding(["br;q=0.1", "GZIP;q=1.0"]) == .gzip)
        #expect(Negotiation.coding(["br;q=0, gzip;q=0.001"]) == .gzip)
        #expect(Negotiation.coding(["x-gzip"]) == .gzip)
        #expect(Negotiation.coding(["*"]) == .brotli)
        #expect(Negotiation.coding(["br;q=0, *"]) == .gzip)
        #expect(Negotiation.coding(["gzip;q=0, *;q=0.2"]) == .brotli)
        #expect(Negotiation.coding(["identity, gzip;q=0.5"]) == .identity)
        #expect(Negotiation.coding(["identity;q=0.5, gzip"]) == .gzip)
        #expect(Negotiation.coding(["identity, gzip"]) == .gzip)
    }

    @Test func `answers are sent as they are to clients that take nothing else`() {
        for field in [
            [], [""], ["identity"], ["gzip;q=0, br;q=0"], ["*;q=0"], ["br;q=0, gzip;q=0, *"], ["zstd, deflate"], ["identity;q=0"],
            ["gzip;q=x"],
        ] {
            #expect(Negotiation.coding(field) == .identity, "\(field)")
        }
    }

    @Test func `Japanese unless English is liked better`() {
        #expect(Negotiation.language([]) == "ja")
        #expect(Negotiation.language(["en-US,en;q=0.9"]) == "en")
        #expect(Negotiation.language(["ja,en;q=0.9"]) == "ja")
        #expect(Negotiation.language(["en;q=0.5, ja;q=0.8"]) == "ja")
        #expect(Negotiation.language(["fr"]) == "ja")
    }

    @Test func `entity tags are compared as lists, weakly`() {
        let tag = EntityTag(from: ["a", "bc"])
        #expect(tag != EntityTag(from: ["ab", "c"]))
        #expect(tag.matches(ifNoneMatch: ["*"]))
        #expect(tag.matches(ifNoneMatch: ["\"x\", \(tag.text)"]))
        #expect(tag.matches(ifNoneMatch: ["W/" + tag.text]))
        #expect(tag.matches(ifNoneMatch: [tag.compressed(.gzip).text]))
        #expect(tag.matches(ifNoneMatch: [tag.compressed(.brotli).text]))
        #expect(Set(ContentCoding.allCases.map { tag.compressed($0).text }).count == ContentCoding.allCases.count)
        #expect(!tag.matches(ifNoneMatch: [tag.text.dropLast() + "-other\""]))
        #expect(!tag.matches(ifNoneMatch: []))
        #expect(!tag.matches(ifNoneMatch: ["\"x\""]))
        #expect(!tag.matches(ifNoneMatch: [String(tag.text.dropFirst().dropLast())]))
    }

    @Test(arguments: ["localhost", "127.0.0.1:8080", "gis.city.mihon.lg.jp", "[::1]:8080", "[2001:db8::1]", "a_b"])
    func `hosts`(text: String) {
        #expect(BaseURL(host: text)?.text == "http://" + text)
    }

    @Test(arguments: [
        "", "evil.example/path", "a b", "a@b", "a:99999", "a:", "a:b", "[::1", "a\"b", "<script>", "a%2Fb", "ほげ", "a?b", "a#b", "[x]",
        ":80",
        String(repeating: "a", count: 256),
    ])
    func `hosts that are none`(text: String) {
        #expect(BaseURL(host: text) == nil)
    }

    @Test func `configured addresses`() {
        #expect(BaseURL(configured: "https://gis.example/kasane/")?.text == "https://gis.example/kasane")
        #expect(BaseURL(configured: "ftp://gis.example") == nil)
        #expect(BaseURL(configured: "https://gis.example/a b") == nil)
        #expect(BaseURL(configured: "gis.example") == nil)
    }

    @Test(arguments: ["道路/中央 1+2", "a&b=c?d#e", "100%", "..", "", "が\u{304B}\u{3099}", "🗾~._-"])
    func `encoding and decoding come round`(text: String) {
        let encoded = PercentCoding.encode(text)
        #expect(encoded.utf8.allSatisfy { $0 < 0x80 && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "+") })
        #expect(PercentCoding.decode(encoded).map { Array($0.utf8) } == Array(text.utf8))
        #expect(PercentCoding.decode(encoded, plusIsSpace: true).map { Array($0.utf8) } == Array(text.utf8))
    }

    @Test func `a plus is itself in a path and a space in a query`() {
        #expect(PercentCoding.decode("a+b%20c") == "a+b c")
        #expect(PercentCoding.decode("a+b%20c", plusIsSpace: true) == "a b c")
        #expect(PercentCoding.decode("%252e") == "%2e")
    }

    @Test func `markup escapes whatever is not markup`() {
        let hostile = "<script>alert(\"1\")</script>&'"
        let inner: Markup = "<b>\(hostile)</b>"
        let outer: Markup = "<p title=\"\(hostile)\">\(inner)</p>"
        #expect(inner.text == "<b>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;</b>")
        #expect(!outer.text.contains("<script>"))
        #expect(outer.text.contains(inner.text))
    }
}
