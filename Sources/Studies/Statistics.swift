/// Mean and standard deviation of a sample (n − 1 in the divisor); the deviation of one number is 0.
public func meanAndSpread(_ values: [Double]) -> (mean: Double, spread: Double) {
  let mean = values.reduce(0, +) / Double(max(1, values.count))
  let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
  return (mean, values.count > 1 ? (square / Double(values.count - 1)).squareRoot() : 0)
}

/// Half of the 95 % interval of a share that was found in `count` trials (normal approximation).
public func shareInterval(_ share: Double, of count: Int) -> Double {
  1.96 * (share * (1 - share) / Double(max(1, count))).squareRoot()
}
