import CKernels

/// An array of complex numbers, kept as pairs (real, imaginary).
///
/// Gradients treat the two parts as independent real numbers: that of a real function f is ∂f/∂re + i·∂f/∂im.
public struct ComplexTensor<Element: TensorScalar>: Sendable {
  /// The pairs along a last axis of extent 2.
  public let interleaved: Tensor<Element>

  init(interleaved: Tensor<Element>) { self.interleaved = interleaved }

  /// From the pairs along a last axis of extent 2.
  /// - Throws: `TensorError.wrongShape` when there is no such axis.
  public init(pairs: Tensor<Element>) throws(TensorError) {
    guard pairs.shape.last == 2
    else { throw .wrongShape(argument: "pairs", found: pairs.shape, expected: "[…, 2]") }
    interleaved = pairs
  }

  public init(real: Tensor<Element>, imaginary: Tensor<Element>) throws(TensorError) {
    guard real.shape == imaginary.shape
    else { throw .incompatibleShapes(operation: "ComplexTensor", left: real.shape, right: imaginary.shape) }
    interleaved = try Tensor.stack([real, imaginary], axis: -1)
  }

  /// Numbers of magnitude and phase (radians).
  public init(magnitude: Tensor<Element>, phase: Tensor<Element>) throws(TensorError) {
    try self.init(real: magnitude * cos(phase), imaginary: magnitude * sin(phase))
  }

  public var shape: [Int] { Array(interleaved.shape.dropLast()) }
  public var rank: Int { interleaved.rank - 1 }
  public var count: Int { interleaved.count / 2 }
  public func real() throws(TensorError) -> Tensor<Element> { try interleaved.at(0, axis: -1) }
  public func imaginary() throws(TensorError) -> Tensor<Element> { try interleaved.at(1, axis: -1) }

  public static func + (a: Self, b: Self) throws(TensorError) -> Self {
    Self(interleaved: try a.interleaved + b.interleaved)
  }
  public static func - (a: Self, b: Self) throws(TensorError) -> Self {
    Self(interleaved: try a.interleaved - b.interleaved)
  }
  public static func * (a: Self, b: Element) throws(TensorError) -> Self { Self(interleaved: try a.interleaved * b) }
  /// By real numbers, element by element.
  public static func * (a: Self, b: Tensor<Element>) throws(TensorError) -> Self {
    Self(interleaved: try a.interleaved * b.expanded(axis: -1))
  }

  /// Element by element.
  public static func * (a: Self, b: Self) throws(TensorError) -> Self {
    let shape = try broadcastShape(a.shape, b.shape, "*")
    return try product(a.broadcast(to: shape), b.broadcast(to: shape), conjugating: false)
  }

  /// Element by element.
  public static func / (a: Self, b: Self) throws(TensorError) -> Self {
    try a * b.conjugate() * b.squaredMagnitude().reciprocal()
  }

  public func conjugate() throws(TensorError) -> Self {
    Self(interleaved: try interleaved * Tensor([1, -1]))
  }

  /// `re² + im²`.
  public func squaredMagnitude() throws(TensorError) -> Tensor<Element> { try interleaved.squared().sum(axes: [-1]) }
  /// `√(re² + im²)`; the gradient at 0 is not finite.
  public func magnitude() throws(TensorError) -> Tensor<Element> { try squaredMagnitude().squareRoot() }
  /// The angle in radians, within ±π.
  public func phase() throws(TensorError) -> Tensor<Element> { try Tensor.atan2(imaginary(), real()) }

