import Foundation
import Tensors

// What transformers are made of.
extension ONNXOperators {
  static let attention: [String: Evaluate] = [
    "Attention": evaluateAttention,
    "RotaryEmbedding": one(evaluateRotaryEmbedding),
    "LinearAttention": evaluateLinearAttention,
    "CausalConvWithState": evaluateCausalConvolution,
    "SwiGLU": one { a in
      let (x, gate) = (try a.tensor(0), try a.tensor(1))
      guard x.shape == gate.shape, x.type == gate.type, x.type.isReal else {
        throw a.node.invalid("its inputs are \(x.type) of shape \(x.shape) and \(gate.type) of shape \(gate.shape)")
      }
      let alpha = Double(a.node.float("alpha", 1))
      let y = zip(try x.doubles().elements, try gate.doubles().elements).map { p, q in
        x.type.rounded(p * x.type.rounded(sigmoid(alpha * p))) * q
      }
      return try ONNXTensor(Tensor(y, shape: x.shape), as: x.type)
    },
  ]

  /// `[batch, steps, heads·width]` as `[batch, heads, steps, width]`.
  private static func headed(_ x: Tensor<Double>, _ heads: Int, _ node: ONNXNode) throws -> Tensor<Double> {
    if x.rank == 4 { return x }
    guard x.rank == 3, heads >= 1, x.shape[2] % heads == 0 else {
      throw node.invalid("\(heads) heads for the shape \(x.shape)")
    }
    return try x.reshaped([x.shape[0], x.shape[1], heads, x.shape[2] / heads]).permuted([0, 2, 1, 3])
  }

  private static func flat(_ x: Tensor<Double>) throws -> Tensor<Double> {
    try x.permuted([0, 2, 1, 3]).reshaped([x.shape[0], x.shape[2], x.shape[1] * x.shape[3]])
  }

  private static let evaluateAttention: Evaluate = { a in
    let attention = try ONNXAttention(a)
    return try attention.results()
  }

  private static func evaluateRotaryEmbedding(_ a: ONNXArguments) throws -> ONNXTensor {
    let given = try a.doubles(0)
    let heads = a.node.integer("num_heads", 0)
    // [batch, heads, steps, width]
    let x = try headed(given, heads, a.node)
    let (steps, width) = (x.shape[2], x.shape[3])
    let stated = a.node.integer("rotary_embedding_dim", 0)
    let turned = stated == 0 ? width : stated
    guard turned % 2 == 0, (0...width).contains(turned) else {
      throw a.node.invalid("rotary_embedding_dim is \(turned)")
    }
    let half = turned / 2
    func cache(_ place: Int) throws -> [Double] {
      let numbers = try a.doubles(place)
      guard numbers.shape.last == half else {
        throw a.node.invalid("input \(place) has the shape \(numbers.shape), expected \(half) at the end")
      }
      guard a.has(3) else {
        guard numbers.shape == [x.shape[0], steps, half] else {
          throw a.node.invalid("input \(place) has the shape \(numbers.shape)")
        }
        return numbers.elements
      }
      let rows = try places(a.integers(3), extent: numbers.shape[0], a.node)
      guard rows.count == x.shape[0] * steps, numbers.rank == 2 else { throw a.node.invalid("\(rows.count) positions") }
      return try numbers.selecting(Tensor(rows.map { Int32($0) })).elements
    }
    let (cosines, sines) = (try cache(1), try cache(2))
    let type = try a.tensor(0).type
    let numbers = x.elements
    var results = numbers
    let isInterleaved = a.node.flag("interleaved")
    for row in 0..<x.count / Swift.max(1, width) {
      let (sample, step) = (row / (x.shape[1] * steps), row % steps)
      for i in 0..<half {
        let (p, q) = isInterleaved ? (2 * i, 2 * i + 1) : (i, i + half)
        let (c, s) = (cosines[(sample * steps + step) * half + i], sines[(sample * steps + step) * half + i])
        let (u, v) = (numbers[row * width + p], numbers[row * width + q])
        results[row * width + p] = type.rounded(c * u) - type.rounded(s * v)
        results[row * width + q] = type.rounded(s * u) + type.rounded(c * v)
      }
    }
    let y = try Tensor(results, shape: x.shape)
    return try ONNXTensor(given.rank == 3 ? flat(y) : y, as: type)
  }

