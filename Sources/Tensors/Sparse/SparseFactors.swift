/// LU factors of a square sparse matrix, to solve many right sides (KLU: Davis and Palamadai Natarajan 2010, made for
/// circuits). Works in Double. Threads that solve with the same factors take turns.
public final class SparseFactors: Sendable {
  private let order: Int
  private let factors: Locked<KLUFactors>
  private let starts: [Int32], indices: [Int32], values: [Double]

  /// Right sides that KLU takes through its factors together.
  private static let block = 4
  /// The backward error above which a solution is refined. Circuits stay below it at once; other matrices may lose some digits
  /// to pivots that were chosen for sparse factors, and a step or two bring them back.
  private static let accepted = 64 * Double.ulpOfOne

  /// - Throws: `TensorError.wrongShape` for a matrix that is not square, `.singularMatrix` for one without inverse,
  ///   `.outOfMemory` and `.tooLarge` for factors that do not fit.
  public init<E: TensorScalar>(_ a: SparseMatrix<E>) throws(TensorError) {
    guard a.rows == a.columns, a.rows > 0
    else { throw .wrongShape(argument: "a", found: [a.rows, a.columns], expected: "a square matrix") }
    order = a.rows
    starts = a.rowStarts.elements
    indices = a.columnIndices.elements
    values = a.values.elements.map(Double.init)
    // Our rows are KLU's columns: it factors the transpose, and solves with the transpose of that.
    factors = Locked(try KLUFactors(order: order, starts: starts, indices: indices, values: values))
  }

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
    for first in stride(from: 0, to: k, by: SparseFactors.block) {
      let columns = first..<min(k, first + SparseFactors.block)
      let right = columns.flatMap { column in (0..<order).map { Double(source.pointer[$0 * k + column]) } }
      let x = solution(of: right, transposed: transposed)
      for (place, column) in columns.enumerated() {
        for i in 0..<order { y.pointer[i * k + column] = E(x[place * order + i]) }
      }
    }
    return y
  }

  /// Solutions of right sides that stand one after the other, refined where they need it.
  private func solution(of right: [Double], transposed: Bool) -> [Double] {
    func solved(_ right: [Double]) -> [Double] {
      var x = right
      factors.withLock { $0.solve(&x, transposed: !transposed) }
      return x
    }
    var x = solved(right)
    var (rest, error) = residual(x, right, transposed: transposed)
    for _ in 0..<2 where error > SparseFactors.accepted {
      let next = zip(x, solved(rest)).map(+)
      let (nextRest, nextError) = residual(next, right, transposed: transposed)
      guard nextError < error else { break }
      (x, rest, error) = (next, nextRest, nextError)
    }
    return x
  }

  /// `b − a·x`, and how far a and b would have to be changed, as a fraction of each element, for x to be exact.
  private func residual(_ x: [Double], _ right: [Double], transposed: Bool) -> (rest: [Double], error: Double) {
    var rest = right
    var size = right.map(\.magnitude)
    for column in stride(from: 0, to: x.count, by: order) {
      for i in 0..<order {
        for k in Int(starts[i])..<Int(starts[i + 1]) {
          let j = Int(indices[k])
          let (to, from) = transposed ? (column + j, column + i) : (column + i, column + j)
          let term = values[k] * x[from]
          rest[to] -= term
          size[to] += term.magnitude
        }
      }
    }
    let error = zip(rest, size).reduce(0) { $1.1 > 0 ? max($0, $1.0.magnitude / $1.1) : $0 }
    return (rest, error)
  }
}
