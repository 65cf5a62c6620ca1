import Foundation
import Tensors

/// A linear system with normal noise: x⁺ = A·x + N(0, Q), y = H·x + N(0, R).
public struct LinearGaussianModel: Sendable {
  /// A `[n, n]`, Q `[n, n]`, H `[m, n]`, R `[m, m]`.
  public let transition: Tensor<Double>, noise: Tensor<Double>
  public let observation: Tensor<Double>, observationNoise: Tensor<Double>

  /// - Throws: `TensorError` for shapes that do not fit.
  public init(
    transition: Tensor<Double>, noise: Tensor<Double>, observation: Tensor<Double>, observationNoise: Tensor<Double>
  ) throws(TensorError) {
    let (n, m) = (transition.shape.first ?? 0, observation.shape.first ?? 0)
    for (name, matrix, shape) in [
      ("transition", transition, [n, n]), ("noise", noise, [n, n]), ("observation", observation, [m, n]),
      ("observationNoise", observationNoise, [m, m]),
    ] where matrix.shape != shape {
      throw .wrongShape(argument: name, found: matrix.shape, expected: "\(shape)")
    }
    (self.transition, self.noise) = (transition, noise)
    (self.observation, self.observationNoise) = (observation, observationNoise)
  }
}

/// Mean `[n]` and covariance `[n, n]` of a normal distribution.
public struct GaussianEstimate: Sendable {
  public var mean: Tensor<Double>, covariance: Tensor<Double>

  public init(mean: Tensor<Double>, covariance: Tensor<Double>) { (self.mean, self.covariance) = (mean, covariance) }
}

extension LinearGaussianModel {
  /// What is known of x after an observation of it.
  public func updated(_ estimate: GaussianEstimate, with y: Tensor<Double>) throws(TensorError) -> GaussianEstimate {
    let p = estimate.covariance
    let cross = try matmul(observation, p)
    let s = try matmul(cross, observation, transposingB: true) + observationNoise
    let gain = try solve(s, cross).transposed()
    let innovation = try (y - matmul(observation, estimate.mean.expanded(axis: 1)).reshaped([y.count])).expanded(
      axis: 1)
    let covariance = try p - matmul(gain, cross)
    return GaussianEstimate(
      mean: try estimate.mean + matmul(gain, innovation).reshaped([estimate.mean.count]),
      covariance: try (covariance + covariance.transposed()) * 0.5)
  }

  /// What is known of the next x.
  public func predicted(_ estimate: GaussianEstimate) throws(TensorError) -> GaussianEstimate {
    GaussianEstimate(
      mean: try matmul(transition, estimate.mean.expanded(axis: 1)).reshaped([estimate.mean.count]),
      covariance: try matmul(matmul(transition, estimate.covariance), transition, transposingB: true) + noise)
  }

  /// The Kalman filter: what is known of each x from the observations up to then.
  ///
  /// - Parameters:
  ///   - observations: shape `[times, m]`.
  ///   - start: of the first x, before its observation.
  public func filtered(_ observations: Tensor<Double>, from start: GaussianEstimate) throws -> [GaussianEstimate] {
    var forecast = start
    return try (0..<observations.shape[0]).map { t in
      let analysis = try updated(forecast, with: observations.at(t))
      forecast = try predicted(analysis)
      return analysis
    }
  }

  /// The smoother of Rauch, Tung and Striebel (1965): what is known of each x from all observations.
  public func smoothed(_ observations: Tensor<Double>, from start: GaussianEstimate) throws -> [GaussianEstimate] {
    var estimates = try filtered(observations, from: start)
    for t in stride(from: estimates.count - 2, through: 0, by: -1) {
      let now = estimates[t]
      let forecast = try predicted(now)
      let gain = try solve(forecast.covariance, matmul(transition, now.covariance)).transposed()
      let next = estimates[t + 1]
      let shift = try (next.mean - forecast.mean).expanded(axis: 1)
      let change = try matmul(matmul(gain, next.covariance - forecast.covariance), gain, transposingB: true)
      estimates[t] = GaussianEstimate(
        mean: try now.mean + matmul(gain, shift).reshaped([now.mean.count]), covariance: try now.covariance + change)
    }
    return estimates
  }
}
