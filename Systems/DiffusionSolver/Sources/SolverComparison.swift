import Dynamics
import Foundation
import Reports
import Runs
import Studies
import Substrates
import Tensors

/// Quality on the ring of every exact solver against its steps, with what else the specification compares with.
struct SolverComparison {
  private let c: DiffusionSolver.Configuration
  private let context: RunContext
  private let sampler: Sampler
  private let points: Tensor<Float>, ring: Tensor<Float>
  private let random: RandomStream
  private var table = ComparisonTable(["solver", "evaluations", "radius", "share on the ring", "divergence (nat)"])
  private var curves: [Chart.Series] = []

  init(
    _ c: DiffusionSolver.Configuration, _ context: RunContext, _ sampler: Sampler, points: Tensor<Float>,
    ring: Tensor<Float>
  ) {
    (self.c, self.context, self.sampler, self.points, self.ring) = (c, context, sampler, points, ring)
    random = context.random.split("comparison")
  }

  /// - Returns: evaluations of the cheapest solver of equal quality; nothing where none was good enough.
  func report(into report: inout Report) throws -> Int? {
    var copy = self
    return try copy.compare(&report)
  }

  private mutating func compare(_ report: inout Report) throws -> Int? {
    let n = c.comparisonSamples
    var other = random.split("data")
    let data = try Cloud.ring(n, &other)
    let ceiling = add("data against data (ceiling)", nil, data)
    add("standard normal numbers (floor)", nil, try other.normal([n, 2]))
    add("kernel density of the data, Silverman's width", nil, try density(n, &other))
    let smallest = try solvers(ceiling)
    let adaptive = try adaptiveSamples(n)
    add("Dormand–Prince, tolerance 1e-4", adaptive.evaluations, adaptive.points)
    let steps = IntegrationSteps(.euler, 200)
    add("Euler, 200 steps, β not scaled", 200, try drawn(steps, scale: 1))
    // The true marginal at t = 1 from other data, and β as trained.
    let z: Tensor<Float> = try other.normal([n, 2], standardDeviation: Float(VariancePreserving.deviation(1)))
    let start = try data * Float(VariancePreserving.mean(1)) + z
    add("Euler, 200 steps, correct start and β", 200, try drawn(steps, scale: 1, start: start))
    var settings = c.training
    settings.noise = 0
    let plain = try ScoreNetwork.trained(
      on: points, settings, named: "network without noise injection", in: context, progress: 0.8...0.9
    ).network
    add(
      "trained without noise injection, Euler, 200 steps", 200, try drawn(steps, Sampler(c: c, network: plain)))
    report.table("Exact solvers on the synthetic ring", table)
    report.charts.append(
      Chart(
        "Quality against steps (synthetic ring)", x: Chart.Axis("steps", logarithmic: true),
        y: Chart.Axis("share of samples on the ring"),
        curves + [.level("data against data", ceiling.share, over: c.curve.map(Double.init))]))
    return smallest
  }

  /// Every method and number of steps.
  private mutating func solvers(_ data: Cloud.Ring) throws -> Int? {
    var smallest: Int?
    let best = Cloud.Ring(try drawn(IntegrationSteps(.euler, 1000)), reference: ring)
    let bound = EqualQuality(
      as: best.share, divergence: best.divergence, count: c.comparisonSamples, chance: data.divergence)
    for (name, method, stochastic) in [
      ("Euler", IntegrationSteps.Method.euler, false), ("Heun", .heun, false), ("Runge–Kutta 4", .rungeKutta4, false),
      ("Euler–Maruyama", .euler, true),
    ] {
      var shares: [Double] = []
      for steps in c.curve {
        let integration = IntegrationSteps(method, steps)
        let quality = add(
          "\(name), \(steps) steps", integration.evaluations, try drawn(integration, stochastic: stochastic))
        shares.append(quality.share)
        if !stochastic, bound.holds(share: quality.share, divergence: quality.divergence) {
          smallest = min(smallest ?? integration.evaluations, integration.evaluations)
        }
      }
      curves.append(Chart.Series(name, .lineWithPoints, x: c.curve.map(Double.init), y: shares))
      try context.progress(0.6 + 0.05 * Double(curves.count), name)
    }
    return smallest
  }

  private func drawn(
    _ steps: IntegrationSteps, _ other: Sampler? = nil, scale: Double? = nil, stochastic: Bool = false,
    start: Tensor<Float>? = nil
  ) throws -> Tensor<Float> {
    try (other ?? sampler).samples(
      c.comparisonSamples, on: Digital(), steps: steps, scale: scale, stochastic: stochastic, start: start,
      random: random
    ).points
  }

  @discardableResult
  private mutating func add(_ name: String, _ evaluations: Int?, _ points: Tensor<Float>) -> Cloud.Ring {
    let r = Cloud.Ring(points, reference: ring)
    table.add(
      name,
      [
        .init(evaluations.map(Double.init)), .number(r.radius, uncertainty: r.deviation), .number(r.share),
        .number(r.divergence),
      ])
    return r
  }

  /// Samples of a Gaussian kernel density estimate.
  private func density(_ count: Int, _ random: inout RandomStream) throws -> Tensor<Float> {
    let n = ring.shape[0]
    let rows = try Tensor<Int32>(random.words(count).map { Int32($0 % UInt32(n)) })
    // Silverman's rule in two dimensions: σ·n^(−1/6), σ = 0.5 for each axis of the ring.
    let width = Float(0.5 * pow(Double(n), -1.0 / 6))
    return try ring.selecting(rows) + random.normal([count, 2], standardDeviation: width)
  }

  /// The probability flow by an adaptive pair in double precision.
  private func adaptiveSamples(_ count: Int) throws -> (points: Tensor<Float>, evaluations: Int) {
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
}
