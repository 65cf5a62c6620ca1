import Substrates
import Tensors

/// How gates become the next state of a recurrent cell. What comes from the input is `u`, from the state `v`; both have the
/// gates side by side, `[batch, gates·width]`.
enum RecurrentCell: Sendable {
  /// Long short-term memory (Hochreiter & Schmidhuber 1997), with the place of each gate.
  case lstm(input: Int, forget: Int, cell: Int, output: Int)
  /// Gated recurrent unit (Cho et al. 2014): gates z, r, h. The reset gate acts after the product with the state, or before
  /// it, which then has a product of its own for the last gate.
  case gru(resetsAfter: Bool)
  case plain(Activation)

  var gates: Int {
    switch self {
    case .lstm: 4
    case .gru: 3
    case .plain: 1
    }
  }

  /// Operations on single numbers for each number of the state and each step: sums of u and v, gates, products, sums.
  var operations: Int {
    switch self {
    case .lstm: 4 + 5 + 4
    case .gru: 3 + 3 + 1 + 4
    case .plain: 2
    }
  }

  /// - Parameters:
  ///   - state: h, shape `[batch, width]`.
  ///   - cell: c of an LSTM; others pass it on.
  ///   - recurrent: product with the state; all gates but the last where the reset gate acts before.
  ///   - candidate: product for the last gate, where the reset gate acts before.
  func next(
    _ u: Tensor<Float>, state h: Tensor<Float>, cell c: Tensor<Float>,
    recurrent: (Tensor<Float>) throws -> Tensor<Float>,
    candidate: (Tensor<Float>) throws -> Tensor<Float> = { $0 }
  ) throws -> (state: Tensor<Float>, cell: Tensor<Float>) {
    let width = h.shape[1]
    func gate(_ t: Tensor<Float>, _ i: Int) throws -> Tensor<Float> {
      try t.slice(i * width..<(i + 1) * width, axis: 1)
    }
    let v = try recurrent(h)
    switch self {
    case .lstm(let input, let forget, let cell, let output):
      let s = try u + v
      let next = try sigmoid(gate(s, forget)) * c + sigmoid(gate(s, input)) * tanh(gate(s, cell))
      return (try sigmoid(gate(s, output)) * tanh(next), next)
    case .gru(let resetsAfter):
      let z = try sigmoid(gate(u, 0) + gate(v, 0))
      let r = try sigmoid(gate(u, 1) + gate(v, 1))
      let n = try tanh(gate(u, 2) + (resetsAfter ? r * gate(v, 2) : candidate(r * h)))
      return (try (1 - z) * n + z * h, c)
    case .plain(let activation): return (try activation.applied(to: u + v), c)
    }
  }
}

/// A recurrent layer whose products a substrate carries out; the gates are digital.
struct PlacedRecurrent: Sendable {
  let cell: RecurrentCell
  var input: PlacedProduct, recurrent: PlacedProduct
  /// Only where a reset gate acts before the product.
  var candidate: PlacedProduct?

  var placements: [Placement] {
    var all = [input.placement.inside("input"), recurrent.placement.inside("recurrent")]
    if let candidate { all.append(candidate.placement.inside("candidate")) }
    return all + [Placement("gates", staysDigital: "gates multiply computed numbers with each other")]
  }

  /// - Parameters:
  ///   - axis: that of the steps in `x`, 0 or 1; the other one is the batch.
  ///   - state: at the beginning, `[batch, width]`; `memory` is that of an LSTM.
  /// - Returns: the state after each step, in the order of the steps of `x`, and the last ones.
  mutating func run(
    _ x: Tensor<Float>, stepsAlong axis: Int, reversed: Bool = false, state: Tensor<Float>, memory: Tensor<Float>,
    in context: inout ForwardContext
  ) throws -> (states: [Tensor<Float>], state: Tensor<Float>, memory: Tensor<Float>) {
    // Inputs of all steps at once; the recurrence has to go step by step.
    let driven = try context.within("input") { try input.forward(x, in: &$0) }
    try context.within("recurrent") { try recurrent.prepare(in: &$0) }
    try context.within("candidate") { try candidate?.prepare(in: &$0) }
    let count = x.shape[axis]
    let order = reversed ? Array((0..<count).reversed()) : Array(0..<count)
    let inputs = try order.map { try driven.at($0, axis: axis) }
    if context.isCalibrating { try calibrate(inputs, state: state, memory: memory, in: &context) }
    var (h, c) = (state, memory)
    var states: [Tensor<Float>] = []
    for u in inputs {
      (h, c) = try cell.next(u, state: h, cell: c) { h in
        try context.within("recurrent") { try recurrent.apply(h, in: &$0) }
      } candidate: { h in
        try context.within("candidate") { try candidate?.apply(h, in: &$0) } ?? h
      }
      context.within("gates") { $0.countLogic(.operation, cell.operations * h.count, bits: input.bits) }
      states.append(h)
    }
    return (reversed ? states.reversed() : states, h, c)
  }

  /// Sets ranges for the states of all steps together, as exact products give them.
  private mutating func calibrate(
    _ inputs: [Tensor<Float>], state: Tensor<Float>, memory: Tensor<Float>, in context: inout ForwardContext
  ) throws {
    func exact(_ product: PlacedProduct, _ h: Tensor<Float>) throws -> Tensor<Float> {
      try linear(h, product.weight, bias: product.bias, activation: product.activation)
    }
    var (h, c) = (state, memory)
    var (states, resets): ([Tensor<Float>], [Tensor<Float>]) = ([], [])
    for u in inputs {
      (h, c) = try cell.next(u, state: h, cell: c) {
        states.append($0)
        return try exact(recurrent, $0)
      } candidate: {
        resets.append($0)
        return try candidate.map { [h = $0] product in try exact(product, h) } ?? $0
      }
    }
    let seen = try Tensor.concatenate(states)
    try context.within("recurrent") { try recurrent.calibrate(seen, in: &$0) }
    guard !resets.isEmpty else { return }
    let seenByCandidate = try Tensor.concatenate(resets)
    try context.within("candidate") { try candidate?.calibrate(seenByCandidate, in: &$0) }
  }
}
