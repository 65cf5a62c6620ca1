import Datasets
import Foundation
import Settings
import Tensors

/// Many runs of one system: which settings, and in what values.
///
///     schema: 1
///     system: mimo-ofdm
///     configuration: { modulation: qam16 }         # as in the file of a single run
///     sweep:
///       method: grid                               # grid, random, latin-hypercube or list
///       axes:
///         esN0_dB: [0, 10, 20]
///         substrate.device.writeResidue: { from: 1e-3, to: 1e-1, count: 5, logarithmic: true }
///         seed: { from: 1, to: 3, count: 3 }
///
/// `random` and `latin-hypercube` take `points` and `seed` beside `axes`; `list` takes `list`, a list of settings.
/// `workers` and `threads` say how many runs go on at once and how many cores each uses; `slurm` holds what a cluster is
/// told: see `SlurmSettings`.
public struct Sweep: Sendable {
  /// Name of the file and a checksum of the points: the same file continues the same sweep.
  public var name: String
  public var points: [RunSpecification]
  /// The keys that vary.
  public var axes: [String]
  public var workers: Int
  public var threads: Int
  public var slurm: SlurmSettings

  /// Most points that one sweep may have.
  public static let limit = 100_000

  /// Reads a sweep and checks every point.
  ///
  /// - Parameter system: finds a system by its name.
  /// - Throws: `ConfigurationError` naming the key.
  public init(contentsOf path: String, system find: (String) throws -> SystemKeys) throws {
    guard let data = FileManager.default.contents(atPath: path), data.count < 10 << 20 else {
      throw ConfigurationError.unreadable(path: path)
    }
    let base = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    try self.init(yaml: String(decoding: data, as: UTF8.self), named: base, system: find)
  }

  package init(yaml: String, named base: String, system find: (String) throws -> SystemKeys) throws {
    var entries = try ConfigurationFile.schema.migrated(ConfigurationValue(yaml: yaml))
    let plan = entries.removeValue(forKey: "sweep")
    workers = try Sweep.count(
      entries.removeValue(forKey: "workers"), "workers", default: ProcessInfo.processInfo.activeProcessorCount)
    threads = try Sweep.count(entries.removeValue(forKey: "threads"), "threads", default: 1)
    slurm = try SlurmSettings(entries.removeValue(forKey: "slurm"))
    let file = try ConfigurationFile(tree: .map(entries))
    guard let name = file.system else {
      throw ConfigurationError.invalidValue(key: "system", found: "absent", expected: "the name of a system")
    }
    guard case .map(let settings)? = plan else {
      throw ConfigurationError.wrongKind(key: "sweep", found: plan?.text ?? "absent", expected: "method and axes")
    }
    let system = try find(name)
    let start = try RunSpecification(system, file: file)
    let design = try SweepDesign(settings)
    axes = design.keys
    points = try design.points().enumerated().map { i, values in
      var point = start
      for (key, value) in values { try point.set(key, to: value) }
      do { try point.check(system) } catch ConfigurationError.invalidValue(let key, let found, let expected) {
        throw ConfigurationError.invalidValue(key: "\(key) (point \(i) of the sweep)", found: found, expected: expected)
      }
      return point
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    self.name = "\(base)-\(Checksum.sha256(try encoder.encode(points)).prefix(8))"
  }

  private static func count(_ value: ConfigurationValue?, _ key: String, default standard: Int) throws -> Int {
    guard let value else { return standard }
    guard case .integer(let number) = value, (1...4096).contains(number) else {
      throw ConfigurationError.invalidValue(key: key, found: value.text, expected: "1 to 4096")
    }
    return number
  }
}

/// What a Slurm cluster is told about each point of a sweep.
public struct SlurmSettings: Codable, Sendable, Equatable {
  /// Partition; the cluster's default where empty.
  public var partition = ""
  /// Time limit in Slurm's form, such as 01:30:00.
  public var time = "01:00:00"
  /// Memory in Slurm's form, such as 2G.
  public var memory = "2G"
  /// Most points that run at once.
  public var atOnce = 100
  /// Account that pays; none where empty.
  public var account = ""

  public init() {}

  init(_ value: ConfigurationValue?) throws {
    guard let value else { return }
    let tree = try ConfigurationValue(encoding: SlurmSettings())
    do {
      self = try tree.overlaid(with: value, at: "slurm").configuration(SlurmSettings.self, at: "slurm")
    }
    // These words become lines of a script.
    let accepted = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-_:.,+"))
    for (key, text) in [("partition", partition), ("time", time), ("memory", memory), ("account", account)]
    where text.unicodeScalars.contains(where: { !accepted.contains($0) }) {
      throw ConfigurationError.invalidValue(key: "slurm.\(key)", found: text, expected: "letters, digits and -_:.,+")
    }
    guard atOnce >= 1 else {
      throw ConfigurationError.invalidValue(key: "slurm.atOnce", found: "\(atOnce)", expected: "1 or more")
    }
  }
}
