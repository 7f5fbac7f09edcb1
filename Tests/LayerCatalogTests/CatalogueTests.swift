import Access
import Descriptions
import Foundation
import GRDB
import Geo
import Synchronization
import TestKit
import Testing

@testable import LayerCatalog

/// A catalogue in a folder of its own, with a clock that the test moves.
private final class Office: Sendable {
    let directory: URL
    let catalogue: Catalogue

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "kasane-catalogue-\(UUID().uuidString)")
        let seconds = Holder()
        catalogue = try Catalogue(directory: directory) { seconds.date }
        holder = seconds
    }

    private final class Holder: Sendable {
        private let seconds = Mutex<Double>(1_711_843_200)
        var date: Date { Date(timeIntervalSince1970: seconds.withLock { $0 }) }
        func wait(_ more: Double) { seconds.withLock { $0 += more } }
    }
    private let holder: Holder

    func wait(_ more: Double) { holder.wait(more) }

    deinit { try? FileManager.default.removeItem(at: directory) }

    /// Loads a version with a file of a few bytes.
    @discardableResult
    func load(
        _ layer: String, access: LayerAccess? = nil, publishing: Bool = true, nextNumber: UInt64 = 1, sourceHash: String? = nil,
        into other: Catalogue? = nil
    ) throws -> String {
        let catalogue = other ?? self.catalogue
        let description = LayerDescription(id: layer, title: LocalizedText(ja: "題"), access: access)
        try catalogue.register(description)
        let name = try catalogue.reserveVersion(of: layer)
        try FileManager.default.createDirectory(at: catalogue.folder(of: layer), withIntermediateDirectories: true)
        try Data(name.utf8).write(to: catalogue.file(of: layer, version: name))
        try catalogue.addVersion(
            NewVersion(
                layer: layer, name: name, description: description, byteCount: name.utf8.count, featureCount: 3, nextNumber: nextNumber,
                sourceHash: sourceHash, report: #"{"rows":3}"#), publishing: publishing, by: "test")
        return name
    }

    func current(_ layer: String) throws -> String? { try catalogue.layer(layer)?.current }
}

@Test func `the files of the catalogue are the owner's alone, durable and checked`() throws {
    let office = try Office()
    try office.load("roads")
    for name in ["catalogue.sqlite", "catalogue.sqlite-wal", "catalogue.sqlite-shm", "catalogue.lock", "catalogue.reserve"] {
        let attributes = try FileManager.default.attributesOfItem(atPath: office.directory.appending(path: name).path)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "\(name)")
    }
    let pragmas = try office.catalogue.pool.writeWithoutTransaction { db in
        try ["synchronous", "journal_mode", "foreign_keys", "busy_timeout"].map { try String.fetchOne(db, sql: "PRAGMA \($0)") }
    }
    #expect(pragmas == ["2", "wal", "1", "10000"])
}

@Test func `a draft changes nothing for readers until it is published`() throws {
    let office = try Office()
    let first = try office.load("roads", access: .public)
    let counter = try office.catalogue.changeCounter()
    let draft = try office.load("roads", access: .internal, publishing: false)
    #expect(try office.catalogue.changeCounter() == counter)
    #expect(try office.current("roads") == first)
    #expect(try office.catalogue.layer("roads")?.access == .public)
    try office.catalogue.publish("roads", version: draft, by: "test")
    #expect(try office.catalogue.changeCounter() > counter)
    #expect(try office.current("roads") == draft)
    #expect(try office.catalogue.layer("roads")?.access == .internal)
    #expect(try office.catalogue.versions(of: "roads").map(\.state) == [.published, .superseded])
}

@Test func `a new layer is internal unless told otherwise, and a reload keeps what it has`() throws {
    let office = try Office()
    try office.load("a")
    #expect(try office.catalogue.layer("a")?.access == .internal)
    try office.load("a", access: .departments(["福祉課"]))
    try office.load("a")
    #expect(try office.catalogue.layer("a")?.access == .departments(["福祉課"]))
}

