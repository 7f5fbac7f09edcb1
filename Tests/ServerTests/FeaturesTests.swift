import Foundation
import Geo
import Testing

@testable import Server

@Suite struct FeaturesTests {
    @Test func `the landing page links to everything`() async throws {
        try await Site.run { site in
            let answer = try await site.get("/")
            #expect(answer.status == 200)
            #expect(answer["content-type"] == "application/json")
            let links = try #require(answer.json["links"] as? [[String: Any]])
            let rels = Set(links.compactMap { $0["rel"] as? String })
            #expect(rels.isSuperset(of: ["self", "alternate", "service-desc", "service-doc", "conformance", "data"]))
            #expect(links.allSatisfy { ($0["href"] as? String)?.hasPrefix("http://gis.example/") == true && $0["type"] is String })
            for link in links {
                let href = try #require(link["href"] as? String)
                #expect(try await site.get(String(href.dropFirst("http://gis.example".count))).status == 200, "\(href)")
            }
        }
    }

    @Test(arguments: [
        "/", "/conformance", "/api", "/collections", "/collections/roads", "/collections/roads/items", "/collections/roads/items/plain",
        "/collections/roads/style", "/collections/roads/legend", "/collections/roads/tiles", "/collections/roads/tiles/WebMercatorQuad",
        "/collections/roads/tiles/WebMercatorQuad/10/397/911", "/tiles/WorldCRS84Quad?collections=roads", "/healthz", "/readyz", "/metrics",
        "/map", "/at?point=140.3,37.4",
    ])
    func `HEAD and OPTIONS answer wherever GET does`(path: String) async throws {
        try await Site.run { site in
            let got = try await site.get(path)
            #expect(got.status == 200 || got.status == 204)
            let head = try await site.get(path, method: "HEAD")
            #expect(head.status == got.status)
            if path != "/metrics" { #expect(head["content-length"] == got["content-length"]) }
            #expect(head["content-type"] == got["content-type"])
            let options = try await site.get(path, method: "OPTIONS")
            #expect(options.status == 204)
            #expect(options["allow"] == "GET, HEAD, OPTIONS")
            for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"] {
                let answer = try await site.get(path, method: method)
                #expect(answer.status == 405, "\(method)")
                #expect(answer["allow"] == "GET, HEAD, OPTIONS")
            }
        }
    }

    @Test func `JSON by default, HTML to browsers, f above both`() async throws {
        try await Site.run { site in
            for path in [
                "/", "/conformance", "/api", "/collections", "/collections/roads", "/collections/roads/items",
                "/collections/roads/items/plain",
            ] {
                #expect(try await site.get(path)["content-type"]?.contains("json") == true)
                #expect(try await site.get(path, "Accept: */*")["content-type"]?.contains("json") == true)
                let html = try await site.get(path, "Accept: text/html,*/*;q=0.8")
                #expect(html["content-type"] == "text/html; charset=utf-8")
                #expect(html["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
                #expect(!html.text.contains("<b>"), "the title is escaped")
                #expect(!html.text.contains("<script"))
                #expect(html.text.contains("lang=\"ja\"") && html.text.contains("lang=\"en\""))
                #expect(try await site.get(path + "?f=json", "Accept: text/html")["content-type"]?.contains("json") == true)
                #expect(try await site.get(path + "?f=html", "Accept: application/json")["content-type"] == "text/html; charset=utf-8")
                #expect(try await site.get(path + "?f=xml").code == "invalid-parameter")
                #expect(try await site.get(path + "?unknownQueryParameter12=1").code == "unknown-parameter")
                let json = try await site.get(path)
                #expect(json["content-security-policy"] == "sandbox")
                #expect(json["x-content-type-options"] == "nosniff")
                #expect(json["access-control-allow-origin"] == "*")
                // A page may read what a tile says it lacks.
                #expect(json["access-control-expose-headers"]?.contains("Kasane-Left-Out") == true)
            }
        }
    }

    @Test func `ids that are hard to write come round`() async throws {
        try await Site.run { site in
            let page = try await site.get("/collections/roads/items")
            let features = try #require(page.json["features"] as? [[String: Any]])
            let ids = features.compactMap { $0["id"] as? String }
            #expect(Set(ids) == ["1/2", "a b+c", "中央通り1号", "100%&d=e?#", "plain"])
            for id in ids {
                var allowed = CharacterSet.alphanumerics
                allowed.formIntersection(CharacterSet(charactersIn: "a"..."z"))
                let encoded = try #require(id.addingPercentEncoding(withAllowedCharacters: allowed))
                let answer = try await site.get("/collections/roads/items/" + encoded)
                #expect(answer.status == 200)
                #expect(answer.json["id"] as? String == id)
                let links = try #require(answer.json["links"] as? [[String: Any]])
                let own = try #require(links.first { $0["rel"] as? String == "self" }?["href"] as? String)
                let again = try await site.get(String(own.dropFirst("http://gis.example".count)))
                #expect(again.json["id"] as? String == id)
                let html = try await site.get("/collections/roads/items?f=html")
                #expect(html.text.contains("/collections/roads/items/"))
            }
            #expect(try await site.get("/collections/roads/items/a+b").status == 404)
            #expect(try await site.get("/collections/roads/items/a%20b+c").status == 200)
            #expect(try await site.get("/collections/roads/items/1/2").status == 404)
        }
    }

