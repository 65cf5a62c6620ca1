import Foundation

/// Chebyshev series of a function on an interval: Σ c_k·T_k((x − centre)/radius).
struct ChebyshevSeries {
  let centre: Double, radius: Double
  let coefficients: [Double]

  /// - Parameter terms: one more than the degree.
  init(_ bounds: ClosedRange<Double>, terms: Int, _ f: (Double) -> Double) {
    let (middle, half) = ((bounds.lowerBound + bounds.upperBound) / 2, (bounds.upperBound - bounds.lowerBound) / 2)
    (centre, radius) = (middle, half)
    let angles = (0..<terms).map { Double.pi * (Double($0) + 0.5) / Double(terms) }
    let values = angles.map { f(middle + half * cos($0)) }
    coefficients = (0..<terms).map { k in
      var sum = 0.0
      for j in 0..<terms { sum += values[j] * cos(Double(k) * angles[j]) }
      return sum * (k == 0 ? 1 : 2) / Double(terms)
    }
  }

  /// Terms after which series of 1/x and 1/√x on an interval of this condition are exact to rounding.
  static func terms(condition: Double) -> Int {
    let rate = (condition.squareRoot() - 1) / (condition.squareRoot() + 1)
    return rate < 1e-3 ? 6 : max(6, Int((log(1e-16) / log(rate)).rounded(.up)) + 1)
  }

  /// The same polynomial as Σ p_k·y^k in y = (x − centre)/radius.
  var powers: [Double] {
    var result = [Double](repeating: 0, count: coefficients.count)
    var before: [Double] = [1]
    var now: [Double] = [0, 1]
    result[0] += coefficients[0]
    for (k, c) in coefficients.enumerated().dropFirst() {
      for (i, value) in now.enumerated() { result[i] += c * value }
      if k + 1 == coefficients.count { break }
      var next = [0] + now.map { 2 * $0 }
      for (i, value) in before.enumerated() { next[i] -= value }
      (before, now) = (now, next)
    }
    return result
  }
}
