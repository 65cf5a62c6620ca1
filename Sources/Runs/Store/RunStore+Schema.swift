import GRDB

extension RunStore {
  /// The tables, version by version. A version that was released is never changed; a new one is added.
  package static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { db in
      try db.execute(
        sql: """
          CREATE TABLE run (
            id TEXT PRIMARY KEY NOT NULL, system TEXT NOT NULL, scale TEXT NOT NULL, seed TEXT NOT NULL,
            specification TEXT NOT NULL, status TEXT NOT NULL, error TEXT NOT NULL, created REAL NOT NULL, ended REAL,
            version TEXT NOT NULL, machine TEXT NOT NULL, host TEXT NOT NULL, boot TEXT NOT NULL,
            process INTEGER NOT NULL, folder TEXT NOT NULL, progress REAL NOT NULL, progress_text TEXT NOT NULL);
          CREATE INDEX run_created ON run (created);
          CREATE TABLE setting (
            run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, key TEXT NOT NULL, number REAL, text TEXT NOT NULL,
            PRIMARY KEY (run, key)) WITHOUT ROWID;
          CREATE INDEX setting_key ON setting (key, number);
          CREATE TABLE metric (
            run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, name TEXT NOT NULL, step INTEGER NOT NULL, value REAL,
            PRIMARY KEY (run, name, step)) WITHOUT ROWID;
          CREATE TABLE figure (
            run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, name TEXT NOT NULL, value REAL, unit TEXT NOT NULL,
            origin TEXT NOT NULL, data TEXT NOT NULL, uncertainty REAL, place INTEGER NOT NULL,
            PRIMARY KEY (run, name)) WITHOUT ROWID;
          CREATE INDEX figure_name ON figure (name, value);
          CREATE TABLE claim (
            run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, place INTEGER NOT NULL, outcome TEXT NOT NULL,
            PRIMARY KEY (run, place)) WITHOUT ROWID;
          CREATE TABLE dataset (
            run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, name TEXT NOT NULL, sha256 TEXT NOT NULL,
            PRIMARY KEY (run, name)) WITHOUT ROWID;
          CREATE TABLE artefact (
            run TEXT NOT NULL REFERENCES run ON DELETE CASCADE, path TEXT NOT NULL, sha256 TEXT NOT NULL,
            bytes INTEGER NOT NULL, PRIMARY KEY (run, path)) WITHOUT ROWID;
          """)
    }
    migrator.registerMigration("2") { db in
      try db.execute(
        sql: """
          ALTER TABLE run ADD COLUMN sweep TEXT NOT NULL DEFAULT '';
          ALTER TABLE run ADD COLUMN point INTEGER NOT NULL DEFAULT -1;
          ALTER TABLE run ADD COLUMN cancel_requested INTEGER NOT NULL DEFAULT 0;
          CREATE INDEX run_sweep ON run (sweep, point);
          """)
    }
    return migrator
  }
}
