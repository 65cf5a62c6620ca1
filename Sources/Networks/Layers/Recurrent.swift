import Tensors

/// Long short-term memory over a sequence (Hochreiter & Schmidhuber 1997; gates in PyTorch's order i, f, g, o).
public struct LSTM: Layer {
  /// `[inputs, 4·width]` and `[width, 4·width]`.
  public var input: Dense, recurrent: Dense
  public let width: Int

  public init(_ inputs: Int, _ width: Int, using random: inout RandomStream) throws {
    input = try Dense(inputs, 4 * width, using: &random)
    recurrent = try Dense(width, 4 * width, bias: false, using: &random)
    self.width = width
  }

  /// - Parameter x: shape `[batch, steps, inputs]`.
  /// - Returns: the state after each step, shape `[batch, steps, width]`.
  public func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    guard x.rank == 3, x.shape[1] > 0
    else {
      throw TensorError.wrongShape(argument: "x", found: x.shape, expected: "[batch, steps, inputs], at least one step")
    }
    let driven = try input.forward(x, in: &context)
    var h = try Tensor<Float>.zeros([x.shape[0], width])
    var c = h
    var states: [Tensor<Float>] = []
    for t in 0..<x.shape[1] {
      let gates = try (driven.at(t, axis: 1) + recurrent.forward(h, in: &context)).split(into: 4, axis: 1)
      c = try sigmoid(gates[1]) * c + sigmoid(gates[0]) * tanh(gates[2])
      h = try sigmoid(gates[3]) * tanh(c)
      states.append(h)
    }
    return try Tensor.stack(states, axis: 1)
  }

  public mutating func visit(_ visitor: Visitor) throws {
    try visitor("input", &input)
    try visitor("recurrent", &recurrent)
  }
}
