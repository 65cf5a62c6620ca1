import CKernels

/// An activation that a layer can apply while its result is still in the cache.
public enum Activation: Sendable, Codable {
  case identity, relu, tanh, sigmoid

  package var function: UnaryFunction? {
    switch self {
    case .identity: nil
    case .relu: .relu
    case .tanh: .tanh
    case .sigmoid: .sigmoid
    }
  }
}

/// `activation(x·weight + bias)` in one operation.
///
/// - Parameters:
///   - x: shape `[…, inputs]`.
///   - weight: shape `[inputs, outputs]`, or the other way round when transposed.
///   - bias: shape `[outputs]`, or nil.
/// - Returns: shape `[…, outputs]`.
/// - Throws: `TensorError` when the shapes do not fit.
public func linear<Scalar: TensorScalar>(
  _ x: Tensor<Scalar>, _ weight: Tensor<Scalar>, bias: Tensor<Scalar>? = nil, activation: Activation = .identity,
  transposingWeight: Bool = false
) throws(TensorError) -> Tensor<Scalar> {
  let flip = transposingWeight
  guard weight.rank == 2, x.rank >= 1, x.shape[x.rank - 1] == weight.shape[flip ? 1 : 0]
  else { throw .incompatibleShapes(operation: "linear", left: x.shape, right: weight.shape) }
  let (inputs, outputs) = (weight.shape[flip ? 1 : 0], weight.shape[flip ? 0 : 1])
  let columns = weight.shape[1]
  if let bias, bias.shape != [outputs] {
    throw .wrongShape(argument: "bias", found: bias.shape, expected: "[\(outputs)], one for each output")
  }
  let input = try x.body.in(.rowMajor)
  let w = weight.body
  let b = bias?.body
  let rows = input.count / max(1, inputs)
  let y = try Body(w.type, x.rank == 2 ? [rows, outputs] : Array(x.shape.dropLast()) + [outputs])
  gemm(w.type, false, flip, rows, outputs, inputs, 1, input.pointer, inputs, w.pointer, columns, 0, y.pointer, outputs)
  addBias(b, activation, rows, outputs, y)

  var tape = try commonTape(x.body, w)
  if let b, let other = b.tape {
    if let tape, tape !== other, tape.isRecording, other.isRecording { throw .nestedGradient }
    tape = other
  }
  guard let tape else { return Tensor(body: y) }
  let result = Body(viewing: y, shape: y.shape)
  let xIndex = x.body.index
  tape.record(y) { upstream, gradients in
    let g = try activationGradient(activation, upstream.in(.rowMajor), result)
    let flat = Body(viewing: g, shape: [rows, outputs])
    let flatX = Body(viewing: input, shape: [rows, inputs])
    if let b, b.index >= 0 {
      gradients.add(try columnSums(g, rows, outputs), to: b.index)
    }
    if w.index >= 0 {
      try flip
        ? addGradientProduct(flat, flatX, true, false, to: w.index, shape: w.shape, gradients)
        : addGradientProduct(flatX, flat, true, false, to: w.index, shape: w.shape, gradients)
    }
    if xIndex >= 0 {
      let d = try Body(g.type, input.shape)
      gemm(g.type, false, !flip, rows, inputs, outputs, 1, g.pointer, outputs, w.pointer, columns, 0, d.pointer, inputs)
      gradients.add(d, to: xIndex)
    }
  }
  return Tensor(body: y)
}

/// The gradient before an activation, from that after it and the activation's result.
private func activationGradient(_ activation: Activation, _ g: Body, _ result: Body) throws(TensorError) -> Body {
  guard let function = activation.function else { return g }
  let d = try Body(g.type, g.shape)
  if g.type == .float32 {
    kk_unary_gradient_f32(function.rawValue, g.count, 0, g.f32, result.f32, result.f32, d.f32)
  } else {
    kk_unary_gradient_f64(function.rawValue, g.count, 0, g.f64, result.f64, result.f64, d.f64)
  }
  return d
}

private func columnSums(_ g: Body, _ rows: Int, _ columns: Int) throws(TensorError) -> Body {
  let d = try Body(g.type, [columns])
  if g.type == .float32 {
    kk_reduce_f32(Reduction.sum.rawValue, 1, rows, columns, g.f32, d.f32)
  } else {
    kk_reduce_f64(Reduction.sum.rawValue, 1, rows, columns, g.f64, d.f64)
  }
  return d
}

private func addBias(_ bias: Body?, _ activation: Activation, _ rows: Int, _ columns: Int, _ y: Body) {
  if bias == nil && activation == .identity { return }
  let function = (activation.function ?? .negate).rawValue
  let code = activation == .identity ? -1 : function
  parallelFor(rows, grain: max(1, elementwiseGrain / max(1, columns))) { part in
    let at = part.lowerBound * columns
    if y.type == .float32 {
      kk_bias_activation_f32(code, part.count, columns, bias?.f32, y.f32 + at, y.f32 + at)
    } else {
      kk_bias_activation_f64(code, part.count, columns, bias?.f64, y.f64 + at, y.f64 + at)
    }
  }
}
