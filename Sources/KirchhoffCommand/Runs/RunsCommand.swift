import ArgumentParser
import Foundation
import Reports
import Runs
import Settings
import Tensors

struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs", abstract: "Looks at recorded runs.",
    subcommands: [
      List.self, Show.self, Compare.self, Export.self, Delete.self, Cancel.self, Reproduce.self, Rebuild.self,
    ],
    defaultSubcommand: List.self)

  /// A figure as people read it.
  private static func text(_ figure: Figure) -> String {
    Quantity.text(figure.value, unit: figure.unit, uncertainty: figure.uncertainty)
  }

  /// Which runs are meant.
  struct Selection: ParsableArguments {
    @Option(
      name: .customLong("where"),
      help:
        "Only runs with KEY=VALUE (also != < <= > >=); KEY is status, sweep, host, version, a setting, a figure or a metric."
    )
    var filters: [String] = []
    @Option(help: "Only runs of this sweep.") var sweep: String?
    @Option(help: "Sort by this setting or figure; by time otherwise.") var sort: String?
    @Flag(help: "Largest first, with --sort.") var descending = false
    @Option(help: "At most this many.") var limit: Int?

    func runs(_ store: RunStore) throws -> [RunRecord] {
      do {
        return try store.runs(
          where: filters.map(RunFilter.init), order: sort, descending: descending, limit: limit, sweep: sweep)
      } catch let error as StoreError {
        if case .invalidFilter = error { throw ValidationError(error.description) }
        throw error
      }
    }

    func validate() throws {
      if let limit, limit < 1 { throw ValidationError("--limit is \(limit), expected 1 or more") }
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Lists runs, newest first.")
    @OptionGroup var selection: Selection
    @Option(name: .customLong("column"), help: "A setting or figure to show; may be given again and again.")
    var columns: [String] = []
    @OptionGroup var store: StoreOptions

    func run() throws {
      let runs = try selection.runs(store.open())
      var rows = [["run", "system", "status", "seed", "time (s)"] + (columns.isEmpty ? ["first figure"] : columns)]
      for run in runs {
        let extra =
          columns.isEmpty
          ? [run.figures.first.map { "\($0.name) \(RunsCommand.text($0))" } ?? run.error]
          : columns.map { name in
            run.figures.first { $0.name == name }.map(RunsCommand.text)
              ?? run.specification.settings.first { $0.key == name }?.value.text ?? ""
          }
        rows.append(
          [
            run.id, run.specification.system, run.status.rawValue, "\(run.specification.seed)",
            String(format: "%.1f", run.duration),
          ] + extra)
      }
      printTable(rows)
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Shows all that is known of a run.")
    @Argument(help: ArgumentHelp("Beginning or end of a run's name, or `last`.", valueName: "run")) var name: String
    @Flag(help: "As JSON.") var json = false
    @OptionGroup var store: StoreOptions

    func run() throws {
      let store = try store.open()
      let record = try store.run(store.resolve(name))
      if json {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
          positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        print(String(decoding: try encoder.encode(record), as: UTF8.self))
        return
      }
      var rows = [
        ["run", record.id], ["status", record.status.rawValue], ["error", record.error],
        ["started", record.created.formatted(.iso8601)], ["time (s)", String(format: "%.2f", record.duration)],
        ["kirchhoff", record.version],
        ["machine", "\(record.machine.host), \(record.machine.processor), \(record.machine.cores) cores"],
        ["folder", record.folder], ["sweep", record.sweep.isEmpty ? "" : "\(record.sweep), point \(record.point)"],
      ]
      rows += record.specification.settings.map { [$0.key, $0.value.text] }
      rows += record.data.map { ["data \($0.name)", "sha256 \($0.sha256)"] }
      rows += record.figures.map {
        [
          $0.name,
          "\(RunsCommand.text($0)) (\($0.origin.rawValue)\($0.data.isEmpty ? "" : ", \($0.data)"))",
        ]
      }
      rows += record.outcomes.map {
        ["claim \($0.claim.figure)", "published \(Quantity.text($0.claim.published)): \($0.status.rawValue)"]
      }
      rows += Dictionary(grouping: record.metrics, by: \.name).sorted { $0.key < $1.key }.map {
        ["metric \($0.key)", "\($0.value.count) values, last \(Quantity.text($0.value.last?.value ?? .nan))"]
      }
      rows += record.artefacts.map { ["file \($0.path)", "\($0.bytes) bytes"] }
      printTable(rows.filter { !$0[1].isEmpty })
    }
  }

  struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Shows where runs differ, in settings and figures.")
    @Argument(help: "Two runs or more.") var runs: [String]
    @OptionGroup var store: StoreOptions

    func validate() throws {
      if runs.count < 2 { throw ValidationError("\(runs.count) run given, expected two or more") }
    }

    func run() throws {
      let store = try store.open()
      let records = try runs.map { try store.run(store.resolve($0)) }
      printTable(RunComparison(records).rows(onlyDifferences: true))
    }
  }

  struct Export: ParsableCommand {
    enum Format: String, CaseIterable, ExpressibleByArgument { case csv, jsonl }
    static let configuration = CommandConfiguration(
      abstract: "Writes runs as flat columns for pandas, Polars, DuckDB or Parquet tools.",
      discussion:
        "csv has a header line; jsonl has one object in each line, with the same keys of the same kinds in each.")
    @OptionGroup var selection: Selection
    @Option(help: "csv or jsonl.") var format = Format.csv
    @Option(help: "File to write; standard output by default.") var output: String?
    @OptionGroup var store: StoreOptions

    func run() throws {
      let table = RunExport(try selection.runs(store.open()))
      let text = format == .csv ? table.csv : table.jsonLines
      guard let output else { return FileHandle.standardOutput.write(Data(text.utf8)) }
      do { try Data(text.utf8).write(to: URL(fileURLWithPath: output), options: .atomic) } catch {
        throw ValidationError("--output is \(output), which cannot be written: choose another path")
      }
      say("\(table.rows.count) runs written to \(output)")
    }
  }

  struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Removes runs and their files for ever.")
    @Argument(help: "Runs to remove.") var runs: [String]
    @Flag(help: "Leaves their folders.") var keepFiles = false
    @Flag(help: "Does not ask.") var yes = false
    @OptionGroup var store: StoreOptions

    func run() throws {
      let store = try store.open()
      let ids = try runs.map(store.resolve)
      if !yes {
        print("remove \(ids.joined(separator: ", ")) for ever? [y/N] ", terminator: "")
        guard readLine()?.lowercased() == "y" else { throw ValidationError("nothing was removed") }
      }
      try store.delete(ids, keepingFiles: keepFiles)
      print("removed \(ids.count)")
    }
  }

  struct Cancel: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Asks a run to stop at its next step.")
    @Argument(help: ArgumentHelp("The run.", valueName: "run")) var name: String
    @OptionGroup var store: StoreOptions

    func run() throws {
      let store = try store.open()
      let id = try store.resolve(name)
      guard try store.requestCancellation(id) else { throw ValidationError("run \(id) is not going on") }
      print("asked \(id) to stop")
    }
  }

  struct Rebuild: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Makes a new store from the records in the runs' folders; a damaged one is moved aside and kept.")
    @OptionGroup var store: StoreOptions

    func run() throws {
      let (_, runs, aside) = try RunStore.rebuild(folder: store.folder)
      print("\(runs) runs found" + (aside.map { "; the old file is \($0)" } ?? ""))
    }
  }
}

