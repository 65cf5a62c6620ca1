import CKernels
import Devices
import Foundation
import Substrates
import Tensors

/// Loops of arrays, amplifiers, multipliers and capacitors that integrate.
public struct IntegratorLoop: Codable, Sendable, Equatable {
  /// Time that one run takes, from closing the loop to reading the capacitors, in seconds.
  public var run_s = 20e-6
  /// Volts that stand for a signal of 1.
  public var unit_V = 0.1
  /// Time constant of an amplifier, as a fraction of the run; 0 for none.
  public var amplifierLag = 0.002
  /// Time constant of the capacitors' leakage, in runs; 0 for none.
  public var leakTime = 1000.0
  /// Standard deviation of a multiplier's gain error, as a fraction.
  public var multiplierGainError = 0.01
  /// Standard deviation of a multiplier's offset, in volts.
  public var multiplierOffset_V = 0.005
  /// Largest output of a neuron, in signal units; 0 for none.
  public var clamp = 1.5
  /// Resolution of the converters that make time-dependent signals, in bits; 0 for exact signals.
  public var signalBits = 12
  /// Volts at those converters for an injected signal of 1; they reach from −1 V to 1 V.
  public var injected_V = 0.5
  /// How often time-dependent signals are renewed in a run.
  public var refreshes = 200
  /// Steps of the simulation in a run.
  public var simulationSteps = 2000
  /// Operational amplifiers besides one for each neuron and state, and multipliers of two for each state (A).
  public var furtherAmplifiers = 4

  public init() {}

  /// A loop without any fault, for comparison.
  public static var ideal: IntegratorLoop {
    var loop = IntegratorLoop()
    (loop.amplifierLag, loop.leakTime, loop.multiplierGainError, loop.multiplierOffset_V) = (0, 0, 0, 0)
    (loop.clamp, loop.signalBits, loop.refreshes) = (0, 0, 2000)
    return loop
  }

  func validate() throws(CircuitError) {
    func require(_ holds: Bool, _ name: String, _ found: Any, _ expected: String) throws(CircuitError) {
      if !holds { throw .invalidSetting("loop.\(name)", found: "\(found)", expected: expected) }
    }
    try require(run_s > 0 && run_s.isFinite, "run_s", run_s, "above 0 s, finite")
    try require(unit_V > 0 && unit_V.isFinite, "unit_V", unit_V, "above 0 V, finite")
    try require((0...1).contains(amplifierLag), "amplifierLag", amplifierLag, "0 to 1 run")
    try require(leakTime >= 0 && leakTime.isFinite, "leakTime", leakTime, "0 (none) or more runs")
    try require((0...1).contains(multiplierGainError), "multiplierGainError", multiplierGainError, "0 to 1")
    try require((0...1).contains(multiplierOffset_V), "multiplierOffset_V", multiplierOffset_V, "0 V to 1 V")
    try require(clamp >= 0 && clamp.isFinite, "clamp", clamp, "0 (none) or more")
    try require((0...16).contains(signalBits) && signalBits != 1, "signalBits", signalBits, "0 (exact) or 2 to 16")
    try require(injected_V > 0 && injected_V.isFinite, "injected_V", injected_V, "above 0 V, finite")
    try require((1...100_000).contains(refreshes), "refreshes", refreshes, "1 to 100,000")
    try require(
      (refreshes...1_000_000).contains(simulationSteps), "simulationSteps", simulationSteps,
      "at least refreshes (\(refreshes)), at most 1,000,000")
    try require((0...10_000).contains(furtherAmplifiers), "furtherAmplifiers", furtherAmplifiers, "0 to 10,000")
  }
}

