import Access
import Descriptions
import Foundation
import GRDB
import Geo

extension Catalogue {
    /// How many superseded versions of a layer keep their files to go back to.
    public static let keptVersions = 3

    /// How long the file of a version stays after it was superseded or withdrawn, in seconds: pages that began on it go on.
    public static let grace: TimeInterval = 600

    /// A name no version of the layer has had: a running number, so that names sort by age, and eight random digits, so that a name means
    /// the same bytes even where a data directory was made anew. Fit for file names and ETags.
    public func reserveVersion(of layer: String) throws(CatalogueError) -> String {
        try write { db in
            let number = try Int.fetchOne(
                db, sql: "UPDATE layer SET next_version = next_version + 1 WHERE id = ? RETURNING next_version - 1", arguments: [layer])
            guard let number else { throw CatalogueError.noSuchLayer(layer) }
            guard number > 0 else { throw CatalogueError.damaged("next_version") }
            func padded(_ text: String, _ digits: Int) -> String { String(repeating: "0", count: max(0, digits - text.count)) + text }
            return "v" + padded(String(number), 6) + "-" + padded(String(UInt32.random(in: .min ... .max), radix: 16), 8)
        }
    }

    /// What the catalogue has of a layer's files: enough to tell which of them nobody needs.
    public struct FileRegister: Sendable {
        /// The names of all versions that were ever recorded and not forgotten.
        public var versions: Set<String>
        /// The number the next version gets.
        var nextVersion: Int
        /// Versions whose load the audit log has.
        var loaded: Set<String>

        /// The name was given out, and no version of its number was ever recorded: its load died in between. A number that was recorded under another name
        /// is of another catalogue of this directory.
        public func isAbandoned(_ version: String) -> Bool {
            guard let parts = version.wholeMatch(of: /(v([0-9]{6,18})-)[0-9a-f]{8}/), let number = Int(parts.2), number < nextVersion else {
                return false
            }
            return !versions.contains { $0.hasPrefix(parts.1) } && !loaded.contains { $0.hasPrefix(parts.1) }
        }
    }

    /// Nil for a layer that the catalogue does not know.
    public func fileRegister(of layer: String) throws(CatalogueError) -> FileRegister? {
        try read { db in
            guard let next = try Int.fetchOne(db, sql: "SELECT next_version FROM layer WHERE id = ?", arguments: [layer]) else {
                return nil
            }
            let versions = try String.fetchAll(db, sql: "SELECT name FROM version WHERE layer = ?", arguments: [layer])
            // Written with the version's own record: where it is there and the record is not, the catalogue is damaged.
            let loaded = try String.fetchAll(
                db, sql: "SELECT version FROM audit WHERE layer = ? AND action = ? AND version IS NOT NULL",
                arguments: [layer, AuditEvent.Action.load.rawValue])
            return FileRegister(versions: Set(versions), nextVersion: next, loaded: Set(loaded))
        }
    }

    /// The folder of a layer's files.
    public func folder(of layer: String) -> URL {
        directory.appending(path: "layers").appending(path: layer)
    }

    /// Where the file of a version lies, or has to be put before `addVersion`.
    public func file(of layer: String, version: String) -> URL {
        folder(of: layer).appending(path: version + ".layer")
    }

