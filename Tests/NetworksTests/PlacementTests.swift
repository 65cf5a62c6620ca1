import Networks
import Substrates
import Tensors
import Testing

@Suite("Placed layers") struct PlacementTests {
  @Test("a network gives the same on a digital substrate as by itself")
  func placed() throws {
    var random = RandomStream(seed: 1)
    let network = Sequential(
      try Convolution(2, 6, window: [3, 3], stride: 2, padding: 1, groups: 2, activation: .relu, using: &random),
      try TransposedConvolution(
        6, 4, window: [4, 3], stride: [2, 1], padding: [1, 0], outputPadding: [1, 0], using: &random),
      try TransposedConvolution(4, 2, window: [3, 3], stride: 2, dilation: 2, groups: 2, using: &random),
      Function { try silu($0).flattened(from: 1) },
      try Dense(2 * 37 * 19, 5, activation: .tanh, using: &random))
    var context = ForwardContext()
    let x: Tensor<Float> = try random.normal([3, 2, 16, 12])
    let expected = try network(x)
    var placed = try network.placed(on: Digital(), in: &context)
    let found = try placed.forward(x, in: &context)
    // Single precision, sums of some hundred products in another order.
    #expect(try (found - expected).magnitude().max().item() < 1e-4)
    #expect(context.activity.digitalOperations > 0)
  }
}
