import ArgumentParser
import Chips
import Foundation
import Reports
import Runs
import Settings
import Tensors

struct SystemsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "systems", abstract: "Lists what can be run, or shows one system with its keys and claims.")

  @Argument(help: "A system to show.") var name: String?

  func run() throws {
    guard let name else {
      printTable(SystemList.all.map { [$0.card.name, $0.card.title, $0.card.source] })
      return
    }
    let system = try checkingArguments { try SystemList.named(name) }
    let card = system.card
    print("\(card.title)\n\(card.source)\n\n\(card.summary)\n")
    if !card.claims.isEmpty {
      print("Claims:")
      printTable(card.claims.map { ["  " + $0.figure, "published \(Quantity.text($0.published))", $0.place] })
      print("")
    }
    print("Configuration at scale quick, at scale paper where it differs, and what is accepted:")
    let paper = try system.keys.defaults(.paper)
    printTable(
      try system.keys.defaults(.quick).leaves().map { key, value in
        let large = paper[key]?.text ?? value.text
        return ["  " + key, value.text, large == value.text ? "" : large, system.ranges[key]?.text ?? ""]
      })
  }
}

/// What every command that runs something takes.
struct RunOptions: ParsableArguments {
  @Option(help: "YAML file with `schema`, `configuration` and `substrate`.") var config: String?
  @Option(help: "smallest (seconds), quick (minutes on two cores) or paper (as published).") var scale: Scale?
  @Option(help: "Seed of all randomness.") var seed: UInt64?
  @Option(
    name: .customLong("set"),
    help: "One setting as key=value, such as substrate.macro.output.bits=6; may be given again and again.")
  var assignments: [String] = []
  @Option(help: "digital (exact), fixed-point or analog (simulated arrays); short for --set substrate.kind=….")
  var substrate: SubstrateChoice.Kind?
  @Option(help: "Folder for report and record; inside the store by default. A checkpoint found there is continued.")
  var output: String?
  @Flag(help: "Prints the record as JSON, with plain numbers in SI units.") var json = false
  @Flag(help: "Keeps the run's files in --output only, not in the store.") var withoutStore = false
  @Option(help: "Threads, 1 or more; all cores by default.") var threads: Int?
  @OptionGroup var store: StoreOptions

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads is \(threads), expected 1 or more") }
    if withoutStore, output == nil { throw ValidationError("--without-store needs --output, else nothing is kept") }
    if let output {
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: output, isDirectory: &isFolder), !isFolder.boolValue {
        throw ValidationError("--output is \(output), which is a file: choose another path")
      }
    }
  }

  /// Runs a system and prints what it found.
  func run(_ system: AnySystem) throws {
    let specification = try checkingArguments {
      let file = try config.map(ConfigurationFile.init(contentsOf:))
      let words = substrate.map { ["substrate.kind=\($0.rawValue)"] } ?? []
      return try RunSpecification(system.keys, scale: scale, seed: seed, file: file, assignments: words + assignments)
    }
    let team = try MessagePassing.join()
    let isFirst = (team?.rank ?? 0) == 0
    // Every process of a team would otherwise take all cores of the machine for itself.
    let count = threads ?? max(1, Parallelism.threads / (team?.size ?? 1))
    let recorder = Runner(
      store: isFirst && !withoutStore ? try store.open() : nil, output: output, dataFolder: dataFolder(),
      team: team ?? Alone() as any Team, echo: Progress().show)
    let (record, report) = try Parallelism.withThreads(count) {
      try checkingArguments { try recorder.run(system, specification) { catchSignals($0) } }
    }
    if record.status == .failed { team?.abort(1) }
    team?.leave()
    guard isFirst else { return }
    try finish(record, report, json: json)
  }
}

/// Prints what a run found, for people or as JSON with plain numbers in SI units, and gives the exit code it deserves.
func finish(_ record: RunRecord, _ report: Report?, json: Bool) throws {
  switch record.status {
  case .failed:
    say("Error: \(record.error)")
    say("run \(record.id) failed")
    throw ExitCode(1)
  case .cancelled:
    say("run \(record.id) was cancelled")
    throw ExitCode(130)
  default: break
  }
  guard let report else { return }
  if json {
    print(String(decoding: try RunRecord.encoder.encode(record), as: UTF8.self))
  } else {
    show(report)
    print("\nrun \(record.id)" + (record.folder.isEmpty ? "" : "; report: \(record.folder)/report.html"))
  }
  if report.outcomes.contains(where: { $0.status == .notReached }) { throw ExitCode(2) }
}

/// The summary, or all figures where there is none, then claims, as people read them.
private func show(_ report: Report) {
  if let summary = report.summary {
    print("\(summary.title)\n")
    printTable([summary.columns] + summary.rows)
  } else {
    printTable(
      report.figures.map {
        [
          $0.name, Quantity.text($0.value, unit: $0.unit, uncertainty: $0.uncertainty),
          $0.origin.rawValue + ($0.data.isEmpty ? "" : ", \($0.data)"),
        ]
      })
  }
  guard !report.outcomes.isEmpty else { return }
  print("")
  printTable(
    report.outcomes.map { outcome in
      func text(_ value: Double, _ uncertainty: Double = 0) -> String {
        Quantity.text(value, unit: outcome.figure?.unit ?? "", uncertainty: uncertainty)
      }
      return [
        outcome.claim.figure, "published \(text(outcome.claim.published))",
        "ours \(outcome.figure.map { text($0.value, $0.uncertainty) } ?? "–")", outcome.words,
      ]
    })
}

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Runs a system, records the run and writes its report.",
    discussion: """
      Writes report.html, report.json, record.json and configuration.yaml; the last runs the same again with --config.
      Under `mpirun -n N` (Open MPI) the work of one run is shared by N processes and gives the same figures. Ctrl-C
      cancels the run at its next step.
      """)

  @Argument(help: "Name of the system: see `kirchhoff systems`.") var system: String
  @OptionGroup var options: RunOptions

  func run() throws { try options.run(checkingArguments { try SystemList.named(system) }) }
}

extension Scale: ExpressibleByArgument {}
extension SubstrateChoice.Kind: ExpressibleByArgument {}

/// Shows progress on standard error: a line that is written over on a terminal, else a line now and then.
final class Progress: Sendable {
  private let last = Locked((time: Date.distantPast, text: ""))

  @Sendable func show(_ fraction: Double, _ text: String) {
    let isTerminal = isatty(2) != 0
    let shows = last.withLock { last in
      let pause = isTerminal ? 0.1 : 5.0
      guard Date().timeIntervalSince(last.time) > pause || (fraction >= 1 && last.text != text) else { return false }
      last = (Date(), text)
      return true
    }
    guard shows else { return }
    let line = "\(String(format: "%3.0f", fraction * 100)) % \(text)"
    if isTerminal {
      FileHandle.standardError.write(Data("\r\u{1B}[K\(line)\(fraction >= 1 ? "\n" : "")".utf8))
    } else {
      say(line)
    }
  }
}

/// Ctrl-C and the termination signal ask a run to stop; a second one ends the process at once.
func catchSignals(_ recorder: RunRecorder) {
  StopSignals.listen {
    if recorder.isCancelled { exit(130) }
    say("stopping at the next step; once more to stop at once")
    recorder.cancel()
  }
}
