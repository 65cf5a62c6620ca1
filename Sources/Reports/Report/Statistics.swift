/// Mean and standard deviation of a sample (n − 1 in the divisor); the deviation of one number is 0.
public func meanAndSpread(_ values: [Double]) -> (mean: Double, spread: Double) {
  let mean = values.reduce(0, +) / Double(max(1, values.count))
  let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
  return (mean, values.count > 1 ? (square / Double(values.count - 1)).squareRoot() : 0)
}
