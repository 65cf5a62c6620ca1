import Networks
import Substrates
import Tensors
import Testing

@Suite("Training through hardware") struct HardwareAwareTrainingTests {
  private let x: Tensor<Float>, labels: Tensor<Int32>

  init() throws {
    var random = RandomStream(seed: 31)
    let samples: Tensor<Float> = try random.normal([64, 2, 6])
    labels = try Tensor((0..<64).map { try samples.at($0).sum().item() > 0 ? 1 : 0 })
    x = samples
  }

  private func network() throws -> Sequential {
    var random = RandomStream(seed: 32)
    return Sequential(
      try Convolution(2, 3, window: [3], activation: .relu, using: &random), try BatchNorm(3),
      Function(operations: 0) { try $0.permuted([0, 2, 1]) }, try LSTM(3, 4, using: &random),
      try MultiHeadAttention(4, heads: 2, using: &random), Function(operations: 0) { try $0.flattened(from: 1) },
      try Dropout(0.1), try Dense(16, 2, using: &random))
  }

  private func fit<Model: Layer>(_ model: inout Model) throws {
    var settings = TrainingSettings()
    (settings.epochs, settings.batchSize, settings.seed) = (3, 16, 4)
    settings.averagingDecay = 0.5
    var trainer = Trainer(settings, optimiser: SGD(learningRate: 0.1, momentum: 0.9))
    _ = try trainer.fit(
      &model, samples: 64,
      loss: { try crossEntropy($0.forward(x.selecting($1), in: &$2), labels.selecting($1)) },
      validation: { try crossEntropy($0(x), labels).item() })
  }

  @Test("on exact hardware training gives the weights that it gives without")
  func digital() throws {
    var plain = try network()
    var context = ForwardContext()
    var placed = try network().placed(on: Digital(), in: &context)
    try fit(&plain)
    try fit(&placed)
    let (expected, found) = (try plain.state(), try placed.state())
    #expect(expected.map(\.name) == found.map(\.name))
    for (a, b) in zip(expected, found) {
      // Twelve steps, each with rounding errors of sums of some ten products: far less than what training has changed.
      #expect(try (a.tensor - b.tensor).magnitude().max().item() < 1e-4, "\(a.name)")
    }
    #expect(try (plain.state()[0].tensor - network().state()[0].tensor).magnitude().max().item() > 1e-2)
    // State goes both ways.
    try plain.load(Dictionary(uniqueKeysWithValues: found.map { ($0.name, $0.tensor) }))
    #expect(try (plain(x) - placed(x)).magnitude().max().item() < 1e-4)
  }

