import Chips
import Circuits
import Networks
import Reports
import Runs
import Settings
import Substrates
import Tensors

/// One network on one test set, exactly and on the chosen substrate.
struct DeploymentStudy {
  let context: RunContext
  let set: TestSet
  private let model: ONNXModel
  private let modelName: String
  private let input: String, output: String
  private let batches: [(inputs: Tensor<Float>, labels: Tensor<Int32>)]
  private let calibration: Tensor<Float>
  let labels: [Int32]
  private var count: Int { labels.count }

  /// - Throws: `ConfigurationError` where model and samples do not fit together.
  init(_ c: Deployment.Configuration, _ context: RunContext, model: ONNXModel, named name: String, set: TestSet) throws
  {
    guard model.inputs.count == 1, let input = model.inputs.first, let output = model.outputs.first else {
      throw ConfigurationError.invalidValue(
        key: "model", found: "\(model.inputs.count) inputs", expected: "a model with one input and an output")
    }
    (self.context, self.model, self.set, modelName) = (context, model, set, name)
    (self.input, self.output) = (input.name, output)
    batches = try set.batches(c, shape: input.shape)
    calibration = try set.calibrationInputs(shape: input.shape)
    labels = batches.flatMap { $0.labels.elements }
    guard !labels.isEmpty else {
      throw ConfigurationError.invalidValue(
        key: "data", found: "fewer samples than the model's batch", expected: "\(input.shape[0] ?? 1) samples or more")
    }
  }

  /// What came of one network.
  struct Outcome {
    var classes: [Int32]
    /// Without and of programming.
    var activity: Activity, programming: Activity
    var inventory: Inventory
    var placements: [Placement]
    /// How far the result of each node is from the exact one, relative to that, over the first batch.
    var errors: [Double] = []
  }

  /// Places, calibrates and evaluates the network.
  ///
  /// - Parameter observe: told what every node gives for the first batch.
  private func evaluate(
    _ substrate: any Substrate, _ random: RandomStream, part: ClosedRange<Double>, _ text: String,
    observing observe: (String, [Tensor<Float>]) throws -> Void
  ) throws -> Outcome {
    var forward = ForwardContext(random: random)
    var network = try model.placed(on: substrate, in: &forward)
    try network.calibrate([input: calibration], in: &forward)
    let programming = forward.activity.programming
    forward.activity = Activity()
    var classes: [Int32] = []
    for (i, batch) in batches.enumerated() {
      let results =
        i == 0
        ? try network([input: batch.inputs], in: &forward, observing: observe)
        : try network([input: batch.inputs], in: &forward)
      let scores = results[output]
      guard let scores, scores.rank == 2, scores.shape[0] == batch.labels.shape[0] else {
        throw ConfigurationError.invalidValue(
          key: "model", found: "output \(output) of shape \(scores?.shape ?? [])", expected: "[samples, classes]")
      }
      classes += try scores.indexOfMax(axis: 1).elements
      let done = Double(i + 1) / Double(batches.count)
      try context.progress(part.lowerBound + done * (part.upperBound - part.lowerBound), text)
    }
    return Outcome(
      classes: classes, activity: forward.activity, programming: programming, inventory: network.inventory,
      placements: network.placements)
  }

  /// The network on every chip, with the error of each node against the exact results.
  private func evaluateDraws(against exact: [NodeResult]) throws -> [Outcome] {
    let draws = Double(context.substrate.drawCount)
    var draw = 0
    return try context.overDraws(named: "draw") { substrate, random in
      let part = (0.1 + 0.9 * Double(draw) / draws)...(0.1 + 0.9 * Double(draw + 1) / draws)
      var errors: [Double] = []
      var outcome = try evaluate(substrate, random, part: part, "programming draw \(draw + 1)") { _, results in
        errors.append(exact[errors.count].error(of: results))
      }
      outcome.errors = errors
      try context.record("\(kind) accuracy", step: draw, value: share(outcome.classes, labels))
      draw += 1
      return outcome
    }
  }

  private func share(_ a: [Int32], _ b: [Int32]) -> Double {
    Double(zip(a, b).count { $0 == $1 }) / Double(max(1, count))
  }

