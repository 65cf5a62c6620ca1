import CKernels
import Devices
import Foundation
import Substrates
import Tensors

/// A network in arrays whose output charges the capacitors that hold its input.
///
///     τ_amp·dV_j/dt = activation(Σ_i (G⁺ − G⁻)_ij·V_i/G_unit + bias + e_k) − V_j                  neurons of every layer
///     T·dV_x/dt = (1 + ε₁)·a_k·V_x + δ₁ + (1 + ε₂)·b_k·V_s + δ₂ − V_x/leak                 two multipliers, capacitor
///
/// T is the run's time over the model's. Signals a_k, b_k, e_k, u_k come from converters and are held between refreshes; noise
/// is added to the capacitors at each refresh. Weights and biases of a layer are cells with the same unit conductance. Read
/// noise is white from refresh to refresh: its variance Σ V²σ² is drawn once for each neuron, which for Gaussian cells is the
/// same as drawing each cell. Errors of programming and of multipliers are drawn once, when the circuit is made.
///
/// Joules of the cells are ΣV²·G·t, with the voltages at the end of every refresh.
///
/// - Source: specification of the diffusion solver (Yang et al., arXiv 2404.05648), circuit equations (A).
/// - Left out: wire resistance, slew rate, noise of amplifiers, charge injection of switches.
public struct ClosedLoopIntegrator: Integrator {
  private let network: FeedbackLoop
  private let settings: IntegratorLoop
  private let macro: Macro
  private let kernel: LoopKernel
  /// Of each layer: variances of reading weights, `[outputs, inputs]`, and biases.
  private let variances: [(weights: Tensor<Float>, biases: Tensor<Float>)]
  private let isNoisy: Bool
  /// Conductance that hangs on each input of every layer, one layer after the other, and on all biases, in siemens.
  private let loads: (inputs: [Double], biases: Double)
  /// Of the multipliers, `[2, states]`.
  private let gain: [Float], offset: [Float]
  public let inventory: Inventory

  /// Programs the network and draws the multipliers' errors.
  ///
  /// - Throws: `CircuitError.weightsNotFinite`; what the device throws.
  public init(_ network: FeedbackLoop, macro: Macro, device: any DeviceModel, in context: inout ForwardContext) throws {
    self.network = network
    (settings, self.macro) = (macro.loop, macro)
    let stream = context.stream("loop")
    var stored: [(weights: Tensor<Float>, bias: Tensor<Float>)] = []
    var variances: [(weights: Tensor<Float>, biases: Tensor<Float>)] = []
    var loads: (inputs: [Double], biases: Double) = ([], 0)
    var inventory = Inventory()
    var (turns, isNoisy) = (0.0, false)
    for (l, layer) in network.layers.enumerated() {
      let inputs = layer.weights.shape[0]
      // The bias as a last row.
      let matrix = try Tensor.concatenate([layer.weights, layer.bias.expanded(axis: 0)], axis: 0)
      let largest = try matrix.magnitude().max().item()
      let cells = try CellPlanes(
        matrix, scale: Tensor(largest > 0 ? largest : 1), macro: macro, device: device,
        stream: stream.split("layer \(l)"), in: &context)
      func parts(_ x: Tensor<Float>) throws -> (Tensor<Float>, Tensor<Float>) {
        (try x.slice(0..<inputs).rowMajor(), try x.slice(inputs..<inputs + 1).flattened())
      }
      stored.append(try parts(cells.stored))
      let spread = try cells.variance
      isNoisy = isNoisy || spread != nil
      let (weights, biases) = try parts(spread ?? .zeros(matrix.shape))
      variances.append((try weights.transposed().copied(), try biases.copied()))
      let rows = try cells.conductance_S.sum(axes: [1]).elements.map(Double.init)
      loads.inputs += rows.dropLast()
      loads.biases += rows[inputs]
      inventory += cells.inventory
      turns = max(turns, cells.pulseTurns)
    }
    context.count(.cell, .pulseTurn, turns)
    kernel = try LoopKernel(network, stored: stored)
    (self.variances, self.loads, self.isNoisy) = (variances, loads, isNoisy)
    var draws = stream.split("multipliers")
    let multipliers = 2 * network.states
    gain = try draws.normal([multipliers], standardDeviation: Float(macro.loop.multiplierGainError)).elements
    offset = try draws.normal(
      [multipliers], standardDeviation: Float(macro.loop.multiplierOffset_V / macro.loop.unit_V)
    ).elements
    inventory.add(.amplifier, Self.amplifiers(network, macro.loop))
    inventory.add(.multiplier, multipliers)
    inventory.add(
      .inputConverter, network.layers.reduce(2) { $0 + ($1.injected == nil ? 0 : $1.bias.count) },
      bits: macro.loop.signalBits)
    inventory.add(.outputConverter, network.states, bits: macro.output.bits)
    self.inventory = inventory
  }

