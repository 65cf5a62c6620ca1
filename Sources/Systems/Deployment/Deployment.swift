import Chips
import Circuits
import Datasets
import Foundation
import Networks
import Reports
import Settings
import Substrates
import Tensors

/// A trained network in an ONNX file, run exactly and on simulated arrays: accuracy, energy, latency and area.
public enum Deployment: System {
  public struct Configuration: Codable, Sendable {
    /// Path of the ONNX file.
    public var model = ""
    /// mnist or fashion-mnist (their test sets), or the path of an .npz file with `x` and `y`.
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
    func require(_ holds: Bool, _ key: String, _ found: Any, _ expected: String) throws {
      if !holds { throw ConfigurationError.invalidValue(key: key, found: "\(found)", expected: expected) }
    }
    try require(
      FileManager.default.fileExists(atPath: c.model), "model", c.model.isEmpty ? "empty" : c.model,
      "the path of an ONNX file")
    try require(
      TestSet.names.contains(c.data) || FileManager.default.fileExists(atPath: c.data), "data", c.data,
      "\(TestSet.names.joined(separator: ", ")), or the path of an .npz file")
    try require(c.samples >= 0, "samples", c.samples, "0 (all) or more")
    try require(c.batch >= 1, "batch", c.batch, "1 or more")
    try require(c.deviation != 0 && c.deviation.isFinite, "deviation", c.deviation, "a number other than 0")
  }

  public static func run(_ c: Configuration, in context: RunContext) throws -> Report {
    var report = Report(card)
    let model = try ONNXModel(contentsOf: c.model)
    guard model.inputs.count == 1, let input = model.inputs.first, let output = model.outputs.first else {
      throw ConfigurationError.invalidValue(
        key: "model", found: "\(model.inputs.count) inputs", expected: "a model with one input and an output")
    }
    let set = try TestSet(c, in: context.dataFolder)
    report.data = set.uses + [Report.DataUse(name: "model", sha256: try Checksum.sha256(file: c.model))]
    let batches = try set.batches(c, shape: input.shape)
    let count = batches.reduce(0) { $0 + $1.labels.shape[0] }
    let draws = context.substrate.kind == .analog ? context.substrate.draws : 0

    func evaluate(_ network: ONNXNetwork, _ forward: inout ForwardContext, pass: Int, _ text: String) throws -> [Int32]
    {
      var classes: [Int32] = []
      for (i, batch) in batches.enumerated() {
        let scores = try network([input.name: batch.inputs], in: &forward)[output]
        guard let scores, scores.rank == 2, scores.shape[0] == batch.labels.shape[0] else {
          throw ConfigurationError.invalidValue(
            key: "model", found: "output \(output) of shape \(scores?.shape ?? [])", expected: "[samples, classes]")
        }
        classes += try scores.indexOfMax(axis: 1).elements
        try context.progress((Double(pass) + Double(i + 1) / Double(batches.count)) / Double(draws + 1), text)
      }
      return classes
    }
    let labels = batches.flatMap { $0.labels.elements }
    func share(_ a: [Int32], _ b: [Int32]) -> Double { Double(zip(a, b).count { $0 == $1 }) / Double(max(1, count)) }

    var exact = ForwardContext()
    let reference = try evaluate(model.placed(on: Digital(), in: &exact), &exact, pass: 0, "exact")
    let accuracy = share(reference, labels)
    report.figure("samples", Double(count), how: .measured, data: c.data)
    report.figure("parameters", Double(model.parameters), how: .measured)
    report.figure(
      "exact accuracy", accuracy, unit: "fraction", how: .simulated, data: c.data,
      uncertainty: interval(accuracy, count))
    let cost = context.substrate.cost
    let digital = cost.cost(of: exact.activity, macro: context.substrate.macro, meanConductance: 0)
    report.figure("digital energy of one inference", digital.energy_J / Double(count), unit: "J", how: .projected)
    report.figure("digital latency of one inference", digital.latency_s / Double(count), unit: "s", how: .projected)
    if context.substrate.kind == .fixedPoint {
      var forward = ForwardContext()
      let found = try evaluate(
        model.placed(on: context.substrate.make(), in: &forward), &forward, pass: 0, "fixed point")
      let rounded = share(found, labels)
      report.figure(
        "fixed-point accuracy", rounded, unit: "fraction", how: .simulated, data: c.data,
        uncertainty: interval(rounded, count))
    }
    guard draws > 0 else { return report }

    var accuracies: [Double] = []
    var agreements: [Double] = []
    var last: (activity: Activity, pulses: Activity, crossbars: [Crossbar])?
    for draw in 0..<draws {
      var forward = ForwardContext(random: context.random.split("draw \(draw)"))
      let network = try model.placed(on: context.substrate.make(), in: &forward)
      let programming = forward.activity
      forward.activity = Activity()
      let classes = try evaluate(network, &forward, pass: draw + 1, "programming draw \(draw + 1)")
      accuracies.append(share(classes, labels))
      agreements.append(share(classes, reference))
      try context.record("analog accuracy", step: draw, value: accuracies[draw])
      last = (forward.activity, programming, network.operators.compactMap { $0 as? Crossbar })
    }
    let (mean, spread) = moments(accuracies)
    let (agreement, agreementSpread) = moments(agreements)
    report.figure("analog accuracy", mean, unit: "fraction", how: .simulated, data: c.data, uncertainty: spread)
    report.figure(
      "loss of accuracy", accuracy - mean, unit: "fraction", how: .simulated, data: c.data, uncertainty: spread)
    report.figure(
      "same answer as exact", agreement, unit: "fraction", how: .simulated, data: c.data, uncertainty: agreementSpread)
    if let last { addCost(last, digital, count, context.substrate, to: &report) }
    report.charts.append(
      Chart(
        "Accuracy of each programming draw", x: Chart.Axis("programming draw"), y: Chart.Axis("accuracy"),
        [
          Chart.Series("on arrays", .scatter, x: (1...draws).map { Double($0) }, y: accuracies),
          Chart.Series("exact", .line, x: [0.5, Double(draws) + 0.5], y: [accuracy, accuracy]),
        ]))
    return report
  }

