import Dynamics
import Networks
import Runs
import Studies
import Substrates
import Tensors

/// How a network learns.
public struct KoopmanTraining: Codable, Sendable {
  public var learningRate: Float = 1e-3
  /// Pairs of records in a batch.
  public var batch = 200
  /// Passes of the first stage over the training records.
  public var epochs = 200
  /// Passes of the second stage, which has the filter's error among its losses.
  public var filterEpochs = 30
  /// Windows through the filter in an iteration, their length and how many records at their start do not count.
  public var windows = 8
  public var windowLength = 60
  public var burnIn = 15
  /// Whether the second stage starts from new weights, as published for Navier–Stokes.
  public var restarts = false
  /// Whether Σ₁ is found again after the second stage; published filters keep that of the first.
  public var renewsNoise = false
  /// Σ₂, in units of z: set by hand.
  public var latentDeviation: Float = 0.1
  /// Variance of z at the start of the filter.
  public var startVariance: Float = 0.01
  /// Longest gradient of the second stage.
  public var clippingNorm = 1.0
  public init() {}
}

/// A trained network with the noise of its filter.
package struct KoopmanModel {
  package var network: KoopmanNetwork
  /// Deviations Σ₁, shape `[d₁]`.
  package var observedDeviation: Tensor<Float>
  package let settings: KoopmanTraining

  package init(network: KoopmanNetwork, observedDeviation: Tensor<Float>, settings: KoopmanTraining) {
    (self.network, self.observedDeviation, self.settings) = (network, observedDeviation, settings)
  }

  package func noise1() throws -> Tensor<Float> { try observedDeviation.squared().diagonalMatrix() }

  package func noise2() throws -> Tensor<Float> {
    try Tensor<Float>.identity(network.latent) * (settings.latentDeviation * settings.latentDeviation)
  }

  package func start(batch: [Int]) throws -> ConditionalGaussianState<Float> {
    ConditionalGaussianState(
      mean: try .zeros(batch + [network.latent, 1]),
      covariance: try Tensor<Float>.identity(network.latent) * settings.startVariance)
  }
}

