import Networks
import Runs
import Studies
import Substrates
import Tensors

/// The variational autoencoder of letters: two numbers for a picture of 12 × 12, classes drawn to centres 120° apart.
struct LetterAutoencoder: Layer {
  private var first: Convolution, second: Convolution, dense: Dense, mean: Dense, logVariance: Dense
  private var widen: Dense, unfold: Dense, third: TransposedConvolution, fourth: TransposedConvolution

  init(using random: inout RandomStream) throws {
    first = try Convolution(1, 8, window: [3, 3], stride: 2, padding: 1, activation: .relu, using: &random)
    second = try Convolution(8, 16, window: [3, 3], stride: 2, padding: 1, activation: .relu, using: &random)
    dense = try Dense(144, 16, activation: .relu, using: &random)
    mean = try Dense(16, 2, using: &random)
    logVariance = try Dense(16, 2, using: &random)
    widen = try Dense(2, 16, activation: .relu, using: &random)
    unfold = try Dense(16, 144, activation: .relu, using: &random)
    third = try TransposedConvolution(16, 8, window: [3, 3], stride: 2, padding: 1, outputPadding: 1, using: &random)
    fourth = try TransposedConvolution(8, 1, window: [3, 3], stride: 2, padding: 1, outputPadding: 1, using: &random)
  }

  mutating func visit(_ visitor: Visitor) throws {
    try visitor("first", &first)
    try visitor("second", &second)
    try visitor("dense", &dense)
    try visitor("mean", &mean)
    try visitor("logVariance", &logVariance)
    try visitor("widen", &widen)
    try visitor("unfold", &unfold)
    try visitor("third", &third)
    try visitor("fourth", &fourth)
  }

  func placed(on substrate: any Substrate, in context: inout ForwardContext) -> KeptDigital<LetterAutoencoder> {
    // 30,624 products, each with a sum, for the 144 points of a picture.
    keptDigital(
      "runs in software in the published system; arrays hold the score network", on: substrate,
      operations: 2 * 30_624 / 144)
  }

  func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try decode(codes(x, &context).mean)
  }

  private func codes(_ x: Tensor<Float>, _ context: inout ForwardContext) throws -> (
    mean: Tensor<Float>, logVariance: Tensor<Float>
  ) {
    let maps = try second.forward(first.forward(x, in: &context), in: &context)
    let h = try dense.forward(maps.reshaped([x.shape[0], 144]), in: &context)
    return (try mean.forward(h, in: &context), try logVariance.forward(h, in: &context))
  }

  func encode(_ x: Tensor<Float>) throws -> (mean: Tensor<Float>, logVariance: Tensor<Float>) {
    var context = ForwardContext()
    return try codes(x, &context)
  }

  private func logits(_ z: Tensor<Float>, _ context: inout ForwardContext) throws -> Tensor<Float> {
    let h = try unfold.forward(widen.forward(z, in: &context), in: &context)
    return try fourth.forward(
      relu(third.forward(h.reshaped([z.shape[0], 16, 3, 3]), in: &context)), in: &context)
  }

  /// Pictures of latent points, `[n, 1, 12, 12]`.
  func decode(_ z: Tensor<Float>) throws -> Tensor<Float> {
    var context = ForwardContext()
    return try sigmoid(logits(z, &context))
  }

  /// Latent points as the score network sees them, and back.
  static func scaled(_ z: Tensor<Float>) throws -> Tensor<Float> { try swapped(z) * Float(1.0 / 8) }
  static func unscaled(_ x: Tensor<Float>) throws -> Tensor<Float> { try swapped(x) * 8 }
  private static func swapped(_ x: Tensor<Float>) throws -> Tensor<Float> {
    try Tensor.concatenate([x.slice(1..<2, axis: 1), x.slice(0..<1, axis: 1)], axis: 1)
  }

  /// Learns pictures: cross-entropy of the pixels plus three times the divergence from the class' unit normal, summed, over the
  /// batch.
  ///
  /// - Returns: mean loss of the last epoch.
  mutating func train(
    on set: LetterPictures, epochs: Int, in context: RunContext, progress part: ClosedRange<Double>
  ) throws -> Float {
    let root = 2 * Float(3).squareRoot()
    let centres: [[Float]] = [[root, 2], [-root, 2], [0, -4]]
    let targets = try Tensor(set.labels.flatMap { centres[$0] }, shape: [set.labels.count, 2])
    var fit = Fit("autoencoder", rate: 1e-3, batch: 64, epochs: epochs)
    fit.falls = false
    let history = try context.fit(fit, &self, samples: set.labels.count, progress: part) { model, batch, forward in
      let x = try set.pictures.selecting(batch)
      let (mean, logVariance) = try model.codes(x, &forward)
      let z = try mean + exp(logVariance * 0.5) * forward.random.normal(mean.shape)
      let pixels = try binaryCrossEntropy(logits: model.logits(z, &forward), x) * Float(x.count)
      let off = try mean - targets.selecting(batch)
      let divergence = try (off.squared() + exp(logVariance) - logVariance - 1).sum() * 0.5
      return try (pixels + divergence * 3) * (1 / Float(batch.count))
    }
    return history.last?.trainingLoss ?? .nan
  }
}
