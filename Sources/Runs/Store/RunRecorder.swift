import Datasets
import Foundation
import Tensors

/// Keeps the store up to date while a run goes on.
///
/// Metrics are written together every half second, so up to half a second of them can be missing after `kill -9`;
/// everything older and the run itself are there.
public final class RunRecorder: RunListener, Sendable {
  private struct State {
    var record: RunRecord
    var pending: [RunRecord.Metric] = []
    var cancelled = false
    var done = false
    var problem: (any Error)?
  }

  private let store: RunStore?
  private let state: Locked<State>
  private let echo: @Sendable (Double, String) -> Void

  /// Records a new run and begins to watch for requests to cancel it.
  ///
  /// - Parameters:
  ///   - store: nothing for a run that is kept as a file only.
  ///   - echo: told about progress.
  public init(_ record: RunRecord, store: RunStore?, echo: @escaping @Sendable (Double, String) -> Void = { _, _ in })
    throws
  {
    self.store = store
    self.echo = echo
    state = Locked(State(record: record))
    try store?.save(record)
    let watcher = Thread { [weak self] in
      while let self, self.flush() { Thread.sleep(forTimeInterval: 0.5) }
    }
    watcher.start()
  }

  public func recorded(metric: String, step: Int, value: Double) {
    state.withLock { $0.pending.append(RunRecord.Metric(name: metric, step: step, value: value)) }
  }

  public func progressed(fraction: Double, text: String) {
    state.withLock {
      $0.record.progress = fraction
      $0.record.progressText = text
    }
    echo(fraction, text)
  }

  public var isCancelled: Bool { state.withLock { $0.cancelled } }

  /// Asks the run to stop at its next step.
  public func cancel() { state.withLock { $0.cancelled = true } }

  /// Writes what has come together.
  ///
  /// - Returns: whether the run still goes on.
  private func flush() -> Bool {
    let (metrics, record, done) = state.withLock { state in
      defer {
        state.record.metrics += state.pending
        state.pending = []
      }
      return (state.pending, state.record, state.done)
    }
    if done { return false }
    guard let store else { return true }
    do {
      let cancel = try store.record(metrics, progress: record.progress, text: record.progressText, run: record.id)
      if cancel { self.cancel() }
    } catch {
      // They stay in the record and are written with it at the end.
      state.withLock { $0.problem = error }
    }
    return true
  }

  /// Ends the run: writes its record and files into its folder, and all into the store.
  ///
  /// - Parameters:
  ///   - findings: what it found; nothing for a run that failed or was cancelled.
  ///   - files: what lies in its folder beside the record, made from the record.
  /// - Returns: the complete record.
  /// - Throws: when it cannot be stored. The record in the folder is written first and names the figures, so a store
  ///   can be rebuilt from it.
  @discardableResult
  public func end(
    _ status: RunStatus, findings: Findings? = nil, error: String = "", now: Date = Date(),
    files: (RunRecord) throws -> [(name: String, data: Data)] = { _ in [] }
  ) throws -> RunRecord {
    var record = state.withLock { state in
      state.done = true
      state.record.metrics += state.pending
      state.pending = []
      return state.record
    }
    record.status = status
    record.error = error
    record.ended = now
    if let findings {
      (record.figures, record.outcomes, record.data) = (findings.figures, findings.outcomes, findings.data)
      if status == .finished { record.progress = 1 }
    }
    if !record.folder.isEmpty {
      try FileManager.default.createDirectory(atPath: record.folder, withIntermediateDirectories: true)
      let all = [("configuration.yaml", Data(record.specification.yaml.utf8))] + (try files(record))
      for (name, data) in all {
        try data.write(to: URL(fileURLWithPath: "\(record.folder)/\(name)"), options: .atomic)
        record.artefacts.append(
          RunRecord.Artefact(path: name, sha256: Checksum.sha256(data), bytes: data.count))
      }
      try RunRecord.encoder.encode(record).write(
        to: URL(fileURLWithPath: "\(record.folder)/record.json"), options: .atomic)
    }
    try store?.save(record)
    return record
  }
}
