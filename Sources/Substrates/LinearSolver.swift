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
        argument: "matrices", found: matrices.shape,
        expected: "[systems, rows, columns] with no fewer rows than columns")
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

  /// Multiply–accumulates of factors of the normal equations: AᵀA once for each matrix, then its factorisation, and for each side
  /// Aᵀy and two triangles.
  package func products(sides: Int) -> Int {
    systems * (rows * columns * (columns + 1) / 2 + columns * columns * columns / 6)
      + systems * sides * (rows * columns + columns * columns)
  }

  /// Solves each system for itself, several at once.
  ///
  /// - Parameters:
  ///   - scratch: numbers that each thread has for itself, 0 at its start.
  ///   - body: its matrix `[rows, columns]`, right-hand sides `[sides, rows]`, solutions `[sides, columns]` and the scratch.
  ///     Gives the column at which it met a singular matrix, or nothing.
  /// - Throws: `TensorError.wrongShape`; `.singularMatrix`.
  func eachSystem(
    _ y: Tensor<Float>, scratch: Int,
    _ body: (
      _ matrix: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ x: UnsafeMutablePointer<Float>,
      _ scratch: UnsafeMutablePointer<Double>
    ) -> Int?
  ) throws(TensorError) -> Tensor<Float> {
    let sides = try sides(of: y)
    let right = try y.detached().rowMajor()
    let x = try Tensor<Float>.uninitialized([systems, sides, columns])
    var singular = [Int?](repeating: nil, count: systems)
    let (m, n) = (rows, columns)
    singular.withUnsafeMutableBufferPointer { singular in
      nonisolated(unsafe) let singular = singular
      parallelFor(systems, grain: max(1, 100_000 / max(1, m * n * n + sides * m * n))) { part in
        withUnsafeTemporaryAllocation(of: Double.self, capacity: max(1, scratch)) { numbers in
          numbers.initialize(repeating: 0)
          guard let own = numbers.baseAddress else { return }
          for system in part {
            singular[system] = body(
              matrices.pointer + system * m * n, right.pointer + system * sides * m, x.pointer + system * sides * n, own
            )
          }
        }
      }
    }
    if case let pivot?? = singular.first(where: { $0 != nil }) {
      throw .singularMatrix(operation: "LinearSolver.solve", pivot: pivot)
    }
    return x
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
