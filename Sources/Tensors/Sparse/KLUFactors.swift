import CSuiteSparse

/// What KLU allocates for one matrix, by compressed columns. One thread at a time: the workspace lies beside the factors.
final class KLUFactors: @unchecked Sendable {
  private let order: Int32
  private var settings = klu_common()
  private var symbolic: UnsafeMutablePointer<klu_symbolic>?
  private var numeric: UnsafeMutablePointer<klu_numeric>?

  /// - Throws: `TensorError.singularMatrix` for a matrix without inverse, `.outOfMemory`, and `.tooLarge` for factors of
  ///   2³¹ numbers or more.
  init(order: Int, starts: [Int32], indices: [Int32], values: [Double]) throws(TensorError) {
    self.order = Int32(order)
    klu_defaults(&settings)
    // The diagonal of a circuit's matrix is its largest element and is taken whatever stands here. Other matrices lose up to
    // twelve digits with the default, 0.001.
    settings.tol = 0.1
    var (starts, indices, values) = (starts, indices, values)
    symbolic = klu_analyze(self.order, &starts, &indices, &settings)
    try check(symbolic != nil)
    numeric = klu_factor(&starts, &indices, &values, symbolic, &settings)
    try check(numeric != nil)
    // A pivot that is not a number is found only here.
    try check(klu_rcond(symbolic, numeric, &settings) != 0)
  }

  deinit {
    klu_free_numeric(&numeric, &settings)
    klu_free_symbolic(&symbolic, &settings)
  }

  private func check(_ succeeded: Bool) throws(TensorError) {
    if succeeded && settings.status == KLU_OK { return }
    switch settings.status {
    case KLU_OUT_OF_MEMORY: throw .outOfMemory(bytes: 0)
    case KLU_TOO_LARGE: throw .tooLarge(shape: [Int(order), Int(order)])
    default: throw .singularMatrix(operation: "SparseFactors", pivot: 0)
    }
  }

  /// Right sides one after the other, replaced by the solutions.
  func solve(_ x: inout [Double], transposed: Bool) {
    let count = Int32(x.count) / order
    _ =
      transposed
      ? klu_tsolve(symbolic, numeric, order, count, &x, &settings)
      : klu_solve(symbolic, numeric, order, count, &x, &settings)
  }
}