  /// y = x·W on hardware; with the loss Σ c·y, gradients are those of exact products whatever the noise.
  @Test("values have fresh noise at each step, gradients are those of the exact products")
  func gradients() throws {
    var random = RandomStream(seed: 33)
    let exact = try Dense(6, 4, using: &random)
    let input: Tensor<Float> = try random.normal([5, 6])
    let c: Tensor<Float> = try random.normal([5, 4])
    let weights = try exact.state().map(\.tensor)
    let reference = try valueAndGradient(at: [input] + weights) {
      try (linear($0[0], $0[1], bias: $0[2]) * c).sum()
    }.gradients
    for (writeNoise, readNoise) in [(Float(0.1), Float(0)), (0, 0.1), (0.1, 0.1)] {
      var context = ForwardContext(isTraining: true, random: RandomStream(seed: 34))
      var model = try exact.placed(on: ArraySubstrate(writeNoise: writeNoise, readNoise: readNoise), in: &context)
      var seen: [Tensor<Float>] = []
      for _ in 0..<2 {
        let found = try valueAndGradient(of: &model) { model in
          let y = try model.forward(input, in: &context)
          seen.append(y.detached())
          return try (y * c).sum()
        }.gradients
        // The same products in the same order.
        for (a, b) in zip(found, reference.dropFirst()) { #expect(try (a - b).magnitude().max().item() < 1e-5) }
      }
      // Independent noise of variance σ_r² + σ_w²·Σx² in each: a difference of 20 numbers has its standard deviation √2-fold.
      let difference = try (seen[0] - seen[1]).squared().mean().item()
      let power = try input.squared().sum(axes: [1]).mean().item()
      let variance = 2 * (readNoise * readNoise + writeNoise * writeNoise * power)
      // 20 numbers, not all independent: within a factor of three.
      #expect((variance / 3...variance * 3).contains(difference))
      // To the input too.
      let atInput = try valueAndGradient(at: input) { try (model.forward($0, in: &context) * c).sum() }.gradient
      #expect(try (atInput - reference[0]).magnitude().max().item() < 1e-5)
    }
  }

  @Test("outside training weights are written when they have changed, and only then")
  func writesOnce() throws {
    var random = RandomStream(seed: 35)
    let cells = Double(6 * 4)
    var context = ForwardContext(random: RandomStream(seed: 36))
    var model = try Dense(6, 4, using: &random).placed(on: ArraySubstrate(writeNoise: 0.1), in: &context)
    func written() -> Double { context.activity.total(.testCell, .testWrite) }
    let input: Tensor<Float> = try random.normal([5, 6])
    #expect(written() == cells)
    let first = try model.forward(input, in: &context)
    #expect(try model.forward(input, in: &context) == first)
    #expect(written() == cells)
    // The same numbers in other memory are the same weights.
    let state = try model.state()
    try model.load(Dictionary(uniqueKeysWithValues: state.map { ($0.name, try $0.tensor + 0) }))
    #expect(try model.forward(input, in: &context) == first)
    #expect(written() == cells)
    try model.load(Dictionary(uniqueKeysWithValues: state.map { ($0.name, try $0.tensor * 2) }))
    #expect(try model.forward(input, in: &context) != first)
    #expect(written() == 2 * cells)
    // An optimiser changes numbers in place.
    var optimiser = SGD(learningRate: 0.1)
    try optimiser.update(&model, along: [.ones([6, 4]), .ones([4])])
    _ = try model.forward(input, in: &context)
    _ = try model.forward(input, in: &context)
    #expect(written() == 3 * cells)
    context.isTraining = true
    _ = try model.forward(input, in: &context)
    _ = try model.forward(input, in: &context)
    #expect(written() == 5 * cells)
  }

  @Test("training on noisy writing lowers the loss on noisy hardware")
  func learns() throws {
    var context = ForwardContext(random: RandomStream(seed: 37))
    var model = try network().placed(on: ArraySubstrate(writeNoise: 0.02), in: &context)
    let before = try crossEntropy(model(x), labels).item()
    for _ in 0..<8 { try fit(&model) }
    #expect(try crossEntropy(model(x), labels).item() < 0.8 * before)
  }

  @Test("calibration reaches every stored matrix, recurrent ones with the states of all steps")
  func calibrates() throws {
    var context = ForwardContext()
    var model = try network().placed(on: ArraySubstrate(needsCalibration: true), in: &context)
    #expect(throws: TensorError.self) { try model.forward(x, in: &context) }
    context.isCalibrating = true
    let calibrated = try model.forward(x, in: &context)
    context.isCalibrating = false
    #expect(try model.forward(x, in: &context) == calibrated)
    // 64 samples; 4 windows of the convolution, steps of the LSTM and positions of the attention.
    guard let lstm = model.whole.layers[3] as? any PlacedLayer else { throw TensorError.nestedGradient }
    #expect(lstm.placements.map { $0.inventory.count(.calibrationVector) } == [256, 256, 0])
    guard let last = model.whole.layers[7] as? any PlacedLayer else { throw TensorError.nestedGradient }
    #expect(last.inventory.count(.calibrationVector) == 64)
  }
}