  private static let evaluateLinearAttention: Evaluate = { a in
    let rule = try a.node.word("update_rule", ["gated_delta", "linear", "gated", "delta"])
    let (queries, keys) = (a.node.integer("q_num_heads", 0), a.node.integer("kv_num_heads", 0))
    guard keys >= 1, queries >= 1, queries % keys == 0 else { throw a.node.invalid("\(queries) and \(keys) heads") }
    let (q, k, v) = (
      try headed(a.doubles(0), queries, a.node), try headed(a.doubles(1), keys, a.node),
      try headed(a.doubles(2), keys, a.node)
    )
    let (batch, steps, width, made) = (q.shape[0], q.shape[2], q.shape[3], v.shape[3])
    guard k.shape == [batch, keys, steps, width], v.shape == [batch, keys, steps, made] else {
      throw a.node.invalid("queries, keys and values of shapes \(q.shape), \(k.shape) and \(v.shape)")
    }
    let (isGated, corrects) = (rule.hasPrefix("gated"), rule.hasSuffix("delta"))
    guard a.has(4) == isGated, a.has(5) == corrects else {
      throw a.node.invalid("update_rule is \(rule), for other inputs")
    }
    let decay = isGated ? try headed(a.doubles(4), keys, a.node) : nil
    let beta = corrects ? try headed(a.doubles(5), a.doubles(5).shape.last ?? 1, a.node) : nil
    guard decay.map({ $0.shape.dropLast() == [batch, keys, steps] && [1, width].contains($0.shape[3]) }) ?? true,
      beta.map({ $0.shape[0] == batch && [1, keys].contains($0.shape[1]) && $0.shape[2] == steps }) ?? true
    else { throw a.node.invalid("decay or beta of another shape than its keys") }
    var state = try a.has(3) ? a.doubles(3) : .zeros([batch, keys, width, made])
    guard state.shape == [batch, keys, width, made] else { throw a.node.invalid("a state of shape \(state.shape)") }
    let stated = Double(a.node.float("scale", 0))
    let scale = stated == 0 ? 1 / Double(width).squareRoot() : stated
    try a.node.checkWork([batch, keys, steps, width, made])
    let group = queries / keys
    var outputs: [Tensor<Double>] = []
    for i in 0..<steps {
      let key = try k.at(i, axis: 2).expanded(axis: 3)
      var value = try v.at(i, axis: 2).expanded(axis: 2)
      if let decay { state = try state * exp(decay.at(i, axis: 2)).expanded(axis: 3) }
      if let beta {
        let retrieved = try (state * key).sum(axes: [2], keepingAxes: true)
        value = try beta.at(i, axis: 2).expanded(axis: 3) * (value - retrieved)
      }
      state = try state + key * value
      let asked = try q.at(i, axis: 2).reshaped([batch, keys, group, width])
      outputs.append(try (matmul(asked, state) * scale).reshaped([batch, queries, made]))
    }
    let all = try outputs.isEmpty ? Tensor<Double>.zeros([batch, 0, queries, made]) : Tensor.stack(outputs, axis: 1)
    let type = try a.tensor(0).type
    return [
      .tensor(try ONNXTensor(all.reshaped([batch, steps, queries * made]), as: type)),
      .tensor(try ONNXTensor(state, as: a.optional(3)?.type ?? type)),
    ]
  }

