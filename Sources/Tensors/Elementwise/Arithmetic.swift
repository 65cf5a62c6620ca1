import CKernels

// Arithmetic between tensors broadcasts as in NumPy.

extension Tensor where Element: TensorScalar {
  public static func + (a: Tensor, b: Tensor) throws(TensorError) -> Tensor {
    let shapeA = a.shape
    let shapeB = b.shape
    let y = try combine(.add, a, b, "+")
    if a.body.tape == nil && b.body.tape == nil { return y }
    return try y.recorded(from: a, { try $0.summed(to: shapeA) }, and: b, { try $0.summed(to: shapeB) })
  }

  public static func - (a: Tensor, b: Tensor) throws(TensorError) -> Tensor {
    let shapeA = a.shape
    let shapeB = b.shape
    let y = try combine(.subtract, a, b, "-")
    if a.body.tape == nil && b.body.tape == nil { return y }
    return try y.recorded(from: a, { try $0.summed(to: shapeA) }, and: b, { try $0.negated().summed(to: shapeB) })
  }

  /// Element by element; for matrix products see `matmul`.
  public static func * (a: Tensor, b: Tensor) throws(TensorError) -> Tensor {
    let y = try combine(.multiply, a, b, "*")
    if a.body.tape == nil && b.body.tape == nil { return y }
    return try y.recorded(
      from: a, { try combine(.multiply, $0, b, "*").summed(to: a.shape) },
      and: b, { try combine(.multiply, $0, a, "*").summed(to: b.shape) })
  }

  public static func / (a: Tensor, b: Tensor) throws(TensorError) -> Tensor {
    let y = try combine(.divide, a, b, "/")
    if a.body.tape == nil && b.body.tape == nil { return y }
    let quotient = Tensor(body: Body(viewing: y.body, shape: y.shape))
    return try y.recorded(
      from: a, { try combine(.divide, $0, b, "/").summed(to: a.shape) },
      and: b, { try combine(.divide, combine(.multiply, $0, quotient, "*"), b, "/").negated().summed(to: b.shape) })
  }

  public static prefix func - (a: Tensor) throws(TensorError) -> Tensor { try a.negated() }

  public static func + (a: Tensor, b: Element) throws(TensorError) -> Tensor { try a.scaled(1, plus: b) }
  public static func + (a: Element, b: Tensor) throws(TensorError) -> Tensor { try b.scaled(1, plus: a) }
  public static func - (a: Tensor, b: Element) throws(TensorError) -> Tensor { try a.scaled(1, plus: -b) }
  public static func - (a: Element, b: Tensor) throws(TensorError) -> Tensor { try b.scaled(-1, plus: a) }
  public static func * (a: Tensor, b: Element) throws(TensorError) -> Tensor { try a.scaled(b, plus: 0) }
  public static func * (a: Element, b: Tensor) throws(TensorError) -> Tensor { try b.scaled(a, plus: 0) }
  public static func / (a: Tensor, b: Element) throws(TensorError) -> Tensor { try combined(a, .divide, Tensor(b)) }
  public static func / (a: Element, b: Tensor) throws(TensorError) -> Tensor { try b.reciprocal().scaled(a, plus: 0) }

  private static func combined(_ a: Tensor, _ function: BinaryFunction, _ b: Tensor) throws(TensorError) -> Tensor {
    try combine(function, a, b, "/").recorded(from: a) { try combine(function, $0, b, "/") }
  }

  /// `scale·x + shift`.
  func scaled(_ scale: Element, plus shift: Element) throws(TensorError) -> Tensor {
    let y = try Tensor.uninitialized(shape, body.layout)
    parallelFor(count, grain: elementwiseGrain) { part in
      let at = part.lowerBound
      if body.type == .float32 {
        kk_scale_shift_f32(part.count, Float(scale), Float(shift), body.f32 + at, y.body.f32 + at)
      } else {
        kk_scale_shift_f64(part.count, Double(scale), Double(shift), body.f64 + at, y.body.f64 + at)
      }
    }
    return body.tape == nil ? y : y.recorded(from: self) { try $0.scaled(scale, plus: 0) }
  }

  /// The larger of two numbers, element by element; where they are equal each side gets half the gradient.
  public static func maximum(_ a: Tensor, _ b: Tensor) throws(TensorError) -> Tensor {
    try selecting(.maximum, .greater, a, b, "maximum")
  }

  /// The smaller of two numbers, element by element; where they are equal each side gets half the gradient.
  public static func minimum(_ a: Tensor, _ b: Tensor) throws(TensorError) -> Tensor {
    try selecting(.minimum, .less, a, b, "minimum")
  }

  private static func selecting(
    _ function: BinaryFunction, _ wins: BinaryFunction, _ a: Tensor, _ b: Tensor, _ operation: String
  ) throws(TensorError) -> Tensor {
    let y = try combine(function, a, b, operation)
    if a.body.tape == nil && b.body.tape == nil { return y }
    func share(_ g: Tensor, _ x: Tensor, _ other: Tensor) throws(TensorError) -> Tensor {
      let won = try combine(wins, x, other, operation)
      let tied = try combine(.equal, x, other, operation)
      return try combine(.multiply, g, combine(.add, won, tied * 0.5, operation), operation).summed(to: x.shape)
    }
    let plainA = a.detached()
    let plainB = b.detached()
    return try y.recorded(
      from: a, { try share($0, plainA, plainB) }, and: b, { try share($0, plainB, plainA) })
  }

  /// `a^b`, element by element.
  public static func power(_ a: Tensor, _ b: Tensor) throws(TensorError) -> Tensor {
    let y = try combine(.pow, a, b, "power")
    if a.body.tape == nil && b.body.tape == nil { return y }
    let base = a.detached()
    let exponent = b.detached()
    let result = Tensor(body: Body(viewing: y.body, shape: y.shape))
    return try y.recorded(
      from: a, { try ($0 * exponent * power(base, exponent - 1)).summed(to: base.shape) },
      and: b, { try ($0 * result * log(base)).summed(to: exponent.shape) })
  }

  /// The angle of the points (x, y), in radians, within ±π.
  public static func atan2(_ y: Tensor, _ x: Tensor) throws(TensorError) -> Tensor {
    let angle = try combine(.atan2, y, x, "atan2")
    if y.body.tape == nil && x.body.tape == nil { return angle }
    let py = y.detached()
    let px = x.detached()
    return try angle.recorded(
      from: y, { try ($0 * px / (px * px + py * py)).summed(to: py.shape) },
      and: x, { try ($0 * py / (px * px + py * py)).negated().summed(to: px.shape) })
  }
}
