import AtlasKit
import Descriptions
import Foundation
import Geo
import LayerCatalog
import Testing

@testable import Server

/// Starting, going on over publications, stopping.
@Suite struct LifeTests {
    @Test func `alive before ready, ready when the layers are loaded`() async throws {
        let gate = AsyncStream<Void>.makeStream()
        try await Site.run(
            preparation: { _, _ in
                for await _ in gate.stream { break }
            }, isReady: false
        ) { site in
            #expect(try await site.get("/healthz").status == 200)
            #expect(try await site.get("/readyz").status == 503)
            let early = try await site.get("/collections")
            #expect(early.status == 503)
            #expect(early.code == "not-ready")
            #expect(early["retry-after"] == "2")
            gate.continuation.yield()
            while try await site.get("/readyz").status != 200 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try await site.get("/collections").status == 200)
        }
    }

    @Test func `told to stop, it finishes what it is sending and takes nothing new`() async throws {
        try await Site.run(layers: Site.large, stoppingOn: [.sigusr2]) { site in
            let reader = try Wire(port: site.port, receiveBuffer: 4096)
            try await reader.send("GET /collections/large/items?limit=10000 HTTP/1.1\r\nHost: a\r\n\r\n")
            let idle = try Wire(port: site.port)
            _ = try await reader.slowly(pieces: 1, pause: .milliseconds(200))
            kill(getpid(), SIGUSR2)
            #expect(try await idle.rest().isEmpty)
            #expect(throws: Wire.Failure.self) { try Wire(port: site.port) }
            #expect(try await reader.rest().count > 19_000_000)
        }
    }

    @Test func `who reads slowly does not keep it from stopping`() async throws {
        try await Site.run({ $0.stopTime = 0.5 }, layers: Site.large, stoppingOn: [.sigwinch]) { site in
            let reader = try Wire(port: site.port, receiveBuffer: 4096)
            try await reader.send("GET /collections/large/items?limit=10000 HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try await reader.slowly(pieces: 1, pause: .zero)
            kill(getpid(), SIGWINCH)
            var total = 0
            while !site.log.all.contains(where: { $0.contains("\"stopped\"") }) {
                let count = try await reader.slowly(pieces: 1, pause: .milliseconds(20))
                if count == 0 { break }
                total += count
            }
            // The rest of it is what was on its way.
            #expect(try await total + reader.rest().count < 19_000_000)
        }
    }

    @Test func `a second signal does not wait`() async throws {
        let hurried = AsyncStream<Void>.makeStream()
        try await Site.run(layers: Site.large, stoppingOn: [.sigcont], hurry: { hurried.continuation.yield() }) { site in
            let reader = try Wire(port: site.port, receiveBuffer: 4096)
            try await reader.send("GET /collections/large/items?limit=10000 HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try await reader.slowly(pieces: 1, pause: .zero)
            kill(getpid(), SIGCONT)
            // The first has been seen when nobody is let in any more.
            while (try? Wire(port: site.port)) != nil { try await Task.sleep(for: .milliseconds(5)) }
            kill(getpid(), SIGCONT)
            for await _ in hurried.stream { break }
            #expect(try await reader.rest().count > 0)
        }
    }

    @Test func `what another process publishes shows without a restart`() async throws {
        try await Site.run { site in
            #expect(try await site.get("/collections/new").status == 404)
            let other = try Catalogue(directory: site.office.folder.url)
            try site.office.load(
                LayerDescription(id: "new", title: LocalizedText(ja: "新しい"), access: .public), rows: [.init(.point(140, 37))])
            while try await site.get("/collections/new").status == 404 { try await Task.sleep(for: .milliseconds(5)) }
            let first = try await site.get("/collections/new/items")
            #expect(first.json["numberMatched"] as? Int == 1)
            try other.retire("new", by: "another process")
            while try await site.get("/collections/new").status == 200 { try await Task.sleep(for: .milliseconds(5)) }
        }
    }

    @Test func `a preparation that fails ends the server with its reason`() async throws {
        struct Reason: Error {}
        await #expect(throws: Reason.self) {
            try await Site.run(preparation: { _, _ in throw Reason() }, isReady: false) { site in
                while true { _ = try await site.get("/healthz") }
            }
        }
    }

    @Test func `a layer whose file is damaged does not keep others from being served`() async throws {
        try await Site.run(layers: { office in
            try Site.roads(office)
            let version = try office.load(
                LayerDescription(id: "broken", title: LocalizedText(ja: "壊れた"), access: .public), rows: [.init(.point(140, 37))])
            try office.damage("broken", version: version)
        }) { site in
            let answer = try await site.get("/collections/broken/items")
            #expect(answer.status == 500)
            #expect(answer.code == "damaged")
            #expect(!answer.text.contains(site.office.folder.url.path))
            #expect(try await site.get("/collections/roads/items").status == 200)
            #expect(try await site.get("/collections").status == 200)
        }
    }

    @Test func `tiles name their version and may be kept for ever`() async throws {
        try await Site.run { site in
            let set = try await site.get("/collections/shelters/tiles/WebMercatorQuad")
            #expect(set.json["tilejson"] as? String == "3.0.0")
            let template = try #require((set.json["tiles"] as? [String])?.first)
            let path = String(template.dropFirst("http://gis.example".count))
                .replacing("{z}", with: "14").replacing("{y}", with: "6354").replacing("{x}", with: "14577")
            let tile = try await site.get(path, "Accept-Encoding: gzip")
            #expect(tile.status == 200)
            #expect(tile["content-type"] == "application/vnd.mapbox-vector-tile")
            #expect(tile["content-encoding"] == "gzip")
            #expect(tile["cache-control"] == "public, max-age=31536000, immutable")
            // An address of a program that drew the same version in other bytes.
            let before = try await site.get(String(path.prefix(upTo: try #require(path.lastIndex(of: ".")))))
            #expect(before.status == 200 && before["cache-control"]?.contains("immutable") == false)
            let plain = try await site.get(path.replacing("14577?", with: "14577.mvt?"))
            #expect(plain["content-encoding"] == nil)
            #expect(plain.body.count > tile.body.count)
            #expect(
                try await site.get("/collections/shelters/tiles/WebMercatorQuad/14/6354/14577")["cache-control"]?.hasPrefix(
                    "public, max-age=60") == true)
            let unknown = try await site.get("/collections/shelters/tiles/WebMercatorQuad/14/6354/14577?v=v9")
            #expect(unknown.status == 200 && unknown["cache-control"]?.contains("immutable") == false)
            let empty = try await site.get("/collections/shelters/tiles/WebMercatorQuad/14/0/0")
            #expect(empty.status == 204 && empty.body.isEmpty && empty["content-length"] == nil)
        }
    }

    @Test func `several layers make one tile, in both sets`() async throws {
        try await Site.run { site in
            let one = try await site.get("/collections/shelters/tiles/WebMercatorQuad/10/397/911").body
            let other = try await site.get("/collections/roads/tiles/WebMercatorQuad/10/397/911").body
            let both = try await site.get("/tiles/WebMercatorQuad/10/397/911?collections=shelters,roads")
            #expect(both.status == 200 && both["content-type"] == "application/vnd.mapbox-vector-tile")
            #expect(!one.isEmpty && both.body == one + other)
            for set in ["WebMercatorQuad", "WorldCRS84Quad"] {
                for path in ["/collections/shelters/tiles/\(set)", "/tiles/\(set)?collections=shelters,roads"] {
                    let document = try await site.get(path)
                    #expect(document.status == 200 && document.json["tilejson"] as? String == "3.0.0", "\(path)")
                    #expect((document.json["tileMatrixSetURI"] as? String)?.hasSuffix(set) == true)
                    let layers = try #require(document.json["vector_layers"] as? [[String: Any]])
                    #expect(layers.map { $0["id"] as? String } == (path.hasPrefix("/tiles") ? ["shelters", "roads"] : ["shelters"]))
                    #expect(document.json["minzoom"] is Int && document.json["leftOut"] is [String: Any])
                    let template = try #require((document.json["tiles"] as? [String])?.first)
                    let bounds = try #require(document.json["bounds"] as? [Double])
                    let (x, y) = ((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)
                    guard set == "WorldCRS84Quad" else { continue }
                    let tile = String(template.dropFirst("http://gis.example".count)).replacing("{z}", with: "3")
                        .replacing("{x}", with: "\(Int((x + 180) / 22.5))").replacing("{y}", with: "\(Int((90 - y) / 22.5))")
                    let answer = try await site.get(tile)
                    #expect(answer.status == 200 && !answer.body.isEmpty, "\(tile)")
                }
            }
            for bad in ["", "?collections=", "?collections=roads,roads", "?collections=a,b,c,d,e,f,g,h,i", "?v=1"] {
                #expect(try await site.get("/tiles/WebMercatorQuad/10/397/911" + bad).status == 400, "\(bad)")
            }
            #expect(try await site.get("/tiles/WebMercatorQuad/10/397/911?collections=roads,absent").status == 404)
            #expect(try await site.get("/collections/shelters/tiles/WorldCRS84Quad/0/0/1").status != 404)
            #expect(try await site.get("/collections/shelters/tiles/WorldCRS84Quad/0/1/0").status == 404)
            let list = try await site.get("/collections/shelters/tiles").json["tilesets"] as? [[String: Any]]
            #expect(list?.count == 2)
        }
    }

    @Test func `many who ask for the same tile at once all get it`() async throws {
        try await Site.run { site in
            let path = "/collections/shelters/tiles/WebMercatorQuad/13/3177/7288"
            let bodies = try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for _ in 0..<40 { group.addTask { try await site.get(path).body } }
                return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
            }
            #expect(bodies.count == 1)
        }
    }

    @Test func `a configuration file is read, and what it may not say is named`() throws {
        var settings = ServerSettings()
        let folder = URL(filePath: "/etc/kasane", directoryHint: .isDirectory)
        try settings.read(yaml: "port: 9000\ndata: store\nbase-url: https://gis.example/k/\npublic: true\n", name: "k.yaml", folder: folder)
        #expect(settings.port == 9000 && settings.isPublic && settings.base?.text == "https://gis.example/k")
        #expect(settings.data.path == "/etc/kasane/store")
        for (text, word) in [
            ("port: 9000\nprot: 1\n", "k.yaml:2"), ("prot: 1", "prot"), ("port: 99999", "port"), ("public: maybe", "public"),
            ("base-url: gis", "base-url"), ("log-level: loud", "log-level"), ("deadline: 0", "deadline"), ("- 1", "k.yaml"),
            ("a: [", "k.yaml"),
        ] {
            do throws(SettingsError) {
                var settings = ServerSettings()
                try settings.read(yaml: text, name: "k.yaml", folder: folder)
                Issue.record("\(text) was taken")
            } catch {
                #expect(error.message.text("en").contains(word) && error.message.text("ja").contains(word), "\(text)")
            }
        }
        try settings.read(yaml: "", name: "k.yaml", folder: folder)
    }
}
