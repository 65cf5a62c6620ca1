import ArgumentParser
import Foundation
import Reports
import Runs
import Settings
import Tensors

struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Runs a system with many settings: a grid, random points, a Latin hypercube or a list.",
    discussion: """
      The file holds what a configuration file of one run holds, and beside it:

        sweep:
          method: grid            # or random, latin-hypercube (both with `points` and `seed`), list (with `list`)
          axes:
            esN0_dB: [0, 10, 20]
            substrate.device.writeResidue: { from: 1e-3, to: 1e-1, count: 5, logarithmic: true }
            seed: [1, 2, 3]
        workers: 2                # runs at once; all cores by default
        threads: 1                # cores of each run
        slurm: { partition: long, time: "02:00:00", memory: 4G, atOnce: 50 }

      The same command again continues a sweep that was stopped. Failed points are kept with their error.
      """)

  @Argument(help: "YAML file of the sweep.") var file: String
  @Option(help: "Runs at once on this machine; overrides `workers` of the file.") var workers: Int?
  @Flag(help: "Runs the points as a job array of Slurm, and gathers the results.") var slurm = false
  @Flag(help: "Runs failed points again.") var retryFailed = false
  @Flag(help: "Only says what would be run.") var dryRun = false
  @OptionGroup var store: StoreOptions

  func validate() throws {
    if let workers, !(1...4096).contains(workers) {
      throw ValidationError("--workers is \(workers), expected 1 to 4096")
    }
  }

  func run() throws {
    let sweep = try checkingArguments { try Sweep(contentsOf: file, system: { try SystemList.named($0).keys }) }
    if dryRun {
      print("sweep \(sweep.name): \(sweep.points.count) points of \(sweep.points.first?.system ?? "")")
      printTable(
        [["point"] + sweep.axes]
          + sweep.points.enumerated().map { i, point in
            ["\(i)"] + sweep.axes.map { key in point.settings.first { $0.key == key }?.value.text ?? "" }
          })
      return
    }
    let store = try store.open()
    let folder = try SweepFolder(sweep, in: URL(fileURLWithPath: store.folder).standardizedFileURL.path)
    // Only one process drives a sweep; two would run points twice.
    let lock = try SweepLock("\(folder.path)/lock")
    defer { lock.release() }
    let open = try folder.open(retryingFailed: retryFailed)
    say("sweep \(sweep.name): \(sweep.points.count) points, \(sweep.points.count - open.count) done")
    let driver = SweepDriver(sweep: sweep, folder: folder, store: store)
    if !open.isEmpty {
      let stopped = slurm ? try driver.runOnSlurm(open) : try driver.runHere(open, workers: workers ?? sweep.workers)
      if stopped {
        say("stopped; the same command continues")
        throw ExitCode(130)
      }
    }
    let records = try driver.gather()
    let failed = records.filter { $0.status != .finished }
    var rows = [["point"] + sweep.axes + ["status", "run", "first figure"]]
    for record in records.sorted(by: { $0.point < $1.point }) {
      rows.append(
        ["\(record.point)"]
          + sweep.axes.map { key in record.specification.settings.first { $0.key == key }?.value.text ?? "" }
          + [
            record.status.rawValue, record.id,
            record.figures.first.map { "\($0.name) \(Quantity.text($0.value))" } ?? record.error,
          ])
    }
    printTable(rows)
    print("\nsweep \(sweep.name): \(records.count - failed.count) of \(sweep.points.count) points finished")
    if !failed.isEmpty || records.count < sweep.points.count {
      say("\(sweep.points.count - records.count + failed.count) points failed; --retry-failed runs them again")
      throw ExitCode(1)
    }
  }
}

/// Runs one point; started by `sweep` and by the jobs it makes.
struct SweepPointCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "sweep-point", shouldDisplay: false)

  @Argument var folder: String
  @Option var point: Int
  @Option var threads: Int
  /// The store to keep up to date; without it the record is only written into the point's folder.
  @Option var store: String?

  func run() throws {
    let folder = SweepFolder(path: folder)
    let points = try folder.points()
    guard points.indices.contains(point) else {
      throw ValidationError("--point is \(point), expected 0 to \(points.count - 1)")
    }
    let output = folder.folder(of: point)
    // What an earlier, failed attempt left would pass for this one's.
    try? FileManager.default.removeItem(atPath: "\(output)/record.json")
    let runner = Runner(store: try store.map(RunStore.init(folder:)), output: output, dataFolder: dataFolder())
    let (record, _) = try Parallelism.withThreads(threads) {
      try runner.run(SystemList.named(points[point].system), points[point], sweep: folder.name, point: point) {
        catchSignals($0)
      }
    }
    if record.status == .cancelled { throw ExitCode(130) }
    if record.status == .failed { say("Error: \(record.error)") }
  }
}

/// A file that one process holds; the lock goes with the process, however it ends.
private struct SweepLock {
  private let descriptor: Int32

  init(_ path: String) throws {
    // Children must not inherit it, else the lock outlives this process.
    descriptor = Foundation.open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
    guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw ValidationError("this sweep is driven by another process (\(path) is locked): wait for it, or stop it")
    }
  }

  func release() { close(descriptor) }
}
