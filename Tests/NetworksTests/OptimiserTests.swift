import Foundation
import Networks
import Tensors
import Testing

/// The tensors that `Tests/References/make_references.py` wrote.
enum References {
  static let tensors: [String: StoredTensor] = {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("References/operations.safetensors").path
    return (try? Safetensors.read(path).tensors) ?? [:]
  }()

  static func floats(_ name: String) throws -> Tensor<Float> { try #require(tensors[name]).floats() }
}

@Suite("Optimisers") struct OptimiserTests {
  /// Five updates with PyTorch's gradients. PyTorch computed in single precision, so a few units of its last place.
  private func check<E: TensorScalar>(_ name: String, _ rule: some Optimiser, _ type: E.Type) throws {
    var rule = rule
    func cast(_ part: String) throws -> Tensor<E> {
      let tensor = try References.floats("optimiser/\(name)/\(part)")
      return try Tensor(tensor.elements.map { E($0) }, shape: tensor.shape)
    }
    var parameters = [try cast("start")]
    let gradients = try cast("gradients")
    for step in 0..<5 { try rule.update(&parameters, along: [gradients.at(step)]) }
    #expect(try (parameters[0] - cast("end")).magnitude().max().item() <= 2e-6, "\(name)")
  }

  private func check(_ name: String, _ rule: some Optimiser) throws {
    try check(name, rule, Float.self)
    try check(name, rule, Double.self)
  }

  @Test("follow PyTorch's paths")
  func followPyTorch() throws {
    try check("sgd", SGD(learningRate: 0.1))
    try check("momentum", SGD(learningRate: 0.1, momentum: 0.9))
    try check("nesterov", SGD(learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01))
    try check("adam", Adam(learningRate: 0.05))
    try check("adamDecay", Adam(learningRate: 0.05, weightDecay: 0.1))
    try check("adamW", AdamW(learningRate: 0.05, weightDecay: 0.1))
  }

  @Test("clipping keeps direction and limits length")
  func clipping() throws {
    var gradients = [try Tensor<Float>([3, 0]), try Tensor<Float>([0, 4])]
    #expect(try clip(&gradients, norm: 10) == 5)
    #expect(gradients[1].elements == [0, 4])
    try clip(&gradients, norm: 1)
    // 3/5 and 4/5, rounded once.
    #expect((gradients[0].elements[0] - 0.6).magnitude < 1e-6 && (gradients[1].elements[1] - 0.8).magnitude < 1e-6)
    try clip(&gradients, value: 0.7)
    #expect(gradients[1].elements == [0, 0.7])
    #expect(throws: TensorError.self) { try clip(&gradients, norm: 0) }
  }

  @Test("schedules take their documented values")
  func schedules() {
    #expect(LearningRateSchedule.constant.factor(at: 9) == 1)
    #expect(LearningRateSchedule.stepwise(every: 10, factor: 0.5).factor(at: 25) == 0.25)
    #expect(LearningRateSchedule.exponential(factor: 0.5).factor(at: 3) == 0.125)
    let cosine = LearningRateSchedule.cosine(steps: 100, floor: 0.1)
    #expect(cosine.factor(at: 0) == 1)
    #expect((cosine.factor(at: 50) - 0.55).magnitude < 1e-6)
    #expect((cosine.factor(at: 200) - 0.1).magnitude < 1e-6)
    let warm = LearningRateSchedule.warmup(steps: 4, next: .exponential(factor: 0.5))
    #expect([0, 3, 4, 5].map(warm.factor) == [0.25, 1, 1, 0.5])
  }

  @Test("a moving average follows its formula")
  func movingAverage() throws {
    var random = RandomStream(seed: 1)
    var model = try Dense(2, 1, using: &random)
    let first = model.weight.elements
    var average = try MovingAverage(of: model, decay: 0.9)
    model.weight = try model.weight + 1
    try average.update(with: model)
    for (a, b) in zip(average.model.weight.elements, first) { #expect((a - (b + 0.1)).magnitude < 1e-6) }
  }

  @Test("a wrong number of gradients is an error and leaves the model as it was")
  func wrongGradients() throws {
    var random = RandomStream(seed: 1)
    var model = try Dense(2, 1, using: &random)
    var rule = SGD(learningRate: 0.1)
    let before = model.weight
    #expect(throws: NetworkError.self) { try rule.update(&model, along: []) }
    #expect(throws: TensorError.self) { try rule.update(&model, along: [.zeros([3]), .zeros([1])]) }
    #expect(model.weight == before)
  }
}

@Suite("Layers") struct LayerTests {
  private func torch(_ name: String) throws -> Tensor<Float> { try References.floats(name) }

