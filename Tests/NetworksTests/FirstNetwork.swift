// docs/first-network.md shows exactly the part between the rules.
// ---
import Networks
import Tensors

struct Scaled: Layer {
  var factor: Tensor<Float>

  func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> { try x * factor }
  mutating func visit(_ visitor: Visitor) throws { try visitor("factor", &factor) }
}

struct TwoLayers: Layer {
  var hidden: Dense, scaled: Scaled, output: Dense

  init(using random: inout RandomStream) throws {
    hidden = try Dense(2, 32, activation: .tanh, using: &random)
    scaled = Scaled(factor: try Tensor([1]))
    output = try Dense(32, 2, using: &random)
  }
  func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try output.forward(scaled.forward(hidden.forward(x, in: &context), in: &context), in: &context)
  }
  mutating func visit(_ visitor: Visitor) throws {
    try visitor("hidden", &hidden)
    try visitor("scaled", &scaled)
    try visitor("output", &output)
  }
}

func train(points: Tensor<Float>, labels: Tensor<Int32>) throws -> TwoLayers {
  var random = RandomStream(seed: 1)
  var context = ForwardContext(isTraining: true)
  var model = try TwoLayers(using: &random)
  var optimiser = Adam(learningRate: 0.01)
  for _ in 1...300 {
    let step = try valueAndGradient(of: &model) { try crossEntropy($0.forward(points, in: &context), labels) }
    try optimiser.update(&model, along: step.gradients)
  }
  return model
}
// ---
