import Substrates
import Tensors

/// `LSTM`, `GRU` and `RNN`, in one direction or both; all gates of a step are one product with the stored weights.
struct ONNXRecurrent: ONNXLayer {
  private struct Direction: Sendable {
    var input: any LinearOperator, recurrent: any LinearOperator
    var inputBias: Tensor<Float>, recurrentBias: Tensor<Float>
    var isReversed: Bool
  }

  private let kind: String
  private let hidden: Int
  private let directions: [Direction]
  private let resetsAfter: Bool
  private let activation: String
  var operators: [any LinearOperator] { directions.flatMap { [$0.input, $0.recurrent] } }

  init(
    _ node: ONNXNode, _ weights: Tensor<Float>, _ recurrent: Tensor<Float>, bias: Tensor<Float>?,
    on substrate: any Substrate, in context: inout ForwardContext
  ) throws {
    kind = node.kind
    let gates = ["LSTM": 4, "GRU": 3][kind] ?? 1
    hidden = node.integer("hidden_size", recurrent.shape.last ?? 0)
    let direction = node.text("direction", "forward")
    let count = direction == "bidirectional" ? 2 : 1
    guard (1...1 << 24).contains(hidden), weights.rank == 3, weights.shape[0] == count,
      weights.shape[1] == gates * hidden,
      recurrent.shape == [count, gates * hidden, hidden], bias == nil || bias?.shape == [count, 2 * gates * hidden]
    else { throw node.invalid("its weights have the shapes \(weights.shape) and \(recurrent.shape)") }
    let activations = node.texts("activations") ?? []
    let standard = kind == "LSTM" ? ["Sigmoid", "Tanh", "Tanh"] : kind == "GRU" ? ["Sigmoid", "Tanh"] : ["Tanh"]
    let activation = activations.first ?? "Tanh"
    self.activation = activation
    let isPlain =
      kind == "RNN" && activations.allSatisfy { $0 == activation } && ["Tanh", "Relu", "Sigmoid"].contains(activation)
    guard activations.isEmpty || isPlain || activations == (0..<count).flatMap({ _ in standard }), !node.has("clip"),
      node.integer("layout", 0) == 0, node.integer("input_forget", 0) == 0,
      node.inputs.count < 8 || node.inputs[7].isEmpty
    else {
      throw ONNXError.unsupportedFeature("other activations, clipping, peepholes or batches first", node: node.name)
    }
    resetsAfter = node.integer("linear_before_reset", 0) != 0
    var made: [Direction] = []
    for i in 0..<count {
      let both = try bias?.at(i) ?? .zeros([2 * gates * hidden])
      made.append(
        Direction(
          input: try substrate.linearOperator(weights.at(i).transposed(), in: &context),
          recurrent: try substrate.linearOperator(recurrent.at(i).transposed(), in: &context),
          inputBias: try both.slice(0..<gates * hidden),
          recurrentBias: try both.slice(gates * hidden..<2 * gates * hidden),
          isReversed: direction == "reverse" || i == 1))
    }
    directions = made
  }

  func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue] {
    let x = try a.floats(0)
    guard x.rank == 3 else {
      throw a.node.invalid("its input has the shape \(x.shape), expected [steps, batch, numbers]")
    }
    let (steps, batch) = (x.shape[0], x.shape[1])
    if a.optional(4) != nil, try a.integers(4).elements.contains(where: { $0 != steps }) {
      throw ONNXError.unsupportedFeature("sequences of different lengths", node: a.node.name)
    }
    let zero = try Tensor<Float>.zeros([directions.count, batch, hidden])
    let firstHidden = try a.optional(5).map { try ONNXArguments.floats($0) } ?? zero
    let firstCell = try a.optional(6).map { try ONNXArguments.floats($0) } ?? zero
    var all: [[Tensor<Float>]] = []
    var lastHidden: [Tensor<Float>] = []
    var lastCell: [Tensor<Float>] = []
    for (i, d) in directions.enumerated() {
      var (h, c) = (try firstHidden.at(i), try firstCell.at(i))
      var outputs: [Tensor<Float>] = []
      // Inputs of all steps at once; the recurrence has to go step by step.
      let driven = try (d.input.apply(x.reshaped([steps * batch, d.input.inputs]), in: &context) + d.inputBias)
        .reshaped([steps, batch, d.input.outputs])
      for step in 0..<steps {
        let u = try driven.at(d.isReversed ? steps - 1 - step : step)
        (h, c) = try advance(u, h, c, d, in: &context)
        outputs.append(h)
      }
      all.append(d.isReversed ? outputs.reversed() : outputs)
      lastHidden.append(h)
      lastCell.append(c)
    }
    // [steps, directions, batch, hidden]
    let y = try Tensor.stack(all.map { try Tensor.stack($0) }, axis: 1)
    return [.floats(y), .floats(try Tensor.stack(lastHidden)), .floats(try Tensor.stack(lastCell))]
  }

  private func advance(
    _ u: Tensor<Float>, _ h: Tensor<Float>, _ c: Tensor<Float>, _ d: Direction, in context: inout ForwardContext
  ) throws -> (Tensor<Float>, Tensor<Float>) {
    if kind == "GRU", !resetsAfter {
      // Gates z, r, h; the reset gate acts before the product: two products for each step.
      let first = try d.recurrent.apply(h, in: &context) + d.recurrentBias
      let z = try sigmoid(u.slice(0..<hidden, axis: 1) + first.slice(0..<hidden, axis: 1))
      let r = try sigmoid(u.slice(hidden..<2 * hidden, axis: 1) + first.slice(hidden..<2 * hidden, axis: 1))
      let second = try d.recurrent.apply(r * h, in: &context) + d.recurrentBias
      let n = try tanh(u.slice(2 * hidden..<3 * hidden, axis: 1) + second.slice(2 * hidden..<3 * hidden, axis: 1))
      return (try (1 - z) * n + z * h, c)
    }
    let v = try d.recurrent.apply(h, in: &context) + d.recurrentBias
    func gate(_ t: Tensor<Float>, _ i: Int) throws -> Tensor<Float> {
      try t.slice(i * hidden..<(i + 1) * hidden, axis: 1)
    }
    switch kind {
    case "LSTM":
      // Gates i, o, f, c.
      let s = try u + v
      let cell = try sigmoid(gate(s, 2)) * c + sigmoid(gate(s, 0)) * tanh(gate(s, 3))
      return (try sigmoid(gate(s, 1)) * tanh(cell), cell)
    case "GRU":
      let z = try sigmoid(gate(u, 0) + gate(v, 0))
      let r = try sigmoid(gate(u, 1) + gate(v, 1))
      let n = try tanh(gate(u, 2) + r * gate(v, 2))
      return (try (1 - z) * n + z * h, c)
    default:
      let s = try u + v
      return (try activation == "Relu" ? relu(s) : activation == "Sigmoid" ? sigmoid(s) : tanh(s), c)
    }
  }
}
