import Chips
import Dynamics
import Foundation
import Networks
import Reports
import Runs
import Settings
import Studies
import Substrates
import Tensors

/// Unconditional generation: the ring.
struct RingStudy {
  let c: DiffusionSolver.Configuration
  let context: RunContext
  private let ring: Tensor<Float>
  private let points: Tensor<Float>
  private let data = "synthetic ring"

  init(_ c: DiffusionSolver.Configuration, _ context: RunContext) throws {
    (self.c, self.context) = (c, context)
    var random = context.random.split("ring")
    points = try Cloud.ring(c.points, &random)
    var reference = random.split("reference")
    ring = try Cloud.ring(c.samples, &reference)
  }

  func report(into report: inout Report) throws {
    let (network, losses) = try ScoreNetwork.trained(on: points, c.training, in: context, progress: 0...0.5)
    report.trainingLoss(losses, data: data)
    let sampler = Sampler(c: c, network: network)
    // The chosen substrate; on arrays every draw is another chip.
    let results = try context.overDraws(named: "samples", progress: 0.5...0.6) {
      try sampler.samples(c.samples, on: $0, steps: c.solver, random: $1)
    }
    headline(results.map(\.points), &report)
    let exact = try sampler.samples(
      c.samples, on: Digital(), steps: c.solver, random: context.random.split("samples 0")
    ).points
    let smallest = try SolverComparison(c, context, sampler, points: points, ring: ring).report(into: &report)
    try parts(sampler, &report)
    try Costs(c, context).add(
      label: "unconditional", samples: c.samples, activity: results[0].activity, inventory: results[0].inventory,
      network: network, smallest: smallest, published: [("preprint", 64.8, 5.2), ("journal", 69.0, 1.46)], to: &report)
    let shown = [("data", ring), ("in steps", exact), (context.substrate.kind.rawValue, results[0].points)]
    report.charts.insert(.clouds("Samples and synthetic data", shown.map { ($0.0, [("", $0.1)]) }), at: 0)
    report.losses("Training loss on the synthetic ring", [("", losses)])
    report.note("The ring is synthetic by definition: radius 0.7 ± 0.04, any angle; nothing stands in for anything.")
    report.note(
      "Samples start from standard normal numbers although the true marginal at t = 1 has a variance near 0.41 for each axis; "
        + "β is multiplied by \(Quantity.text(c.betaScale)) while sampling, which makes up for it. That is the published "
        + "protocol; the table shows the correct start as well.")
  }

  private func headline(_ results: [Tensor<Float>], _ report: inout Report) {
    let rings = results.map { Cloud.Ring($0, reference: ring) }
    func add(_ name: String, _ values: [Double], unit: String = "") {
      report.figure(name, overDraws: values, unit: unit, data: data)
    }
    add("radius, mean", rings.map(\.radius))
    add("radius, standard deviation", rings.map(\.deviation))
    add("share of samples on the ring", rings.map(\.share), unit: "fraction")
    add("divergence from the data, 20 × 20 bins", rings.map(\.divergence), unit: "nat")
    add("emptiest of 12 sectors over the mean", rings.map(\.emptiest))
    add("fullest of 12 sectors over the mean", rings.map(\.fullest))
    add(
      "divergence of coordinates, as the authors measure", results.map { Cloud.coordinateDivergence($0, from: ring) },
      unit: "nat")
    add("distance of histograms, as the authors measure", results.map { Cloud.histogramDistance($0, from: ring) })
  }

  /// The circuit with each fault alone, and with all of them; nothing where there is no circuit.
  private func parts(_ sampler: Sampler, _ report: inout Report) throws {
    let full = context.substrate
    var list = try HardwareCases.eachFaultAlone(of: full)
    guard !list.cases.isEmpty else { return }
    // What the default chip leaves out, and errors in proportion to the weight, where the device has such settings.
    try list.add("2.7 % stuck cells", full.withoutFaults, ["device.stuckFraction=0.027"])
    try list.add("clamp at 1.5", full.withoutFaults, ["macro.loop.clamp=\(ScoreNetwork.ceiling)"])
    var cells = full.withoutFaults
    cells.device = full.device
    list.add("levels, write error and read noise", cells)
    // Without a margin, a weight of 0 is two cells without any conductance.
    try list.add(
      "the same, errors relative to the weight (lower end of the window at 0 S)", cells,
      ["device.lowest_S=0", "macro.mapping.margin=0"])
    list.add("all of this chip", full)
    let values = try list.measured(in: context, named: "parts", progress: 0.9...1) { substrate, random in
      let found = try sampler.samples(c.comparisonSamples, on: substrate, steps: c.solver, random: random)
      let quality = Cloud.Ring(found.points, reference: ring)
      return [quality.share, quality.divergence]
    }
    report.table(
      "The circuit on the synthetic ring, each fault alone (\(full.draws) chips)", list,
      measures: ["share on the ring", "divergence (nat)"], values)
  }
}

extension Report {
  mutating func trainingLoss(_ losses: [EpochRecord], data: String) {
    // As long as the specification's window of 2,000 of 60,000 iterations.
    let tail = losses.suffix(max(1, losses.count / 30)).map { Double($0.trainingLoss) }
    figure(
      "training loss, mean of the last \(tail.count) passes", meanAndSpread(tail).mean, how: .simulated, data: data)
  }
}

extension Chart {
  /// Sets of points in the plane, a panel for each group.
  static func clouds(_ title: String, _ groups: [(name: String, sets: [(name: String, points: Tensor<Float>)])])
    -> Chart
  {
    Chart(
      title,
      panels: groups.map { group in
        Panel(
          group.name, x: Axis("x"), y: Axis("y"), series: group.sets.map { .dots($0.name, $0.points, atMost: 1500) },
          equalAspect: true)
      })
  }
}
