import CSuiteSparse

/// LU factors of a square sparse matrix (UMFPACK: Davis 2004), to solve many right sides. Works in Double.
public final class SparseFactors: @unchecked Sendable {
  private let order: Int
  private var numeric: UnsafeMutableRawPointer?
  private let starts: [Int32], indices: [Int32], values: [Double]

  /// - Throws: `TensorError.wrongShape` for a matrix that is not square, `.singularMatrix` for one without inverse.
  public init<E: TensorScalar>(_ a: SparseMatrix<E>) throws(TensorError) {
    guard a.rows == a.columns, a.rows > 0
    else { throw .wrongShape(argument: "a", found: [a.rows, a.columns], expected: "a square matrix") }
    order = a.rows
    // Our rows are UMFPACK's columns: it factors the transpose, and solves with the transpose of that.
    starts = a.rowStarts.elements
    indices = a.columnIndices.elements
    values = a.values.elements.map(Double.init)
    var symbolic: UnsafeMutableRawPointer?
    let n = Int32(order)
    let analysed = umfpack_di_symbolic(n, n, starts, indices, values, &symbolic, nil, nil)
    defer { umfpack_di_free_symbolic(&symbolic) }
    guard analysed == UMFPACK_OK else {
      throw analysed == UMFPACK_ERROR_out_of_memory
        ? .outOfMemory(bytes: 0) : .singularMatrix(operation: "SparseFactors", pivot: 0)
    }
    let factored = umfpack_di_numeric(starts, indices, values, symbolic, &numeric, nil, nil)
    if factored == UMFPACK_ERROR_out_of_memory { throw .outOfMemory(bytes: 0) }
    if factored != UMFPACK_OK {
      umfpack_di_free_numeric(&numeric)
      throw .singularMatrix(operation: "SparseFactors", pivot: 0)
    }
  }

  deinit { umfpack_di_free_numeric(&numeric) }

  /// The solution x of `a·x = b`; gradients flow to b.
  ///
  /// - Parameter b: shape `[n]` or `[n, k]`.
  public func solve<E: TensorScalar>(_ b: Tensor<E>) throws(TensorError) -> Tensor<E> {
    try solve(b, transposed: false).recorded(from: b) { try self.solve($0, transposed: true) }
  }

  private func solve<E: TensorScalar>(_ b: Tensor<E>, transposed: Bool) throws(TensorError) -> Tensor<E> {
    guard b.rank == 1 || b.rank == 2, b.shape[0] == order
    else { throw .wrongShape(argument: "b", found: b.shape, expected: "[\(order)] or [\(order), k]") }
    let k = b.rank == 1 ? 1 : b.shape[1]
    let source = try b.detached().rowMajor()
    let y = try Tensor<E>.uninitialized(b.shape)
    var right = [Double](repeating: 0, count: order)
    var x = right
    for column in 0..<k {
      for i in 0..<order { right[i] = Double(source.pointer[i * k + column]) }
      let status = umfpack_di_solve(
        Int32(transposed ? UMFPACK_A : UMFPACK_At), starts, indices, values, &x, right, numeric, nil, nil)
      guard status == UMFPACK_OK else { throw .singularMatrix(operation: "SparseFactors.solve", pivot: 0) }
      for i in 0..<order { y.pointer[i * k + column] = E(x[i]) }
    }
    return y
  }
}