/// A network in arrays whose output charges the capacitors that hold its input.
///
///     τ_amp·dV_j/dt = clamp(Σ_i (G⁺ − G⁻)_ij·V_i/G_unit + bias + e_k, 0, clamp) − V_j      hidden neurons
///     T·dV_x/dt = (1 + ε₁)·a_k·V_x + δ₁ + (1 + ε₂)·b_k·V_s + δ₂ − V_x/leak                 two multipliers, capacitor
///
/// T is the run's time over the model's. Signals a_k, b_k, e_k come from converters and are held between refreshes; noise
/// is added to the capacitors at each refresh. Weights and biases of a layer are differential pairs with the same unit
/// conductance; the output amplifier carries the network's amplitude. Read noise is white from refresh to refresh: its
/// variance Σ V²(σ²(G⁺) + σ²(G⁻)) is drawn once for each neuron, which for Gaussian cells is the same as drawing each cell.
/// Errors of programming and of multipliers are drawn once, when the circuit is made.
///
/// - Source: specification of the diffusion solver (Yang et al., arXiv 2404.05648), circuit equations (A).
/// - Left out: wire resistance, slew rate, noise of amplifiers, charge injection of switches.
public struct ClosedLoopIntegrator: Integrator {
  private let network: FeedbackNetwork
  private let loop: IntegratorLoop
  /// Weights and biases as programmed, and the variances of reading them.
  private let rows: FeedbackRows, variances: FeedbackRows
  private let biases: [[Float]], biasVariances: [[Float]]
  private let isNoisy: Bool
  /// Of the multipliers, `[2, states]`.
  private let gain: [Float], offset: [Float]
  /// Mean conductance of the cells, in siemens.
  public let meanConductance: Double
  /// Cells in use.
  public let cells: Int

  /// Programs the network and draws the multipliers' errors.
  public init(
    _ network: FeedbackNetwork, macro: Macro, device: (any DeviceModel)? = nil, in context: inout ForwardContext
  ) throws {
    try macro.validate()
    let cell = device ?? macro.device
    self.network = network
    loop = macro.loop
    let (low, width) = (cell.window.lowerBound, cell.window.upperBound - cell.window.lowerBound)
    var (conductance, count) = (0.0, 0)
    var stored: [(weights: [Float], biases: [Float])] = []
    var spread: [(weights: [Float], biases: [Float])] = []
    for (w, b) in zip(network.weights, network.biases) {
      // Outputs as rows, the bias as a last column.
      let matrix = try Tensor.concatenate([w.transposed(), b.reshaped([b.count, 1])], axis: 1)
      let largest = Swift.max(try matrix.magnitude().max().item(), .leastNormalMagnitude)
      guard largest.isFinite, try matrix.sum().item().isFinite else { throw CircuitError.weightsNotFinite }
      let scaled = try matrix * (1 / largest)
      func program(_ target: Tensor<Float>) throws -> Tensor<Float> {
        context.activity.pulses += Int((Float(target.count) * cell.pulsesPerWrite).rounded())
        let written = try cell.programmed(target.clamped(to: 0...1) * width + low, using: &context.random)
        return try cell.aged(written, age: macro.age_s)
      }
      let (plus, minus) = (try program(scaled), try program(scaled.negated()))
      conductance += Double(try plus.sum().item()) + Double(try minus.sum().item())
      count += 2 * matrix.count
      let unit = largest / width
      func parts(_ x: Tensor<Float>) throws -> (weights: [Float], biases: [Float]) {
        let inputs = w.shape[0]
        return (
          try x.slice(0..<inputs, axis: 1).rowMajor().elements, try x.slice(inputs..<inputs + 1, axis: 1).elements
        )
      }
      stored.append(try parts((plus - minus) * unit))
      spread.append(try parts((cell.readVariance(plus) + cell.readVariance(minus)) * (unit * unit)))
    }
    let amplitude = network.amplitude
    func layout(_ p: [(weights: [Float], biases: [Float])], _ factor: Float) -> FeedbackRows {
      FeedbackRows(
        states: network.states, hidden: network.hidden, w1: p[0].weights, w2: p[1].weights,
        w3: p[2].weights.map { $0 * factor }, b3: p[2].biases.map { $0 * factor })
    }
    rows = layout(stored, amplitude)
    variances = layout(spread, amplitude * amplitude)
    biases = stored.map(\.biases)
    biasVariances = [spread[0].biases, spread[1].biases, variances.b3]
    isNoisy = spread.contains { $0.weights.contains { $0 > 0 } || $0.biases.contains { $0 > 0 } }
    let multipliers = 2 * network.states
    gain = try context.random.normal([multipliers], standardDeviation: Float(loop.multiplierGainError)).elements
    offset = try context.random.normal(
      [multipliers], standardDeviation: Float(loop.multiplierOffset_V / loop.unit_V)
    ).elements
    (meanConductance, cells) = (conductance / Double(count), count)
  }