  private static func addCost(
    _ last: (activity: Activity, pulses: Activity, crossbars: [Crossbar]), _ digital: Cost, _ count: Int,
    _ substrate: SubstrateChoice, to report: inout Report
  ) {
    let (model, macro) = (substrate.cost, substrate.macro)
    let arrays = last.crossbars.reduce(0) { $0 + $1.arrays }
    let weights = last.crossbars.reduce(0) { $0 + $1.inputs * $1.outputs }
    let conductance = last.crossbars.reduce(0) { $0 + $1.totalConductance }
    let cost = model.cost(
      of: last.activity, macro: macro, meanConductance: conductance / Double(max(1, 2 * weights)))
    let energy = cost.energy_J / Double(count)
    let latency = cost.latency_s / Double(count)
    report.figure("energy of one inference", energy, unit: "J", how: .projected)
    report.figure("latency of one inference", latency, unit: "s", how: .projected)
    report.figure("energy gain over digital", digital.energy_J / cost.energy_J, unit: "times", how: .projected)
    report.figure("latency gain over digital", digital.latency_s / cost.latency_s, unit: "times", how: .projected)
    report.figure("arrays", Double(arrays), how: .simulated)
    report.figure(
      "cells in use", Double(2 * weights) / Double(max(1, arrays * macro.rows * macro.columns)),
      unit: "fraction of all",
      how: .simulated)
    report.figure(
      "area of arrays and converters",
      model.area(arrays: arrays, converters: last.crossbars.reduce(0) { $0 + $1.converters }, macro: macro),
      unit: "mm²",
      how: .projected)
    report.figure("energy of programming", model.programmingEnergy(last.pulses), unit: "J", how: .projected)
    report.table(
      "Energy of one inference (projected)", columns: ["part", "energy (J)", "share"],
      rows: cost.parts.map {
        [
          $0.name, ReportPage.text($0.energy_J / Double(count)),
          String(format: "%.1f %%", 100 * $0.energy_J / cost.energy_J),
        ]
      })
    report.note(
      "Energy, latency and area are projected from component figures (see `substrate.cost`); interconnect, control and "
        + "leakage are left out. Outputs stay analog only inside one array; activations are computed digitally and not counted."
    )
  }

  /// Half of the 95 % interval of a share (normal approximation).
  private static func interval(_ share: Double, _ count: Int) -> Double {
    1.96 * (share * (1 - share) / Double(max(1, count))).squareRoot()
  }

  /// Mean and standard deviation.
  private static func moments(_ values: [Double]) -> (Double, Double) {
    let mean = values.reduce(0, +) / Double(values.count)
    guard values.count > 1 else { return (mean, 0) }
    return (mean, (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot())
  }
}
