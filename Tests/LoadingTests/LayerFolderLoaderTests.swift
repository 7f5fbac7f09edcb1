import Descriptions
import Foundation
import Geo
import LayerCatalog
import Testing

@testable import Loading

@Suite(.enabled(if: LoadFixture.hasImporter || LoadFixture.isStrict, "kasane-import is not built"))
struct LayerFolderLoaderTests {
    private func folder(_ fixture: LoadFixture) throws -> LayerFolderLoader {
        for (id, x) in [("a", 140.0), ("b", 141.0)] {
            _ = try fixture.write(
                "id: \(id)\ntitle: {ja: \(id)}\ntheme: base\nsource: {file: data.geojson}\naccess: public\n", "layers/\(id)/layer.yaml")
            _ = try fixture.geoJSON([(#"{"n":1}"#, LoadFixture.square(x, 37))], "layers/\(id)/data.geojson")
        }
        _ = try fixture.write("name: {ja: 町}\nhazards: [{kind: flood, scenario: L2}]\n", "layers/town.yaml")
        return LayerFolderLoader(catalogue: fixture.catalogue, directory: fixture.folder.path("layers"))
    }

    @Test func `new and changed folders are loaded, others left alone`() throws {
        let fixture = try LoadFixture()
        let loader = try folder(fixture)
        let first = try loader.loadAll()
        #expect(first.map(\.folder) == ["a", "b"] && first.allSatisfy { $0.report?.outcome.published == true }, "\(first)")
        #expect(try fixture.catalogue.town()?.hazards.first?.kind == "flood")
        #expect(try loader.loadAll().allSatisfy { $0.report == nil && $0.problem == nil })
        _ = try fixture.geoJSON([(#"{"n":2}"#, LoadFixture.square(140, 37))], "layers/a/data.geojson")
        let again = try loader.loadAll()
        #expect(again.filter { $0.report != nil }.map(\.folder) == ["a"])
        #expect(try fixture.catalogue.versions(of: "a").count == 2 && fixture.catalogue.versions(of: "b").count == 1)
    }

    @Test func `a folder that fails does not stop the others`() throws {
        let fixture = try LoadFixture()
        let loader = try folder(fixture)
        _ = try fixture.write("id: a\ntitel: x\n", "layers/a/layer.yaml")
        let results = try loader.loadAll()
        #expect(results.first?.isFailure == true && results.first?.problem?.text("en").contains("titel") == true)
        #expect(results.last?.report?.outcome.status == "loaded")
        _ = try fixture.write("id: c\ntitle: {ja: c}\nsource: {file: data.geojson}\n", "layers/a/layer.yaml")
        #expect(try loader.loadAll().first?.problem?.text("en").contains("“a”") == true)
    }

    @Test func `a layer whose file is missing or damaged is loaded again from its folder`() throws {
        let fixture = try LoadFixture()
        let loader = try folder(fixture)
        #expect(try loader.loadAll().allSatisfy { !$0.isFailure })
        for bytes in [nil, Data("no layer file".utf8)] {
            let version = try #require(try fixture.catalogue.layer("a")?.current)
            let file = fixture.catalogue.file(of: "a", version: version)
            try FileManager.default.removeItem(at: file)
            try bytes?.write(to: file)
            let number = try fixture.catalogue.nextNumber(of: "a")
            let again = try loader.loadAll()
            #expect(again.filter { $0.report?.outcome.status == "loaded" }.map(\.folder) == ["a"], "\(again)")
            #expect(try fixture.layer("a").number(0) == number)
            #expect(try loader.loadAll().allSatisfy { $0.report == nil && $0.problem == nil })
        }
        // What somebody withdrew is not brought back by a start.
        try fixture.catalogue.retire("b", by: "test")
        #expect(try loader.loadAll().allSatisfy { $0.report == nil })
    }

    @Test func `without any town description that could be read nothing is served; with an earlier one that counts`() throws {
        let fixture = try LoadFixture()
        let loader = try folder(fixture)
        let good = try String(contentsOf: fixture.folder.path("layers/town.yaml"), encoding: .utf8)
        for broken in ["name: {ja: 町}\nhazards: [{kind: flood, scenari: L2}]\n", "name: [", "\u{0}"] {
            _ = try fixture.write(broken, "layers/town.yaml")
            let error = #expect(throws: LoadError.self) { try loader.loadAll() }
            #expect(error?.code == "town-unreadable")
        }
        _ = try fixture.write(good, "layers/town.yaml")
        #expect(try loader.loadAll().allSatisfy { !$0.isFailure })
        _ = try fixture.write("name: [", "layers/town.yaml")
        let results = try loader.loadAll()
        #expect(results.filter(\.isFailure).map(\.folder) == ["town.yaml"])
        #expect(try fixture.catalogue.town()?.hazards.count == 1)
        // None at all is what a town may want.
        try FileManager.default.removeItem(at: fixture.folder.path("layers/town.yaml"))
        #expect(try loader.loadAll().allSatisfy { !$0.isFailure })
    }
}
