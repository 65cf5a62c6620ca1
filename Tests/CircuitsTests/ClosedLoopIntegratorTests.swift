import Circuits
import Devices
import Foundation
import Substrates
import Tensors
import Testing

@Suite("Loops that integrate in circuits") struct ClosedLoopIntegratorTests {
  /// Ideal parts, weights in the whole window.
  private func macro(_ change: (inout Macro) -> Void = { _ in }) -> Macro {
    var macro = Macro().withoutFaults
    macro.mapping.mapping = Self.differential
    change(&macro)
    return macro
  }

  private static var differential: DifferentialMapping {
    var mapping = DifferentialMapping()
    mapping.margin = 0
    return mapping
  }

  /// 0 to 100 µS without any fault.
  private var cell: RRAM {
    var cell = RRAM().withoutFaults
    cell.lowest_S = 0
    return cell
  }

  private func loop(_ sizes: [Int], _ activation: FeedbackLoop.Activation, _ random: inout RandomStream) throws
    -> FeedbackLoop
  {
    var layers: [FeedbackLoop.Layer] = []
    for l in 0..<sizes.count - 1 {
      let bound = 1 / Float(sizes[l]).squareRoot()
      layers.append(
        FeedbackLoop.Layer(
          try random.uniform([sizes[l], sizes[l + 1]], in: -bound...bound),
          bias: try random.uniform([sizes[l + 1]], in: -bound...bound),
          activation: l + 2 < sizes.count ? activation : .identity))
    }
    return try FeedbackLoop(layers, drives: sizes[0] - sizes[sizes.count - 1])
  }

  // The networks of neural differential equations, driven and not, one in an array larger than a macro.
  @Test(
    "ideal parts follow the exact steps, with an error of the simulation's step",
    arguments: [[2, 14, 14, 1], [6, 64, 64, 6], [3, 200, 3]], [FeedbackLoop.Activation.tanh, .sigmoid])
  func followsSteps(sizes: [Int], activation: FeedbackLoop.Activation) throws {
    var random = RandomStream(seed: 1)
    let network = try loop(sizes, activation, &random)
    let start: Tensor<Float> = try random.normal([20, network.states])
    // Every sample has a drive of its own.
    let drive: @Sendable (Double) -> [Float] = { t in (0..<20).map { Float(sin(2 * t + Double($0))) } }
    let signals = LoopSignals(from: 0, to: 2, drive: network.drives > 0 ? drive : nil)
    let times = [0, 0.5, 2]
    var context = ForwardContext()
    let exact = try Digital().integrator(network, steps: IntegrationSteps(.rungeKutta4, 100), in: &context)
      .integrate(start, signals, readAt: times, in: &context)
    let errors = try [500, 1000].map { steps in
      let circuit = try Analog(macro { ($0.loop.refreshes, $0.loop.simulationSteps) = (steps, steps) }, device: cell)
      let found = try circuit.integrator(network, steps: IntegrationSteps(.euler, 1), in: &context)
        .integrate(start, signals, readAt: times, in: &context)
      #expect(try found.at(0) == exact.at(0))
      return try (found - exact).magnitude().max().item()
    }
    // First order: half the step, half the error. Below 3e-5 single precision of conductances, 6e-8 of each in sums of 64 over
    // a run, leaves as much as the step does.
    #expect(errors[1] < 5e-3, "\(errors)")
    #expect(errors[0] < 3e-5 || (1.8...2.2).contains(errors[0] / errors[1]), "\(errors)")
  }

  /// A loop of one state without weights whose slope is `bias`.
  private func slope(_ bias: Float) throws -> FeedbackLoop {
    try FeedbackLoop([FeedbackLoop.Layer(.zeros([1, 1]), bias: Tensor([bias]))])
  }

  private func end(
    _ network: FeedbackLoop, _ start: Tensor<Float>, _ signals: LoopSignals, _ macro: Macro, _ device: RRAM,
    seed: UInt64 = 1
  ) throws -> (states: Tensor<Float>, activity: Activity) {
    var context = ForwardContext(random: RandomStream(seed: seed))
    let states = try Analog(macro, device: device).integrator(network, steps: IntegrationSteps(.euler, 1), in: &context)
      .integrate(start, signals, in: &context)
    return (states, context.activity)
  }

