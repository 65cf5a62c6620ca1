import Foundation
import Tensors

/// What the attributes of `LSTM`, `GRU` and `RNN` say.
struct ONNXRecurrence {
  let kind: String
  let hidden: Int
  /// `forward`, `reverse`, or both.
  let directions: [String]
  let clip: Double
  let isBatchFirst: Bool
  let couplesForget: Bool
  let resetsAfter: Bool
  /// Names with their α and β, for each direction: f, g, h.
  private let activations: [[(name: String, alpha: Double, beta: Double)]]
  private let node: ONNXNode

  var gates: Int { kind == "LSTM" ? 4 : kind == "GRU" ? 3 : 1 }

  init(_ node: ONNXNode, recurrent: [Int]) throws {
    self.node = node
    kind = node.kind
    let direction = try node.word("direction", ["forward", "reverse", "bidirectional"])
    directions = direction == "bidirectional" ? ["forward", "reverse"] : [direction]
    hidden = node.integer("hidden_size", recurrent.last ?? 0)
    clip = node.has("clip") ? Double(node.float("clip", 0)) : .infinity
    isBatchFirst = node.flag("layout")
    couplesForget = node.flag("input_forget")
    resetsAfter = node.flag("linear_before_reset")
    guard (1...1 << 24).contains(hidden), clip > 0 else { throw node.invalid("hidden_size is \(hidden), clip \(clip)") }
    activations = try Self.activations(node, directions.count)
  }

