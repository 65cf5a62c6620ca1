import CKernels

// Updates of parameters in place. Memory that another tensor shares is copied first.
extension Tensor where Element: TensorScalar {
  /// A gradient in the order of the parameters' memory.
  private func matching(_ gradient: Tensor) throws(TensorError) -> Tensor {
    guard gradient.shape == shape
    else { throw .incompatibleShapes(operation: "update", left: shape, right: gradient.shape) }
    return try gradient.rowMajor()
  }

  /// One step of gradient descent; `velocity` is nil without momentum.
  package mutating func descend(
    _ gradient: Tensor, rate: Double, momentum: Double, decay: Double, nesterov: Bool, velocity: inout Tensor?
  ) throws(TensorError) {
    let g = try matching(gradient).body
    try makeUnique()
    try velocity?.makeUnique()
    let p = body
    let v = velocity?.body
    parallelFor(count, grain: elementwiseGrain) { part in
      let at = part.lowerBound
      if p.type == .float32 {
        kk_sgd_f32(
          part.count, Float(rate), Float(momentum), Float(decay), nesterov ? 1 : 0, g.f32 + at, p.f32 + at,
          v.map { $0.f32 + at })
      } else {
        kk_sgd_f64(part.count, rate, momentum, decay, nesterov ? 1 : 0, g.f64 + at, p.f64 + at, v.map { $0.f64 + at })
      }
    }
  }

  /// One step of Adam; `bias` are 1 − β₁ᵗ and 1 − β₂ᵗ.
  package mutating func adapt(
    _ gradient: Tensor, rate: Double, beta1: Double, beta2: Double, epsilon: Double, decay: Double, decoupled: Bool,
    bias: (Double, Double), first: inout Tensor, second: inout Tensor
  ) throws(TensorError) {
    let g = try matching(gradient).body
    try makeUnique()
    try first.makeUnique()
    try second.makeUnique()
    let p = body
    let m = first.body
    let v = second.body
    parallelFor(count, grain: elementwiseGrain / 2) { part in
      let at = part.lowerBound
      if p.type == .float32 {
        kk_adam_f32(
          part.count, Float(rate), Float(beta1), Float(beta2), Float(epsilon), Float(decay), decoupled ? 1 : 0,
          Float(bias.0), Float(bias.1), g.f32 + at, p.f32 + at, m.f32 + at, v.f32 + at)
      } else {
        kk_adam_f64(
          part.count, rate, beta1, beta2, epsilon, decay, decoupled ? 1 : 0, bias.0, bias.1, g.f64 + at, p.f64 + at,
          m.f64 + at, v.f64 + at)
      }
    }
  }

  /// `self + scale·other`, in place: what an update rule of one's own is made of.
  public mutating func add(_ other: Tensor, scaledBy scale: Element = 1) throws(TensorError) {
    let x = try matching(other).body
    try makeUnique()
    let y = body
    parallelFor(count, grain: elementwiseGrain) { part in
      let at = part.lowerBound
      if y.type == .float32 {
        kk_axpy_f32(part.count, Float(scale), x.f32 + at, y.f32 + at)
      } else {
        kk_axpy_f64(part.count, Double(scale), x.f64 + at, y.f64 + at)
      }
    }
  }

  /// `self + scale·op(a)·op(b)` for matrices, in place; op transposes where asked.
  public mutating func addProduct(
    _ a: Tensor, _ b: Tensor, transposingA ta: Bool = false, transposingB tb: Bool = false, scaledBy scale: Element = 1
  ) throws(TensorError) {
    guard a.rank == 2, b.rank == 2 else {
      throw .incompatibleShapes(operation: "addProduct", left: a.shape, right: b.shape)
    }
    let (m, k) = ta ? (a.shape[1], a.shape[0]) : (a.shape[0], a.shape[1])
    let (inner, n) = tb ? (b.shape[1], b.shape[0]) : (b.shape[0], b.shape[1])
    guard k == inner else { throw .incompatibleShapes(operation: "addProduct", left: a.shape, right: b.shape) }
    guard shape == [m, n] else { throw .wrongShape(argument: "self", found: shape, expected: "[\(m), \(n)]") }
    try makeUnique()
    gemm(ta, tb, m, n, k, Double(scale), a.pointer, a.shape[1], b.pointer, b.shape[1], 1, pointer, n)
  }

  /// Σx², in Double.
  package var squaredNorm: Double {
    body.type == .float32 ? kk_dot_f32(count, body.f32, body.f32) : kk_dot_f64(count, body.f64, body.f64)
  }
}
