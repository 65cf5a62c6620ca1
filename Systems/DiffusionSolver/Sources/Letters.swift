import Foundation
import Networks
import Reports
import Runs
import Tensors

/// Latent points of the letters H, K and U: encoded handwriting where EMNIST is present, else the normals that encoders are
/// trained to give.
struct LetterLatents {
  /// Divided by 8, axes swapped; shape `[n, 2]`.
  let points: Tensor<Float>
  let labels: [Int]
  /// What they are, for reports.
  let description: String
  private let autoencoder: LetterAutoencoder
  private let isReal: Bool
  private let set: LetterPictures
  private let context: RunContext
  private let loss: Float
  private let uses: [DataUse]

  init(_ c: DiffusionSolver.Configuration, _ context: RunContext) throws {
    var random = context.random.split("letters")
    let real = try LetterPictures.handwritten(in: context.dataFolder)
    set = try real ?? LetterPictures.rendered(2000, &random)
    self.context = context
    isReal = real != nil
    uses = set.uses
    var model = try LetterAutoencoder(using: &random)
    loss = try model.train(on: set, epochs: c.autoencoderEpochs, in: context, progress: 0...0.1)
    autoencoder = model
    if isReal {
      description = "EMNIST letters"
      labels = set.labels
      let codes = try model.encode(set.pictures)
      let spread: Tensor<Float> = try random.normal(codes.mean.shape)
      points = try LetterAutoencoder.scaled(codes.mean + exp(codes.logVariance * 0.5) * spread)
    } else {
      description = "synthetic stand-in for encoded letters"
      (points, labels) = try Cloud.letters(c.points, &random)
    }
  }

  /// Pictures that generated points decode to.
  func pictures(_ sets: [(String, Tensor<Float>)], _ report: inout Report) throws {
    var sheet: [Tensor<Float>] = []
    for (_, points) in sets {
      let decoded = try autoencoder.decode(LetterAutoencoder.unscaled(points.slice(0..<min(12, points.shape[0]))))
      for i in 0..<decoded.shape[0] { sheet.append(try decoded.at(i)) }
    }
    let source = isReal ? "EMNIST letters" : "autoencoder of rendered strokes, a stand-in"
    var reader = try LetterReader(trainedOn: set, in: context, progress: 0.85...0.9)
    var hits = 0
    for (label, (_, points)) in sets.enumerated() {
      hits += try reader.read(autoencoder.decode(LetterAutoencoder.unscaled(points))).count { $0 == label }
    }
    let total = sets.reduce(0) { $0 + $1.1.shape[0] }
    let own = isReal ? "EMNIST letters" : "rendered strokes, a stand-in"
    report.figure(
      "generated pictures that a network reads as their letter", Double(hits) / Double(max(1, total)), unit: "fraction",
      how: .simulated, data: source)
    report.figure(
      "held-out pictures that it reads as their letter", reader.accuracy, unit: "fraction", how: .simulated, data: own)
    // Three times larger, so that pixels can be seen.
    try report.contactSheet("Generated letters H, K, U (\(source))", sheet, columns: 12, enlarged: 3)
    report.figure("autoencoder loss", Double(loss), how: .simulated, data: own)
    report.data += uses
  }
}
