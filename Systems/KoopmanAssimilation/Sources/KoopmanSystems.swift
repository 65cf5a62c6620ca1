import Chips
import Foundation
import Reports
import Runs
import Settings
import Substrates

private let source =
  "Chen, Wang, Chen and Wu, arXiv 2507.08749 (2025); tables were not available to us, claims are those of the abstract"

private func koopmanCard(_ name: String, _ title: String, _ summary: String, rival: String) -> Card {
  Card(
    name: name, title: title, source: source,
    summary: """
      \(summary) Only some points are observed. A network encodes the rest such that the pair of observed values and code is a \
      linear system with coefficients that the observed values may set, whose filter is exact and in closed form; the \
      filter's error is one of the training losses. On arrays the latent system is one product with a stored matrix.
      """,
    claims: [
      Claim(
        "longest forecast's error over that of \(rival)", published: 1.5, within: .atMost,
        at: "abstract, in words: comparable to learned models; the bound is the specification's"),
      Claim(
        "filter's error over climatology's", published: 0.5, within: .atMost,
        at: "abstract, in words: accurate assimilation; the bound is the specification's"),
      Claim(
        "filter's error over interpolation's", published: 1, within: .atMost,
        at: "abstract, in words: accurate assimilation; the bound is the specification's"),
    ])
}

/// One network on three flows, whose defaults differ.
public enum KoopmanAssimilation {
  public static let systems: [any System.Type] = [
    KoopmanBurgers.self, KoopmanKuramotoSivashinsky.self, KoopmanNavierStokes.self,
  ]
}

/// Kuramoto–Sivashinsky, eight points observed.
public enum KoopmanKuramotoSivashinsky: System {
  public typealias Configuration = KoopmanConfiguration
  public static let card = koopmanCard(
    "koopman-ks", "Forecast and assimilation of Kuramoto–Sivashinsky by a conditional-Gaussian Koopman network",
    "A chaotic field on a line, recorded once in a unit of time.", rival: "a Fourier operator")
  public static var substrate: SubstrateChoice { SubstrateChoice(.continuum) }

  public static func configuration(_ scale: Scale) -> KoopmanConfiguration {
    var c = KoopmanConfiguration()
    if scale == .smallest { c.makeSmallest() }
    if scale == .paper {
      (c.data.points, c.data.refinement, c.data.observedEvery) = (128, 8, 16)
      (c.data.noise, c.data.publishedStart) = (0.2, true)
      (c.network.widths, c.training.epochs, c.training.batch) = ([128, 64, 32], 500, 200)
      (c.training.filterEpochs, c.training.restarts) = (500, true)
      (c.baselines.epochs, c.baselines.ensemble.halfWidth_points) = (500, 8)
      (c.uncertaintyEpochs, c.arrayRecords, c.baselines.ensemble.records) = (500, 1000, 1000)
    }
    return c
  }

  public static var ranges: SettingRanges { KoopmanConfiguration.ranges }
  public static func validate(_ c: KoopmanConfiguration) throws { try c.validate() }
  public static func run(_ c: KoopmanConfiguration, in context: RunContext) throws -> Report {
    try KoopmanStudy(c, context).report(card)
  }
}

/// Burgers with random forcing, sixteen points observed.
public enum KoopmanBurgers: System {
  public typealias Configuration = KoopmanConfiguration
  public static let card = koopmanCard(
    "koopman-burgers", "Forecast and assimilation of forced Burgers flow by a conditional-Gaussian Koopman network",
    "Travelling shocks on a line, driven at random; sizes are the specification's, since the paper's are not known to us.",
    rival: "a Fourier operator")
  public static var substrate: SubstrateChoice { SubstrateChoice(.continuum) }

