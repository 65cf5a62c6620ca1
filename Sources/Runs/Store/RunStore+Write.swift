import Foundation
import GRDB

extension RunStore {
  /// Records a run as it is: a new one, or all that is known of one that is there already.
  public func save(_ record: RunRecord) throws {
    func json(_ value: some Encodable) throws -> String {
      String(decoding: try RunRecord.encoder.encode(value), as: UTF8.self)
    }
    let specification = record.specification
    let texts = (try json(specification), try json(record.machine))
    try write { db in
      try db.execute(
        sql: """
          INSERT INTO run (id, system, scale, seed, specification, status, error, created, ended, version, machine, host,
            boot, process, folder, progress, progress_text, sweep, point)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          ON CONFLICT (id) DO UPDATE SET status = excluded.status, error = excluded.error, ended = excluded.ended,
            folder = excluded.folder, progress = excluded.progress, progress_text = excluded.progress_text
          """,
        arguments: [
          record.id, specification.system, specification.scale.rawValue, "\(specification.seed)", texts.0,
          record.status.rawValue, record.error, record.created.timeIntervalSince1970,
          record.ended?.timeIntervalSince1970, record.version, texts.1, record.machine.host, record.machine.boot,
          record.process, record.folder, record.progress, record.progressText, record.sweep, record.point,
        ])
      for (key, value) in specification.settings {
        try db.execute(
          sql: "INSERT OR REPLACE INTO setting (run, key, number, text) VALUES (?, ?, ?, ?)",
          arguments: [record.id, key, value.double, value.text])
      }
      try insert(record.metrics, run: record.id, db)
      for (i, figure) in record.figures.enumerated() {
        try db.execute(
          sql: """
            INSERT OR REPLACE INTO figure (run, name, value, unit, origin, data, uncertainty, place)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            record.id, figure.name, figure.value, figure.unit, figure.origin.rawValue, figure.data,
            figure.uncertainty, i,
          ])
      }
      for (i, outcome) in record.outcomes.enumerated() {
        try db.execute(
          sql: "INSERT OR REPLACE INTO claim (run, place, outcome) VALUES (?, ?, ?)",
          arguments: [record.id, i, try json(outcome)])
      }
      for data in record.data {
        try db.execute(
          sql: "INSERT OR REPLACE INTO dataset (run, name, sha256) VALUES (?, ?, ?)",
          arguments: [record.id, data.name, data.sha256])
      }
      for artefact in record.artefacts {
        try db.execute(
          sql: "INSERT OR REPLACE INTO artefact (run, path, sha256, bytes) VALUES (?, ?, ?, ?)",
          arguments: [record.id, artefact.path, artefact.sha256, artefact.bytes])
      }
    }
  }

  /// Adds values of metrics and the progress made, in one transaction.
  ///
  /// - Returns: whether someone asked the run to stop.
  public func record(_ metrics: [RunRecord.Metric], progress: Double, text: String, run id: String) throws -> Bool {
    try write { db in
      try insert(metrics, run: id, db)
      try db.execute(
        sql: "UPDATE run SET progress = ?, progress_text = ? WHERE id = ?", arguments: [progress, text, id])
      return try Bool.fetchOne(db, sql: "SELECT cancel_requested FROM run WHERE id = ?", arguments: [id]) ?? true
    }
  }

  private func insert(_ metrics: [RunRecord.Metric], run id: String, _ db: Database) throws {
    guard !metrics.isEmpty else { return }
    let statement = try db.makeStatement(
      sql: "INSERT OR REPLACE INTO metric (run, name, step, value) VALUES (?, ?, ?, ?)")
    for metric in metrics { try statement.execute(arguments: [id, metric.name, metric.step, metric.value]) }
  }

  /// Asks a run to stop; it does so at its next step.
  ///
  /// - Returns: whether the run was going on.
  public func requestCancellation(_ id: String) throws -> Bool {
    try write { db in
      try db.execute(
        sql: "UPDATE run SET cancel_requested = 1 WHERE id = ? AND status = 'running'", arguments: [id])
      return db.changesCount > 0
    }
  }

  /// Whether someone asked the run to stop; also when the run was deleted.
  func isCancellationRequested(_ id: String) throws -> Bool {
    try read { db in
      try Bool.fetchOne(db, sql: "SELECT cancel_requested FROM run WHERE id = ?", arguments: [id]) ?? true
    }
  }

  /// Marks runs of this machine whose process is gone.
  ///
  /// - Returns: their names.
  @discardableResult public func markInterrupted() throws -> [String] {
    let machine = Machine.current
    let candidates = try read { db in
      try Row.fetchAll(
        db, sql: "SELECT id, boot, process FROM run WHERE status = 'running' AND host = ?", arguments: [machine.host])
    }
    let gone: [String] = candidates.compactMap { row in
      let process: Int32 = row["process"]
      let isAlive = row["boot"] == machine.boot && (kill(process, 0) == 0 || errno == EPERM)
      return isAlive ? nil : row["id"]
    }
    guard !gone.isEmpty else { return [] }
    try write { db in
      for id in gone {
        try db.execute(
          sql: """
            UPDATE run SET status = 'interrupted', error = 'its process ended without a word; what it had recorded is kept'
            WHERE id = ? AND status = 'running'
            """, arguments: [id])
      }
    }
    return gone
  }

  /// Removes runs and, unless told otherwise, their folders.
  ///
  /// - Throws: `StoreError.unusable` when one of them is going on.
  public func delete(_ ids: [String], keepingFiles: Bool = false) throws {
    let folders = try write { db in
      var folders: [String] = []
      for id in ids {
        guard let row = try Row.fetchOne(db, sql: "SELECT status, folder FROM run WHERE id = ?", arguments: [id]) else {
          throw StoreError.noSuchRun(id: id)
        }
        if row["status"] == "running" {
          throw StoreError.unusable(path: id, problem: "the run is going on, cancel it first")
        }
        folders.append(row["folder"])
        try db.execute(sql: "DELETE FROM run WHERE id = ?", arguments: [id])
      }
      return folders
    }
    guard !keepingFiles else { return }
    // Only folders of the store itself are removed; an output folder that a user named stays.
    let root = URL(fileURLWithPath: folder).standardizedFileURL.path + "/"
    for path in folders where !path.isEmpty && URL(fileURLWithPath: path).standardizedFileURL.path.hasPrefix(root) {
      try? FileManager.default.removeItem(atPath: path)
    }
  }
}