/// Trains networks on the training records, which are noisy.
package struct KoopmanTrainer {
  package let records: FlowRecords
  package let settings: KoopmanTraining
  package let context: RunContext
  private let parts: SplitRecords

  init(_ records: FlowRecords, _ settings: KoopmanTraining, _ context: RunContext) throws {
    (self.records, self.settings, self.context) = (records, settings, context)
    parts = try SplitRecords(records.noisy.slice(0..<records.data.trainingRecords), records)
  }

  /// A network after each stage, and the losses of both.
  package struct Result {
    package var first: KoopmanModel, second: KoopmanModel
    var losses: [(name: String, records: [EpochRecord])]
  }

  /// Both stages.
  ///
  /// - Parameters:
  ///   - name: of randomness, checkpoints and metrics.
  ///   - part: of the run's progress that this is.
  func trained(_ shape: KoopmanShape, name: String, progress part: ClosedRange<Double>) throws -> Result {
    var stream = context.random.split(name)
    var network = try KoopmanNetwork(shape, records.data, using: &stream)
    // An epoch of the second stage takes about as long as four of the first.
    let share = Double(settings.epochs) / Double(settings.epochs + settings.filterEpochs * 4)
    let middle = part.lowerBound + share * (part.upperBound - part.lowerBound)
    var losses = [("first stage", try fit(&network, "\(name)-1", nil, part.lowerBound...middle))]
    let first = KoopmanModel(network: network, observedDeviation: try residual(network), settings: settings)
    if settings.restarts {
      var again = context.random.split("\(name), second stage")
      network = try KoopmanNetwork(shape, records.data, using: &again)
    }
    if settings.filterEpochs > 0 {
      losses.append(
        ("second stage, with the filter's error", try fit(&network, "\(name)-2", first, middle...part.upperBound)))
    }
    let deviation = settings.renewsNoise ? try residual(network) : first.observedDeviation
    return Result(
      first: first, second: KoopmanModel(network: network, observedDeviation: deviation, settings: settings),
      losses: losses)
  }

  /// One stage; the second has the filter of the model that the first gave.
  private func fit(
    _ network: inout KoopmanNetwork, _ name: String, _ filter: KoopmanModel?, _ part: ClosedRange<Double>
  ) throws -> [EpochRecord] {
    var fit = Fit(
      name, rate: settings.learningRate, batch: settings.batch,
      epochs: filter == nil ? settings.epochs : settings.filterEpochs)
    fit.clipping = filter == nil ? nil : settings.clippingNorm
    return try context.fit(fit, &network, samples: records.data.trainingRecords - 1, progress: part) {
      try loss(&$0, $1, filter, &$2)
    }
  }

  /// Autoencoder, forecast in physical and in latent space, and in the second stage the filter, all with weight 1.
  private func loss(
    _ model: inout KoopmanNetwork, _ batch: Tensor<Int32>, _ filter: KoopmanModel?, _ forward: inout ForwardContext
  ) throws -> Tensor<Float> {
    let count = batch.count
    let after = try Tensor(batch.elements.map { $0 + 1 })
    let (u, uNext) = (try parts.observed.selecting(batch), try parts.observed.selecting(after))
    let (v, vNext) = (try parts.hidden.selecting(batch), try parts.hidden.selecting(after))
    let codes = try model.encoder.forward(Tensor.concatenate([v, vNext]), in: &forward)
    let (z, zNext) = (try codes.slice(0..<count), try codes.slice(count..<2 * count))
    let next = try model.next(u, z)
    let decoded = try model.decoder.forward(Tensor.concatenate([z, next.code]), in: &forward)
    let autoencoder = try meanSquaredError(decoded.slice(0..<count), v)
    let forecast = try Self.pooled(
      [(next.observed, uNext), (decoded.slice(count..<2 * count), vNext)])
    let total = try autoencoder + forecast + meanSquaredError(next.code, zNext)
    guard let filter else { return total }
    let assimilation = try assimilationLoss(&model, filter, &forward)
    // An iteration whose filter breaks down goes without it.
    return try assimilation.item().isFinite ? total + assimilation : total
  }

  /// Sum of squares over all numbers of several pairs, over their count.
  package static func pooled(_ pairs: [(Tensor<Float>, Tensor<Float>)]) throws -> Tensor<Float> {
    let count = pairs.reduce(0) { $0 + $1.0.count }
    var sum = try Tensor<Float>(0)
    for (a, b) in pairs { sum = try sum + (a - b).squared().sum() }
    return try sum * (1 / Float(count))
  }

  /// Error of decoded posterior means in windows at random places.
  private func assimilationLoss(
    _ model: inout KoopmanNetwork, _ filter: KoopmanModel, _ forward: inout ForwardContext
  ) throws -> Tensor<Float> {
    let (w, length) = (settings.windows, settings.windowLength)
    let places = records.data.trainingRecords - length
    let starts = forward.random.words(w).map { Int32($0 % UInt32(max(1, places))) }
    var running = filter
    running.network = model
    let (noise1, noise2) = (try filter.noise1(), try filter.noise2())
    var state = try running.start(batch: [w])
    var means: [Tensor<Float>] = []
    var targets: [Tensor<Float>] = []
    var u = try parts.observed.selecting(Tensor(starts))
    for n in 1..<length {
      let rows = try Tensor(starts.map { $0 + Int32(n) })
      let observed = try parts.observed.selecting(rows)
      state = try state.next(
        model.coefficients(u), observed: observed.expanded(axis: 2), noise1: noise1, noise2: noise2)
      u = observed
      if n < settings.burnIn { continue }
      means.append(try state.mean.squeezed(axis: 2))
      targets.append(try parts.hidden.selecting(rows))
    }
    let decoded = try model.decoder.forward(Tensor.concatenate(means), in: &forward)
    return try meanSquaredError(decoded, Tensor.concatenate(targets))
  }

  /// Root of the mean square of the one-step error of what is observed, over the training records.
  private func residual(_ network: KoopmanNetwork) throws -> Tensor<Float> {
    let count = records.data.trainingRecords - 1
    var sum = try Tensor<Float>.zeros([network.observed])
    for start in stride(from: 0, to: count, by: 1000) {
      let part = start..<min(count, start + 1000)
      let codes = try network.encoder(parts.hidden.slice(part))
      let next = try network.next(parts.observed.slice(part), codes).observed
      let target = try parts.observed.slice(part.lowerBound + 1..<part.upperBound + 1)
      sum = try sum + (next - target).squared().sum(axes: [0])
    }
    return try (sum * (1 / Float(count))).squareRoot()
  }
}
