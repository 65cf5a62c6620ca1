import Chips
import Dynamics
import Foundation
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

  init(_ c: DiffusionSolver.Configuration, _ context: RunContext) { (self.c, self.context) = (c, context) }

  private let data = "synthetic ring"

  func report(into report: inout Report) throws {
    var random = context.random.split("ring")
    let points = try Cloud.ring(c.points, &random)
    var reference = random.split("reference")
    let ring = try Cloud.ring(c.samples, &reference)
    let (network, losses) = try train(points, noise: c.training.noise, "network", within: 0...0.5)
    let tail = losses.suffix(min(2000, losses.count))
    report.figure(
      "training loss, mean of the last \(tail.count) iterations", Double(tail.reduce(0, +)) / Double(tail.count),
      how: .simulated, data: data)
    let sampler = Sampler(c: c, network: network)

    // Headline: the chosen substrate; on arrays every draw is another chip.
    var results: [(ring: Cloud.Ring, points: Tensor<Float>)] = []
    let draws = context.substrate.drawCount
    var (activity, inventory) = (Activity(), Inventory())
    for draw in 0..<draws {
      let found = try sampler.samples(
        c.samples, on: context.substrate.make(), steps: c.solver, random: context.random.split("samples \(draw)"))
      results.append((Cloud.Ring(found.points, reference: ring), found.points))
      (activity, inventory) = (found.activity, found.inventory)
      try context.progress(0.5 + 0.1 * Double(draw + 1) / Double(draws), "samples, draw \(draw + 1)")
    }
    headline(results, ring, &report)
    let exact = try sampler.samples(
      c.samples, on: Digital(), steps: c.solver, random: context.random.split("samples 0")
    ).points
    let smallest = try curves(sampler, points, ring, &report)
    try parts(sampler, ring, &report)
    try Costs(c, context).add(
      label: "unconditional", samples: c.samples, activity: activity, inventory: inventory, network: network,
      smallest: smallest, published: [("preprint", 64.8, 5.2), ("journal", 69.0, 1.46)], to: &report)
    report.charts.insert(
      picture([("data", ring), ("in steps", exact), ("\(context.substrate.kind.rawValue)", results[0].points)]), at: 0)
    report.charts.append(
      Chart(
        "Training loss on the synthetic ring", x: Chart.Axis("iteration"), y: Chart.Axis("loss"),
        [Self.smoothed(losses)]))
    report.note("The ring is synthetic by definition: radius 0.7 ± 0.04, any angle; nothing stands in for anything.")
    report.note(
      "Samples start from standard normal numbers although the true marginal at t = 1 has a variance near 0.41 for each axis; "
        + "β is multiplied by \(Quantity.text(c.betaScale)) while sampling, which makes up for it. That is the published "
        + "protocol; the table shows the correct start as well.")
  }

  /// Trains, telling progress within a part of the run.
  func train(_ points: Tensor<Float>, labels: [Int] = [], noise: Float, _ name: String, within: ClosedRange<Double>)
    throws
    -> (ScoreNetwork, [Float])
  {
    var stream = context.random.split(name)
    var network = try ScoreNetwork(classes: labels.isEmpty ? 0 : 3, using: &stream)
    var settings = c.training
    settings.noise = noise
    let losses = try network.train(
      on: points, labels: labels, settings, random: context.random.split("\(name) training")
    ) {
      iteration, loss in
      try context.record("\(name): loss", step: iteration, value: Double(loss))
      let part = Double(iteration) / Double(settings.iterations)
      try context.progress(
        within.lowerBound + part * (within.upperBound - within.lowerBound), "training, iteration \(iteration)")
    }
    return (network, losses)
  }

  static func smoothed(_ losses: [Float]) -> Chart.Series {
    let width = max(1, losses.count / 200)
    let means = stride(from: 0, to: losses.count - width + 1, by: width).map { start in
      Double(losses[start..<start + width].reduce(0, +)) / Double(width)
    }
    return Chart.Series("mean of \(width)", .line, x: means.indices.map { Double(($0 + 1) * width) }, y: means)
  }

  private func headline(
    _ results: [(ring: Cloud.Ring, points: Tensor<Float>)], _ ring: Tensor<Float>, _ report: inout Report
  ) {
    func add(_ name: String, _ unit: String = "", _ value: ((ring: Cloud.Ring, points: Tensor<Float>)) -> Double) {
      let (mean, spread) = meanAndSpread(results.map(value))
      report.figure(name, mean, unit: unit, how: .simulated, data: data, uncertainty: spread)
    }
    add("radius, mean") { $0.ring.radius }
    add("radius, standard deviation") { $0.ring.deviation }
    add("share of samples on the ring", "fraction") { $0.ring.share }
    add("divergence from the data, 20 × 20 bins", "nat") { $0.ring.divergence }
    add("emptiest of 12 sectors over the mean") { $0.ring.emptiest }
    add("fullest of 12 sectors over the mean") { $0.ring.fullest }
    add("divergence of coordinates, as the authors measure", "nat") {
      Cloud.coordinateDivergence($0.points, from: ring)
    }
    add("distance of histograms, as the authors measure") { Cloud.histogramDistance($0.points, from: ring) }
  }

  private func row(_ name: String, _ evaluations: String, _ points: Tensor<Float>, _ ring: Tensor<Float>) -> [String] {
    let r = Cloud.Ring(points, reference: ring)
    return [name, evaluations, "\(Quantity.text(r.radius)) ± \(Quantity.text(r.deviation))"]
      + [r.share, r.divergence].map(Quantity.text)
  }

  /// Quality of every exact solver against its steps, with what else the specification compares with.
  private func curves(_ sampler: Sampler, _ points: Tensor<Float>, _ ring: Tensor<Float>, _ report: inout Report) throws
    -> Int?
  {
    let random = context.random.split("comparison")
    let n = c.comparisonSamples
    func drawn(
      _ steps: IntegrationSteps, _ sampler: Sampler, scale: Double? = nil, stochastic: Bool = false,
      start: Tensor<Float>? = nil
    ) throws -> Tensor<Float> {
      try sampler.samples(
        n, on: Digital(), steps: steps, scale: scale, stochastic: stochastic, start: start, random: random
      ).points
    }
    var rows: [[String]] = []
    var random0 = random.split("data")
    let other = try Cloud.ring(n, &random0)
    rows.append(row("data against data (ceiling)", "–", other, ring))
    let ceiling = Cloud.Ring(other, reference: ring).share
    let noise: Tensor<Float> = try random0.normal([n, 2])
    rows.append(row("standard normal numbers (floor)", "–", noise, ring))
    rows.append(try row("kernel density of the data, Silverman's width", "–", density(n, of: ring, &random0), ring))
    var series: [Chart.Series] = []
    var smallest: Int?
    let best = try Cloud.Ring(drawn(IntegrationSteps(.euler, 1000), sampler), reference: ring)
    for (name, method, stochastic) in [
      ("Euler", IntegrationSteps.Method.euler, false), ("Heun", .heun, false), ("Runge–Kutta 4", .rungeKutta4, false),
      ("Euler–Maruyama", .euler, true),
    ] {
      var shares: [Double] = []
      for steps in c.curve {
        let integration = IntegrationSteps(method, steps)
        let found = try drawn(integration, sampler, stochastic: stochastic)
        let quality = Cloud.Ring(found, reference: ring)
        shares.append(quality.share)
        rows.append(row("\(name), \(steps) steps", "\(integration.evaluations)", found, ring))
        if !stochastic, quality.isAsGood(as: best) {
          smallest = min(smallest ?? integration.evaluations, integration.evaluations)
        }
      }
      series.append(Chart.Series(name, .lineWithPoints, x: c.curve.map(Double.init), y: shares))
      try context.progress(0.6 + 0.05 * Double(series.count), name)
    }
    let adaptive = try adaptiveSamples(sampler, n, random)
    rows.append(row("Dormand–Prince, tolerance 1e-4", "\(adaptive.evaluations)", adaptive.points, ring))
    rows.append(
      row("Euler, 200 steps, β not scaled", "200", try drawn(IntegrationSteps(.euler, 200), sampler, scale: 1), ring))
    // The true marginal at t = 1 from other data, and β as trained.
    let z: Tensor<Float> = try random0.normal([n, 2], standardDeviation: Float(VariancePreserving.deviation(1)))
    let start = try other * Float(VariancePreserving.mean(1)) + z
    rows.append(
      row(
        "Euler, 200 steps, correct start and β", "200",
        try drawn(IntegrationSteps(.euler, 200), sampler, scale: 1, start: start), ring))
    let (plain, _) = try train(points, noise: 0, "network without noise injection", within: 0.8...0.9)
    let plainSampler = Sampler(c: c, network: plain)
    rows.append(
      row(
        "trained without noise injection, Euler, 200 steps", "200",
        try drawn(IntegrationSteps(.euler, 200), plainSampler),
        ring))
    let ends = [c.curve.min(), c.curve.max()].compactMap { $0.map(Double.init) }
    series.append(Chart.Series("data against data", .line, x: ends, y: ends.map { _ in ceiling }))
    report.table(
      "Exact solvers on the synthetic ring",
      columns: ["solver", "evaluations", "radius", "share on the ring", "divergence (nat)"],
      rows: rows)
    report.charts.append(
      Chart(
        "Quality against steps (synthetic ring)", x: Chart.Axis("steps", logarithmic: true),
        y: Chart.Axis("share of samples on the ring"), series))
    return smallest
  }

  /// Samples of a Gaussian kernel density estimate.
  private func density(_ count: Int, of data: Tensor<Float>, _ random: inout RandomStream) throws -> Tensor<Float> {
    let n = data.shape[0]
    let rows = try Tensor<Int32>(random.words(count).map { Int32($0 % UInt32(n)) })
    // Silverman's rule in two dimensions: σ·n^(−1/6), σ = 0.5 for each axis of the ring.
    let width = Float(0.5 * pow(Double(n), -1.0 / 6))
    return try data.selecting(rows) + random.normal([count, 2], standardDeviation: width)
  }

  /// The probability flow by an adaptive pair in double precision.
  private func adaptiveSamples(_ sampler: Sampler, _ count: Int, _ random: RandomStream) throws -> (
    points: Tensor<Float>, evaluations: Int
  ) {
    var random = random
    let start: Tensor<Float> = try random.normal([count, 2])
    let network = sampler.network
    let field = { (x: Tensor<Double>, tau: Double) throws -> Tensor<Double> in
      let t = 1 - tau
      let time = try Tensor<Float>(repeating: Float(t), shape: [count, 1])
      let score = try network(Tensor.concatenate([x.converted(), time], axis: 1))
      return try (x + score.converted()) * (0.5 * c.betaScale * VariancePreserving.rate(t))
    }
    let found = try dormandPrince(field, from: start.converted(), to: 1 - 1e-5, tolerance: 1e-4)
    return (try found.state.converted(), found.evaluations)
  }

  /// The circuit with each fault alone, and with all of them; nothing where there is no circuit.
  private func parts(_ sampler: Sampler, _ ring: Tensor<Float>, _ report: inout Report) throws {
    let alone = try context.substrate.eachFaultAlone
    guard !alone.isEmpty else { return }
    let full = context.substrate
    var cases: [(name: String, substrate: SubstrateChoice)] = [("ideal parts", full.withoutFaults)] + alone
    // What the default chip leaves out, and errors in proportion to the weight, where the device has such settings.
    func add(_ name: String, _ base: SubstrateChoice, _ settings: String...) throws {
      do { cases.append((name, try settings.reduce(base) { try $0.setting($1) })) } catch ConfigurationError.unknownKey
      {}
    }
    try add("2.7 % stuck cells", full.withoutFaults, "device.stuckFraction=0.027")
    try add("clamp at 1.5", full.withoutFaults, "macro.loop.clamp=\(ScoreNetwork.ceiling)")
    var cells = full.withoutFaults
    cells.device = full.device
    cases.append(("levels, write error and read noise", cells))
    // Without a margin, a weight of 0 is two cells without any conductance.
    try add(
      "the same, errors relative to the weight (lower end of the window at 0 S)", cells, "device.lowest_S=0",
      "macro.mapping.margin=0")
    cases.append(("all of this chip", full))
    var rows: [[String]] = []
    for (i, item) in cases.enumerated() {
      var shares: [Double] = []
      var divergences: [Double] = []
      for draw in 0..<full.draws {
        let found = try sampler.samples(
          c.comparisonSamples, on: item.substrate.make(), steps: c.solver,
          random: context.random.split("parts \(draw)"))
        let quality = Cloud.Ring(found.points, reference: ring)
        shares.append(quality.share)
        divergences.append(quality.divergence)
      }
      let (share, spread) = meanAndSpread(shares)
      rows.append([
        item.name, "\(Quantity.text(share)) ± \(Quantity.text(spread))",
        Quantity.text(meanAndSpread(divergences).mean),
      ])
      try context.progress(0.9 + 0.1 * Double(i + 1) / Double(cases.count), item.name)
    }
    report.table(
      "The circuit on the synthetic ring, each fault alone (\(full.draws) chips)",
      columns: ["faults", "share on the ring", "divergence (nat)"], rows: rows)
  }

  private func picture(_ sets: [(String, Tensor<Float>)]) -> Chart {
    Chart(
      "Samples and synthetic data",
      panels: sets.map { name, points in
        let p = points.elements
        let shown = 0..<min(1500, points.shape[0])
        return Chart.Panel(
          name, x: Chart.Axis("x"), y: Chart.Axis("y"),
          series: [
            Chart.Series("", .scatter, x: shown.map { Double(p[2 * $0]) }, y: shown.map { Double(p[2 * $0 + 1]) })
          ], equalAspect: true)
      })
  }
}
