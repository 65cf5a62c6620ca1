import CKernels
import Devices
import Foundation
import Substrates
import Tensors

/// A network in arrays whose output charges the capacitors that hold its input.
///
///     τ_amp·dV_j/dt = clamp(f(Σ_i G_ij·V_i/G_unit + bias + e_k)) − V_j          neurons, f their activation
///     T·dV_x/dt = (1 + ε₁)·a_k·V_x + δ₁ + (1 + ε₂)·b_k·V_s + δ₂ − V_x/leak      two multipliers, capacitor
///
/// T is the run's time over the model's, V_s the outputs of the last layer, which the clamp leaves alone. Signals a_k, b_k, e_k and
/// drives u_k come from converters and are held between refreshes; noise is added to the capacitors at each refresh. Converters
/// charge the capacitors and read them at the times asked for; nothing is converted between. Cells are those of arrays:
/// programmed through the mapping, weights and biases of a layer with the same unit. Read noise is white from refresh to refresh:
/// its variance ΣV²·σ²(G) is drawn once for each neuron, which for Gaussian cells is the same as drawing each cell. Errors of
/// programming and of multipliers are drawn once, when the circuit is made.
///
/// Ledger: samples run one after the other. Cells are charged with ΣV²·G·t of the voltages found at the end of each refresh,
/// amplifiers and multipliers with the time of a run.
///
/// - Source: specification of the diffusion solver (Yang et al., arXiv 2404.05648), circuit equations (A).
/// - Left out: wire resistance, slew rate, noise of amplifiers, charge injection of switches, current that depends on voltage
///   otherwise than in proportion. A layer that is larger than an array takes several, whose currents add up.
public struct ClosedLoopIntegrator: Integrator {
  public let inventory: Inventory
  private let loop: FeedbackLoop
  private let settings: IntegratorLoop
  private let kernel: LoopKernel
  /// Variances of reading weights, `[outputs, inputs]`, and biases of each layer, in signal units².
  private let variances: [(weights: Tensor<Float>, bias: Tensor<Float>)]
  private let isNoisy: Bool
  /// Siemens at each input of each layer, over all its cells; the last is the bias.
  private let conductances: [[Float]]
  /// Of the multipliers, `[2, states]`; offsets in signal units.
  private let gain: Tensor<Float>, offset: Tensor<Float>
  private let amplifiers: Int
  private let outputsPerConverter: Int
  private let stream: RandomStream

  /// Programs the network and draws the multipliers' errors.
  ///
  /// - Throws: `CircuitError.weightsNotFinite`, `.invalidSetting`; `.unsupported` for mappings whose weights are not one difference
  ///   of currents, and for cells that see light; `DeviceError`.
  public init(_ loop: FeedbackLoop, macro: Macro, device: any DeviceModel, in context: inout ForwardContext) throws {
    try macro.validate()
    try device.validate()
    let device = try device.prepared()
    try macro.checkLoop(of: device)
    let stream = context.stream("integrating loop")
    var cells: [CellPlanes] = []
    for (l, layer) in loop.layers.enumerated() {
      // The bias is a last input, which is always 1.
      let matrix = try Tensor.concatenate([layer.weights, layer.bias.reshaped([1, layer.bias.count])], axis: 0)
      let largest = try matrix.magnitude().max().item()
      cells.append(
        try CellPlanes(
          matrix, scale: Tensor(largest > 0 ? largest : 1), macro: macro, device: device,
          stream: stream.split("layer \(l)"), in: &context))
    }
    // Layers are written side by side.
    context.count(.cell, .pulseTurn, cells.reduce(0) { max($0, $1.pulseTurns) })
    kernel = try LoopKernel(loop, stored: cells.map { try Self.parts($0.stored) })
    isNoisy = try cells.contains { try $0.variance != nil }
    variances = try cells.map { planes in
      let (weights, bias) = try Self.parts(planes.variance ?? .zeros(planes.shape))
      return (try weights.transposed().copied(), try bias.copied())
    }
    conductances = try cells.map { try $0.conductance_S.sum(axes: [1]).elements }
    var errors = stream.split("multipliers")
    let (settings, multipliers) = (macro.loop, 2 * loop.states)
    gain = try errors.normal([multipliers], standardDeviation: Float(settings.multiplierGainError))
    offset = try errors.normal(
      [multipliers], standardDeviation: Float(settings.multiplierOffset_V / settings.unit_V))
    // One for each neuron, output of the last layer and capacitor.
    amplifiers = loop.layers.reduce(0) { $0 + $1.bias.count } + loop.states + settings.furtherAmplifiers
    inventory = try Self.inventory(loop, cells, macro, amplifiers: amplifiers)
    (self.loop, self.settings, self.stream) = (loop, settings, stream)
    outputsPerConverter = macro.output.outputsPerConverter
  }

