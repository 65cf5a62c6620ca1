import Chips
import Foundation
import Reports
import Runs
import Studies
import Substrates
import Tensors

/// Shares of wrong bits after one step, on the exact substrate and on that of the run.
struct RecallStudy {
  private let c: Hopfield.Configuration
  private let context: RunContext

  /// 0 on the diagonal, else 1.
  private let offDiagonal: Tensor<Float>

  init(_ c: Hopfield.Configuration, _ context: RunContext) throws {
    (self.c, self.context) = (c, context)
    let n = c.neurons
    offDiagonal = try Tensor((0..<n * n).map { $0 % (n + 1) == 0 ? 0 : 1 }, shape: [n, n])
  }

  /// Of the exact figure that belongs to a load.
  static func name(_ load: Double) -> String { "wrong bits, \(load) patterns for each neuron" }

  /// The sum over other patterns is nearly normal, with a variance of `load` in units of the signal:
  ///
  ///     P(wrong) = ½·erfc(1/√(2·load))
  static func expected(_ load: Double) -> Double { 0.5 * erfc(1 / (2 * load).squareRoot()) }

  private struct Recall {
    var wrong: [Double] = []
    /// Of all steps, programming left out, and how many patterns they recalled.
    var activity = Activity()
    var patterns = 0
  }

  /// One network for each load. Starts at every stored pattern, and takes one step x ← sign(x·W), W = XᵀX/n without diagonal.
  private func recall(on substrate: any Substrate, _ random: RandomStream) throws -> Recall {
    var result = Recall()
    for load in c.loads {
      let n = c.neurons
      let count = max(1, Int((load * Double(n)).rounded()))
      var draws = random.split("patterns \(load)")
      let half = try Tensor<Float>(repeating: 0.5, shape: [count, n])
      let x = try draws.bernoulli(half) * 2 - 1
      let weights = try matmul(x, x, transposingA: true) * offDiagonal * (1 / Float(n))
      var forward = ForwardContext(random: random.split("substrate \(load)"))
      var matrix = try substrate.matrix(weights, in: &forward)
      try matrix.calibrate(x, from: .rows, in: &forward)
      forward.activity = Activity()
      // A pattern comes from another chip, one bit for each neuron.
      forward.count(.offChipMemory, .byte, count * ((n + 7) / 8))
      let field = try matrix.apply(x, in: &forward)
      forward.countLogic(.operation, field.count, on: substrate)
      let wrong = try (field * x .< 0).sum().item()
      result.wrong.append(Double(wrong) / Double(x.count))
      result.activity += forward.activity
      result.patterns += count
    }
    return result
  }

  func report() throws -> Report {
    var report = Report(Hopfield.card)
    var exact: [Recall] = []
    for network in 0..<c.networks {
      exact.append(try recall(on: Digital(), context.random.split("network \(network)")))
      try context.progress(0.5 * Double(network + 1) / Double(c.networks), "exact, network \(network + 1)")
    }
    for (i, load) in c.loads.enumerated() {
      report.figure(Self.name(load), overDraws: exact.map { $0.wrong[i] }, unit: "fraction")
    }
    var series = [
      Chart.Series("expected", .line, x: c.loads, y: c.loads.map(Self.expected)),
      Chart.Series("exact", .scatter, x: c.loads, y: mean(exact)),
    ]
    let substrate = try context.substrate.make()
    if !substrate.isExact {
      let word = context.substrate.kind.rawValue
      let draws = try context.overDraws(named: "draw", progress: 0.5...1) { try recall(on: $0, $1) }
      for (i, load) in c.loads.enumerated() {
        report.figure("\(Self.name(load)), \(word)", overDraws: draws.map { $0.wrong[i] }, unit: "fraction")
      }
      series.append(Chart.Series(word, .scatter, x: c.loads, y: mean(draws)))
      try costs(draws[0], exact[0], logicBits: substrate.logicBits, into: &report)
    }
    report.charts.append(
      Chart(
        "Wrong bits after one step", x: Chart.Axis("patterns for each neuron"),
        y: Chart.Axis("share of wrong bits", logarithmic: true), series))
    report.note("The patterns are random, drawn by this program.")
    return report
  }

  private func mean(_ recalls: [Recall]) -> [Double] {
    c.loads.indices.map { i in meanAndSpread(recalls.map { $0.wrong[i] }).mean }
  }

  /// One recall, beside logic that computes with as many bits.
  private func costs(_ draw: Recall, _ exact: Recall, logicBits: Int, into report: inout Report) throws {
    let own = context.substrate.cost(of: draw.activity)
    let digital = context.substrate.cost(of: exact.activity.charged(at: logicBits))
    let patterns = Double(draw.patterns)
    report.figure("energy of one recall", own.energy_J / patterns, unit: "J", how: .projected)
    report.figure("latency of one recall", own.latency_s / patterns, unit: "s", how: .projected)
    report.gains(of: own, over: digital, named: arithmetic(ofWidth: logicBits))
    report.costs("Energy and latency of one recall (projected)", own, per: patterns)
  }
}