  private static let standard = ["LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]]
  private static let parameters: [String: (alpha: Double?, beta: Double?)] = [
    "Relu": (nil, nil), "Tanh": (nil, nil), "Sigmoid": (nil, nil), "Softsign": (nil, nil), "Softplus": (nil, nil),
    "Affine": (1, 0), "LeakyRelu": (0.01, nil), "ThresholdedRelu": (1, nil), "ScaledTanh": (1, 1),
    "HardSigmoid": (0.2, 0.5), "Elu": (1, nil),
  ]

  private static func activations(
    _ node: ONNXNode, _ directions: Int
  ) throws -> [[(name: String, alpha: Double, beta: Double)]] {
    let usual = standard[node.kind] ?? []
    let names = node.texts("activations") ?? (0..<directions).flatMap { _ in usual }
    guard names.count == usual.count * directions else { throw node.invalid("activations is \(names)") }
    var (alphas, betas) = ((node.floats("activation_alpha") ?? [])[...], (node.floats("activation_beta") ?? [])[...])
    let all = try names.map { name in
      guard let found = parameters.first(where: { $0.key.lowercased() == name.lowercased() }) else {
        throw node.unsupported("the activation \(name) (known: \(parameters.keys.sorted().joined(separator: ", ")))")
      }
      // Values are taken in order by those that have one.
      let alpha = found.value.alpha.map { standard in alphas.popFirst().map { Double($0) } ?? standard } ?? 0
      let beta = found.value.beta.map { standard in betas.popFirst().map { Double($0) } ?? standard } ?? 0
      return (name: found.key, alpha: alpha, beta: beta)
    }
    return stride(from: 0, to: all.count, by: usual.count).map { Array(all[$0..<$0 + usual.count]) }
  }

  /// Whether it is the cell that layers have.
  var isStandard: Bool {
    let usual = Self.standard[kind] ?? []
    let plain = ["Tanh", "Relu", "Sigmoid"]
    let isUsual = activations.allSatisfy { row in
      kind == "RNN" ? row.allSatisfy { plain.contains($0.name) } : row.map(\.name) == usual
    }
    return isUsual && clip == .infinity && !couplesForget
      && (kind != "RNN" || Set(activations.map { $0[0].name }).count == 1)
  }

  /// Of a plain cell.
  var plainActivation: String { activations[0][0].name }

  private func function(_ direction: Int, _ place: Int) -> (Double) -> Double {
    let (name, alpha, beta) = activations[direction][place]
    switch name {
    case "Relu": return { max(0, $0) }
    case "Sigmoid": return ONNXOperators.sigmoid
    case "Softsign": return { $0 / (1 + abs($0)) }
    case "Softplus": return ONNXOperators.softplus
    case "Affine": return { alpha * $0 + beta }
    case "LeakyRelu": return { $0 < 0 ? alpha * $0 : $0 }
    case "ThresholdedRelu": return { $0 > alpha ? $0 : 0 }
    case "ScaledTanh": return { alpha * tanh(beta * $0) }
    case "HardSigmoid": return { max(0, min(1, alpha * $0 + beta)) }
    case "Elu": return { $0 < 0 ? alpha * expm1($0) : $0 }
    default: return { tanh($0) }
    }
  }

  /// Weights of one direction: `[gates·hidden, inputs]`, `[gates·hidden, hidden]`, both biases, peepholes.
  struct Weights {
    let w: Tensor<Double>, r: Tensor<Double>
    let bias: Tensor<Double>?, peepholes: Tensor<Double>?
  }

  /// One direction over steps in their order.
  ///
  /// - Parameter x: shape `[steps, batch, inputs]`.
  /// - Returns: the state after each step, `[batch, hidden]` each, and the last ones.
  func run(
    _ direction: Int, _ x: Tensor<Double>, _ weights: Weights, state: Tensor<Double>, memory: Tensor<Double>
  ) throws -> (states: [Tensor<Double>], state: Tensor<Double>, memory: Tensor<Double>) {
    let (n, h) = (gates * hidden, hidden)
    let inputBias = try weights.bias?.slice(0..<n), recurrentBias = try weights.bias?.slice(n..<2 * n)
    var driven = try matmul(x, weights.w.transposed())
    if let inputBias { driven = try driven + inputBias }
    let turned = try weights.r.transposed()
    var (state, memory) = (state, memory)
    var states: [Tensor<Double>] = []
    func gate(_ t: Tensor<Double>, _ i: Int) throws -> Tensor<Double> { try t.slice(i * h..<(i + 1) * h, axis: 1) }
    func active(_ place: Int, _ t: Tensor<Double>) throws -> Tensor<Double> {
      let f = function(direction, place)
      return try Tensor(t.elements.map { f(max(-clip, min(clip, $0))) }, shape: t.shape)
    }
    for step in 0..<x.shape[0] {
      let u = try driven.at(step)
      var v = try matmul(state, turned)
      if let recurrentBias { v = try v + recurrentBias }
      switch kind {
      case "LSTM":
        let s = try u + v
        func peep(_ i: Int, _ c: Tensor<Double>) throws -> Tensor<Double> {
          guard let p = weights.peepholes else { return try gate(s, [0, 1, 2][i]) }
          return try gate(s, i) + p.slice(i * h..<(i + 1) * h) * c
        }
        let i = try active(0, peep(0, memory))
        let f = try couplesForget ? 1 - i : active(0, peep(2, memory))
        memory = try f * memory + i * active(1, gate(s, 3))
        let o = try active(0, peep(1, memory))
        let g = function(direction, 2)
        state = try o * Tensor(memory.elements.map(g), shape: memory.shape)
      case "GRU":
        let z = try active(0, gate(u, 0) + gate(v, 0))
        let r = try active(0, gate(u, 1) + gate(v, 1))
        var candidate = try gate(v, 2) * r
        if !resetsAfter {
          candidate = try matmul(r * state, turned.slice(2 * h..<3 * h, axis: 1))
          if let recurrentBias { candidate = try candidate + recurrentBias.slice(2 * h..<3 * h) }
        }
        let next = try active(1, gate(u, 2) + candidate)
        state = try (1 - z) * next + z * state
      default: state = try active(0, u + v)
      }
      states.append(state)
    }
    return (states, state, memory)
  }
}

/// The inputs of a recurrent node in the order that its steps take: steps first, samples of one length together.
struct ONNXSequences<S: TensorScalar> {
  /// Shape `[steps, batch, inputs]`.
  let x: Tensor<S>
  /// Shape `[directions, batch, hidden]`.
  let states: Tensor<S>, memories: Tensor<S>
  /// Samples by their numbers of steps.
  let groups: [(length: Int, samples: [Int])]
  private let isBatchFirst: Bool
  private let hidden: Int, directions: Int

  init(_ a: ONNXArguments, _ recurrence: ONNXRecurrence, _ numbers: (ONNXTensor) throws -> Tensor<S>) throws {
    var x = try numbers(a.tensor(0))
    guard x.rank == 3 else {
      throw a.node.invalid("its input has the shape \(x.shape), expected [steps, batch, numbers]")
    }
    let isBatchFirst = recurrence.isBatchFirst
    if isBatchFirst { x = try x.transposed(0, 1) }
    let (steps, batch) = (x.shape[0], x.shape[1])
    let shape = [recurrence.directions.count, batch, recurrence.hidden]
    func initial(_ place: Int) throws -> Tensor<S> {
      guard a.has(place) else { return try .zeros(shape) }
      var state = try numbers(a.tensor(place))
      if isBatchFirst, state.rank == 3 { state = try state.transposed(0, 1) }
      guard state.shape == shape else {
        throw a.node.invalid("its first states have the shape \(try a.tensor(place).shape), expected \(shape)")
      }
      return state
    }
    states = try initial(5)
    memories = try a.node.kind == "LSTM" ? initial(6) : .zeros(shape)
    let lengths = a.has(4) ? try a.integers(4) : Array(repeating: steps, count: batch)
    guard lengths.count == batch, lengths.allSatisfy({ (0...steps).contains($0) }) else {
      throw a.node.invalid("lengths of \(lengths) for \(batch) sequences of \(steps) steps")
    }
    groups = Set(lengths).sorted().map { length in (length, lengths.indices.filter { lengths[$0] == length }) }
    self.x = x
    self.isBatchFirst = isBatchFirst
    (hidden, directions) = (recurrence.hidden, recurrence.directions.count)
  }

