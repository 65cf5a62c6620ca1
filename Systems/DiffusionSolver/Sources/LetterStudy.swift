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

  init(_ c: DiffusionSolver.Configuration, _ context: RunContext) { (self.c, self.context) = (c, context) }

  func report(into report: inout Report) throws {
    let letters = try LetterLatents(c, context)
    let data = letters.description
    let ring = RingStudy(c, context)
    let (network, losses) = try ring.train(
      letters.points, labels: letters.labels, noise: c.training.noise, "network", within: 0.1...0.6)
    let tail = losses.suffix(min(2000, losses.count))
    report.figure(
      "training loss, mean of the last \(tail.count) iterations", Double(tail.reduce(0, +)) / Double(tail.count),
      how: .simulated, data: data)
    let sampler = Sampler(c: c, network: network)
    let names = ["H", "K", "U"]
    let count = max(1, c.samples / 3)
    let draws = context.substrate.drawCount
    var shares = [[Double]](repeating: [], count: 3)
    var shown: [(String, Tensor<Float>)] = []
    var (activity, inventory) = (Activity(), Inventory())
    for draw in 0..<draws {
      let substrate = try context.substrate.make()
      for label in 0..<3 {
        // One chip for all classes: the same stream programs it.
        let found = try sampler.samples(
          count, on: substrate, steps: c.solver, label: label, random: context.random.split("samples \(draw)"))
        shares[label].append(Cloud.share(found.points, nearestTo: label))
        if draw == 0 { shown.append((names[label], found.points)) }
        activity += found.activity
        inventory = found.inventory
      }
      try context.progress(0.6 + 0.1 * Double(draw + 1) / Double(draws), "samples, draw \(draw + 1)")
    }
    for label in 0..<3 {
      let (mean, spread) = meanAndSpread(shares[label])
      report.figure(
        "samples of \(names[label]) nearest to their centre", mean, unit: "fraction", how: .simulated, data: data,
        uncertainty: spread)
    }
    let smallest = try curve(sampler, count, letters.points, data, &report)
    try letters.pictures(shown, &report)
    try Costs(c, context).add(
      label: "conditional", samples: count * 3 * draws, activity: activity, inventory: inventory, network: network,
      smallest: smallest, published: [("preprint", 156.5, 4.1), ("journal", 116.5, 2.08)], to: &report)
    let exact = try (0..<3).map { label in
      let found = try sampler.samples(
        count, on: Digital(), steps: c.solver, label: label, random: context.random.split("samples 0"))
      return (names[label], found.points)
    }
    let name = context.substrate.kind.rawValue
    report.charts.insert(picture([("in steps", exact), (name, shown)], letters.points, data), at: 0)
    report.charts.append(
      Chart(
        "Training loss, \(data)", x: Chart.Axis("iteration"), y: Chart.Axis("loss"), [RingStudy.smoothed(losses)]))
    report.note("Latent points: \(data). They are divided by 8 and their axes swapped, as the authors' code has it.")
  }

  /// Quality against steps; the fewest that are as good as a thousand: the worst class' share within a hundredth, and all
  /// classes together no further from the data than 0.05 nat more.
  private func curve(
    _ sampler: Sampler, _ count: Int, _ points: Tensor<Float>, _ data: String, _ report: inout Report
  ) throws -> Int? {
    func quality(_ steps: Int) throws -> (share: Double, divergence: Double) {
      let found = try (0..<3).map { label in
        try sampler.samples(
          count, on: Digital(), steps: IntegrationSteps(.euler, steps), label: label,
          random: context.random.split("comparison")
        ).points
      }
      let shares = found.enumerated().map { Cloud.share($1, nearestTo: $0) }
      return (shares.min() ?? 0, Cloud.divergence(try Tensor.concatenate(found), from: points))
    }
    let best = try quality(1000)
    let steps = c.curve.sorted()
    let found = try steps.map { steps in
      try context.progress(0.8, "\(steps) steps")
      return try quality(steps)
    }
    let good = zip(steps, found).filter { $1.share >= best.share - 0.01 && $1.divergence <= best.divergence + 0.05 }
    report.table(
      "Exact solver, \(data)",
      columns: ["Euler steps", "worst class' share nearest to its centre", "divergence, all classes (nat)"],
      rows: zip(steps, found).map { ["\($0)", Quantity.text($1.share), Quantity.text($1.divergence)] })
    report.charts.append(
      Chart(
        "Quality against steps, \(data)", x: Chart.Axis("steps", logarithmic: true), y: Chart.Axis("share or nat"),
        [
          Chart.Series(
            "worst class' share nearest to its centre", .lineWithPoints, x: steps.map(Double.init),
            y: found.map(\.share)),
          Chart.Series(
            "divergence from the data (nat)", .lineWithPoints, x: steps.map(Double.init), y: found.map(\.divergence)),
        ]))
    return good.map(\.0).min()
  }

  private func picture(_ generated: [(String, [(String, Tensor<Float>)])], _ points: Tensor<Float>, _ data: String)
    -> Chart
  {
    func series(_ name: String, _ x: Tensor<Float>) -> Chart.Series {
      let p = x.elements
      let shown = 0..<min(700, x.shape[0])
      return Chart.Series(name, .scatter, x: shown.map { Double(p[2 * $0]) }, y: shown.map { Double(p[2 * $0 + 1]) })
    }
    return Chart(
      "Latent points, \(data)",
      panels: [
        Chart.Panel(
          "data", x: Chart.Axis("x"), y: Chart.Axis("y"), series: [series("all classes", points)], equalAspect: true)
      ]
        + generated.map { name, sets in
          Chart.Panel(
            "generated, \(name)", x: Chart.Axis("x"), y: Chart.Axis("y"), series: sets.map { series($0.0, $0.1) },
            equalAspect: true)
        })
  }
}
