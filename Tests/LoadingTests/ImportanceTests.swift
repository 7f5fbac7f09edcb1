import Descriptions
import Foundation
import Geo
import LayerStore
import Testing

@testable import Loading

@Suite(.enabled(if: LoadFixture.hasImporter || LoadFixture.isStrict, "kasane-import is not built"))
struct ImportanceTests {
    /// So many and so wordy that the farthest tile cannot hold them all; the greater `n` is the smaller the square.
    private func source(_ fixture: LoadFixture) throws -> URL {
        let words = String(repeating: "あ", count: 40)
        return try fixture.geoJSON(
            (0..<3000).map { i in
                let (x, y, side) = (140 + Double(i % 60) * 0.001, 37 + Double(i / 60) * 0.001, 0.0009 - Double(i) * 1e-7)
                let ring = "[\(x),\(y)],[\(x + side),\(y)],[\(x + side),\(y + side)],[\(x),\(y + side)],[\(x),\(y)]"
                return (#"{"n":\#(i),"name":"\#(words)\#(i)"}"#, #"{"type":"Polygon","coordinates":[[\#(ring)]]}"#)
            })
    }

    /// The values of `n` of the features that matter at zoom 0.
    private func kept(_ layer: LayerFile) throws -> [Int64] {
        let column = try #require(layer.attributes.firstIndex { $0.name == "n" })
        let details = try #require(try layer.details())
        try details.touch(0..<layer.geometryCount)
        return try (0..<layer.geometryCount).filter { details[$0].leastZoom == 0 }.map { row in
            guard case .integer(let number) = try layer.value(column, row) else { throw CocoaError(.featureUnsupported) }
            return number
        }
    }

    @Test func `the attribute that the style names decides what stays far out`() throws {
        let fixture = try LoadFixture()
        let source = try source(fixture)
        var description = fixture.description()
        #expect(fixture.load(fixture.request(source, description)).outcome.status == "loaded")
        let byArea = try kept(try fixture.layer())
        #expect(byArea.count > 10 && byArea.count < 2900, "nothing is left out: \(byArea.count)")
        #expect(byArea.max()! < 2000, "the larger stay")

        description.style.importance = "n"
        let report = fixture.load(fixture.request(source, description))
        #expect(report.outcome.status == "loaded" && report.count(.importance) == 1, "\(report.outcome)")
        let byValue = try kept(try fixture.layer())
        #expect(byValue.min()! > 1000, "the greatest stay")
        #expect(byValue.sorted() == Array(Int64(3000 - byValue.count)..<3000))
    }

    @Test func `what cannot decide is refused by name`() throws {
        let fixture = try LoadFixture()
        let source = try fixture.geoJSON([(#"{"n":1,"name":"a","hidden":2}"#, LoadFixture.square(140, 37))])
        var description = fixture.description(attributes: [AttributeDescription(name: "hidden", visibility: .internal)])
        for (name, code) in [("x", "no-importance-column"), ("name", "bad-importance-column"), ("hidden", "hidden-importance-column")] {
            description.style.importance = name
            for report in [fixture.load(fixture.request(source, description)), LayerLoader.check(fixture.request(source, description))] {
                #expect(report.outcome.error == code && report.exitStatus == 1, "\(report.outcome)")
                #expect(report.outcome.message?.text("ja").contains("style.importance") == true)
            }
        }
        description.style.importance = "n"
        #expect(LayerLoader.check(fixture.request(source, description)).outcome.status == "checked")
    }

    @Test func `a layer's own description can be checked, and says that importance takes a new load`() throws {
        let fixture = try LoadFixture()
        let source = try fixture.geoJSON([(#"{"n":1,"name":"a"}"#, LoadFixture.square(140, 37))])
        func check(_ style: String, accepted: Set<String> = []) throws -> LoadReport {
            let yaml = "id: test\ntitle: {ja: 題}\nsource: {file: \(source.lastPathComponent)}\nstyle: {\(style)}\n"
            let file = try fixture.write(yaml, "layer.yaml")
            #expect(LayerLoader.description(at: file) == file)
            return LayerLoader.check(description: file, accepted: accepted)
        }
        let good = try check("importance: n")
        #expect(
            good.outcome.status == "checked" && good.text("ja").contains("新しい版") && good.text("en").contains("new load"), "\(good.outcome)")
        #expect(try check("min-zoom: 3").count(.importance) == 0)
        #expect(try check("importance: name").outcome.error == "bad-importance-column")
        let bad = try check("importanse: n")
        #expect(
            bad.outcome.error == "bad-description" && bad.outcome.message?.text("ja").contains("layer.yaml:4") == true
                && bad.exitStatus == 1)
        #expect(LayerLoader.check(description: fixture.folder.path("nothing/layer.yaml")).exitStatus == 2)
        #expect(LayerLoader.description(at: source) == nil)
    }

    @Test func `a changed importance makes a new version of a layer in a folder`() throws {
        let fixture = try LoadFixture()
        let folder = fixture.folder.path("layers/test")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let source = try fixture.geoJSON([(#"{"n":1,"m":2}"#, LoadFixture.square(140, 37))])
        try FileManager.default.copyItem(at: source, to: folder.appendingPathComponent("a.geojson"))
        var versions: [String?] = []
        for style in ["{}", "{importance: n}", "{importance: n}", "{importance: m}"] {
            let yaml = "id: test\ntitle: {ja: 題}\nsource: {file: a.geojson}\nstyle: \(style)\n"
            try Data(yaml.utf8).write(to: folder.appendingPathComponent("layer.yaml"))
            let results = try LayerFolderLoader(catalogue: fixture.catalogue, directory: folder.deletingLastPathComponent()).loadAll()
            #expect(results.allSatisfy { !$0.isFailure })
            versions.append(try fixture.catalogue.layer("test")?.current)
        }
        #expect(versions[0] != versions[1] && versions[1] == versions[2] && versions[2] != versions[3])
    }
}