  @Test("an LSTM with PyTorch's weights gives PyTorch's states")
  func lstm() throws {
    var random = RandomStream(seed: 1)
    var layer = try LSTM(3, 4, using: &random)
    layer.input.weight = try torch("lstm/input").transposed()
    layer.input.bias = try torch("lstm/bias")
    layer.recurrent.weight = try torch("lstm/recurrent").transposed()
    // Single against double precision, five steps.
    #expect(try (layer(torch("lstm/x")) - torch("lstm/y")).magnitude().max().item() <= 2e-6)
  }

  @Test("self-attention with PyTorch's weights gives PyTorch's result")
  func attention() throws {
    var random = RandomStream(seed: 1)
    var layer = try MultiHeadAttention(6, heads: 2, using: &random)
    layer.projection.weight = try torch("heads/projection").transposed()
    layer.projection.bias = try torch("heads/projectionBias")
    layer.output.weight = try torch("heads/output").transposed()
    layer.output.bias = try torch("heads/outputBias")
    #expect(try (layer(torch("heads/x")) - torch("heads/y")).magnitude().max().item() <= 2e-6)
  }

  @Test("batch normalisation keeps running statistics, and uses them outside training")
  func batchNorm() throws {
    var layer = try BatchNorm(2, momentum: 0.5)
    var context = ForwardContext(isTraining: true)
    let x = try Tensor<Float>([[1, 10], [3, 30]])
    let y = try layer.forward(x, in: &context)
    // Two numbers at distance one from their mean, ε = 1e-5 against variances of 1 and 100.
    for (found, expected) in zip(y.elements, [-1, -1, 1, 1] as [Float]) { #expect((found - expected).magnitude < 1e-5) }
    #expect(layer.runningMean.elements == [1, 10])
    // Unbiased variances are 2 and 200; half of them plus half of one.
    #expect(zip(layer.runningVariance.elements, [1.5, 100.5] as [Float]).allSatisfy { ($0 - $1).magnitude < 1e-4 })
    let still = layer.runningMean
    _ = try layer(x)
    #expect(layer.runningMean == still)
  }

  @Test("dropout keeps the mean, and does nothing outside training")
  func dropout() throws {
    let layer = try Dropout(0.25)
    let x = try Tensor<Float>.ones([1 << 16])
    #expect(try layer(x) == x)
    var context = ForwardContext(isTraining: true, random: RandomStream(seed: 3))
    let y = try layer.forward(x, in: &context)
    // Variance of each number is 0.25/0.75; five standard errors.
    #expect((try y.mean().item() - 1).magnitude < 5 * (1.0 / 3 / Float(1 << 16)).squareRoot())
    #expect(throws: NetworkError.self) { try Dropout(1) }
  }

  @Test("embedding looks rows up and collects their gradients")
  func embedding() throws {
    var random = RandomStream(seed: 1)
    var layer = try Embedding(entries: 4, width: 2, using: &random)
    let index = try Tensor<Int32>([[1, 1], [3, 0]])
    #expect(try layer(index).at(1).at(0) == layer.table.at(3))
    let (_, gradients) = try valueAndGradient(of: &layer) { try $0(index).sum() }
    #expect(gradients[0].elements == [1, 1, 2, 2, 0, 0, 1, 1])
  }

  @Test("a copy of a network is another network")
  func valueSemantics() throws {
    var random = RandomStream(seed: 1)
    var model = Sequential(
      try Dense(3, 4, activation: .tanh, using: &random), try BatchNorm(4), try Dense(4, 1, using: &random))
    let before = model
    let x: Tensor<Float> = try random.normal([8, 3])
    let expected = try before(x)
    var rule = Adam(learningRate: 0.1)
    var context = ForwardContext(isTraining: true)
    let (_, gradients) = try valueAndGradient(of: &model) { try $0.forward(x, in: &context).squared().mean() }
    try rule.update(&model, along: gradients)
    #expect(try before(x) == expected)
    #expect(try model(x) != expected)
  }

  @Test("a state loads by name, and a wrong one leaves the model as it was")
  func loading() throws {
    var random = RandomStream(seed: 1)
    var model = Sequential(try Dense(3, 4, using: &random), try BatchNorm(4))
    let other = Sequential(try Dense(3, 4, using: &random), try BatchNorm(4))
    var state = try Dictionary(uniqueKeysWithValues: other.state().map { ($0.name, $0.tensor) })
    #expect(state.keys.sorted() == ["0.bias", "0.weight", "1.runningMean", "1.runningVariance", "1.scale", "1.shift"])
    let x: Tensor<Float> = try random.normal([2, 3])
    let before = try model(x)
    state["extra"] = x
    #expect(throws: NetworkError.unknownTensor(name: "extra")) { try model.load(state) }
    state["extra"] = nil
    state["0.bias"] = x
    #expect(throws: NetworkError.wrongTensorShape(name: "0.bias", found: [2, 3], expected: [4])) {
      try model.load(state)
    }
    #expect(try model(x) == before)
    state["0.bias"] = try Tensor<Float>.zeros([4])
    try model.load(state)
    #expect(try model(x) != before)
  }

