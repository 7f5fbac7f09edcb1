import AtlasKit
import Descriptions
import Foundation
import Geo
import HTTPAPI
import Testing

@testable import Server

/// Legends as lists and as pictures, over HTTP.
struct LegendTests {
    private static let hostile = "<script>alert('x')</script>]]>\u{1}"

    private static func layers(_ office: Office) throws {
        try office.load(
            LayerDescription(
                id: "flood", title: LocalizedText(ja: "洪水", en: "Flood"), theme: "hazard", access: .public,
                hazard: HazardDescription(kind: "flood", scheme: "depth-6", classAttribute: "rank", coverage: .file("a.geojson"))),
            attributes: [Attribute(name: "rank", type: .integer)], rows: [Office.Row(.box(140, 37, 140.1, 37.1), [.integer(2)])])
        try office.load(
            LayerDescription(id: "secret", title: LocalizedText(ja: "秘密の層"), access: .internal), rows: [Office.Row(.point(140, 37))])
        try office.load(
            LayerDescription(id: "odd", title: LocalizedText(ja: hostile, en: hostile), access: .public),
            rows: [Office.Row(.point(140, 37))])
    }

    @Test func `a legend comes as JSON, SVG or PNG, as f and Accept have it`() async throws {
        try await Site.run({ $0.pictures = nil }, layers: LegendTests.layers) { site in
            let path = "/collections/flood/legend"
            for (query, accept, type) in [
                ("", "*/*", "application/json"), ("?f=svg", "*/*", "image/svg+xml"), ("", "image/svg+xml", "image/svg+xml"),
                ("", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "image/svg+xml"),
                ("?f=json", "image/png", "application/json"),
                ("", "image/png;q=0.5,image/svg+xml", "image/svg+xml"), ("?f=svg&lang=en", "*/*", "image/svg+xml"),
                ("?lang=en", "*/*", "application/json"),
            ] {
                let answer = try await site.get(path + query, "Accept: \(accept)")
                #expect(
                    answer.status == 200 && answer["content-type"] == type,
                    "\(query) \(accept): \(answer.status) \(answer["content-type"] ?? "")")
                #expect(answer["vary"]?.contains("Accept") == true)
                let tag = try #require(answer["etag"])
                #expect(try await site.get(path + query, "Accept: \(accept)", "If-None-Match: \(tag)").status == 304)
            }
            let english = try await site.get(path + "?f=svg&lang=en")
            #expect(english.text.contains("0.5 to 3.0 m") && english.text.contains("<title id=\"title\">Legend: Flood</title>"))
            #expect(try await site.get(path + "?f=svg").text.contains("0.5m以上3.0m未満"))
            #expect(
                try await site.get(path + "?f=svg&lang=fr-CA").text.contains("0.5m以上3.0m未満"), "a language that is not there is Japanese")
            #expect(english["content-security-policy"] == "sandbox" && english["x-content-type-options"] == "nosniff")
            // Without the program the others go on.
            for (query, accept) in [("?f=png", "*/*"), ("", "image/png")] {
                let answer = try await site.get(path + query, "Accept: \(accept)")
                #expect(answer.status == 501 && answer.code == "not-available" && answer.text.contains("f=svg"))
            }
            for (query, code) in [
                ("?f=gif", "invalid-parameter"), ("?f=svg&scale=2", "invalid-parameter"), ("?f=png&scale=0", "invalid-parameter"),
                ("?f=png&scale=5", "invalid-parameter"), ("?f=png&scale=+2", "invalid-parameter"),
                ("?f=svg&lang=%22%3E", "invalid-parameter"),
                ("?f=svg&language=en", "unknown-parameter"), ("?collections=flood", "unknown-parameter"),
            ] {
                let answer = try await site.get(path + query)
                #expect(answer.status == 400 && answer.code == code, "\(query)")
            }
            #expect(try await site.get("/collections/secret/legend?f=svg").status == 404)
        }
    }

    @Test func `the town's legend holds what the viewer may see`() async throws {
        try await Site.run({ $0.pictures = nil }, layers: LegendTests.layers) { site in
            let json = try await site.get("/styles/town/legend").json
            #expect((json["legends"] as? [String: Any])?.keys.sorted() == ["flood", "odd"])
            let svg = try await site.get("/styles/town/legend?f=svg").text
            #expect(svg.contains(">洪水</text>") && !svg.contains("秘密") && !svg.contains("<script"))
            let one = try await site.get("/styles/town/legend?f=svg&collections=odd").text
            #expect(!one.contains("洪水") && one.contains("&lt;script&gt;"))
            #expect(try await site.get("/styles/town/legend?collections=secret").status == 404)
            for wrong in ["", "flood,flood", ","] {
                #expect(try await site.get("/styles/town/legend?collections=\(wrong)").status == 400)
            }
            let links = try #require(
                (try await site.get("/styles").json["styles"] as? [[String: Any]])?.first?["links"] as? [[String: Any]])
            #expect(links.count == 4)
        }
    }

    @Test(.enabled(if: PictureProgram.installed != nil || isStrict, "rsvg-convert is not installed"))
    func `a PNG is made, as large as it was asked for, and is the same again`() async throws {
        try await Site.run(layers: LegendTests.layers) { site in
            let svg = try await site.get("/collections/flood/legend?f=svg").text
            let size = try #require(svg.firstMatch(of: /width="(\d+)" height="(\d+)"/))
            let (width, height) = (Int(size.1) ?? 0, Int(size.2) ?? 0)
            for scale in 1...4 {
                let png = try await site.get("/collections/flood/legend?f=png&scale=\(scale)")
                #expect(png.status == 200 && png["content-type"] == "image/png")
                // PNG (ISO/IEC 15948), 11.2.2: the width and the height follow the signature and the name of the first chunk.
                func number(_ at: Int) -> Int { png.body[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
                #expect(png.body.prefix(8) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
                #expect(number(16) == scale * width && number(20) == scale * height)
                #expect(try await site.get("/collections/flood/legend?f=png&scale=\(scale)").body == png.body)
            }
            #expect(try await site.get("/collections/odd/legend?f=png").status == 200)
            #expect(try await site.get("/styles/town/legend?f=png&lang=en").status == 200)
        }
    }

    @Test func `a program that hangs or fails is a problem in words, and ends`() async throws {
        let office = try Office()
        func script(_ name: String, _ text: String) throws -> PictureProgram {
            let file = office.folder.path(name)
            try Data("#!/bin/sh\n\(text)\n".utf8).write(to: file)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
            return PictureProgram(path: file.path)
        }
        for (name, text) in [("fails", "echo no >&2; exit 3"), ("lies", "echo not a picture"), ("floods", "cat /dev/zero")] {
            let program = try script(name, text)
            try await Site.run({ $0.pictures = program }, layers: LegendTests.layers) { site in
                let answer = try await site.get("/collections/flood/legend?f=png")
                #expect(answer.status == 500 && answer.code == "failure" && answer.text.contains("f=svg"), "\(name)")
                #expect(try await site.get("/collections/flood/legend?f=svg").status == 200)
            }
        }
        var hangs = try script("hangs", "sleep 60")
        hangs.timeLimit = 0.2
        let program = hangs
        try await Site.run({ $0.pictures = program }, layers: LegendTests.layers) { site in
            let answer = try await site.get("/collections/flood/legend?f=png")
            #expect(answer.status == 503 && answer.code == "deadline")
        }
    }
}

private let isStrict = ProcessInfo.processInfo.environment["KASANE_STRICT"] == "1"
