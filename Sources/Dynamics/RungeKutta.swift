import Tensors

/// Trajectories of any vector field by classic Runge–Kutta steps of fourth order, made of ordinary tensor operations, so
/// that gradients flow through.
///
/// - Parameters:
///   - field: the slope at a state and a time.
///   - start: any shape.
///   - time: at the start.
///   - step: in units of time.
///   - steps: their number.
/// - Returns: the states, the start included, along a new first axis.
public func rungeKutta4<Scalar: TensorScalar>(
  _ field: (Tensor<Scalar>, Scalar) throws -> Tensor<Scalar>, from start: Tensor<Scalar>, time: Scalar = 0,
  step: Scalar,
  steps: Int
) throws -> Tensor<Scalar> {
  guard steps >= 0 else { throw TensorError.invalidArgument("steps", found: "\(steps)", expected: "0 or more") }
  var x = start
  var states = [start]
  for i in 0..<steps {
    let t = time + step * Scalar(i)
    let half = step / 2
    let k1 = try field(x, t)
    let k2 = try field(x + k1 * half, t + half)
    let k3 = try field(x + k2 * half, t + half)
    let k4 = try field(x + k3 * step, t + step)
    x = try x + (k1 + (k2 + k3) * 2 + k4) * (step / 6)
    states.append(x)
  }
  return try Tensor.stack(states)
}