extension RunsCommand {
  struct Reproduce: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Repeats a run and says whether it got the same figures.",
      discussion: "The repetition is a run of its own. Ends with code 2 where a figure differs.")
    @Argument(help: ArgumentHelp("The run to repeat.", valueName: "run")) var name: String
    @Option(help: "Threads, 1 or more; all cores by default.") var threads: Int?
    @OptionGroup var store: StoreOptions

    func validate() throws {
      if let threads, threads < 1 { throw ValidationError("--threads is \(threads), expected 1 or more") }
    }

    func run() throws {
      let store = try store.open()
      let before = try store.run(store.resolve(name))
      guard before.status == .finished else {
        throw ValidationError("run \(before.id) is \(before.status.rawValue), only finished runs can be compared")
      }
      let system = try checkingArguments { try SystemList.named(before.specification.system) }
      // A run of another version may have other keys: the check says which.
      try checkingArguments {
        _ = try system.keys.defaults(before.specification.scale).overlaid(with: before.specification.configuration)
        try before.specification.check(system.keys)
      }
      let runner = Runner(store: store, dataFolder: dataFolder(), echo: Progress().show)
      let (after, _) = try Parallelism.withThreads(threads ?? Parallelism.threads) {
        try runner.run(system, before.specification) { catchSignals($0) }
      }
      guard after.status == .finished else { return try finish(after, nil, json: false) }
      let differences = Runner.differences(before, after)
      if differences.isEmpty {
        print("same: run \(after.id) gives all \(after.figures.count) figures of \(before.id), bit for bit")
        return
      }
      print(
        "different: run \(after.id) and \(before.id) differ in \(differences.count) of \(after.figures.count) figures")
      printTable(
        [["figure", "before", "now"]]
          + differences.map { [$0.figure, $0.first.map { "\($0)" } ?? "–", $0.second.map { "\($0)" } ?? "–"] })
      var reasons: [String] = []
      if before.version != after.version { reasons.append("the version (\(before.version), now \(after.version))") }
      if before.machine.processor != after.machine.processor {
        reasons.append("the processor (\(before.machine.processor))")
      }
      if before.machine.cores != after.machine.cores { reasons.append("the number of cores (\(before.machine.cores))") }
      if before.data != after.data { reasons.append("the data") }
      print(
        reasons.isEmpty
          ? "version, machine and data are the same; sums over several threads may round differently"
          : "what changed: \(reasons.joined(separator: ", "))")
      throw ExitCode(2)
    }
  }
}
