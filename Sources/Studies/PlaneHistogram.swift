import Foundation
import Tensors

/// Shares of points in square bins of the plane.
public struct PlaneHistogram: Sendable {
  /// Of all points, row by row along the first axis; points outside are counted in none.
  public let shares: [Double]

  /// - Parameters:
  ///   - points: shape `[points, 2]`.
  ///   - bins: along each axis.
  ///   - reach: bins cover [−reach, reach]².
  public init(_ points: Tensor<Float>, bins: Int, reach: Double) {
    var shares = [Double](repeating: 0, count: bins * bins)
    let p = points.elements
    let count = p.count / 2
    for i in 0..<count {
      let x = (Double(p[2 * i]) / reach + 1) / 2 * Double(bins)
      let y = (Double(p[2 * i + 1]) / reach + 1) / 2 * Double(bins)
      guard x >= 0, y >= 0, x < Double(bins), y < Double(bins) else { continue }
      shares[Int(y) * bins + Int(x)] += 1 / Double(count)
    }
    self.shares = shares
  }

  /// The Kullback–Leibler divergence of this histogram from another of the same bins, in nats.
  ///
  /// - Parameter floor: added to each share, so that empty bins are not infinitely far.
  public func divergence(from other: PlaneHistogram, floor: Double = 1e-9) -> Double {
    let (p, q) = (shares.map { $0 + floor }, other.shares.map { $0 + floor })
    let (a, b) = (p.reduce(0, +), q.reduce(0, +))
    return zip(p, q).reduce(0) { $0 + $1.0 / a * log($1.0 / a / ($1.1 / b)) }
  }

  /// Root of the sum of squared differences.
  public func distance(to other: PlaneHistogram) -> Double {
    zip(shares, other.shares).reduce(0) { $0 + pow($1.0 - $1.1, 2) }.squareRoot()
  }
}
