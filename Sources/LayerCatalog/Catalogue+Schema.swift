import Foundation
import GRDB

extension Catalogue {
    /// The tables, as they grew. A migration that was released is never changed.
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE change (
                        only INTEGER PRIMARY KEY CHECK (only = 1),
                        counter INTEGER NOT NULL
                    ) STRICT;
                    INSERT INTO change VALUES (1, 0);

                    CREATE TABLE layer (
                        id TEXT PRIMARY KEY,
                        access TEXT NOT NULL,                   -- JSON of LayerAccess
                        current TEXT,                           -- the published version
                        next_number INTEGER NOT NULL DEFAULT 1, -- of features
                        next_version INTEGER NOT NULL DEFAULT 1,
                        created_at REAL NOT NULL,               -- seconds since 1970, here and below
                        changed INTEGER NOT NULL DEFAULT 0,     -- change.counter when readers last had to look
                        FOREIGN KEY (id, current) REFERENCES version (layer, name) DEFERRABLE INITIALLY DEFERRED
                    ) STRICT;
                    CREATE INDEX layer_changed ON layer (changed);

                    CREATE TABLE version (
                        layer TEXT NOT NULL REFERENCES layer (id),
                        name TEXT NOT NULL,
                        state TEXT NOT NULL CHECK (state IN ('draft', 'published', 'superseded', 'retired')),
                        description TEXT NOT NULL,              -- JSON of LayerDescription
                        byte_count INTEGER NOT NULL,
                        file_hash TEXT,
                        feature_count INTEGER NOT NULL,
                        source_hash TEXT,
                        report TEXT NOT NULL,
                        loaded_at REAL NOT NULL,
                        published_at REAL,
                        superseded_at REAL,
                        has_file INTEGER NOT NULL DEFAULT 1,
                        PRIMARY KEY (layer, name)
                    ) STRICT;
                    CREATE UNIQUE INDEX version_published ON version (layer) WHERE state = 'published';
                    CREATE INDEX version_file ON version (state) WHERE has_file = 1;

                    CREATE TABLE key (
                        id TEXT PRIMARY KEY,
                        name TEXT NOT NULL,
                        departments TEXT NOT NULL,              -- JSON list
                        digest BLOB NOT NULL,
                        created_at REAL NOT NULL,
                        revoked_at REAL
                    ) STRICT;

                    CREATE TABLE setting (
                        name TEXT PRIMARY KEY,
                        value TEXT NOT NULL
                    ) STRICT;

                    CREATE TABLE audit (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                        at REAL NOT NULL,
                        action TEXT NOT NULL,
                        actor TEXT NOT NULL,
                        layer TEXT,
                        version TEXT,
                        detail TEXT
                    ) STRICT;
                    """)
        }
        return migrator
    }
}
