/// One matrix product within a batch: its sizes, and where the operands of product `i` start.
private struct ProductPlan {
  var m: Int, n: Int, k: Int
  var columnsA: Int, columnsB: Int
  var batch: [Int], walk: BroadcastWalk
  var transposeA: Bool, transposeB: Bool

  init(_ a: Body, _ b: Body, _ transposeA: Bool, _ transposeB: Bool) throws(TensorError) {
    let sa = a.shape
    let sb = b.shape
    guard sa.count >= 2, sb.count >= 2
    else { throw .incompatibleShapes(operation: "matmul", left: sa, right: sb) }
    let (rowsA, columnsA) = (sa[sa.count - 2], sa[sa.count - 1])
    let (rowsB, columnsB) = (sb[sb.count - 2], sb[sb.count - 1])
    (m, k) = transposeA ? (columnsA, rowsA) : (rowsA, columnsA)
    let inner = transposeB ? columnsB : rowsB
    n = transposeB ? rowsB : columnsB
    guard k == inner, max(m, n, k) <= Int(Int32.max)
    else { throw .incompatibleShapes(operation: "matmul", left: sa, right: sb) }
    let batchA = Array(sa.dropLast(2))
    let batchB = Array(sb.dropLast(2))
    batch = try broadcastShape(batchA, batchB, "matmul")
    walk = BroadcastWalk(batchA, batchB, result: batch)
    (self.columnsA, self.columnsB) = (columnsA, columnsB)
    (self.transposeA, self.transposeB) = (transposeA, transposeB)
  }

  /// Runs the batch; `y` is row-major.
  func run(_ a: Body, _ b: Body, _ y: Body) {
    let size = y.type.size
    let count = batch.reduce(1, *)
    let inner = walk.extents.count - 1
    // Small products are spread over the threads, large ones use all threads one after the other.
    parallelFor(count, grain: m * n * k > 1 << 20 ? count : max(1, (1 << 16) / max(1, m * n * k))) { part in
      for i in part {
        var (ia, ib) = walk.offsets(i / walk.extents[inner])
        ia += i % walk.extents[inner] * walk.stepsA[inner]
        ib += i % walk.extents[inner] * walk.stepsB[inner]
        gemm(
          y.type, transposeA, transposeB, m, n, k, 1, a.pointer + ia * m * k * size, columnsA,
          b.pointer + ib * k * n * size, columnsB, 0, y.pointer + i * m * n * size, n)
      }
    }
  }
}

/// Without a tape; matrices or batches of them. `shape` is that of the result, where the caller has it at hand.
private func product(
  _ a: Body, _ b: Body, _ ta: Bool, _ tb: Bool, shape: [Int]? = nil
) throws(TensorError) -> Body {
  if a.shape.count == 2, b.shape.count == 2 {
    let m = ta ? a.shape[1] : a.shape[0]
    let k = ta ? a.shape[0] : a.shape[1]
    let n = tb ? b.shape[0] : b.shape[1]
    guard k == (tb ? b.shape[1] : b.shape[0]), max(m, n, k) <= Int(Int32.max)
    else { throw .incompatibleShapes(operation: "matmul", left: a.shape, right: b.shape) }
    let y = try Body(a.type, shape ?? [m, n])
    gemm(a.type, ta, tb, m, n, k, 1, a.pointer, a.shape[1], b.pointer, b.shape[1], 0, y.pointer, n)
    return y
  }
  let a = try a.in(.rowMajor)
  let b = try b.in(.rowMajor)
  if b.shape.count == 2, !ta, let k = a.shape.last {
    // Many rows against one matrix are one product.
    let rows = a.shape.dropLast().reduce(1, *)
    let flat = try product(Body(viewing: a, shape: [rows, k]), b, false, tb)
    return Body(viewing: flat, shape: a.shape.dropLast() + [flat.shape[1]])
  }
  let plan = try ProductPlan(a, b, ta, tb)
  let y = try Body(a.type, plan.batch + [plan.m, plan.n])
  plan.run(a, b, y)
  return y
}

