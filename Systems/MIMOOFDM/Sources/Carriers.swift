import Foundation
import Tensors

/// The subcarriers that carry something, and the transforms between them and samples.
public struct Carriers: Sendable {
  /// Order of the transform.
  public let order: Int
  /// Indices in use, 0 ≤ k < order; negative frequencies are in the upper half.
  public let indices: [Int]

  /// All subcarriers, or fewer around frequency 0, which is left out then.
  public init(order: Int, used: Int) {
    self.order = order
    let positive = (used + 1) / 2
    indices = used == order ? Array(0..<order) : Array(1...positive) + Array(order - (used - positive)..<order)
  }

  /// The angle 2π·a·b/N; the product is taken modulo N first, which keeps the angle's digits.
  private func angle(_ a: Int, _ b: Int) -> Double { 2 * .pi * Double(a * b % order) / Double(order) }

  /// A complex matrix as a real one for row vectors [Re, Im]: `[2·rows, 2·columns]`.
  static func real<E: TensorScalar>(_ rows: Int, _ columns: Int, _ element: (Int, Int) -> (re: Double, im: Double))
    throws -> Tensor<E>
  {
    var (re, im): ([E], [E]) = ([], [])
    // Rows that multiply from the left see the transposed matrix.
    for j in 0..<columns {
      for i in 0..<rows {
        let value = element(i, j)
        re.append(E(value.re))
        im.append(E(value.im))
      }
    }
    return try stacked(Tensor(re, shape: [columns, rows]), Tensor(im, shape: [columns, rows])).transposed().rowMajor()
  }

  /// The unitary transform from samples to the carriers in use, for row vectors: `[2N, 2·used]`.
  public func analysis<E: TensorScalar>() throws -> Tensor<E> {
    let scale = 1 / Double(order).squareRoot()
    return try Carriers.real(order, indices.count) { n, k in
      let a = angle(n, indices[k])
      return (cos(a) * scale, -sin(a) * scale)
    }
  }

  /// The inverse of `analysis`: `[2·used, 2N]`.
  public func synthesis<E: TensorScalar>() throws -> Tensor<E> { try (analysis() as Tensor<E>).transposed() }

  /// The response H[k] of taps h[l], for row vectors: `[2·taps, 2·used]`. Each tap is scaled by its factor.
  public func response<E: TensorScalar>(_ factors: [Double]) throws -> Tensor<E> {
    try Carriers.real(factors.count, indices.count) { l, k in
      let a = angle(l, indices[k])
      return (cos(a) * factors[l], -sin(a) * factors[l])
    }
  }

  /// Smoothing of a least-squares channel estimate over the carriers, for row vectors: `[2·used, 2·used]`.
  ///
  /// - Parameters:
  ///   - powers: mean power of each tap; with nil only the number of taps counts and the estimate is projected on them.
  ///   - error: variance of each estimate, N0/(P·Es).
  public func smoothing(taps: Int, powers: [Double]?, error: Double) throws -> (
    matrix: Tensor<Float>, meanSquareError: Double
  ) {
    let n = indices.count
    let factors = powers.map { $0.map { $0.squareRoot() } } ?? Array(repeating: 1, count: taps)
    let a: Tensor<Double> = try response(factors)
    // With A the responses as rows, R = AᵀA: R(R + σ²I)⁻¹ = Aᵀ(AAᵀ + σ²I)⁻¹A, and without σ² the projection on the taps.
    let gram = try matmul(a, a, transposingB: true)
    let shift = powers == nil ? 0 : error
    let ridge = try Tensor<Double>.identity(2 * taps) * shift
    let filter = try matmul(a, solve(gram + ridge, a), transposingA: true)
    // The mean square error is σ²·tr(W)/N in both cases.
    let mean = try error * filter.trace().item() / Double(2 * n)
    return (try filter.converted(), mean)
  }
}
