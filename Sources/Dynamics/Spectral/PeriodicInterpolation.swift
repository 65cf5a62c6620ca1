import Foundation
import Tensors

/// Interpolation between points of a periodic grid of which every `every`-th is known, as a matrix from known to all points.
public enum PeriodicInterpolation {
  /// Cubic splines on a line, `[points, points / every]`.
  ///
  /// - Parameter every: a divisor of `points`.
  /// - Throws: `TensorError.invalidArgument`.
  public static func cubicSpline(points: Int, every: Int) throws(TensorError) -> Tensor<Double> {
    let count = try knots(points, every)
    let curvature = try curvatures(count)
    var rows: [Double] = []
    for i in 0..<points {
      let t = Double(i % every) / Double(every)
      var row = linear(i, every, count)
      // Second derivatives at both knots bend the straight line.
      let (a, b) = ((pow(1 - t, 3) - (1 - t)) / 6, (t * t * t - t) / 6)
      let (left, right) = (i / every, (i / every + 1) % count)
      for k in 0..<count { row[k] += a * curvature[left * count + k] + b * curvature[right * count + k] }
      rows += row
    }
    return try Tensor(rows, shape: [points, count])
  }

  /// Bilinear on a square, `[points², (points / every)²]`, both row-major.
  ///
  /// - Parameters:
  ///   - points: along each axis.
  ///   - every: a divisor of `points`.
  /// - Throws: `TensorError.invalidArgument`.
  public static func bilinear(points: Int, every: Int) throws(TensorError) -> Tensor<Double> {
    let count = try knots(points, every)
    let rows = (0..<points).map { linear($0, every, count) }
    var numbers: [Double] = []
    for first in rows {
      for second in rows {
        for a in first { numbers += second.map { a * $0 } }
      }
    }
    return try Tensor(numbers, shape: [points * points, count * count])
  }

  private static func knots(_ points: Int, _ every: Int) throws(TensorError) -> Int {
    guard points > 0, every > 0, points % every == 0 else {
      throw .invalidArgument("every", found: "\(every)", expected: "a divisor of points (\(points))")
    }
    return points / every
  }

  private static func linear(_ i: Int, _ every: Int, _ count: Int) -> [Double] {
    let t = Double(i % every) / Double(every)
    var row = [Double](repeating: 0, count: count)
    row[i / every] += 1 - t
    row[(i / every + 1) % count] += t
    return row
  }

  /// Second derivatives at the knots of a periodic cubic spline with knots 1 apart, `[knots, knots]` row-major.
  private static func curvatures(_ n: Int) throws(TensorError) -> [Double] {
    var (a, b) = ([Double](repeating: 0, count: n * n), [Double](repeating: 0, count: n * n))
    for i in 0..<n {
      for (offset, weight, difference) in [(0, 4.0, -12.0), (1, 1, 6), (n - 1, 1, 6)] {
        a[i * n + (i + offset) % n] += weight
        b[i * n + (i + offset) % n] += difference
      }
    }
    return try solve(Tensor(a, shape: [n, n]), Tensor(b, shape: [n, n])).elements
  }
}
