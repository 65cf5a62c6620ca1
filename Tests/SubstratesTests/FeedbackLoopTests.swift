import Foundation
import Substrates
import Tensors
import Testing

/// A loop with random weights of the size of 1/√inputs.
private func randomLoop(
  _ sizes: [Int], _ activations: [FeedbackLoop.Activation], injected: [Int?] = [], using random: inout RandomStream
) throws -> FeedbackLoop {
  var layers: [FeedbackLoop.Layer] = []
  for l in 0..<sizes.count - 1 {
    let deviation = 1 / Float(sizes[l]).squareRoot()
    layers.append(
      FeedbackLoop.Layer(
        try random.normal([sizes[l], sizes[l + 1]], standardDeviation: deviation),
        bias: try random.normal([sizes[l + 1]], standardDeviation: 0.3), activation: activations[l],
        injected: injected.isEmpty ? nil : injected[l]))
  }
  return try FeedbackLoop(layers, drives: sizes[0] - sizes[sizes.count - 1])
}

/// The same in double precision, one number after the other.
private func slopes(_ loop: FeedbackLoop, _ x: [Double], _ signals: LoopSignals, sample: Int, at t: Double) -> [Double]
{
  let u = (signals.drive?(t) ?? []).map { Double($0) }
  var y = x + (u.count == loop.drives ? u : Array(u[sample * loop.drives..<(sample + 1) * loop.drives]))
  for layer in loop.layers {
    let (w, outputs) = (layer.weights.elements, layer.bias.count)
    let e = layer.injected.map { signals.injected[$0](t) }
    y = (0..<outputs).map { o in
      var sum = Double(layer.bias.elements[o]) + Double(e?[o] ?? 0)
      for i in y.indices { sum += y[i] * Double(w[i * outputs + o]) }
      return switch layer.activation {
      case .identity: sum
      case .tanh: Foundation.tanh(sum)
      case .sigmoid: 1 / (1 + Foundation.exp(-sum))
      case .rectifier(let ceiling): min(max(sum, 0), Double(ceiling))
      }
    }
  }
  return zip(x, y).map { signals.linear(t) * $0 + signals.gain(t) * $1 }
}

/// Classic Runge–Kutta steps, or those of Euler.
private func reference(
  _ loop: FeedbackLoop, _ start: [Double], _ signals: LoopSignals, sample: Int, _ steps: IntegrationSteps
) -> [Double] {
  let h = abs(signals.end - signals.start) / Double(steps.steps)
  let sign = signals.end < signals.start ? -1.0 : 1.0
  var x = start
  func moved(_ k: [Double], _ part: Double) -> [Double] { zip(x, k).map { $0 + part * h * $1 } }
  for n in 0..<steps.steps {
    func f(_ x: [Double], _ node: Double) -> [Double] {
      slopes(loop, x, signals, sample: sample, at: signals.start + sign * h * (Double(n) + node))
    }
    let k1 = f(x, 0)
    switch steps.method {
    case .euler: x = moved(k1, 1)
    case .heun:
      let k2 = f(moved(k1, 1), 1)
      x = moved(zip(k1, k2).map { ($0 + $1) / 2 }, 1)
    case .rungeKutta4:
      let k2 = f(moved(k1, 0.5), 0.5)
      let k3 = f(moved(k2, 0.5), 0.5)
      let k4 = f(moved(k3, 1), 1)
      x = moved(x.indices.map { (k1[$0] + 2 * k2[$0] + 2 * k3[$0] + k4[$0]) / 6 }, 1)
    }
  }
  return x
}

private func zeros(_ count: Int) -> @Sendable (Double) -> [Float] { { _ in [Float](repeating: 0, count: count) } }

private let rectifier = FeedbackLoop.Activation.rectifier()

@Suite("Feedback loops in steps") struct FeedbackLoopTests {
  struct Case: Sendable {
    var sizes: [Int], activations: [FeedbackLoop.Activation], injected: [Int?] = []
    /// Whether every sample has drives of its own.
    var isDrivenSingly = false
    var samples = 5, steps = 6
  }

