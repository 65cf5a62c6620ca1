import Foundation
import Substrates

/// The forward process dx = −½β(t)x·dt + √β(t)·dW with β = β₀ + t(β₁ − β₀), and its reversal.
public struct VariancePreserving: Sendable {
  public static let low = 0.001, high = 0.5

  /// β(t); not below 0, which the overshoot past t = 0 would give.
  public static func rate(_ t: Double) -> Double { max(0, low + t * (high - low)) }
  /// Of x₀ in the marginal x_t = m·x₀ + σ·z.
  public static func mean(_ t: Double) -> Double { exp(-0.25 * t * t * (high - low) - 0.5 * t * low) }
  /// σ(t).
  public static func deviation(_ t: Double) -> Double { (1 - pow(mean(t), 2)).squareRoot() }

  /// What drives a loop around a score network backwards in time.
  ///
  /// - Parameters:
  ///   - scale: factor on β while sampling.
  ///   - stochastic: the reversed stochastic equation instead of the probability-flow equation.
  ///   - noiseInRate: noise in proportion to β, as the published firmware has it, instead of √β.
  ///   - end: time at which sampling stops; below 0 to overshoot.
  ///   - score: a factor on the network's gain, for scores whose size depends on time.
  public static func reversed(
    scale: Double, stochastic: Bool = false, noiseInRate: Bool = false, from start: Double = 1, to end: Double = 1e-5,
    score: @escaping @Sendable (Double) -> Double = { _ in 1 }, injected: @escaping @Sendable (Double) -> [Float]
  ) -> LoopSignals {
    let linear: @Sendable (Double) -> Double = { 0.5 * scale * rate($0) }
    let share = stochastic ? scale : 0.5 * scale
    let gain: @Sendable (Double) -> Double = { share * rate($0) * score($0) }
    let noise: @Sendable (Double) -> Double = {
      let variance = scale * rate($0)
      return noiseInRate ? variance : variance.squareRoot()
    }
    return LoopSignals(
      from: start, to: end, linear: linear, gain: gain, noise: stochastic ? noise : nil, injected: [injected])
  }
}
