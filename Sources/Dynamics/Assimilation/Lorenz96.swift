import DynamicsKernels
import Tensors

/// The model of Lorenz (1996): dx_i/dt = (x_{i+1} − x_{i−2})·x_{i−1} − x_i + F on a ring.
public struct Lorenz96: Sendable, Codable {
  public var variables = 40
  public var forcing = 8.0

  /// - Parameter variables: 4 or more.
  public init(variables: Int = 40, forcing: Double = 8) { (self.variables, self.forcing) = (variables, forcing) }

  /// Classic fourth-order Runge–Kutta steps of many states.
  ///
  /// - Parameters:
  ///   - x: shape `[variables, members]`.
  ///   - step: in units of time.
  public func advance(_ x: inout Tensor<Double>, step: Double, steps: Int = 1) throws {
    guard x.rank == 2, x.shape[0] == variables, variables >= 4 else {
      throw TensorError.wrongShape(
        argument: "x", found: x.shape, expected: "[\(variables), members], 4 variables or more")
    }
    try x.makeUnique()
    let members = x.shape[1]
    let pointer = x.body.f64
    withUnsafeTemporaryAllocation(byteCount: 8 * 32 * (variables + 3), alignment: 64) { scratch in
      kk_lorenz96_f64(
        variables, members, forcing, step, max(0, steps), pointer,
        scratch.assumingMemoryBound(to: Double.self).baseAddress)
    }
  }
}
