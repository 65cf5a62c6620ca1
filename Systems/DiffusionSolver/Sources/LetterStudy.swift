import Chips
import Foundation
import Reports
import Runs
import Settings
import Studies
import Substrates
import Tensors

/// Conditional generation: latent points of letters.
struct LetterStudy {
  let c: DiffusionSolver.Configuration
  let context: RunContext
  private let letters: LetterLatents
  private static let names = ["H", "K", "U"]
  /// Samples of each letter.
  private var count: Int { max(1, c.samples / 3) }
  private var data: String { letters.description }

  init(_ c: DiffusionSolver.Configuration, _ context: RunContext) throws {
    (self.c, self.context) = (c, context)
    letters = try LetterLatents(c, context)
  }

  func report(into report: inout Report) throws {
    let (network, losses) = try ScoreNetwork.trained(
      on: letters.points, labels: letters.labels, c.training, in: context, progress: 0.1...0.6)
    report.trainingLoss(losses, data: data)
    let sampler = Sampler(c: c, network: network)
    // One chip for all classes: the same stream programs it.
    let chips = try context.overDraws(named: "samples", progress: 0.6...0.7) { substrate, random in
      try (0..<3).map { try sampler.samples(count, on: substrate, steps: c.solver, label: $0, random: random) }
    }
    for (label, name) in Self.names.enumerated() {
      report.figure(
        "samples of \(name) nearest to their centre",
        overDraws: chips.map { Cloud.share($0[label].points, nearestTo: label) }, unit: "fraction", data: data)
    }
    let smallest = try curve(sampler, &report)
    let shown = zip(Self.names, chips[0]).map { ($0, $1.points) }
    try letters.pictures(shown, &report)
    let all = chips.flatMap { $0 }
    try Costs(c, context).add(
      label: "conditional", samples: count * all.count, activity: all.reduce(Activity()) { $0 + $1.activity },
      inventory: all[0].inventory, network: network, smallest: smallest,
      published: [("preprint", 156.5, 4.1), ("journal", 116.5, 2.08)], to: &report)
    let exact = zip(Self.names, try drawn(sampler, c.solver, context.random.split("samples 0"))).map { ($0, $1) }
    report.charts.insert(
      .clouds(
        "Latent points, \(data)",
        [
          ("data", [("all classes", letters.points)]), ("generated, in steps", exact),
          ("generated, \(context.substrate.kind.rawValue)", shown),
        ]), at: 0)
    report.losses("Training loss, \(data)", [("", losses)])
    report.note("Latent points: \(data). They are divided by 8 and their axes swapped, as the authors' code has it.")
  }

  /// Samples of each letter by an exact solver.
  private func drawn(_ sampler: Sampler, _ steps: IntegrationSteps, _ random: RandomStream) throws -> [Tensor<Float>] {
    try (0..<3).map { try sampler.samples(count, on: Digital(), steps: steps, label: $0, random: random).points }
  }

  /// Quality against steps; the fewest that are as good as a thousand by the worst class' share and by the divergence of all
  /// classes together.
  private func curve(_ sampler: Sampler, _ report: inout Report) throws -> Int? {
    func quality(_ steps: Int) throws -> (share: Double, divergence: Double) {
      let found = try drawn(sampler, IntegrationSteps(.euler, steps), context.random.split("comparison"))
      let shares = found.enumerated().map { Cloud.share($1, nearestTo: $0) }
      return (shares.min() ?? 0, Cloud.divergence(try Tensor.concatenate(found), from: letters.points))
    }
    let best = try quality(1000)
    let steps = c.curve.sorted()
    let found = try steps.map { steps in
      try context.progress(0.8, "\(steps) steps")
      return try quality(steps)
    }
    let half = letters.points.shape[0] / 2
    let chance = Cloud.divergence(
      try letters.points.slice(0..<half), from: try letters.points.slice(half..<2 * half))
    let bound = EqualQuality(as: best.share, divergence: best.divergence, count: count, chance: chance)
    var table = ComparisonTable(
      ["Euler steps", "worst class' share nearest to its centre", "divergence, all classes (nat)"])
    for (steps, own) in zip(steps, found) { table.add("\(steps)", [.number(own.share), .number(own.divergence)]) }
    report.table("Exact solver, \(data)", table)
    let x = steps.map(Double.init)
    report.charts.append(
      Chart(
        "Quality against steps, \(data)", x: Chart.Axis("steps", logarithmic: true), y: Chart.Axis("share or nat"),
        [
          Chart.Series(
            "worst class' share nearest to its centre", .lineWithPoints, x: x, y: found.map(\.share)),
          Chart.Series("divergence from the data (nat)", .lineWithPoints, x: x, y: found.map(\.divergence)),
        ]))
    return zip(steps, found).filter { bound.holds(share: $1.share, divergence: $1.divergence) }.map(\.0).min()
  }
}
