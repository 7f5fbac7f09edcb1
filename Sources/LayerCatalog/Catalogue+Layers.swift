import Access
import Descriptions
import Foundation
import GRDB
import Geo

extension Catalogue {
    /// Makes the layer known if it is not; a new one is internal unless its description names another access.
    ///
    /// Of a known layer nothing changes: the description and the access that it names, if it names one, count from the publication of a version that has
    /// them.
    public func register(_ description: LayerDescription) throws(CatalogueError) {
        guard Identifier.isValid(description.id) else { throw .badName(description.id) }
        try write { db in
            try db.execute(
                sql: "INSERT INTO layer (id, access, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                arguments: [description.id, JSON.encode(description.access ?? .internal), now().timeIntervalSince1970])
        }
    }

    public func layer(_ id: String) throws(CatalogueError) -> LayerRecord? {
        try read { try Row.fetchOne($0, sql: "SELECT * FROM layer WHERE id = ?", arguments: [id]).map(LayerRecord.init) }
    }

    /// All layers by id, those without a published version too.
    public func layers() throws(CatalogueError) -> [LayerRecord] {
        try read { try Row.fetchAll($0, sql: "SELECT * FROM layer ORDER BY id").map(LayerRecord.init) }
    }

    /// Changes who may see a layer, at once and whichever version is published.
    public func setAccess(_ access: LayerAccess, of layer: String, by actor: String) throws(CatalogueError) {
        try write(isUrgent: true) { db in
            try db.execute(sql: "UPDATE layer SET access = ? WHERE id = ?", arguments: [JSON.encode(access), layer])
            guard db.changesCount == 1 else { throw CatalogueError.noSuchLayer(layer) }
            try countChange(db, layer: layer)
            try record(db, .changeAccess, by: actor, layer: layer, detail: JSON.encode(access))
        }
    }

    /// The number the next new feature of the layer gets, so that no number is used twice over all its versions.
    public func nextNumber(of layer: String) throws(CatalogueError) -> UInt64 {
        let number = try read { try Int64.fetchOne($0, sql: "SELECT next_number FROM layer WHERE id = ?", arguments: [layer]) }
        guard let number else { throw .noSuchLayer(layer) }
        // Numbers of features fit into a double.
        guard let number = UInt64(exactly: number), (1...1 << 53).contains(number) else { throw .damaged("next_number") }
        return number
    }

    /// What was published and withdrawn since `counter` (0 for everything), and the town's description, all of one moment.
    public func changes(since counter: Int64) throws(CatalogueError) -> CatalogueChanges {
        try read { db in
            let published = try Row.fetchAll(
                db,
                sql: """
                    SELECT layer.id, layer.access, version.name, version.description FROM layer
                    JOIN version ON version.layer = layer.id AND version.name = layer.current WHERE layer.changed > ? ORDER BY layer.id
                    """, arguments: [counter])
            return CatalogueChanges(
                counter: try Int64.fetchOne(db, sql: "SELECT counter FROM change") ?? 0,
                published: try published.map { row in
                    // What is damaged in one layer is that layer's matter: a description that is no text is no description.
                    let description: DatabaseValue = try row.value("description")
                    return PublishedLayer(
                        id: try row.value("id"), access: try row.access(), version: try row.value("name"),
                        descriptionJSON: Data((String.fromDatabaseValue(description) ?? "").utf8))
                },
                withdrawn: try String.fetchAll(
                    db, sql: "SELECT id FROM layer WHERE changed > ? AND current IS NULL", arguments: [counter]),
                town: try Catalogue.town(db))
        }
    }

    /// The hazards the town answers for; nil when no town.yaml was given.
    public func town() throws(CatalogueError) -> TownDescription? {
        try read(Catalogue.town)
    }

    public func setTown(_ town: TownDescription?) throws(CatalogueError) {
        try write { db in
            let text = try town.map { try JSON.encode($0) }
            // Compared as it is written: one that is damaged is written anew.
            guard try String.fetchOne(db, sql: "SELECT value FROM setting WHERE name = 'town'") != text else { return }
            if let text {
                try db.execute(
                    sql: "INSERT INTO setting VALUES ('town', ?) ON CONFLICT DO UPDATE SET value = excluded.value", arguments: [text])
            } else {
                try db.execute(sql: "DELETE FROM setting WHERE name = 'town'")
            }
            try countChange(db)
        }
    }

    private static func town(_ db: Database) throws -> TownDescription? {
        try String.fetchOne(db, sql: "SELECT value FROM setting WHERE name = 'town'")
            .map { try JSON.decode(TownDescription.self, $0, "town") }
    }
}

extension LayerRecord {
    fileprivate init(_ row: Row) throws {
        self.init(
            id: try row.value("id"), access: try row.access(), current: try row.value("current"),
            createdAt: try row.date("created_at") ?? .distantPast)
    }
}
