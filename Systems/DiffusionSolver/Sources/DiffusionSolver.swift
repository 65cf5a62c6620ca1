import Chips
import Foundation
import Reports
import Runs
import Settings
import Substrates
import Tensors

/// Score-based generation by an analog loop that integrates a learned score (Yang et al., arXiv 2404.05648, 2024; Nature
/// Communications 2026, DOI 10.1038/s41467-026-72900-z).
///
/// A network 2-14-14-2 learns the score of points in the plane. The same network runs in steps and in a loop of arrays,
/// multipliers and capacitors, whose voltages at the end are the sample.
public enum DiffusionSolver: System {
  public enum Task: String, ConfigurationChoice {
    /// Points on a ring.
    case ring
    /// Latent points of the handwritten letters H, K and U, by class.
    case letters
  }

  public struct Configuration: Codable, Sendable {
    public var task = Task.ring
    public var training = ScoreNetwork.Training()
    /// Training points.
    public var points = 10_000
    /// Samples to generate, over all classes.
    public var samples = 10_000
    /// Factor on β while sampling: 2 for the ring, 1.5 for letters as published.
    public var betaScale = 2.0
    /// Steps of the exact solver of the headline figures, and its method.
    public var solver = IntegrationSteps(.euler, 200)
    /// The reversed stochastic equation instead of the probability-flow equation.
    public var stochastic = false
    /// Noise in proportion to β, as the published firmware has it, instead of √β.
    public var noiseInRate = false
    /// How far past t = 0 sampling goes, as a fraction of the run.
    public var overshoot = 0.0
    /// Step counts of the curve of quality.
    public var curve = [2, 5, 10, 20, 50, 100, 200, 500, 1000]
    /// Samples of each point of curves and comparisons.
    public var comparisonSamples = 10_000
    /// Latency of one step of the digital solver, in seconds: 130 of them are the 1.3 ms that follow from the published
    /// speed-up and a run of 20 µs (A).
    public var digitalStep_s = 10e-6
    /// Epochs of the autoencoder of letters.
    public var autoencoderEpochs = 20
    public init() {}
  }

  public static let card = Card(
    name: "diffusion-solver", title: "Score-based generation by a closed analog loop",
    source: "Yang et al., arXiv 2404.05648 (2024); Nature Communications (2026), DOI 10.1038/s41467-026-72900-z",
    summary: """
      A small network learns the score of points in the plane, a ring or the latent points of three handwritten letters. \
      Sampling integrates it backwards in time: digitally in steps, or in a loop of two resistive arrays, multipliers and \
      capacitors that has no steps and no converter for its state.
      """,
    claims: [
      claim("speed-up", conditional: false, 64.8, "preprint"), claim("speed-up", conditional: false, 69, "journal"),
      claim("speed-up", conditional: true, 156.5, "preprint"), claim("speed-up", conditional: true, 116.5, "journal"),
      claim("energy reduction", conditional: false, 5.2, "preprint"),
      claim("energy reduction", conditional: false, 1.46, "journal"),
      claim("energy reduction", conditional: true, 4.1, "preprint"),
      claim("energy reduction", conditional: true, 2.08, "journal"),
    ], datasets: ["emnist"])

  private static func claim(_ name: String, conditional: Bool, _ published: Double, _ version: String) -> Claim {
    Claim(
      "\(name), \(conditional ? "conditional" : "unconditional"), equal quality", published: published,
      within: .relative(0.2), at: "\(version) abstract", needs: conditional ? ["task=letters"] : ["task=ring"])
  }

  public static func configuration(_ scale: Scale) -> Configuration {
    var c = Configuration()
    if scale == .smallest {
      (c.training.iterations, c.training.batch, c.points, c.samples) = (400, 128, 1000, 500)
      (c.solver, c.curve, c.comparisonSamples) = (IntegrationSteps(.euler, 50), [5, 20, 100], 500)
      c.autoencoderEpochs = 1
    }
    if scale == .paper {
      (c.training.iterations, c.training.learningRate) = (200_000, 2e-4)
      (c.samples, c.solver) = (50_000, IntegrationSteps(.euler, 10_000))
    }
    return c
  }

  /// 64 levels in 20–100 µS, 5 % write error and 2 % read noise of the conductance (K, low confidence). Stuck cells and the
  /// neurons' clamp are left out of the default chip, on which nothing works with them; reports show what each does.
  public static var substrate: SubstrateChoice { SubstrateChoice(.bench, draws: 5) }

  public static let ranges: SettingRanges = [
    "training.iterations": .within(1...1e7), "training.batch": .within(1...1e5),
    "training.learningRate": .between(0, 1),
    "training.weightDecay": .fraction, "training.clippingNorm": .above(0), "training.penalty": .atLeast(0),
    "training.noise": .fraction, "training.classDropout": .fraction, "points": .within(10...1e7),
    "samples": .within(100...1e7), "comparisonSamples": .within(100...1e7), "betaScale": .within(0.01...100),
    "solver.steps": .within(1...1e6), "curve": .within(1...1e5), "overshoot": .fraction, "digitalStep_s": .above(0),
    "autoencoderEpochs": .within(1...10_000),
  ]

  public static func validate(_ c: Configuration) throws {
    let check = SettingCheck<ConfigurationError>()
    try check.require(!c.curve.isEmpty, "curve", "no step count", "one or more")
    try check.require(
      !c.stochastic || c.solver.method == .euler, "solver.method", c.solver.method.rawValue,
      "euler for the stochastic equation")
  }

  public static func run(_ c: Configuration, in context: RunContext) throws -> Report {
    var report = Report(card)
    switch c.task {
    case .ring: try RingStudy(c, context).report(into: &report)
    case .letters: try LetterStudy(c, context).report(into: &report)
    }
    return report
  }
}

extension IntegrationSteps.Method: ConfigurationChoice {}

/// Draws samples with a trained network.
struct Sampler {
  let c: DiffusionSolver.Configuration
  let network: ScoreNetwork

  /// - Parameters:
  ///   - start: samples at t = 1, shape `[n, 2]`; nil for the published protocol, standard normal numbers.
  ///   - label: a class, where the network has classes.
  func samples(
    _ count: Int, on substrate: any Substrate, steps: IntegrationSteps, scale: Double? = nil, stochastic: Bool? = nil,
    label: Int? = nil, start: Tensor<Float>? = nil, random: RandomStream
  ) throws -> (points: Tensor<Float>, activity: Activity, inventory: Inventory) {
    var random = random
    let x: Tensor<Float> = try start ?? random.normal([count, 2])
    var context = ForwardContext(random: random.split("substrate"))
    let integrator = try substrate.integrator(network.feedback(), steps: steps, in: &context)
    let signals = try VariancePreserving.reversed(
      scale: scale ?? c.betaScale, stochastic: stochastic ?? c.stochastic, noiseInRate: c.noiseInRate,
      to: c.overshoot > 0 ? -c.overshoot : 1e-5, injected: network.injected(class: label))
    let points = try integrator.integrate(x, signals, in: &context)
    return (points, context.activity.operation, integrator.inventory)
  }
}
