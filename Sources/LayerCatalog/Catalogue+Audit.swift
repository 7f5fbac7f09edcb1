import Access
import Foundation
import GRDB

extension Catalogue {
    /// Adds to the audit log. What the catalogue itself changes is recorded with the change, in one transaction.
    public func record(_ event: AuditEvent) throws(CatalogueError) {
        try write { try insert($0, event) }
    }

    /// The newest events first, at most `limit` of them.
    public func audit(layer: String? = nil, limit: Int = 100) throws(CatalogueError) -> [AuditEvent] {
        try read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM audit WHERE ? IS NULL OR layer = ? ORDER BY sequence DESC LIMIT ?",
                arguments: [layer, layer, limit]
            )
            .compactMap { row in
                try AuditEvent.Action(rawValue: row.value("action")).map {
                    AuditEvent(
                        at: try row.date("at") ?? .distantPast, action: $0, actor: try row.value("actor"), layer: try row.value("layer"),
                        version: try row.value("version"), detail: try row.value("detail"))
                }
            }
        }
    }

    func record(
        _ db: Database, _ action: AuditEvent.Action, by actor: String, layer: String? = nil, version: String? = nil, detail: String? = nil
    ) throws {
        try insert(db, AuditEvent(at: now(), action: action, actor: actor, layer: layer, version: version, detail: detail))
    }

    private func insert(_ db: Database, _ event: AuditEvent) throws {
        try db.execute(
            sql: "INSERT INTO audit (at, action, actor, layer, version, detail) VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [
                event.at.timeIntervalSince1970, event.action.rawValue, event.actor, event.layer, event.version, event.detail,
            ])
    }
}