  private static let evaluateCausalConvolution: Evaluate = { a in
    let (x, w) = (try a.doubles(0), try a.doubles(1))
    let type = try a.tensor(0).type
    guard x.rank == 3, w.rank == 3, w.shape[0] == x.shape[1], w.shape[1] == 1, w.shape[2] >= 1 else {
      throw a.node.invalid("weights of shape \(w.shape) for an input of shape \(x.shape)")
    }
    let (channels, width, steps) = (x.shape[1], w.shape[2], x.shape[2])
    let past = try a.has(3) ? a.doubles(3) : .zeros([x.shape[0], channels, width - 1])
    guard past.shape == [x.shape[0], channels, width - 1] else {
      throw a.node.invalid("a state of shape \(past.shape)")
    }
    let all = try Tensor.concatenate([past, x], axis: 2)
    var y = try Tensor<Double>.zeros(x.shape)
    for k in 0..<width {
      y = try y + all.slice(k..<k + steps, axis: 2) * w.slice(k..<k + 1, axis: 2).reshaped([channels, 1])
    }
    if a.has(2) { y = try y + a.doubles(2).reshaped([channels, 1]) }
    var result = try ONNXTensor(y, as: type)
    if try a.node.word("activation", ["none", "silu", "swish"]) != "none" {
      result = try mapped(result) { $0 * sigmoid($0) }
    }
    return [.tensor(result), .tensor(try ONNXTensor(all.slice(steps..<steps + width - 1, axis: 2), as: type))]
  }
}

/// `Attention`: softmax(scale·Q·Kᵀ + bias)·V, with caches, masks, windows and groups of heads.
struct ONNXAttention {
  private let a: ONNXArguments
  private let type: ONNXType
  /// Shape `[batch, heads, steps, width]`; keys and values with what was cached.
  private let q: Tensor<Double>, k: Tensor<Double>, v: Tensor<Double>
  private let isFlat: Bool
  /// Valid keys of each sample, where the cache is the caller's.
  private let valid: [Int]?

  init(_ a: ONNXArguments) throws {
    self.a = a
    type = try a.tensor(0).type
    let inputs = try (0..<3).map { try a.doubles($0) }
    isFlat = inputs[0].rank == 3
    func headed(_ x: Tensor<Double>, _ attribute: String) throws -> Tensor<Double> {
      if x.rank == 4 { return x }
      let heads = a.node.integer(attribute, 0)
      guard x.rank == 3, heads >= 1, x.shape[2] % heads == 0 else {
        throw a.node.invalid("\(heads) heads for the shape \(x.shape)")
      }
      return try x.reshaped([x.shape[0], x.shape[1], heads, x.shape[2] / heads]).permuted([0, 2, 1, 3])
    }
    q = try headed(inputs[0], "q_num_heads")
    var (k, v) = (try headed(inputs[1], "kv_num_heads"), try headed(inputs[2], "kv_num_heads"))
    guard a.has(4) == a.has(5) else { throw a.node.invalid("past keys and values go together") }
    if a.has(4) {
      (k, v) = (try .concatenate([a.doubles(4), k], axis: 2), try .concatenate([a.doubles(5), v], axis: 2))
    }
    (self.k, self.v) = (k, v)
    guard q.shape[0] == k.shape[0], k.shape[..<3] == v.shape[..<3], q.shape[3] == k.shape[3],
      q.shape[1] % Swift.max(1, k.shape[1]) == 0
    else { throw a.node.invalid("queries, keys and values of shapes \(q.shape), \(k.shape) and \(v.shape)") }
    try a.node.checkedCount([q.shape[0], q.shape[1], q.shape[2], k.shape[2]])
    try a.node.checkWork([q.shape[0], q.shape[1], q.shape[2], k.shape[2], q.shape[3]])
    valid = a.has(6) ? try a.integers(6) : nil
    guard valid == nil || (valid?.count == q.shape[0] && !a.has(4)) else {
      throw a.node.invalid("lengths of its cache")
    }
  }

  private func rounded(_ x: Tensor<Double>, as type: ONNXType? = nil) throws -> Tensor<Double> {
    try ONNXTensor(x, as: type ?? self.type).doubles()
  }

