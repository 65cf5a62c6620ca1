// What an operation calls to be differentiable. Pullbacks work on tensors that no tape follows any more.

/// The tape that follows any of the inputs.
/// - Throws: `TensorError.nestedGradient` when two tapes do.
@inline(__always)
package func commonTape(_ a: Body, _ b: Body) throws(TensorError) -> Tape? {
  guard let first = a.tape else { return b.tape }
  guard let second = b.tape, second !== first else { return first }
  // A computation that is over follows nothing any more.
  guard first.isRecording else { return second }
  if second.isRecording { throw .nestedGradient }
  return first
}

extension Tensor {
  /// Records that this fresh result came from `input`, with `pullback` giving the gradient of `input` from its own.
  package func recorded(from input: Tensor, _ pullback: @escaping (Tensor) throws -> Tensor) -> Tensor {
    guard let tape = input.body.tape else { return self }
    let index = input.body.index
    tape.record(body) { gradient, gradients in
      gradients.add(try pullback(Tensor(body: gradient)).body, to: index)
    }
    return self
  }

  /// The same for two inputs; a pullback runs only when its input is followed.
  package func recorded(
    from a: Tensor, _ pullbackA: @escaping (Tensor) throws -> Tensor,
    and b: Tensor, _ pullbackB: @escaping (Tensor) throws -> Tensor
  ) throws(TensorError) -> Tensor {
    guard let tape = try commonTape(a.body, b.body) else { return self }
    let ia = a.body.index
    let ib = b.body.index
    tape.record(body) { gradient, gradients in
      let gradient = Tensor(body: gradient)
      if ia >= 0 { gradients.add(try pullbackA(gradient).body, to: ia) }
      if ib >= 0 { gradients.add(try pullbackB(gradient).body, to: ib) }
    }
    return self
  }

  /// The same for any number of inputs: `pullback` gets which inputs need a gradient and returns them in order.
  package func recorded(
    from inputs: [Tensor], _ pullback: @escaping (Tensor, [Bool]) throws -> [Tensor?]
  ) throws(TensorError) -> Tensor {
    var tape: Tape?
    for input in inputs {
      guard let other = input.body.tape, other.isRecording else { continue }
      if let tape, tape !== other { throw .nestedGradient }
      tape = other
    }
    guard let tape else { return self }
    let indices = inputs.map(\.body.index)
    tape.record(body) { gradient, gradients in
      let results = try pullback(Tensor(body: gradient), indices.map { $0 >= 0 })
      for (index, result) in zip(indices, results) {
        if let result { gradients.add(result.body, to: index) }
      }
    }
    return self
  }
}
