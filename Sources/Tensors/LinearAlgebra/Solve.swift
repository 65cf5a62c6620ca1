import COpenBLAS

// Systems of equations and what comes from the same factors. All take batches `[…, n, n]`.

/// LU factors of a batch, as LAPACK leaves them.
private struct Factors<E: TensorScalar> {
  let lu: Tensor<E>
  let pivots: [Int32]
  let n: Int, batch: Int

  init(_ a: Tensor<E>, _ operation: String, allowSingular: Bool = false) throws(TensorError) {
    let (batch, n, _) = try checkMatrix(a.body, square: true, "a")
    let lu = try a.copied()
    var pivots = [Int32](repeating: 0, count: batch * n)
    for b in 0..<batch {
      let info = pivots.withUnsafeMutableBufferPointer { pivots -> Int32 in
        let p = pivots.baseAddress.map { $0 + b * n }
        let m = Int32(n)
        return a.body.type == .float32
          ? LAPACKE_sgetrf(LAPACK_ROW_MAJOR, m, m, lu.body.f32 + b * n * n, max(1, m), p)
          : LAPACKE_dgetrf(LAPACK_ROW_MAJOR, m, m, lu.body.f64 + b * n * n, max(1, m), p)
      }
      if allowSingular && info > 0 { continue }
      try check(info, .singularMatrix(operation: operation, pivot: Int(info) - 1))
    }
    (self.lu, self.pivots, self.n, self.batch) = (lu, pivots, n, batch)
  }

  /// Solves op(A)·x = b in place for each matrix.
  func solve(_ b: Tensor<E>, columns: Int, transposed: Bool) throws(TensorError) {
    let way = CChar(UInt8(ascii: transposed ? "T" : "N"))
    let m = Int32(n)
    let k = Int32(columns)
    for i in 0..<batch {
      let info = pivots.withUnsafeBufferPointer { pivots -> Int32 in
        let p = pivots.baseAddress.map { $0 + i * n }
        return b.body.type == .float32
          ? LAPACKE_sgetrs(LAPACK_ROW_MAJOR, way, m, k, lu.body.f32 + i * n * n, m, p, b.body.f32 + i * n * columns, k)
          : LAPACKE_dgetrs(LAPACK_ROW_MAJOR, way, m, k, lu.body.f64 + i * n * n, m, p, b.body.f64 + i * n * columns, k)
      }
      try check(info, .notConverged(operation: "solve"))
    }
  }
}

/// Both sides with the same batch axes; a right side of one axis fewer is one column.
private func aligned<E: TensorScalar>(
  _ a: Tensor<E>, _ b: Tensor<E>, _ operation: String
) throws(TensorError) -> (a: Tensor<E>, b: Tensor<E>, isVector: Bool) {
  _ = try checkMatrix(a.body, square: true, "a")
  let isVector = b.rank == 1 || (b.rank == a.rank - 1 && b.shape == Array(a.shape.dropLast()))
  let right = isVector ? try b.expanded(axis: -1) : b
  guard right.rank >= 2, right.shape[right.rank - 2] == a.shape[a.rank - 1]
  else { throw .incompatibleShapes(operation: operation, left: a.shape, right: b.shape) }
  let batch = try broadcastShape(Array(a.shape.dropLast(2)), Array(right.shape.dropLast(2)), operation)
  return (
    try a.broadcast(to: batch + a.shape.suffix(2)), try right.broadcast(to: batch + right.shape.suffix(2)), isVector
  )
}

/// The solution x of `a·x = b` (LU with partial pivoting).
///
/// - Parameters:
///   - a: shape `[…, n, n]`.
///   - b: shape `[…, n, k]`, or `[…, n]` for one right side each.
/// - Throws: `TensorError.singularMatrix` when a pivot is exactly zero.
public func solve<E: TensorScalar>(_ a: Tensor<E>, _ b: Tensor<E>) throws(TensorError) -> Tensor<E> {
  let (a, b, isVector) = try aligned(a, b, "solve")
  if a.count == 0 || b.count == 0 { return try isVector ? b.squeezed(axis: -1) : b }
  let factors = try Factors(a, "solve")
  let x = try b.copied()
  try factors.solve(x, columns: b.shape[b.rank - 1], transposed: false)
  let plain = Tensor<E>(body: Body(viewing: x.body, shape: x.shape))
  // For x = A⁻¹b: db = A⁻ᵀg and dA = −db·xᵀ (Giles 2008).
  let y = try x.recorded(from: [a, b]) { g, needed in
    let db = try g.copied()
    try factors.solve(db, columns: db.shape[db.rank - 1], transposed: true)
    return [needed[0] ? try matmul(db, plain, transposingB: true).negated() : nil, needed[1] ? db : nil]
  }
  return try isVector ? y.squeezed(axis: -1) : y
}

/// The inverse of each matrix. To apply an inverse, `solve` is faster and more accurate.
public func inverse<E: TensorScalar>(_ a: Tensor<E>) throws(TensorError) -> Tensor<E> {
  let (_, n, _) = try checkMatrix(a.body, square: true, "a")
  return try solve(a, Tensor.identity(n).broadcast(to: a.shape))
}

