/// A value and its gradients.
///
/// - Parameters:
///   - points: the tensors to differentiate with respect to.
///   - function: computes one number from them.
/// - Returns: the number, and a gradient of the shape of each point (zeros where the number does not depend on it).
/// - Throws: what `function` throws; `TensorError.wrongShape` when its result is not one number.
public func valueAndGradient<Element: TensorScalar>(
  at points: [Tensor<Element>], in function: ([Tensor<Element>]) throws -> Tensor<Element>
) throws -> (value: Tensor<Element>, gradients: [Tensor<Element>]) {
  let tape = Tape()
  defer { tape.close() }
  let leaves = try points.map { point in
    if point.body.tape?.isRecording == true { throw TensorError.nestedGradient }
    let leaf = Body(viewing: point.body, shape: point.shape)
    tape.record(leaf, nil)
    return leaf
  }
  let result = try function(leaves.map { Tensor(body: $0) })
  guard result.count == 1
  else { throw TensorError.wrongShape(argument: "function", found: result.shape, expected: "a result of one number") }
  let gradients = try tape.gradients(of: result.body, at: leaves)
  return (
    result.detached(),
    try zip(gradients, points).map { gradient, point in
      try gradient.map { Tensor(body: $0) } ?? Tensor.zeros(point.shape)
    }
  )
}

/// A value and its gradient at one point.
public func valueAndGradient<Element: TensorScalar>(
  at point: Tensor<Element>, in function: (Tensor<Element>) throws -> Tensor<Element>
) throws -> (value: Tensor<Element>, gradient: Tensor<Element>) {
  let (value, gradients) = try valueAndGradient(at: [point]) { try function($0[0]) }
  return (value, gradients[0])
}

/// A value and its gradients at two points.
public func valueAndGradient<Element: TensorScalar>(
  at a: Tensor<Element>, _ b: Tensor<Element>,
  in function: (Tensor<Element>, Tensor<Element>) throws -> Tensor<Element>
) throws -> (value: Tensor<Element>, gradients: (Tensor<Element>, Tensor<Element>)) {
  let (value, gradients) = try valueAndGradient(at: [a, b]) { try function($0[0], $0[1]) }
  return (value, (gradients[0], gradients[1]))
}

/// An operation whose gradient the caller defines.
///
///     // Rounds, and passes the gradient through as if it had not.
///     let y = try withCustomGradient(of: [x]) { try $0[0].rounded() } gradient: { upstream, _ in [upstream] }
///
/// - Parameters:
///   - inputs: what the operation reads.
///   - function: computes the result; it sees the inputs without a tape.
///   - gradient: from the gradient of the result and the inputs, the gradient of each input, or nil for none.
public func withCustomGradient<Element: TensorScalar>(
  of inputs: [Tensor<Element>], _ function: ([Tensor<Element>]) throws -> Tensor<Element>,
  gradient: @escaping (_ upstream: Tensor<Element>, _ inputs: [Tensor<Element>]) throws -> [Tensor<Element>?]
) throws -> Tensor<Element> {
  let plain = inputs.map { $0.detached() }
  let value = try function(plain)
  let result = Tensor<Element>(body: Body(viewing: value.body, shape: value.shape))
  return try result.recorded(from: inputs) { upstream, _ in
    let gradients = try gradient(upstream, plain)
    guard gradients.count == plain.count else {
      throw TensorError.invalidArgument(
        "gradient", found: "\(gradients.count) gradients", expected: "one for each of \(plain.count) inputs")
    }
    for (found, input) in zip(gradients, plain) where found != nil && found?.shape != input.shape {
      throw TensorError.wrongShape(
        argument: "gradient", found: found?.shape ?? [], expected: "\(input.shape), the shape of its input")
    }
    return gradients
  }
}
