import Chips
import Foundation
import GRDB
import Reports
import Runs
import Settings
import TestSupport
import Testing

@Suite("Run store") struct RunStoreTests {
  private func run(_ store: RunStore, _ assignments: [String] = [], seed: UInt64 = 1) throws -> RunRecord {
    try Runner(store: store).run(sums, RunSpecification(sums.keys, seed: seed, assignments: assignments)).record
  }

  @Test("what a run recorded is found again, from another connection too")
  func keeps() throws {
    try withFolder { folder in
      let record = try run(RunStore(folder: folder), ["count=4"])
      let found = try RunStore(folder: folder).run(record.id)
      #expect(found.status == .finished)
      #expect(found.specification == record.specification)
      #expect(
        found.figures == [
          Figure(name: "total", value: 7, unit: "m", origin: .simulated, data: "synthetic", uncertainty: 0)
        ])
      #expect(found.metrics.map(\.value) == [1, 0.5, 1.0 / 3, 0.25])
      #expect(found.outcomes.first?.status == .reached)
      #expect(found.artefacts.map(\.path).sorted() == ["configuration.yaml", "report.html", "report.json"])
      let page = try String(contentsOfFile: "\(found.folder)/report.html", encoding: .utf8)
      #expect(page.contains("Sums &amp; &lt;more&gt;") && page.contains("synthetic"))
    }
  }

  @Test("failed runs keep their error; a cancelled one says so")
  func failures() throws {
    try withFolder { folder in
      let store = try RunStore(folder: folder)
      let failed = try run(store, ["fails=true"])
      #expect(try store.run(failed.id).status == .failed)
      #expect(try store.run(failed.id).error == "it had to fail")
      let specification = try RunSpecification(sums.keys)
      let record = try Runner(store: store).run(sums, specification) { $0.cancel() }.record
      #expect(try store.run(record.id).status == .cancelled)
      #expect(try store.requestCancellation(record.id) == false)
    }
  }

  @Test("filters take settings, figures, metrics and status; order and limit hold")
  func filters() throws {
    try withFolder { folder in
      let store = try RunStore(folder: folder)
      for count in [1, 5, 3] { _ = try run(store, ["count=\(count)", "name=n\(count)"]) }
      _ = try run(store, ["fails=true"])
      func counts(_ filters: String..., order: String? = nil, limit: Int? = nil) throws -> [Int] {
        try store.runs(where: filters.map { try RunFilter($0) }, order: order, limit: limit).map {
          Int($0.specification.configuration["count"]?.double ?? -1)
        }
      }
      #expect(try counts("status=finished", order: "count") == [1, 3, 5])
      #expect(try counts("count>=3", "status=finished", order: "total") == [3, 5])
      #expect(try counts("total<7", order: "count", limit: 1) == [1])
      #expect(try counts("loss<0.3") == [5])
      #expect(try counts("name=n3") == [3])
      #expect(try counts("kind=noisy").isEmpty)
      #expect(throws: StoreError.self) { try counts("count~3") }
      #expect(throws: StoreError.self) { try counts("count<many") }
      // Text that SQL would take for its own.
      #expect(try counts("name=' OR 1=1 --").isEmpty)
    }
  }

  @Test("names can be shortened as long as they are clear")
  func names() throws {
    try withFolder { folder in
      let store = try RunStore(folder: folder)
      let first = try run(store)
      #expect(try store.resolve(String(first.id.suffix(4))) == first.id)
      #expect(try store.resolve("last") == first.id)
      _ = try run(store)
      #expect(throws: StoreError.self) { try store.resolve("2") }
      #expect(throws: StoreError.noSuchRun(id: "zzz")) { try store.resolve("zzz") }
    }
  }

  @Test("a repetition gives the same figures, another seed others")
  func reproduces() throws {
    try withFolder { folder in
      let store = try RunStore(folder: folder)
      let a = try run(store, ["kind=noisy"])
      let b = try run(store, ["kind=noisy"])
      let c = try run(store, ["kind=noisy"], seed: 2)
      #expect(Runner.differences(a, b).isEmpty)
      #expect(Runner.differences(a, c).map(\.figure) == ["total"])
    }
  }

  @Test("exports have the same columns in every row, of one kind each")
  func export() throws {
    try withFolder { folder in
      let store = try RunStore(folder: folder)
      _ = try run(store, ["name=a,\"b\"\nc"])
      _ = try run(store, ["fails=true"])
      let table = RunExport(try store.runs())
      #expect(table.rows.allSatisfy { $0.count == table.columns.count })
      #expect(table.csv.contains("\"a,\"\"b\"\"\nc\""))
      let lines = table.jsonLines.split(separator: "\n")
      #expect(lines.count == 2)
      let keys = try lines.map { line in
        let object = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        return object.keys.sorted()
      }
      #expect(keys[0] == keys[1])
    }
  }

  @Test("only runs that ended can be deleted, and only folders of the store go with them")
  func deletes() throws {
    try withFolder { folder in
      let store = try RunStore(folder: "\(folder)/store")
      let inside = try run(store)
      let outside = try Runner(store: store, output: "\(folder)/mine").run(sums, RunSpecification(sums.keys)).record
      var running = RunRecord(try RunSpecification(sums.keys))
      running.status = .running
      try store.save(running)
      #expect(throws: StoreError.self) { try store.delete([inside.id, running.id]) }
      #expect(try store.run(inside.id).id == inside.id)
      try store.delete([inside.id, outside.id])
      #expect(!FileManager.default.fileExists(atPath: inside.folder))
      #expect(FileManager.default.fileExists(atPath: "\(folder)/mine/report.html"))
    }
  }

  @Test("a run whose process is gone becomes interrupted, with all it had recorded")
  func interrupted() throws {
    try withFolder { folder in
      let store = try RunStore(folder: folder)
      var record = RunRecord(try RunSpecification(sums.keys))
      record.process = 2_000_000_000  // beyond the largest process number of Linux
      try store.save(record)
      _ = try store.record([.init(name: "loss", step: 0, value: 1)], progress: 0.5, text: "half", run: record.id)
      #expect(try store.markInterrupted() == [record.id])
      #expect(try store.run(record.id).status == .interrupted)
      #expect(try store.run(record.id).metrics.count == 1)
    }
  }

  @Test("a damaged file is left alone and named; a new store is made from the runs' folders")
  func damaged() throws {
    try withFolder { folder in
      let record = try run(RunStore(folder: folder))
      let path = "\(folder)/runs.sqlite"
      for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
      let rubbish = Data("this is no database, whatever its name says".utf8)
      try rubbish.write(to: URL(fileURLWithPath: path))
      let error = try #require(throws: StoreError.self) { try RunStore(folder: folder) }
      guard case .damaged = error else {
        Issue.record("\(error)")
        return
      }
      #expect(error.description.contains("runs rebuild"))
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == rubbish)
      let (store, runs, aside) = try RunStore.rebuild(folder: folder)
      #expect(runs == 1)
      #expect(try store.run(record.id).figures == record.figures)
      #expect(try store.run(record.id).metrics.count == 3)
      #expect(try Data(contentsOf: URL(fileURLWithPath: #require(aside))) == rubbish)
    }
  }

  @Test("an older store is brought up to date and a copy kept; a newer one is refused")
  func versions() throws {
    try withFolder { folder in
      let path = "\(folder)/runs.sqlite"
      let old = try DatabaseQueue(path: path)
      try RunStore.migrator.migrate(old, upTo: "1")
      let specification = String(decoding: try JSONEncoder().encode(RunSpecification(sums.keys)), as: UTF8.self)
      let machine = String(decoding: try JSONEncoder().encode(Machine.current), as: UTF8.self)
      try old.write { db in
        try db.execute(
          sql:
            "INSERT INTO run VALUES ('old', 'sums', 'quick', '1', ?, 'finished', '', 1, 2, '0.1.0', ?, 'h', 'b', 1, '', 1, '')",
          arguments: [specification, machine])
      }
      try old.close()
      let store = try RunStore(folder: folder)
      #expect(try store.run("old").point == -1)
      #expect(FileManager.default.fileExists(atPath: "\(path).before-1"))

      let newer = try DatabaseQueue(path: path)
      try newer.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99')") }
      try newer.close()
      #expect(throws: StoreError.newer(path: path)) { try RunStore(folder: folder) }
    }
  }

  @Test("a full disk is said, and what was recorded before stays")
  func full() throws {
    try withFolder { folder in
      let store = try RunStore(folder: folder)
      let before = try run(store)
      // SQLite is told that the disk ends here: the same answer as from a full one.
      var record = RunRecord(try RunSpecification(sums.keys))
      record.metrics = (0..<50_000).map { .init(name: "loss", step: $0, value: 1) }
      try store.limitPages()
      #expect(throws: StoreError.full(path: "\(folder)/runs.sqlite")) { try store.save(record) }
      let again = try RunStore(folder: folder)
      #expect(try again.run(before.id).status == .finished)
      #expect(throws: StoreError.noSuchRun(id: record.id)) { try again.run(record.id) }
    }
  }
}
