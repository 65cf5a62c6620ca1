import CFFTW

/// How a Fourier transform is scaled.
public enum FourierScaling: Sendable, Codable {
  /// Forward unscaled, inverse divided by the count.
  case inverse
  /// Both divided by the root of the count: lengths are kept.
  case unitary
}

/// A transform that FFTW has planned: extents, direction, batch, number type.
private struct PlanKey: Hashable, Sendable {
  enum Kind: Sendable { case forward, backward, realToComplex, complexToReal }
  var extents: [Int], batch: Int, kind: Kind, double: Bool
}

/// Plans are made once, under a lock, because FFTW's planner is not reentrant; running one is.
private enum Plans {
  private struct Handle: @unchecked Sendable { let plan: OpaquePointer }
  private static let known = Locked<[PlanKey: Handle]>([:])

  static func plan(_ key: PlanKey, _ input: UnsafeMutableRawPointer, _ output: UnsafeMutableRawPointer)
    throws(TensorError) -> OpaquePointer
  {
    let handle = known.withLock { known -> Handle? in
      if let handle = known[key] { return handle }
      // ESTIMATE leaves the arrays alone; UNALIGNED lets the plan run on any other array.
      let flags =
        UInt32(FFTW_ESTIMATE) | UInt32(1 << 1) | (key.kind == .complexToReal ? UInt32(1 << 0) : UInt32(1 << 4))
      let n = key.extents.map(Int32.init)
      let rank = Int32(n.count)
      let batch = Int32(key.batch)
      let all = Int32(key.extents.reduce(1, *))
      let half = all / (n.last ?? 1) * ((n.last ?? 1) / 2 + 1)
      let made: OpaquePointer?
      if key.double {
        let d = input.assumingMemoryBound(to: Double.self)
        let e = output.assumingMemoryBound(to: Double.self)
        let c = input.assumingMemoryBound(to: fftw_complex.self)
        let o = output.assumingMemoryBound(to: fftw_complex.self)
        switch key.kind {
        case .forward: made = fftw_plan_many_dft(rank, n, batch, c, nil, 1, all, o, nil, 1, all, FFTW_FORWARD, flags)
        case .backward: made = fftw_plan_many_dft(rank, n, batch, c, nil, 1, all, o, nil, 1, all, FFTW_BACKWARD, flags)
        case .realToComplex: made = fftw_plan_many_dft_r2c(rank, n, batch, d, nil, 1, all, o, nil, 1, half, flags)
        case .complexToReal: made = fftw_plan_many_dft_c2r(rank, n, batch, c, nil, 1, half, e, nil, 1, all, flags)
        }
      } else {
        let d = input.assumingMemoryBound(to: Float.self)
        let e = output.assumingMemoryBound(to: Float.self)
        let c = input.assumingMemoryBound(to: fftwf_complex.self)
        let o = output.assumingMemoryBound(to: fftwf_complex.self)
        switch key.kind {
        case .forward: made = fftwf_plan_many_dft(rank, n, batch, c, nil, 1, all, o, nil, 1, all, FFTW_FORWARD, flags)
        case .backward: made = fftwf_plan_many_dft(rank, n, batch, c, nil, 1, all, o, nil, 1, all, FFTW_BACKWARD, flags)
        case .realToComplex: made = fftwf_plan_many_dft_r2c(rank, n, batch, d, nil, 1, all, o, nil, 1, half, flags)
        case .complexToReal: made = fftwf_plan_many_dft_c2r(rank, n, batch, c, nil, 1, half, e, nil, 1, all, flags)
        }
      }
      guard let made else { return nil }
      let handle = Handle(plan: made)
      known[key] = handle
      return handle
    }
    guard let handle else {
      throw .invalidArgument("axes", found: "\(key.extents)", expected: "extents that FFTW can plan")
    }
    return handle.plan
  }
}

