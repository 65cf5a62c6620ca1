import CKernels
import Tensors

/// Complex least-squares problems, many side by side: the x that minimises |y − H·x|² + λ|x|².
///
/// A complex row of n systems is n real parts followed by n imaginary parts. Blocks of systems that share nothing follow one
/// another; several right-hand sides may follow for each block of matrices (a channel that stays for some symbols).
public protocol LinearSolver: Sendable {
  var rows: Int { get }
  var columns: Int { get }
  /// Systems in one block.
  var systems: Int { get }
  var blocks: Int { get }
  /// Solutions for right-hand sides.
  ///
  /// - Parameter y: shape `[blocks·k, rows, 2, systems]`; side s belongs to the matrices of block s/k.
  /// - Throws: `TensorError.wrongShape`.
  func solve(_ y: Tensor<Float>, in context: inout ForwardContext) throws -> LeastSquaresSolution
}

/// What a `LinearSolver` gives.
public struct LeastSquaresSolution: Sendable {
  /// Shape `[blocks·k, columns, 2, systems]`.
  public var x: Tensor<Float>
  /// Diagonals of (HᴴH + λI)⁻¹, from which receivers get bias and signal-to-noise ratio; exact on every substrate. Shape
  /// `[blocks·k, columns, systems]`.
  public var inverseDiagonal: Tensor<Float>

  public init(x: Tensor<Float>, inverseDiagonal: Tensor<Float>) {
    (self.x, self.inverseDiagonal) = (x, inverseDiagonal)
  }
}

/// The matrices that a solver is made for.
public struct ComplexSystems: Sendable {
  /// Shape `[blocks, rows, columns, 2, systems]`, rows not fewer than columns.
  public let matrices: Tensor<Float>
  /// λ, not negative.
  public let ridge: Float

  public init(_ matrices: Tensor<Float>, ridge: Float = 0) throws(TensorError) {
    guard matrices.rank == 5, matrices.shape[3] == 2, matrices.shape[1] >= matrices.shape[2],
      (1...64).contains(matrices.shape[2])
    else {
      throw .wrongShape(
        argument: "matrices", found: matrices.shape,
        expected: "[blocks, rows, columns, 2, systems] with 1 to 64 columns and no fewer rows")
    }
    guard ridge >= 0, ridge.isFinite else {
      throw .invalidArgument("ridge", found: "\(ridge)", expected: "0 or more")
    }
    self.matrices = try matrices.detached().rowMajor()
    self.ridge = ridge
  }

  public var blocks: Int { matrices.shape[0] }
  public var rows: Int { matrices.shape[1] }
  public var columns: Int { matrices.shape[2] }
  public var systems: Int { matrices.shape[4] }

  /// Right-hand sides for each block of matrices.
  ///
  /// - Throws: `TensorError.wrongShape`.
  package func sides(of y: Tensor<Float>) throws(TensorError) -> Int {
    guard y.rank == 4, y.shape[0] % max(1, blocks) == 0, Array(y.shape.dropFirst()) == [rows, 2, systems] else {
      throw .wrongShape(argument: "y", found: y.shape, expected: "[\(blocks)·k, \(rows), 2, \(systems)]")
    }
    return y.shape[0] / max(1, blocks)
  }

  /// Exact solutions, in single precision.
  public func solved(_ y: Tensor<Float>) throws(TensorError) -> LeastSquaresSolution {
    let sides = try sides(of: y)
    let y = try y.detached().rowMajor()
    let count = blocks * sides
    let x = try Tensor<Float>.uninitialized([count, columns, 2, systems])
    let g = try Tensor<Float>.uninitialized([count, columns, systems])
    let (hSize, ySize, xSize) = (2 * rows * columns * systems, 2 * rows * systems, 2 * columns * systems)
    let scratchSize = kk_least_squares_scratch(columns)
    parallelFor(count, grain: max(1, 20_000 / max(1, hSize))) { part in
      withUnsafeTemporaryAllocation(byteCount: 4 * scratchSize, alignment: 64) { scratch in
        for s in part {
          kk_least_squares_f32(
            rows, columns, systems, ridge, matrices.body.f32 + s / sides * hSize, y.body.f32 + s * ySize,
            x.body.f32 + s * xSize, g.body.f32 + s * xSize / 2, scratch.assumingMemoryBound(to: Float.self).baseAddress)
        }
      }
    }
    return LeastSquaresSolution(x: x, inverseDiagonal: g)
  }
}

/// Exact solutions by factorisation, in single precision.
struct DigitalSolver: LinearSolver {
  let problem: ComplexSystems
  var rows: Int { problem.rows }
  var columns: Int { problem.columns }
  var systems: Int { problem.systems }
  var blocks: Int { problem.blocks }

  func solve(_ y: Tensor<Float>, in context: inout ForwardContext) throws -> LeastSquaresSolution {
    let sides = try problem.sides(of: y)
    // Real multiply–accumulates: factorisation once for each matrix, 8 for each element and side afterwards.
    let once = 4 * (rows * columns * columns + columns * columns * columns / 3)
    context.activity.digitalOperations += blocks * systems * (once + sides * 8 * rows * columns)
    return try problem.solved(y)
  }
}
