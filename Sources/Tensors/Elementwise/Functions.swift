// Functions of one number, element by element. Each keeps the shape and is differentiable.

extension Tensor where Element: TensorScalar {
  /// `-x`.
  public func negated() throws(TensorError) -> Tensor { try map(.negate) }
  /// `|x|`; the gradient at 0 is 0.
  public func magnitude() throws(TensorError) -> Tensor { try map(.abs) }
  /// `x²`.
  public func squared() throws(TensorError) -> Tensor { try map(.square) }
  /// `√x`.
  public func squareRoot() throws(TensorError) -> Tensor { try map(.sqrt) }
  /// `1/√x`.
  public func reciprocalSquareRoot() throws(TensorError) -> Tensor { try map(.reciprocalSqrt) }
  /// `1/x`.
  public func reciprocal() throws(TensorError) -> Tensor { try map(.reciprocal) }
  /// `x^exponent`; NaN for negative x and a fractional exponent.
  public func power(_ exponent: Element) throws(TensorError) -> Tensor {
    try map(.power, parameter: Double(exponent))
  }
  /// `min(max(x, lower), upper)`; the gradient is 1 inside the bounds and 0 outside.
  public func clamped(to bounds: ClosedRange<Element>) throws(TensorError) -> Tensor {
    try clamp(bounds, gradientOutside: false)
  }
}

/// `eˣ`.
public func exp<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.exp) }
/// Natural logarithm.
public func log<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.log) }
/// `ln(1 + x)`, exact for small x.
public func log1p<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.log1p) }
/// `eˣ − 1`, exact for small x.
public func expm1<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.expm1) }
/// Sine; x in radians.
public func sin<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.sin) }
/// Cosine; x in radians.
public func cos<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.cos) }
/// Tangent; x in radians.
public func tan<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.tan) }
/// Inverse sine, in radians.
public func asin<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.asin) }
/// Inverse cosine, in radians.
public func acos<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.acos) }
/// Inverse tangent, in radians.
public func atan<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.atan) }
/// Hyperbolic sine.
public func sinh<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.sinh) }
/// Hyperbolic cosine.
public func cosh<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.cosh) }
/// Hyperbolic tangent.
public func tanh<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.tanh) }
/// Error function.
public func erf<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.erf) }
/// `1/(1 + e⁻ˣ)`.
public func sigmoid<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.sigmoid) }
/// `max(x, 0)`; the gradient at 0 is 0.
public func relu<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.relu) }
/// `ln(1 + eˣ)`.
public func softplus<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.softplus) }
/// `x·sigmoid(x)`, also called swish.
public func silu<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.silu) }
/// `x·Φ(x)` with the exact normal distribution (Hendrycks & Gimpel 2016).
public func gelu<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.gelu) }
/// The tanh approximation of `gelu` (Hendrycks & Gimpel 2016).
public func geluTanh<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.geluTanh) }
/// `x·tanh(softplus(x))` (Misra 2019).
public func mish<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.mish) }
/// `min(max(x/6 + 1/2, 0), 1)`.
public func hardSigmoid<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.hardSigmoid) }
/// `x·hardSigmoid(x)` (Howard et al. 2019).
public func hardSwish<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.hardSwish) }
/// `x/(1 + |x|)`.
public func softsign<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.softsign) }
/// Self-normalising ELU (Klambauer et al. 2017).
public func selu<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.map(.selu) }

/// `x` where positive, `slope·x` elsewhere.
public func leakyRelu<E: TensorScalar>(_ x: Tensor<E>, slope: E = 0.01) throws(TensorError) -> Tensor<E> {
  try x.map(.leakyRelu, parameter: Double(slope))
}
/// `x` where positive, `scale·(eˣ − 1)` elsewhere (Clevert et al. 2015).
public func elu<E: TensorScalar>(_ x: Tensor<E>, scale: E = 1) throws(TensorError) -> Tensor<E> {
  try x.map(.elu, parameter: Double(scale))
}

// Activations that are made of others.

/// `ln(1/(1 + e⁻ˣ))`, exact for very negative x.
public func logSigmoid<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> {
  try softplus(x.negated()).negated()
}
/// `min(max(x, −1), 1)`.
public func hardTanh<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.clamped(to: -1...1) }
/// `min(max(x, 0), 6)`.
public func relu6<E: TensorScalar>(_ x: Tensor<E>) throws(TensorError) -> Tensor<E> { try x.clamped(to: 0...6) }
/// `max(0, x) + min(0, scale·(exp(x/scale) − 1))` (Barron 2017).
public func celu<E: TensorScalar>(_ x: Tensor<E>, scale: E = 1) throws(TensorError) -> Tensor<E> {
  guard scale != 0 else { throw .invalidArgument("scale", found: "0", expected: "a number other than 0") }
  return try elu(x / scale) * scale
}
/// `x` where positive, `slope·x` elsewhere, with a slope that is learned (He et al. 2015).
///
/// - Parameter slope: broadcasts to the shape of x: `[channels, 1, 1]` for one for each channel of an image.
public func prelu<E: TensorScalar>(_ x: Tensor<E>, slope: Tensor<E>) throws(TensorError) -> Tensor<E> {
  try relu(x) - relu(x.negated()) * slope
}
/// The first half of an axis times the sigmoid of the second (Dauphin et al. 2017).
public func gatedLinearUnit<E: TensorScalar>(_ x: Tensor<E>, axis: Int = -1) throws(TensorError) -> Tensor<E> {
  let parts = try x.split(into: 2, axis: axis)
  return try parts[0] * sigmoid(parts[1])
}
