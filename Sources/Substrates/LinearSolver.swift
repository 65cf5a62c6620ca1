import Tensors

/// Real least-squares problems, side by side: for each system the x that minimises |y − A·x|² + λ|x|².
public struct LeastSquares: Sendable {
  /// Shape `[systems, rows, columns]`, rows not fewer than columns.
  public let matrices: Tensor<Float>
  /// λ, not negative.
  public let ridge: Float

  /// - Throws: `TensorError.wrongShape`, `.invalidArgument`.
  public init(_ matrices: Tensor<Float>, ridge: Float = 0) throws(TensorError) {
    guard matrices.rank == 3, matrices.shape[2] >= 1, matrices.shape[1] >= matrices.shape[2] else {
      throw .wrongShape(
        argument: "matrices", found: matrices.shape, expected: "[systems, rows, columns] with no fewer rows than columns")
    }
    guard ridge >= 0, ridge.isFinite else {
      throw .invalidArgument("ridge", found: "\(ridge)", expected: "0 or more")
    }
    self.matrices = try matrices.detached().rowMajor()
    self.ridge = ridge
  }

  public var systems: Int { matrices.shape[0] }
  public var rows: Int { matrices.shape[1] }
  public var columns: Int { matrices.shape[2] }

  /// Right-hand sides of each system.
  ///
  /// - Throws: `TensorError.wrongShape`.
  package func sides(of y: Tensor<Float>) throws(TensorError) -> Int {
    guard y.rank == 3, y.shape[0] == systems, y.shape[2] == rows else {
      throw .wrongShape(argument: "y", found: y.shape, expected: "[\(systems) systems, sides, \(rows)]")
    }
    return y.shape[1]
  }
}

/// What a solver has come to.
public struct Settled: Sendable {
  /// Shape `[systems, sides, columns]`.
  public var x: Tensor<Float>
  /// How long each system took to settle, in seconds; empty where nothing settles.
  public var times_s: [Double]
  /// Systems that had not settled when their time was over.
  public var unsettled: Int

  public init(x: Tensor<Float>, times_s: [Double] = [], unsettled: Int = 0) {
    (self.x, self.times_s, self.unsettled) = (x, times_s, unsettled)
  }
}

/// Something that holds the matrices of least-squares problems and solves them for right-hand sides.
public protocol LinearSolver: HasInventory {
  /// - Parameter y: shape `[systems, sides, rows]`.
  /// - Throws: `TensorError.wrongShape`.
  func solve(_ y: Tensor<Float>, in context: inout ForwardContext) throws -> Settled
}
