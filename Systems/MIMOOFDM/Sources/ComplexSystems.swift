internal import MIMOOFDMKernels
import Substrates
import Tensors

/// The real matrices that multiply as complex ones do, `[[Re, −Im], [Im, Re]]` over the last two axes: for columns `[Re, Im]`,
/// and transposed for rows.
func stacked<E: TensorScalar>(_ re: Tensor<E>, _ im: Tensor<E>) throws(TensorError) -> Tensor<E> {
  try Tensor.concatenate(
    [Tensor.concatenate([re, im.negated()], axis: -1), Tensor.concatenate([im, re], axis: -1)], axis: -2)
}

/// Complex least-squares problems, many side by side: the x that minimises |y − H·x|² + λ|x|².
///
/// A complex row of n systems is n real parts followed by n imaginary parts. Blocks of systems that share nothing follow one
/// another; several right-hand sides may follow for each block of matrices (a channel that stays for some symbols).
public struct ComplexSystems: Sendable {
  /// Shape `[blocks, rows, columns, 2, systems]`, rows not fewer than columns.
  public let matrices: Tensor<Float>
  /// λ, not negative.
  public let ridge: Float

  /// - Throws: `TensorError.wrongShape`, `.invalidArgument`.
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
  func sides(of y: Tensor<Float>) throws(TensorError) -> Int {
    guard y.rank == 4, y.shape[0] % max(1, blocks) == 0, Array(y.shape.dropFirst()) == [rows, 2, systems] else {
      throw .wrongShape(argument: "y", found: y.shape, expected: "[\(blocks)·k, \(rows), 2, \(systems)]")
    }
    return y.shape[0] / max(1, blocks)
  }

  /// Solutions and the diagonals of (HᴴH + λI)⁻¹ by factorisation, in single precision.
  ///
  /// - Parameter y: shape `[blocks·k, rows, 2, systems]`; side s belongs to the matrices of block s/k.
  /// - Returns: shapes `[blocks·k, columns, 2, systems]` and `[blocks·k, columns, systems]`.
  /// - Throws: `TensorError.wrongShape`.
  public func solved(_ y: Tensor<Float>) throws(TensorError) -> (x: Tensor<Float>, inverseDiagonal: Tensor<Float>) {
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
    return (x, g)
  }

  /// Diagonals of (HᴴH + λI)⁻¹ for `sides` right-hand sides of each block, shape `[blocks·sides, columns, systems]`.
  func inverseDiagonal(sides: Int) throws(TensorError) -> Tensor<Float> {
    let once = try solved(.zeros([blocks, rows, 2, systems])).inverseDiagonal
    return try once.reshaped([blocks, 1, columns, systems]).broadcast(to: [blocks, sides, columns, systems])
      .reshaped([blocks * sides, columns, systems])
  }

  /// The systems of one block as real ones, `[systems, 2·rows, 2·columns]`.
  func real(block: Int) throws(TensorError) -> LeastSquares {
    let parts = try matrices.at(block).permuted([2, 3, 0, 1])
    return try LeastSquares(stacked(parts.at(0), parts.at(1)), ridge: ridge)
  }

  /// Right-hand sides of one block, `[systems, sides, 2·rows]`, from `[sides, rows, 2, systems]`.
  static func real(sides y: Tensor<Float>) throws(TensorError) -> Tensor<Float> {
    try y.permuted([3, 0, 2, 1]).reshaped([y.shape[3], y.shape[0], 2 * y.shape[1]])
  }

  /// `[sides, columns, 2, systems]` from real solutions `[systems, sides, 2·columns]`.
  static func complex(_ x: Tensor<Float>) throws(TensorError) -> Tensor<Float> {
    try x.reshaped([x.shape[0], x.shape[1], 2, x.shape[2] / 2]).permuted([1, 3, 2, 0])
  }
}
