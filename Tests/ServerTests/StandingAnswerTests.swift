import AtlasKit
import Descriptions
import Foundation
import Geo
import Testing

@testable import Server

/// A tile that is asked for again is answered by the connection itself. Nobody may be able to tell but by the clock.
@Suite struct StandingAnswerTests {
    private static let tile = "/collections/shelters/tiles/WebMercatorQuad/14/6354/14577"

    private func ask(_ path: String, method: String = "GET", _ fields: String...) -> String {
        (["\(method) \(path) HTTP/1.1", "Host: gis.example"] + fields).joined(separator: "\r\n") + "\r\n\r\n"
    }

    private func fields(_ answer: Wire.Answer) -> [String] {
        answer.fields.filter { $0.name.lowercased() != "date" }.map { "\($0.name): \($0.value)" }
    }

    @Test func `the second answer is the first, in every coding`() async throws {
        try await Site.run { site in
            for coding in ["identity", "gzip", "gzip, deflate, br"] {
                let wire = try Wire(port: site.port)
                var answers: [Wire.Answer] = []
                for _ in 0..<3 {
                    try await wire.send(ask(Self.tile, "Accept-Encoding: \(coding)"))
                    answers.append(try await wire.answer())
                }
                #expect(answers.allSatisfy { $0.status == 200 && $0["date"]?.hasSuffix(" GMT") == true })
                #expect(answers.allSatisfy { $0.body == answers[0].body && fields($0) == fields(answers[0]) })
            }
            let tags = try await ["identity", "gzip", "br"].asyncMap { try await site.get(Self.tile, "Accept-Encoding: \($0)")["etag"] }
            #expect(Set(tags).count == 3)
            // A line in the log and a count for each, whoever answered.
            let lines = site.log.all.filter { $0.contains("\"path\":\"\(Self.tile)\"") }
            #expect(lines.count == 12 && lines.allSatisfy { $0.contains("\"status\":200") && $0.contains("\"address\":\"127.0.0.1\"") })
        }
    }

    @Test func `questions that are not plain are answered in full`() async throws {
        try await Site.run { site in
            let key = try site.office.catalogue.createKey(name: "test", by: "test")
            let first = try await site.get(Self.tile)
            let wire = try Wire(port: site.port)
            for _ in 0..<2 {
                try await wire.send(ask(Self.tile))
                _ = try await wire.answer()
                try await wire.send(ask(Self.tile, "If-None-Match: \(first["etag"] ?? "")"))
                let unchanged = try await wire.answer()
                #expect(unchanged.status == 304 && unchanged.body.isEmpty && unchanged["etag"] == first["etag"])
                try await wire.send(ask(Self.tile, method: "HEAD"))
                let head = try await wire.answer(hasBody: false)
                #expect(head.status == 200 && head["content-length"] == "\(first.body.count)")
                try await wire.send(ask(Self.tile, "Authorization: Bearer \(key)"))
                #expect(try await wire.answer()["cache-control"] == "private, no-store")
                try await wire.send(ask(Self.tile, "X-API-Key: wrong"))
                #expect(try await wire.answer().status == 401)
                try await wire.send(ask(Self.tile, "Cookie: a=b"))
                #expect(try await wire.answer()["cache-control"] == "private, no-store")
                try await wire.send(ask(Self.tile + "?v=1&w=2"))
                #expect(try await wire.answer().status == 400)
            }
            try await wire.send(ask(Self.tile, "Connection: close"))
            let last = try await wire.answer()
            #expect(last["connection"] == "close" && last.body == first.body)
            #expect(try await wire.rest().isEmpty)
            let old = try Wire(port: site.port)
            try await old.send("GET \(Self.tile) HTTP/1.0\r\nHost: gis.example\r\n\r\n")
            #expect(try await old.answer().body == first.body)
            #expect(try await old.rest().isEmpty)
        }
    }

    @Test func `answers to requests sent at once come in their order`() async throws {
        try await Site.run { site in
            let tile = try await site.get(Self.tile).body
            let wire = try Wire(port: site.port)
            let paths = [Self.tile, "/collections/shelters/items?limit=200", Self.tile, Self.tile, "/absent", Self.tile, "/healthz"]
            try await wire.send((paths + paths).map { ask($0) }.joined())
            for path in paths + paths {
                let answer = try await wire.answer()
                switch path {
                case Self.tile: #expect(answer.status == 200 && answer.body == tile)
                case "/absent": #expect(answer.status == 404)
                case "/healthz": #expect(answer.text.contains("ok"))
                default: #expect((answer.json["features"] as? [Any])?.count == 200)
                }
            }
        }
    }

