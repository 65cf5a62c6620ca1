import COpenBLAS

/// Checks for a batch of matrices: `[…, rows, columns]`, square where asked.
func checkMatrix(_ body: Body, square: Bool, _ argument: String) throws(TensorError) -> (
  batch: Int, rows: Int, columns: Int
) {
  _ = OneThreadPool.isKept
  let shape = body.shape
  guard shape.count >= 2, !square || shape[shape.count - 1] == shape[shape.count - 2] else {
    throw .wrongShape(
      argument: argument, found: shape, expected: square ? "[…, n, n], a square matrix" : "[…, rows, columns]")
  }
  guard shape.suffix(2).allSatisfy({ $0 <= Int(Int32.max) }) else { throw .tooLarge(shape: shape) }
  return (shape.dropLast(2).reduce(1, *), shape[shape.count - 2], shape[shape.count - 1])
}

/// What LAPACK routines report: below 0 a bad argument (ours to prevent), above 0 a property of the matrix.
func check(_ info: Int32, _ failure: @autoclosure () -> TensorError) throws(TensorError) {
  if info > 0 { throw failure() }
  if info < 0 { throw .outOfMemory(bytes: 0) }
}

extension Tensor where Element: TensorScalar {
  /// A row-major copy that may be overwritten.
  package func copied() throws(TensorError) -> Tensor {
    let from = try rowMajor()
    let copy = try Tensor.uninitialized(shape)
    copy.pointer.update(from: from.pointer, count: count)
    return copy
  }

  /// The lower (or upper) triangle of each matrix, zeros elsewhere; `diagonal` scales the diagonal.
  func triangle(lower: Bool, diagonal: Element = 1) throws(TensorError) -> Tensor {
    let y = try copied()
    let (batch, rows, columns) = try checkMatrix(body, square: false, "self")
    for b in 0..<batch {
      for i in 0..<rows {
        let row = y.pointer + (b * rows + i) * columns
        for j in 0..<columns where j != i && (j > i) == lower { row[j] = 0 }
        if i < columns { row[i] *= diagonal }
      }
    }
    return y
  }

  /// The elements on or below the diagonal, zeros above.
  public func lowerTriangle() throws(TensorError) -> Tensor {
    try triangle(lower: true).recorded(from: self) { try $0.triangle(lower: true) }
  }

  /// The elements on or above the diagonal, zeros below.
  public func upperTriangle() throws(TensorError) -> Tensor {
    try triangle(lower: false).recorded(from: self) { try $0.triangle(lower: false) }
  }

  /// The diagonal of each matrix: shape `[…, n]`.
  public func diagonal() throws(TensorError) -> Tensor {
    let (batch, rows, columns) = try checkMatrix(body, square: false, "self")
    let n = Swift.min(rows, columns)
    let index = try Tensor<Int32>((0..<n).map { Int32($0 * (columns + 1)) })
    return try reshaped([batch, rows * columns]).selecting(index, axis: 1).reshaped(shape.dropLast(2).map { $0 } + [n])
  }

  /// Square matrices with these diagonals and zeros elsewhere: shape `[…, n, n]`.
  public func diagonalMatrix() throws(TensorError) -> Tensor {
    guard let n = shape.last else { throw .wrongShape(argument: "self", found: shape, expected: "[…, n]") }
    return try expanded(axis: -1) * Tensor.identity(n)
  }

  /// The sum of the diagonal.
  public func trace() throws(TensorError) -> Tensor { try diagonal().sum(axes: [-1]) }
}
