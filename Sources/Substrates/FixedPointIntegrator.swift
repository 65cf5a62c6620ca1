import Tensors

/// Steps in fixed-point logic: weights and biases are rounded once, states and the outputs of every layer whenever they would
/// be stored. What a step adds to a state is lost where it is less than half the smallest difference of stored numbers.
///
/// Every sample has a scale of its own, as in `FixedPoint`. Activations are tables of the rounded sums. Draws of noise are
/// those of the context, one for each state and step.
struct FixedPointIntegrator: Integrator {
  let loop: FeedbackLoop
  let steps: IntegrationSteps
  let bits: Int
  var inventory: Inventory { Inventory() }

  init(loop: FeedbackLoop, steps: IntegrationSteps, bits: Int) throws {
    try steps.check()
    let rounded = try loop.layers.map { layer in
      var layer = layer
      layer.weights = try FixedPoint.rounded(layer.weights, bits: bits, rows: false)
      layer.bias = try FixedPoint.rounded(layer.bias, bits: bits, rows: false)
      return layer
    }
    (self.loop, self.steps, self.bits) = (try FeedbackLoop(rounded, drives: loop.drives), steps, bits)
  }

  func integrate(
    _ x: Tensor<Float>, _ signals: LoopSignals, readAt times: [Double], in context: inout ForwardContext
  ) throws -> Tensor<Float> {
    try loop.checkStates(x)
    try steps.check(signals)
    let reads = try signals.nearestSteps(to: times, of: steps.steps)
    var state = try stored(x.detached())
    var results: [Tensor<Float>] = []
    var done = 0
    for read in reads {
      while done < read {
        state = try stored(step(state, number: done, signals, &context.random))
        done += 1
      }
      results.append(state)
    }
    loop.count(
      samples: x.shape[0], steps: done, steps.method, hasNoise: signals.noise != nil, bits: bits, in: &context)
    return try Tensor.stack(results, axis: 0)
  }

  private func stored(_ x: Tensor<Float>) throws -> Tensor<Float> { try FixedPoint.rounded(x, bits: bits, rows: true) }

  private func step(_ x: Tensor<Float>, number: Int, _ signals: LoopSignals, _ random: inout RandomStream) throws
    -> Tensor<Float>
  {
    let (reach, share, nodes) = steps.method.stages
    let h = signals.span / Double(steps.steps)
    var (sum, slope) = (x, x)
    for (q, node) in nodes.enumerated() {
      let t = signals.time(after: Double(number) + node, of: steps.steps)
      let from = q == 0 ? x : try stored(x + slope * reach[q])
      let output = try network(from, signals, at: t)
      slope = try stored(from * Float(signals.linear(t) * h) + output * Float(signals.gain(t) * h))
      sum = try sum + slope * share[q]
    }
    guard let noise = signals.noise else { return sum }
    let deviation = noise(signals.time(after: Double(number), of: steps.steps)) * h.squareRoot()
    return try sum + random.normal(x.shape) * Float(deviation)
  }

  private func network(_ x: Tensor<Float>, _ signals: LoopSignals, at time: Double) throws -> Tensor<Float> {
    let samples = x.shape[0]
    let e = try signals.injected(into: loop, at: time)
    let u = try signals.driven(loop.drives, samples: samples, at: time)
    var y = x
    if loop.drives > 0 {
      let drive = try Tensor(u, shape: [u.count / loop.drives, loop.drives])
      y = try stored(Tensor.concatenate([x, drive.broadcast(to: [samples, loop.drives])], axis: 1))
    }
    for layer in loop.layers {
      var sum = try linear(y, layer.weights, bias: layer.bias)
      if let kind = layer.injected { sum = try sum + Tensor(e[kind]) }
      y = try stored(layer.activation(stored(sum)))
    }
    return y
  }
}

extension FeedbackLoop.Activation {
  /// Its values, of any shape.
  package func callAsFunction<Scalar: TensorScalar>(_ x: Tensor<Scalar>) throws(TensorError) -> Tensor<Scalar> {
    switch self {
    case .identity: x
    case .tanh: try Tensors.tanh(x)
    case .sigmoid: try Tensors.sigmoid(x)
    case .rectifier(let ceiling) where ceiling.isFinite: try x.clamped(to: 0...Scalar(ceiling))
    case .rectifier: try relu(x)
    }
  }
}
