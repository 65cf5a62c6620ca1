import Runs
import DiffusionSolver
import MIMOOFDM
import KoopmanAssimilation
import Foundation
import Reports
import Substrates
import Tensors

nonisolated(unsafe) let systemWorks: [String: () throws -> Work] = [
  // The peers' item 9: 20,000 symbols, 64 subcarriers, 4 x 4, 16-QAM, 8 taps of equal power, N0 = 0.04.
  "mimo": {
    var c = MIMOOFDM.Configuration()
    (c.signal, c.channel, c.softBits, c.coherence) = (.subcarriers, .tapped, false, 1)
    c.tapPowers_dB = [Double](repeating: 0, count: 8)
    (c.usedSubcarriers, c.symbols, c.curve_dB, c.comparisonSymbols) = (64, 20_000, [], 0)
    c.esN0_dB = -10 * log10(0.04)
    let configuration = c
    return Work(warmUps: 1) {
      let report = try MIMOOFDM.run(configuration, in: RunContext(seed: 9))
      return { "BER=\(report.figures.first { $0.name == "BER" }?.value ?? .nan)" }
    }
  },
  "diffusion-euler": { try diffusion(.euler) },
  "diffusion-rk4": { try diffusion(.rungeKutta4) },
  "diffusion-em": { try diffusion(.euler, stochastic: true) },
]

/// The peers' item 2: 10,000 samples, 1,000 steps from t = 1 to t = 1e-3.
private func diffusion(_ method: IntegrationSteps.Method, stochastic: Bool = false) throws -> Work {
  let p = try PeerData.network(300, [2, 14, 14, 2])
  let network = try FeedbackLoop([
    FeedbackLoop.Layer(p[0], bias: p[1], activation: .rectifier(), injected: 0),
    FeedbackLoop.Layer(p[2], bias: p[3], activation: .rectifier(), injected: 0),
    FeedbackLoop.Layer(p[4] * Float(0.3), bias: p[5] * Float(0.3)),
  ])
  let start = try PeerData.floats(PeerData.normal(31, 20_000), [10_000, 2])
  let rate: @Sendable (Double) -> Double = { 0.1 + 19.9 * $0 }
  let linear: @Sendable (Double) -> Double = { 0.5 * rate($0) }
  let gain: @Sendable (Double) -> Double = { (stochastic ? 1 : 0.5) * rate($0) }
  let noise: @Sendable (Double) -> Double = { rate($0).squareRoot() }
  let injected: @Sendable (Double) -> [Float] = { t in
    let angles = (0..<7).map { pow(2, Double($0)) * t }
    return angles.map { Float(sin($0)) } + angles.map { Float(cos($0)) }
  }
  let signals = LoopSignals(
    from: 1, to: 1e-3, linear: linear, gain: gain, noise: stochastic ? noise : nil, injected: [injected])
  var random = RandomStream(seed: 1)
  return Work {
    var context = ForwardContext(random: random.split("\(random.next())"))
    let x = try Digital().integrator(network, steps: IntegrationSteps(method, 1000), in: &context)
      .integrate(start, signals, in: &context)
    return {
      let deviation = try? x.variance().squareRoot().item()
      return "sd=\(deviation ?? .nan)"
    }
  }
}