  /// Two for each hidden neuron, four for each state and its output, and further ones.
  private static func amplifiers(_ network: FeedbackLoop, _ loop: IntegratorLoop) -> Int {
    2 * network.layers.dropLast().reduce(0) { $0 + $1.bias.count } + 2 * network.states + loop.furtherAmplifiers
  }

  /// Signals of a run as the converters give them, for every refresh.
  private struct Run {
    var given: LoopKernel.Signals
    var a: [Float] = [], b: [Float] = [], c: [Float] = []
  }

  private func signals(_ signals: LoopSignals, samples: Int, inner: Int) throws -> Run {
    let refreshes = settings.refreshes
    let h = signals.span / Double(refreshes * inner)
    let converter = try Quantiser(bits: settings.signalBits)
    func converted(_ volts: Double) -> Double { converter.rounded(volts, range: 1) }
    var run = Run(given: kernel.signals(samples: samples))
    let times = (0..<refreshes).map { signals.time(after: Double($0), of: refreshes) }
    let drives = try times.map { try signals.driven(network.drives, samples: samples, at: $0) }
    let most = Double(drives.reduce(0) { $1.reduce($0) { max($0, abs($1)) } })
    for (t, drive) in zip(times, drives) {
      // The analog path of x doubles its signal, which is why the converter makes half of it.
      run.a.append(Float(2 * converted(signals.linear(t) / 2) * h))
      run.b.append(Float(converted(signals.gain(t)) * h))
      let injected = try signals.injected(into: network, at: t).map { kind in
        kind.map { Float(converted(Double($0) * settings.injected_V) / settings.injected_V) }
      }
      try kernel.append(
        injected: injected, drive: drive.map { Float(converter.rounded(Double($0), range: most)) }, to: &run.given)
      if let noise = signals.noise { run.c.append(Float(noise(t) * (signals.span / Double(refreshes)).squareRoot())) }
    }
    return run
  }

  public func integrate(
    _ x: Tensor<Float>, _ signals: LoopSignals, readAt times: [Double], in context: inout ForwardContext
  ) throws -> Tensor<Float> {
    try network.checkStates(x)
    let samples = x.shape[0]
    let refreshes = settings.refreshes
    let inner = (settings.simulationSteps + refreshes - 1) / refreshes
    let reads = try signals.nearestSteps(to: times, of: refreshes * inner)
    let run = try self.signals(signals, samples: samples, inner: inner)
    let states = try Tensor<Float>.uninitialized([reads.count, network.states, samples])
    let squares = try follow(
      x.detached().transposed().copied(), run, inner: inner, step: signals.span / Double(refreshes * inner),
      reads: reads,
      into: states, hasNoise: signals.noise != nil, &context)
    count(samples: samples, reads: reads.count, hasNoise: signals.noise != nil, squares, &context)
    return try states.permuted([0, 2, 1]).rowMajor()
  }

