import Foundation
import Networks
import Reports
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
  private static func run(
    _ x: Tensor<Float>, _ e: Tensor<Float>, _ weights: [Tensor<Float>], _ biases: [Tensor<Float>]
  ) throws -> (score: Tensor<Float>, hidden: [Tensor<Float>]) {
    let h1 = try relu(linear(x, weights[0], bias: biases[0]) + e)
    let h2 = try relu(linear(h1, weights[1], bias: biases[1]) + e)
    return (try linear(h2, weights[2], bias: biases[2]) * amplitude, [h1, h2])
  }

  /// Sines, then cosines, of 2π·w·t.
  ///
  /// - Parameter t: shape `[batch, 1]`.
  private func embedding(_ t: Tensor<Float>) throws -> Tensor<Float> {
    let angle = try t * (frequencies * (2 * Float.pi))
    return try Tensor.concatenate([sin(angle), cos(angle)], axis: 1)
  }

  private func classEmbedding(_ oneHot: Tensor<Float>) throws -> Tensor<Float> {
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

  /// How it is trained.
  public struct Training: Codable, Sendable {
    public var iterations = 60_000
    public var batch = 512
    public var learningRate: Float = 1e-3
    /// Added to the gradient.
    public var weightDecay: Float = 3e-5
    public var clippingNorm = 0.1
    /// Weight of the sum of activations above the ceiling, over the batch.
    public var penalty: Float = 1e-7
    /// Standard deviation of the factors that weights and biases get in each forward pass; 0 for none.
    public var noise: Float = 0.1
    /// How often the class is left out.
    public var classDropout: Float = 0.1
    public init() {}
  }

  /// Denoising score matching: mean over batch and coordinates of (σ·s(x_t, t) + z)².
  ///
  /// - Parameters:
  ///   - points: shape `[n, 2]`.
  ///   - labels: of the points, where there are classes.
  /// - Returns: the loss of every iteration.
  public mutating func train(
    on points: Tensor<Float>, labels: [Int] = [], _ settings: Training, random: RandomStream,
    progress: (Int, Float) throws -> Void
  ) throws -> [Float] {
    var random = random
    var parameters = zip(weights, biases).flatMap { [$0, $1] } + zip(classWeights, classBiases).flatMap { [$0, $1] }
    var rule = Adam(learningRate: settings.learningRate, weightDecay: settings.weightDecay)
    let classes = classWeights.first?.shape[0] ?? 0
    let count = points.shape[0]
    var losses: [Float] = []
    for iteration in 0..<settings.iterations {
      let n = settings.batch
      let words = random.words(n)
      let rows = try Tensor<Int32>(words.map { Int32($0 % UInt32(count)) })
      let x0 = try points.selecting(rows)
      let t: Tensor<Float> = try random.uniform([n, 1], in: 1e-5...1)
      let z: Tensor<Float> = try random.normal([n, 2])
      // ln m = −¼t²(β₁ − β₀) − ½tβ₀, σ² = 1 − m².
      let slope = Float(VariancePreserving.high - VariancePreserving.low)
      let mean = try exp(t * t * (-0.25 * slope) - t * Float(0.5 * VariancePreserving.low))
      let sigma = try (mean * mean * -1 + 1).squareRoot()
      let x = try mean * x0 + sigma * z
      let waves = try embedding(t)
      var oneHot: Tensor<Float>?
      if classes > 0 {
        var values = [Float](repeating: 0, count: n * classes)
        let keep: [Float] = try random.uniform([n]).elements
        for i in 0..<n where keep[i] >= settings.classDropout {
          values[i * classes + labels[Int(words[i] % UInt32(count))]] = 1
        }
        oneHot = try Tensor(values, shape: [n, classes])
      }
      let factors =
        try settings.noise > 0 ? parameters.prefix(6).map { try Self.factors($0.shape, settings, &random) } : []
      let (loss, found) = try valueAndGradient(at: parameters) { p in
        let noisy = try factors.isEmpty ? Array(p.prefix(6)) : zip(p, factors).map { try $0 * $1 }
        var e = waves
        if let oneHot {
          let inner = try gelu(linear(oneHot, p[6], bias: p[7]))
          // A class that was left out adds nothing.
          e = try e + linear(inner, p[8], bias: p[9]) * oneHot.sum(axes: [1], keepingAxes: true)
        }
        let (score, hidden) = try Self.run(x, e, [noisy[0], noisy[2], noisy[4]], [noisy[1], noisy[3], noisy[5]])
        let matching = try (score * sigma + z).squared().mean()
        let excess = try hidden.map { try relu($0 - Self.ceiling).sum() }
        return try matching + (excess[0] + excess[1]) * settings.penalty
      }
      var gradients = found
      _ = try clip(&gradients, norm: settings.clippingNorm)
      try rule.update(&parameters, along: gradients)
      let value = try loss.item()
      losses.append(value)
      if iteration % 1000 == 999 { try progress(iteration + 1, value) }
    }
    for i in 0..<3 { (weights[i], biases[i]) = (parameters[2 * i], parameters[2 * i + 1]) }
    for i in classWeights.indices {
      (classWeights[i], classBiases[i]) = (parameters[6 + 2 * i], parameters[7 + 2 * i])
    }
    return losses
  }

  /// 1 + n with n normal; where |n| is two deviations or more it is drawn again, evenly between them.
  private static func factors(_ shape: [Int], _ settings: Training, _ random: inout RandomStream) throws
    -> Tensor<Float>
  {
    let bound = 2 * settings.noise
    let normal: Tensor<Float> = try random.normal(shape, standardDeviation: settings.noise)
    let even: Tensor<Float> = try random.uniform(shape, in: -bound...bound)
    return try Tensor.select(normal.magnitude() .< bound, normal, even) + 1
  }
}