  /// Weights and bias of a matrix with the bias as its last row.
  private static func parts(_ matrix: Tensor<Float>) throws -> (weights: Tensor<Float>, bias: Tensor<Float>) {
    let inputs = matrix.shape[0] - 1
    return (
      try matrix.slice(0..<inputs, axis: 0), try matrix.slice(inputs..<inputs + 1, axis: 0).reshaped([matrix.shape[1]])
    )
  }

  private static func inventory(_ loop: FeedbackLoop, _ cells: [CellPlanes], _ macro: Macro, amplifiers: Int) throws
    -> Inventory
  {
    var parts = cells.reduce(Inventory()) { $0 + $1.inventory }
    let each = macro.mapping.mapping.cellsPerWeight
    for planes in cells {
      let (rows, columns) = (planes.shape[0], planes.shape[1] * each)
      parts.add(.array, ((rows + macro.rows - 1) / macro.rows) * ((columns + macro.columns - 1) / macro.columns))
    }
    parts.add(.amplifier, amplifiers)
    parts.add(.multiplier, 2 * loop.states)
    let (bits, sharing) = (macro.loop.signalBits, macro.output.outputsPerConverter)
    parts.add(.inputConverter, loop.signals + loop.states, bits: bits)
    parts.add(.outputConverter, (loop.states + sharing - 1) / sharing, bits: bits)
    return parts
  }

  public func integrate(
    _ x: Tensor<Float>, _ signals: LoopSignals, readAt times: [Double], in context: inout ForwardContext
  ) throws -> Tensor<Float> {
    try loop.checkStates(x)
    let (samples, refreshes) = (x.shape[0], settings.refreshes)
    let inner = (settings.simulationSteps + refreshes - 1) / refreshes
    let reads = try signals.nearestSteps(to: times, of: refreshes * inner)
    var converters = try LoopConverters(settings)
    let given = try converted(signals, samples: samples, inner: inner, &converters)
    let start = try converters.states(x.detached()).transposed().copied()
    let ends = try Tensor<Float>.uninitialized([reads.count, loop.states, samples])
    let hasNoise = signals.noise != nil
    let squares = try run(given, from: start, into: ends, reads: reads, hasNoise: hasNoise, inner: inner, &context)
    let read = try converters.states(ends.transposed(1, 2).copied())
    count(samples: samples, reads: reads.count, squares, converters, hasNoise: hasNoise, &context)
    return read
  }

  /// What the circuit is given at every refresh.
  private struct Given {
    var signals: LoopKernel.Signals
    var a: Tensor<Float>, b: Tensor<Float>, c: Tensor<Float>?
    /// Offsets of the multipliers in one inner step.
    var push: Tensor<Float>
  }

  private func converted(_ signals: LoopSignals, samples: Int, inner: Int, _ converters: inout LoopConverters) throws
    -> Given
  {
    let refreshes = settings.refreshes
    let h = signals.span / Double(refreshes * inner)
    let interval = signals.span / Double(refreshes)
    var (a, b, c): ([Float], [Float], [Float]) = ([], [], [])
    var given = kernel.signals(samples: samples)
    for k in 0..<refreshes {
      let t = signals.time(after: Double(k), of: refreshes)
      // The analog path of x doubles its signal, which is why the converter makes half of it.
      a.append(Float(2 * converters.volts(signals.linear(t) / 2) * h))
      b.append(Float(converters.volts(signals.gain(t)) * h))
      let injected = try signals.injected(into: loop, at: t).map { $0.map { converters.signal($0) } }
      let drive = try signals.driven(loop.drives, samples: samples, at: t).map { converters.signal($0) }
      try kernel.append(injected: injected, drive: drive, to: &given)
      if let noise = signals.noise { c.append(Float(noise(t) * interval.squareRoot())) }
    }
    return Given(
      signals: given, a: try Tensor(a), b: try Tensor(b), c: c.isEmpty ? nil : try Tensor(c),
      // Offsets add up over the run as the drives do, per unit of model time.
      push: try offset * Float(h))
  }

