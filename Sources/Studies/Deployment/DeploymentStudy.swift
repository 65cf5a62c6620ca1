import Chips
import Circuits
import Foundation
import Networks
import Reports
import Runs
import Settings
import Substrates
import Tensors

/// One network on one test set, exactly and on the chosen substrate.
struct DeploymentStudy {
  private let c: Deployment.Configuration
  private let context: RunContext
  private let model: ONNXModel
  private let input: String, output: String
  private let batches: [(inputs: Tensor<Float>, labels: Tensor<Int32>)]
  private let calibration: (inputs: Tensor<Float>, source: String)
  private let labels: [Int32]
  private var count: Int { labels.count }

  init(
    _ c: Deployment.Configuration, _ context: RunContext, model: ONNXModel, output: String,
    batches: [(inputs: Tensor<Float>, labels: Tensor<Int32>)], calibration: (inputs: Tensor<Float>, source: String)
  ) {
    (self.c, self.context, self.model, self.output) = (c, context, model, output)
    (self.batches, self.calibration, input) = (batches, calibration, model.inputs[0].name)
    labels = batches.flatMap { $0.labels.elements }
  }

  /// What came of one network.
  private struct Outcome {
    var classes: [Int32]
    /// Without and of programming.
    var activity: Activity, programming: Activity
    var inventory = Inventory()
    var placements: [Placement] = []
  }