    /// Makes a loaded version known: as a draft, or published in the same transaction.
    public func addVersion(_ new: NewVersion, publishing: Bool, by actor: String) throws(CatalogueError) {
        guard Identifier.isValid(new.name) else { throw .badName(new.name) }
        try checkFile(new.layer, new.name, byteCount: new.byteCount)
        try write { db in
            _ = try current(db, new.layer)
            try db.execute(
                sql: """
                    INSERT INTO version (layer, name, state, description, byte_count, file_hash, feature_count, source_hash, report, loaded_at)
                    VALUES (?, ?, 'draft', ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    new.layer, new.name, JSON.encode(new.description), new.byteCount, new.fileHash, new.featureCount, new.sourceHash,
                    new.report,
                    now().timeIntervalSince1970,
                ])
            try db.execute(
                sql: "UPDATE layer SET next_number = max(next_number, ?) WHERE id = ?",
                arguments: [Int64(clamping: new.nextNumber), new.layer])
            try record(db, .load, by: actor, layer: new.layer, version: new.name)
            if publishing {
                try makeCurrent(db, new.layer, new.name)
                try setAccess(db, of: new.layer, from: new.description, by: actor)
                try record(db, .publish, by: actor, layer: new.layer, version: new.name)
            }
        }
    }

    /// Makes a draft, or a version that was published before, the one readers get. The access that a draft names becomes the layer's.
    ///
    /// Going back to an older version ends the one that is left at once: see `rollback`.
    public func publish(_ layer: String, version: String, by actor: String) throws(CatalogueError) {
        try write { db in
            let target = try found(db, layer, version)
            guard target.state == .draft || target.state == .superseded else {
                throw CatalogueError.notPublishable(layer: layer, version: target.name, state: target.state)
            }
            try checkFile(layer, target.name, byteCount: target.byteCount)
            let description = try target.description
            try makeCurrent(db, layer, target.name)
            if target.state == .draft { try setAccess(db, of: layer, from: description, by: actor) }
            try record(db, .publish, by: actor, layer: layer, version: target.name)
        }
    }

    /// Goes back to the version before the published one. Who may see the layer stays as it is.
    ///
    /// The version that is left was a mistake, so that no page goes on with it: it has no grace. It may be published again.
    /// - Parameter expected: the version that the caller looked at; nil takes whichever it is.
    /// - Returns: The name of the version that is published now.
    /// - Throws: also `busy`, when it would be another version than the one expected.
    @discardableResult
    public func rollback(_ layer: String, to expected: String? = nil, by actor: String) throws(CatalogueError) -> String {
        try write(isUrgent: true) { db in
            let current = try self.current(db, layer)
            let target = try before(db, layer, current)
            if let expected, target.name != expected { throw CatalogueError.busy }
            try checkFile(layer, target.name, byteCount: target.byteCount)
            // One that cannot be read is none to go back to.
            _ = try target.description
            try makeCurrent(db, layer, target.name)
            try record(db, .rollback, by: actor, layer: layer, version: target.name, detail: current.map { "from \($0)" })
            return target.name
        }
    }

    /// The version that `rollback` would go back to.
    public func versionBefore(_ layer: String) throws(CatalogueError) -> VersionRecord {
        try read { try before($0, layer, try current($0, layer)) }
    }

    /// Withdraws one version, or the whole layer with `version` nil: the published version is superseded and nobody gets the layer until a
    /// version is published again.
    public func retire(_ layer: String, version: String? = nil, by actor: String) throws(CatalogueError) {
        try write(isUrgent: true) { db in
            let current = try self.current(db, layer)
            let name = try version.map { try found(db, layer, $0).name }
            if name == nil || name == current {
                try db.execute(sql: "UPDATE layer SET current = NULL WHERE id = ?", arguments: [layer])
            }
            // An earlier version counts too: readers may have pages open on it.
            try countChange(db, layer: layer)
            if let target = name ?? current {
                try db.execute(
                    sql: "UPDATE version SET state = ?, superseded_at = ? WHERE layer = ? AND name = ?",
                    arguments: [
                        name == nil ? VersionState.superseded.rawValue : VersionState.retired.rawValue, now().timeIntervalSince1970, layer,
                        target,
                    ])
            }
            try record(db, .retire, by: actor, layer: layer, version: name)
        }
    }

    /// The versions of a layer, newest first.
    public func versions(of layer: String) throws(CatalogueError) -> [VersionRecord] {
        try read { db in
            _ = try current(db, layer)
            return try Row.fetchAll(db, sql: "SELECT * FROM version WHERE layer = ? ORDER BY name DESC", arguments: [layer])
                .map(VersionRecord.init)
        }
    }

    /// One version by its name, or by its number alone: `v000012-5be10c9a`, `v000012`, `v12` or `12`.
    public func version(_ version: String, of layer: String) throws(CatalogueError) -> VersionRecord {
        try read { try found($0, layer, version) }
    }

    /// The report of a version's load, as JSON.
    public func report(of layer: String, version: String) throws(CatalogueError) -> String {
        try read { db in
            let name = try found(db, layer, version).name
            return try String.fetchOne(db, sql: "SELECT report FROM version WHERE layer = ? AND name = ?", arguments: [layer, name]) ?? "{}"
        }
    }

    /// The hash of the `--layers` folder that was last published for this layer; nil for a layer that never was. Another hash now means
    /// that the folder has changed; the same one, that it need not be loaded again, even where the layer was rolled back since.
    public func sourceHash(of layer: String) throws(CatalogueError) -> String? {
        try read { db in
            try String.fetchOne(
                db,
                sql: """
                    SELECT source_hash FROM version WHERE layer = ? AND source_hash IS NOT NULL AND published_at IS NOT NULL
                    ORDER BY name DESC LIMIT 1
                    """, arguments: [layer])
        }
    }

    /// Versions whose files may go: withdrawn ones, and superseded ones beyond `keptVersions`, when the grace is over. They are retired by
    /// this call, so that none is published again; `fileIsGone` has to be told when the file was removed.
    public func expireVersions() throws(CatalogueError) -> [VersionRecord] {
        if isReadOnly { return [] }
        keepReserve()
        let end = now().timeIntervalSince1970 - Catalogue.grace
        let sql = """
            SELECT * FROM (
                SELECT *, row_number() OVER (PARTITION BY layer, state ORDER BY superseded_at DESC, name DESC) AS age
                FROM version WHERE has_file = 1 AND state IN ('superseded', 'retired'))
            WHERE superseded_at < ? AND (state = 'retired' OR age > ?)
            """
        // Most sweeps find nothing; those do not disturb writers.
        if try read({ try Row.fetchOne($0, sql: sql, arguments: [end, Catalogue.keptVersions]) == nil }) { return [] }
        return try write { db in
            try Row.fetchAll(db, sql: sql, arguments: [end, Catalogue.keptVersions]).map { row in
                var version = try VersionRecord(row)
                version.state = .retired
                try db.execute(
                    sql: "UPDATE version SET state = 'retired' WHERE layer = ? AND name = ?", arguments: [version.layer, version.name])
                return version
            }
        }
    }

    /// Notes that the file of a retired version was removed.
    public func fileIsGone(_ version: VersionRecord) throws(CatalogueError) {
        try write { db in
            try db.execute(
                sql: "UPDATE version SET has_file = 0 WHERE layer = ? AND name = ? AND state = 'retired'",
                arguments: [version.layer, version.name])
        }
    }

    // MARK: - How it works

    private func makeCurrent(_ db: Database, _ layer: String, _ name: String) throws {
        let instant = now().timeIntervalSince1970
        // Names sort by age.
        try db.execute(
            sql: """
                UPDATE version SET state = 'superseded', superseded_at = CASE WHEN name > ? THEN ? ELSE ? END
                WHERE layer = ? AND state = 'published' AND name <> ?
                """, arguments: [name, instant - Catalogue.grace, instant, layer, name])
        try db.execute(
            sql: "UPDATE version SET state = 'published', published_at = ? WHERE layer = ? AND name = ?", arguments: [instant, layer, name])
        try db.execute(sql: "UPDATE layer SET current = ? WHERE id = ?", arguments: [name, layer])
        try countChange(db, layer: layer)
    }

    private func setAccess(_ db: Database, of layer: String, from description: LayerDescription, by actor: String) throws {
        guard let access = try description.access.map(JSON.encode) else { return }
        try db.execute(sql: "UPDATE layer SET access = ? WHERE id = ? AND access <> ?", arguments: [access, layer, access])
        if db.changesCount > 0 { try record(db, .changeAccess, by: actor, layer: layer, detail: access) }
    }

    private func current(_ db: Database, _ layer: String) throws -> String? {
        guard let row = try Row.fetchOne(db, sql: "SELECT current FROM layer WHERE id = ?", arguments: [layer]) else {
            throw CatalogueError.noSuchLayer(layer)
        }
        return try row.value("current")
    }

    /// Names sort by age, so this is the newest of those that are older.
    private func before(_ db: Database, _ layer: String, _ current: String?) throws -> VersionRecord {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT * FROM version WHERE layer = ? AND state = 'superseded' AND has_file = 1 AND (? IS NULL OR name < ?)
                ORDER BY name DESC LIMIT 1
                """, arguments: [layer, current, current])
        guard let row else { throw CatalogueError.nothingBefore(layer: layer) }
        return try VersionRecord(row)
    }

    private func found(_ db: Database, _ layer: String, _ version: String) throws -> VersionRecord {
        _ = try current(db, layer)
        if let row = try Row.fetchOne(db, sql: "SELECT * FROM version WHERE layer = ? AND name = ?", arguments: [layer, version]) {
            return try VersionRecord(row)
        }
        if let number = version.wholeMatch(of: /v?([0-9]{1,9})/).flatMap({ Int($0.1) }) {
            let start = "v" + String(repeating: "0", count: max(0, 6 - String(number).count)) + String(number) + "-"
            let row = try Row.fetchOne(
                db, sql: "SELECT * FROM version WHERE layer = ? AND substr(name, 1, ?) = ?", arguments: [layer, start.count, start])
            if let row { return try VersionRecord(row) }
        }
        throw CatalogueError.noSuchVersion(layer: layer, version: version)
    }

    private func checkFile(_ layer: String, _ version: String, byteCount: Int) throws(CatalogueError) {
        let attributes = try? FileManager.default.attributesOfItem(atPath: file(of: layer, version: version).path)
        guard (attributes?[.size] as? NSNumber)?.intValue == byteCount else { throw .fileMissing(layer: layer, version: version) }
    }
}

extension VersionRecord {
    fileprivate init(_ row: Row) throws {
        // One that is no text cannot be read later either, and then it is said.
        let description: DatabaseValue = try row.value("description")
        self.init(
            layer: try row.value("layer"), name: try row.value("name"), state: VersionState(rawValue: try row.value("state")) ?? .retired,
            descriptionJSON: String.fromDatabaseValue(description) ?? "", byteCount: try row.value("byte_count"),
            fileHash: try row.value("file_hash"),
            featureCount: try row.value("feature_count"), sourceHash: try row.value("source_hash"),
            loadedAt: try row.date("loaded_at") ?? .distantPast, publishedAt: try row.date("published_at"),
            supersededAt: try row.date("superseded_at"), hasFile: try row.value("has_file"))
    }
}
