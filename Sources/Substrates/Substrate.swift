import Tensors

/// A matrix that something multiplies by: exact arithmetic or an array of cells.
public protocol LinearOperator: Sendable {
  /// Length of the vectors it takes.
  var inputs: Int { get }
  /// Length of the vectors it gives.
  var outputs: Int { get }
  /// Products of a batch of row vectors with the matrix.
  ///
  /// - Parameter x: shape `[batch, inputs]`, dimensionless.
  /// - Returns: shape `[batch, outputs]`, dimensionless.
  /// - Throws: `TensorError.wrongShape` when `x` is not a matrix with `inputs` columns.
  func apply(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float>
}

/// What carries out the products of a model.
public protocol Substrate: Sendable {
  /// Stores a matrix, shape `[inputs, outputs]`, and gives what multiplies by it.
  ///
  /// Draws and programming pulses are taken from and added to `context`.
  func linearOperator(_ weights: Tensor<Float>, in context: inout ForwardContext) throws -> any LinearOperator
  /// Stores the kernels of a convolution, shape `[outputs, channels/groups, window…]`; by unfolding, unless a substrate
  /// has something better.
  func convolutionOperator(
    _ weights: Tensor<Float>, _ geometry: ConvolutionGeometry, in context: inout ForwardContext
  ) throws -> any ConvolutionOperator
  /// Stores the matrices of least-squares problems and gives what solves them; exactly, unless a substrate has closed loops.
  func linearSolver(_ problem: ComplexSystems, in context: inout ForwardContext) throws -> any LinearSolver
  /// Stores a network and closes a loop around it; in steps, unless a substrate has integrators.
  func integrator(_ network: FeedbackNetwork, steps: IntegrationSteps, in context: inout ForwardContext) throws
    -> any Integrator
}

extension Substrate {
  public func linearSolver(_ problem: ComplexSystems, in context: inout ForwardContext) throws -> any LinearSolver {
    DigitalSolver(problem: problem)
  }
}

/// Exact single-precision arithmetic on the processor.
public struct Digital: Substrate {
  public init() {}

  public func linearOperator(_ weights: Tensor<Float>, in context: inout ForwardContext) throws -> any LinearOperator {
    guard weights.rank == 2 else {
      throw TensorError.wrongShape(argument: "weights", found: weights.shape, expected: "[inputs, outputs]")
    }
    return DigitalOperator(weights: weights)
  }
}

struct DigitalOperator: LinearOperator {
  let weights: Tensor<Float>
  var inputs: Int { weights.shape[0] }
  var outputs: Int { weights.shape[1] }

  func apply(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    guard x.rank == 2, x.shape[1] == inputs else {
      throw TensorError.wrongShape(argument: "x", found: x.shape, expected: "[batch, \(inputs)]")
    }
    context.activity.digitalOperations += x.shape[0] * inputs * outputs
    // Weights are fetched once for the batch, values go in and out once.
    context.activity.bytesMoved += 4 * (inputs * outputs + x.shape[0] * (inputs + outputs))
    return try matmul(x, weights)
  }
}
