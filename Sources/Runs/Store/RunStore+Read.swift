import Foundation
import GRDB

extension RunStore {
  /// Full name of the run that a beginning of a name, or `last`, stands for.
  public func resolve(_ text: String) throws -> String {
    let found = try read { db in
      text == "last"
        ? try String.fetchAll(db, sql: "SELECT id FROM run ORDER BY created DESC, id DESC LIMIT 1")
        : try String.fetchAll(
          db, sql: "SELECT id FROM run WHERE substr(id, 1, ?) = ? OR substr(id, -?) = ? LIMIT 5",
          arguments: [text.count, text, text.count, text])
    }
    if found.contains(text) { return text }
    guard let first = found.first, !text.isEmpty else { throw StoreError.noSuchRun(id: text) }
    guard found.count == 1 else { throw StoreError.ambiguousRun(id: text, found: found) }
    return first
  }

  /// All that is known of one run.
  public func run(_ id: String) throws -> RunRecord {
    try read { db in
      guard let row = try Row.fetchOne(db, sql: "SELECT * FROM run WHERE id = ?", arguments: [id]) else {
        throw StoreError.noSuchRun(id: id)
      }
      return try RunStore.record(row, db, withMetrics: true)
    }
  }

  /// Runs that pass all filters, newest first, without the metrics' courses.
  ///
  /// - Parameter order: a key or figure to sort by, ascending; by time where it is missing.
  public func runs(
    where filters: [RunFilter] = [], order: String? = nil, descending: Bool = false, limit: Int? = nil,
    sweep: String? = nil
  ) throws -> [RunRecord] {
    var conditions: [String] = []
    var arguments: [(any DatabaseValueConvertible)?] = []
    for filter in filters {
      let (text, values) = filter.condition
      conditions.append(text)
      arguments += values
    }
    if let sweep {
      conditions.append("sweep = ?")
      arguments.append(sweep)
    }
    var sql = "SELECT * FROM run"
    if !conditions.isEmpty { sql += " WHERE " + conditions.joined(separator: " AND ") }
    if let order {
      sql += """
         ORDER BY coalesce((SELECT value FROM figure WHERE run = run.id AND name = ?),
          (SELECT number FROM setting WHERE run = run.id AND key = ?)) \(descending ? "DESC" : "ASC") NULLS LAST,
          (SELECT text FROM setting WHERE run = run.id AND key = ?), id
        """
      arguments += [order, order, order]
    } else {
      sql += " ORDER BY created DESC, id DESC"
    }
    if let limit {
      sql += " LIMIT ?"
      arguments.append(limit)
    }
    return try read { db in
      try Row.fetchAll(db, sql: sql, arguments: StatementArguments(arguments)).map {
        try RunStore.record($0, db, withMetrics: false)
      }
    }
  }

  private static func record(_ row: Row, _ db: Database, withMetrics: Bool) throws -> RunRecord {
    func decode<T: Decodable>(_ type: T.Type, _ text: String) throws -> T {
      try RunRecord.decoder.decode(type, from: Data(text.utf8))
    }
    let id: String = row["id"]
    var record = RunRecord(try decode(RunSpecification.self, row["specification"]), folder: row["folder"])
    record.id = id
    record.status = RunStatus(rawValue: row["status"]) ?? .interrupted
    record.error = row["error"]
    record.created = Date(timeIntervalSince1970: row["created"])
    record.ended = (row["ended"] as Double?).map(Date.init(timeIntervalSince1970:))
    record.version = row["version"]
    record.machine = try decode(Machine.self, row["machine"])
    record.process = row["process"]
    record.progress = row["progress"]
    record.progressText = row["progress_text"]
    record.sweep = row["sweep"]
    record.point = row["point"]
    if withMetrics {
      record.metrics = try Row.fetchAll(
        db, sql: "SELECT name, step, value FROM metric WHERE run = ? ORDER BY name, step", arguments: [id]
      ).map { RunRecord.Metric(name: $0["name"], step: $0["step"], value: $0["value"] ?? .nan) }
    }
    record.figures = try Row.fetchAll(db, sql: "SELECT * FROM figure WHERE run = ? ORDER BY place", arguments: [id]).map
    {
      Figure(
        name: $0["name"], value: $0["value"] ?? .nan, unit: $0["unit"],
        origin: Origin(rawValue: $0["origin"]) ?? .simulated,
        data: $0["data"], uncertainty: $0["uncertainty"] ?? .nan)
    }
    record.outcomes = try String.fetchAll(
      db, sql: "SELECT outcome FROM claim WHERE run = ? ORDER BY place", arguments: [id]
    ).map { try decode(Outcome.self, $0) }
    record.data = try Row.fetchAll(db, sql: "SELECT * FROM dataset WHERE run = ? ORDER BY name", arguments: [id]).map {
      DataUse(name: $0["name"], sha256: $0["sha256"])
    }
    record.artefacts = try Row.fetchAll(db, sql: "SELECT * FROM artefact WHERE run = ? ORDER BY path", arguments: [id])
      .map {
        RunRecord.Artefact(path: $0["path"], sha256: $0["sha256"], bytes: $0["bytes"])
      }
    return record
  }
}

/// A condition on runs: `KEY=VALUE`, with `!=`, `<`, `<=`, `>`, `>=` too.
///
/// KEY is `status`, `sweep`, `host`, `version`, any configuration key, or the name of a figure or of a metric (its last value).
public struct RunFilter: Sendable, Equatable {
  public var key: String
  public var comparison: String
  public var value: String

  /// - Throws: `StoreError.invalidFilter`.
  public init(_ text: String) throws(StoreError) {
    guard let place = text.firstIndex(where: { "!<>=".contains($0) }) else {
      throw .invalidFilter(text, problem: "it has no comparison")
    }
    key = text[..<place].trimmingCharacters(in: .whitespaces)
    let rest = text[place...]
    comparison = String(rest.prefix { "!<>=".contains($0) })
    value = rest.dropFirst(comparison.count).trimmingCharacters(in: .whitespaces)
    guard ["=", "!=", "<", "<=", ">", ">="].contains(comparison) else {
      throw .invalidFilter(text, problem: "`\(comparison)` is no comparison")
    }
    guard !key.isEmpty, !value.isEmpty else { throw .invalidFilter(text, problem: "key or value is missing") }
    if comparison != "=", comparison != "!=", Double(value) == nil {
      throw .invalidFilter(text, problem: "`\(value)` is no number")
    }
  }

  var condition: (String, [(any DatabaseValueConvertible)?]) {
    if ["status", "sweep", "host", "version"].contains(key) { return ("\(key) \(comparison) ?", [value]) }
    let number = Double(value)
    let test = number == nil ? "text \(comparison) ?" : "number \(comparison) ?"
    let compared: any DatabaseValueConvertible = number ?? value
    let setting = "EXISTS (SELECT 1 FROM setting WHERE run = run.id AND key = ? AND \(test))"
    guard number != nil else { return (setting, [key, compared]) }
    let text = """
      (\(setting)
       OR EXISTS (SELECT 1 FROM figure WHERE run = run.id AND name = ? AND value \(comparison) ?)
       OR EXISTS (SELECT 1 FROM metric AS m WHERE m.run = run.id AND m.name = ? AND m.value \(comparison) ?
         AND m.step = (SELECT max(step) FROM metric WHERE run = m.run AND name = m.name)))
      """
    return (text, [key, compared, key, compared, key, compared])
  }
}
