import AtlasKit
import Descriptions
import Foundation
import Geo
import LayerStore
import Testing

@testable import Server

/// Questions across layers over a real socket: OGC API – Processes.
@Suite struct ProcessTests {
    /// Nine houses in a row, two of them with people only a key may see counted; two zones, the first over houses 0 to 3, the second over 3 to 5.
    private static func town(_ office: Office) throws {
        let degree = 0.001
        try office.load(
            LayerDescription(
                id: "houses", title: LocalizedText(ja: "建物"), access: .public,
                attributes: [AttributeDescription(name: "people", visibility: .internal)]),
            attributes: [Attribute(name: "use", type: .text), Attribute(name: "people", type: .integer)],
            rows: (0..<9).map { i in
                let x = 140 + degree * Double(i)
                return Office.Row(.box(x, 37, x + degree / 2, 37 + degree / 2), [.text(i % 2 == 0 ? "住宅" : "=商業"), .integer(Int64(i))])
            } + [Office.Row(nil, [.text("住宅"), .integer(100)])])
        var facts = LayerFacts()
        facts.coverage = [CoverageArea(wkb: Geometry.box(139.9, 36.9, 140.0068, 37.1).wkb)]
        try office.load(
            LayerDescription(
                id: "flood", title: LocalizedText(ja: "浸水"), theme: "hazard", access: .public,
                hazard: HazardDescription(kind: "flood", scenario: "L2")),
            attributes: [Attribute(name: "rank", type: .integer)],
            rows: [
                Office.Row(.box(139.999, 36.999, 140.00325, 37.001), [.integer(2)]),
                Office.Row(.box(140.00325, 36.999, 140.0055, 37.001), [.integer(3)]),
            ], facts: facts)
        try office.load(
            LayerDescription(id: "people", title: LocalizedText(ja: "要支援者"), access: .internal),
            attributes: [Attribute(name: "name", type: .text)], rows: [Office.Row(.point(140.0001, 37.0001), [.text("秘密太郎")])])
    }

    private func post(
        _ site: Site, _ body: String, path: String = "/processes/overlay/execution", _ fields: String...
    ) async throws -> Wire.Answer {
        let wire = try Wire(port: site.port)
        let head =
            [
                "POST \(path) HTTP/1.1", "Host: gis.example", "Connection: close", "Content-Type: application/json",
                "Content-Length: \(body.utf8.count)",
            ]
            + fields
        try await wire.send(head.joined(separator: "\r\n") + "\r\n\r\n" + body)
        return try await wire.answer()
    }

    private static let question = """
        {"inputs": {"target": {"collection": "houses", "filter": "use = '住宅' OR use = '=商業'"}, "overlay": {"collection": "flood"},
          "predicate": "intersects", "distance": null, "groupBy": [{"side": "overlay", "property": "rank"}],
          "aggregates": [{"function": "count"}, {"function": "area"}]}}
        """