  @Test("a leak, an offset and a wrong gain are their closed forms")
  func faults() throws {
    let start = try Tensor<Float>([[2], [-1]])
    let still = LoopSignals(from: 0, to: 1, gain: { _ in 0 })
    // e⁻¹ with 2,000 steps: relative error 1/4000.
    let leaking = try end(slope(0), start, still, macro { $0.loop.leakTime = 1 }, cell).states.elements
    #expect(abs(leaking[0] / (2 * Float(exp(-1.0))) - 1) < 1e-3 && abs(leaking[1] + Float(exp(-1.0))) < 1e-3)
    var shifts: [Double] = []
    for seed in 1...400 {
      let shifted = try end(
        slope(0), Tensor([[0]]), still, macro { $0.loop.multiplierOffset_V = 0.01 }, cell, seed: UInt64(seed))
      shifts.append(Double(shifted.states.elements[0]))
    }
    // Two offsets of 0.01/0.1 units each add up over a run of 1: √2/10; 400 draws know it to 4·√(1/800) = 14 %.
    let deviation = (shifts.reduce(0) { $0 + $1 * $1 } / 400).squareRoot()
    #expect(abs(deviation / (0.1 * 2.0.squareRoot()) - 1) < 0.14)
    var gains: [Double] = []
    for seed in 1...400 {
      let scaled = try end(
        slope(1), Tensor([[0]]), LoopSignals(from: 0, to: 1), macro { $0.loop.multiplierGainError = 0.1 }, cell,
        seed: UInt64(seed))
      gains.append(Double(scaled.states.elements[0]) - 1)
    }
    #expect(abs((gains.reduce(0) { $0 + $1 * $1 } / 400).squareRoot() / 0.1 - 1) < 0.14)
  }

  @Test("read noise is fresh at every refresh")
  func readNoise() throws {
    var noisy = cell
    noisy.readNoise = 0.1
    let zeros = try Tensor<Float>.zeros([5000, 1])
    for refreshes in [20, 200] {
      let found = try end(
        slope(1), zeros, LoopSignals(from: 0, to: 1),
        macro { ($0.loop.refreshes, $0.loop.simulationSteps) = (refreshes, 200) },
        noisy
      ).states
      // Cells at 0 S do not fluctuate; those of the bias add 0.1 of it in each of the refreshes: variance 0.01/refreshes,
      // known to 4·√(2/5000) = 8 %.
      #expect(abs(Double(try found.variance().item()) * Double(refreshes) / 0.01 - 1) < 0.08)
      #expect(abs(try found.mean().item() - 1) < 4 * 0.1 / Float(5000 * refreshes).squareRoot())
    }
  }

  @Test("cells take ΣV²·G·t, parts the time of a run, and only numbers that go in or out are converted")
  func ledger() throws {
    var pair = cell
    (pair.lowest_S, pair.highest_S) = (20e-6, 100e-6)
    let network = try FeedbackLoop(
      [FeedbackLoop.Layer(Tensor([[1, 0], [0, -1], [0.5, 0]]), bias: Tensor([0, 1]), injected: 0)], drives: 1)
    let macro = macro { ($0.loop.signalBits, $0.loop.refreshes, $0.loop.simulationSteps) = (10, 40, 80) }
    let signals = LoopSignals(
      from: 0, to: 1, gain: { _ in 0 }, drive: { _ in [-1] }, injected: [{ _ in [0, 0] }])
    var context = ForwardContext()
    let circuit = try Analog(macro, device: pair).integrator(network, steps: IntegrationSteps(.euler, 1), in: &context)
    context.activity = Activity()
    _ = try circuit.integrate(Tensor([[3, 1], [0, -2]]), signals, readAt: [0, 0.5, 1], in: &context)
    // Nothing moves. Siemens of both cells of all weights of a row, in µS: a full weight 120, half of one 80, none 40.
    let rows: [Double] = [160e-6, 160e-6, 120e-6, 160e-6]
    let squares: [Double] = [9, 5, 2, 2]
    let power: Double = zip(rows, squares).map { $0.0 * $0.1 }.reduce(0, +)
    let joules: Double = power * 0.1 * 0.1 * 20e-6
    // States are rounded to 8/1022 units, so their squares to 0.3 %.
    #expect(abs(context.activity.total(.cell, .joule) / joules - 1) < 4e-3)
    func amount(_ part: Part, _ event: Event) -> Double {
      context.activity.entries.filter { $0.key.part == part && $0.key.event == event && [0, 10].contains($0.key.bits) }
        .reduce(0) { $0 + $1.amount }
    }
    #expect(amount(.closedLoop, .settling) == 2 * 20e-6)
    // Two outputs, two capacitors, four further ones; two multipliers for each state.
    #expect(abs(amount(.amplifier, .second) - 2 * 8 * 20e-6) < 1e-12)
    #expect(abs(amount(.multiplier, .second) - 2 * 4 * 20e-6) < 1e-12)
    // a, b, a drive and two injected numbers at each refresh, two states at the start; six numbers read.
    #expect(amount(.inputConverter, .conversion) == 2 * (40 * 5 + 2))
    #expect(amount(.outputConverter, .conversion) == 2 * 3 * 2)
    let parts = circuit.inventory
    #expect(parts.count(.cell) == 2 * 4 * 2 && parts.count(.amplifier) == 8 && parts.count(.multiplier) == 4)
    #expect(parts.count(.inputConverter) == 7 && parts.count(.array) == 1)
  }

