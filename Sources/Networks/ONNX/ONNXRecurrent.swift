import Substrates
import Tensors

/// `LSTM`, `GRU` and `RNN`, in one direction or both; all gates of a step are one product with the stored weights.
struct ONNXRecurrent: ONNXLayer {
  private struct Direction: Sendable {
    var name: String
    var recurrence: PlacedRecurrent
    var isReversed: Bool
  }

  private let hidden: Int
  private var directions: [Direction]

  var placements: [Placement] {
    directions.flatMap { direction in direction.recurrence.placements.map { $0.inside(direction.name) } }
  }

  init(
    _ node: ONNXNode, _ weights: Tensor<Float>, _ recurrent: Tensor<Float>, bias: Tensor<Float>?,
    on substrate: any Substrate, in context: inout ForwardContext
  ) throws {
    hidden = node.integer("hidden_size", recurrent.shape.last ?? 0)
    let direction = node.text("direction", "forward")
    let names = direction == "bidirectional" ? ["forward", "reverse"] : [direction]
    let cell = try ONNXRecurrent.cell(node, directions: names.count)
    let gates = cell.gates
    guard (1...1 << 24).contains(hidden), weights.rank == 3, weights.shape[0] == names.count,
      weights.shape[1] == gates * hidden, recurrent.shape == [names.count, gates * hidden, hidden],
      bias == nil || bias?.shape == [names.count, 2 * gates * hidden]
    else { throw node.invalid("its weights have the shapes \(weights.shape) and \(recurrent.shape)") }
    directions = []
    for (i, name) in names.enumerated() {
      let recurrence = try context.within(name) {
        try PlacedRecurrent(
          cell, weights.at(i), recurrent.at(i), bias: bias?.at(i), width: hidden, on: substrate, in: &$0)
      }
      directions.append(Direction(name: name, recurrence: recurrence, isReversed: name == "reverse"))
    }
  }

  private static func cell(_ node: ONNXNode, directions: Int) throws -> RecurrentCell {
    let activations = node.texts("activations") ?? []
    let plain: [String: Activation] = ["Tanh": .tanh, "Relu": .relu, "Sigmoid": .sigmoid]
    let (cell, standard): (RecurrentCell, [String]) =
      switch node.kind {
      case "LSTM": (.lstm(input: 0, forget: 2, cell: 3, output: 1), ["Sigmoid", "Tanh", "Tanh"])
      case "GRU": (.gru(resetsAfter: node.integer("linear_before_reset", 0) != 0), ["Sigmoid", "Tanh"])
      default: (.plain(plain[activations.first ?? "Tanh"] ?? .tanh), [activations.first ?? "Tanh"])
      }
    let isKnown = node.kind != "RNN" || plain[standard[0]] != nil
    guard activations.isEmpty || activations == (0..<directions).flatMap({ _ in standard }), isKnown, !node.has("clip"),
      node.integer("layout", 0) == 0, node.integer("input_forget", 0) == 0,
      node.inputs.count < 8 || node.inputs[7].isEmpty
    else {
      throw ONNXError.unsupportedFeature("other activations, clipping, peepholes or batches first", node: node.name)
    }
    return cell
  }

  mutating func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue] {
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
    guard firstHidden.shape == zero.shape, firstCell.shape == zero.shape else {
      throw a.node.invalid("its first states have the shapes \(firstHidden.shape) and \(firstCell.shape)")
    }
    var (all, states, memories): ([Tensor<Float>], [Tensor<Float>], [Tensor<Float>]) = ([], [], [])
    for i in directions.indices {
      let (outputs, h, c) = try context.within(directions[i].name) {
        try directions[i].recurrence.run(
          x, stepsAlong: 0, reversed: directions[i].isReversed, state: firstHidden.at(i), memory: firstCell.at(i),
          in: &$0)
      }
      all.append(try Tensor.stack(outputs))
      states.append(h)
      memories.append(c)
    }
    // [steps, directions, batch, hidden]
    return [.floats(try .stack(all, axis: 1)), .floats(try .stack(states)), .floats(try .stack(memories))]
  }
}

extension PlacedRecurrent {
  /// From weights as ONNX has them, `[gates·width, inputs]` and `[gates·width, width]`, with both biases in one.
  fileprivate init(
    _ cell: RecurrentCell, _ weights: Tensor<Float>, _ recurrent: Tensor<Float>, bias: Tensor<Float>?, width: Int,
    on substrate: any Substrate, in context: inout ForwardContext
  ) throws {
    let rows = cell.gates * width
    let inputBias = try bias?.slice(0..<rows)
    let recurrentBias = try bias?.slice(rows..<2 * rows)
    func product(_ name: String, _ w: Tensor<Float>, _ b: Tensor<Float>?, _ part: Range<Int>) throws -> PlacedProduct {
      try context.within(name) {
        try PlacedProduct(w.slice(part).transposed(), bias: b?.slice(part), on: substrate, in: &$0)
      }
    }
    self.cell = cell
    input = try product("input", weights, inputBias, 0..<rows)
    if case .gru(resetsAfter: false) = cell {
      self.recurrent = try product("recurrent", recurrent, recurrentBias, 0..<2 * width)
      candidate = try product("candidate", recurrent, recurrentBias, 2 * width..<rows)
    } else {
      self.recurrent = try product("recurrent", recurrent, recurrentBias, 0..<rows)
    }
  }
}
