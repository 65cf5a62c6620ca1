import Tensors

/// Least squares by a fixed number of gradient steps (Richardson's iteration) with products of a substrate: what arrays can do
/// without closed loops.
///
///     x ← x + μ·(Aᵀ(y − A·x) − λ·x)      1/μ = λ + largest eigenvalue of AᵀA
///
/// Each matrix is stored once and read from both sides. The eigenvalue comes from a power iteration in logic on the matrix that
/// was asked for; it is found from below, which leaves the iteration stable as long as it is more than half of the true one. The
/// ledger holds the reads of all systems as if they followed one another.
public struct GradientSolver: LinearSolver {
  public let iterations: Int
  private let problem: LeastSquares
  private let substrate: any Substrate
  private let matrices: [any StoredMatrix]
  /// μ of each system.
  private let rates: [Float]

  /// Of the power iteration: the error falls with the ratio of the two largest eigenvalues to the power of twice as many.
  private static let powerSteps = 16
  /// Vectors that converters are calibrated with.
  private static let typicalVectors = 16

  public var inventory: Inventory { matrices.reduce(Inventory()) { $0 + $1.inventory } }

  /// - Parameter iterations: 1 or more.
  /// - Throws: `TensorError.invalidArgument`, and what the substrate throws.
  public init(_ problem: LeastSquares, iterations: Int, on substrate: any Substrate, in context: inout ForwardContext)
    throws
  {
    guard iterations >= 1 else {
      throw TensorError.invalidArgument("iterations", found: "\(iterations)", expected: "1 or more")
    }
    (self.problem, self.iterations, self.substrate) = (problem, iterations, substrate)
    var random = context.stream("gradient steps")
    rates = try Self.rates(problem, &random)
    context.countLogic(
      .multiplyAccumulate, 2 * Self.powerSteps * problem.systems * problem.rows * problem.columns, on: substrate)
    let (m, n) = (problem.rows, problem.columns)
    var matrices: [any StoredMatrix] = []
    for system in 0..<problem.systems {
      let weights = try problem.matrices.at(system)
      var matrix = try substrate.matrix(weights, in: &context)
      // Solutions of any direction; residuals first as y is, then of any direction too.
      let x: Tensor<Float> = try random.normal([Self.typicalVectors, n])
      let residuals: Tensor<Float> = try random.normal([Self.typicalVectors, m])
      try matrix.calibrate(x, from: .columns, in: &context)
      try matrix.calibrate(
        Tensor.concatenate([matmul(x, weights, transposingB: true), residuals], axis: 0), from: .rows, in: &context)
      matrices.append(matrix)
    }
    self.matrices = matrices
  }

  private static func rates(_ problem: LeastSquares, _ random: inout RandomStream) throws -> [Float] {
    var vector: Tensor<Float> = try random.normal([problem.systems, problem.columns, 1])
    var largest = vector
    for _ in 0..<powerSteps {
      let length = try vector.squared().sum(axes: [1], keepingAxes: true).squareRoot()
      // A matrix of zeros leaves no direction.
      let unit = try Tensor.select(length .> 0, vector / Tensor.maximum(length, Tensor(.leastNormalMagnitude)), vector)
      let product = try matmul(problem.matrices, unit)
      largest = try product.squared().sum(axes: [1])
      vector = try matmul(problem.matrices, product, transposingA: true)
    }
    return largest.elements.map { $0 + problem.ridge > 0 ? 1 / ($0 + problem.ridge) : 0 }
  }

  public func solve(_ y: Tensor<Float>, in context: inout ForwardContext) throws -> Settled {
    let sides = try problem.sides(of: y)
    let (m, n) = (problem.rows, problem.columns)
    var solutions: [Tensor<Float>] = []
    for (system, matrix) in matrices.enumerated() {
      let right = try y.detached().at(system)
      // The first residual is y itself.
      var x = try matrix.apply(right, from: .rows, in: &context) * rates[system]
      for _ in 1..<iterations {
        let residual = try right - matrix.apply(x, from: .columns, in: &context)
        let gradient = try matrix.apply(residual, from: .rows, in: &context)
        x = try problem.ridge > 0 ? x + (gradient - x * problem.ridge) * rates[system] : x + gradient * rates[system]
      }
      solutions.append(x)
    }
    // Differences and steps, with a ridge its product and difference as well; one number each in and out of memory.
    let operations = sides * (n + (iterations - 1) * (m + (problem.ridge > 0 ? 4 : 2) * n))
    context.countLogic(.operation, problem.systems * operations, on: substrate)
    context.count(
      .memory, .byte, (substrate.logicBits + 7) / 8 * problem.systems * sides * (m + 2 * (iterations - 1) * (m + n)))
    return Settled(x: try solutions.isEmpty ? .zeros([0, sides, n]) : Tensor.stack(solutions))
  }
}
