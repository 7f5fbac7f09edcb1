import AtlasKit
import Descriptions
import Files
import Foundation
import Geo
import Query
import Testing

@testable import HTTPAPI
@testable import Server

/// Downloads that GDAL writes.
@Suite(.serialized) struct ConversionTests {
    /// What `ogrinfo` says; nil where GDAL's programs are not installed.
    private func ogrinfo(_ arguments: String...) throws -> String? {
        guard let program = GDALProgram.path else {
            print("ogr2ogr is not there; tests of what it writes are skipped")
            if ProcessInfo.processInfo.environment["KASANE_STRICT"] == "1" { Issue.record("ogr2ogr is missing, and KASANE_STRICT=1") }
            return nil
        }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: program).deletingLastPathComponent().appendingPathComponent("ogrinfo")
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: text, as: UTF8.self)
    }

    private var leftovers: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: FileManager.default.temporaryDirectory.path).filter {
                $0.hasPrefix(Conversion.folders.ownPrefix)
            }
        }
    }

    @Test func `GeoPackage and shapefile hold the features asked for, and nothing remains`() async throws {
        guard try ogrinfo("--version") != nil else { return }
        let long: (Office) throws -> Void = { office in
            try Site.roads(office)
            try office.load(
                LayerDescription(id: "long", title: LocalizedText(ja: "長い名前"), access: .public),
                attributes: [Attribute(name: "浸水深の区分", type: .integer), Attribute(name: "name", type: .text)],
                rows: [Office.Row(.point(140, 37), [.integer(1), .text("a")])])
        }
        try await Site.run(layers: long) { site in
            func file(_ path: String, _ name: String) async throws -> String {
                let answer = try await site.get(path)
                #expect(answer.status == 200, "\(path) \(answer.text.prefix(300))")
                #expect(answer["content-length"] == String(answer.body.count) && answer["etag"] != nil)
                let again = try await site.get(path)
                #expect(again.body == answer.body, "a strong tag promises the same bytes: \(path)")
                #expect(try await site.get(path, "If-None-Match: \(answer["etag"] ?? "")").status == 304)
                let file = site.office.folder.path(name)
                try Data(answer.body).write(to: file)
                return try #require(try ogrinfo("-al", "-mdd", "all", file.path))
            }
            let package = try await file("/collections/shelters/download?f=gpkg", "a.gpkg")
            #expect(package.contains("Feature Count: 251") && package.contains("避難所249") && !package.contains("090-"))
            let shape = try await file("/collections/shelters/download?f=shapefile&encoding=cp932", "a.shp.zip")
            #expect(shape.contains("Feature Count: 251") && shape.contains("避難所249") && shape.contains("CP932"))
            let renamed = try await site.get("/collections/long/download?f=shapefile", method: "HEAD")
            #expect(
                renamed["kasane-short-names"]
                    == "%E6%B5%B8%E6%B0%B4%E6%B7%B1%E3%81%AE%E5%8C%BA%E5%88%86=%E6%B5%B8%E6%B0%B4%E6%B7%B1")
            #expect(try await site.get("/collections/long/download?f=gpkg", method: "HEAD")["kasane-short-names"] == nil)
            let few = try await file("/collections/roads/download?f=shapefile&filter=class%3D1&properties=class", "b.shp.zip")
            #expect(few.contains("Feature Count: 2") && few.contains("UTF-8") && !few.contains("width"))
            let plane = try await file(
                "/collections/roads/download?f=gpkg&bbox=140.3,37.3,140.312,37.5&crs=http://www.opengis.net/def/crs/EPSG/0/6677", "b.gpkg")
            #expect(plane.contains("Feature Count: 2") && plane.contains("ID[\"EPSG\",6677]"))
            let head = try await site.get("/collections/roads/download?f=gpkg", method: "HEAD")
            #expect(head.status == 200 && head["content-disposition"] == "attachment; filename=\"roads.gpkg\"")
            for form in ["gpkg", "shapefile"] {
                #expect(try await site.get("/collections/people/download?f=" + form).status == 404)
                #expect(try await site.get("/collections/shelters/download?f=\(form)&limit=5").code == "unknown-parameter")
            }
            #expect(try await site.get("/collections/roads/download?f=shapefile&encoding=utf-8-bom").code == "invalid-parameter")
            #expect(try leftovers == [])
        }
    }

    /// Names that mean something to a shell, to SQL, to GDAL or to a DBF table.
    @Test func `names of attributes are never more than names`() async throws {
        guard try ogrinfo("--version") != nil else { return }
        let names = [
            "a\\", "\\", "b\"", "c\\\"", "d'", "\" FROM x --", "e;", "*", "FID", "geom", "OGR_STYLE", "OGR_GEOM_WKT", "%s", "f,g", "h\ti",
            "浸水\\",
            "浸水深の区分\\", "select",
            "GEOMETRY", " ", "-sql", "a\\\\",
        ]
        let hostile: (Office) throws -> Void = { office in
            try office.load(
                LayerDescription(id: "hostile", title: LocalizedText(ja: "名前"), access: .public),
                attributes: names.map { Attribute(name: $0, type: .text) },
                rows: [Office.Row(.point(140, 37), names.indices.map { .text("value \($0) of it") })])
        }
        try await Site.run(layers: hostile) { site in
            for (form, file) in [("shapefile", "a.shp.zip"), ("gpkg", "a.gpkg")] {
                let answer = try await site.get("/collections/hostile/download?f=" + form)
                #expect(answer.status == 200, "\(form): \(answer.text.prefix(500)) \(site.log.all.filter { $0.contains("ogr2ogr") })")
                let place = site.office.folder.path(file)
                try Data(answer.body).write(to: place)
                let text = try #require(try ogrinfo("-al", place.path))
                #expect(text.contains("Feature Count: 1"))
                for index in names.indices { #expect(text.contains("value \(index) of it"), "\(form): \(names[index])") }
            }
        }
    }

    @Test func `what GDAL cannot write and who hangs up leave nothing`() async throws {
        guard try ogrinfo("--version") != nil else { return }
        let mixed: (Office) throws -> Void = { office in
            try Site.large(office)
            try office.load(
                LayerDescription(id: "mixed", title: LocalizedText(ja: "混在"), access: .public),
                rows: [Office.Row(.point(140, 37)), Office.Row(.lineString([Point(x: 140, y: 37), Point(x: 141, y: 37)]))])
        }
        try await Site.run(layers: mixed) { site in
            let refused = try await site.get("/collections/mixed/download?f=shapefile")
            #expect(refused.status == 400 && refused.code == "invalid-parameter" && refused.text.contains("gpkg"))
            #expect(site.log.all.contains { $0.contains("\"ogr2ogr\"") })
            #expect(try await site.get("/collections/mixed/download?f=gpkg").status == 200)
            // Some hang up while the file is made, and some while it is sent.
            for pieces in [0, 1] {
                let wire = try Wire(port: site.port, receiveBuffer: 4096)
                try await wire.send("GET /collections/large/download?f=gpkg HTTP/1.1\r\nHost: gis.example\r\n\r\n")
                if pieces == 0 { try await Task.sleep(for: .milliseconds(30)) }
                _ = try await wire.slowly(pieces: pieces, pause: .zero)
            }
            // After those before it, one at a time.
            let whole = try await site.get("/collections/large/download?f=gpkg")
            #expect(whole.status == 200 && whole.body.count > 20_000_000)
            #expect(try leftovers == [])
        }
    }

    @Test func `what is too large, takes too long or is given up ends with its child, and nothing remains`() throws {
        let office = try Office()
        try Site.large(office)
        let layer = try office.atlas.layer("large", for: .commandLine)
        let engine = QueryEngine(gridDirectories: [])
        let sleeper = office.folder.path("sleeper")
        try Data("#!/bin/sh\necho $$ > '\(office.folder.path("id").path)'\nexec sleep 60\n".utf8).write(to: sleeper)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: sleeper.path)
        func conversion(_ deadline: Deadline) -> Conversion {
            Conversion(
                program: sleeper.path, form: .geoPackage, encoding: .utf8, layer: "large", time: "2024-03-31T00:00:00Z", deadline: deadline)
        }
        func stream() throws -> FeatureStream {
            try DownloadRequest([], format: .flatGeobuf, layer: layer, engine: engine).stream(layer, engine)
        }
        var small = conversion(Deadline(seconds: nil))
        small.sizeLimit = 1 << 20
        let refused = #expect(throws: Problem.self) { try small.file(try stream()) }
        #expect(refused?.code == .limitExceeded)
        var short = conversion(Deadline(seconds: nil))
        short.timeLimit = .seconds(2)
        #expect(throws: QueryError.overdue) { try short.file(try stream()) }
        let id = try #require(Int32(String(contentsOf: office.folder.path("id"), encoding: .utf8).dropLast()))
        #expect(kill(id, 0) != 0)
        let deadline = Deadline(seconds: nil)
        let canceller = Thread {
            Thread.sleep(forTimeInterval: 1)
            deadline.cancel()
        }
        canceller.start()
        #expect(throws: QueryError.cancelled) { try conversion(deadline).file(try stream()) }
        #expect(try leftovers == [])
    }
}
