import Foundation
import Settings

/// A sweep on disk: its points, and a folder with the record of each that was run.
///
/// The folder is all that processes share, so points can run anywhere that sees it. A point counts as done when its record
/// is there; records are written whole or not at all.
public struct SweepFolder: Sendable {
  public let path: String
  public var name: String { URL(fileURLWithPath: path).lastPathComponent }

  private struct Contents: Codable {
    var schema = 1
    var points: [RunSpecification]
  }

  /// Makes the folder of a sweep, or finds the one that is there.
  public init(_ sweep: Sweep, in parent: String) throws {
    path = "\(parent)/sweep-\(sweep.name)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let file = URL(fileURLWithPath: "\(path)/points.json")
    if !FileManager.default.fileExists(atPath: file.path) {
      try RunRecord.encoder.encode(Contents(points: sweep.points)).write(to: file, options: .atomic)
    }
  }

  /// A folder that is there.
  public init(path: String) { self.path = path }

  /// The specifications of all points.
  public func points() throws -> [RunSpecification] {
    guard let data = FileManager.default.contents(atPath: "\(path)/points.json") else {
      throw ConfigurationError.unreadable(path: "\(path)/points.json")
    }
    do { return try RunRecord.decoder.decode(Contents.self, from: data).points } catch {
      throw ConfigurationError.malformed(
        place: "\(path)/points.json", problem: "it is no list of points; delete the folder and start the sweep again")
    }
  }

  /// Where a point keeps its report and record.
  public func folder(of point: Int) -> String { "\(path)/point-\(String(format: "%05d", point))" }

  /// What became of a point, if it was run to an end.
  public func record(of point: Int) -> RunRecord? {
    guard let data = FileManager.default.contents(atPath: "\(folder(of: point))/record.json") else { return nil }
    return try? RunRecord.decoder.decode(RunRecord.self, from: data)
  }

  /// Points that have still to be run. Failed ones are kept as they are unless `retryingFailed`.
  public func open(retryingFailed: Bool) throws -> [Int] {
    try points().indices.filter { point in
      switch record(of: point)?.status {
      case .finished: false
      case .failed: retryingFailed
      default: true
      }
    }
  }
}
