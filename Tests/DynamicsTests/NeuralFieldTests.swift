import Dynamics
import Foundation
import Substrates
import Tensors
import Testing

@Suite("Neural fields") struct NeuralFieldTests {
  private func distance(_ a: Tensor<Double>, _ b: Tensor<Double>) throws -> Double {
    try #require(a.shape == b.shape)
    return try (a - b).magnitude().max().item()
  }

  /// The same field, integrated by ordinary tensor operations.
  private func reference(
    _ parameters: [Tensor<Double>], _ start: Tensor<Double>, _ drive: Tensor<Double>?, _ steps: Int, _ step: Double,
    _ activation: FeedbackLoop.Activation = .tanh
  ) throws -> Tensor<Double> {
    let field = try NeuralField(parameters: parameters, activation: activation)
    return try rungeKutta4(
      { x, t in
        // Half steps number the instants of the drive.
        try field(x, drive: drive.map { try $0.at(Int((2 * t / step).rounded())) })
      }, from: start, step: step, steps: steps)
  }

  // Batches below, at and above a vector of lanes; fields with and without drive; 1 to 3 layers.
  @Test(
    "trajectories and gradients are those of ordinary operations",
    arguments: [[2, 5, 1], [3, 14, 14, 2], [6, 17, 9, 6], [2, 2]], [1, 2, 3, 8, 21])
  func agreesWithOrdinaryOperations(sizes: [Int], batch: Int) throws {
    var random = RandomStream(seed: 3)
    let field = try NeuralField<Double>(sizes, using: &random)
    let states = sizes[sizes.count - 1]
    let drives = sizes[0] - states
    let steps = 7
    let step = 0.1
    let start: Tensor<Double> = try random.normal([batch, states])
    let drive: Tensor<Double>? = drives > 0 ? try random.normal([2 * steps + 1, batch, drives]) : nil
    let weight: Tensor<Double> = try random.normal([steps + 1, batch, states])
    let followed = [start] + (drive.map { [$0] } ?? []) + field.parameters
    func split(_ all: [Tensor<Double>]) -> (Tensor<Double>, Tensor<Double>?, [Tensor<Double>]) {
      (all[0], drive == nil ? nil : all[1], Array(all.dropFirst(drive == nil ? 1 : 2)))
    }
    let fast = try valueAndGradient(at: followed) { all in
      let (start, drive, parameters) = split(all)
      return try
        (NeuralField(parameters: parameters).trajectory(from: start, step: step, steps: steps, drive: drive) * weight)
        .sum()
    }
    let slow = try valueAndGradient(at: followed) { all in
      let (start, drive, parameters) = split(all)
      return try (reference(parameters, start, drive, steps, step) * weight).sum()
    }
    // Both in double precision, a few hundred additions in another order.
    #expect(try distance(fast.value, slow.value) <= 1e-10)
    for (a, b) in zip(fast.gradients, slow.gradients) { #expect(try distance(a, b) <= 1e-10) }
    // Without gradients another loop runs for few trajectories.
    let plain = try field.trajectory(from: start, step: step, steps: steps, drive: drive)
    #expect(try distance(plain, reference(field.parameters, start, drive, steps, step)) <= 1e-12)
  }

  @Test(
    "so they are for the other activations",
    arguments: [
      FeedbackLoop.Activation.rectifier(), .rectifier(ceiling: 0.4), .sigmoid, .identity,
    ], [1, 3, 11])
  func otherActivations(_ activation: FeedbackLoop.Activation, batch: Int) throws {
    var random = RandomStream(seed: 6)
    let field = try NeuralField<Double>([3, 9, 9, 2], activation: activation, using: &random)
    let start: Tensor<Double> = try random.normal([batch, 2])
    let drive: Tensor<Double> = try random.normal([11, batch, 1])
    let weight: Tensor<Double> = try random.normal([6, batch, 2])
    let all = [start, drive] + field.parameters
    let fast = try valueAndGradient(at: all) { all in
      let field = try NeuralField(parameters: Array(all.dropFirst(2)), activation: activation)
      return try (field.trajectory(from: all[0], step: 0.1, steps: 5, drive: all[1]) * weight).sum()
    }
    let slow = try valueAndGradient(at: all) { all in
      try (reference(Array(all.dropFirst(2)), all[0], all[1], 5, 0.1, activation) * weight).sum()
    }
    // As above; no sum lies on the edge of a rectifier.
    #expect(try distance(fast.value, slow.value) <= 1e-10)
    for (a, b) in zip(fast.gradients, slow.gradients) { #expect(try distance(a, b) <= 1e-10) }
    let plain = try field.trajectory(from: start, step: 0.1, steps: 5, drive: drive)
    #expect(try distance(plain, reference(field.parameters, start, drive, 5, 0.1, activation)) <= 1e-12)
  }

  // The networks of published neural differential equations; the widest for a few steps.
  @Test(
    "one description gives the same trajectory by the field and by a substrate's steps",
    arguments: [([2, 14, 14, 1], 50), ([6, 64, 64, 6], 50), ([40, 512, 512, 40], 4)], [1, 20])
  func sameDescription(_ problem: ([Int], Int), batch: Int) throws {
    var random = RandomStream(seed: 7)
    let (sizes, steps) = problem
    let loop = try NeuralField<Float>(sizes, using: &random).loop
    #expect(loop.sizes == sizes)
    let start: Tensor<Float> = try random.normal([batch, loop.states])
    let drive: @Sendable (Double) -> [Float] = { [Float(sin(2 * .pi * $0))] }
    let signals = LoopSignals(from: 0, to: 0.02 * Double(steps), drive: loop.drives == 1 ? drive : nil)
    var context = ForwardContext()
    let inSteps = try Digital().integrator(loop, steps: IntegrationSteps(.rungeKutta4, steps), in: &context)
      .integrate(start, signals, readAt: (0...steps).map { 0.02 * Double($0) }, in: &context)
    let trained = try NeuralField<Float>(loop).trajectory(from: start, signals, steps: steps)
    try #require(inSteps.shape == trained.shape)
    // Single precision, sums in another order, up to 200 evaluations.
    #expect(try (inSteps - trained).magnitude().max().item() < 1e-5)
    let exact = try NeuralField<Double>(loop).trajectory(from: start.converted(), signals, steps: steps)
    #expect(try distance(inSteps.converted(), exact) < 1e-5)
  }

  @Test("what the loops do not train is refused by name")
  func refuses() throws {
    let (w, b) = (try Tensor<Float>.identity(2), try Tensor<Float>.zeros([2]))
    #expect(throws: NeuralFieldError.injected(layer: 0)) {
      try NeuralField<Float>(FeedbackLoop([FeedbackLoop.Layer(w, bias: b, injected: 0)]))
    }
    #expect(throws: NeuralFieldError.activatedOutput) {
      try NeuralField<Float>(FeedbackLoop([FeedbackLoop.Layer(w, bias: b, activation: .sigmoid)]))
    }
    let layers = [FeedbackLoop.Layer](repeating: FeedbackLoop.Layer(w, bias: b), count: 9)
    #expect(throws: TensorError.self) { try NeuralField<Float>(FeedbackLoop(layers)) }
    let field = try NeuralField<Float>(FeedbackLoop([FeedbackLoop.Layer(w, bias: b)]))
    func run(_ signals: LoopSignals) throws { _ = try field.trajectory(from: .zeros([1, 2]), signals, steps: 2) }
    #expect(throws: NeuralFieldError.noise) { try run(LoopSignals(from: 0, to: 1, noise: { _ in 1 })) }
    #expect(throws: NeuralFieldError.injectedSignals) {
      try run(LoopSignals(from: 0, to: 1, injected: [{ _ in [0, 0] }]))
    }
    #expect(throws: NeuralFieldError.gains(a: 0, b: 0.5, time: 0.25)) {
      try run(LoopSignals(from: 0, to: 1, gain: { 1 - 2 * $0 }))
    }
    #expect(throws: TensorError.wrongShape(argument: "signals.drive", found: [1], expected: "[0] or [1, 0]")) {
      try run(LoopSignals(from: 0, to: 1, drive: { _ in [1] }))
    }
  }

  @Test("a linear field follows the matrix exponential, with an error of fourth order")
  func linearFieldConverges() throws {
    // dx/dt = A·x with A = [[0, 1], [−1, 0]]: a rotation.
    let a = try Tensor<Double>([[0, -1], [1, 0]])
    let field = try NeuralField(parameters: [a, Tensor.zeros([2])])
    let start = try Tensor<Double>([[1, 0]])
    func error(_ steps: Int) throws -> Double {
      let end = try field.trajectory(from: start, step: 1 / Double(steps), steps: steps).at(steps).elements
      return
        ((end[0] - 0.5403023058681398) * (end[0] - 0.5403023058681398)
        + (end[1] + 0.8414709848078965) * (end[1] + 0.8414709848078965)).squareRoot()
    }
    let ratio = try error(10) / error(20)
    // Halving the step divides the error by 16, up to the next order in the step.
    #expect((14.5...17.5).contains(ratio), "ratio \(ratio)")
  }

  @Test("results do not depend on the number of threads, bit for bit")
  func threadsDoNotMatter() throws {
    var random = RandomStream(seed: 4)
    let field = try NeuralField<Float>([3, 20, 20, 3], using: &random)
    let start: Tensor<Float> = try random.normal([50, 3])
    func run() throws -> [Tensor<Float>] {
      try valueAndGradient(at: field.parameters) {
        try NeuralField(parameters: $0).trajectory(from: start, step: 0.05, steps: 20).squared().mean()
      }.gradients
    }
    let one = try Parallelism.withThreads(1) { try run() }
    let two = try Parallelism.withThreads(2) { try run() }
    #expect(one == two)
  }

  @Test("wrong shapes are errors that name the argument")
  func wrongShapes() throws {
    var random = RandomStream(seed: 5)
    let field = try NeuralField<Float>([2, 4, 1], using: &random)
    let start = try Tensor<Float>.zeros([3, 1])
    #expect(throws: TensorError.wrongShape(argument: "start", found: [3, 2], expected: "[batch, 1]")) {
      try field.trajectory(from: .zeros([3, 2]), step: 0.1, steps: 2, drive: .zeros([5, 3, 1]))
    }
    #expect(throws: TensorError.wrongShape(argument: "drive", found: [], expected: "[5, 3, 1]")) {
      try field.trajectory(from: start, step: 0.1, steps: 2)
    }
    #expect(throws: TensorError.invalidArgument("steps", found: "-1", expected: "0 or more")) {
      try field.trajectory(from: start, step: 0.1, steps: -1)
    }
    #expect(throws: TensorError.self) { try NeuralField<Float>([3], using: &random) }
    #expect(throws: TensorError.self) { try NeuralField<Float>(parameters: [.zeros([2, 3]), .zeros([2])]) }
  }
}