    @Test func `what is published, hidden or withdrawn shows in the next answer`() async throws {
        try await Site.run { site in
            func load(_ name: String, _ access: LayerAccess) throws {
                try site.office.load(
                    LayerDescription(id: "shelters", title: LocalizedText(ja: "避難所"), access: access),
                    attributes: [Attribute(name: "name", type: .text)], rows: [Office.Row(.point(140.3, 37.4), [.text(name)])])
            }
            let wire = try Wire(port: site.port)
            func answer() async throws -> Wire.Answer {
                try await wire.send(ask(Self.tile))
                return try await wire.answer()
            }
            func wait(_ isThere: (Wire.Answer) -> Bool) async throws {
                while try await !isThere(answer()) { try await Task.sleep(for: .milliseconds(5)) }
                for _ in 0..<3 { #expect(isThere(try await answer())) }
            }
            for _ in 0..<3 { #expect(try await answer().text.contains("避難所1")) }
            try load("新しい", .public)
            try await wait { $0.text.contains("新しい") && !$0.text.contains("避難所1") }
            try site.office.catalogue.rollback("shelters", by: "test")
            try await wait { $0.text.contains("避難所1") }
            try load("内部", .internal)
            try await wait { $0.status == 404 }
            try load("公開", .public)
            try await wait { $0.text.contains("公開") }
            try site.office.catalogue.retire("shelters", by: "test")
            try await wait { $0.status == 404 }
        }
    }

    @Test func `a connection that is used stays open, and ends when it is not`() async throws {
        try await Site.run { settings in
            settings.limits.idleTime = .seconds(2)
        } _: { site in
            let wire = try Wire(port: site.port)
            let begin = ContinuousClock.now
            while ContinuousClock.now - begin < .milliseconds(2600) {
                let last = ContinuousClock.now
                do {
                    try await wire.send(ask(Self.tile))
                    #expect(try await wire.answer().status == 200)
                } catch {
                    Issue.record("the connection ended")
                    return
                }
                try await Task.sleep(for: .milliseconds(200))
                // On a machine that stands still for so long the server is right to end it.
                if ContinuousClock.now - last > .seconds(1) { return }
            }
            #expect(try await wire.rest().isEmpty)
        }
    }

    @Test func `dates are written as HTTP has them`() {
        #expect(DateLine.text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(DateLine.text(0) == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(DateLine.text(1_709_210_096) == "Thu, 29 Feb 2024 12:34:56 GMT")
    }

    @Test func `a tile that is not made in time is a 503 and is not kept`() async throws {
        try await Site.run { settings in
            settings.deadline = 1e-9
        } _: { site in
            for _ in 0..<2 {
                let answer = try await site.get(Self.tile)
                #expect(answer.status == 503 && answer["retry-after"] != nil && answer["cache-control"] == "no-store")
                #expect(answer.code == "deadline")
            }
            #expect(try await site.get("/metrics").text.contains("kasane_tile_cache_bytes 0.0\n"))
        }
    }

    @Test func `tiles that are known to be empty are answered without being kept`() async throws {
        try await Site.run { site in
            let empty = "/collections/shelters/tiles/WebMercatorQuad/14/0/0"
            #expect(try await site.get(Self.tile).status == 200)
            func bytes() async throws -> String? {
                try await site.get("/metrics").text.split(separator: "\n").first { $0.hasPrefix("kasane_tile_cache_bytes ") }.map(
                    String.init)
            }
            // Which tiles are empty is found out after the first answer.
            var kept = try await bytes()
            for column in 0..<2000 {
                let answer = try await site.get("/collections/shelters/tiles/WebMercatorQuad/14/1/\(column)")
                #expect(answer.status == 204 && answer.body.isEmpty && answer["etag"] != nil && answer["content-length"] == nil)
                let now = try await bytes()
                if now == kept { break }
                kept = now
                #expect(column < 1999)
            }
            let answer = try await site.get(empty)
            #expect(answer.status == 204)
            #expect(try await bytes() == kept)
            #expect(try await site.get(empty, "If-None-Match: \(answer["etag"] ?? "")").status == 304)
        }
    }
}

extension Array {
    fileprivate func asyncMap<Result>(_ body: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await body(element)) }
        return results
    }
}