@Test func `a draft that names no access takes the layer's when it is published, whatever was said meanwhile`() throws {
    let office = try Office()
    try office.load("a", access: .public)
    let draft = try office.load("a", publishing: false)
    try office.load("a", access: .internal)
    try office.catalogue.publish("a", version: draft, by: "test")
    #expect(try office.catalogue.layer("a")?.access == .internal)
    let named = try office.load("a", access: .public, publishing: false)
    let before = try office.catalogue.audit(layer: "a").count { $0.action == .changeAccess }
    try office.catalogue.publish("a", version: named, by: "test")
    #expect(try office.catalogue.layer("a")?.access == .public)
    #expect(try office.catalogue.audit(layer: "a").count { $0.action == .changeAccess } == before + 1)
}

@Test func `rollback goes back one version at a time and never reopens a closed layer`() throws {
    let office = try Office()
    let versions = try (0..<3).map { _ in try office.load("a", access: .public) }
    try office.catalogue.setAccess(.internal, of: "a", by: "test")
    #expect(try office.catalogue.rollback("a", by: "test") == versions[1])
    #expect(try office.catalogue.rollback("a", by: "test") == versions[0])
    #expect(throws: CatalogueError.nothingBefore(layer: "a")) { try office.catalogue.rollback("a", by: "test") }
    #expect(try office.catalogue.layer("a")?.access == .internal)
    // And forward again.
    try office.catalogue.publish("a", version: "3", by: "test")
    #expect(try office.current("a") == versions[2])
    #expect(try office.catalogue.layer("a")?.access == .internal)
    #expect(try office.catalogue.audit(layer: "a").first?.action == .publish)
}

@Test func `a retired layer is gone for readers and comes back when it is published again`() throws {
    let office = try Office()
    let version = try office.load("a")
    let counter = try office.catalogue.changeCounter()
    try office.catalogue.retire("a", by: "test")
    let changes = try office.catalogue.changes(since: counter)
    #expect(changes.withdrawn == ["a"] && changes.published.isEmpty)
    try office.catalogue.publish("a", version: version, by: "test")
    #expect(try office.catalogue.changes(since: counter).published.map(\.version) == [version])
    try office.catalogue.retire("a", version: version, by: "test")
    #expect(throws: CatalogueError.notPublishable(layer: "a", version: version, state: .retired)) {
        try office.catalogue.publish("a", version: version, by: "test")
    }
}

@Test func `versions sort by age and are found by number`() throws {
    let office = try Office()
    let names = try (0..<12).map { _ in try office.load("a") }
    #expect(names == names.sorted() && Set(names).count == 12)
    #expect(names.allSatisfy(Identifier.isValid))
    for spelling in ["v12", "12", "v000012", names[11]] {
        #expect(try office.catalogue.version(spelling, of: "a").name == names[11])
    }
    #expect(throws: CatalogueError.noSuchVersion(layer: "a", version: "13")) { try office.catalogue.version("13", of: "a") }
    #expect(throws: CatalogueError.noSuchLayer("b")) { try office.catalogue.version("1", of: "b") }
    #expect(try office.catalogue.report(of: "a", version: "v1") == #"{"rows":3}"#)
}

@Test func `nothing is published whose file is missing or cut`() throws {
    let office = try Office()
    let draft = try office.load("a", publishing: false)
    let file = office.catalogue.file(of: "a", version: draft)
    try Data("cut".utf8).write(to: file)
    #expect(throws: CatalogueError.fileMissing(layer: "a", version: draft)) {
        try office.catalogue.publish("a", version: draft, by: "test")
    }
    try FileManager.default.removeItem(at: file)
    #expect(throws: CatalogueError.fileMissing(layer: "a", version: draft)) {
        try office.catalogue.publish("a", version: draft, by: "test")
    }
    #expect(try office.current("a") == nil)
}

@Test func `feature numbers only grow, over drafts too`() throws {
    let office = try Office()
    try office.load("a", nextNumber: 100)
    try office.load("a", publishing: false, nextNumber: 250)
    try office.load("a", nextNumber: 120)
    #expect(try office.catalogue.nextNumber(of: "a") == 250)
}