  /// Places, calibrates and evaluates the network.
  private func evaluate(_ substrate: any Substrate, _ random: RandomStream, part: Range<Double>, _ text: String) throws
    -> Outcome
  {
    var forward = ForwardContext(random: random)
    var network = try model.placed(on: substrate, in: &forward)
    try network.calibrate([input: calibration.inputs], in: &forward)
    let programming = forward.activity.programming
    forward.activity = Activity()
    var classes: [Int32] = []
    for (i, batch) in batches.enumerated() {
      let scores = try network([input: batch.inputs], in: &forward)[output]
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

  private func share(_ a: [Int32], _ b: [Int32]) -> Double {
    Double(zip(a, b).count { $0 == $1 }) / Double(max(1, count))
  }

  func report(into report: inout Report) throws {
    let exact = try evaluate(Digital(), context.random, part: 0..<0.1, "exact")
    let accuracy = share(exact.classes, labels)
    report.figure("samples", Double(count), how: .measured, data: c.data)
    report.figure("parameters", Double(model.parameters), how: .measured)
    report.figure(
      "exact accuracy", accuracy, unit: "fraction", how: .simulated, data: c.data,
      uncertainty: interval(accuracy))
    let substrate = try context.substrate.make()
    guard !substrate.isExact else {
      digital(exact, bits: 32, &report)
      return
    }
    let draws = context.substrate.drawCount
    var outcomes: [Outcome] = []
    for draw in 0..<draws {
      let (first, last) = (0.1 + 0.9 * Double(draw) / Double(draws), 0.1 + 0.9 * Double(draw + 1) / Double(draws))
      outcomes.append(
        try evaluate(
          context.substrate.make(), context.random.split("draw \(draw)"), part: first..<last,
          "programming draw \(draw + 1)"))
      try context.record("\(kind) accuracy", step: draw, value: share(outcomes[draw].classes, labels))
    }
    quality(outcomes, exact, accuracy, &report)
    // Digital logic of the width of the converters beside arrays, so that both sides compute with the same numbers.
    let cost = digital(exact, bits: substrate.logicBits, &report)
    if let last = outcomes.last { hardware(last, cost, &report) }
  }

  private var kind: String { context.substrate.kind.rawValue }

  private func quality(_ outcomes: [Outcome], _ exact: Outcome, _ accuracy: Double, _ report: inout Report) {
    let accuracies = outcomes.map { share($0.classes, labels) }
    let (mean, spread) = meanAndSpread(accuracies)
    let (agreement, agreementSpread) = meanAndSpread(outcomes.map { share($0.classes, exact.classes) })
    // Where nothing is drawn the samples alone decide how far the figure can be trusted.
    let uncertainty = outcomes.count > 1 ? spread : interval(mean)
    report.figure("\(kind) accuracy", mean, unit: "fraction", how: .simulated, data: c.data, uncertainty: uncertainty)
    report.figure(
      "loss of accuracy", accuracy - mean, unit: "fraction", how: .simulated, data: c.data, uncertainty: spread)
    report.figure(
      "same answer as exact", agreement, unit: "fraction", how: .simulated, data: c.data, uncertainty: agreementSpread)
    guard outcomes.count > 1 else { return }
    report.charts.append(
      Chart(
        "Accuracy of each programming draw", x: Chart.Axis("programming draw"), y: Chart.Axis("accuracy"),
        [
          Chart.Series("on arrays", .scatter, x: (1...outcomes.count).map { Double($0) }, y: accuracies),
          Chart.Series("exact", .line, x: [0.5, Double(outcomes.count) + 0.5], y: [accuracy, accuracy]),
        ]))
  }

  /// The same network in digital logic.
  @discardableResult private func digital(_ exact: Outcome, bits: Int, _ report: inout Report) -> Cost {
    let cost = context.substrate.cost(of: exact.activity.charged(at: bits) * (1 / Double(count)))
    let width = bits < 32 ? "\(bits)-bit integers" : "floating point"
    report.figure(
      "digital energy of one inference, \(width)", cost.energy_J, unit: "J", how: .projected)
    report.figure("digital latency of one inference, \(width)", cost.latency_s, unit: "s", how: .projected)
    return cost
  }

  private func hardware(_ last: Outcome, _ digital: Cost, _ report: inout Report) {
    let cost = context.substrate.cost(of: last.activity * (1 / Double(count)), inventory: last.inventory)
    report.figure("energy of one inference", cost.energy_J, unit: "J", how: .projected)
    report.figure("latency of one inference", cost.latency_s, unit: "s", how: .projected)
    report.figure("energy gain over digital", digital.energy_J / cost.energy_J, unit: "times", how: .projected)
    report.figure("latency gain over digital", digital.latency_s / cost.latency_s, unit: "times", how: .projected)
    let arrays = last.inventory.count(.array)
    report.figure("arrays", Double(arrays), how: .simulated)
    if arrays > 0 {
      let macro = context.substrate.macro
      report.figure(
        "cells in use", Double(last.inventory.count(.cell)) / Double(arrays * macro.rows * macro.columns),
        unit: "fraction of all", how: .simulated)
      report.figure("area of cells and output converters", cost.area_mm2, unit: "mm²", how: .projected)
    }
    report.figure(
      "energy of programming", context.substrate.cost(of: last.programming).energy_J, unit: "J", how: .projected)
    report.converters(last.activity)
    report.costs("Energy and latency of one inference (projected)", cost)
    layers(last, cost, &report)
    report.note(
      "Energy, latency and area are projected from component figures (see `substrate.components`); interconnect, control and "
        + "leakage are left out. Converters' ranges were set from \(calibration.source).")
  }

  /// Where each node lies, and what it takes.
  private func layers(_ last: Outcome, _ cost: Cost, _ report: inout Report) {
    let costs = Dictionary(cost.byScope.map { ($0.name, $0) }) { a, _ in a }
    report.table(
      "Layers", columns: ["node", "where", "arrays", "energy (J)", "latency (s)"],
      rows: last.placements.map { placement in
        let own = costs[placement.name]
        return [
          placement.name, placement.staysDigital.map { "digital logic: \($0)" } ?? "stored \(placement.stored)",
          "\(placement.inventory.count(.array))", Quantity.text(own?.energy_J ?? 0),
          Quantity.text(own?.latency_s ?? 0),
        ]
      })
  }

  /// Half of the 95 % interval of a share (normal approximation).
  private func interval(_ share: Double) -> Double { 1.96 * (share * (1 - share) / Double(max(1, count))).squareRoot() }
}
