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

  init(input: Dense, recurrent: Dense, width: Int) {
    (self.input, self.recurrent, self.width) = (input, recurrent, width)
  }

  static let cell = RecurrentCell.lstm(input: 0, forget: 1, cell: 2, output: 3)

  /// The state before the first step.
  static func start(_ x: Tensor<Float>, width: Int) throws(TensorError) -> Tensor<Float> {
    guard x.rank == 3, x.shape[1] > 0 else {
      throw .wrongShape(argument: "x", found: x.shape, expected: "[batch, steps, inputs], at least one step")
    }
    return try .zeros([x.shape[0], width])
  }

  /// - Parameter x: shape `[batch, steps, inputs]`.
  /// - Returns: the state after each step, shape `[batch, steps, width]`.
  public func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    var h = try Self.start(x, width: width)
    var c = h
    let driven = try input.forward(x, in: &context)
    var states: [Tensor<Float>] = []
    for t in 0..<x.shape[1] {
      (h, c) = try Self.cell.next(driven.at(t, axis: 1), state: h, cell: c) { try recurrent.forward($0, in: &context) }
      states.append(h)
    }
    return try Tensor.stack(states, axis: 1)
  }

  public mutating func visit(_ visitor: Visitor) throws {
    try visitor("input", &input)
    try visitor("recurrent", &recurrent)
  }
}
