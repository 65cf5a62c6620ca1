import Networks
import Runs
import Studies
import Substrates
import Tensors

extension ScoreNetwork {
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

  /// A network that learned points by denoising score matching; its checkpoint is continued where the run has one.
  ///
  /// - Parameters:
  ///   - points: shape `[n, 2]`.
  ///   - labels: of the points, 0 to 2, where there are classes.
  ///   - name: of randomness, metrics and checkpoint.
  ///   - part: of the run's progress that this is.
  /// - Returns: the network, and a record of each pass over the points.
  public static func trained(
    on points: Tensor<Float>, labels: [Int] = [], _ settings: Training, named name: String = "network",
    in context: RunContext, progress part: ClosedRange<Double> = 0...1
  ) throws -> (network: ScoreNetwork, losses: [EpochRecord]) {
    let (classes, count) = (labels.isEmpty ? 0 : 3, points.shape[0])
    var stream = context.random.split(name)
    var network = try ScoreNetwork(classes: classes, using: &stream)
    var fit = Fit(
      name, rate: settings.learningRate, batch: settings.batch, updates: settings.iterations, of: count)
    (fit.falls, fit.weightDecay, fit.clipping) = (false, settings.weightDecay, settings.clippingNorm)
    fit.checkpointEvery = 2000
    let oneHot = try Tensor<Float>(
      labels.flatMap { label in (0..<classes).map { $0 == label ? 1 : 0 } }, shape: [labels.count, classes])
    let losses = try context.fit(fit, &network, samples: count, progress: part) { model, batch, forward in
      try model.loss(
        points.selecting(batch), classes > 0 ? oneHot.selecting(batch) : nil, settings, &forward.random)
    }
    return (network, losses)
  }

  /// Mean over batch and coordinates of (σ·s(x_t, t) + z)², and the punishment of large activations.
  private func loss(
    _ x0: Tensor<Float>, _ oneHot: Tensor<Float>?, _ settings: Training, _ random: inout RandomStream
  ) throws -> Tensor<Float> {
    let count = x0.shape[0]
    let t: Tensor<Float> = try random.uniform([count, 1], in: 1e-5...1)
    let z: Tensor<Float> = try random.normal([count, 2])
    // ln m = −¼t²(β₁ − β₀) − ½tβ₀, σ² = 1 − m².
    let slope = Float(VariancePreserving.high - VariancePreserving.low)
    let mean = try exp(t * t * (-0.25 * slope) - t * Float(0.5 * VariancePreserving.low))
    let sigma = try (mean * mean * -1 + 1).squareRoot()
    var e = try embedding(t)
    if let oneHot {
      // A class that is left out adds nothing.
      let kept: Tensor<Float> = try random.uniform([count, 1]) .>= settings.classDropout
      e = try e + classEmbedding(oneHot) * kept
    }
    func noisy(_ parameters: [Tensor<Float>]) throws -> [Tensor<Float>] {
      guard settings.noise > 0 else { return parameters }
      return try parameters.map { try $0 * Self.factors($0.shape, settings.noise, &random) }
    }
    let (score, hidden) = try Self.run(mean * x0 + sigma * z, e, noisy(weights), noisy(biases))
    let excess = try hidden.map { try relu($0 - Self.ceiling).sum() }
    return try (score * sigma + z).squared().mean() + (excess[0] + excess[1]) * settings.penalty
  }

  /// 1 + n with n normal; where |n| is two deviations or more it is drawn again, evenly between them.
  private static func factors(_ shape: [Int], _ deviation: Float, _ random: inout RandomStream) throws
    -> Tensor<Float>
  {
    let bound = 2 * deviation
    let normal: Tensor<Float> = try random.normal(shape, standardDeviation: deviation)
    let even: Tensor<Float> = try random.uniform(shape, in: -bound...bound)
    return try Tensor.select(normal.magnitude() .< bound, normal, even) + 1
  }
}