  typealias Result = (states: [Tensor<S>], state: Tensor<S>, memory: Tensor<S>)

  /// Runs each group of samples in each direction and puts the results together.
  ///
  /// - Parameter body: given the direction, `[steps, batch, inputs]` in the order of time, and first states; gives the states in
  ///   the order of time.
  func outputs(_ body: (Int, Tensor<S>, Tensor<S>, Tensor<S>) throws -> Result) throws -> [Tensor<S>] {
    let (steps, batch) = (x.shape[0], x.shape[1])
    var (all, last, kept): ([Tensor<S>], [Tensor<S>], [Tensor<S>]) = ([], [], [])
    for direction in 0..<directions {
      var (rows, ends, memories): ([Tensor<S>], [Tensor<S>], [Tensor<S>]) = ([], [], [])
      for (length, samples) in groups {
        let index = try Tensor(samples.map { Int32($0) })
        let own = try x.selecting(index, axis: 1).slice(0..<length)
        let (h, c) = (try states.at(direction).selecting(index), try self.memories.at(direction).selecting(index))
        let (states, state, memory) = try body(direction, own, h, c)
        // Steps beyond the end give zeros.
        let missing = Array(repeating: try Tensor<S>.zeros([samples.count, hidden]), count: steps - length)
        let padded = states + missing
        rows.append(padded.isEmpty ? try .zeros([0, samples.count, hidden]) : try Tensor.stack(padded))
        ends.append(state)
        memories.append(memory)
      }
      let order = groups.flatMap(\.samples)
      let back = try Tensor((0..<batch).map { sample in Int32(order.firstIndex(of: sample) ?? 0) })
      func joined(_ parts: [Tensor<S>], axis: Int, _ empty: [Int]) throws -> Tensor<S> {
        parts.isEmpty ? try .zeros(empty) : try Tensor.concatenate(parts, axis: axis).selecting(back, axis: axis)
      }
      all.append(try joined(rows, axis: 1, [steps, 0, hidden]))
      last.append(try joined(ends, axis: 0, [0, hidden]))
      kept.append(try joined(memories, axis: 0, [0, hidden]))
    }
    // [steps, directions, batch, hidden], or [batch, steps, directions, hidden].
    let y = try Tensor.stack(all, axis: 1)
    let (h, c) = (try Tensor.stack(last), try Tensor.stack(kept))
    return isBatchFirst ? [try y.permuted([2, 0, 1, 3]), try h.transposed(0, 1), try c.transposed(0, 1)] : [y, h, c]
  }
}

// Recurrent networks that no array holds.
extension ONNXOperators {
  static let recurrent: [String: Evaluate] = [
    "LSTM": evaluateRecurrent, "GRU": evaluateRecurrent, "RNN": evaluateRecurrent,
  ]

  private static let evaluateRecurrent: Evaluate = { a in
    let (w, r) = (try a.doubles(1), try a.doubles(2))
    let recurrence = try ONNXRecurrence(a.node, recurrent: r.shape)
    let (n, directions) = (recurrence.gates * recurrence.hidden, recurrence.directions.count)
    let bias = a.has(3) ? try a.doubles(3) : nil
    let peepholes = a.has(7) ? try a.doubles(7) : nil
    let sequences = try ONNXSequences(a, recurrence) { try $0.doubles() }
    guard w.shape == [directions, n, sequences.x.shape[2]], r.shape == [directions, n, recurrence.hidden],
      bias == nil || bias?.shape == [directions, 2 * n],
      peepholes == nil || peepholes?.shape == [directions, 3 * recurrence.hidden]
    else { throw a.node.invalid("its weights have the shapes \(w.shape) and \(r.shape)") }
    try a.node.checkedCount([sequences.x.shape[0], sequences.x.shape[1], directions, n])
    let type = try a.tensor(0).type
    let results = try sequences.outputs { direction, x, h, c in
      let weights = ONNXRecurrence.Weights(
        w: try w.at(direction), r: try r.at(direction), bias: try bias?.at(direction),
        peepholes: try peepholes?.at(direction))
      let isReversed = recurrence.directions[direction] == "reverse"
      let (states, state, memory) = try recurrence.run(
        direction, isReversed ? x.reversed(axes: [0]) : x, weights, state: h, memory: c)
      return (isReversed ? states.reversed() : states, state, memory)
    }
    let count = a.node.kind == "LSTM" ? 3 : 2
    return try results.prefix(count).map { .tensor(try ONNXTensor($0, as: type)) }
  }
}
