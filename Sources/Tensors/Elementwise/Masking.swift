import CKernels

// Comparisons give 1 where true and 0 where false, in the number type compared, so that masks multiply and add.

infix operator .< : ComparisonPrecedence
infix operator .<= : ComparisonPrecedence
infix operator .> : ComparisonPrecedence
infix operator .>= : ComparisonPrecedence
infix operator .== : ComparisonPrecedence
infix operator .!= : ComparisonPrecedence

extension Tensor where Element: TensorScalar {
  public static func .< (a: Tensor, b: Tensor) throws(TensorError) -> Tensor { try combine(.less, a, b, ".<") }
  public static func .<= (a: Tensor, b: Tensor) throws(TensorError) -> Tensor { try combine(.lessOrEqual, a, b, ".<=") }
  public static func .> (a: Tensor, b: Tensor) throws(TensorError) -> Tensor { try combine(.greater, a, b, ".>") }
  public static func .>= (a: Tensor, b: Tensor) throws(TensorError) -> Tensor {
    try combine(.greaterOrEqual, a, b, ".>=")
  }
  public static func .== (a: Tensor, b: Tensor) throws(TensorError) -> Tensor { try combine(.equal, a, b, ".==") }
  public static func .!= (a: Tensor, b: Tensor) throws(TensorError) -> Tensor { try combine(.notEqual, a, b, ".!=") }
  public static func .< (a: Tensor, b: Element) throws(TensorError) -> Tensor { try a .< Tensor(b) }
  public static func .<= (a: Tensor, b: Element) throws(TensorError) -> Tensor { try a .<= Tensor(b) }
  public static func .> (a: Tensor, b: Element) throws(TensorError) -> Tensor { try a .> Tensor(b) }
  public static func .>= (a: Tensor, b: Element) throws(TensorError) -> Tensor { try a .>= Tensor(b) }
  public static func .== (a: Tensor, b: Element) throws(TensorError) -> Tensor { try a .== Tensor(b) }
  public static func .!= (a: Tensor, b: Element) throws(TensorError) -> Tensor { try a .!= Tensor(b) }

  /// `a` where the mask is not 0, `b` elsewhere; all three broadcast together.
  public static func select(_ mask: Tensor, _ a: Tensor, _ b: Tensor) throws(TensorError) -> Tensor {
    let shape = try broadcastShape(
      try broadcastShape(mask.shape, a.shape, "select"), b.shape, "select")
    let m = try mask.detached().broadcast(to: shape).rowMajor()
    let wideA = try a.broadcast(to: shape).rowMajor()
    let wideB = try b.broadcast(to: shape).rowMajor()
    let y = try uninitialized(shape)
    selectInto(y, m, wideA, wideB)
    return try y.recorded(
      from: wideA, { try $0 * m }, and: wideB, { try selectInto(uninitialized(shape), m, zeros(shape), $0.rowMajor()) })
  }

  @discardableResult
  private static func selectInto(_ y: Tensor, _ m: Tensor, _ a: Tensor, _ b: Tensor) -> Tensor {
    if y.body.type == .float32 {
      kk_select_f32(y.count, m.body.f32, a.body.f32, b.body.f32, y.body.f32)
    } else {
      kk_select_f64(y.count, m.body.f64, a.body.f64, b.body.f64, y.body.f64)
    }
    return y
  }

  /// `value` where the mask is not 0, the tensor's own numbers elsewhere; gradients stop where it was filled.
  public func filled(with value: Element, where mask: Tensor) throws(TensorError) -> Tensor {
    try Tensor.select(mask, Tensor(value), self)
  }

  func clamp(_ bounds: ClosedRange<Element>, gradientOutside: Bool) throws(TensorError) -> Tensor {
    let y = try Tensor.uninitialized(shape, body.layout)
    let low = Double(bounds.lowerBound)
    let high = Double(bounds.upperBound)
    parallelFor(count, grain: elementwiseGrain) { part in
      let at = part.lowerBound
      if body.type == .float32 {
        kk_clamp_f32(part.count, Float(low), Float(high), body.f32 + at, y.body.f32 + at)
      } else {
        kk_clamp_f64(part.count, low, high, body.f64 + at, y.body.f64 + at)
      }
    }
    return y.recorded(from: self) { upstream in
      if gradientOutside { return upstream }
      let g = try upstream.laidOut(self.body.layout)
      let d = try Tensor.uninitialized(g.shape, g.body.layout)
      if g.body.type == .float32 {
        kk_clamp_gradient_f32(g.count, Float(low), Float(high), g.body.f32, self.body.f32, d.body.f32)
      } else {
        kk_clamp_gradient_f64(g.count, low, high, g.body.f64, self.body.f64, d.body.f64)
      }
      return d
    }
  }
}