  func report(into report: inout Report) throws {
    var nodes: [NodeResult] = []
    let exact = try evaluate(Digital(), context.random, part: 0...0.1, "exact") { nodes.append(NodeResult($0, $1)) }
    let accuracy = share(exact.classes, labels)
    report.figure("samples", Double(count), how: .measured, data: set.name)
    report.figure("parameters", Double(model.parameters), how: .measured)
    report.figure(
      "exact accuracy", accuracy, unit: "fraction", how: .simulated, data: set.name,
      uncertainty: shareInterval(accuracy, of: count))
    let substrate = try context.substrate.make()
    // Digital logic of the width of the converters beside arrays, so that both sides compute with the same numbers.
    let bits = substrate.isExact ? 32 : substrate.logicBits
    let digital = context.substrate.cost(of: exact.activity.charged(at: bits) * (1 / Double(count)))
    let width = arithmetic(ofWidth: bits)
    report.figure("digital energy of one inference, \(width)", digital.energy_J, unit: "J", how: .projected)
    report.figure("digital latency of one inference, \(width)", digital.latency_s, unit: "s", how: .projected)
    guard !substrate.isExact else { return }
    let outcomes = try evaluateDraws(against: nodes)
    guard let chip = outcomes.first else { return }
    let cost = context.substrate.cost(of: chip.activity * (1 / Double(count)), inventory: chip.inventory)
    let layers = DeployedLayer.all(nodes.map(\.name), outcomes, cost, digital)
    let measured = quality(outcomes, exact, accuracy, &report)
    let reference = Quantity.text(accuracy, unit: "fraction", uncertainty: shareInterval(accuracy, of: count))
    let title = "\(modelName) on \(count) samples: accuracy \(reference) exact, \(measured) \(place)"
    report.charts.insert(try overview(title, exact, chip, layers, logic: width), at: 0)
    hardware(chip, cost, digital, &report)
    report.table("Layers (energy and latency projected)", DeployedLayer.table(layers, logic: width))
    report.note(
      "The error of a layer is the root mean square deviation of its results from the exact ones, relative to these, over the "
        + "first \(batches[0].labels.count) samples, mean and spread over programming draws; errors of earlier layers are in it."
    )
    var rows = ComparisonTable(["", "exact, costs of \(width)", place])
    rows.add("accuracy", [.text(reference), .text(measured)])
    rows.add("energy of one inference", [digital, cost].map { .number($0.energy_J, unit: "J") })
    rows.add("latency of one inference", [digital, cost].map { .number($0.latency_s, unit: "s") })
    report.summary = Report.Table(
      title: "\(modelName) on \(count) samples of \(set.name)", columns: rows.columns, rows: rows.rows)
  }

  private var kind: String { context.substrate.kind.rawValue }
  /// Where the network ran, in words.
  var place: String { context.substrate.kind == .analog ? "on arrays" : "in \(kind) logic" }

  /// - Returns: the accuracy as people read it.
  private func quality(_ outcomes: [Outcome], _ exact: Outcome, _ accuracy: Double, _ report: inout Report) -> String {
    let accuracies = outcomes.map { share($0.classes, labels) }
    let (mean, spread) = meanAndSpread(accuracies)
    // Chips differ, and another test set would as well; the loss of accuracy compares the same samples.
    let samples = shareInterval(mean, of: count)
    let uncertainty = (spread * spread + samples * samples).squareRoot()
    report.figure("\(kind) accuracy", mean, unit: "fraction", how: .simulated, data: set.name, uncertainty: uncertainty)
    report.figure("loss of accuracy", overDraws: accuracies.map { accuracy - $0 }, unit: "fraction", data: set.name)
    report.figure(
      "same answer as exact", overDraws: outcomes.map { share($0.classes, exact.classes) }, unit: "fraction",
      data: set.name)
    if outcomes.count > 1 {
      report.charts.append(
        Chart(
          "Accuracy of each programming draw", x: Chart.Axis("programming draw"), y: Chart.Axis("accuracy"),
          [
            Chart.Series("on arrays", .scatter, x: (1...outcomes.count).map { Double($0) }, y: accuracies),
            Chart.Series("exact", .line, x: [0.5, Double(outcomes.count) + 0.5], y: [accuracy, accuracy]),
          ]))
    }
    return Quantity.text(mean, unit: "fraction", uncertainty: uncertainty)
  }

  private func hardware(_ chip: Outcome, _ cost: Cost, _ digital: Cost, _ report: inout Report) {
    // Draws differ by less than components' figures are known, so no spread is given.
    report.figure("energy of one inference", cost.energy_J, unit: "J", how: .projected)
    report.figure("latency of one inference", cost.latency_s, unit: "s", how: .projected)
    report.gains(of: cost, over: digital)
    let arrays = chip.inventory.count(.array)
    report.figure("arrays", Double(arrays), how: .simulated)
    if arrays > 0 {
      let macro = context.substrate.macro
      report.figure(
        "cells in use", Double(chip.inventory.count(.cell)) / Double(arrays * macro.rows * macro.columns),
        unit: "fraction of all", how: .simulated)
      report.figure("area of cells and output converters", cost.area_mm2, unit: "mm²", how: .projected)
    }
    report.figure(
      "energy of programming", context.substrate.cost(of: chip.programming).energy_J, unit: "J", how: .projected)
    report.converters(chip.activity)
    report.costs("Energy and latency of one inference (projected)", cost)
    report.note(
      "Energy, latency and area are projected from component figures (see `substrate.components`); interconnect, control and "
        + "leakage are left out; they are those of the first programming draw. Converters' ranges were set from "
        + "\(set.calibrationSource). The uncertainty of accuracies is half of the 95 % interval for so many samples, and the "
        + "spread over draws.")
  }
}