  /// Runs all samples, some at a time side by side.
  ///
  /// - Returns: for each input of every layer the sum of its squares over samples and refreshes.
  private func follow(
    _ start: Tensor<Float>, _ run: Run, inner: Int, step: Double, reads: [Int], into states: Tensor<Float>,
    hasNoise: Bool, _ context: inout ForwardContext
  ) throws -> [Double] {
    let (samples, refreshes, nodes) = (start.shape[1], settings.refreshes, loads.inputs.count)
    let units = UInt64((samples + LoopKernel.lanes - 1) / LoopKernel.lanes)
    let (blocks, memory) = kernel.with(run.given) { field in
      withUnsafePointer(to: field) { (kk_circuit_blocks($0, refreshes), kk_circuit_memory($0)) }
    }
    let (key, block) = context.random.reserve(isNoisy || hasNoise ? blocks * units : 0)
    let total = Double(refreshes * inner)
    let follow = settings.amplifierLag > 0 ? 1 - exp(-1 / (total * settings.amplifierLag)) : 1
    let leak = settings.leakTime > 0 ? 1 / (settings.leakTime * total) : 0
    // Offsets add up over the run as the drives do, per unit of model time.
    let push = offset.map { $0 * Float(step) }
    let errors = network.layers.indices.map { circuitLayer($0) }
    let parts = LoopKernel.parts(samples)
    var squares = [Double](repeating: 0, count: parts * nodes)
    let (from, to) = (start.body.f32, states.body.f32)
    squares.withUnsafeMutableBufferPointer { squares in
      nonisolated(unsafe) let squares = squares
      errors.withUnsafeBufferPointer { errors in
        run.a.withUnsafeBufferPointer { a in
          run.b.withUnsafeBufferPointer { b in
            run.c.withUnsafeBufferPointer { c in
              gain.withUnsafeBufferPointer { gain in
                push.withUnsafeBufferPointer { push in
                  reads.withUnsafeBufferPointer { when in
                    nonisolated(unsafe) let view = (
                      errors.baseAddress, a.baseAddress, b.baseAddress, c.baseAddress, gain.baseAddress,
                      push.baseAddress,
                      when.baseAddress.map { UnsafeRawPointer($0).assumingMemoryBound(to: Int.self) }
                    )
                    LoopKernel.forEachPart(samples, memory: memory) { part, first, number, room in
                      kernel.with(run.given, from: first) { field in
                        var circuit = kk_feedback_circuit(
                          network: field, layer: view.0, follow: Float(follow), leak: Float(leak), gain: view.4,
                          offset: view.5, refreshes: refreshes, inner: inner, noisy: isNoisy ? 1 : 0, a: view.1,
                          b: view.2,
                          c: hasNoise ? view.3 : nil, key: key,
                          block: block + UInt64(first / LoopKernel.lanes) * blocks, when: view.6, reads: reads.count)
                        kk_feedback_run(
                          &circuit, number, samples, from + first, to + first,
                          squares.baseAddress.map { $0 + part * nodes }, room)
                      }
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
    return (0..<nodes).map { i in (0..<parts).reduce(0) { $0 + squares[$1 * nodes + i] } }
  }

  /// What the amplifiers behind a layer can put out, and the variances of its cells.
  private func circuitLayer(_ l: Int) -> kk_circuit_layer {
    let unbounded: Float = 3e38
    let isHidden = l + 1 < network.layers.count
    let clamp = isHidden && settings.clamp > 0 ? Float(settings.clamp) : unbounded
    return kk_circuit_layer(
      weightVariance: variances[l].weights.body.f32, biasVariance: variances[l].biases.body.f32, lowest: -clamp,
      highest: clamp)
  }

  private func count(
    samples: Int, reads: Int, hasNoise: Bool, _ squares: [Double], _ context: inout ForwardContext
  ) {
    let (states, refreshes) = (network.states, settings.refreshes)
    let seconds = Double(samples) * settings.run_s
    context.count(.amplifier, .second, seconds * Double(Self.amplifiers(network, settings)))
    context.count(.multiplier, .second, seconds * Double(2 * states))
    context.count(.closedLoop, .settling, seconds)
    let volts = settings.unit_V * settings.unit_V
    let power = zip(loads.inputs, squares).reduce(loads.biases * Double(samples * refreshes)) { $0 + $1.0 * $1.1 }
    context.count(.cell, .joule, volts * settings.run_s / Double(refreshes) * power)
    let injected = network.layers.reduce(0) { $0 + ($1.injected == nil ? 0 : $1.bias.count) }
    context.count(
      .inputConverter, .conversion, samples * refreshes * (injected + 2 + network.drives + (hasNoise ? states : 0)),
      bits: settings.signalBits)
    context.count(.inputConverter, .conversion, samples * states, bits: macro.input.bits)
    context.count(.outputConverter, .conversion, samples * states * reads, bits: macro.output.bits)
  }
}