@Test func `a folder is loaded again when it changed, not when its layer was rolled back`() throws {
    let office = try Office()
    #expect(try office.catalogue.sourceHash(of: "a") == nil)
    try office.load("a", sourceHash: "one")
    try office.load("a", sourceHash: "two")
    try office.catalogue.rollback("a", by: "test")
    try office.load("a", publishing: false, sourceHash: "never published")
    #expect(try office.catalogue.sourceHash(of: "a") == "two")
}

@Test func `files are given up only after the grace, and the newest superseded never`() throws {
    let office = try Office()
    let names = try (0..<6).map { _ in
        office.wait(1)
        return try office.load("a")
    }
    office.wait(590)
    #expect(try office.catalogue.expireVersions().isEmpty)
    office.wait(60)
    let expired = try office.catalogue.expireVersions()
    #expect(Set(expired.map(\.name)) == Set(names[0...1]))
    // Until somebody says that the file is gone, it is asked for again: a crash in between leaves nothing behind.
    #expect(try office.catalogue.expireVersions().count == 2)
    for version in expired { try office.catalogue.fileIsGone(version) }
    #expect(try office.catalogue.expireVersions().isEmpty)
    try office.catalogue.rollback("a", by: "test")
    #expect(try office.current("a") == names[4])
}

@Test func `keys open the catalogue until they are revoked`() throws {
    let office = try Office()
    let key = try office.catalogue.createKey(name: "道路課", by: "test")
    let viewer = try #require(try office.catalogue.viewer(forKey: key))
    #expect(viewer.name == "道路課" && viewer.mayReadInternal && viewer.belongs(toOneOf: ["道路課"]))
    #expect(
        try office.catalogue.viewer(forKey: "ksn_" + String(repeating: "0", count: 12) + "_" + String(repeating: "0", count: 64)) == nil)
    #expect(try office.catalogue.viewer(forKey: "' OR 1=1 --") == nil)
    for suffix in ["", "-wal"] {
        let bytes = try Data(contentsOf: office.directory.appending(path: "catalogue.sqlite" + suffix))
        #expect(bytes.range(of: Data(key.suffix(64).utf8)) == nil)
    }
    try office.catalogue.revokeKey(id: try #require(viewer.keyID), by: "test")
    #expect(try office.catalogue.viewer(forKey: key) == nil)
    #expect(try office.catalogue.audit().map(\.action) == [.revokeKey, .createKey])
    #expect(throws: CatalogueError.badName("")) { try office.catalogue.createKey(name: "", by: "test") }
}

@Test func `the town's hazards are kept, and a change of them is counted once`() throws {
    let office = try Office()
    let town = TownDescription(name: LocalizedText(ja: "見本市"), hazards: [ExpectedHazard(kind: "flood", scenario: "L2")])
    try office.catalogue.setTown(town)
    let counter = try office.catalogue.changeCounter()
    try office.catalogue.setTown(town)
    #expect(try office.catalogue.changeCounter() == counter)
    #expect(try office.catalogue.changes(since: counter).town == town)
}

@Test func `two openers at once make one catalogue`() async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "kasane-catalogue-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    try await withThrowingTaskGroup(of: Int64.self) { group in
        for _ in 0..<8 { group.addTask { try Catalogue(directory: directory).changeCounter() } }
        for try await counter in group { #expect(counter == 0) }
    }
}

