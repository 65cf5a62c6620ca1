import Chips
import Circuits
import DiffusionSolver
import Dynamics
import Foundation
import Networks
import Reports
import Runs
import Settings
import Substrates
import Tensors
import Testing

/// Checks (b) to (f) and (h) of the specification, which need trained networks; letters are those it gives them.
@Suite("Diffusion solver, trained") struct DiffusionSolverStudies {
  /// Trained once for all tests: the quick preset, 60,000 iterations.
  static let trained: Result<(network: ScoreNetwork, losses: [EpochRecord]), any Error> = Result {
    var random = RandomStream(seed: 1)
    return try ScoreNetwork.trained(
      on: Cloud.ring(10_000, &random), DiffusionSolver.configuration(.quick).training, in: RunContext(seed: 1))
  }

  private func sample(
    _ count: Int = 10_000, on substrate: any Substrate = Digital(),
    steps: IntegrationSteps = IntegrationSteps(.euler, 200),
    scale: Double = 2, stochastic: Bool = false, seed: UInt64 = 5, chip: UInt64 = 0
  ) throws -> Tensor<Float> {
    let network = try Self.trained.get().network
    var random = RandomStream(seed: seed)
    let start: Tensor<Float> = try random.normal([count, 2])
    var context = ForwardContext(random: random.split("chip \(chip)"))
    return try substrate.integrator(network.feedback(), steps: steps, in: &context).integrate(
      start, VariancePreserving.reversed(scale: scale, stochastic: stochastic, injected: network.injected()),
      in: &context)
  }

  private func quality(_ points: Tensor<Float>) throws -> Cloud.Ring {
    var random = RandomStream(seed: 77)
    return try Cloud.Ring(points, reference: Cloud.ring(points.shape[0], &random))
  }

  /// The default hardware of ideal parts, with converters for signals that are renewed at every step of the simulation.
  private var ideal: SubstrateChoice { DiffusionSolver.substrate.choosing(.analog).withoutFaults }

  @Test("(b) training reaches the expected loss")
  func trainingLoss() throws {
    // The last 100 of 3,000 passes over the points, 20 iterations each.
    let tail = try Self.trained.get().losses.suffix(100)
    let mean = tail.reduce(0) { $0 + $1.trainingLoss } / 100
    #expect((0.60...0.68).contains(mean))
  }

  @Test("(c) 200 steps give the ring, (d) and without scaling β they do not")
  func ring() throws {
    let found = try quality(sample())
    #expect((0.67...0.73).contains(found.radius))
    #expect(found.deviation <= 0.075)
    #expect(found.share >= 0.95)
    #expect(found.divergence <= 0.7)
    #expect(found.emptiest >= 0.6 && found.fullest <= 1.5)
    #expect(try quality(sample(scale: 1)).share <= 0.7)
    // Published pitfall: with doubled β the stochastic equation is much worse than the flow (0.77 in the specification).
    let stochastic = try quality(sample(steps: IntegrationSteps(.euler, 500), stochastic: true)).share
    #expect(stochastic > 0.6 && stochastic < 0.9)
  }

  @Test("(e) a circuit of ideal parts follows the exact trajectory")
  func idealCircuit() throws {
    let exact = try sample(steps: IntegrationSteps(.rungeKutta4, 200))
    let loop = try sample(on: ideal.make())
    let distance = try (exact - loop).squared().sum(axes: [1]).squareRoot().elements
    #expect(Double(distance.count { $0 < 0.02 }) >= 0.99 * Double(distance.count))
  }

  @Test("(f) levels, write error and read noise leave the ring; read noise alone is not seen")
  func nonIdealCircuit() throws {
    // Errors relative to the weight, as in the specification's reference; with a lower end at 20 µS they are larger, see the
    // system's README.
    let cells = try ideal.setting(
      "device.lowest_S=0", "macro.mapping.margin=0", "device.levels=64", "device.relativeResidue=0.05",
      "device.readNoise=0.02")
    let shares = try (0..<5).map { try quality(sample(on: cells.make(), chip: $0)).share }
    #expect(shares.reduce(0, +) / 5 >= 0.92)
    let noisy = try ideal.setting(
      "device.lowest_S=0", "macro.mapping.margin=0", "device.readNoise=0.1", "macro.loop.refreshes=200")
    let best = try quality(sample(on: ideal.make())).share
    #expect(try best - quality(sample(on: noisy.make())).share < 0.01)
  }

  @Test("amplifiers that lag, leak, multiply wrongly or saturate move the samples")
  func parts() throws {
    let reference = try sample(2000, on: ideal.make())
    func shift(_ change: (inout IntegratorLoop) -> Void) throws -> Float {
      var other = ideal
      change(&other.macro.loop)
      return try (sample(2000, on: other.make()) - reference).squared().sum(axes: [1]).squareRoot().mean().item()
    }
    // A leak of one run's time constant without drive would lose 63 %; here the loop holds against it in part.
    #expect(try shift { $0.leakTime = 1 } > 0.02)
    #expect(try shift { $0.leakTime = 1000 } < 0.01)
    // Offsets add up to their value, twice, over the run: 0.1 units of 10 mV.
    #expect(try shift { $0.multiplierOffset_V = 0.01 } > 0.005)
    #expect(try shift { $0.multiplierGainError = 0.1 } > 0.005)
    #expect(try shift { $0.amplifierLag = 0.2 } > 0.005)
    #expect(try shift { $0.amplifierLag = 0.002 } < 0.01)
    #expect(try shift { $0.clamp = 0.5 } > 0.1)
    let (coarse, fine) = (try shift { $0.signalBits = 4 }, try shift { $0.signalBits = 12 })
    #expect(coarse > fine)
  }

  @Test("(h) letters: generated latent points lie nearest to their own centre")
  func letters() throws {
    var random = RandomStream(seed: 8)
    let (points, labels) = try Cloud.letters(10_000, &random)
    var settings = ScoreNetwork.Training()
    settings.iterations = 30_000
    let network = try ScoreNetwork.trained(on: points, labels: labels, settings, in: RunContext(seed: 8)).network
    let cells = try ideal.setting("device.relativeResidue=0.05").make()
    for (substrate, least) in [(Digital() as any Substrate, 0.9), (cells, 0.8)] {
      for label in 0..<3 {
        var context = ForwardContext(random: random.split("chip"))
        let start: Tensor<Float> = try context.random.normal([3000, 2])
        let end = try substrate.integrator(network.feedback(), steps: IntegrationSteps(.euler, 200), in: &context)
          .integrate(
            start, VariancePreserving.reversed(scale: 1.5, injected: network.injected(class: label)), in: &context)
        #expect(Cloud.share(end, nearestTo: label) >= least)
      }
    }
  }
}
