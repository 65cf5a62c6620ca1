/// What can go wrong in a tensor operation because of its arguments. Every message says what to do.
public enum TensorError: Error, Equatable, CustomStringConvertible {
  /// Two shapes do not go together in `operation`.
  case incompatibleShapes(operation: String, left: [Int], right: [Int])
  /// One argument has a shape that the operation does not take.
  case wrongShape(argument: String, found: [Int], expected: String)
  /// One argument is outside what the operation takes.
  case invalidArgument(_ argument: String, found: String, expected: String)
  /// An index points outside the tensor.
  case indexOutOfRange(argument: String, found: Int, valid: Range<Int>)
  /// The tensor asked for has more elements than memory can address.
  case tooLarge(shape: [Int])
  /// The machine does not have the memory; 0 bytes where a library asked for it and did not say how much.
  case outOfMemory(bytes: Int)
  /// A matrix has no inverse; `pivot` is the first zero on the diagonal of its factor (from 0).
  case singularMatrix(operation: String, pivot: Int)
  /// A matrix has no Cholesky factor: its leading minor of this order is not positive.
  case notPositiveDefinite(order: Int)
  /// An iteration inside LAPACK did not converge.
  case notConverged(operation: String)
  /// Tensors of two gradient computations meet in one operation, or one computation is nested in another.
  case nestedGradient

  public var description: String {
    switch self {
    case .incompatibleShapes(let operation, let left, let right):
      "`\(operation)` cannot combine shapes \(left) and \(right): reshape or transpose one of them"
    case .wrongShape(let argument, let found, let expected):
      "`\(argument)` has shape \(found), expected \(expected): reshape it"
    case .invalidArgument(let argument, let found, let expected):
      "`\(argument)` is \(found), expected \(expected): change it"
    case .indexOutOfRange(let argument, let found, let valid):
      "`\(argument)` holds the index \(found), valid are \(valid.lowerBound)..<\(valid.upperBound): check how the indices were made"
    case .tooLarge(let shape):
      "a tensor of shape \(shape) has more elements than can be addressed: check the extents, or work in parts"
    case .outOfMemory(let bytes):
      "\(bytes == 0 ? "a library ran out of memory" : "\(bytes) bytes of memory are not available"): use a smaller batch, or work in parts"
    case .singularMatrix(let operation, let pivot):
      "`\(operation)` met a singular matrix (pivot \(pivot) is zero): add a small multiple of the identity, or use `leastSquares`"
    case .notPositiveDefinite(let order):
      "the matrix is not positive definite (leading minor of order \(order)): make it symmetric, or add a small multiple of the identity"
    case .notConverged(let operation):
      "`\(operation)` did not converge: check the matrix for NaN and infinity, or scale it"
    case .nestedGradient:
      "a tensor that one gradient computation follows was used in another: detach it with `detached()`, or compute one gradient after the other"
    }
  }
}
