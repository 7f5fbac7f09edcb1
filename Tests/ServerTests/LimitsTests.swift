import AtlasKit
import Foundation
import HTTPAPI
import Testing

@testable import Server

/// Every promise of the limits, over a real socket. Times are made short; the promise itself is the default.
@Suite struct LimitsTests {
    private static let host = "Host: gis.example\r\n"

    @Test func `the promises are as written`() {
        let limits = ConnectionLimits()
        #expect(limits.address == 8192 && limits.headers == 16_384 && limits.headerFields == 100)
        #expect(limits.headTime == .seconds(10) && limits.stallTime == .seconds(20) && limits.idleTime == .seconds(15))
        #expect(limits.pressedIdleTime == .seconds(2) && limits.bodyRate == 1024 && limits.bodyTime == .seconds(10))
        #expect(limits.connectionsPerAddress == 256 && limits.connections == 20_000 && limits.descriptorReserve == 200)
        #expect(RequestBodies.question == 65_536)
        #expect(ServerSettings().deadline == 2)
    }

    @Test func `an address of 8 KiB is read and a longer one is not`() async throws {
        try await Site.run { site in
            let longest = "/collections/roads?f=json&a=" + String(repeating: "x", count: 8192 - 28)
            #expect(longest.utf8.count == 8192)
            #expect(try await site.get(longest).code == "unknown-parameter")
            for length in [8193, 12_000, 16_000, 20_000, 100_000, 1_000_000] {
                let answer = try await site.get("/" + String(repeating: "a", count: length - 1))
                #expect(answer.status == 414, "\(length)")
                #expect(answer.code == "address-too-long")
                #expect(answer["connection"] == "close")
            }
        }
    }

    @Test func `a hundred header fields and 16 KiB of them are read and no more`() async throws {
        try await Site.run { site in
            // Host and Connection are two of them.
            func fields(_ count: Int) -> String { (0..<count).map { "X-\($0): a" }.joined(separator: "\r\n") }
            #expect(try await site.get("/", fields(98)).status == 200)
            for count in [99, 110, 200, 5000] {
                let answer = try await site.get("/", fields(count))
                #expect(answer.status == 431, "\(count)")
                #expect(answer.code == "headers-too-large")
            }
            #expect(try await site.get("/", "X: " + String(repeating: "a", count: 16_000)).status == 200)
            for length in [16_384, 20_000, 33_000, 500_000] {
                let answer = try await site.get("/", "X: " + String(repeating: "a", count: length))
                #expect(answer.status == 431, "\(length)")
            }
        }
    }

    @Test func `half a million short fields end one connection and nothing else`() async throws {
        try await Site.run { site in
            let wire = try Wire(port: site.port)
            try? await wire.send("GET / HTTP/1.1\r\n" + Self.host + String(repeating: "a: b\r\n", count: 500_000))
            let rest = try await wire.rest()
            #expect(String(decoding: rest, as: UTF8.self).hasPrefix("HTTP/1.1 431"))
            #expect(try await site.get("/").status == 200)
        }
    }

    @Test func `a head that takes too long ends the connection, from its first byte`() async throws {
        try await Site.run { settings in
            settings.limits.headTime = .milliseconds(300)
            settings.limits.idleTime = .seconds(60)
        } _: { site in
            let wire = try Wire(port: site.port)
            // Nothing sent yet: the time does not run.
            try await Task.sleep(for: .milliseconds(500))
            let begin = ContinuousClock.now
            try await wire.send("GET / HTTP/1.1\r\n")
            let dribble = Task {
                for _ in 0..<100 {
                    try await Task.sleep(for: .milliseconds(50))
                    try await wire.send("X")
                }
            }
            let answer = try await Self.rest(of: wire)
            #expect(answer.isEmpty)
            #expect(ContinuousClock.now - begin > .milliseconds(250))
            dribble.cancel()

            // The second request of a connection has its own time.
            let second = try Wire(port: site.port)
            try await second.send("GET /healthz HTTP/1.1\r\n" + Self.host + "\r\n")
            #expect(try await second.answer().status == 200)
            try await second.send("GET /healthz HTTP/1.1\r\n")
            #expect(try await second.rest().isEmpty)
        }
    }

    /// The socket is read on the queue on which it is written, so a second one listens to the end.
    private static func rest(of wire: Wire) async throws -> [UInt8] {
        do { return try await wire.restInParallel() } catch is Wire.Failure { return [] }
    }