  public func reshaped(_ shape: [Int?]) throws(TensorError) -> Self {
    Self(interleaved: try interleaved.reshaped(shape + [2]))
  }
  public func permuted(_ order: [Int]) throws(TensorError) -> Self {
    Self(interleaved: try interleaved.permuted(order + [rank]))
  }
  public func transposed() throws(TensorError) -> Self { Self(interleaved: try interleaved.transposed(-3, -2)) }
  public func slice(_ range: Range<Int>, axis: Int) throws(TensorError) -> Self {
    Self(interleaved: try interleaved.slice(range, axis: try resolved(axis: axis, rank: rank)))
  }
  public func broadcast(to shape: [Int]) throws(TensorError) -> Self {
    Self(interleaved: try interleaved.broadcast(to: shape + [2]))
  }
  public func detached() -> Self { Self(interleaved: interleaved.detached()) }

  private static func product(_ a: Self, _ b: Self, conjugating: Bool) throws(TensorError) -> Self {
    let x = try a.interleaved.rowMajor()
    let w = try b.interleaved.rowMajor()
    let y = try Tensor<Element>.uninitialized(x.shape)
    if y.body.type == .float32 {
      kk_complex_multiply_f32(conjugating ? 1 : 0, y.count / 2, x.body.f32, w.body.f32, y.body.f32)
    } else {
      kk_complex_multiply_f64(conjugating ? 1 : 0, y.count / 2, x.body.f64, w.body.f64, y.body.f64)
    }
    let plainX = Self(interleaved: x.detached())
    let plainW = Self(interleaved: w.detached())
    // d(a·b): da = g·conj(b), db = g·conj(a); with conj(b): db = a·conj(g).
    return Self(
      interleaved: try y.recorded(
        from: x,
        { g in
          try conjugating
            ? (Self(interleaved: g) * plainW).interleaved
            : product(Self(interleaved: g), plainW, conjugating: true).interleaved
        },
        and: w,
        { g in
          try conjugating
            ? product(plainX, Self(interleaved: g), conjugating: true).interleaved
            : product(Self(interleaved: g), plainX, conjugating: true).interleaved
        }))
  }
}

/// Complex matrix product over the last two axes.
public func matmul<E: TensorScalar>(_ a: ComplexTensor<E>, _ b: ComplexTensor<E>) throws(TensorError) -> ComplexTensor<
  E
> {
  let (ar, ai) = (try a.real(), try a.imaginary())
  let (br, bi) = (try b.real(), try b.imaginary())
  return try ComplexTensor(
    real: matmul(ar, br) - matmul(ai, bi), imaginary: matmul(ar, bi) + matmul(ai, br))
}

extension ComplexTensor {
  /// Conjugate and transposed, over the last two axes.
  public func adjoint() throws(TensorError) -> Self { try conjugate().transposed() }

  /// The real matrices that multiply as these complex ones do: `[[Re, −Im], [Im, Re]]`.
  fileprivate func realBlocks() throws(TensorError) -> Tensor<Element> {
    let (re, im) = (try real(), try imaginary())
    return try Tensor.concatenate(
      [Tensor.concatenate([re, im.negated()], axis: -1), Tensor.concatenate([im, re], axis: -1)], axis: -2)
  }
}

/// The solution x of `a·x = b` for complex matrices, by the real system of twice the size.
///
/// - Parameters:
///   - a: shape `[…, n, n]`.
///   - b: shape `[…, n, k]`.
/// - Throws: `TensorError.singularMatrix` when a pivot is exactly zero.
public func solve<E: TensorScalar>(_ a: ComplexTensor<E>, _ b: ComplexTensor<E>) throws(TensorError) -> ComplexTensor<E>
{
  guard a.rank >= 2, b.rank >= 2, a.shape[a.rank - 1] == a.shape[a.rank - 2], b.shape[b.rank - 2] == a.shape[a.rank - 1]
  else { throw .incompatibleShapes(operation: "solve", left: a.shape, right: b.shape) }
  let x = try solve(a.realBlocks(), Tensor.concatenate([b.real(), b.imaginary()], axis: -2))
  let parts = try x.split(into: 2, axis: -2)
  return try ComplexTensor(real: parts[0], imaginary: parts[1])
}