    @Test func `the table has groups in order, figures, and what is not known`() async throws {
        try await Site.run(layers: Self.town) { site in
            let answer = try await post(site, Self.question)
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer["content-type"] == "application/json" && answer["cache-control"] == "no-store")
            let columns = answer.json["columns"] as? [[String: Any]] ?? []
            #expect(columns.map { $0["name"] as? String } == ["rank", "count", "area"])
            #expect(columns.last?["unit"] as? String == "m2")
            let rows = answer.json["rows"] as? [[Double]] ?? []
            // House 3 lies in both.
            #expect(rows.map { Array($0.prefix(2)) } == [[2, 4], [3, 3]])
            // A house has 44.4 m × 55.5 m; of the first zone's four, the last lies in it by half.
            #expect(abs(rows[0][2] / rows[1][2] - 3.5 / 2.5) < 1e-3)
            #expect(answer.json["targetCount"] as? Int == 9 && answer.json["unmatchedCount"] as? Int == 3)
            #expect(answer.json["incomplete"] as? Bool == true)
            let notes = answer.json["notes"] as? [[String: Any]] ?? []
            // Of houses 6, 7 and 8 the survey covers the first; the tenth has no place.
            #expect(notes.map { $0["code"] as? String } == ["not-surveyed", "no-geometry"])
            #expect(notes.map { $0["features"] as? Int } == [2, 1])
        }
    }

    @Test func `CSV and GeoJSON have the same rows, cells that no spreadsheet takes for formulas, and say that something is not known`()
        async throws
    {
        try await Site.run(layers: Self.town) { site in
            let body = """
                {"inputs": {"target": {"collection": "houses"}, "overlay": {"collection": "flood"}, "groupBy": [{"property": "use"}]}}
                """
            let csv = try await post(site, body, path: "/processes/overlay/execution?f=csv")
            #expect(csv["content-type"] == "text/csv; charset=utf-8")
            #expect(csv.text == "use,count,unknown\r\n'=商業,3,not-surveyed:2 no-geometry:1\r\n住宅,3,not-surveyed:2 no-geometry:1\r\n")
            #expect(try await post(site, body, "Accept: text/csv").text == csv.text)
            let wish = body.dropLast(2) + ", \"outputs\": {\"result\": {\"format\": {\"mediaType\": \"text/csv\"}}}}"
            #expect(
                try await post(
                    site,
                    String(body.trimmingCharacters(in: .whitespacesAndNewlines).dropLast())
                        + ", \"outputs\": {\"result\": {\"format\": {\"mediaType\": \"text/csv\"}}}}"
                ).text == csv.text, "\(wish)")
            let features = try await post(site, body, "Accept: application/geo+json")
            #expect((features.json["features"] as? [[String: Any]])?.count == 2)
            #expect(features.json["incomplete"] as? Bool == true)
            let document = try await post(
                site, body.trimmingCharacters(in: .whitespacesAndNewlines).dropLast() + ", \"response\": \"document\"}")
            #expect(((document.json["result"] as? [String: Any])?["rows"] as? [[Any]])?.count == 2)
        }
    }

    @Test func `what a viewer may not see is not there, as a layer and as an attribute`() async throws {
        try await Site.run(layers: Self.town) { site in
            func ask(_ target: String, _ property: String, _ fields: String = "X-Nothing: 1") async throws -> Wire.Answer {
                let figure = property.isEmpty ? "count\"" : "sum\", \"property\": \"\(property)\""
                return try await post(
                    site,
                    "{\"inputs\": {\"target\": {\"collection\": \"\(target)\"}, \"overlay\": {\"collection\": \"flood\"}, \"aggregates\": [{\"function\": \"\(figure)}]}}",
                    fields)
            }
            let key = try site.office.catalogue.createKey(name: "福祉課", by: "test")
            #expect(try await ask("houses", "people").text == ask("houses", "nothing").text.replacing("nothing", with: "people"))
            #expect(try await ask("houses", "people").code == "unknown-property")
            #expect(try await ask("people", "").text == ask("absent", "").text.replacing("absent", with: "people"))
            #expect(try await ask("people", "").status == 404)
            let keyed = try await ask("houses", "people", "X-API-Key: \(key)")
            #expect((keyed.json["rows"] as? [[Double]]) == [[15]])
            #expect(try await ask("people", "", "X-API-Key: \(key)").json["rows"] as? [[Double]] == [[1]])
        }
    }

    @Test(arguments: [
        ("{", "syntax"), ("[]", "invalid-parameter"), ("{}", "invalid-parameter"), ("{\"inputs\": {}}", "invalid-parameter"),
        ("TARGET, \"predicate\": \"touches\"", "invalid-parameter"), ("TARGET, \"predicate\": \"distance\"", "invalid-parameter"),
        ("TARGET, \"predicate\": \"distance\", \"distance\": 1e9", "limit-exceeded"),
        ("TARGET, \"predicate\": \"nearest\", \"nearest\": 1.5", "invalid-parameter"),
        ("TARGET, \"predicate\": \"nearest\", \"nearest\": 1000", "limit-exceeded"), ("TARGET, \"distance\": 3", "invalid-parameter"),
        ("TARGET, \"grupBy\": []", "unknown-parameter"), ("TARGET, \"groupBy\": [{\"property\": \"nothing\"}]", "unknown-property"),
        ("TARGET, \"aggregates\": [{\"function\": \"median\"}]", "invalid-parameter"),
        ("TARGET, \"aggregates\": [{\"function\": \"sum\", \"property\": \"use\"}]", "invalid-parameter"),
        (
            "{\"inputs\": {\"target\": {\"collection\": \"houses\", \"filter\": \"use = \"}, \"overlay\": {\"collection\": \"flood\"}}}",
            "syntax"
        ),
        ("{\"inputs\": {\"target\": {\"collection\": \"nowhere\"}, \"overlay\": {\"collection\": \"flood\"}}}", "not-found"),
    ])
    func `each mistake has its code`(body: String, code: String) async throws {
        try await Site.run(layers: Self.town) { site in
            let whole =
                body.hasPrefix("TARGET")
                ? "{\"inputs\": {\"target\": {\"collection\": \"houses\"}, \"overlay\": {\"collection\": \"flood\"}\(body.dropFirst(6))}}"
                : body
            let answer = try await post(site, whole)
            #expect(answer.code == code, "\(answer.text)")
            #expect(answer.status == (code == "not-found" ? 404 : 400))
            #expect(answer["content-type"] == "application/problem+json")
            // A job is not even begun.
            if code != "unknown-property", !body.contains("\"sum\"") {
                #expect(try await post(site, whole, "Prefer: respond-async").code == code)
            }
        }
    }

    @Test func `a job runs, has its result, and is somebody's own`() async throws {
        try await Site.run(layers: Self.town) { site in
            let mine = try site.office.catalogue.createKey(name: "危機管理課", by: "test")
            let other = try site.office.catalogue.createKey(name: "道路課", by: "test")
            for key in [mine, nil] {
                let field = key.map { "X-API-Key: \($0)" } ?? "X-Nothing: 1"
                let begun = try await post(site, Self.question, "Prefer: respond-async, wait=10", field)
                #expect(begun.status == 201 && begun["preference-applied"] == "respond-async")
                let id = try #require(begun.json["jobID"] as? String)
                #expect(begun["location"] == "http://gis.example/jobs/\(id)" && id.count == 32)
                var status = begun.json
                while ["accepted", "running"].contains(status["status"] as? String) {
                    try await Task.sleep(for: .milliseconds(5))
                    status = try await site.get("/jobs/\(id)", field).json
                }
                #expect(status["status"] as? String == "successful" && status["progress"] as? Int == 100)
                let result = try await site.get("/jobs/\(id)/results", field)
                #expect(result.text == (try await post(site, Self.question, field)).text)
                #expect(try await site.get("/jobs/\(id)/results?f=csv", field).text.hasPrefix("rank,count,area"))
                for stranger in ["X-API-Key: \(other)"] + (key == nil ? [] : ["X-Nothing: 1"]) {
                    #expect(try await site.get("/jobs/\(id)", stranger).status == 404)
                    #expect(try await site.get("/jobs/\(id)/results", stranger).status == 404)
                    #expect(try await site.get("/jobs/\(id)", method: "DELETE", stranger).status == 404)
                }
                let listed = try await site.get("/jobs", field).json["jobs"] as? [[String: Any]]
                #expect(listed?.compactMap { $0["jobID"] as? String } == (key == nil ? [] : [id]))
                #expect(try await site.get("/jobs/\(id)", method: "DELETE", field).json["status"] as? String == "dismissed")
                #expect(try await site.get("/jobs/\(id)/results", field).status == 404)
            }
            #expect(try await site.get("/jobs/00000000000000000000000000000000").status == 404)
        }
    }

    @Test func `a job that fails says why`() async throws {
        try await Site.run(layers: Self.town) { site in
            let body = Self.question.replacing("\"rank\"", with: "\"nothing\"")
            let begun = try await post(site, body, "Prefer: respond-async")
            let id = try #require(begun.json["jobID"] as? String)
            var status = begun.json
            while ["accepted", "running"].contains(status["status"] as? String) {
                try await Task.sleep(for: .milliseconds(5))
                status = try await site.get("/jobs/\(id)").json
            }
            #expect(status["status"] as? String == "failed" && (status["message"] as? String)?.contains("nothing") == true)
            let result = try await site.get("/jobs/\(id)/results")
            #expect(result.status == 400 && result.code == "unknown-property")
        }
    }

    @Test func `the process describes itself, and the API knows its addresses`() async throws {
        try await Site.run(layers: Self.town) { site in
            let list = try await site.get("/processes").json["processes"] as? [[String: Any]]
            #expect(list?.map { $0["id"] as? String } == ["overlay"])
            let process = try await site.get("/processes/overlay").json
            #expect(process["jobControlOptions"] as? [String] == ["sync-execute", "async-execute", "dismiss"])
            #expect(
                Set((process["inputs"] as? [String: Any] ?? [:]).keys).isSuperset(of: [
                    "target", "overlay", "predicate", "groupBy", "aggregates",
                ]))
            #expect(try await site.get("/processes/other").status == 404)
            #expect(try await post(site, "{}", path: "/processes/other/execution").status == 404)
            let paths = try await site.get("/api").json["paths"] as? [String: Any] ?? [:]
            for path in [
                "/processes", "/processes/overlay", "/processes/overlay/execution", "/jobs", "/jobs/{jobId}", "/jobs/{jobId}/results",
            ] {
                #expect(paths[path] != nil, "\(path)")
            }
            let landing = try await site.get("/").json["links"] as? [[String: Any]] ?? []
            #expect(landing.contains { $0["rel"] as? String == "http://www.opengis.net/def/rel/ogc/1.0/processes" })
            #expect(try await site.get("/api?f=html").status == 200)
        }
    }
}
