import AtlasKit
import Descriptions
import Foundation
import Geo
import Testing

@testable import Server

/// What is not for a viewer is not there: on no route, in no list, by no difference in the answer.
@Suite struct ViewersTests {
    private static let routes = [
        "/collections/ID", "/collections/ID/items", "/collections/ID/items/1", "/collections/ID/style", "/collections/ID/legend",
        "/collections/ID/tiles", "/collections/ID/tiles/WebMercatorQuad", "/collections/ID/tiles/WebMercatorQuad/10/397/911",
        "/collections/ID/tiles/WorldCRS84Quad", "/tiles?collections=ID", "/tiles/WebMercatorQuad?collections=roads,ID",
        "/tiles/WebMercatorQuad/10/397/911?collections=ID,roads",
        "/collections/ID/items?name=x", "/collections/ID/items?nothing=x",
    ]

    @Test func `an internal layer answers like one that is not there`() async throws {
        try await Site.run { site in
            for route in Self.routes {
                let hidden = try await site.get(route.replacing("ID", with: "people"))
                let absent = try await site.get(route.replacing("ID", with: "absent"))
                #expect(hidden.status == 404, "\(route)")
                #expect(hidden.text.replacing("people", with: "absent") == absent.text, "\(route)")
                #expect(hidden.fields.map(\.name) == absent.fields.map(\.name))
            }
            for path in ["/collections", "/api", "/", "/at?point=140.3,37.4", "/metrics", "/api?f=html", "/collections?f=html"] {
                let text = try await site.get(path).text
                #expect(!text.contains("people") && !text.contains("要支援者"), "\(path)")
            }
        }
    }

    @Test func `a key shows what is internal, and nobody may keep the answer`() async throws {
        try await Site.run { site in
            let key = try site.office.catalogue.createKey(name: "福祉課", by: "test")
            for field in ["Authorization: Bearer \(key)", "X-API-Key: \(key)", "authorization: bearer  \(key)"] {
                let answer = try await site.get("/collections/people/items", field)
                #expect(answer.status == 200, "\(field)")
                #expect(answer.text.contains("秘密太郎"))
                #expect(answer["cache-control"] == "private, no-store")
                #expect(answer["vary"]?.contains("Authorization, X-API-Key") == true)
                #expect(answer["access-control-allow-origin"] == nil)
                #expect(try await site.get("/collections", field).text.contains("people"))
            }
            let open = try await site.get("/collections")
            #expect(open["cache-control"]?.hasPrefix("public, max-age=60") == true)
            #expect(open["vary"]?.contains("Authorization, X-API-Key") == true)
        }
    }

    @Test func `an attribute that is not for everybody is nowhere without a key`() async throws {
        try await Site.run { site in
            let key = try site.office.catalogue.createKey(name: "防災課", by: "test")
            let tile = "/collections/shelters/tiles/WebMercatorQuad/10/397/911"
            for path in [
                "/collections/shelters", "/collections/shelters/items", "/collections/shelters/items?f=html",
                "/collections/shelters/items/1",
                "/collections/shelters/tiles/WebMercatorQuad", "/api", "/collections", "/collections/shelters/style", tile,
            ] {
                let answer = try await site.get(path)
                #expect(answer.status == 200, "\(path)")
                #expect(!answer.text.contains("phone") && !answer.text.contains("090-"), "\(path)")
                guard path != "/collections/shelters/style" else { continue }
                let keyed = try await site.get(path, "X-API-Key: \(key)")
                #expect(keyed.text.contains("phone") || keyed.text.contains("090-"), "\(path)")
                #expect(keyed["etag"] != answer["etag"], "\(path)")
            }
            #expect(try await site.get("/collections/shelters/items?phone=090-1").code == "unknown-parameter")
            #expect(try await site.get("/collections/shelters/items?phone=090-1", "X-API-Key: \(key)").json["numberMatched"] as? Int == 1)
        }
    }

