import Substrates
import Tensors

/// `LSTM`, `GRU` and `RNN`, in one direction or both; all gates of a step are one product with the stored weights.
struct ONNXRecurrent: ONNXLayer {
  private struct Direction: Sendable {
    var name: String
    var recurrence: PlacedRecurrent
    var isReversed: Bool
  }

  private let recurrentShape: [Int]
  private let inputs: Int
  private var directions: [Direction]

  var placements: [Placement] {
    directions.flatMap { direction in direction.recurrence.placements.map { $0.inside(direction.name) } }
  }

  /// Whether its cell is one that layers have: others stay digital.
  static func takes(_ node: ONNXNode) -> Bool {
    guard node.inputs.count < 8 || node.inputs[7].isEmpty else { return false }
    return (try? ONNXRecurrence(node, recurrent: [node.integer("hidden_size", 1)]).isStandard) ?? false
  }

  init(
    _ node: ONNXNode, _ weights: Tensor<Float>, _ recurrent: Tensor<Float>, bias: Tensor<Float>?,
    on substrate: any Substrate, in context: inout ForwardContext
  ) throws {
    let recurrence = try ONNXRecurrence(node, recurrent: recurrent.shape)
    let (hidden, names) = (recurrence.hidden, recurrence.directions)
    let cell: RecurrentCell =
      switch node.kind {
      case "LSTM": .lstm(input: 0, forget: 2, cell: 3, output: 1)
      case "GRU": .gru(resetsAfter: recurrence.resetsAfter)
      default: .plain(["Relu": .relu, "Sigmoid": .sigmoid][recurrence.plainActivation] ?? .tanh)
      }
    guard weights.rank == 3, weights.shape[0] == names.count, weights.shape[1] == cell.gates * hidden,
      recurrent.shape == [names.count, cell.gates * hidden, hidden],
      bias == nil || bias?.shape == [names.count, 2 * cell.gates * hidden]
    else { throw node.invalid("its weights have the shapes \(weights.shape) and \(recurrent.shape)") }
    (recurrentShape, inputs) = (recurrent.shape, weights.shape[2])
    directions = []
    for (i, name) in names.enumerated() {
      let recurrence = try context.within(name) {
        try PlacedRecurrent(
          cell, weights.at(i), recurrent.at(i), bias: bias?.at(i), width: hidden, on: substrate, in: &$0)
      }
      directions.append(Direction(name: name, recurrence: recurrence, isReversed: name == "reverse"))
    }
  }

  mutating func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue?] {
    let recurrence = try ONNXRecurrence(a.node, recurrent: recurrentShape)
    let sequences = try ONNXSequences(a, recurrence) { try $0.floats() }
    guard sequences.x.shape[2] == inputs else {
      throw a.node.invalid("its input has the shape \(try a.tensor(0).shape), its weights \(inputs) inputs")
    }
    let results = try sequences.outputs { i, x, h, c in
      try context.within(directions[i].name) {
        try directions[i].recurrence.run(
          x, stepsAlong: 0, reversed: directions[i].isReversed, state: h, memory: c, in: &$0)
      }
    }
    let type = try a.tensor(0).type
    return try results.prefix(a.node.kind == "LSTM" ? 3 : 2).map { .tensor(try ONNXTensor($0, as: type)) }
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
