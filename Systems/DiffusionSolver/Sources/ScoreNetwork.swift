import Foundation
import Networks
import Substrates
import Tensors

/// The score network 2-14-14-2: s = 5·(relu(relu(x·W₁ + b₁ + e)·W₂ + b₂ + e)·W₃ + b₃), e = sines and cosines of fixed random
/// frequencies plus, for classes, a small network of the class.
public struct ScoreNetwork: Layer, Sendable {
  public static let hidden = 14
  public static let amplitude: Float = 5
  /// Activations above it are punished in training and cut off by the circuit.
  public static let ceiling: Float = 1.5

  /// Weights and biases of three layers.
  public var weights: [Tensor<Float>], biases: [Tensor<Float>]
  /// Two layers from one-hot classes; none without classes.
  public var classWeights: [Tensor<Float>] = [], classBiases: [Tensor<Float>] = []
  /// Never trained.
  public var frequencies: Tensor<Float>

  /// - Parameter classes: 0 for a network without classes.
  public init(classes: Int = 0, using random: inout RandomStream) throws {
    func layer(_ inputs: Int, _ outputs: Int) throws -> (Tensor<Float>, Tensor<Float>) {
      let bound = 1 / Float(inputs).squareRoot()
      return (
        try random.uniform([inputs, outputs], in: -bound...bound), try random.uniform([outputs], in: -bound...bound)
      )
    }
    let h = Self.hidden
    let layers = try [layer(2, h), layer(h, h), layer(h, 2)]
    (weights, biases) = (layers.map(\.0), layers.map(\.1))
    if classes > 0 {
      let layers = try [layer(classes, h), layer(h, h)]
      (classWeights, classBiases) = (layers.map(\.0), layers.map(\.1))
    }
    frequencies = try random.normal([h / 2])
  }

  public mutating func visit(_ visitor: Visitor) throws {
    for i in weights.indices {
      try visitor("weight.\(i)", &weights[i])
      try visitor("bias.\(i)", &biases[i])
    }
    for i in classWeights.indices {
      try visitor("class.weight.\(i)", &classWeights[i])
      try visitor("class.bias.\(i)", &classBiases[i])
    }
    try visitor("frequencies", buffer: &frequencies)
  }

  public func placed(on substrate: any Substrate, in context: inout ForwardContext) -> KeptDigital<ScoreNetwork> {
    // A product and a sum for each weight, over two results.
    keptDigital(
      "trained and evaluated in software; a substrate closes the loop around it", on: substrate,
      operations: weights.reduce(0) { $0 + $1.count })
  }

  /// The activations of the last hidden layers, which training keeps below `ceiling`.
  static func run(
    _ x: Tensor<Float>, _ e: Tensor<Float>, _ weights: [Tensor<Float>], _ biases: [Tensor<Float>]
  ) throws -> (score: Tensor<Float>, hidden: [Tensor<Float>]) {
    let h1 = try relu(linear(x, weights[0], bias: biases[0]) + e)
    let h2 = try relu(linear(h1, weights[1], bias: biases[1]) + e)
    return (try linear(h2, weights[2], bias: biases[2]) * amplitude, [h1, h2])
  }

  /// Sines, then cosines, of 2π·w·t.
  ///
  /// - Parameter t: shape `[batch, 1]`.
  func embedding(_ t: Tensor<Float>) throws -> Tensor<Float> {
    let angle = try t * (frequencies * (2 * Float.pi))
    return try Tensor.concatenate([sin(angle), cos(angle)], axis: 1)
  }

  func classEmbedding(_ oneHot: Tensor<Float>) throws -> Tensor<Float> {
    let inner = try gelu(linear(oneHot, classWeights[0], bias: classBiases[0]))
    return try linear(inner, classWeights[1], bias: classBiases[1])
  }

  /// - Parameter x: points with times as third column, shape `[batch, 3]`.
  public func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    let t = try x.slice(2..<3, axis: 1)
    return try Self.run(x.slice(0..<2, axis: 1), embedding(t), weights, biases).score
  }

  /// For a substrate: what is injected goes to both hidden layers, and the last layer carries the amplitude.
  public func feedback() throws -> FeedbackLoop {
    try FeedbackLoop([
      FeedbackLoop.Layer(weights[0], bias: biases[0], activation: .rectifier(), injected: 0),
      FeedbackLoop.Layer(weights[1], bias: biases[1], activation: .rectifier(), injected: 0),
      FeedbackLoop.Layer(weights[2] * Self.amplitude, bias: biases[2] * Self.amplitude),
    ])
  }

  /// What is injected at a time, for a class where there are classes; zeros stand for no class.
  public func injected(class label: Int? = nil) throws -> @Sendable (Double) -> [Float] {
    let w = frequencies.elements.map(Double.init)
    var shift = [Float](repeating: 0, count: Self.hidden)
    if let label, let classes = classWeights.first?.shape[0] {
      let oneHot = try Tensor<Float>((0..<classes).map { $0 == label ? 1 : 0 }, shape: [1, classes])
      shift = try classEmbedding(oneHot).elements
    }
    let constant = shift
    return { t in
      let waves = w.map { Float(sin(2 * .pi * $0 * t)) } + w.map { Float(cos(2 * .pi * $0 * t)) }
      return zip(waves, constant).map { $0 + $1 }
    }
  }
}