  static let cases = [
    // The score networks of the diffusion solver, with and without a clamp; the neural differential equations' networks.
    Case(sizes: [2, 14, 14, 2], activations: [rectifier, rectifier, .identity], injected: [0, 0, nil], samples: 37),
    Case(
      sizes: [2, 14, 14, 2], activations: [.rectifier(ceiling: 0.5), .rectifier(ceiling: 0.8), .identity], samples: 16),
    Case(sizes: [2, 14, 14, 1], activations: [.tanh, .tanh, .identity], samples: 20),
    Case(sizes: [2, 14, 14, 1], activations: [.tanh, .tanh, .identity], isDrivenSingly: true, samples: 20),
    Case(sizes: [6, 64, 64, 6], activations: [.tanh, .tanh, .identity], samples: 3),
    Case(sizes: [40, 512, 512, 40], activations: [.tanh, .tanh, .identity], samples: 2, steps: 2),
    // One layer, five layers, an activation behind the last one, signals of two kinds.
    Case(sizes: [3, 3], activations: [.identity]),
    Case(
      sizes: [4, 3, 9, 5, 8, 3], activations: [.sigmoid, rectifier, .tanh, .identity, .tanh], isDrivenSingly: true),
    Case(sizes: [3, 11, 2], activations: [.sigmoid, .identity], injected: [1, 0], samples: 300),
  ]

  @Test("follow the same numbers in double precision", arguments: cases, IntegrationSteps.Method.allCases)
  func follows(_ c: Case, method: IntegrationSteps.Method) throws {
    var random = RandomStream(seed: 11)
    let loop = try randomLoop(c.sizes, c.activations, injected: c.injected, using: &random)
    let start: Tensor<Float> = try random.normal([c.samples, loop.states])
    let drives = loop.drives
    let drive: @Sendable (Double) -> [Float] = { t in
      (0..<(c.isDrivenSingly ? c.samples : 1) * drives).map { Float(sin(3 * t + Double($0))) }
    }
    let outputs = (0..<loop.injections).map { kind in loop.layers.first { $0.injected == kind }?.bias.count ?? 0 }
    let signals = LoopSignals(
      from: 1, to: 0.2, linear: { 0.3 * $0 }, gain: { 1 + $0 }, drive: drives > 0 ? drive : nil,
      injected: outputs.map { count in { t in (0..<count).map { Float(cos(t + Double($0))) } } })
    let steps = IntegrationSteps(method, c.steps)
    var context = ForwardContext()
    let end = try Digital().integrator(loop, steps: steps, in: &context).integrate(start, signals, in: &context)
    var largest = 0.0
    for sample in 0..<min(c.samples, 40) {
      let from = start.elements[sample * loop.states..<(sample + 1) * loop.states].map { Double($0) }
      let exact = reference(loop, from, signals, sample: sample, steps)
      for (k, value) in exact.enumerated() {
        largest = max(largest, abs(value - Double(end.elements[sample * loop.states + k])) / (1 + abs(value)))
      }
    }
    // Single precision: sums of up to 512 numbers of size 1, over up to 24 evaluations.
    #expect(largest < 2e-5)
  }

  @Test("a rotation is the closed form")
  func rotation() throws {
    let turn = try FeedbackLoop([FeedbackLoop.Layer(try Tensor([[0, -1], [1, 0]]), bias: .zeros([2]))])
    var context = ForwardContext()
    let times = [0.0, 0.25, 0.5, 1]
    let path = try Digital().integrator(turn, steps: IntegrationSteps(.rungeKutta4, 100), in: &context)
      .integrate(Tensor([[1, 0]]), LoopSignals(from: 0, to: 1), readAt: times, in: &context).elements
    for (k, t) in times.enumerated() {
      // A step's error is h⁵/120, a hundred of them 1e-10: single precision decides.
      #expect(abs(Double(path[2 * k]) - cos(t)) < 1e-5 && abs(Double(path[2 * k + 1]) + sin(t)) < 1e-5)
    }
  }

  @Test("noise gives an Ornstein–Uhlenbeck process its variance")
  func noise() throws {
    let still = try FeedbackLoop([FeedbackLoop.Layer(.zeros([3, 3]), bias: .zeros([3]))])
    var context = ForwardContext(random: RandomStream(seed: 3))
    let x = try Digital().integrator(still, steps: IntegrationSteps(.euler, 200), in: &context).integrate(
      .zeros([20_000, 3]), LoopSignals(from: 0, to: 1, linear: { _ in -1 }, noise: { _ in 0.7 }), in: &context)
    // σ²(1 − e⁻²ᵗ)/2; the steps of 1/200 add 1/400 of it, 60,000 numbers know it to 4·√(2/60,000) = 2.3 %.
    let exact = 0.49 * (1 - exp(-2.0)) / 2
    #expect(abs(Double(try x.squared().mean().item()) / exact - 1) < 0.026)
  }

