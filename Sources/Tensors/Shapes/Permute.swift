import CKernels

/// Copies an array with its axes in another order. `steps` are the source's steps along the axes of the result.
private func permute(_ x: Body, _ y: Body, extents: [Int], steps: [Int]) {
  let (n, s) = merged(extents, steps)
  let size = x.type.size
  let inner = n.count - 1
  let innerStep = s[inner]
  // An axis that is contiguous in the source, paired with the last axis of the result, is a plain transpose.
  let across = innerStep == 1 ? nil : s.indices.dropLast().last { s[$0] == 1 }
  let loops = n.indices.filter { $0 != inner && $0 != across }
  var resultSteps = [Int](repeating: 1, count: n.count)
  for i in stride(from: n.count - 2, through: 0, by: -1) { resultSteps[i] = resultSteps[i + 1] * n[i + 1] }
  let rounds = loops.reduce(1) { $0 * n[$1] }
  let work = n[inner] * (across.map { n[$0] } ?? 1)
  nonisolated(unsafe) let source = x.pointer
  nonisolated(unsafe) let target = y.pointer
  let fixedR = resultSteps
  parallelFor(rounds, grain: max(1, elementwiseGrain / work)) { part in
    for round in part {
      var rest = round
      var from = 0
      var to = 0
      for i in loops.reversed() {
        from += rest % n[i] * s[i]
        to += rest % n[i] * fixedR[i]
        rest /= n[i]
      }
      let a = source + from * size
      let b = target + to * size
      let a32 = a.assumingMemoryBound(to: UInt32.self)
      let b32 = b.assumingMemoryBound(to: UInt32.self)
      let a64 = a.assumingMemoryBound(to: UInt64.self)
      let b64 = b.assumingMemoryBound(to: UInt64.self)
      if let across {
        // Source: rows of step innerStep, columns contiguous. Result: columns of step resultSteps[across].
        if size == 4 {
          kk_transpose_w32(n[inner], n[across], a32, innerStep, b32, fixedR[across])
        } else {
          kk_transpose_w64(n[inner], n[across], a64, innerStep, b64, fixedR[across])
        }
      } else if innerStep == 1 {
        b.copyMemory(from: a, byteCount: n[inner] * size)
      } else if size == 4 {
        kk_copy_strided_w32(n[inner], a32, innerStep, b32)
      } else {
        kk_copy_strided_w64(n[inner], a64, innerStep, b64)
      }
    }
  }
}

/// Axes that stay neighbours as one; at least one axis.
private func merged(_ extents: [Int], _ steps: [Int]) -> (extents: [Int], steps: [Int]) {
  var n: [Int] = []
  var s: [Int] = []
  for (extent, step) in zip(extents, steps) where extent != 1 {
    if let last = n.indices.last, s[last] == step * extent {
      n[last] *= extent
      s[last] = step
    } else {
      n.append(extent)
      s.append(step)
    }
  }
  return n.isEmpty ? ([1], [1]) : (n, s)
}

/// Steps of a row-major array along its axes, in elements.
package func rowMajorSteps(_ shape: [Int]) -> [Int] {
  var steps = [Int](repeating: 1, count: shape.count)
  for i in stride(from: shape.count - 2, through: 0, by: -1) { steps[i] = steps[i + 1] * shape[i + 1] }
  return steps
}

extension Tensor {
  /// Axis `i` of the result is axis `order[i]` of this tensor.
  /// - Throws: `TensorError.invalidArgument` when `order` does not name every axis once.
  public func permuted(_ order: [Int]) throws(TensorError) -> Tensor {
    guard order.sorted() == Array(0..<rank)
    else { throw .invalidArgument("order", found: "\(order)", expected: "each axis of 0..<\(rank) once") }
    if order == Array(0..<rank) { return self }
    let x = try rowMajor().body
    let steps = rowMajorSteps(shape)
    let y = try Tensor.uninitialized(order.map { shape[$0] })
    if count > 0 { permute(x, y.body, extents: y.shape, steps: order.map { steps[$0] }) }
    guard body.tape != nil else { return y }
    var back = order
    for (i, axis) in order.enumerated() { back[axis] = i }
    return y.recorded(from: self) { try $0.permuted(back) }
  }

  /// Two axes exchanged, the last two by default.
  public func transposed(_ a: Int = -2, _ b: Int = -1) throws(TensorError) -> Tensor {
    let a = try resolved(axis: a, rank: rank, "a")
    let b = try resolved(axis: b, rank: rank, "b")
    var order = Array(0..<rank)
    order.swapAt(a, b)
    return try permuted(order)
  }

  /// The elements along `axes` in opposite order.
  public func reversed(axes: [Int]) throws(TensorError) -> Tensor {
    var result = self
    for axis in axes {
      let axis = try resolved(axis: axis, rank: rank, "axes")
      result = try result.selecting(
        Tensor<Int32>((0..<shape[axis]).reversed().map { Int32($0) }), axis: axis)
    }
    return result
  }
}
