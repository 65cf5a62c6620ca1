import CKernels
import Tensors

/// Steps in exact single precision; with noise those of Euler and Maruyama.
struct DigitalIntegrator: Integrator {
  let loop: FeedbackLoop
  let steps: IntegrationSteps
  private let kernel: LoopKernel
  var inventory: Inventory { Inventory() }

  /// Numbers of signals that are made at a time.
  private static let signalLimit = 1 << 22

  init(loop: FeedbackLoop, steps: IntegrationSteps) throws(TensorError) {
    try steps.check()
    (self.loop, self.steps) = (loop, steps)
    kernel = try LoopKernel(loop)
  }

  func integrate(
    _ x: Tensor<Float>, _ signals: LoopSignals, readAt times: [Double], in context: inout ForwardContext
  ) throws -> Tensor<Float> {
    try loop.checkStates(x)
    try steps.check(signals)
    let reads = try signals.nearestSteps(to: times, of: steps.steps)
    let samples = x.shape[0]
    let hasNoise = signals.noise != nil
    let units = UInt64((samples + LoopKernel.lanes - 1) / LoopKernel.lanes)
    let stream = context.random.reserve(hasNoise ? kk_feedback_blocks(loop.states, steps.steps) * units : 0)
    // Samples in the lanes: [states, samples].
    let state = try x.detached().transposed().copied()
    let perStep =
      steps.method.stages.reach.count * (samples * loop.drives + loop.layers.reduce(0) { $0 + $1.bias.count })
    let longest = max(1, Self.signalLimit / max(1, perStep))
    var done = 0
    var results: [Tensor<Float>] = []
    for read in reads {
      while done < read {
        let count = min(longest, read - done)
        try advance(state, from: done, by: count, signals, stream)
        done += count
      }
      results.append(try state.transposed().copied())
    }
    loop.count(samples: samples, steps: done, steps.method, hasNoise: hasNoise, bits: 32, in: &context)
    return try Tensor.stack(results, axis: 0)
  }

  /// Some steps of all samples, in place.
  private func advance(
    _ state: Tensor<Float>, from first: Int, by count: Int, _ signals: LoopSignals,
    _ stream: (key: UInt64, block: UInt64)
  ) throws(TensorError) {
    let samples = state.shape[1]
    let (reach, share, nodes) = steps.method.stages
    let h = signals.span / Double(steps.steps)
    var given = kernel.signals(samples: samples)
    var (a, b, c): ([Float], [Float], [Float]) = ([], [], [])
    for k in first..<first + count {
      for node in nodes {
        let t = signals.time(after: Double(k) + node, of: steps.steps)
        a.append(Float(signals.linear(t) * h))
        b.append(Float(signals.gain(t) * h))
        try kernel.append(
          injected: signals.injected(into: loop, at: t), drive: signals.driven(loop.drives, samples: samples, at: t),
          to: &given)
      }
      if let noise = signals.noise {
        c.append(Float(noise(signals.time(after: Double(k), of: steps.steps)) * h.squareRoot()))
      }
    }
    let all = state.body.f32
    let blocks = kk_feedback_blocks(loop.states, steps.steps)
    let hasNoise = signals.noise != nil
    let memory = kernel.with(given) { field in withUnsafePointer(to: field) { kk_feedback_memory($0) } }
    reach.withUnsafeBufferPointer { reach in
      share.withUnsafeBufferPointer { share in
        a.withUnsafeBufferPointer { a in
          b.withUnsafeBufferPointer { b in
            c.withUnsafeBufferPointer { c in
              LoopKernel.forEachPart(samples, memory: memory) { _, start, number, room in
                var method = kk_feedback_method(
                  first: first, steps: count, total: steps.steps, stages: reach.count, reach: reach.baseAddress,
                  share: share.baseAddress, a: a.baseAddress, b: b.baseAddress, c: hasNoise ? c.baseAddress : nil,
                  key: stream.key, block: stream.block + UInt64(start / LoopKernel.lanes) * blocks)
                kernel.with(given, from: start) { field in
                  withUnsafePointer(to: field) { kk_feedback_steps($0, &method, number, samples, all + start, room) }
                }
              }
            }
          }
        }
      }
    }
  }
}

extension IntegrationSteps {
  /// - Throws: `TensorError.invalidArgument` for no steps.
  func check() throws(TensorError) {
    guard steps >= 1 else { throw .invalidArgument("steps", found: "\(steps)", expected: "1 or more") }
  }

  /// - Throws: `TensorError.invalidArgument` for a method that does not take noise.
  func check(_ signals: LoopSignals) throws(TensorError) {
    guard signals.noise == nil || method == .euler else {
      throw .invalidArgument(
        "steps.method", found: method.rawValue, expected: "\(Method.euler.rawValue), of Euler and Maruyama, with noise")
    }
  }
}

extension FeedbackLoop {
  /// Writes what steps take into the ledger: products with the weights; an operation for each injected number and activation
  /// and four for each state, its slope and sums; weights and biases fetched once for all samples, values in and out of
  /// every layer.
  func count(
    samples: Int, steps: Int, _ method: IntegrationSteps.Method, hasNoise: Bool, bits: Int,
    in context: inout ForwardContext
  ) {
    let evaluations = steps * method.stages.reach.count
    var operations = 4 * states
    var moved = 3 * states
    var stored = 0
    for layer in layers {
      operations +=
        (layer.injected == nil ? 0 : layer.bias.count) + (layer.activation == .identity ? 0 : layer.bias.count)
      moved += layer.weights.shape[0] + layer.bias.count
      stored += layer.weights.count + layer.bias.count
    }
    context.countLogic(.multiplyAccumulate, samples * evaluations * products, bits: bits)
    context.countLogic(.operation, samples * (evaluations * operations + (hasNoise ? steps * states : 0)), bits: bits)
    context.count(.memory, .byte, (bits + 7) / 8 * evaluations * (stored + samples * moved))
  }
}