  @Test(
    "states read on the way, and the number of threads, change nothing, bit for bit",
    arguments: [[2, 14, 14, 2], [3, 8, 3], [5, 5]])
  func readsChangeNothing(sizes: [Int]) throws {
    var random = RandomStream(seed: 4)
    let loop = try randomLoop(
      sizes, [FeedbackLoop.Activation](repeating: rectifier, count: sizes.count - 2) + [.identity], using: &random)
    let start: Tensor<Float> = try random.normal([700, loop.states])
    let signals = LoopSignals(from: 1, to: 0, noise: { $0 })
    func run(_ times: [Double]) throws -> Tensor<Float> {
      var context = ForwardContext(random: RandomStream(seed: 5))
      return try Digital().integrator(loop, steps: IntegrationSteps(.euler, 30), in: &context)
        .integrate(start, signals, readAt: times, in: &context)
    }
    let all = try run((0...30).map { 1 - Double($0) / 30 })
    #expect(try all.at(0) == start)
    #expect(try all.at(30) == run([0]).at(0))
    #expect(try all.at(7) == run([1 - 7.2 / 30]).at(0), "the nearest step is read")
    let one = try Parallelism.withThreads(1) { try run([0.5, 0]) }
    #expect(try Parallelism.withThreads(2) { try run([0.5, 0]) } == one)
  }

  @Test("the ledger has products, operations and bytes")
  func ledger() throws {
    var random = RandomStream(seed: 6)
    let loop = try randomLoop([2, 14, 14, 1], [.tanh, .tanh, .identity], using: &random)
    for (substrate, bits, part) in [
      (Digital() as any Substrate, 32, Part.floatLogic), (FixedPoint(), 12, .integerLogic),
    ] {
      var context = ForwardContext()
      _ = try substrate.integrator(loop, steps: IntegrationSteps(.rungeKutta4, 10), in: &context).integrate(
        .zeros([3, 1]), LoopSignals(from: 0, to: 1, drive: { _ in [0] }), readAt: [0.2, 0.5], in: &context)
      func amount(_ event: Event, _ part: Part) -> Double {
        context.activity.entries.filter { $0.key.part == part && $0.key.event == event }.reduce(0) { $0 + $1.amount }
      }
      // Five steps up to the last time that is read, of four evaluations each.
      let evaluations = 20.0
      #expect(amount(.multiplyAccumulate, part) == 3 * evaluations * Double(2 * 14 + 14 * 14 + 14))
      #expect(amount(.operation, part) == 3 * evaluations * Double(28 + 4))
      let (stored, moved) = (2 * 14 + 14 * 14 + 14 + 29, 2 + 14 + 14 + 14 + 14 + 1 + 3)
      #expect(amount(.byte, .memory) == Double(bits == 32 ? 4 : 2) * evaluations * Double(stored + 3 * moved))
      #expect(context.activity.entries.allSatisfy { $0.key.bits == bits || $0.key.event == .byte })
    }
  }

