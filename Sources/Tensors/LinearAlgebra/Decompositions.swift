import COpenBLAS

/// `a = q·r` with orthonormal columns in q and an upper triangular r (reduced form: k = min(rows, columns)).
///
/// - Returns: `q` of shape `[…, rows, k]`, `r` of shape `[…, k, columns]`. Gradients exist for rows ≥ columns.
public func qr<E: TensorScalar>(_ a: Tensor<E>) throws(TensorError) -> (q: Tensor<E>, r: Tensor<E>) {
  let (batch, rows, columns) = try checkMatrix(a.body, square: false, "a")
  let k = min(rows, columns)
  let outer = Array(a.shape.dropLast(2))
  let work = try a.copied()
  let q = try Tensor<E>.uninitialized(outer + [rows, k])
  let r = try Tensor<E>.zeros(outer + [k, columns])
  let tau = try Tensor<E>.zeros([max(1, k)])
  for b in 0..<(a.count == 0 ? 0 : batch) {
    let at = b * rows * columns
    let (m, n) = (Int32(rows), Int32(columns))
    let info =
      a.body.type == .float32
      ? LAPACKE_sgeqrf(LAPACK_ROW_MAJOR, m, n, work.body.f32 + at, n, tau.body.f32)
      : LAPACKE_dgeqrf(LAPACK_ROW_MAJOR, m, n, work.body.f64 + at, n, tau.body.f64)
    try check(info, .notConverged(operation: "qr"))
    for i in 0..<k {
      for j in i..<columns { r.pointer[(b * k + i) * columns + j] = work.pointer[at + i * columns + j] }
    }
    for i in 0..<rows {
      for j in 0..<k { q.pointer[(b * rows + i) * k + j] = work.pointer[at + i * columns + j] }
    }
    let done =
      a.body.type == .float32
      ? LAPACKE_sorgqr(LAPACK_ROW_MAJOR, m, Int32(k), Int32(k), q.body.f32 + b * rows * k, Int32(k), tau.body.f32)
      : LAPACKE_dorgqr(LAPACK_ROW_MAJOR, m, Int32(k), Int32(k), q.body.f64 + b * rows * k, Int32(k), tau.body.f64)
    try check(done, .notConverged(operation: "qr"))
  }
  let plainQ = Tensor<E>(body: Body(viewing: q.body, shape: q.shape))
  let plainR = Tensor<E>(body: Body(viewing: r.body, shape: r.shape))
  // Walter & Lehmann (2012): dA = (dQ + Q·sym(M))·R⁻ᵀ with M = R·dRᵀ − dQᵀ·Q and sym its lower triangle mirrored.
  func pullback(_ dq: Tensor<E>?, _ dr: Tensor<E>?) throws -> Tensor<E> {
    guard rows >= columns else {
      throw TensorError.wrongShape(argument: "a", found: a.shape, expected: "rows ≥ columns for a gradient")
    }
    var m = try Tensor<E>.zeros(outer + [k, k])
    if let dr { m = try m + matmul(plainR, dr, transposingB: true) }
    if let dq { m = try m - matmul(dq, plainQ, transposingA: true) }
    let lower = try m.triangle(lower: true)
    let strict = try m.triangle(lower: true, diagonal: 0)
    var inner = try matmul(plainQ, lower + strict.transposed())
    if let dq { inner = try inner + dq }
    return try triangularSolve(plainR, inner.transposed(), lower: false).transposed()
  }
  return (q.recorded(from: a) { try pullback($0, nil) }, r.recorded(from: a) { try pullback(nil, $0) })
}

/// `a = u·diag(s)·vᵀ` with the singular values s in falling order (reduced form, k = min(rows, columns)).
///
/// - Returns: `u` of shape `[…, rows, k]`, `s` of `[…, k]`, `vt` of `[…, k, columns]`. Only `s` has a gradient: those of
///   the vectors do not exist where values coincide.
public func singularValues<E: TensorScalar>(
  _ a: Tensor<E>
) throws(TensorError) -> (u: Tensor<E>, s: Tensor<E>, vt: Tensor<E>) {
  let (batch, rows, columns) = try checkMatrix(a.body, square: false, "a")
  let k = min(rows, columns)
  let outer = Array(a.shape.dropLast(2))
  let work = try a.detached().copied()
  let u = try Tensor<E>.uninitialized(outer + [rows, k])
  let s = try Tensor<E>.uninitialized(outer + [k])
  let vt = try Tensor<E>.uninitialized(outer + [k, columns])
  let job = CChar(UInt8(ascii: "S"))
  for b in 0..<(a.count == 0 ? 0 : batch) {
    let (m, n, l) = (Int32(rows), Int32(columns), Int32(k))
    let info =
      a.body.type == .float32
      ? LAPACKE_sgesdd(
        LAPACK_ROW_MAJOR, job, m, n, work.body.f32 + b * rows * columns, n, s.body.f32 + b * k,
        u.body.f32 + b * rows * k, l,
        vt.body.f32 + b * k * columns, n)
      : LAPACKE_dgesdd(
        LAPACK_ROW_MAJOR, job, m, n, work.body.f64 + b * rows * columns, n, s.body.f64 + b * k,
        u.body.f64 + b * rows * k, l,
        vt.body.f64 + b * k * columns, n)
    try check(info, .notConverged(operation: "singularValues"))
  }
  let recorded = s.recorded(from: a) { try matmul(u * $0.expanded(axis: -2), vt) }
  return (u, recorded, vt)
}