/// Sign and logarithm of the magnitude of each determinant; 0 and −∞ for a singular matrix.
public func logDeterminant<E: TensorScalar>(
  _ a: Tensor<E>
) throws(TensorError) -> (sign: Tensor<E>, logarithm: Tensor<E>) {
  let factors = try Factors(a, "logDeterminant", allowSingular: true)
  let shape = Array(a.shape.dropLast(2))
  let n = factors.n
  let sign = try Tensor<E>.ones(shape)
  let logarithm = try Tensor<E>.zeros(shape)
  for b in 0..<factors.batch {
    var total = 0.0
    for i in 0..<n {
      let pivot = factors.lu.pointer[(b * n + i) * n + i]
      total += Double(pivot.magnitude).logarithm
      if (pivot < 0) != (factors.pivots[b * n + i] != Int32(i + 1)) { sign.pointer[b].negate() }
      if pivot == 0 { sign.pointer[b] = 0 }
    }
    logarithm.pointer[b] = E(total)
  }
  let plain = a.detached()
  let recorded = logarithm.recorded(from: a) { g in
    try inverse(plain).transposed() * g.reshaped(shape + [1, 1])
  }
  return (sign, recorded)
}

/// The lower triangular L with `a = L·Lᵀ`, for symmetric positive definite matrices; only the lower triangle is read.
///
/// - Throws: `TensorError.notPositiveDefinite`.
public func cholesky<E: TensorScalar>(_ a: Tensor<E>) throws(TensorError) -> Tensor<E> {
  let (batch, n, _) = try checkMatrix(a.body, square: true, "a")
  let l = try a.triangle(lower: true)
  let lower = CChar(UInt8(ascii: "L"))
  let m = Int32(n)
  for b in 0..<batch {
    let info =
      a.body.type == .float32
      ? LAPACKE_spotrf(LAPACK_ROW_MAJOR, lower, m, l.body.f32 + b * n * n, max(1, m))
      : LAPACKE_dpotrf(LAPACK_ROW_MAJOR, lower, m, l.body.f64 + b * n * n, max(1, m))
    try check(info, .notPositiveDefinite(order: Int(info)))
  }
  let factor = Tensor<E>(body: Body(viewing: l.body, shape: l.shape))
  // dA = ½·L⁻ᵀ·(Φ(LᵀdL) + Φᵀ)·L⁻¹, Φ: lower triangle with the diagonal halved (Murray 2016).
  return l.recorded(from: a) { g in
    let phi = try matmul(factor, g.triangle(lower: true), transposingA: true).triangle(lower: true, diagonal: 0.5)
    let symmetric = try (phi + phi.transposed()) * 0.5
    let half = try triangularSolve(factor, symmetric, transposing: true)
    return try triangularSolve(factor, half.transposed(), transposing: true).transposed()
  }
}

/// The solution x of `op(l)·x = b` for triangular matrices; op transposes where asked.
///
/// - Parameters:
///   - l: shape `[…, n, n]`; only the triangle named by `lower` is read.
///   - b: shape `[…, n, k]`, or `[…, n]`.
/// - Throws: `TensorError.singularMatrix` when a diagonal element is zero.
public func triangularSolve<E: TensorScalar>(
  _ l: Tensor<E>, _ b: Tensor<E>, lower: Bool = true, transposing: Bool = false
) throws(TensorError) -> Tensor<E> {
  let (l, b, isVector) = try aligned(l, b, "triangularSolve")
  let (batch, n, _) = try checkMatrix(l.body, square: true, "l")
  let k = b.shape[b.rank - 1]
  let x = try b.copied()
  let matrix = try l.detached().rowMajor()
  for i in 0..<batch * n where matrix.pointer[i * n + i % n] == 0 {
    throw .singularMatrix(operation: "triangularSolve", pivot: i % n)
  }
  let side = lower ? CblasLower : CblasUpper
  let way = transposing ? CblasTrans : CblasNoTrans
  for i in 0..<(k == 0 ? 0 : batch) {
    if l.body.type == .float32 {
      cblas_strsm(
        CblasRowMajor, CblasLeft, side, way, CblasNonUnit, Int32(n), Int32(k), 1, matrix.body.f32 + i * n * n, Int32(n),
        x.body.f32 + i * n * k, Int32(k))
    } else {
      cblas_dtrsm(
        CblasRowMajor, CblasLeft, side, way, CblasNonUnit, Int32(n), Int32(k), 1, matrix.body.f64 + i * n * n, Int32(n),
        x.body.f64 + i * n * k, Int32(k))
    }
  }
  let plain = Tensor<E>(body: Body(viewing: x.body, shape: x.shape))
  let y = try x.recorded(from: [l, b]) { g, needed in
    let db = try triangularSolve(matrix, g, lower: lower, transposing: !transposing)
    let dl =
      needed[0]
      ? try (transposing ? matmul(plain, db, transposingB: true) : matmul(db, plain, transposingB: true))
        .negated().triangle(lower: lower) : nil
    return [dl, needed[1] ? db : nil]
  }
  return try isVector ? y.squeezed(axis: -1) : y
}

extension Double {
  /// Natural logarithm, without the ambiguity between the number's and the tensor's function.
  var logarithm: Double { _logarithm(self) }
}