    @Test func `the style of the town holds the layers that the viewer may see`() async throws {
        try await Site.run { site in
            #expect(try await site.get("/").text.contains("/styles"))
            #expect(try await site.get("/styles").json["default"] as? String == "town")
            let everybody = try #require(await site.get("/styles/town").json["sources"] as? [String: Any])
            #expect(Set(everybody.keys) == ["roads", "shelters"])
            let key = try site.office.catalogue.createKey(name: "staff", by: "test")
            while try await site.get("/styles/town", "X-API-Key: \(key)").status == 401 { try await Task.sleep(for: .milliseconds(20)) }
            let staff = try #require(await site.get("/styles/town", "X-API-Key: \(key)").json["sources"] as? [String: Any])
            #expect(Set(staff.keys) == ["roads", "shelters", "people"])
        }
    }

    @Test func `a wrong key is refused wherever it is sent`() async throws {
        try await Site.run { site in
            let key = try site.office.catalogue.createKey(name: "福祉課", by: "test")
            for field in [
                "Authorization: Bearer wrong", "X-API-Key: wrong", "X-API-Key: ", "Authorization: Basic YTpi", "Authorization: \(key)",
                "X-API-Key: \(key.dropLast())0a", "X-API-Key: " + String(repeating: "k", count: 5000),
                "X-API-Key: \(key)\r\nAuthorization: Bearer wrong",
            ] {
                let answer = try await site.get("/collections", field)
                #expect(answer.status == 401, "\(field)")
                #expect(answer.code == "invalid-key")
                #expect(answer["www-authenticate"]?.hasPrefix("Bearer") == true)
                #expect(answer["cache-control"] == "private, no-store")
            }
            #expect(try await site.get("/healthz", "X-API-Key: wrong").status == 200)
        }
    }

    @Test func `a revoked key is good no longer than a refresh takes`() async throws {
        try await Site.run { site in
            let key = try site.office.catalogue.createKey(name: "福祉課", by: "test")
            #expect(try await site.get("/collections/people", "X-API-Key: \(key)").status == 200)
            let id = try #require(site.office.catalogue.keys().first?.id)
            try site.office.catalogue.revokeKey(id: id, by: "test")
            while try await site.get("/collections/people", "X-API-Key: \(key)").status == 200 {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(try await site.get("/collections/people", "X-API-Key: \(key)").status == 401)
        }
    }

    @Test func `a public server knows no keys`() async throws {
        var key = ""
        try await Site.run { settings in
            settings.isPublic = true
        } layers: { office in
            try Site.roads(office)
            key = try office.catalogue.createKey(name: "福祉課", by: "test")
        } _: { site in
            let answer = try await site.get("/collections", "X-API-Key: \(key)")
            #expect(answer.status == 200)
            #expect(!answer.text.contains("people"))
            #expect(try await site.get("/collections/people", "Authorization: Bearer \(key)").status == 404)
            #expect(try await site.get("/collections")["vary"] == "Accept, Accept-Encoding")
            #expect(!FileManager.default.fileExists(atPath: site.office.folder.path("cursor.key").path))
        }
    }

    @Test func `the log has no query values, no keys and no line breaks from outside`() async throws {
        try await Site.run { site in
            let key = try site.office.catalogue.createKey(name: "福祉課", by: "test")
            _ = try await site.get("/collections/people/items?name=%E7%A7%98%E5%AF%86%E5%A4%AA%E9%83%8E", "X-API-Key: \(key)")
            _ = try await site.get("/a%0d%0ab%22c?secret=4711")
            let lines = site.log.all.filter { $0.contains("\"event\":\"request\"") }
            #expect(lines.count >= 2)
            for line in lines {
                let fields = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                #expect(Set(fields.keys).isSuperset(of: ["time", "method", "path", "status", "ms", "bytes"]))
                #expect(line.hasSuffix("}\n") && line.dropLast().contains("\n") == false)
                #expect(!line.contains("4711") && !line.contains("E7%A7%98") && !line.contains(key))
            }
        }
    }
}
