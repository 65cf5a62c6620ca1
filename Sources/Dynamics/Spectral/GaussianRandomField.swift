import Foundation
import Tensors

/// Gaussian random fields with the covariance that the field's generators of initial states use.
public enum GaussianRandomField {
  /// Standard deviations of the waves 1…count: √2·49·((2πk)² + 49)^(−1.25), i.e. C = 49²(−∂² + 49)^(−2.5).
  public static func deviations(_ count: Int) -> [Double] {
    (1...max(1, count)).prefix(count).map { k in
      2.0.squareRoot() * 49 * Foundation.pow(Foundation.pow(2 * Double.pi * Double(k), 2) + 49, -1.25)
    }
  }

  /// Σ e_k(ξ_k cos 2πkx + η_k sin 2πkx) on [0, 1): shape `[samples, points]`.
  public static func line(_ samples: Int, points: Int, waves: Int = 512, using random: inout RandomStream) throws
    -> Tensor<Double>
  {
    let e = deviations(waves)
    var basis = [Double](repeating: 0, count: 2 * waves * points)
    for k in 0..<waves {
      for i in 0..<points {
        let angle = 2 * Double.pi * Double((k + 1) * i % points) / Double(points)
        basis[k * points + i] = e[k] * Foundation.cos(angle)
        basis[(waves + k) * points + i] = e[k] * Foundation.sin(angle)
      }
    }
    let draw: Tensor<Double> = try random.normal([samples, 2 * waves])
    return try matmul(draw, Tensor(basis, shape: [2 * waves, points]))
  }

  /// The same on the unit square, covariance 49^1.5·(−∇² + 49)^(−2.5) without its mean: `[points, points]`.
  public static func square(points n: Int, using random: inout RandomStream) throws -> Tensor<Double> {
    let draws: Tensor<Double> = try random.normal([n, n, 2])
    let scale = (0..<n * n).map { i -> Double in
      let (x, y) = (i / n <= n / 2 ? i / n : i / n - n, i % n <= n / 2 ? i % n : i % n - n)
      if x == 0 && y == 0 { return 0 }
      let square = 4 * Double.pi * Double.pi * Double(x * x + y * y)
      return Double(n * n) * Foundation.pow(49, 0.75) * Foundation.pow(square + 49, -1.25)
    }
    let spectrum = try ComplexTensor(pairs: draws * Tensor(scale, shape: [n, n, 1]))
    // The real part of an unsymmetric spectrum has half the variance in each of two mirror images.
    return try spectrum.inverseFourierTransformed(axes: 2).real()
  }
}