  @Test("converters of 1 bit have two levels, and what they do not reach is counted")
  func oneBit() throws {
    let start = try Tensor<Float>([[0.3], [-0.2], [9]])
    let coarse = macro { $0.loop.signalBits = 1 }
    let still = LoopSignals(from: 0, to: 1, linear: { _ in -1 }, gain: { _ in -0.2 })
    let found = try end(slope(0.5), start, still, coarse, cell)
    // States start at ±4, a = 2·q(−½) = −2, b = q(−0.2) = −1: x' = −2x − ½ ends at ±4·e⁻² − ¼·(1 − e⁻²) of either sign.
    #expect(found.states.elements == [4, -4, 4])
    #expect(found.activity.total(.outputConverter, .clipped) == 1)
    let loud = LoopSignals(from: 0, to: 1, gain: { _ in 1.5 })
    let twelve = macro { ($0.loop.signalBits, $0.loop.refreshes) = (12, 50) }
    let limited = try end(slope(0.5), Tensor([[0]]), loud, twelve, cell)
    #expect(limited.activity.total(.inputConverter, .clipped) == 50)
    // The gain stays at 1; reading rounds to 4/2047.
    #expect(abs(limited.states.elements[0] - 0.5) < 2.0 / 2047 + 1e-4)
  }

  @Test("loops share no draws, and results do not depend on threads, bit for bit")
  func draws() throws {
    var real = RRAM()
    real.readNoise = 0.05
    var random = RandomStream(seed: 2)
    let network = try loop([2, 14, 14, 2], .rectifier(), &random)
    let start: Tensor<Float> = try random.normal([600, 2])
    let signals = LoopSignals(from: 1, to: 0, noise: { _ in 0.1 })
    let circuit = try Analog(Macro(), device: real)
    func pair() throws -> [Tensor<Float>] {
      var context = ForwardContext(random: RandomStream(seed: 3))
      let loops = try (0..<2).map { _ in
        try circuit.integrator(network, steps: IntegrationSteps(.euler, 1), in: &context)
      }
      return try loops.map { try $0.integrate(start, signals, in: &context) }
    }
    let one = try Parallelism.withThreads(1) { try pair() }
    #expect(try Parallelism.withThreads(2) { try pair() } == one)
    #expect(one[0] != one[1])
  }

  @Test("what no loop can be is refused")
  func refusals() throws {
    var context = ForwardContext()
    let steps = IntegrationSteps(.euler, 1)
    let slices = macro { $0.mapping.mapping = BitSliceMapping() }
    #expect(throws: CircuitError.self) {
      try Analog(slices, device: cell).integrator(slope(1), steps: steps, in: &context)
    }
    #expect(throws: CircuitError.self) {
      try Analog(macro(), device: Lamp()).integrator(slope(1), steps: steps, in: &context)
    }
    #expect(throws: CircuitError.weightsNotFinite) {
      try Analog(macro(), device: cell).integrator(slope(.nan), steps: steps, in: &context)
    }
    let circuit = try Analog(macro(), device: cell).integrator(slope(0), steps: steps, in: &context)
    #expect(throws: TensorError.self) {
      try circuit.integrate(Tensor([[0]]), LoopSignals(from: 0, to: 1), readAt: [1.5], in: &context)
    }
    #expect(throws: TensorError.self) {
      try circuit.integrate(.zeros([1, 2]), LoopSignals(from: 0, to: 1), in: &context)
    }
    for (change, key) in [
      ({ $0.loop.signalBits = 31 }, "loop.signalBits"), ({ $0.loop.stateRange = 0 }, "loop.stateRange"),
      ({ $0.loop.refreshes = 0 }, "loop.refreshes"),
    ] as [((inout Macro) -> Void, String)] {
      #expect {
        try Analog(macro(change), device: cell)
      } throws: {
        guard case CircuitError.invalidSetting(key, _, _) = $0 else { return false }
        return true
      }
    }
  }
}

/// A cell that sees light.
private struct Lamp: DeviceModel {
  static let kind = "lamp"
  var window: ClosedRange<Float> { 0...1e-6 }
  var domain: InputDomain { .light }
  var withoutFaults: Lamp { self }
  var faults: [(name: String, keys: [String])] { [] }
  func validate() {}
  func cells(_ shape: [Int], using random: inout RandomStream) throws -> any CellArray {
    try IdealDevice().cells(shape, using: &random)
  }
}
