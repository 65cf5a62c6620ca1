/// How a Fourier transform is scaled.
public enum FourierScaling: Sendable, Codable {
  /// Forward unscaled, inverse divided by the count.
  case inverse
  /// Both divided by the root of the count: lengths are kept.
  case unitary
}

/// Plans are made once.
private enum Plans {
  private static let known = Locked<[FourierProblem: FourierPlan]>([:])

  static func plan(_ problem: FourierProblem, _ input: UnsafeMutableRawPointer, _ output: UnsafeMutableRawPointer)
    throws(TensorError) -> FourierPlan
  {
    let plan = known.withLock { known -> FourierPlan? in
      if let plan = known[problem] { return plan }
      let made = FourierPlan(problem, input: input, output: output)
      known[problem] = made
      return made
    }
    guard let plan else {
      throw .invalidArgument("axes", found: "\(problem.extents)", expected: "extents that can be planned")
    }
    return plan
  }
}

/// Runs transforms over the last axes, unscaled.
private func transform<E: TensorScalar>(
  _ x: Tensor<E>, _ kind: FourierProblem.Kind, extents: [Int], into y: Tensor<E>
) throws(TensorError) {
  var problem = FourierProblem(kind, extents: extents)
  let signal = kind == .complexToReal ? y : x
  let numbers = kind == .forward || kind == .backward ? 2 : 1
  problem.batch = signal.count / (numbers * problem.signalCount)
  problem.isDouble = E._elementType.type == .float64
  problem.keepsInput = kind != .complexToReal
  guard problem.batch > 0 else { return }
  guard max(x.count, y.count) <= Int(Int32.max) else { throw .tooLarge(shape: x.shape) }
  try Plans.plan(problem, x.body.pointer, y.body.pointer).run(x.body.pointer, y.body.pointer)
}

private func checkAxes(_ shape: [Int], _ axes: Int) throws(TensorError) -> [Int] {
  guard (1...3).contains(axes), axes <= shape.count
  else { throw .invalidArgument("axes", found: "\(axes)", expected: "1 to 3, and at most \(shape.count)") }
  let extents = Array(shape.suffix(axes))
  guard extents.allSatisfy({ $0 > 0 }) else {
    throw .wrongShape(argument: "self", found: shape, expected: "extents above 0")
  }
  return extents
}

extension ComplexTensor {
  private func transformed(_ axes: Int, _ inverse: Bool, _ scaling: FourierScaling) throws(TensorError) -> ComplexTensor
  {
    let extents = try checkAxes(shape, axes)
    let n = Element(extents.reduce(1, *))
    let scale: Element = scaling == .unitary ? 1 / n.squareRoot() : inverse ? 1 / n : 1
    let (there, back): (FourierProblem.Kind, FourierProblem.Kind) =
      inverse ? (.backward, .forward) : (.forward, .backward)
    func run(_ x: Tensor<Element>, _ kind: FourierProblem.Kind) throws(TensorError) -> Tensor<Element> {
      let y = try Tensor<Element>.uninitialized(x.shape)
      try transform(x.rowMajor(), kind, extents: extents, into: y)
      return scale == 1 ? y : try y.scaled(scale, plus: 0)
    }
    // The adjoint of an unscaled transform is the one in the other direction.
    return ComplexTensor(
      interleaved: try run(interleaved.detached(), there).recorded(from: interleaved) { try run($0, back) })
  }

  /// Discrete Fourier transform over the last `axes` axes (1 to 3), `Σ x·exp(−2πi·kn/N)`.
  public func fourierTransformed(axes: Int = 1, scaling: FourierScaling = .inverse) throws(TensorError) -> ComplexTensor
  {
    try transformed(axes, false, scaling)
  }

  /// The inverse of `fourierTransformed` with the same scaling.
  public func inverseFourierTransformed(axes: Int = 1, scaling: FourierScaling = .inverse) throws(TensorError)
    -> ComplexTensor
  {
    try transformed(axes, true, scaling)
  }

  /// The real signal whose `realFourierTransformed` this is.
  ///
  /// - Parameter last: extent of the last axis of the signal, n or n − 1 for n/2 + 1 frequencies.
  public func inverseRealFourierTransformed(
    last: Int, axes: Int = 1, scaling: FourierScaling = .inverse
  ) throws(TensorError) -> Tensor<Element> {
    let frequencies = try checkAxes(shape, axes)
    guard last >= 1, last / 2 + 1 == frequencies[axes - 1] else {
      throw .invalidArgument("last", found: "\(last)", expected: "an extent with \(frequencies[axes - 1]) frequencies")
    }
    let extents = Array(frequencies.dropLast()) + [last]
    let n = Element(extents.reduce(1, *))
    let scale: Element = scaling == .unitary ? 1 / n.squareRoot() : 1 / n
    let y = try Tensor<Element>.uninitialized(Array(shape.dropLast(axes)) + extents)
    // This plan overwrites its input.
    try transform(interleaved.detached().copied(), .complexToReal, extents: extents, into: y)
    let shape = interleaved.shape
    return try y.scaled(scale, plus: 0).recorded(from: interleaved) { g in
      let d = try Tensor<Element>.uninitialized(shape)
      try transform(g.rowMajor(), .realToComplex, extents: extents, into: d)
      return try d * (halfSpectrumWeights(last) * scale)
    }
  }
}

/// Frequencies other than 0 and the highest of an even extent stand for themselves and their mirror image.
private func halfSpectrumWeights<E: TensorScalar>(_ last: Int) throws(TensorError) -> Tensor<E> {
  let half = last / 2 + 1
  return try Tensor((0..<half).map { $0 == 0 || 2 * $0 == last ? 1 : 2 }, shape: [half, 1])
}

extension Tensor where Element: TensorScalar {
  /// The frequencies 0…n/2 of a real signal over the last `axes` axes (1 to 3); the others are their mirror image.
  ///
  /// - Returns: complex, the last extent n/2 + 1.
  public func realFourierTransformed(axes: Int = 1, scaling: FourierScaling = .inverse) throws(TensorError)
    -> ComplexTensor<Element>
  {
    let extents = try checkAxes(shape, axes)
    let n = Element(extents.reduce(1, *))
    let last = extents[axes - 1]
    let scale: Element = scaling == .unitary ? 1 / n.squareRoot() : 1
    let y = try Tensor.uninitialized(Array(shape.dropLast()) + [last / 2 + 1, 2])
    try transform(detached().rowMajor(), .realToComplex, extents: extents, into: y)
    let scaled = scale == 1 ? y : try y.scaled(scale, plus: 0)
    let shape = shape
    return ComplexTensor(
      interleaved: scaled.recorded(from: self) { g in
        // The inverse transform counts the mirror images too, so they are taken out of the gradient first.
        let share: Tensor = try halfSpectrumWeights(last).reciprocal() * scale
        let d = try Tensor.uninitialized(shape)
        try transform((g * share).rowMajor(), .complexToReal, extents: extents, into: d)
        return d
      })
  }
}
