import Foundation
import Geo
import RecordStream
import Testing

/// Real and broken files from elsewhere, which lie beside the repository and are no part of it.
struct SharedDataTests {
    /// The folder; nil, with a word about it, when it is not there.
    static let folder: URL? = {
        let named = ProcessInfo.processInfo.environment["KASANE_SHARED_DATA"].map { URL(fileURLWithPath: $0) }
        let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let place = named ?? repository.deletingLastPathComponent().appendingPathComponent("shared/data")
        if FileManager.default.fileExists(atPath: place.path) { return place }
        print("no shared data at \(place.path); tests with real files are skipped")
        return nil
    }()

    static var isStrict: Bool { ProcessInfo.processInfo.environment["KASANE_STRICT"] == "1" }

    /// The file or folder; nil when there is no shared data, which strict runs do not forgive.
    private func shared(_ path: String) -> URL? {
        guard let folder = Self.folder else {
            if Self.isStrict { Issue.record("no shared data, and KASANE_STRICT=1") }
            return nil
        }
        return folder.appendingPathComponent(path)
    }

    private func files(below path: String) throws -> [URL] {
        guard let folder = shared(path) else { return [] }
        let all = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.isRegularFileKey])
        return (all?.allObjects as? [URL] ?? [])
            .filter { (try? $0.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true }.sorted { $0.path < $1.path }
    }

    @Test(arguments: ["nasty/geojson_invalid", "nasty/pyshp", "nasty/fiona_testdata", "japan"])
    func `every file ends in records or in a refusal`(folder: String) throws {
        for file in try files(below: folder) {
            let read = try ImporterProcess.run(file, keep: false)
            #expect(read.isOrderly, "\(file.lastPathComponent): \(read.status) \(read.errorText)")
            for layer in read.failure?.code == "several-layers" ? read.failure?.names ?? [] : [] {
                #expect(try ImporterProcess.run(file, "--source-layer", layer, keep: false).isOrderly, "\(file.lastPathComponent) \(layer)")
            }
        }
    }

    @Test(arguments: [
        ("japan/shelters/fukushima_emergency_cp932_derived.csv", 2546, 0), ("japan/addresses/addresses_japan_utf8.csv", 277_676, 469),
        ("japan/addresses/addresses_fukushima_cp932_derived.csv", 22_740, 8), ("japan/shelters/nihonmatsu_emergency_072109.json", 81, 0),
        ("japan/hazard/derived/numazu_tnm.gpkg", 230, 0), ("large/koto_buildings_cp932_epsg6677.zip", 55_460, 0),
    ])
    func `as many features come as were published`(path: String, count: UInt64, withoutPlace: Int) throws {
        guard let file = shared(path) else { return }
        let read = try ImporterProcess.run(file, keep: false)
        #expect(read.count == count)
        #expect(read.problemCodes.filter { $0 == "no-place" }.count == withoutPlace)
        #expect(!read.problemCodes.contains("undecodable-text"))
    }

    @Test func `the same points come in every datum of the convenience stores`() throws {
        guard let file = shared("japan/shapefiles/tokyo23ku-cvs.zip") else { return }
        for (layer, code) in [
            ("tokyo23ku-cvs_tokyo", "4301"), ("tokyo23ku-cvs_jgd2000", "4612"), ("tokyo23ku-cvs_tokyo_9kei", "30169"),
            ("tokyo23ku-cvs_jgd2000_9kei", "2451"),
        ] {
            let read = try ImporterProcess.run(file, "--source-layer", layer, keep: false)
            #expect(read.count == 3853 && read.header?.crs?.code == code)
        }
    }

    @Test(arguments: [("BldA.xml", 3, "6668"), ("RdCompt.xml", 2, "6668"), ("BldA_jgd2000.gml", 1, "4612")])
    func `基盤地図情報 comes out longitude first`(name: String, count: UInt64, code: String) throws {
        guard let file = shared("japan/fgd/" + name) else { return }
        let read = try ImporterProcess.run(file)
        #expect(read.count == count && read.header?.crs?.code == code)
        for row in read.rows {
            let place = try #require(row.geometry?.vertex(0))
            #expect((139...140).contains(place.x) && (35...36).contains(place.y))
        }
    }
}