  func results() throws -> [ONNXValue?] {
    let (batch, heads, steps, length) = (q.shape[0], q.shape[1], q.shape[2], k.shape[2])
    let stated = a.node.has("scale") ? Double(a.node.float("scale", 1)) : 1 / Double(q.shape[3]).squareRoot()
    let scale = type.rounded(stated.squareRoot())
    let group = heads / Swift.max(1, k.shape[1])
    func repeated(_ x: Tensor<Double>) throws -> Tensor<Double> {
      group == 1 ? x : try x.selecting(Tensor((0..<heads).map { Int32($0 / group) }), axis: 1)
    }
    var scores = try rounded(matmul(rounded(q * scale), rounded(repeated(k) * scale).transposed()))
    let raw = scores
    let cap = Double(a.node.float("softcap", 0))
    if cap > 0 { scores = try rounded(Tensor(scores.elements.map { cap * tanh($0 / cap) }, shape: scores.shape)) }
    let capped = scores
    let bias = try self.bias([batch, heads, steps, length])
    let biased = try rounded(scores + bias)
    let precision = try a.node.integer("softmax_precision", 0) == 0 ? type : a.node.type("softmax_precision", type)
    var weights = try rounded(softmax(biased, bias), as: precision)
    weights = try rounded(weights)
    let mode = a.node.integer("qk_matmul_output_mode", 0)
    guard (0...3).contains(mode) else { throw a.node.invalid("qk_matmul_output_mode is \(mode)") }
    let shown = [raw, capped, biased, weights][mode]
    var y = try rounded(matmul(weights, repeated(v)))
    if isFlat { y = try y.permuted([0, 2, 1, 3]).reshaped([batch, steps, heads * v.shape[3]]) }
    return try [y, k, v, shown].enumerated().map { i, result in
      .tensor(try ONNXTensor(result, as: i == 2 ? a.tensor(2).type : type))
    }
  }

  /// Rows that may look at nothing give zeros.
  private func softmax(_ scores: Tensor<Double>, _ bias: Tensor<Double>) throws -> Tensor<Double> {
    let length = scores.shape[3]
    var numbers = scores.elements
    let offsets = bias.elements
    if length == 0 { return scores }
    for row in stride(from: 0, to: numbers.count, by: length) {
      let places = row..<row + length
      guard places.contains(where: { offsets[$0] != -.infinity }) else {
        for i in places { numbers[i] = 0 }
        continue
      }
      let peak = places.reduce(-Double.infinity) { ONNXOperators.maximum($0, numbers[$1]) }
      var sum = 0.0
      for i in places {
        numbers[i] = exp(numbers[i] - peak)
        sum += numbers[i]
      }
      for i in places { numbers[i] /= sum }
    }
    return try Tensor(numbers, shape: scores.shape)
  }

  /// −∞ where a query may not look, from the mask, the order of time, the window and the lengths of the cache.
  private func bias(_ shape: [Int]) throws -> Tensor<Double> {
    let (steps, length) = (shape[2], shape[3])
    var bias = Array(repeating: 0.0, count: shape.reduce(1, *))
    if let mask = try a.optional(3) {
      guard mask.rank >= 1, let own = mask.shape.last, own <= length else {
        throw a.node.invalid("a mask of shape \(mask.shape)")
      }
      let isTruth = mask.type == .bool
      let numbers = try mask.doubles().elements
      let wide = Array(mask.shape.dropLast()) + [length]
      guard broadcastShape(wide, shape) == shape else {
        throw a.node.invalid("a mask of shape \(mask.shape) for \(shape)")
      }
      for (i, place) in broadcastPositions(from: wide, to: shape).enumerated() {
        let (row, column) = (place / length, place % length)
        let value = column < own ? numbers[row * own + column] : isTruth ? 0 : -.infinity
        bias[i] = isTruth ? (value != 0 ? 0 : -.infinity) : value
      }
    }
    let (left, right) = (a.node.integer("left_window_size", -1), a.node.integer("right_window_size", -1))
    let isCausal = a.node.flag("is_causal")
    let past = a.has(4) ? try a.tensor(4).shape[2] : 0
    for i in bias.indices {
      let (sample, query, key) = (i / (shape[1] * steps * length), i / length % steps, i % length)
      let place = query + (valid.map { $0[sample] - steps } ?? past)
      let isHidden =
        (isCausal && key > place) || (left >= 0 && place - key > left) || (right >= 0 && key - place > right)
        || (valid.map { key >= $0[sample] } ?? false)
      if isHidden { bias[i] = -.infinity }
    }
    return try Tensor(bias, shape: shape)
  }
}