  public static func configuration(_ scale: Scale) -> KoopmanConfiguration {
    var c = KoopmanConfiguration()
    (c.data.flow, c.data.points, c.data.observedEvery) = (.burgers, 128, 8)
    (c.data.step, c.data.scheme, c.data.stepsPerRecord) = (2e-3, .integratingFactorRungeKutta4, 25)
    (c.data.viscosity, c.data.noise) = (0.003, 0.02)
    c.network.latent = 32
    c.baselines.fourierWidth = 40
    (c.training.epochs, c.training.filterEpochs) = (100, 20)
    (c.baselines.epochs, c.baselines.ensemble.records) = (30, 100)
    if scale == .smallest { c.makeSmallest() }
    if scale == .paper {
      (c.data.trainingRecords, c.data.testRecords) = (16_000, 4000)
      (c.network.widths, c.training.epochs, c.training.filterEpochs) = ([128, 64, 32], 500, 100)
      (c.training.restarts, c.baselines.epochs, c.uncertaintyEpochs) = (true, 500, 500)
      (c.arrayRecords, c.baselines.ensemble.records) = (1000, 1000)
    }
    return c
  }

  public static var ranges: SettingRanges { KoopmanConfiguration.ranges }
  public static func validate(_ c: KoopmanConfiguration) throws { try c.validate() }
  public static func run(_ c: KoopmanConfiguration, in context: RunContext) throws -> Report {
    try KoopmanStudy(c, context).report(card)
  }
}

/// Two-dimensional Navier–Stokes, 8 × 8 points observed, constant coefficients.
public enum KoopmanNavierStokes: System {
  public typealias Configuration = KoopmanConfiguration
  public static let card = koopmanCard(
    "koopman-ns", "Forecast and assimilation of two-dimensional turbulence by a conditional-Gaussian Koopman network",
    "Forced vorticity on a periodic square; the latent system has constant coefficients, so that its filter settles to one "
      + "stored matrix.", rival: "a convolutional network")
  public static var substrate: SubstrateChoice { SubstrateChoice(.continuum) }

  public static func configuration(_ scale: Scale) -> KoopmanConfiguration {
    var c = KoopmanConfiguration()
    (c.data.flow, c.data.scheme, c.network.coefficientWidths) = (.navierStokes, .crankNicolsonAdamsBashforth, [])
    // Made at 64 × 64, kept at 32 × 32, twice in a unit of time.
    (c.data.points, c.data.refinement, c.data.step, c.data.stepsPerRecord) = (32, 2, 0.01, 50)
    (c.data.spinUpRecords, c.data.trainingRecords, c.data.testRecords) = (120, 2000, 400)
    (c.data.observedEvery, c.data.noise) = (4, 0.05)
    c.network.channels = [8, 8, 16, 16, 16, 8, 8]
    (c.training.batch, c.training.epochs, c.training.filterEpochs) = (50, 25, 10)
    (c.training.latentDeviation, c.training.windows) = (0.5, 2)
    c.baselines.linearKoopman = false
    (c.baselines.channels, c.baselines.batch, c.baselines.epochs) = (16, 50, 10)
    (c.baselines.ensemble.members, c.baselines.ensemble.halfWidth_points) = (40, 6)
    (c.baselines.ensemble.records, c.uncertaintyEpochs) = (60, 100)
    c.leads = [1, 2, 5, 10]
    if scale == .smallest { c.makeSmallest() }
    if scale == .paper {
      c.network.channels = [32, 32, 64, 64, 64, 32, 32]
      (c.data.points, c.data.refinement, c.data.step, c.data.stepsPerRecord) = (64, 4, 1e-3, 10)
      (c.data.scheme, c.data.observedEvery, c.data.spinUpRecords) = (.crankNicolsonEuler, 8, 6000)
      (c.data.trainingRecords, c.data.testRecords) = (80_000, 20_000)
      (c.training.batch, c.training.epochs, c.training.filterEpochs) = (1000, 1000, 625)
      (c.training.windows, c.training.windowLength, c.training.burnIn) = (1, 2000, 500)
      (c.training.restarts, c.baselines.channels, c.baselines.epochs) = (true, 64, 1000)
      (c.baselines.ensemble.members, c.baselines.ensemble.records) = (100, 300)
      (c.uncertaintyEpochs, c.arrayRecords) = (5000, 2000)
    }
    return c
  }

  public static var ranges: SettingRanges { KoopmanConfiguration.ranges }
  public static func validate(_ c: KoopmanConfiguration) throws { try c.validate() }
  public static func run(_ c: KoopmanConfiguration, in context: RunContext) throws -> Report {
    try KoopmanStudy(c, context).report(card)
  }
}