  /// - Returns: of each input of each layer, the sum of squares over samples and refreshes, in signal units².
  private func run(
    _ given: Given, from start: Tensor<Float>, into ends: Tensor<Float>, reads: [Int], hasNoise: Bool, inner: Int,
    _ context: inout ForwardContext
  ) throws -> [Double] {
    let (samples, refreshes) = (start.shape[1], settings.refreshes)
    var random = stream.split("run \(context.random.next())")
    let memory = kernel.with(given.signals) { withUnsafePointer(to: $0) { kk_circuit_memory($0) } }
    let blocks = kernel.with(given.signals) { withUnsafePointer(to: $0) { kk_circuit_blocks($0, refreshes) } }
    let (key, block) = random.reserve(0)
    let steps = Double(refreshes * inner)
    let follow = settings.amplifierLag > 0 ? 1 - exp(-1 / (steps * settings.amplifierLag)) : 1
    let leak = settings.leakTime > 0 ? 1 / (settings.leakTime * steps) : 0
    let nodes = conductances.reduce(0) { $0 + $1.count - 1 }
    let parts = LoopKernel.parts(samples)
    let sums = try Tensor<Double>.zeros([max(1, parts), nodes])
    let (from, into, squares) = (start.body.f32, ends.body.f32, sums.body.f64)
    let layers = circuitLayers
    withExtendedLifetime((given, start, ends, sums, variances, gain)) {
      layers.withUnsafeBufferPointer { layers in
        reads.withUnsafeBufferPointer { reads in
          LoopKernel.forEachPart(samples, memory: memory) { part, first, count, room in
            kernel.with(given.signals, from: first) { network in
              var circuit = kk_feedback_circuit(
                network: network, layer: layers.baseAddress, follow: Float(follow), leak: Float(leak),
                gain: gain.body.f32, offset: given.push.body.f32, refreshes: refreshes, inner: inner,
                noisy: isNoisy ? 1 : 0, a: given.a.body.f32, b: given.b.body.f32, c: given.c?.body.f32, key: key,
                block: block + UInt64(first / LoopKernel.lanes) * blocks, when: reads.baseAddress, reads: reads.count)
              kk_feedback_run(&circuit, count, samples, from + first, into + first, squares + part * nodes, room)
            }
          }
        }
      }
    }
    return try sums.sum(axes: [0]).elements
  }

  /// The kernel's view of the layers' errors; the last layer's amplifiers are not clamped.
  private var circuitLayers: [kk_circuit_layer] {
    let unbounded: Float = 3e38
    return variances.indices.map { l in
      let isClamped = settings.clamp > 0 && l + 1 < variances.count
      let highest = isClamped ? Float(settings.clamp) : unbounded
      return kk_circuit_layer(
        weightVariance: variances[l].weights.body.f32, biasVariance: variances[l].bias.body.f32, lowest: -highest,
        highest: highest)
    }
  }

  private func count(
    samples: Int, reads: Int, _ squares: [Double], _ converters: LoopConverters, hasNoise: Bool,
    _ context: inout ForwardContext
  ) {
    let (states, bits) = (loop.states, settings.signalBits)
    context.count(.closedLoop, .settling, Double(samples) * settings.run_s)
    context.count(.amplifier, .second, Double(samples * amplifiers) * settings.run_s)
    context.count(.multiplier, .second, Double(samples * 2 * states) * settings.run_s)
    let perRefresh = loop.signals + (hasNoise ? states : 0)
    context.count(.inputConverter, .conversion, samples * (settings.refreshes * perRefresh + states), bits: bits)
    context.count(.outputConverter, .conversion, samples * reads * states, bits: bits)
    // Signals are converted while the loop runs.
    context.count(.inputConverter, .turn, samples, bits: bits)
    context.count(.outputConverter, .turn, samples * reads * min(states, outputsPerConverter), bits: bits)
    context.count(.inputConverter, .clipped, converters.clippedSignals, bits: bits)
    context.count(.outputConverter, .clipped, converters.clippedStates, bits: bits)
    var (sum, next) = (0.0, 0)
    for siemens in conductances {
      for own in siemens.dropLast() {
        sum += squares[next] * Double(own)
        next += 1
      }
      sum += Double(samples * settings.refreshes) * Double(siemens.last ?? 0)
    }
    context.count(.cell, .joule, sum * settings.unit_V * settings.unit_V * settings.run_s / Double(settings.refreshes))
  }
}

/// The converters of an integrating loop, and how often they were given more than they reach.
private struct LoopConverters {
  let settings: IntegratorLoop
  private let quantiser: Quantiser
  private(set) var clippedSignals = 0, clippedStates = 0

  init(_ settings: IntegratorLoop) throws {
    self.settings = settings
    quantiser = try Quantiser(bits: settings.signalBits)
  }

  /// Volts of a converter that reaches from −1 V to 1 V.
  mutating func volts(_ volts: Double) -> Double {
    if quantiser.bits > 0, abs(volts) > 1 { clippedSignals += 1 }
    return quantiser.rounded(volts, range: 1)
  }

  /// An injected signal or a drive.
  mutating func signal(_ x: Float) -> Float {
    quantiser.bits == 0 ? x : Float(volts(Double(x) * settings.injected_V) / settings.injected_V)
  }

  /// States as they are charged or read.
  mutating func states(_ x: Tensor<Float>) throws -> Tensor<Float> {
    let range = Float(settings.stateRange)
    guard quantiser.bits > 0 else { return x }
    clippedStates += try Int((x.magnitude() .> range).sum().item())
    return try quantiser.rounded(x, range: range)
  }
}

extension FeedbackLoop {
  /// Converters for signals: a, b, drives, and each kind that is injected.
  fileprivate var signals: Int {
    let kinds = (0..<injections).map { kind in layers.first { $0.injected == kind }?.bias.count ?? 0 }
    return 2 + drives + kinds.reduce(0, +)
  }
}