/// y += op(a)·op(b) for matrices whose sum is already being collected at `index`; false where that is not so.
private func addProduct(_ a: Body, _ b: Body, _ ta: Bool, _ tb: Bool, _ index: Int32, _ gradients: Gradients) -> Bool {
  guard a.shape.count == 2, b.shape.count == 2, let y = gradients.exclusive(index), y.layout == .rowMajor
  else { return false }
  gemm(
    y.type, ta, tb, y.shape[0], y.shape[1], ta ? a.shape[0] : a.shape[1], 1, a.pointer, a.shape[1], b.pointer,
    b.shape[1], 1, y.pointer, y.shape[1])
  return true
}

/// Adds op(a)·op(b), summed over stretched batches, to the gradient at `index`.
package func addGradientProduct(
  _ a: Body, _ b: Body, _ ta: Bool, _ tb: Bool, to index: Int32, shape: [Int], _ gradients: Gradients
) throws {
  if addProduct(a, b, ta, tb, index, gradients) { return }
  let d = try product(a, b, ta, tb, shape: a.shape.count == 2 && b.shape.count == 2 ? shape : nil)
  if d.shape == shape { return gradients.add(d, to: index) }
  gradients.add(
    d.type == .float32
      ? try Tensor<Float>(body: d).summed(to: shape).body : try Tensor<Double>(body: d).summed(to: shape).body,
    to: index)
}

/// Matrix product over the last two axes; the axes before them broadcast.
///
/// - Parameters:
///   - a: shape `[…, m, k]` (`[…, k, m]` when transposed); a vector counts as one row.
///   - b: shape `[…, k, n]` (`[…, n, k]` when transposed); a vector counts as one column.
/// - Returns: shape `[…, m, n]`, without the axes that vectors lack.
/// - Throws: `TensorError.incompatibleShapes` when the inner extents differ or the batches do not broadcast.
public func matmul<Scalar: TensorScalar>(
  _ a: Tensor<Scalar>, _ b: Tensor<Scalar>, transposingA ta: Bool = false, transposingB tb: Bool = false
) throws(TensorError) -> Tensor<Scalar> {
  if a.rank == 1 || b.rank == 1 { return try productWithVector(a, b, ta, tb) }
  let x = a.body
  let w = b.body
  let y = try product(x, w, ta, tb)
  guard let tape = try commonTape(x, w) else { return Tensor(body: y) }
  tape.record(y) { g, gradients in
    let flat = x.shape.count > 2 && w.shape.count == 2 && !ta
    if x.index >= 0 {
      try ta
        ? addGradientProduct(w, g, tb, true, to: x.index, shape: x.shape, gradients)
        : addGradientProduct(g, w, false, !tb, to: x.index, shape: x.shape, gradients)
    }
    guard w.index >= 0 else { return }
    var (rows, upstream) = (x, g)
    if flat {
      // One product over all rows instead of a batch of products to be summed.
      let count = x.shape.dropLast().reduce(1, *)
      rows = Body(viewing: try x.in(.rowMajor), shape: [count, x.shape[x.shape.count - 1]])
      upstream = Body(viewing: try g.in(.rowMajor), shape: [count, g.shape[g.shape.count - 1]])
    }
    try tb
      ? addGradientProduct(upstream, rows, true, ta, to: w.index, shape: w.shape, gradients)
      : addGradientProduct(rows, upstream, !ta, false, to: w.index, shape: w.shape, gradients)
  }
  return Tensor(body: y)
}

private func productWithVector<Scalar: TensorScalar>(
  _ a: Tensor<Scalar>, _ b: Tensor<Scalar>, _ ta: Bool, _ tb: Bool
) throws(TensorError) -> Tensor<Scalar> {
  guard a.rank > 0, b.rank > 0
  else { throw .incompatibleShapes(operation: "matmul", left: a.shape, right: b.shape) }
  let left = a.rank == 1 ? try a.expanded(axis: 0) : a
  let right = b.rank == 1 ? try b.expanded(axis: 1) : b
  var y = try matmul(left, right, transposingA: a.rank > 1 && ta, transposingB: b.rank > 1 && tb)
  if b.rank == 1 { y = try y.squeezed(axis: -1) }
  if a.rank == 1 { y = try y.squeezed(axis: b.rank == 1 ? -1 : -2) }
  return y
}