  public func integrate(_ x: Tensor<Float>, _ signals: LoopSignals, in context: inout ForwardContext) throws
    -> Tensor<Float>
  {
    let lanes = try x.asLanes(states: network.states)
    let refreshes = loop.refreshes
    let inner = (loop.simulationSteps + refreshes - 1) / refreshes
    let span = abs(signals.end - signals.start)
    let sign = signals.end < signals.start ? -1.0 : 1.0
    let h = span / Double(refreshes * inner)
    var (a, b, c): ([Float], [Float], [Float]) = ([], [], [])
    var (p1, p2): ([Float], [Float]) = ([], [])
    for k in 0..<refreshes {
      let t = signals.start + sign * span * Double(k) / Double(refreshes)
      // The analog path of x doubles its signal, which is why the converter makes half of it.
      a.append(Float(2 * converted(signals.linear(t) / 2) * h))
      b.append(Float(converted(signals.gain(t)) * h))
      let e = try signals.checked(signals.injected(t), hidden: network.hidden).map {
        Float(converted(Double($0) * loop.injected_V) / loop.injected_V)
      }
      p1 += zip(biases[0], e).map { $0 + $1 }
      p2 += zip(biases[1], e).map { $0 + $1 }
      if let noise = signals.noise { c.append(Float(noise(t) * (span / Double(refreshes)).squareRoot())) }
    }
    let units = (x.shape[0] + 15) / 16
    let blocks = kk_circuit_blocks(network.states, network.hidden, refreshes)
    let hasNoise = signals.noise != nil
    let (key, block) = context.random.reserve(isNoisy || hasNoise ? blocks * UInt64(units) : 0)
    let follow = loop.amplifierLag > 0 ? 1 - exp(-1 / (Double(refreshes * inner) * loop.amplifierLag)) : 1
    let leak = loop.leakTime > 0 ? 1 / (loop.leakTime * Double(refreshes * inner)) : 0
    let ceiling = loop.clamp > 0 ? min(network.ceiling, Float(loop.clamp)) : network.ceiling
    // Offsets add up over the run as the drives do, per unit of model time.
    let push = offset.map { $0 * Float(h) }
    try lanes.forEachPart { part, count, first in
      variances.withField(ceiling: 0) { v in
        rows.withField(ceiling: ceiling) { field in
          biasVariances[0].withUnsafeBufferPointer { u1 in
            biasVariances[1].withUnsafeBufferPointer { u2 in
              gain.withUnsafeBufferPointer { gain in
                push.withUnsafeBufferPointer { push in
                  var circuit = kk_feedback_circuit(
                    network: field.pointee, v1: v.pointee.w1, v2: v.pointee.w2, v3: v.pointee.w3, u1: u1.baseAddress,
                    u2: u2.baseAddress, u3: v.pointee.p3, follow: Float(follow), gain: gain.baseAddress,
                    offset: push.baseAddress, leak: Float(leak))
                  kk_feedback_run(
                    &circuit, count, refreshes, inner, isNoisy ? 1 : 0, p1, p2, a, b, hasNoise ? c : nil, key,
                    block + UInt64(first / 16) * blocks, part)
                }
              }
            }
          }
        }
      }
    }
    count(samples: x.shape[0], hasNoise: hasNoise, &context)
    return try lanes.rows()
  }

  private func count(samples: Int, hasNoise: Bool, _ context: inout ForwardContext) {
    let (states, hidden) = (network.states, network.hidden)
    // An amplifier for each neuron and state, integrators, two multipliers for each state.
    let amplifiers = 2 * hidden + 2 * states + 2 * states + loop.furtherAmplifiers
    context.activity.amplifiers_s += Double(samples * amplifiers) * loop.run_s
    context.activity.cells_s += Double(samples * cells) * loop.run_s
    context.activity.settling_s += Double(samples) * loop.run_s
    context.activity.inputConversions += samples * (loop.refreshes * (hidden + 2 + (hasNoise ? states : 0)) + states)
    context.activity.outputConversions += samples * states
  }

  /// Volts as the signals' converters give them.
  private func converted(_ volts: Double) -> Double {
    guard loop.signalBits > 0 else { return volts }
    let half = Double(1 << (loop.signalBits - 1))
    return (max(-half, min(half - 1, (volts * half).rounded()))) / half
  }
}
