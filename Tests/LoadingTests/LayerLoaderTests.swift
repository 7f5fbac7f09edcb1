import Descriptions
import Foundation
import Geo
import LayerCatalog
import LayerStore
import Testing

@testable import Loading

@Suite(.enabled(if: LoadFixture.hasImporter || LoadFixture.isStrict, "kasane-import is not built"))
struct LayerLoaderTests {
    @Test func `a source becomes a published layer, row for row`() throws {
        let fixture = try LoadFixture()
        let source = try fixture.geoJSON(
            (0..<50).map { (#"{"番号":\#($0),"名称":"施設\#($0)"}"#, LoadFixture.square(140 + Double($0) * 0.01, 37)) })
        let report = fixture.load(fixture.request(source, id: "番号"))
        #expect(report.outcome.status == "loaded" && report.outcome.published, "\(report.outcome)")
        #expect(report.counts.source == 50 && report.counts.loaded == 50 && report.counts.areConserved)
        #expect(report.jail == .bubblewrap || report.jail == .landlock)
        let layer = try fixture.layer()
        #expect(layer.rowCount == 50)
        for id in [0, 17, 49] {
            let row = try #require(try layer.row(identifier: "\(id)"))
            #expect(try layer.value(1, row) == .text("施設\(id)"))
            let corner = try layer.shape(row).geometry.vertex(0)
            #expect(abs(corner.x - (140 + Double(id) * 0.01)) < 1e-9)
        }
        #expect(layer.facts.sourceHash == report.source.sha256)
        let original = try Data(contentsOf: fixture.folder.path("data/originals/\(try #require(report.source.sha256))"))
        #expect(try original == Data(contentsOf: source))
        #expect(try fixture.files().filter { $0.contains(".loading-") }.isEmpty)
    }

    @Test func `columns are renamed, cast and hidden as the description says`() throws {
        let fixture = try LoadFixture()
        let source = try fixture.write(
            "番号,人数,日付,緯度,経度\nA1,１２,令和6年3月31日,37.1,140.1\nA2,,2024/4/1,37.2,140.2\n", "list.csv")
        let attributes = [
            AttributeDescription(name: "people", column: "人数", type: .integer, visibility: .internal),
            AttributeDescription(name: "day", column: "日付", type: .date),
        ]
        let report = fixture.load(fixture.request(source, fixture.description(attributes: attributes)))
        #expect(report.outcome.status == "loaded", "\(report.outcome)")
        #expect(report.count(.assumedDegrees) == 1 && report.crs?.how == "assumed")
        let layer = try fixture.layer()
        let people = try #require(layer.attributes.firstIndex { $0.name == "people" })
        let day = try #require(layer.attributes.firstIndex { $0.name == "day" })
        #expect(layer.attributes[people].visibility == .internal && layer.attributes[people].type == .integer)
        #expect(layer.attributes.contains { $0.name == "番号" })
        let values = try (0..<2).map { try (layer.value(people, $0), layer.value(day, $0)) }
        #expect(values.contains { $0.0 == .integer(12) && $0.1 == .date(Day(year: 2024, month: 3, day: 31)!) })
        #expect(values.contains { $0.0 == .null && $0.1 == .date(Day(year: 2024, month: 4, day: 1)!) })
    }

    @Test func `a value that does not fit blocks, and is null when accepted`() throws {
        let fixture = try LoadFixture()
        let source = try fixture.geoJSON([(#"{"n":"twelve"}"#, LoadFixture.square(140, 37)), (#"{"n":"12"}"#, LoadFixture.square(141, 37))])
        let description = fixture.description(attributes: [AttributeDescription(name: "n", type: .integer)])
        let refused = fixture.load(fixture.request(source, description))
        #expect(refused.outcome.error == "findings" && refused.count(.castFailed) == 1 && refused.exitStatus == 1)
        #expect(try fixture.catalogue.layer("test") == nil)
        #expect(fixture.load(fixture.request(source, description, accept: ["cast-failed"])).outcome.status == "loaded")
        let layer = try fixture.layer()
        #expect(try Set((0..<2).map { try "\(layer.value(0, $0))" }) == ["null", "integer(12)"])
    }

    @Test func `a column that nobody spoke of does not become public with a reload`() throws {
        let fixture = try LoadFixture()
        let before = try fixture.geoJSON([(#"{"name":"A"}"#, LoadFixture.square(140, 37))], "before.geojson")
        let after = try fixture.geoJSON([(#"{"name":"A","owner":"B"}"#, LoadFixture.square(140, 37))], "after.geojson")
        var open = fixture.description()
        open.access = .public
        // The first time everything is new.
        #expect(fixture.load(fixture.request(before, open)).outcome.status == "loaded")
        // A reload from the command line says nothing of access: the layer stays what it is.
        let refused = fixture.load(fixture.request(after))
        #expect(refused.outcome.error == "findings" && refused.count(.newAttribute) == 1, "\(refused.outcome)")
        #expect(try fixture.layer().attributes.map(\.name) == ["name"])
        // Whoever names it has thought of it.
        var named = open
        named.attributes = [AttributeDescription(name: "keeper", column: "owner", visibility: .internal)]
        let hidden = fixture.load(fixture.request(after, named))
        #expect(hidden.outcome.status == "loaded" && hidden.count(.newAttribute) == 0)
        // What was hidden stays so unless somebody says otherwise.
        let forgotten = try fixture.geoJSON([(#"{"name":"A","keeper":"B"}"#, LoadFixture.square(140, 37))], "forgotten.geojson")
        #expect(fixture.load(fixture.request(forgotten, open)).outcome.error == "findings")
        #expect(fixture.load(fixture.request(before, open)).outcome.status == "loaded")
        #expect(fixture.load(fixture.request(after, open, accept: ["new-attribute"])).outcome.status == "loaded")
        // Known from now on.
        #expect(fixture.load(fixture.request(after, open)).count(.newAttribute) == 0)
    }

    @Test func `a new column of an internal layer is told`() throws {
        let fixture = try LoadFixture()
        let before = try fixture.geoJSON([(#"{"name":"A"}"#, LoadFixture.square(140, 37))], "before.geojson")
        let after = try fixture.geoJSON([(#"{"name":"A","owner":"B"}"#, LoadFixture.square(140, 37))], "after.geojson")
        #expect(fixture.load(fixture.request(before)).outcome.status == "loaded")
        let told = fixture.load(fixture.request(after))
        #expect(told.outcome.status == "loaded" && told.count(.newInternalAttribute) == 1 && told.count(.newAttribute) == 0)
        // Opening it to everybody is another matter.
        var open = fixture.description()
        open.access = .public
        #expect(fixture.load(fixture.request(before)).outcome.status == "loaded")
        #expect(fixture.load(fixture.request(after, open)).outcome.error == "findings")
    }

    @Test func `a preset names the columns of national data`() throws {
        let fixture = try LoadFixture()
        let properties = #"{"A31a_201":"8606040001","A31a_202":"見本川","A31a_203":"1","A31a_204":"国","A31a_205":3,"other":"x"}"#
        let source = try fixture.geoJSON([(properties, LoadFixture.square(140, 37))])
        var description = fixture.description(attributes: [AttributeDescription(name: "name", column: "A31a_202")])
        description.source = LayerSource(file: "source.geojson", preset: "ksj-a31a")
        let report = fixture.load(fixture.request(source, description))
        #expect(report.outcome.status == "loaded", "\(report.outcome)")
        #expect(report.columns.map(\.name) == ["river_number", "name", "keeper_code", "keeper", "rank", "other"])
        let version = try #require(try fixture.catalogue.versions(of: "test").first)
        #expect(try version.description.attribute("rank")?.codes?.name == "depth-6")

        description.source?.preset = "ksj-a33"
        #expect(fixture.load(fixture.request(source, description)).outcome.error == "preset-mismatch")
        description.source?.preset = "ksj-x"
        #expect(fixture.load(fixture.request(source, description)).exitStatus == 2)
    }

    @Test func `a column that is not there is named with those that are`() throws {
        let fixture = try LoadFixture()
        let source = try fixture.geoJSON([(#"{"a":1,"b":2}"#, LoadFixture.square(140, 37))])
        let report = fixture.load(fixture.request(source, fixture.description(attributes: [AttributeDescription(name: "c")])))
        #expect(report.outcome.error == "no-such-column")
        #expect(report.outcome.message?.text("en").contains("a, b") == true)
    }

    @Test func `what is broken is repaired and told, what is unclear blocks`() throws {
        let fixture = try LoadFixture()
        let source = try fixture.geoJSON([
            (#"{"n":1}"#, LoadFixture.square(140, 37)), (#"{"n":2}"#, LoadFixture.bowtie(140.1, 37)),
            (#"{"n":3}"#, LoadFixture.unclear(140.2, 37)), (#"{"n":4}"#, "null"),
        ])
        let refused = fixture.load(fixture.request(source, id: "n"))
        #expect(refused.outcome.error == "findings" && refused.openFindings.map(\.code) == [.rejectedFeatures], "\(refused.outcome)")
        let place = try #require(refused.findings.first { $0.code == .unclearGeometry }?.places.first)
        #expect(place.id == "3" && abs((place.longitude ?? 0) - 140.2) < 0.01)
        #expect(refused.outcome.message?.text("ja").contains("--accept rejected-features") == true)

        let report = fixture.load(fixture.request(source, accept: ["rejected-features"], id: "n"))
        #expect(report.outcome.status == "loaded")
        #expect(report.counts.source == 4 && report.counts.loaded == 3 && report.counts.rejected == 1 && report.counts.repaired == 1)
        #expect(report.count(.nullGeometry) == 1 && report.counts.withoutGeometry == 1)
        let area = try #require(report.repairedArea)
        #expect(abs(area.before - area.after) < 1e-6 * area.before)
        #expect(try fixture.layer().rowCount == 3)
        #expect(try fixture.layer().facts.unknownAreas.isEmpty)
    }

    @Test func `a hazard that could not be loaded leaves its place unknown`() throws {
        let fixture = try LoadFixture()
        let source = try fixture.geoJSON([(#"{"n":1}"#, LoadFixture.square(140, 37)), (#"{"n":3}"#, LoadFixture.unclear(140.2, 37))])
        let hazard = HazardDescription(kind: "flood")
        let report = fixture.load(fixture.request(source, fixture.description(hazard: hazard), accept: ["rejected-features"]))
        #expect(report.outcome.status == "loaded" && report.unknownAreas == 1 && report.count(.noCoverage) == 1, "\(report.outcome)")
        let facts = try fixture.layer().facts
        let box = try #require(facts.unknownAreas.first)
        #expect(box.minX <= 140.2 && box.maxX >= 140.206 && !facts.unknownEverywhere)

        let lost = try fixture.geoJSON([(#"{"n":1}"#, LoadFixture.square(140, 37)), (#"{"n":3}"#, "null")], "lost.geojson")
        #expect(
            fixture.load(fixture.request(lost, fixture.description(hazard: hazard))).openFindings.map(\.code) == [.hazardWithoutGeometry])
        let accepted = fixture.load(fixture.request(lost, fixture.description(hazard: hazard), accept: ["hazard-without-geometry"]))
        #expect(accepted.outcome.status == "loaded" && accepted.unknownEverywhere)
        #expect(try fixture.layer().facts.unknownEverywhere)
    }

    @Test func `coverage travels in the layer file`() throws {
        let fixture = try LoadFixture()
        let source = try fixture.geoJSON([(#"{"川":"見本川","rank":1}"#, LoadFixture.square(140, 37))])
        _ = try fixture.geoJSON([(#"{"river":"見本川"}"#, LoadFixture.square(139, 36, 2))], "coverage.geojson")
        var hazard = HazardDescription(kind: "flood", riverAttribute: "river", coverage: .file("coverage.geojson"))
        let attributes = [AttributeDescription(name: "river", column: "川")]
        let report = fixture.load(fixture.request(source, fixture.description(hazard: hazard, attributes: attributes)))
        #expect(report.outcome.status == "loaded", "\(report.outcome)")
        let area = try #require(try fixture.layer().facts.coverage.first)
        #expect(area.river == "見本川")
        var geometry = Geometry(kind: .point)
        try area.wkb.withUnsafeBytes { try WKBReader().read($0, into: &geometry) }
        #expect(geometry.envelope == Envelope(minX: 139, minY: 36, maxX: 141, maxY: 38))

        // The next source comes from elsewhere, without the coverage beside it.
        let other = try fixture.geoJSON([(#"{"川":"見本川","rank":2}"#, LoadFixture.square(140, 37))], "elsewhere/new.geojson")
        var alone = fixture.request(other, fixture.description(hazard: hazard, attributes: attributes))
        alone.folder = nil
        #expect(fixture.load(alone).outcome.status == "loaded")
        #expect(try fixture.layer().facts.coverage == [area])

        hazard.coverage = .box(Envelope(minX: 139, minY: 36, maxX: 141, maxY: 38))
        let box = fixture.description(hazard: hazard, attributes: attributes)
        #expect(fixture.load(fixture.request(source, box)).openFindings.map(\.code) == [.coverageBox])
        #expect(fixture.load(fixture.request(source, box, accept: ["coverage-bbox"])).outcome.status == "loaded")

        _ = try fixture.geoJSON([(#"{}"#, LoadFixture.unclear(140, 37))], "coverage.geojson")
        hazard.coverage = .file("coverage.geojson")
        let broken = fixture.load(fixture.request(source, fixture.description(hazard: hazard, attributes: attributes)))
        #expect(broken.outcome.error == "bad-coverage")
    }

    @Test func `swapped axes are seen, and points elsewhere are told`() throws {
        let fixture = try LoadFixture()
        let source = try fixture.geoJSON([
            ("{}", #"{"type":"Point","coordinates":[37.5,140.3]}"#), ("{}", #"{"type":"Point","coordinates":[2.35,48.85]}"#),
        ])
        let report = fixture.load(fixture.request(source))
        #expect(report.count(.axesSwapped) == 1 && report.count(.outsideJapan) == 1 && report.count(.outsideWorld) == 1)
        #expect(Set(report.openFindings.map(\.code)) == [.axesSwapped, .rejectedFeatures])
    }

    @Test func `the antimeridian with the noise of floating point is still of this world`() throws {
        let fixture = try LoadFixture()
        let source = try fixture.geoJSON([
            ("{}", #"{"type":"LineString","coordinates":[[179,66],[180.00000000000006,66.5]]}"#),
            ("{}", #"{"type":"LineString","coordinates":[[-179,-89],[-180.00000000000003,-90.00000000000001]]}"#),
        ])
        let report = fixture.load(fixture.request(source, accept: ["outside-japan"]))
        #expect(report.count(.outsideWorld) == 0 && report.outcome.status == "loaded")
        #expect(try fixture.layer().extent == Envelope(minX: -180, minY: -90, maxX: 180, maxY: 66.5))
    }

    @Test func `a plane without a name is refused with what to write`() throws {
        let fixture = try LoadFixture()
        let source = try fixture.write("name,X,Y\na,164065.1,43616.6\n", "survey.csv")
        let report = fixture.load(fixture.request(source))
        #expect(report.outcome.error == "no-crs" && report.outcome.message?.text("ja").contains("--crs EPSG:6677") == true)
        #expect(fixture.load(fixture.request(source, crs: "zone nine")).exitStatus == 2)
    }

    @Test func `an id that does not identify blocks, and is given up when accepted`() throws {
        let fixture = try LoadFixture()
        let twice = try fixture.geoJSON([
            (#"{"id_":"a"}"#, LoadFixture.square(140, 37)), (#"{"id_":"a"}"#, LoadFixture.square(141, 37)),
        ])
        let refused = fixture.load(fixture.request(twice, id: "id_"))
        #expect(refused.outcome.error == "duplicate-id" && refused.count(.duplicateID) == 1)
        let report = fixture.load(fixture.request(twice, accept: ["duplicate-id"], id: "id_"))
        #expect(report.outcome.status == "loaded" && report.count(.duplicateID) == 1)
        #expect(try fixture.layer().identity == .content)
        let missing = try fixture.geoJSON([(#"{"id_":null}"#, LoadFixture.square(140, 37)), (#"{"id_":"b"}"#, LoadFixture.square(141, 37))])
        #expect(fixture.load(fixture.request(missing, id: "id_")).count(.nullID) == 1)
    }

    @Test func `a feature keeps its number over reloads`() throws {
        let fixture = try LoadFixture()
        func source(_ numbers: [Int]) throws -> URL {
            try fixture.geoJSON(numbers.map { (#"{"n":\#($0)}"#, LoadFixture.square(140 + Double($0) * 0.01, 37)) })
        }
        func numbers() throws -> [String: UInt64] {
            let layer = try fixture.layer()
            return try Dictionary(uniqueKeysWithValues: (0..<layer.rowCount).map { try ("\(layer.value(0, $0))", layer.number($0)) })
        }
        #expect(try fixture.load(fixture.request(source([1, 2, 3]))).outcome.status == "loaded")
        let before = try numbers()
        let report = try fixture.load(fixture.request(source([3, 4, 1])))
        #expect(report.counts.kept == 2)
        let after = try numbers()
        #expect(after["integer(1)"] == before["integer(1)"] && after["integer(3)"] == before["integer(3)"])
        #expect(!before.values.contains(try #require(after["integer(4)"])))
        #expect(try fixture.catalogue.versions(of: "test").count == 2)
    }

    @Test func `a plane's own coordinates are kept to the bit`() throws {
        let fixture = try LoadFixture()
        let source = try fixture.write("name,X座標,Y座標\na,164065.1,43616.6\n", "survey.csv")
        let report = fixture.load(fixture.request(source, crs: "EPSG:6677"))
        #expect(report.outcome.status == "loaded", "\(report.outcome)")
        let layer = try fixture.layer()
        let place = try layer.shape(0).geometry.vertex(0)
        #expect(abs(place.x - 140.326492) < 5e-7 && abs(place.y - 37.477545) < 5e-7)
        #expect(layer.facts.crs == "EPSG:6677")
        #expect(try layer.sourceCoordinates(0) == [43616.6, 164065.1])
        #expect(report.crs?.pipeline.isEmpty == false)
    }

    @Test func `JGD2000 where the ground moved blocks, elsewhere it does not`() throws {
        let fixture = try LoadFixture()
        let sendai = try fixture.write("name,緯度,経度\na,38.27,140.87\n", "sendai.csv")
        let report = fixture.load(fixture.request(sendai, crs: "EPSG:4612"))
        guard report.crs?.shift == "assumed-equal" else { return }  // The grid is installed here.
        #expect(report.openFindings.map(\.code) == [.datumShiftUnknown])
        #expect(fixture.load(fixture.request(sendai, accept: ["datum-shift-unknown"], crs: "EPSG:4612")).outcome.status == "loaded")
        let fukuoka = try fixture.write("name,緯度,経度\na,33.59,130.40\n", "fukuoka.csv")
        let clear = fixture.load(fixture.request(fukuoka, crs: "EPSG:4612"))
        #expect(clear.outcome.status == "loaded" && clear.count(.datumAccuracy) == 0)
    }

    @Test func `a layer is loaded by one at a time`() throws {
        let fixture = try LoadFixture()
        let source = try fixture.geoJSON([("{}", LoadFixture.square(140, 37))])
        #expect(fixture.load(fixture.request(source)).outcome.status == "loaded")
        let lock = try LayerLock(folder: fixture.catalogue.folder(of: "test"))
        #expect(lock != nil)
        #expect(fixture.load(fixture.request(source)).outcome.error == "layer-busy")
        // Nor does cleaning up touch what somebody is at.
        try FileManager.default.createDirectory(
            at: fixture.catalogue.folder(of: "test").appendingPathComponent(".loading-x"), withIntermediateDirectories: false)
        #expect(LoadCleanup.removeAbandoned(fixture.catalogue).removed.isEmpty)
        withExtendedLifetime(lock) {}
    }

    @Test func `a file that is set aside or put back is told of, whatever came of the load`() throws {
        let fixture = try LoadFixture()
        let source = try fixture.geoJSON([("{}", LoadFixture.square(140, 37))])
        let first = fixture.load(fixture.request(source))
        #expect(first.setAside == nil && first.restored == nil && !first.text().contains("脇に"))
        let folder = fixture.catalogue.folder(of: "test")
        // As after a restored backup: a version's file that the catalogue never heard of.
        try Data("a".utf8).write(to: folder.appendingPathComponent("v000009-00000000.layer"))
        let place = folder.appendingPathComponent(".unclaimed/v000009-00000000.layer").path
        let refused = fixture.load(fixture.request(fixture.folder.path("absent.geojson")))
        #expect(refused.outcome.status == "refused" && refused.setAside == [place])
        for language in ["ja", "en"] { #expect(refused.text(language).contains(place)) }
        #expect(String(decoding: try refused.json(), as: UTF8.self).contains("\"setAside\""))
        let version = try #require(first.outcome.version)
        let known = folder.appendingPathComponent("\(version).layer")
        try FileManager.default.moveItem(at: known, to: folder.appendingPathComponent(".unclaimed/\(version).layer"))
        let again = fixture.load(fixture.request(source))
        #expect(again.outcome.status == "loaded" && again.setAside == nil && again.restored == [known.path])
        #expect(again.text("en").contains("Put back: \(known.path)"))
    }

    @Test func `a load that is interrupted changes nothing`() throws {
        let fixture = try LoadFixture()
        let source = try fixture.geoJSON((0..<2000).map { (#"{"n":\#($0)}"#, LoadFixture.square(140 + Double($0) * 0.0001, 37)) })
        var settings = LoadSettings()
        settings.cancellation.cancel()
        let report = LayerLoader(catalogue: fixture.catalogue, settings: settings).load(fixture.request(source))
        #expect(report.outcome.error == "cancelled" && report.exitStatus == 1)
        #expect(try fixture.catalogue.layer("test") == nil)
        #expect(try fixture.files() == ["layers", "layers/test"])
        settings = LoadSettings()
    }

    @Test func `a check finds the same and leaves nothing`() throws {
        let fixture = try LoadFixture()
        let source = try fixture.geoJSON([(#"{"n":2}"#, LoadFixture.bowtie(140.1, 37)), (#"{"n":3}"#, LoadFixture.unclear(140.2, 37))])
        let report = LayerLoader.check(fixture.request(source))
        #expect(report.outcome.error == "findings" && report.counts.repaired == 1 && report.counts.rejected == 1)
        #expect(LayerLoader.check(fixture.request(source, accept: ["rejected-features"])).outcome.status == "checked")
        #expect(try fixture.files().isEmpty)
        let decoded = try JSONDecoder().decode(LoadReport.self, from: report.json())
        #expect(decoded.counts.rejected == 1 && decoded.findings.count == report.findings.count)
        #expect(report.text("ja").contains("unclear-geometry") && report.text("en").contains("Not loaded"))
    }
}
