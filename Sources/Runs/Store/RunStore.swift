import Foundation
import GRDB

/// The runs that were made, in one SQLite file.
///
/// Several processes may write at once: SQLite's write-ahead log orders them. What `finish` and `record` return from is
/// on disk: `kill -9` and power loss do not lose it.
public final class RunStore: Sendable {
  /// The folder that holds the file and the runs' folders.
  public let folder: String
  let database: DatabasePool

  /// Path of the file.
  public var path: String { "\(folder)/runs.sqlite" }

  /// Opens the store in a folder, and makes it where it is missing.
  ///
  /// A store of an older version is brought up to date; a copy of it stays beside it as `runs.sqlite.before-…`.
  ///
  /// - Throws: `StoreError`.
  public convenience init(folder: String) throws {
    try self.init(folder: folder, migrator: RunStore.migrator)
  }

  package init(folder: String, migrator: DatabaseMigrator) throws {
    self.folder = folder
    let path = "\(folder)/runs.sqlite"
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw StoreError.unusable(path: folder, problem: "the folder cannot be made")
    }
    var configuration = Configuration()
    configuration.busyMode = .timeout(60)
    configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON") }
    do {
      let isNew = !FileManager.default.fileExists(atPath: path)
      database = try DatabasePool(path: path, configuration: configuration)
      let state = try database.read { db in
        (
          try migrator.hasBeenSuperseded(db), try migrator.appliedMigrations(db),
          try migrator.hasCompletedMigrations(db)
        )
      }
      if state.0 { throw StoreError.newer(path: path) }
      if !state.2 {
        if !isNew, let last = state.1.last { try RunStore.keepCopy(of: database, path: "\(path).before-\(last)") }
        try migrator.migrate(database)
      }
    } catch {
      throw StoreError(error, path: path)
    }
  }

  /// Copies the database before it is changed. A copy that is there already was made by another process just now.
  private static func keepCopy(of database: DatabasePool, path: String) throws {
    guard !FileManager.default.fileExists(atPath: path) else { return }
    try database.writeWithoutTransaction { try $0.execute(sql: "VACUUM INTO ?", arguments: [path]) }
  }

  /// Writes in one transaction: all of it or nothing.
  func write<T>(_ body: (Database) throws -> T) throws -> T {
    do { return try database.write(body) } catch { throw StoreError(error, path: path) }
  }

  func read<T>(_ body: (Database) throws -> T) throws -> T {
    do { return try database.read(body) } catch { throw StoreError(error, path: path) }
  }

  /// Moves a damaged file aside and makes a new store from the records in the runs' folders.
  ///
  /// - Returns: the store, the number of runs found, and where the damaged file now lies.
  public static func rebuild(folder: String) throws -> (store: RunStore, runs: Int, aside: String?) {
    let path = "\(folder)/runs.sqlite"
    var aside: String?
    let manager = FileManager.default
    if manager.fileExists(atPath: path) {
      let name = "\(path).damaged-\(RunRecord.newIdentifier(Date()))"
      try manager.moveItem(atPath: path, toPath: name)
      for suffix in ["-wal", "-shm"] where manager.fileExists(atPath: path + suffix) {
        try manager.moveItem(atPath: path + suffix, toPath: name + suffix)
      }
      aside = name
    }
    let store = try RunStore(folder: folder)
    var found = 0
    for name in try manager.contentsOfDirectory(atPath: folder).sorted() {
      guard let data = manager.contents(atPath: "\(folder)/\(name)/record.json"),
        let record = try? RunRecord.decoder.decode(RunRecord.self, from: data)
      else { continue }
      try store.save(record)
      found += 1
    }
    return (store, found, aside)
  }
}

/// What can go wrong with the store. Every message says what became of the data and what to do.
public enum StoreError: Error, Equatable, CustomStringConvertible {
  case full(path: String)
  case damaged(path: String, problem: String)
  case newer(path: String)
  case busy(path: String)
  case unusable(path: String, problem: String)
  case noSuchRun(id: String)
  case ambiguousRun(id: String, found: [String])
  case invalidFilter(_ text: String, problem: String)

  init(_ error: any Error, path: String) {
    if let known = error as? StoreError {
      self = known
      return
    }
    guard let failure = error as? DatabaseError else {
      self = .unusable(path: path, problem: "\(error)")
      return
    }
    switch failure.resultCode {
    case .SQLITE_FULL: self = .full(path: path)
    case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged(path: path, problem: failure.message ?? "unknown")
    case .SQLITE_BUSY, .SQLITE_LOCKED: self = .busy(path: path)
    // A limit on file sizes and a full disk show as failed writes too.
    case .SQLITE_IOERR
    where failure.extendedResultCode == .SQLITE_IOERR_WRITE || failure.extendedResultCode == .SQLITE_IOERR_SHMSIZE:
      self = .full(path: path)
    default: self = .unusable(path: path, problem: failure.message ?? "SQLite says \(failure.resultCode)")
    }
  }

  public var description: String {
    switch self {
    case .full(let path):
      "\(path): no space is left, so the last change was not recorded; all earlier ones are kept: make room on the disk and repeat it"
    case .damaged(let path, let problem):
      "\(path) is damaged (\(problem)); it was left as it is: restore a backup, or make it anew from the runs' folders with `kirchhoff runs rebuild`, which keeps the damaged file"
    case .newer(let path):
      "\(path) was written by a newer version of kirchhoff: install that version, or name another store"
    case .busy(let path): "\(path) is in use by another process for over a minute: wait, or end that process"
    case .unusable(let path, let problem):
      "\(path) cannot be used as a run store: \(problem): check the path and its permissions"
    case .noSuchRun(let id): "there is no run `\(id)`: `kirchhoff runs list` shows those there are"
    case .ambiguousRun(let id, let found):
      "`\(id)` stands for several runs (\(found.joined(separator: ", "))): give more of the name"
    case .invalidFilter(let text, let problem):
      "the filter `\(text)` is not understood: \(problem): write KEY=VALUE, or !=, <, <=, >, >= instead of ="
    }
  }
}

extension RunStore {
  /// Lets the file grow no more, as on a full disk.
  package func limitPages() throws {
    try database.writeWithoutTransaction { db in
      let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
      try db.execute(sql: "PRAGMA max_page_count = \(pages)")
    }
  }
}