    @Test func `a connection that lies idle is ended`() async throws {
        try await Site.run { settings in
            settings.limits.idleTime = .seconds(1)
        } _: { site in
            let silent = try Wire(port: site.port)
            let begin = ContinuousClock.now
            #expect(try await silent.rest().isEmpty)
            let kept = try Wire(port: site.port)
            for _ in 0..<2 {
                try await kept.send("GET /healthz HTTP/1.1\r\n" + Self.host + "\r\n")
                #expect(try await kept.answer().status == 200)
            }
            #expect(try await kept.rest().isEmpty)
            #expect(ContinuousClock.now - begin < .seconds(20))
        }
    }

    @Test func `a body on a GET is refused before it is read`() async throws {
        try await Site.run { site in
            for (method, field) in [
                ("GET", "Content-Length: 5"), ("GET", "Content-Length: 99999999999999999999"), ("HEAD", "Content-Length: 1"),
                ("OPTIONS", "Content-Length: 1"), ("GET", "Transfer-Encoding: chunked"), ("DELETE", "Content-Length: 1"),
                ("POST", "Content-Length: 70000"), ("PUT", "Transfer-Encoding: chunked"),
            ] {
                let answer = try await site.get("/", method: method, field)
                #expect([413, 405, 400].contains(answer.status), "\(method) \(field)")
                #expect(answer["connection"] == "close")
            }
            #expect(try await site.get("/", "Content-Length: 5").code == "body-too-large")
            #expect(try await site.get("/", "Content-Length: 0").status == 200)
            #expect(try await site.get("/", "Content-Length: 5", "Content-Encoding: gzip").status == 415)
            #expect(try await site.get("/", method: "POST", "Content-Length: 5", "Content-Encoding: br").code == "unsupported-encoding")
        }
    }

    @Test func `a Range is not looked at`() async throws {
        try await Site.run { site in
            let whole = try await site.get("/collections")
            for range in [
                "bytes=0-9223372036854775807", "bytes=-0", "bytes=0-0,1-1,2-2", "bytes=5-", "lines=1-2", "bytes=18446744073709551616-",
            ] {
                let answer = try await site.get("/collections", "Range: " + range)
                #expect(answer.status == 200 && answer.body == whole.body, "\(range)")
            }
        }
    }

    @Test func `requests that are none, or two in one, are refused`() async throws {
        try await Site.run { site in
            for request in [
                "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: \r\n\r\n", "nonsense\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/9.9\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
                "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}",
            ] {
                let wire = try Wire(port: site.port)
                try await wire.send(request)
                let answer = String(decoding: try await wire.rest(), as: UTF8.self)
                #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(request.debugDescription): \(answer.prefix(60))")
                #expect(answer.components(separatedBy: "HTTP/1.1 ").count <= 2, "\(request.debugDescription) has one answer")
            }
            #expect(try await site.get("/").status == 200)
        }
    }

