import Datasets
import Foundation
import Networks
import Reports
import Runs
import Settings

/// A trained network in an ONNX file, run exactly and on simulated arrays: accuracy, energy, latency and area.
public enum Deployment: System {
  public struct Configuration: Codable, Sendable {
    /// Path of the ONNX file.
    public var model = ""
    /// mnist or fashion-mnist (their test sets), or the path of an .npz file with `x`, `y` and perhaps `calibration`.
    public var data = "mnist"
    /// Samples to use, from the first on; 0 for all.
    public var samples = 1000
    /// Samples that are computed together.
    public var batch = 100
    /// Subtracted from every input number, which is 0 to 1 for images.
    public var mean: Float = 0
    /// Every input number is divided by it afterwards.
    public var deviation: Float = 1
    public init() {}
  }

  public static let card = Card(
    name: "deploy", title: "A trained network on arrays", source: "none: the user's own model",
    summary: """
      The network is run in exact arithmetic, and with all products by stored weights on simulated arrays where the \
      substrate is analog. Energy, latency and area are projections from component figures.
      """)

  public static func configuration(_ scale: Scale) -> Configuration {
    var c = Configuration()
    if scale == .paper { c.samples = 0 }
    return c
  }

  public static func validate(_ c: Configuration) throws {
    let check = SettingCheck<ConfigurationError>()
    try check.require(
      FileManager.default.fileExists(atPath: c.model), "model", c.model.isEmpty ? "empty" : c.model,
      "the path of an ONNX file")
    try check.require(
      TestSet.names.contains(c.data) || FileManager.default.fileExists(atPath: c.data), "data", c.data,
      "\(TestSet.names.joined(separator: ", ")), or the path of an .npz file")
    try check.require(c.samples >= 0, "samples", c.samples, "0 (all) or more")
    try check.require(c.batch >= 1, "batch", c.batch, "1 or more")
    try check.require(c.deviation != 0 && c.deviation.isFinite, "deviation", c.deviation, "a number other than 0")
  }

  public static func run(_ c: Configuration, in context: RunContext) throws -> Report {
    var report = Report(card)
    let model = try ONNXModel(contentsOf: c.model)
    let set = try TestSet(c, in: context.dataFolder)
    report.data = set.uses + [DataUse(name: "model", sha256: try Checksum.sha256(file: c.model))]
    let name = URL(fileURLWithPath: c.model).lastPathComponent
    try DeploymentStudy(c, context, model: model, named: name, set: set).report(into: &report)
    return report
  }
}
