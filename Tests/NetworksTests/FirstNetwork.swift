// docs/first-network.md shows exactly the part between the rules.
// ---
import Networks
import Substrates
import Tensors

struct Scaled: Layer {
  var factor: Tensor<Float>

  func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> { try x * factor }
  mutating func visit(_ visitor: Visitor) throws { try visitor("factor", &factor) }
  func placed(on substrate: any Substrate, in context: inout ForwardContext) -> some PlacedLayer {
    keptDigital("one factor for all numbers, no sum of products", on: substrate)
  }
}

func network(using random: inout RandomStream) throws -> Sequential {
  Sequential(
    try Dense(2, 32, activation: .tanh, using: &random), Scaled(factor: try Tensor([1])),
    try Dense(32, 2, using: &random))
}

func train<Model: Layer>(_ model: inout Model, points: Tensor<Float>, labels: Tensor<Int32>) throws {
  var context = ForwardContext(isTraining: true)
  var optimiser = Adam(learningRate: 0.01)
  for _ in 1...300 {
    let step = try valueAndGradient(of: &model) { try crossEntropy($0.forward(points, in: &context), labels) }
    try optimiser.update(&model, along: step.gradients)
  }
}
// ---
