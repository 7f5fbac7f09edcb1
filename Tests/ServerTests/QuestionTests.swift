import AtlasKit
import Descriptions
import Foundation
import Geo
import Testing

@testable import HTTPAPI
@testable import Server

/// Order, reference systems, filters, forms and downloads, over a real socket.
@Suite struct QuestionTests {
    private func ids(_ answer: Wire.Answer) -> [String] {
        (answer.json["features"] as? [[String: Any]])?.map { "\($0["id"] ?? "")" } ?? []
    }

    /// All ids, by following `next`.
    private func walk(_ site: Site, _ path: String) async throws -> [String] {
        var result: [String] = []
        var next: String? = path
        while let path = next {
            let page = try await site.get(path)
            #expect(page.status == 200, "\(path) \(page.text.prefix(300))")
            result += ids(page)
            let links = page.json["links"] as? [[String: Any]] ?? []
            next = (links.first { $0["rel"] as? String == "next" }?["href"] as? String).map {
                String($0.dropFirst("http://gis.example".count))
            }
        }
        return result
    }

    private func encoded(_ text: String) -> String {
        text.addingPercentEncoding(
            withAllowedCharacters: CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))!
    }

    @Test func `an order holds over all pages, and another order is another walk`() async throws {
        try await Site.run { site in
            #expect(try await walk(site, "/collections/roads/items?sortby=-opened") == ["plain", "100%&d=e?#", "中央通り1号", "a b+c", "1/2"])
            // By class, then by the newest.
            #expect(
                try await walk(site, "/collections/roads/items?sortby=%2Bclass,-opened&limit=1") == [
                    "plain", "中央通り1号", "1/2", "100%&d=e?#", "a b+c",
                ])
            let names = (0..<250).map { "避難所\($0)" }.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) } + ["場所未定"]
            for limit in [7, 100, 300] {
                var seen: [String] = []
                var next: String? = "/collections/shelters/items?sortby=-name&limit=\(limit)"
                while let path = next {
                    let page = try await site.get(path)
                    #expect(page.json["numberMatched"] as? Int == 251)
                    for feature in page.json["features"] as? [[String: Any]] ?? [] {
                        seen.append((feature["properties"] as? [String: Any])?["name"] as? String ?? "")
                    }
                    let links = page.json["links"] as? [[String: Any]] ?? []
                    next = (links.first { $0["rel"] as? String == "next" }?["href"] as? String).map {
                        String($0.dropFirst("http://gis.example".count))
                    }
                }
                #expect(seen == names.sorted { Array($1.utf8).lexicographicallyPrecedes(Array($0.utf8)) })
            }
            let first = try await site.get("/collections/shelters/items?sortby=name&limit=5")
            let links = try #require(first.json["links"] as? [[String: Any]])
            let next = try #require(links.first { $0["rel"] as? String == "next" }?["href"] as? String)
            let other = String(next.dropFirst("http://gis.example".count)).replacing("sortby=name", with: "sortby=-name")
            #expect(try await site.get(other).code == "invalid-parameter")
            #expect(try await site.get("/collections/shelters/items?sortby=phone").code == "unknown-property")
            #expect(try await site.get("/collections/shelters/items?sortby=name,,name").code == "invalid-parameter")
            let many = Array(repeating: "name", count: 17).joined(separator: ",")
            #expect(try await site.get("/collections/shelters/items?sortby=" + many).code == "limit-exceeded")
        }
    }

    @Test func `filters in both languages select the same, and what is wrong is said`() async throws {
        try await Site.run { site in
            let text = encoded("class = 1 AND opened > DATE('2024-03-01')")
            let json = encoded(
                #"{"op":"and","args":[{"op":"=","args":[{"property":"class"},1]},{"op":">","args":[{"property":"opened"},{"date":"2024-03-01"}]}]}"#
            )
            #expect(try await walk(site, "/collections/roads/items?filter=" + text) == ["100%&d=e?#"])
            #expect(try await walk(site, "/collections/roads/items?filter-lang=cql2-json&filter=" + json) == ["100%&d=e?#"])
            let near = encoded("S_INTERSECTS(geometry, BBOX(140.305, 37.39, 140.316, 37.42))")
            #expect(Set(try await walk(site, "/collections/roads/items?limit=1&filter=" + near)) == ["1/2", "a b+c"])
            let north = encoded("S_INTERSECTS(geometry, BBOX(37.39, 140.305, 37.42, 140.316))")
            let system = encoded("http://www.opengis.net/def/crs/EPSG/0/4326")
            #expect(Set(try await walk(site, "/collections/roads/items?filter-crs=\(system)&filter=" + north)) == ["1/2", "a b+c"])
            for (query, code) in [
                ("filter=" + encoded("class = "), "syntax"), ("filter=" + encoded("nothing = 1"), "unknown-property"),
                ("filter-lang=sql&filter=a", "invalid-parameter"), ("filter-crs=EPSG:1&filter=a", "invalid-parameter"),
                ("filter=" + encoded("phone = '1'"), "unknown-property"),
                ("filter=" + encoded(String(repeating: "(", count: 40) + "class=1" + String(repeating: ")", count: 40)), "limit-exceeded"),
            ] {
                let layer = query.contains("phone") ? "shelters" : "roads"
                let answer = try await site.get("/collections/\(layer)/items?" + query)
                #expect(answer.status == 400 && answer.code == code, "\(query): \(answer.text)")
            }
        }
    }

    @Test func `a search by a body answers as the address does, and goes on with a body`() async throws {
        try await Site.run { site in
            let answer = try await site.post(
                "/collections/shelters/search", #"{"filter":"name LIKE '避難所1%'","limit":50,"sortby":["-name"]}"#)
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.json["numberMatched"] as? Int == 111 && answer.json["numberReturned"] as? Int == 50)
            var seen = ids(answer)
            var links = answer.json["links"] as? [[String: Any]] ?? []
            while let next = links.first(where: { $0["rel"] as? String == "next" }) {
                #expect(next["method"] as? String == "POST")
                let body = String(decoding: try JSONSerialization.data(withJSONObject: #require(next["body"])), as: UTF8.self)
                let page = try await site.post("/collections/shelters/search", body)
                seen += ids(page)
                links = page.json["links"] as? [[String: Any]] ?? []
            }
            #expect(seen.count == 111 && Set(seen).count == 111)
            let json = try await site.post(
                "/collections/roads/search",
                #"{"filter":{"op":"=","args":[{"property":"class"},1]},"bbox":[140,37,141,38],"properties":["class"]}"#)
            #expect(Set(ids(json)) == ["a b+c", "100%&d=e?#"])
            for (body, code) in [
                ("[]", "syntax"), ("{", "syntax"), (#"{"nothing":1}"#, "unknown-parameter"), (#"{"filter":"class ="}"#, "syntax"),
                (#"{"limit":0}"#, "invalid-parameter"), (#"{"filter":{"op":"nothing","args":[]}}"#, "unknown-property"),
                (
                    #"{"filter":"# + String(repeating: #"{"op":"not","args":["#, count: 1500) + "true"
                        + String(repeating: "]}", count: 1500) + "}", "limit-exceeded"
                ),
            ] {
                let answer = try await site.post("/collections/roads/search", body)
                #expect(answer.status == 400, "\(body.prefix(80))")
                if code != "unknown-property" { #expect(answer.code == code, "\(body.prefix(80)): \(answer.text)") }
            }
            #expect(try await site.post("/collections/nothing/search", "{}").status == 404)
        }
    }

    @Test func `POST is told where questions may be sent, and nowhere else`() async throws {
        try await Site.run { site in
            let searches = ["/collections/roads/search", "/collections/nothing/search"]
            for path in searches + ["/", "/collections/roads", "/collections/roads/items", "/collections/roads/download"] {
                let methods = try await site.get(path, method: "OPTIONS")["allow"] ?? ""
                #expect(methods.contains("POST") == searches.contains(path), "\(path)")
            }
        }
    }

    @Test func `coordinates come in the system that was asked for, which is told`() async throws {
        try await Site.run { site in
            let plain = try await site.get("/collections/roads/items/plain")
            #expect(plain["content-crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>")
            func first(_ answer: Wire.Answer) throws -> [Double] {
                let geometry = try #require(answer.json["geometry"] as? [String: Any])
                return try #require((geometry["coordinates"] as? [[Double]])?.first)
            }
            let uri = "http://www.opengis.net/def/crs/EPSG/0/4326"
            let turned = try await site.get("/collections/roads/items/plain?crs=" + encoded(uri))
            #expect(turned["content-crs"] == "<\(uri)>")
            #expect(try first(turned) == first(plain).reversed())
            // Zone IX: north first, some 40 km east of its meridian and 155 km north of its origin.
            let plane = try await site.get("/collections/roads/items/plain?crs=EPSG:6677")
            let place = try first(plane)
            #expect((150_000...160_000).contains(place[0]) && (40_000...50_000).contains(place[1]))
            #expect(try await site.get("/collections/roads/items?crs=EPSG:9999").code == "invalid-parameter")
            let box = "\(place[0] - 10),\(place[1] - 10),\(place[0] + 10),\(place[1] + 10)"
            #expect(ids(try await site.get("/collections/roads/items?bbox=\(box)&bbox-crs=EPSG:6677")) == ["plain"])
            #expect(try await site.get("/collections/roads/items?bbox=\(box)").code == "invalid-parameter")
            #expect(try await site.get("/collections/roads/items?bbox=1e9,1e9,2e9,2e9&bbox-crs=EPSG:6677").code == "invalid-parameter")
            #expect(try await site.get("/collections/roads/items?bbox=\(box)&bbox-crs=EPSG:6700").code == "invalid-parameter")
            let list = try await site.get("/collections")
            #expect((list.json["crs"] as? [String])?.count == 63)
            let collection = try await site.get("/collections/roads")
            #expect((collection.json["crs"] as? [String])?.contains(uri) == true && collection.json["storageCrs"] != nil)
        }
    }

    @Test func `attributes and geometry that were not asked for stay away`() async throws {
        try await Site.run { site in
            let answer = try await site.get("/collections/roads/items?properties=class,opened&skipGeometry=true")
            for feature in answer.json["features"] as? [[String: Any]] ?? [] {
                #expect(Set((feature["properties"] as? [String: Any] ?? [:]).keys) == ["class", "opened"] && feature["geometry"] is NSNull)
            }
            #expect(try await site.get("/collections/roads/items?properties=nothing").code == "unknown-property")
            #expect(try await site.get("/collections/shelters/items?properties=phone").code == "unknown-property")
            #expect(try await site.get("/collections/roads/items?skipGeometry=yes").code == "invalid-parameter")
            #expect(!(try await site.get("/collections/roads/items?properties=class&f=html")).text.contains("opened"))
        }
    }

    @Test func `features leave in every form, by name and by Accept`() async throws {
        let more: (Office) throws -> Void = { office in
            try Site.roads(office)
            try office.load(
                LayerDescription(id: "emoji", title: LocalizedText(ja: "絵文字"), access: .public),
                attributes: [Attribute(name: "name", type: .text)],
                rows: (0..<20_000).map { Office.Row(.point(140, 37), [.text($0 == 0 ? "🌊の道🌊" : "坂道")]) })
        }
        try await Site.run(layers: more) { site in
            for (form, type) in [
                ("csv", "text/csv; charset=utf-8"), ("geojsonseq", "application/geo+json-seq"), ("flatgeobuf", "application/flatgeobuf"),
            ] {
                let named = try await site.get("/collections/shelters/items?f=\(form)&limit=10")
                #expect(named["content-type"] == type && named["ogc-numbermatched"] == "251" && named["ogc-numberreturned"] == "10")
                #expect(named["link"]?.contains("rel=\"next\"") == true)
                let accepted = try await site.get("/collections/shelters/items?limit=10", "Accept: " + type)
                #expect(accepted["content-type"] == type && accepted.body == named.body)
            }
            let table = try await site.get("/collections/shelters/items?f=csv&encoding=cp932&limit=1")
            #expect(table["content-type"] == "text/csv; charset=windows-31j")
            #expect(!table.text.contains("避難所") && table["kasane-replaced-characters"] == nil)
            // One name has what CP932 does not hold: a page says so ahead, a download afterwards.
            let lost = try await site.get("/collections/emoji/items?f=csv&encoding=cp932")
            #expect(lost["kasane-replaced-characters"] == "2")
            let wire = try Wire(port: site.port)
            try await wire.send(
                "GET /collections/emoji/download?f=csv&encoding=cp932 HTTP/1.1\r\nHost: gis.example\r\nConnection: close\r\n\r\n")
            let text = String(decoding: try await wire.rest(), as: UTF8.self).lowercased()
            #expect(text.contains("trailer: kasane-replaced-characters") && text.hasSuffix("\r\nkasane-replaced-characters: 2\r\n\r\n"))
            #expect(try await site.get("/collections/shelters/items?f=csv&encoding=latin1").code == "invalid-parameter")
        }
    }

    @Test func `a download is the whole layer, as its viewer sees it`() async throws {
        try await Site.run { site in
            let wire = try Wire(port: site.port)
            try await wire.send(
                "GET /collections/shelters/download?f=geojson HTTP/1.1\r\nHost: gis.example\r\nConnection: close\r\n\r\n")
            let text = String(decoding: try await wire.rest(), as: UTF8.self)
            #expect(text.contains("attachment; filename=\"shelters.geojson\"") && !text.contains("090-"))
            #expect(text.components(separatedBy: "\"type\":\"Feature\",").count == 252)
            for query in ["limit=5", "sortby=name", "offset=1", "cursor=x", "nothing=1"] {
                #expect(try await site.get("/collections/shelters/download?" + query).code == "unknown-parameter", "\(query)")
            }
            #expect(try await site.get("/collections/people/download").status == 404)
            let few = try await site.get("/collections/shelters/download?f=csv&filter=" + encoded("name = '避難所7'"))
            #expect(few.text.split(separator: "\r\n").count == 2)
        }
    }

    @Test func `a fifth download waits its turn, and places come free again`() async throws {
        try await Site.run(layers: Site.large) { site in
            let request = "GET /collections/large/download HTTP/1.1\r\nHost: gis.example\r\nConnection: close\r\n\r\n"
            var wires: [Wire] = []
            for _ in 0..<4 {
                let wire = try Wire(port: site.port, receiveBuffer: 4096)
                try await wire.send(request)
                _ = try await wire.slowly(pieces: 1, pause: .zero)
                wires.append(wire)
            }
            let fifth = try await site.get("/collections/large/download")
            #expect(fifth.status == 503 && fifth.code == "overloaded" && fifth["retry-after"] == "10")
            // Pages are not downloads.
            #expect(try await site.get("/collections/large/items?limit=1").status == 200)
            // They hang up.
            wires.removeAll()
            var status = 503
            while status == 503 {
                try await Task.sleep(for: .milliseconds(50))
                let wire = try Wire(port: site.port)
                try await wire.send(request)
                status = String(decoding: try await wire.rest().prefix(12), as: UTF8.self).hasSuffix("200") ? 200 : 503
            }
            #expect(status == 200)
        }
    }

    @Test func `a stream that fails in the middle is cut, and not ended politely`() async throws {
        let request = "GET /collections/large/download HTTP/1.1\r\nHost: gis.example\r\nConnection: close\r\n\r\n"
        try await Site.run(layers: Site.large) { site in
            let whole = try Wire(port: site.port)
            try await whole.send(request)
            #expect(String(decoding: try await whole.rest().suffix(7), as: UTF8.self) == "\r\n0\r\n\r\n")
        }
        try await Site.run(layers: { office in
            try Site.large(office)
            // In the middle of the texts, which are nearly all of the file.
            let version = try #require(try office.catalogue.layer("large")?.current)
            let handle = try FileHandle(forWritingTo: office.catalogue.file(of: "large", version: version))
            try handle.seek(toOffset: try handle.seekToEnd() / 2)
            try handle.write(contentsOf: Data(repeating: 0, count: 4096))
            try handle.close()
        }) { site in
            let cut = try Wire(port: site.port)
            try await cut.send(request)
            let rest = try await cut.rest()
            #expect(rest.count > 1_000_000 && String(decoding: rest.suffix(7), as: UTF8.self) != "\r\n0\r\n\r\n")
            #expect(site.log.all.contains { $0.contains("\"stream\"") })
        }
    }

    @Test func `a collection says from when to when its features are`() async throws {
        try await Site.run { site in
            let extent = try #require((try await site.get("/collections/roads")).json["extent"] as? [String: [String: Any]])
            #expect(
                extent["temporal"]?["interval"] as? [[String]] == [["2024-01-01T00:00:00+09:00", "2024-05-01T23:59:59+09:00"]])
            #expect(extent["temporal"]?["trs"] as? String == "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian")
            #expect(extent["spatial"]?["bbox"] is [[Double]])
            let shelters = try #require((try await site.get("/collections/shelters")).json["extent"] as? [String: [String: Any]])
            #expect(shelters["temporal"] == nil && shelters["spatial"] != nil)
            let all = try #require((try await site.get("/collections")).json["collections"] as? [[String: Any]])
            let listed = try #require(all.first { $0["id"] as? String == "roads" }?["extent"] as? [String: [String: Any]])
            #expect(listed["temporal"]?["interval"] is [[String]])
            #expect(try await site.get("/collections/roads?f=html").text.contains("2024-05-01T23:59:59+09:00"))
        }
        // Open where a feature has no end, without a beginning that RFC 3339 can write.
        try await Site.run(layers: { office in
            let days = [Attribute(name: "from", type: .date), Attribute(name: "to", type: .date)]
            try office.load(
                LayerDescription(
                    id: "works", title: LocalizedText(ja: "工事"), access: .public, time: TimeDescription(start: "from", end: "to")),
                attributes: days,
                rows: [
                    Office.Row(nil, [.date(Day(daysSince1970: -3_000_000)), .date(Day(daysSince1970: 5))]),
                    Office.Row(nil, [.date(Day(daysSince1970: 7)), .null]),
                ])
        }) { site in
            let extent = try #require((try await site.get("/collections/works")).json["extent"] as? [String: [String: Any]])
            let interval = try #require(extent["temporal"]?["interval"] as? [[Any]])
            #expect(interval.count == 1 && interval[0].count == 2 && interval[0].allSatisfy { $0 is NSNull })
            #expect(extent["spatial"] == nil)
        }
    }

    @Test func `schemas say what there is, what may be asked and what orders`() async throws {
        try await Site.run { site in
            let collection = try await site.get("/collections/roads")
            let links = try #require(collection.json["links"] as? [[String: Any]])
            for (name, rel) in [("schema", "schema"), ("queryables", "queryables"), ("sortables", "sortables")] {
                let href = try #require(
                    links.first { $0["rel"] as? String == "http://www.opengis.net/def/rel/ogc/1.0/" + rel }?["href"] as? String)
                let answer = try await site.get(String(href.dropFirst("http://gis.example".count)))
                #expect(answer["content-type"] == "application/schema+json" && answer.json["$id"] as? String == href)
                let properties = try #require(answer.json["properties"] as? [String: [String: Any]])
                #expect(properties["width"]?["title"] as? String == "幅員" && properties["width"]?["x-ogc-unit"] as? String == "m")
                #expect(properties["opened"]?["format"] as? String == "date" && properties["class"]?["type"] as? String == "integer")
                #expect(properties["名称"]?["x-ogc-role"] as? String == "id")
                #expect((properties["geometry"] != nil) == (name != "sortables"))
                if name != "sortables" { #expect(properties["geometry"]?["format"] as? String == "geometry-linestring") }
            }
            // In the language that is asked for, by the parameter or else by the header; all languages are beside it in any case.
            for (path, fields, title, width, language) in [
                ("schema", "Accept-Language: en", "Roads", "Width", "en"),
                ("queryables", "Accept-Language: en, ja;q=0.5", "Roads", "Width", "en"),
                ("schema?lang=en", "Accept-Language: ja", "Roads", "Width", "en"),
                ("sortables?lang=ja", "Accept-Language: en", "道路<b>", "幅員", "ja"),
                ("schema?lang=fr", "Accept-Language: en", "道路<b>", "幅員", "fr"), ("queryables", "Accept-Language: fr", "道路<b>", "幅員", "ja"),
            ] {
                let answer = try await site.get("/collections/roads/" + path, fields)
                let properties = try #require(answer.json["properties"] as? [String: [String: Any]])
                #expect(answer.json["title"] as? String == title && properties["width"]?["title"] as? String == width, "\(path) \(fields)")
                #expect(properties["width"]?["x-kasane-titles"] as? [String: String] == ["ja": "幅員", "en": "Width"])
                if !path.hasPrefix("sortables") {
                    #expect(properties["geometry"]?["title"] as? String == (language == "en" ? "Geometry" : "図形"))
                }
                #expect(answer["content-language"] == language && answer["vary"]?.contains("Accept-Language") == true)
            }
            #expect(try await site.get("/collections/roads/schema?lang=1").code == "invalid-parameter")
            #expect(links.filter { $0["rel"] as? String == "enclosure" }.count == LayerAPI.fileForms.count)
            #expect(!(try await site.get("/collections/shelters/queryables")).text.contains("phone"))
        }
    }
}

extension Site {
    /// A search: one POST on a connection of its own.
    func post(_ path: String, _ body: String) async throws -> Wire.Answer {
        let wire = try Wire(port: port)
        try await wire.send(
            "POST \(path) HTTP/1.1\r\nHost: gis.example\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        )
        return try await wire.answer()
    }
}
