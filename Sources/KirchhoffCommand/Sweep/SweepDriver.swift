import ArgumentParser
import Foundation
import Reports
import Runs
import Tensors

/// Runs the points of a sweep here or on a cluster.
struct SweepDriver {
  let sweep: Sweep
  let folder: SweepFolder
  let store: RunStore

  private var program: String { Bundle.main.executablePath ?? CommandLine.arguments[0] }

  /// A pool of processes, each with one point at a time: a point that crashes takes no other with it.
  ///
  /// - Returns: whether it was stopped.
  func runHere(_ points: [Int], workers: Int) throws -> Bool {
    let stop = StopRequest()
    var waiting = points[...]
    var running: [(point: Int, process: Process)] = []
    var done = sweep.points.count - points.count
    while !running.isEmpty || (!waiting.isEmpty && !stop.isRequested) {
      while running.count < workers, !stop.isRequested, let point = waiting.popFirst() {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = [
          "sweep-point", folder.path, "--point", "\(point)", "--threads", "\(sweep.threads)", "--store", store.folder,
        ]
        process.environment = ProcessInfo.processInfo.environment.merging(["OMP_NUM_THREADS": "\(sweep.threads)"]) {
          $1
        }
        process.standardInput = FileHandle.nullDevice
        // Shown by the table at the end; a pool of progress lines is no use to anyone.
        process.standardError = FileHandle.nullDevice
        try process.run()
        running.append((point, process))
      }
      if stop.isRequested { for item in running where item.process.isRunning { item.process.interrupt() } }
      Thread.sleep(forTimeInterval: 0.02)
      for item in running where !item.process.isRunning {
        done += 1
        try close(item.point, item.process)
        say("\(done) of \(sweep.points.count) points")
      }
      running.removeAll { !$0.process.isRunning }
    }
    return stop.isRequested
  }

  /// Keeps an error for a point whose process ended without a record.
  private func close(_ point: Int, _ process: Process) throws {
    if let record = folder.record(of: point) {
      // The child wrote it to the store as well, unless the store was full or busy for too long.
      return try store.save(record)
    }
    let reason =
      process.terminationReason == .uncaughtSignal
      ? "its process was ended by signal \(process.terminationStatus)"
      : "its process ended with code \(process.terminationStatus)"
    try keepFailure(point, reason)
  }

  private func keepFailure(_ point: Int, _ reason: String) throws {
    try store.markInterrupted()
    var record = RunRecord(sweep.points[point], folder: folder.folder(of: point))
    (record.status, record.error, record.sweep, record.point) = (.failed, reason, folder.name, point)
    record.ended = Date()
    try FileManager.default.createDirectory(atPath: record.folder, withIntermediateDirectories: true)
    try RunRecord.encoder.encode(record).write(
      to: URL(fileURLWithPath: "\(record.folder)/record.json"), options: .atomic)
    try store.save(record)
  }

  /// A job array; results are gathered as they come. Stopping here leaves the jobs, and the same command finds them again.
  ///
  /// - Returns: whether it was stopped.
  func runOnSlurm(_ points: [Int]) throws -> Bool {
    let slurm = Slurm(folder, sweep.slurm)
    let job: String
    if let current = try slurm.currentJob() {
      say("job \(current) of an earlier call still runs")
      job = current
    } else {
      let environment = ProcessInfo.processInfo.environment
      // Old records of failed points would pass for new ones.
      for point in points { try? FileManager.default.removeItem(atPath: "\(folder.folder(of: point))/record.json") }
      job = try slurm.submit(
        slurm.script(
          points: points, program: program, threads: sweep.threads,
          arguments: ["sweep-point", folder.path, "--threads", "\(sweep.threads)"],
          environment: environment.filter { ["KIRCHHOFF_DATA", "LD_LIBRARY_PATH"].contains($0.key) }))
      say("submitted job \(job) with \(points.count) elements")
    }
    let stop = StopRequest()
    var gathered = Set<Int>()
    var goesOn = true
    while goesOn, !stop.isRequested {
      goesOn = try slurm.isQueued(job)
      for point in points where !gathered.contains(point) {
        guard let record = folder.record(of: point) else { continue }
        try store.save(record)
        gathered.insert(point)
        say("\(sweep.points.count - points.count + gathered.count) of \(sweep.points.count) points")
      }
      if goesOn { Thread.sleep(forTimeInterval: 1) }
    }
    if stop.isRequested { return true }
    for point in points where folder.record(of: point) == nil {
      let log = slurm.log(of: point, job: job)
      try keepFailure(point, "Slurm job \(job) ended without a result" + (log.isEmpty ? "" : ": \(log)"))
    }
    return false
  }

  /// The records of all points that were run, which are then in the store.
  func gather() throws -> [RunRecord] {
    try sweep.points.indices.compactMap { point in
      guard let record = folder.record(of: point) else { return nil }
      try store.save(record)
      return record
    }
  }
}

/// Whether Ctrl-C or the termination signal came.
final class StopRequest: Sendable {
  private let requested = Locked(false)

  init() {
    StopSignals.listen { [requested] in requested.withLock { $0 = true } }
  }

  var isRequested: Bool { requested.withLock { $0 } }
}
