import Circuits
import Networks
import Substrates
import Tensors
import Testing

@Suite("Layers on arrays") struct LayersOnArraysTests {
  private static func layers() throws -> [(layer: any Layer, shape: [Int], weights: Int)] {
    var random = RandomStream(seed: 3)
    return [
      (try Dense(6, 4, activation: .tanh, using: &random), [3, 6], 24),
      (try Convolution(2, 3, window: [3, 3], using: &random), [2, 2, 6, 6], 54),
      (try TransposedConvolution(2, 3, window: [3, 3], stride: 2, using: &random), [2, 2, 6, 6], 54),
      (try LSTM(3, 4, using: &random), [2, 5, 3], 16 * 7),
      (try MultiHeadAttention(8, heads: 2, using: &random), [2, 5, 8], 8 * 32),
    ]
  }

  @Test(
    "layers with stored weights are programmed into cells, read from them, and near the exact ones", arguments: 0..<5)
  func reads(number: Int) throws {
    let (layer, shape, weights) = try Self.layers()[number]
    var context = ForwardContext(random: RandomStream(seed: 9))
    var placed: any PlacedLayer = try layer.placed(on: Analog(), in: &context)
    #expect(context.activity.total(.cell, .pulse) > 0)
    // Differential pairs.
    #expect(placed.inventory.count(.cell) == 2 * weights)
    let x: Tensor<Float> = try context.random.normal(shape)
    context.isCalibrating = true
    _ = try placed.forward(x, in: &context)
    context.isCalibrating = false
    context.activity = Activity()
    let error = try (placed.forward(x, in: &context) - layer(x)).squared().mean().item()
    let power = try layer(x).squared().mean().item()
    #expect(context.activity.total(.outputConverter, .conversion) > 0)
    #expect(context.activity.total(.outputConverter, .uncalibrated) == 0)
    // Writing leaves a few percent of the window, 8 bits half a percent: 1 to 3 % were found. Exact results would be no arrays.
    #expect(error > 0 && (error / power).squareRoot() < 0.1)
  }

  @Test("a network learns on noisy arrays by ordinary training")
  func learns() throws {
    var random = RandomStream(seed: 5)
    let points: Tensor<Float> = try random.uniform([400, 2], in: -1...1)
    // Exclusive or: the sign of x·y.
    let labels = try Tensor<Int32>((0..<400).map { try points.at($0).product().item() > 0 ? 1 : 0 })
    var context = ForwardContext(isTraining: true, random: RandomStream(seed: 1))
    var model = try Sequential(
      Dense(2, 32, activation: .tanh, using: &random), Dense(32, 2, using: &random)
    ).placed(on: Analog(), in: &context)
    context.isCalibrating = true
    var optimiser = Adam(learningRate: 0.01)
    for _ in 1...300 {
      let step = try valueAndGradient(of: &model) { try crossEntropy($0.forward(points, in: &context), labels) }
      try optimiser.update(&model, along: step.gradients)
    }
    context.isTraining = false
    // Chance is one half; a straight line reaches about two thirds.
    #expect(try accuracy(model.forward(points, in: &context), labels) > 0.95)
  }
}
