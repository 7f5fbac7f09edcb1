import AtlasKit
import Foundation
import Logging
import Testing

@testable import Server

/// `/api` describes what is answered: not less, not more.
struct OpenAPITests {
    /// Method and path, variable parts as `{}`.
    private typealias Route = [String]

    /// What the router answers.
    private func answered() throws -> Set<Route> {
        let office = try Office()
        var settings = ServerSettings()
        settings.data = office.folder.url
        let server = try LayerServer(settings, logger: Logger(label: "test"))
        // HEAD goes with every GET.
        return Set(server.routes.filter { $0.method != "HEAD" }.map { [$0.method] + parts($0.path) })
    }

    /// What the document describes.
    private func described(_ document: [String: Any]) throws -> Set<Route> {
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        return Set(
            paths.flatMap { path, operations in
                operations.keys.map { [$0.uppercased()] + parts(path) }
            })
    }

    private func parts(_ path: String) -> [String] {
        path.split(separator: "/").map { part in
            part.hasPrefix("{") || part.hasPrefix(":") || part == "**" ? "{}" : String(part)
        }
    }

    /// A path of a layer or of the one process stands for all of them.
    private func isSame(_ route: Route, _ described: Route) -> Bool {
        route.count == described.count && zip(route, described).allSatisfy { $0 == $1 || $0 == "{}" && !$1.isEmpty }
    }

    private func document(_ site: Site) async throws -> [String: Any] {
        let answer = try await site.get("/api?f=json")
        return try #require(JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
    }

    @Test func `every route is described, and every description has a route`() async throws {
        let answered = try answered()
        #expect(answered.count > 35, "the routes were not found: \(answered.count)")
        try await Site.run { site in
            let described = try described(try await document(site))
            let missing = answered.filter { route in !described.contains { isSame(route, $0) } }
            #expect(missing.isEmpty, "answered, but not in the OpenAPI document: \(missing.map { $0.joined(separator: "/") }.sorted())")
            // The greatest number of fixed parts first: /collections/roads/items/{} is no /collections/{}/{}.
            let invented = described.filter { path in !answered.contains { isSame($0, path) } }
            #expect(invented.isEmpty, "in the OpenAPI document, but not answered: \(invented.map { $0.joined(separator: "/") }.sorted())")
        }
    }

    @Test func `what each path is said to answer it answers, in every form, and no other parameter`() async throws {
        try await Site.run { site in
            let document = try await document(site)
            let paths = try #require(document["paths"] as? [String: [String: Any]])
            let shared = try #require((document["components"] as? [String: Any])?["parameters"] as? [String: [String: Any]])
            let values = [
                "z": "0", "row": "0", "col": "0", "featureId": "1%2F2", "point": "140.3,37.4", "collections": "roads,shelters",
                "scale": "1",
            ]
            var asked = 0
            for (path, operations) in paths where !path.contains("{jobId}") && !path.contains("{file}") && !path.hasSuffix("/download") {
                guard let get = operations["get"] as? [String: Any], !path.contains("shelters/items/{") else { continue }
                let parameters = try #require(get["parameters"] as? [[String: Any]]).map { parameter -> [String: Any] in
                    guard let reference = parameter["$ref"] as? String else { return parameter }
                    return shared[String(reference.split(separator: "/").last ?? "")] ?? [:]
                }
                var address = path
                var query: [String] = []
                var forms: [String?] = [nil]
                for parameter in parameters {
                    let name = try #require(parameter["name"] as? String, "a parameter of \(path) is not there")
                    if parameter["in"] as? String == "path" {
                        address = address.replacingOccurrences(of: "{\(name)}", with: try #require(values[name], "\(name) of \(path)"))
                    } else if name == "f" {
                        forms += try #require((parameter["schema"] as? [String: Any])?["enum"] as? [String])
                    } else if parameter["required"] as? Bool == true {
                        query.append(name + "=" + (try #require(values[name])))
                    }
                }
                let content = ((get["responses"] as? [String: [String: Any]])?["200"]?["content"] as? [String: Any]) ?? [:]
                let types = Set(content.keys.map { $0.prefix { $0 != ";" } })
                for form in forms where form != "png" {
                    let full = address + "?" + (query + (form.map { ["f=" + $0] } ?? [])).joined(separator: "&")
                    let answer = try await site.get(full)
                    #expect([200, 204].contains(answer.status), "\(full): \(answer.status) \(answer.text.prefix(300))")
                    let type = (answer["content-type"] ?? "").prefix { $0 != ";" }
                    #expect(answer.status == 204 || types.contains(type), "\(full): \(type) is none of \(types.sorted())")
                    asked += 1
                }
                if !path.hasPrefix("/map"), !["/healthz", "/readyz", "/metrics"].contains(path) {
                    let wrong = try await site.get(address + "?" + (query + ["nobody-knows=1"]).joined(separator: "&"))
                    #expect(wrong.status == 400, "\(address) takes a parameter that is not described")
                }
            }
            #expect(asked > 60)
        }
    }
}