    @Test func `following next gathers every feature once, in step with numberMatched`() async throws {
        try await Site.run { site in
            for query in [
                "?limit=7", "?limit=100", "?limit=250", "?limit=251", "?bbox=140.3,37.4,140.31,37.41&limit=13", "?name=避難所7".escaped,
            ] {
                var path = "/collections/shelters/items" + query
                var ids: [Int] = []
                var matched: Int?
                while true {
                    let page = try await site.get(path)
                    #expect(page.status == 200)
                    let features = try #require(page.json["features"] as? [[String: Any]])
                    #expect(page.json["numberReturned"] as? Int == features.count)
                    #expect(matched == nil || matched == page.json["numberMatched"] as? Int)
                    matched = page.json["numberMatched"] as? Int
                    ids += features.compactMap { $0["id"] as? Int }
                    let links = try #require(page.json["links"] as? [[String: Any]])
                    guard let next = links.first(where: { $0["rel"] as? String == "next" }) else { break }
                    #expect(next["type"] as? String == "application/geo+json")
                    path = String(try #require(next["href"] as? String).dropFirst("http://gis.example".count))
                }
                #expect(ids.count == matched)
                #expect(Set(ids).count == ids.count)
            }
        }
    }

    @Test func `a walk goes on with its own version over a publication`() async throws {
        try await Site.run { site in
            let first = try await site.get("/collections/shelters/items?limit=200")
            let links = try #require(first.json["links"] as? [[String: Any]])
            let next = try #require(links.first { $0["rel"] as? String == "next" }?["href"] as? String)
            let before = try #require(first["etag"])
            try Site.roads(site.office)
            while try await site.get("/collections/shelters/items?limit=200")["etag"] == before {
                try await Task.sleep(for: .milliseconds(10))
            }
            let second = try await site.get(String(next.dropFirst("http://gis.example".count)))
            #expect(second.status == 200)
            #expect(second.json["numberReturned"] as? Int == 51)
            // Withdrawn, it is gone with its pages.
            try site.office.catalogue.retire("shelters", by: "test")
            while try await site.get("/collections/shelters").status == 200 { try await Task.sleep(for: .milliseconds(10)) }
            #expect(try await site.get(String(next.dropFirst("http://gis.example".count))).status == 404)
        }
    }

    @Test func `entity tags tell versions, forms and encodings apart`() async throws {
        try await Site.run { site in
            for path in [
                "/collections/roads/items", "/collections/roads/items/plain", "/collections",
                "/collections/shelters/tiles/WebMercatorQuad/14/6354/14577",
            ] {
                let answer = try await site.get(path)
                let tag = try #require(answer["etag"], "\(path)")
                #expect(!tag.hasPrefix("W/"))
                let again = try await site.get(path, "If-None-Match: \"x\", \(tag)")
                #expect(again.status == 304)
                #expect(again.body.isEmpty)
                #expect(again["etag"] != nil)
                #expect(again["vary"] == answer["vary"])
                #expect(try await site.get(path, "If-None-Match: \"x\"").status == 200)
                #expect(try await site.get(path, "If-None-Match: *").status == 304)
                let small = try await site.get(path, "Accept-Encoding: gzip")
                if small["content-encoding"] == "gzip" {
                    #expect(small["etag"] != tag)
                    #expect(small.body.starts(with: [0x1F, 0x8B]))
                }
            }
            let json = try await site.get("/collections/roads/items")
            let again = try await site.get("/collections/roads/items")
            #expect(json["etag"] == again["etag"] && json.body == again.body)
            for other in ["limit=3", "f=html"] {
                #expect(try await site.get("/collections/roads/items?" + other)["etag"] != json["etag"])
            }
        }
    }

    @Test func `what is refused says why, in both languages`() async throws {
        try await Site.run { site in
            for (path, status, code) in [
                ("/nothing", 404, "not-found"), ("/collections/nothing", 404, "not-found"),
                ("/collections/roads/items/nothing", 404, "not-found"),
                ("/collections/roads/items?nothing=1", 400, "unknown-parameter"),
                ("/collections/roads/items?limit=0", 400, "invalid-parameter"),
                ("/collections/roads/items?offset=100001", 400, "limit-exceeded"),
                ("/collections/roads/items?bbox=1,2,3", 400, "invalid-parameter"),
                ("/collections/roads/items?class=abc", 400, "invalid-parameter"),
                ("/collections/roads/items?cursor=abc", 400, "invalid-parameter"),
                ("/collections/roads/items?datetime=yesterday", 400, "invalid-parameter"), ("/at?point=1", 400, "invalid-parameter"),
                ("/at", 400, "invalid-parameter"), ("/collections//roads", 404, "not-found"),
                ("/collections/%00", 400, "invalid-parameter"),
                ("/collections/%c0%ae", 400, "invalid-parameter"), ("/collections/..%2froads", 404, "not-found"),
                ("/collections/roads%2Fitems", 404, "not-found"), ("/collections/roads/items.css", 404, "not-found"),
                ("/collections/roads;.js", 404, "not-found"), ("/collections/roads.", 404, "not-found"),
                ("/collections/%252e", 404, "not-found"),
            ] {
                let answer = try await site.get(path)
                #expect(answer.status == status, "\(path)")
                #expect(answer["content-type"] == "application/problem+json", "\(path)")
                #expect(answer.code == code, "\(path)")
                #expect(answer.json["status"] as? Int == status)
                #expect(answer.json["type"] as? String == "/problems/" + code)
                #expect(answer["cache-control"] == "no-store")
                #expect(answer["content-language"] == "ja")
                let english = try await site.get(path, "Accept-Language: en")
                #expect(english["content-language"] == "en")
                #expect((english.json["translations"] as? [String: [String: String]])?["ja"]?["title"] == answer.json["title"] as? String)
                #expect(try await site.get(path, "Accept: text/html")["content-type"] == "text/html; charset=utf-8")
            }
        }
    }

    @Test func `the antimeridian, the poles and boxes of six numbers`() async throws {
        try await Site.run(layers: Site.world) { site in
            // Those without a geometry always belong (OGC 17-069r4, 7.15.3 C).
            for (box, count) in [
                ("177,65,-177,70", 3), ("-180,85,180,90", 2), ("-180,-90,180,-85", 2), ("-180,-90,180,90", 7), ("177,65,0,-177,70,100", 3),
            ] {
                let answer = try await site.get("/collections/world/items?bbox=" + box)
                #expect(answer.json["numberMatched"] as? Int == count, "\(box)")
            }
        }
    }

    @Test func `the functions of filters are listed, and each can be called`() async throws {
        try await Site.run { site in
            #expect(try await site.get("/").text.contains("/functions"))
            let list = try #require(await site.get("/functions").json["functions"] as? [[String: Any]])
            #expect(list.count > 5)
            for function in list {
                let name = try #require(function["name"] as? String)
                let takes = try #require((function["args"] as? [[String: Any]])?.first?["type"] as? [String])
                let argument = takes.contains("string") ? "%E5%90%8D%E7%A7%B0" : takes.contains("geometry") ? "geometry" : "class"
                let givesText = (function["returns"] as? [String])?.contains("string") == true
                let call = "\(name)(\(argument))" + (givesText ? "='plain'" : "%3E=0")
                let answer = try await site.get("/collections/roads/items?f=json&filter=" + call)
                #expect(answer.status == 200, "\(name): \(answer.text)")
            }
        }
    }

    @Test func `a filter may have line breaks, and a path may not`() async throws {
        try await Site.run { site in
            let answer = try await site.get("/collections/roads/items?f=json&filter=class%20%3D%200%0D%0A%09AND%20width%20%3E%201")
            #expect(answer.status == 200 && answer.json["numberMatched"] as? Int == 3)
            #expect(try await site.get("/collections/roads%0A").status != 200)
            #expect(try await site.get("/collections/roads/items?f=json&filter=class%00").status == 400)
        }
    }

    @Test func `the API definition says what the suite looks for`() async throws {
        try await Site.run { site in
            let answer = try await site.get("/api")
            #expect(answer["content-type"] == "application/vnd.oai.openapi+json;version=3.0")
            let document = answer.json
            #expect((document["openapi"] as? String)?.hasPrefix("3.0") == true)
            let parameters = try #require((document["components"] as? [String: Any])?["parameters"] as? [String: [String: Any]])
            let bbox = try #require(parameters["bbox"])
            #expect(bbox["style"] as? String == "form" && bbox["explode"] as? Bool == false && bbox["required"] as? Bool == false)
            let limit = try #require(parameters["limit"]?["schema"] as? [String: Any])
            #expect(limit["minimum"] as? Int == 1 && limit["maximum"] as? Int == 10_000 && limit["default"] as? Int == 100)
            #expect(!answer.text.contains("additionalProperties"))
            #expect(!answer.text.contains("people"))
            let paths = try #require(document["paths"] as? [String: Any])
            #expect(paths["/collections/roads/items"] != nil && paths["/collections/people/items"] == nil)
        }
    }
}

extension String {
    /// Japanese in a query as a program would send it.
    fileprivate var escaped: String {
        addingPercentEncoding(withAllowedCharacters: .urlQueryAllowed)!
    }
}
