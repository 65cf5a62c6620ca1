import Foundation
import Tensors

/// Coefficients of a system that is linear in z where u is known (Liptser and Shiryaev; in discrete time Chen et al., arXiv
/// 2507.08749):
///
///     u⁺ = F₁ + G₁·z + Σ₁·ε₁      z⁺ = F₂ + G₂·z + Σ₂·ε₂
///
/// They may depend on u; leading axes are batches.
public struct ConditionalGaussianCoefficients<Scalar: TensorScalar>: Sendable {
  /// F₁ `[…, d₁, 1]`, G₁ `[…, d₁, d]`, F₂ `[…, d, 1]`, G₂ `[…, d, d]`.
  public var f1: Tensor<Scalar>, g1: Tensor<Scalar>, f2: Tensor<Scalar>, g2: Tensor<Scalar>

  public init(f1: Tensor<Scalar>, g1: Tensor<Scalar>, f2: Tensor<Scalar>, g2: Tensor<Scalar>) {
    (self.f1, self.g1, self.f2, self.g2) = (f1, g1, f2, g2)
  }
}

/// What is known of z: mean `[…, d, 1]`, covariance `[…, d, d]`.
public struct ConditionalGaussianState<Scalar: TensorScalar>: Sendable {
  public var mean: Tensor<Scalar>, covariance: Tensor<Scalar>

  public init(mean: Tensor<Scalar>, covariance: Tensor<Scalar>) { (self.mean, self.covariance) = (mean, covariance) }

  /// The filter's step: what is known of z⁺ once u⁺ is seen. Gradients flow through everything.
  ///
  ///     S = Σ₁Σ₁ᵀ + G₁RG₁ᵀ   K = G₂RG₁ᵀS⁻¹   μ⁺ = F₂ + G₂μ + K(u⁺ − F₁ − G₁μ)   R⁺ = G₂RG₂ᵀ + Σ₂Σ₂ᵀ − K·G₁RG₂ᵀ
  ///
  /// - Parameters:
  ///   - c: the coefficients at u.
  ///   - observed: u⁺, shape `[…, d₁, 1]`.
  ///   - noise1: Σ₁Σ₁ᵀ, shape `[d₁, d₁]`.
  ///   - noise2: Σ₂Σ₂ᵀ, shape `[d, d]`.
  public func next(
    _ c: ConditionalGaussianCoefficients<Scalar>, observed: Tensor<Scalar>, noise1: Tensor<Scalar>,
    noise2: Tensor<Scalar>
  ) throws(TensorError) -> ConditionalGaussianState {
    // G₁R, [d₁, d]; R is symmetric.
    let cross = try matmul(c.g1, covariance)
    let s = try matmul(cross, c.g1, transposingB: true) + noise1
    // Kᵀ = S⁻¹·G₁RG₂ᵀ.
    let reach = try matmul(cross, c.g2, transposingB: true)
    let gain = try solve(s, reach).transposed(-2, -1)
    let innovation = try observed - c.f1 - matmul(c.g1, mean)
    let spread = try matmul(matmul(c.g2, covariance), c.g2, transposingB: true) + noise2 - matmul(gain, reach)
    return ConditionalGaussianState(
      mean: try c.f2 + matmul(c.g2, mean) + matmul(gain, innovation),
      // Rounding must not make it lose its symmetry over long windows.
      covariance: try (spread + spread.transposed(-2, -1)) * 0.5)
  }
}

/// The filter of constant coefficients once its covariance has settled: one linear recursion.
///
///     μ⁺ = (G₂ − K·G₁)·μ + K·u⁺ + F₂ − K·F₁
public struct SteadyFilter: Sendable {
  /// K `[d, d₁]`, R `[d, d]`.
  public let gain: Tensor<Double>, covariance: Tensor<Double>
  /// G₂ − K·G₁ `[d, d]`, F₂ − K·F₁ `[d, 1]`.
  public let transition: Tensor<Double>, shift: Tensor<Double>

  /// Solves for the covariance by doubling (Chu, Fan, Lin and Wang 2004): each iteration does as much as all before it.
  ///
  /// - Throws: `TensorError.notConverged` when the covariance does not settle: the system is not detectable.
  public init(
    _ c: ConditionalGaussianCoefficients<Double>, noise1: Tensor<Double>, noise2: Tensor<Double>
  ) throws(TensorError) {
    let identity = try Tensor<Double>.identity(c.g2.shape[c.g2.rank - 1])
    var a = try c.g2.transposed()
    var g = try matmul(c.g1, solve(noise1, c.g1), transposingA: true)
    var h = noise2
    // 2⁶⁰ steps of the filter: what has not settled by then never does.
    for iteration in 0..<60 {
      let inverse = try solve(
        identity + matmul(g, h), Tensor.concatenate([a, matmul(g, a, transposingB: true)], axis: 1))
      let (wa, wg) = (
        try inverse.slice(0..<a.shape[1], axis: 1), try inverse.slice(a.shape[1]..<2 * a.shape[1], axis: 1)
      )
      let change = try matmul(a, matmul(h, wa), transposingA: true)
      g = try g + matmul(a, wg)
      a = try matmul(a, wa)
      h = try h + (change + change.transposed()) * 0.5
      let (step, size) = (try change.magnitude().max().item(), try h.magnitude().max().item())
      if step <= 1e-15 * size { break }
      guard iteration + 1 < 60, size.isFinite else { throw .notConverged(operation: "SteadyFilter") }
    }
    covariance = h
    let cross = try matmul(c.g1, covariance)
    let s = try matmul(cross, c.g1, transposingB: true) + noise1
    gain = try solve(s, matmul(cross, c.g2, transposingB: true)).transposed(-2, -1)
    transition = try c.g2 - matmul(gain, c.g1)
    shift = try c.f2 - matmul(gain, c.f1)
  }

  /// Largest magnitude of the transition's eigenvalues: below 1 where errors die out.
  public func spectralRadius() throws(TensorError) -> Double {
    try eigenvalues(transition).values.magnitude().max().item()
  }
}