@Test func `publications by two instances at once are all kept and all counted`() async throws {
    let office = try Office()
    let other = try Catalogue(directory: office.directory)
    let before = try office.catalogue.changeCounter()
    try await withThrowingTaskGroup(of: [String].self) { group in
        for writer in 0..<4 {
            group.addTask {
                try (0..<10).map { index in
                    try office.load("layer-\(index % 3)", into: writer % 2 == 0 ? other : nil)
                }
            }
        }
        // A reader never sees a layer whose published version is not there.
        group.addTask {
            for _ in 0..<200 {
                for layer in try other.changes(since: 0).published {
                    #expect(try other.version(layer.version, of: layer.id).publishedAt != nil)
                }
            }
            return []
        }
        var names: [String] = []
        for try await some in group { names += some }
        #expect(names.count == 40 && Set(names).count == 40)
    }
    #expect(try office.catalogue.changeCounter() == before + 40)
    for layer in 0..<3 {
        let versions = try office.catalogue.versions(of: "layer-\(layer)")
        #expect(versions.count { $0.state == .published } == 1)
    }
}

@Test(arguments: 0..<6)
func `what a crash leaves is a state between two publications`(seed: UInt64) throws {
    let office = try Office()
    var random = SeededGenerator(seed: seed)
    var states: [[String?]] = [[nil, nil]]
    let copy = FileManager.default.temporaryDirectory.appending(path: "kasane-crash-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: copy) }
    for step in 0..<12 {
        try office.load("layer-\(Int.random(in: 0..<2, using: &random))")
        states.append([try office.current("layer-0"), try office.current("layer-1")])
        guard step % 3 == 2 else { continue }
        // What the disk holds at this moment; cut inside the log, as when the power fails while a page is written.
        try? FileManager.default.removeItem(at: copy)
        try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
        let database = try Data(contentsOf: office.directory.appending(path: "catalogue.sqlite"))
        let log = try Data(contentsOf: office.directory.appending(path: "catalogue.sqlite-wal"))
        try database.write(to: copy.appending(path: "catalogue.sqlite"))
        let cut = step < 6 ? log.count : Int.random(in: 0...log.count, using: &random)
        try log.prefix(cut).write(to: copy.appending(path: "catalogue.sqlite-wal"))
        let recovered = try Catalogue(directory: copy)
        let found = try ["layer-0", "layer-1"].map { try recovered.layer($0)?.current }
        #expect(states.contains(found))
        if cut == log.count { #expect(found == states.last) }
        let integrity = try recovered.pool.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") }
        #expect(integrity == "ok")
    }
}

@Test func `a reader without the right to write sees publications and changes nothing`() throws {
    let office = try Office()
    try office.load("a")
    let reader = try Catalogue(directory: office.directory, readOnly: true)
    let before = try reader.changeCounter()
    try office.load("a")
    #expect(try reader.changeCounter() == before + 1)
    #expect(throws: CatalogueError.readOnly) { try reader.retire("a", by: "test") }
    #expect(try reader.expireVersions().isEmpty)
}

@Test func `a catalogue of a newer program is left alone`() throws {
    let office = try Office()
    try office.catalogue.pool.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('999')") }
    #expect(throws: CatalogueError.newerFormat) { try Catalogue(directory: office.directory) }
}

@Test func `a file that is no catalogue is an error that says so`() throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "kasane-catalogue-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    try Data(repeating: 7, count: 5000).write(to: directory.appending(path: "catalogue.sqlite"))
    let error = #expect(throws: CatalogueError.self) { try Catalogue(directory: directory) }
    #expect(error?.code == "storage")
}

/// Changes what is stored as a bad disk does it: past all that SQLite checks.
private func damage(_ catalogue: Catalogue, _ sql: String) throws {
    try catalogue.pool.writeWithoutTransaction { db in
        try db.execute(
            sql: """
                PRAGMA foreign_keys = 0; PRAGMA ignore_check_constraints = 1; PRAGMA writable_schema = 1;
                UPDATE sqlite_master SET sql = replace(replace(sql, ') STRICT', ')'), 'NOT NULL', ''); PRAGMA writable_schema = RESET;
                \(sql)
                """)
    }
}

@Test(arguments: ["layer", "version", "key", "audit", "change", "setting"])
func `whatever a column holds, the answer is a value or an error`(table: String) throws {
    let columns = [
        "layer": ["id", "access", "current", "next_number", "next_version", "created_at", "changed"],
        "version": [
            "layer", "name", "state", "description", "byte_count", "file_hash", "feature_count", "source_hash", "report", "loaded_at",
            "published_at", "superseded_at", "has_file",
        ],
        "key": ["id", "name", "departments", "digest", "created_at", "revoked_at"],
        "audit": ["at", "action", "actor", "layer", "version", "detail"], "change": ["counter"], "setting": ["name", "value"],
    ]
    for column in columns[table] ?? [] {
        for value in ["NULL", "x'FF00'", "''", "'{'", "-1", "-5.5", "9e300", "9223372036854775807"] {
            let office = try Office()
            try office.load("a", sourceHash: "h")
            try office.load("a")
            try office.catalogue.setTown(TownDescription(name: LocalizedText(ja: "町")))
            let key = try office.catalogue.createKey(name: "k", by: "test")
            do {
                try damage(office.catalogue, "UPDATE \(table) SET \(column) = \(value);")
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
                continue
            }
            office.wait(10_000)
            let catalogue = office.catalogue
            let calls: [() throws -> Void] = [
                { _ = try catalogue.layers() }, { _ = try catalogue.layer("a") }, { _ = try catalogue.changes(since: -1) },
                { _ = try catalogue.changeCounter() }, { _ = try catalogue.town() }, { _ = try catalogue.nextNumber(of: "a") },
                { for version in try catalogue.versions(of: "a") { _ = try version.description } },
                { _ = try catalogue.version("1", of: "a") }, { _ = try catalogue.sourceHash(of: "a") },
                { _ = try catalogue.report(of: "a", version: "1") }, { _ = try catalogue.keys() },
                { _ = try catalogue.viewer(forKey: key) },
                { _ = try catalogue.audit() }, { _ = try catalogue.fileRegister(of: "a") }, { _ = try catalogue.expireVersions() },
                { _ = try catalogue.reserveVersion(of: "a") }, { try catalogue.rollback("a", by: "test") },
                { try catalogue.setAccess(.internal, of: "a", by: "test") }, { try catalogue.retire("a", by: "test") },
            ]
            for call in calls {
                do { try call() } catch is CatalogueError {}
            }
        }
    }
}

@Test func `what is damaged in one layer is that layer's matter`() throws {
    let office = try Office()
    for layer in ["a", "b", "c"] { try office.load(layer, access: .public) }
    try damage(office.catalogue, "UPDATE layer SET access = '{' WHERE id = 'a'; UPDATE version SET description = x'FF' WHERE layer = 'b';")
    let published = try office.catalogue.changes(since: -1).published
    #expect(published.map(\.id) == ["a", "b", "c"])
    // Nobody knows who may see it, so nobody does.
    #expect(published.map(\.access) == [.departments([]), .public, .public])
    #expect(published.map(\.descriptionJSON.isEmpty) == [false, true, false])
    #expect(throws: CatalogueError.damaged("description")) { try office.catalogue.version("1", of: "b").description }
    // Both are mended by saying anew what was lost.
    try office.catalogue.setAccess(.public, of: "a", by: "test")
    try office.load("b")
    #expect(try office.catalogue.changes(since: -1).published.allSatisfy { $0.access == .public && !$0.descriptionJSON.isEmpty })
}

@Test func `what cannot be written to is read as it is, and read anew when another changes it`() throws {
    let office = try Office()
    func closed() throws {
        try office.catalogue.pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
    }
    let first = try office.load("a")
    // A log that waits cannot be left out: what it holds would be missing.
    #expect(throws: CatalogueError.self) { try Catalogue(directory: office.directory, readOnly: true, unchanging: true) }
    try closed()
    let reader = try Catalogue(directory: office.directory, readOnly: true, unchanging: true)
    #expect(try reader.layer("a")?.current == first)
    for _ in 0..<20 {
        let version = try office.load("a")
        #expect(try reader.layer("a")?.current == version)
        try closed()
        #expect(try reader.layer("a")?.current == version)
    }
    #expect(throws: CatalogueError.readOnly) { try reader.retire("a", by: "test") }
}
