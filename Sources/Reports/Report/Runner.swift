import Chips
import Foundation
import Runs
import Settings

/// Runs a system and keeps what comes of it.
public struct Runner: Sendable {
  public var store: RunStore?
  /// Where the run's folder is made; inside the store's folder if missing.
  public var output: String?
  public var dataFolder: String?
  public var team: any Team
  public var echo: @Sendable (Double, String) -> Void

  public init(
    store: RunStore?, output: String? = nil, dataFolder: String? = nil, team: any Team = Alone(),
    echo: @escaping @Sendable (Double, String) -> Void = { _, _ in }
  ) {
    self.store = store
    self.output = output
    self.dataFolder = dataFolder
    self.team = team
    self.echo = echo
  }

  /// Carries out a specification.
  ///
  /// - Parameters:
  ///   - sweep, point: the sweep it belongs to.
  ///   - onStart: told the recorder, so that a signal can cancel the run.
  /// - Returns: the record, whatever became of the run, and its report where it finished. Processes other than the first
  ///   of a team keep no record.
  /// - Throws: when the record cannot be kept; `ConfigurationError` where the folder holds checkpoints of other settings.
  @discardableResult public func run(
    _ system: AnySystem, _ specification: RunSpecification, sweep: String = "", point: Int = -1,
    onStart: (RunRecorder) -> Void = { _ in }
  ) throws -> (record: RunRecord, report: Report?) {
    var record = RunRecord(specification)
    record.sweep = sweep
    record.point = point
    record.folder = output ?? store.map { "\($0.folder)/\(record.id)" } ?? ""
    let isFirst = team.rank == 0
    let checkpoints = isFirst && !record.folder.isEmpty ? CheckpointFolder(record.folder) : nil
    try checkpoints?.claim(specification)
    let recorder = isFirst ? try RunRecorder(record, store: store, echo: echo) : nil
    if let recorder { onStart(recorder) }
    let context = RunContext(
      seed: specification.seed,
      substrate: try specification.substrate.configuration(SubstrateChoice.self, at: "substrate"),
      folder: record.folder.isEmpty ? nil : record.folder, dataFolder: dataFolder, team: team,
      listener: recorder ?? NoListener() as any RunListener)
    do {
      let report = try system.run(specification.configuration, context)
      checkpoints?.remove()
      let ended = try recorder?.end(.finished, findings: report.findings) { try Self.files(report, $0) }
      return (ended ?? record, report)
    } catch is RunCancelled {
      return (try recorder?.end(.cancelled) ?? record, nil)
    } catch {
      record.status = .failed
      record.error = "\(error)"
      return (try recorder?.end(.failed, error: "\(error)") ?? record, nil)
    }
  }

  /// What lies in a run's folder for people and for programs.
  private static func files(_ report: Report, _ record: RunRecord) throws -> [(name: String, data: Data)] {
    [
      ("report.json", try RunRecord.encoder.encode(report)),
      ("report.html", Data(try ReportPage.html(report, record).utf8)),
    ] + report.pictures.enumerated().map { ("picture-\($0.offset + 1).png", $0.element.png) }
  }

  /// Compares the figures of a run with those of its repetition.
  public static func differences(_ a: RunRecord, _ b: RunRecord) -> [Difference] {
    let names = a.figures.map(\.name) + b.figures.map(\.name).filter { name in !a.figures.contains { $0.name == name } }
    return names.compactMap { name in
      let x = a.figures.first { $0.name == name }?.value
      let y = b.figures.first { $0.name == name }?.value
      if let x, let y, x == y || (x.isNaN && y.isNaN) { return nil }
      return Difference(figure: name, first: x, second: y)
    }
  }

  /// A figure that two runs do not share.
  public struct Difference: Sendable, Equatable {
    public var figure: String
    public var first: Double?, second: Double?
  }
}