  @Test("settings that make no sense are errors")
  func refusals() throws {
    var random = RandomStream(seed: 1)
    #expect(throws: NetworkError.self) { try Dense(0, 3, using: &random) }
    #expect(throws: NetworkError.self) { try Convolution(2, 2, window: [-3, 3], using: &random) }
    #expect(throws: NetworkError.self) { try Convolution(3, 4, window: [3, 3], groups: 2, using: &random) }
    #expect(throws: NetworkError.self) { try TransposedConvolution(2, 2, window: [0], using: &random) }
    #expect(throws: NetworkError.self) { try GroupNorm(4, groups: 3) }
    #expect(throws: NetworkError.self) { try MultiHeadAttention(5, heads: 2, using: &random) }
    #expect(throws: TensorError.self) { let _: Tensor<Float> = try random.heUniform([-1, 3]) }
    #expect(throws: TensorError.self) { try huberLoss(Tensor<Float>([1]), Tensor([2]), delta: -1) }
    #expect(throws: TensorError.self) { try meanSquaredError(Tensor<Float>([1, 2]), Tensor([2])) }
    var parameters = [try Tensor<Double>([1])]
    var rule = Adam()
    #expect(throws: NetworkError.self) { try rule.update(&parameters, along: []) }
  }

  @Test("orthogonal weights are orthogonal; the others have their variances")
  func initialisers() throws {
    var random = RandomStream(seed: 2)
    let q: Tensor<Float> = try random.orthogonal([20, 30])
    // Single precision, sums of thirty.
    #expect(try (matmul(q, q, transposingB: true) - Tensor.identity(20)).magnitude().max().item() < 1e-5)
    func variance(_ x: Tensor<Float>) throws -> Float { try x.variance().item() }
    // 200 · 300 draws: the variance of a normal sample is off by √(2/n), five times that is 3 %.
    #expect((try variance(random.glorotNormal([200, 300])) * 250 - 1).magnitude < 0.03)
    #expect((try variance(random.glorotUniform([200, 300])) * 250 - 1).magnitude < 0.03)
    #expect((try variance(random.heNormal([200, 300])) * 100 - 1).magnitude < 0.03)
    #expect((try variance(random.heUniform([300, 20, 10])) * 100 - 1).magnitude < 0.03)
    #expect((try variance(random.lecunNormal([200, 300])) * 200 - 1).magnitude < 0.03)
    let truncated: Tensor<Double> = try random.truncatedNormal([1000])
    #expect(try truncated.magnitude().max().item() <= 2)
  }
}
