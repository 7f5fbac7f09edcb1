import Access
import Foundation
import GRDB

extension Catalogue {
    /// Makes a key and returns it; it cannot be shown again. Several keys may have one name.
    /// - Parameter departments: Whose layers the holder may see, besides those of the department the key is named after.
    public func createKey(name: String, departments: Set<String> = [], by actor: String) throws(CatalogueError) -> String {
        guard !name.isEmpty, name.utf8.count <= 200, !name.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 }) else {
            throw .badName(name)
        }
        var random = SystemRandomNumberGenerator()
        let (key, made) = APIKey.make(named: name, departments: departments, at: now(), using: &random)
        try write { db in
            try db.execute(
                sql: "INSERT INTO key (id, name, departments, digest, created_at) VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    made.id, made.name, JSON.encode(made.departments.sorted()), Data(made.digest), made.createdAt.timeIntervalSince1970,
                ])
            try record(db, .createKey, by: actor, detail: "\(made.name) \(made.id)")
        }
        return key
    }

    /// Who holds the key; nil when it is none of ours or was revoked, without a hint which.
    public func viewer(forKey key: String) throws(CatalogueError) -> Viewer? {
        guard let (id, secret) = APIKey.parse(key) else { return nil }
        return try read { try Row.fetchOne($0, sql: "SELECT * FROM key WHERE id = ?", arguments: [id]).map(KeyRecord.init) }?
            .viewer(secret: secret)
    }

    /// All keys, oldest first, revoked ones too.
    public func keys() throws(CatalogueError) -> [KeyRecord] {
        try read { try Row.fetchAll($0, sql: "SELECT * FROM key ORDER BY created_at, id").map(KeyRecord.init) }
    }

    /// Makes a key worthless, at once.
    public func revokeKey(id: String, by actor: String) throws(CatalogueError) {
        try write(isUrgent: true) { db in
            try db.execute(
                sql: "UPDATE key SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?", arguments: [now().timeIntervalSince1970, id])
            guard db.changesCount == 1 else { throw CatalogueError.noSuchKey(id) }
            try countChange(db)
            try record(db, .revokeKey, by: actor, detail: id)
        }
    }
}

extension KeyRecord {
    fileprivate init(_ row: Row) throws {
        self.init(
            id: try row.value("id"), name: try row.value("name"),
            departments: Set(try JSON.decode([String].self, row.value("departments"), "departments")),
            digest: Array(try row.value("digest", as: Data.self)), createdAt: try row.date("created_at") ?? .distantPast,
            revokedAt: try row.date("revoked_at"))
    }
}
