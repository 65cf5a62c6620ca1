import Tensors

/// Numbers that come in and go out of one unit of a weight: `[inputs, outputs]`, or `[outputs, inputs, window…]`.
private func fans(_ shape: [Int]) throws(TensorError) -> (in: Double, out: Double) {
  guard shape.count >= 2, shape.allSatisfy({ $0 > 0 })
  else { throw .wrongShape(argument: "shape", found: shape, expected: "at least two axes, extents above 0") }
  if shape.count == 2 { return (Double(shape[0]), Double(shape[1])) }
  let window = Double(shape[2...].reduce(1, *))
  return (Double(shape[1]) * window, Double(shape[0]) * window)
}

// Ways to draw the first weights. A shape of two axes is `[inputs, outputs]`; of more, `[outputs, inputs, window…]`.
extension RandomStream {
  /// Uniform with variance 2/(fan in + fan out) (Glorot & Bengio 2010).
  public mutating func glorotUniform<E: TensorScalar>(_ shape: [Int]) throws(TensorError) -> Tensor<E> {
    let fan = try fans(shape)
    let bound = E((6 / (fan.in + fan.out)).squareRoot())
    return try uniform(shape, in: -bound...bound)
  }

  /// Normal with variance 2/(fan in + fan out) (Glorot & Bengio 2010).
  public mutating func glorotNormal<E: TensorScalar>(_ shape: [Int]) throws(TensorError) -> Tensor<E> {
    let fan = try fans(shape)
    return try normal(shape, standardDeviation: E((2 / (fan.in + fan.out)).squareRoot()))
  }

  /// Uniform with variance 2/fan in, for rectifiers (He et al. 2015).
  public mutating func heUniform<E: TensorScalar>(_ shape: [Int]) throws(TensorError) -> Tensor<E> {
    let bound = E((6 / (try fans(shape)).in).squareRoot())
    return try uniform(shape, in: -bound...bound)
  }

  /// Normal with variance 2/fan in, for rectifiers (He et al. 2015).
  public mutating func heNormal<E: TensorScalar>(_ shape: [Int]) throws(TensorError) -> Tensor<E> {
    try normal(shape, standardDeviation: E((2 / (try fans(shape)).in).squareRoot()))
  }

  /// Normal with variance 1/fan in (LeCun et al. 1998).
  public mutating func lecunNormal<E: TensorScalar>(_ shape: [Int]) throws(TensorError) -> Tensor<E> {
    try normal(shape, standardDeviation: E((1 / (try fans(shape)).in).squareRoot()))
  }

  /// Orthonormal rows or columns, whichever are fewer (Saxe et al. 2014).
  public mutating func orthogonal<E: TensorScalar>(_ shape: [Int], gain: E = 1) throws(TensorError) -> Tensor<E> {
    guard shape.count >= 2 else { throw .wrongShape(argument: "shape", found: shape, expected: "at least two axes") }
    let rows = shape[0]
    let columns = shape[1...].reduce(1, *)
    let tall: Tensor<E> = try normal([max(rows, columns), min(rows, columns)])
    let (q, r) = try qr(tall)
    // With the signs of r the factor is unique, and uniform over all orthogonal matrices.
    let signed = try q * r.diagonal().signs() * gain
    return try (rows >= columns ? signed : signed.transposed()).reshaped(shape.map { $0 })
  }

  /// Normal, drawn again until within two standard deviations.
  public mutating func truncatedNormal<E: TensorScalar>(
    _ shape: [Int], standardDeviation: E = 1
  ) throws(TensorError) -> Tensor<E> {
    var y: Tensor<E> = try normal(shape)
    while true {
      let outside = try y.magnitude() .> 2
      if try outside.sum().item() == 0 { return try y * standardDeviation }
      y = try Tensor.select(outside, normal(shape), y)
    }
  }
}