  @Test("fixed point comes nearer with more bits and loses what is below its smallest difference")
  func fixedPoint() throws {
    var random = RandomStream(seed: 7)
    let loop = try randomLoop([3, 14, 2], [.tanh, .identity], injected: [0, nil], using: &random)
    let start: Tensor<Float> = try random.normal([50, 2])
    let signals = LoopSignals(
      from: 0, to: 1, linear: { -$0 }, drive: { [Float($0)] },
      injected: [{ [Float](repeating: Float($0), count: 14) }])
    func end(_ substrate: any Substrate) throws -> Tensor<Float> {
      var context = ForwardContext()
      return try substrate.integrator(loop, steps: IntegrationSteps(.heun, 20), in: &context)
        .integrate(start, signals, in: &context)
    }
    let exact = try end(Digital())
    let errors = try [8, 12, 16].map { bits in
      var substrate = FixedPoint()
      substrate.bits = bits
      return try (end(substrate) - exact).squared().mean().squareRoot().item()
    }
    // Four bits are a factor of 16; scales are powers of two and errors add up in the loop, so within a factor of 2.
    #expect((8...32).contains(errors[0] / errors[1]) && (8...32).contains(errors[1] / errors[2]))
    // 8 bits keep 1 to a difference of 1/128: a thousand steps of 1/1000 are less than half of it each.
    let slope = try FeedbackLoop([FeedbackLoop.Layer(.zeros([1, 1]), bias: Tensor([1]))])
    var context = ForwardContext()
    var coarse = FixedPoint()
    coarse.bits = 8
    let still = try coarse.integrator(slope, steps: IntegrationSteps(.euler, 1000), in: &context)
      .integrate(Tensor([[1]]), LoopSignals(from: 0, to: 1), in: &context)
    #expect(still.elements == [1])
  }

  @Test("loops that do not fit are errors that say so")
  func descriptions() throws {
    let (w, b) = (try Tensor<Float>.zeros([2, 14]), try Tensor<Float>.zeros([14]))
    #expect(throws: TensorError.self) { try FeedbackLoop([]) }
    #expect(throws: TensorError.wrongShape(argument: "weights", found: [2, 14], expected: "[14, outputs]")) {
      try FeedbackLoop([FeedbackLoop.Layer(w, bias: b)])
    }
    #expect(throws: TensorError.wrongShape(argument: "bias", found: [14], expected: "[2]")) {
      try FeedbackLoop([FeedbackLoop.Layer(.zeros([2, 2]), bias: b)])
    }
    #expect(throws: TensorError.self) {
      try FeedbackLoop([FeedbackLoop.Layer(.zeros([2, 2]), bias: .zeros([2]), activation: .rectifier(ceiling: .nan))])
    }
    #expect(throws: TensorError.self) {
      try FeedbackLoop([FeedbackLoop.Layer(.zeros([2, 2]), bias: .zeros([2]), injected: -1)])
    }
  }

  @Test("runs that do not fit are errors that name the argument", arguments: [true, false])
  func runs(isExact: Bool) throws {
    var random = RandomStream(seed: 8)
    let loop = try randomLoop([3, 4, 2], [.tanh, .identity], injected: [0, nil], using: &random)
    let substrate: any Substrate = isExact ? Digital() : FixedPoint()
    func run(
      _ x: [Int] = [2, 2], at times: [Double] = [1], drives: Int? = 1, injected: [Int] = [4],
      method: IntegrationSteps.Method = .euler, steps: Int = 4, noise: Bool = false, to end: Double = 1
    ) throws {
      var context = ForwardContext()
      var signals = LoopSignals(from: 0, to: end, drive: drives.map { zeros($0) }, injected: injected.map { zeros($0) })
      if noise { signals.noise = { _ in 1 } }
      _ = try substrate.integrator(loop, steps: IntegrationSteps(method, steps), in: &context)
        .integrate(.zeros(x), signals, readAt: times, in: &context)
    }
    try run()
    try run(at: [0, 0, 0.5, 1], drives: 2)
    #expect(throws: TensorError.wrongShape(argument: "x", found: [2, 3], expected: "[samples, 2]")) { try run([2, 3]) }
    for drives in [nil, 0, 3] {
      #expect(
        throws: TensorError.wrongShape(argument: "signals.drive", found: [drives ?? 0], expected: "[1] or [2, 1]")
      ) { try run(drives: drives) }
    }
    #expect(throws: TensorError.wrongShape(argument: "signals.injected", found: [5], expected: "[4]")) {
      try run(injected: [5])
    }
    #expect(throws: TensorError.self) { try run(injected: []) }
    #expect(throws: TensorError.self) { try run(injected: [4, 4]) }
    for times in [[-0.1], [1.1], [.nan], [0.6, 0.5], []] {
      #expect(throws: TensorError.self) { try run(at: times) }
    }
    #expect(throws: TensorError.self) { try run(at: [.infinity], to: .infinity) }
    #expect(throws: TensorError.invalidArgument("steps", found: "0", expected: "1 or more")) { try run(steps: 0) }
    #expect(throws: TensorError.self) { try run(method: .heun, noise: true) }
  }
}