    @Test func `older and odd forms of HTTP are answered`() async throws {
        try await Site.run { site in
            for (request, status) in [
                ("GET / HTTP/1.0\r\n\r\n", 200), ("GET / HTTP/1.0\r\nHost: gis.example\r\n\r\n", 200),
                ("GET http://gis.example/collections HTTP/1.1\r\nHost: gis.example\r\nConnection: close\r\n\r\n", 200),
                ("OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 204),
                ("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n", 200),
                ("CONNECT gis.example:80 HTTP/1.1\r\nHost: gis.example\r\n\r\n", 405),
                ("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n", 200),
                ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-Host: evil.example\r\nX-Original-URL: /x\r\n\r\n", 200),
            ] {
                let wire = try Wire(port: site.port)
                try await wire.send(request)
                let answer = String(decoding: try await wire.rest(), as: UTF8.self)
                #expect(answer.hasPrefix("HTTP/1.1 \(status)"), "\(request.debugDescription): \(answer.prefix(60))")
                #expect(!answer.contains("evil"))
            }
        }
    }

    @Test func `pipelined requests are answered in order, a bad one last`() async throws {
        try await Site.run { site in
            let wire = try Wire(port: site.port)
            let good = "GET /healthz HTTP/1.1\r\n" + Self.host + "\r\n"
            try await wire.send(String(repeating: good, count: 500) + "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + good)
            for _ in 0..<500 { #expect(try await wire.answer().status == 200) }
            #expect(try await wire.answer().status == 400)
            #expect(try await wire.rest().isEmpty)
        }
    }

    @Test func `a reader that takes nothing is cut off, and a slow one is not`() async throws {
        try await Site.run { settings in
            // Longer than another test may keep this one's reader waiting, shorter than it reads.
            settings.limits.stallTime = .seconds(4)
        } layers: { office in
            try Site.large(office)
        } _: { site in
            let request = "GET /collections/large/items?limit=10000 HTTP/1.1\r\n" + Self.host + "Connection: close\r\n\r\n"
            let stalled = try Wire(port: site.port, receiveBuffer: 4096)
            try await stalled.send(request)
            let slow = try Wire(port: site.port, receiveBuffer: 65_536)
            try await slow.send(request)
            let head = try await slow.slowly(pieces: 14, pause: .milliseconds(400))
            #expect(head > 0)
            let whole = try await slow.rest()
            #expect(whole.count > 19_000_000)
            let cut = try await stalled.rest()
            #expect(cut.count < 19_000_000)
        }
    }

    @Test func `one address has so many connections and another has its own`() async throws {
        try await Site.run { settings in
            settings.limits.connectionsPerAddress = 5
        } _: { site in
            // Those that asked whether the server is ready are still on their way out.
            try await Task.sleep(for: .milliseconds(200))
            var open: [Wire] = []
            for _ in 0..<5 {
                let wire = try Wire(port: site.port)
                try await wire.send("GET /healthz HTTP/1.1\r\n" + Self.host + "\r\n")
                #expect(try await wire.answer().status == 200)
                open.append(wire)
            }
            let sixth = try Wire(port: site.port)
            try? await sixth.send("GET /healthz HTTP/1.1\r\n" + Self.host + "\r\n")
            #expect(try await sixth.rest().isEmpty)
            let other = try Wire(port: site.port, from: "127.0.0.2")
            try await other.send("GET /healthz HTTP/1.1\r\n" + Self.host + "\r\n")
            #expect(try await other.answer().status == 200)
            open.removeLast()
            try await Task.sleep(for: .milliseconds(200))
            let again = try Wire(port: site.port)
            try await again.send("GET /healthz HTTP/1.1\r\n" + Self.host + "\r\n")
            #expect(try await again.answer().status == 200)
        }
    }

    @Test func `all addresses together have so many connections`() async throws {
        try await Site.run { settings in
            settings.limits.connections = 4
        } _: { site in
            try await Task.sleep(for: .milliseconds(200))
            var open: [Wire] = []
            for number in 1...4 {
                let wire = try Wire(port: site.port, from: "127.0.0.\(number)")
                try await wire.send("GET /healthz HTTP/1.1\r\n" + Self.host + "\r\n")
                #expect(try await wire.answer().status == 200)
                open.append(wire)
            }
            let fifth = try Wire(port: site.port, from: "127.0.0.9")
            try? await fifth.send("GET /healthz HTTP/1.1\r\n" + Self.host + "\r\n")
            #expect(try await fifth.rest().isEmpty)
            withExtendedLifetime(open) {}
        }
    }

    @Test func `files stay free of connections`() {
        var limits = ConnectionLimits()
        limits.fit(descriptors: 1024)
        #expect(limits.connections == 824)
        limits.fit(descriptors: 100_000)
        #expect(limits.connections == 824)
        limits.fit(descriptors: 50)
        #expect(limits.connections == 1)
    }

    @Test func `who lies idle gives way under pressure, and only then`() async throws {
        try await Site.run { settings in
            settings.limits.connections = 10
            settings.limits.pressedIdleTime = .milliseconds(200)
            settings.limits.idleTime = .seconds(60)
        } _: { site in
            try await Task.sleep(for: .milliseconds(300))
            var open = [try Wire(port: site.port)]
            try await Task.sleep(for: .milliseconds(700))
            // One of ten: it was left alone.
            try await open[0].send("GET /healthz HTTP/1.1\r\n" + Self.host + "\r\n")
            #expect(try await open[0].answer().status == 200)
            for _ in 1..<10 { open.append(try Wire(port: site.port)) }
            try await Task.sleep(for: .seconds(1))
            // All places were taken; some are free again, long before the ordinary time is over.
            let late = try Wire(port: site.port)
            try await late.send("GET /healthz HTTP/1.1\r\n" + Self.host + "\r\n")
            #expect(try await late.answer().status == 200)
            withExtendedLifetime(open) {}
        }
    }

    @Test func `a crowd is told to come back`() async throws {
        try await Site.run { settings in
            settings.work.threads = 1
            settings.work.queue = 1
        } layers: { office in
            try Site.large(office)
        } _: { site in
            var refused: Wire.Answer?
            for _ in 0..<20 where refused == nil {
                let answers = try await withThrowingTaskGroup(of: Wire.Answer.self) { group in
                    for _ in 0..<12 { group.addTask { try await site.get("/collections/large/items?limit=500") } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(answers.allSatisfy { $0.status == 200 || $0.status == 503 })
                #expect(answers.contains { $0.status == 200 })
                refused = answers.first { $0.status == 503 }
            }
            let answer = try #require(refused)
            #expect(answer.code == "overloaded")
            #expect(answer["retry-after"] == "1")
            #expect(answer["cache-control"] == "no-store")
        }
    }

    @Test func `a body is read where one belongs, as far as 64 KiB`() async throws {
        try await Site.run { site in
            func post(_ path: String, _ fields: String, _ body: String) async throws -> Wire.Answer {
                let wire = try Wire(port: site.port)
                try? await wire.send("POST \(path) HTTP/1.1\r\n" + Self.host + "Content-Type: application/json\r\n\(fields)\r\n\r\n" + body)
                return try await wire.answer()
            }
            let path = "/collections/roads/search"
            let whole = "{\"limit\": 1" + String(repeating: " ", count: 65_536 - 12) + "}"
            #expect(whole.utf8.count == 65_536)
            #expect(try await ![413, 431].contains(post(path, "Content-Length: 65536", whole).status))
            for fields in ["Content-Length: 65537", "Content-Length: 99999999999999999999"] {
                let answer = try await post(path, fields, "")
                #expect([413, 400].contains(answer.status), "\(fields)")
                #expect(answer["connection"] == "close")
            }
            let chunk = "8000\r\n" + String(repeating: " ", count: 0x8000) + "\r\n"
            #expect(
                try await post(path, "Transfer-Encoding: chunked", String(repeating: chunk, count: 3) + "0\r\n\r\n").code
                    == "body-too-large")
            #expect(try await post("/collections/roads", "Content-Length: 2", "{}").status == 405)
        }
    }

    @Test func `a body that comes too slowly ends the connection`() async throws {
        try await Site.run { settings in
            settings.limits.bodyTime = .milliseconds(300)
            settings.limits.idleTime = .seconds(60)
        } _: { site in
            let wire = try Wire(port: site.port)
            try await wire.send("POST /collections/roads/search HTTP/1.1\r\n" + Self.host + "Content-Length: 60000\r\n\r\n{")
            let dribble = Task {
                for _ in 0..<100 {
                    try await Task.sleep(for: .milliseconds(50))
                    try await wire.send(" ")
                }
            }
            #expect(try await Self.rest(of: wire).isEmpty)
            dribble.cancel()
        }
    }

    @Test func `a body that comes in pieces is read whole`() async throws {
        try await Site.run { settings in
            // A window ends while the body comes, and has enough of it.
            settings.limits.bodyTime = .milliseconds(250)
            settings.limits.bodyRate = 1
        } _: { site in
            let wire = try Wire(port: site.port)
            try await wire.send("POST /collections/roads/search HTTP/1.1\r\n" + Self.host + "Content-Length: 60000\r\n\r\n")
            for _ in 0..<6 {
                try await wire.send(String(repeating: " ", count: 10_000))
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(try await wire.answer().status == 400)
        }
    }

    @Test func `a client that asks whether to go on is told so`() async throws {
        try await Site.run { site in
            let wire = try Wire(port: site.port)
            try await wire.send(
                "POST /collections/roads/search HTTP/1.1\r\n" + Self.host + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            #expect(try await wire.answer(hasBody: false).status == 100)
            try await wire.send("{}")
            #expect(try await wire.answer().status != 100)
        }
    }

    @Test(arguments: [
        "23/0/0", "64/0/0", "-1/0/0", "9223372036854775808/0/0", "0/1/0", "0/0/1", "10/1024/0", "10/0/1024", "10/-1/0", "1e1/0/0",
        "010/0/0",
        "10/0/0x1", "10/0/１", "10/0/ ", "10/0/0.png", "10/0/0.mvt.mvt", "99999999999999999999999/0/0", "10/0/%00", "10/0/",
    ])
    func `tiles that do not exist are not found`(tile: String) async throws {
        try await Site.run { site in
            let encoded = tile.replacing(" ", with: "%20").replacing("１", with: "%EF%BC%91")
            let answer = try await site.get("/collections/roads/tiles/WebMercatorQuad/" + encoded)
            #expect([404, 400].contains(answer.status), "\(tile)")
            #expect(answer.status == 404 || tile.contains("%00"))
        }
    }

    @Test func `what takes too long is told to come back`() async throws {
        try await Site.run { settings in
            settings.deadline = 0.000_001
        } _: { site in
            let answer = try await site.get("/collections")
            #expect(answer.status == 503)
            #expect(answer.code == "deadline")
            #expect(answer["retry-after"] == "5")
        }
    }
}
