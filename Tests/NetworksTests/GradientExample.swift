// README.md shows exactly the part between the rules.
// ---
import Tensors

/// Fits a line to points by gradient descent.
func fitLine() throws -> (slope: Float, offset: Float) {
  let x = try Tensor<Float>([0, 1, 2, 3])
  let y = try Tensor<Float>([1, 3, 5, 7])
  var slope = try Tensor<Float>(0)
  var offset = try Tensor<Float>(0)
  for _ in 0..<500 {
    let (_, gradients) = try valueAndGradient(at: slope, offset) { try ($0 * x + $1 - y).squared().mean() }
    try slope.add(gradients.0, scaledBy: -0.1)
    try offset.add(gradients.1, scaledBy: -0.1)
  }
  return (try slope.item(), try offset.item())
}
// ---
