import Descriptions
import Foundation
import GRDB
import Geo
import TestKit
import Testing

@testable import LayerCatalog
@testable import Loading

/// What is cleared away at start, and what never is.
@Suite struct LoadCleanupTests {
    private let folder: TemporaryFolder
    private var data: URL { folder.path("data") }

    init() throws { folder = try TemporaryFolder() }

    /// A published version whose file holds its name.
    private func load(_ catalogue: Catalogue, _ layer: String = "a") throws -> String {
        let description = LayerDescription(id: layer, title: LocalizedText(ja: layer))
        try catalogue.register(description)
        let name = try catalogue.reserveVersion(of: layer)
        try put(catalogue, layer, name)
        try catalogue.addVersion(
            NewVersion(
                layer: layer, name: name, description: description, byteCount: name.utf8.count, featureCount: 1, nextNumber: 2),
            publishing: true, by: "test")
        return name
    }

    private func put(_ catalogue: Catalogue, _ layer: String, _ name: String) throws {
        try FileManager.default.createDirectory(at: catalogue.folder(of: layer), withIntermediateDirectories: true)
        try Data(name.utf8).write(to: catalogue.file(of: layer, version: name))
    }

    private func files(_ catalogue: Catalogue, _ layer: String = "a") throws -> [String] {
        let all = FileManager.default.enumerator(atPath: catalogue.folder(of: layer).path)?.compactMap { $0 as? String } ?? []
        return all.filter { $0.hasSuffix(".layer") || $0.contains(".loading-") }.sorted()
    }

    /// The catalogue's bytes, in one file.
    private func backup() throws -> Data {
        let catalogue = try Catalogue(directory: data)
        try catalogue.pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        return try Data(contentsOf: data.appending(path: "catalogue.sqlite"))
    }

    private func restore(_ bytes: Data?) throws {
        for name in ["catalogue.sqlite", "catalogue.sqlite-wal", "catalogue.sqlite-shm"] {
            let file = data.appending(path: name)
            if FileManager.default.fileExists(atPath: file.path) { try FileManager.default.removeItem(at: file) }
        }
        try bytes?.write(to: data.appending(path: "catalogue.sqlite"))
    }

    @Test func `what a load that died has left goes`() throws {
        let catalogue = try Catalogue(directory: data)
        let version = try load(catalogue)
        let died = try catalogue.reserveVersion(of: "a")
        try put(catalogue, "a", died)
        try FileManager.default.createDirectory(
            at: catalogue.folder(of: "a").appending(path: ".loading-1"), withIntermediateDirectories: true)
        let outcome = LoadCleanup.removeAbandoned(catalogue)
        #expect(outcome.removed.count == 2 && outcome.setAside.isEmpty)
        #expect(try files(catalogue) == [version + ".layer"])
    }

    @Test func `a catalogue that was lost costs no layer file, and brought back it has them all again`() throws {
        let version = try load(try Catalogue(directory: data))
        let kept = try backup()
        try restore(nil)
        let empty = try Catalogue(directory: data)
        let outcome = LoadCleanup.removeAbandoned(empty)
        #expect(outcome.removed.isEmpty && outcome.setAside.count == 1)
        #expect(try files(empty) == [".unclaimed/\(version).layer"])
        // The layer made anew beside it, and started once more.
        let fresh = try load(empty)
        #expect(LoadCleanup.removeAbandoned(empty).removed.isEmpty)
        #expect(try files(empty) == [".unclaimed/\(version).layer", fresh + ".layer"])
        try restore(kept)
        let whole = try Catalogue(directory: data)
        let again = LoadCleanup.removeAbandoned(whole)
        #expect(again.restored.count == 1 && again.removed.isEmpty)
        #expect(try files(whole).contains(version + ".layer"))
        #expect(try Data(contentsOf: whole.file(of: "a", version: version)) == Data(version.utf8))
    }

    @Test func `a catalogue from an older backup costs no layer file`() throws {
        let first = try load(try Catalogue(directory: data))
        let old = try backup()
        let second = try load(try Catalogue(directory: data))
        try restore(old)
        let catalogue = try Catalogue(directory: data)
        let outcome = LoadCleanup.removeAbandoned(catalogue)
        #expect(outcome.removed.isEmpty && outcome.setAside.count == 1)
        #expect(try files(catalogue) == [".unclaimed/\(second).layer", first + ".layer"])
    }

    @Test func `a record that was lost from the catalogue costs no layer file`() throws {
        let catalogue = try Catalogue(directory: data)
        let version = try load(catalogue)
        try catalogue.pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA foreign_keys = 0; UPDATE layer SET current = NULL; DELETE FROM version")
        }
        #expect(LoadCleanup.removeAbandoned(catalogue).removed.isEmpty)
        #expect(try files(catalogue) == [".unclaimed/\(version).layer"])
    }

    @Test func `a layer whose folder cannot be cleared does not keep the others from it`() throws {
        let catalogue = try Catalogue(directory: data)
        _ = try load(catalogue, "a")
        _ = try load(catalogue, "b")
        for layer in ["a", "b"] { try put(catalogue, layer, "v000009-00000000") }
        try Data().write(to: catalogue.folder(of: "a").appending(path: ".unclaimed"))
        var failed: [String] = []
        let outcome = LoadCleanup.removeAbandoned(catalogue) { layer, _ in failed.append(layer) }
        #expect(outcome.removed.isEmpty && outcome.setAside.count == 1 && outcome.setAside[0].contains("/b/"))
        #expect(try files(catalogue, "a").count == 2)
        #expect(failed == ["a"])
    }
}
