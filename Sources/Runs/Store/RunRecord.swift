import Foundation
import Settings

/// What became of a run.
public enum RunStatus: String, ConfigurationChoice {
  case running, finished, failed, cancelled
  /// Its process ended without saying so.
  case interrupted
}

/// Everything that is kept of a run. Its JSON form lies in the run's folder, from which a store can be rebuilt.
public struct RunRecord: Codable, Sendable {
  /// Time of the start and a few random letters: `20261124-093012-7fq2`.
  public var id: String
  public var specification: RunSpecification
  public var status = RunStatus.running
  /// What went wrong; empty where nothing did.
  public var error = ""
  public var created: Date
  public var ended: Date?
  /// Version of the program.
  public var version: String
  public var machine: Machine
  /// Process that runs it.
  public var process: Int32
  /// Folder of reports and other files; empty where there is none.
  public var folder: String
  /// The sweep it belongs to, and which point of it; empty and −1 outside sweeps.
  public var sweep = ""
  public var point = -1
  /// Part that is done, from 0 to 1.
  public var progress = 0.0
  public var progressText = ""
  public var metrics: [Metric] = []
  public var figures: [Figure] = []
  public var outcomes: [Outcome] = []
  public var data: [DataUse] = []
  public var artefacts: [Artefact] = []

  /// One value of a number that changes during a run.
  public struct Metric: Codable, Sendable, Equatable {
    public var name: String
    public var step: Int
    public var value: Double

    public init(name: String, step: Int, value: Double) { (self.name, self.step, self.value) = (name, step, value) }
  }

  /// A file that a run wrote, relative to its folder.
  public struct Artefact: Codable, Sendable, Equatable {
    public var path: String
    public var sha256: String
    public var bytes: Int
  }

  public init(_ specification: RunSpecification, folder: String = "", now: Date = Date()) {
    id = RunRecord.newIdentifier(now)
    self.specification = specification
    created = now
    version = kirchhoffVersion
    machine = Machine.current
    process = ProcessInfo.processInfo.processIdentifier
    self.folder = folder
  }

  /// Seconds from start to end, or to now.
  public var duration: Double { (ended ?? Date()).timeIntervalSince(created) }

  static func newIdentifier(_ now: Date) -> String {
    let calendar = Calendar(identifier: .gregorian)
    let parts = calendar.dateComponents(in: .gmt, from: now)
    func two(_ number: Int?) -> String { String(format: "%02d", number ?? 0) }
    let letters = (0..<4).map { _ in String("0123456789abcdefghjkmnpqrstvwxyz".randomElement() ?? "0") }.joined()
    return
      "\(parts.year ?? 0)\(two(parts.month))\(two(parts.day))-\(two(parts.hour))\(two(parts.minute))\(two(parts.second))-\(letters)"
  }

  /// JSON as kept on disk: dates in seconds since 1970.
  package static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .secondsSince1970
    // A figure may be infinite or undefined; JSON has no such numbers.
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return encoder
  }

  package static var decoder: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .secondsSince1970
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return decoder
  }
}

/// Version of the package and its program.
public let kirchhoffVersion = "0.2.0"

/// What a run ran on.
public struct Machine: Codable, Sendable, Equatable {
  public var host: String
  public var system: String
  public var processor: String
  public var cores: Int
  public var memory_bytes: UInt64
  /// Tells one boot of the host from another, so that a process number means something.
  public var boot: String

  public static let current: Machine = {
    let info = ProcessInfo.processInfo
    func file(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
    let model = file("/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }
    return Machine(
      host: info.hostName, system: info.operatingSystemVersionString,
      processor: model?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown",
      cores: info.activeProcessorCount, memory_bytes: info.physicalMemory,
      boot: file("/proc/sys/kernel/random/boot_id").trimmingCharacters(in: .whitespacesAndNewlines))
  }()
}
