import Foundation
import Tensors

/// A trajectory's end by the embedded pair of fifth and fourth order of Dormand and Prince (1980), with steps that keep the
/// estimated error of each near `tolerance`.
///
/// - Parameters:
///   - field: the slope at a state and a time.
///   - start: any shape; all of it takes the same steps.
///   - time: at the start.
///   - end: time at the end, after `time`.
///   - tolerance: of the root mean square error of one step, relative to 1 + |x|.
/// - Returns: the state at `end`, and how often the field was evaluated.
/// - Throws: `TensorError.notConverged` when steps shrink to nothing.
public func dormandPrince<Scalar: TensorScalar>(
  _ field: (Tensor<Scalar>, Scalar) throws -> Tensor<Scalar>, from start: Tensor<Scalar>, time: Scalar = 0,
  to end: Scalar, tolerance: Scalar
) throws -> (state: Tensor<Scalar>, evaluations: Int) {
  guard end > time, tolerance > 0 else {
    throw TensorError.invalidArgument(
      "end, tolerance", found: "\(end), \(tolerance)", expected: "an end after \(time), a tolerance above 0")
  }
  let nodes: [Scalar] = [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1]
  let table: [[Scalar]] = [
    [], [1 / 5], [3 / 40, 9 / 40], [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
  ]
  let difference: [Scalar] = [
    71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40,
  ]
  var (x, t) = (start, time)
  var step = (end - time) / 100
  var slopes = [try field(x, t)]
  var evaluations = 1
  while t < end {
    step = min(step, end - t)
    guard t + step > t else { throw TensorError.notConverged(operation: "dormandPrince") }
    slopes = [slopes[0]]
    var next = x
    for stage in 1..<7 {
      next = x
      for (weight, slope) in zip(table[stage], slopes) where weight != 0 { next = try next + slope * (weight * step) }
      slopes.append(try field(next, t + nodes[stage] * step))
    }
    evaluations += 6
    var error = try Tensor<Scalar>.zeros(x.shape)
    for (weight, slope) in zip(difference, slopes) where weight != 0 { error = try error + slope * (weight * step) }
    let size = try (error / (x.magnitude() + 1)).squared().mean().squareRoot().item()
    if size <= tolerance {
      t += step
      x = next
      // The last slope is the next step's first.
      slopes = [slopes[6]]
    }
    // A fifth-order step's error grows as the fifth power; the limits are the customary ones.
    let change = 0.9 * Foundation.pow(Double(tolerance / max(size, Scalar.leastNormalMagnitude)), 0.2)
    step *= Scalar(min(5, max(0.2, change.isFinite ? change : 0.2)))
  }
  return (x, evaluations)
}