/// Runs one transform over the last axes, unscaled.
private func transform<E: TensorScalar>(_ x: Tensor<E>, _ key: PlanKey, into y: Tensor<E>) throws(TensorError) {
  guard key.batch > 0 else { return }
  guard max(x.count, y.count) <= Int(Int32.max) else { throw .tooLarge(shape: x.shape) }
  let plan = try Plans.plan(key, x.body.pointer, y.body.pointer)
  let a = x.body.pointer
  let b = y.body.pointer
  switch (key.kind, key.double) {
  case (.forward, true), (.backward, true):
    fftw_execute_dft(plan, a.assumingMemoryBound(to: fftw_complex.self), b.assumingMemoryBound(to: fftw_complex.self))
  case (.forward, false), (.backward, false):
    fftwf_execute_dft(
      plan, a.assumingMemoryBound(to: fftwf_complex.self), b.assumingMemoryBound(to: fftwf_complex.self))
  case (.realToComplex, true): fftw_execute_dft_r2c(plan, x.body.f64, b.assumingMemoryBound(to: fftw_complex.self))
  case (.realToComplex, false): fftwf_execute_dft_r2c(plan, x.body.f32, b.assumingMemoryBound(to: fftwf_complex.self))
  case (.complexToReal, true): fftw_execute_dft_c2r(plan, a.assumingMemoryBound(to: fftw_complex.self), y.body.f64)
  case (.complexToReal, false): fftwf_execute_dft_c2r(plan, a.assumingMemoryBound(to: fftwf_complex.self), y.body.f32)
  }
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
    let key = PlanKey(
      extents: extents, batch: count / extents.reduce(1, *), kind: inverse ? .backward : .forward,
      double: Element._elementType.type == .float64)
    func run(_ x: Tensor<Element>, _ key: PlanKey) throws(TensorError) -> Tensor<Element> {
      let y = try Tensor<Element>.uninitialized(x.shape)
      try transform(x.rowMajor(), key, into: y)
      return scale == 1 ? y : try y.scaled(scale, plus: 0)
    }
    // The adjoint of an unscaled transform is the one in the other direction.
    var adjoint = key
    adjoint.kind = inverse ? .forward : .backward
    let back = adjoint
    return ComplexTensor(
      interleaved: try run(interleaved.detached(), key).recorded(from: interleaved) { try run($0, back) })
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
    let double = Element._elementType.type == .float64
    let batch = count / frequencies.reduce(1, *)
    let y = try Tensor<Element>.uninitialized(Array(shape.dropLast(axes)) + extents)
    // This plan overwrites its input.
    try transform(
      interleaved.detached().copied(), PlanKey(extents: extents, batch: batch, kind: .complexToReal, double: double),
      into: y)
    let shape = interleaved.shape
    return try y.scaled(scale, plus: 0).recorded(from: interleaved) { g in
      let d = try Tensor<Element>.uninitialized(shape)
      try transform(
        g.rowMajor(), PlanKey(extents: extents, batch: batch, kind: .realToComplex, double: double), into: d)
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
    let double = Element._elementType.type == .float64
    let batch = count / extents.reduce(1, *)
    let y = try Tensor.uninitialized(Array(shape.dropLast()) + [last / 2 + 1, 2])
    try transform(
      detached().rowMajor(), PlanKey(extents: extents, batch: batch, kind: .realToComplex, double: double), into: y)
    let scaled = scale == 1 ? y : try y.scaled(scale, plus: 0)
    let shape = shape
    return ComplexTensor(
      interleaved: scaled.recorded(from: self) { g in
        // The inverse transform counts the mirror images too, so they are taken out of the gradient first.
        let share: Tensor = try halfSpectrumWeights(last).reciprocal() * scale
        let d = try Tensor.uninitialized(shape)
        try transform(
          (g * share).rowMajor(), PlanKey(extents: extents, batch: batch, kind: .complexToReal, double: double), into: d
        )
        return d
      })
  }
}