/// Eigenvalues in rising order and orthonormal eigenvectors (columns) of symmetric matrices; only the lower triangle is
/// read. Gradients of the vectors do not exist where values coincide.
///
/// - Returns: `values` of shape `[…, n]`, `vectors` of shape `[…, n, n]`.
public func symmetricEigenvalues<E: TensorScalar>(
  _ a: Tensor<E>
) throws(TensorError) -> (values: Tensor<E>, vectors: Tensor<E>) {
  let (batch, n, _) = try checkMatrix(a.body, square: true, "a")
  let vectors = try a.copied()
  let values = try Tensor<E>.uninitialized(Array(a.shape.dropLast()))
  let job = CChar(UInt8(ascii: "V"))
  let lower = CChar(UInt8(ascii: "L"))
  let m = Int32(n)
  for b in 0..<(n == 0 ? 0 : batch) {
    let info =
      a.body.type == .float32
      ? LAPACKE_ssyevd(LAPACK_ROW_MAJOR, job, lower, m, vectors.body.f32 + b * n * n, m, values.body.f32 + b * n)
      : LAPACKE_dsyevd(LAPACK_ROW_MAJOR, job, lower, m, vectors.body.f64 + b * n * n, m, values.body.f64 + b * n)
    try check(info, .notConverged(operation: "symmetricEigenvalues"))
  }
  let v = Tensor<E>(body: Body(viewing: vectors.body, shape: vectors.shape))
  let w = Tensor<E>(body: Body(viewing: values.body, shape: values.shape))
  let recordedValues = values.recorded(from: a) { try matmul(v * $0.expanded(axis: -2), v, transposingB: true) }
  let recordedVectors = vectors.recorded(from: a) { g in
    // dA = V·(F ∘ VᵀdV)·Vᵀ with F = 1/(λⱼ − λᵢ) off the diagonal (Giles 2008).
    let gaps = try w.expanded(axis: -2) - w.expanded(axis: -1)
    let f = try Tensor.select(gaps .== 0, Tensor.zeros(gaps.shape), gaps.reciprocal())
    let inner = try matmul(v, g, transposingA: true) * f
    let d = try matmul(matmul(v, inner), v, transposingB: true)
    return try (d + d.transposed()) * 0.5
  }
  return (recordedValues, recordedVectors)
}

/// Eigenvalues and right eigenvectors (columns, of unit length) of general matrices; not differentiable.
public func eigenvalues<E: TensorScalar>(
  _ a: Tensor<E>
) throws(TensorError) -> (values: ComplexTensor<E>, vectors: ComplexTensor<E>) {
  let (batch, n, _) = try checkMatrix(a.body, square: true, "a")
  let work = try a.detached().copied()
  let outer = Array(a.shape.dropLast(2))
  let re = try Tensor<E>.zeros([max(1, n)])
  let im = try Tensor<E>.zeros([max(1, n)])
  let packed = try Tensor<E>.zeros([n, n])
  let values = try Tensor<E>.zeros(outer + [n, 2])
  let vectors = try Tensor<E>.zeros(outer + [n, n, 2])
  let no = CChar(UInt8(ascii: "N"))
  let yes = CChar(UInt8(ascii: "V"))
  let m = Int32(n)
  for b in 0..<(n == 0 ? 0 : batch) {
    let info =
      a.body.type == .float32
      ? LAPACKE_sgeev(
        LAPACK_ROW_MAJOR, no, yes, m, work.body.f32 + b * n * n, m, re.body.f32, im.body.f32, nil, m, packed.body.f32, m
      )
      : LAPACKE_dgeev(
        LAPACK_ROW_MAJOR, no, yes, m, work.body.f64 + b * n * n, m, re.body.f64, im.body.f64, nil, m, packed.body.f64, m
      )
    try check(info, .notConverged(operation: "eigenvalues"))
    for j in 0..<n {
      values.pointer[(b * n + j) * 2] = re.pointer[j]
      values.pointer[(b * n + j) * 2 + 1] = im.pointer[j]
      // A conjugate pair shares two columns: real part, imaginary part.
      let first = im.pointer[j] > 0 || im.pointer[j] == 0 ? j : j - 1
      for i in 0..<n {
        let at = ((b * n + i) * n + j) * 2
        vectors.pointer[at] = packed.pointer[i * n + first]
        if im.pointer[j] > 0 { vectors.pointer[at + 1] = packed.pointer[i * n + j + 1] }
        if im.pointer[j] < 0 { vectors.pointer[at + 1] = -packed.pointer[i * n + j] }
      }
    }
  }
  return (ComplexTensor(interleaved: values), ComplexTensor(interleaved: vectors))
}

/// The x that minimises `‖a·x − b‖`, for rows ≥ columns and full rank (QR).
///
/// - Parameters:
///   - a: shape `[…, rows, columns]`.
///   - b: shape `[…, rows, k]`.
/// - Throws: `TensorError.singularMatrix` when a column of `a` depends on the others.
public func leastSquares<E: TensorScalar>(_ a: Tensor<E>, _ b: Tensor<E>) throws(TensorError) -> Tensor<E> {
  let (_, rows, columns) = try checkMatrix(a.body, square: false, "a")
  guard rows >= columns else { throw .wrongShape(argument: "a", found: a.shape, expected: "rows ≥ columns") }
  guard b.rank == a.rank, b.shape[b.rank - 2] == rows
  else { throw .incompatibleShapes(operation: "leastSquares", left: a.shape, right: b.shape) }
  let (q, r) = try qr(a)
  let scale = try r.detached().diagonal().magnitude()
  let largest = try scale.max().item()
  for (i, pivot) in scale.elements.enumerated() where pivot <= largest * E.ulpOfOne * E(rows) {
    throw .singularMatrix(operation: "leastSquares", pivot: i % columns)
  }
  return try triangularSolve(r, matmul(q, b, transposingA: true), lower: false)
}
