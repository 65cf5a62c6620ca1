import Datasets
import Foundation
import Networks
import Reports
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
  private let loss: Float
  private let uses: [Report.DataUse]

  init(_ c: DiffusionSolver.Configuration, _ context: RunContext) throws {
    var random = context.random.split("letters")
    let real = try LetterPictures.handwritten(in: context.dataFolder)
    let set = try real ?? LetterPictures.rendered(2000, &random)
    isReal = real != nil
    uses = set.uses
    var model = try LetterAutoencoder(using: &random)
    loss = try model.train(on: set, epochs: c.autoencoderEpochs, random: context.random.split("autoencoder")) { part in
      try context.progress(0.1 * part, "autoencoder")
    }
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
    // Three times larger, so that pixels can be seen.
    let large = try sheet.map { picture in
      let (h, w) = (picture.shape[1], picture.shape[2])
      return try picture.reshaped([1, h, 1, w, 1]).broadcast(to: [1, h, 3, w, 3]).reshaped([1, 3 * h, 3 * w])
    }
    let source = isReal ? "EMNIST letters" : "autoencoder of rendered strokes, a stand-in"
    let png = try Image.png(Image.contactSheet(large, columns: 12))
    report.pictures.append(Report.Picture(title: "Generated letters H, K, U (\(source))", png: png))
    report.figure(
      "autoencoder loss", Double(loss), how: .simulated,
      data: isReal ? "EMNIST letters" : "rendered strokes, a stand-in")
    report.data += uses
  }
}

/// Pictures of letters, 12 × 12, ink 1.
struct LetterPictures {
  /// Shape `[n, 1, 12, 12]`.
  var pictures: Tensor<Float>
  /// 0 H, 1 K, 2 U.
  var labels: [Int]
  var uses: [Report.DataUse] = []

  /// EMNIST "by class", training part, resized to 14 × 14 and cut to 12 × 12; nothing where it is not present.
  static func handwritten(in folder: String?) throws -> LetterPictures? {
    guard let folder else { return nil }
    let names = ["images-idx3", "labels-idx1"].map { "emnist-byclass-train-\($0)-ubyte.gz" }
    guard
      let place = ["\(folder)/emnist/gzip", "\(folder)/emnist"].first(where: { place in
        names.allSatisfy { FileManager.default.fileExists(atPath: "\(place)/\($0)") }
      })
    else { return nil }
    let images = try IDX.readBytes("\(place)/\(names[0])")
    let classes = try IDX.readBytes("\(place)/\(names[1])").elements
    // Classes 17, 20 and 30 are H, K and U.
    let chosen = classes.indices.filter { [17, 20, 30].contains(classes[$0]) }
    let rows = try Tensor<Int32>(chosen.map(Int32.init))
    let large = try images.selecting(rows).converted() * Float(1.0 / 255)
    // Stored transposed.
    let upright = try large.transposed().reshaped([chosen.count, 14, 2, 14, 2]).mean(axes: [2, 4])
    let cut = try upright.slice(1..<13, axis: 1).slice(1..<13, axis: 2)
    return LetterPictures(
      pictures: try cut.reshaped([chosen.count, 1, 12, 12]),
      labels: chosen.map { [17: 0, 20: 1, 30: 2][classes[$0]] ?? 0 },
      uses: try names.map { Report.DataUse(name: $0, sha256: try Checksum.sha256(file: "\(place)/\($0)")) })
  }

  /// Strokes 3 pixels wide at 28 × 28, sheared, turned and scaled at random, blurred.
  static func rendered(_ perClass: Int, _ random: inout RandomStream) throws -> LetterPictures {
    typealias Point = (x: Double, y: Double)
    let strokes: [[[Point]]] = [
      [[(-0.6, -1), (-0.6, 1)], [(0.6, -1), (0.6, 1)], [(-0.6, 0), (0.6, 0)]],
      [[(-0.6, -1), (-0.6, 1)], [(0.6, -1), (-0.6, 0.1)], [(-0.3, -0.15), (0.6, 1)]],
      [[(-0.6, -1), (-0.6, 0.4), (-0.3, 0.9), (0.3, 0.9), (0.6, 0.4), (0.6, -1)]],
    ]
    var pixels: [Float] = []
    var labels: [Int] = []
    let draws: [Float] = try random.uniform([3 * perClass, 4], in: -1...1).elements
    for i in 0..<3 * perClass {
      let label = i % 3
      let d = draws[4 * i..<4 * i + 4].map(Double.init)
      let (turn, shear) = (d[0] * .pi / 12, tan(d[1] * .pi / 12))
      let (sx, sy) = (4 * (1 + 0.1 * d[2]), 4 * (1 + 0.1 * d[3]))
      let lines = strokes[label].map { line in
        line.map { p -> Point in
          let (x, y) = (sx * (p.x + shear * p.y), sy * p.y)
          return (cos(turn) * x - sin(turn) * y, sin(turn) * x + cos(turn) * y)
        }
      }
      for row in 0..<12 {
        for column in 0..<12 {
          let p = (x: Double(column) - 5.5, y: Double(row) - 5.5)
          var distance = Double.infinity
          for line in lines {
            for (a, b) in zip(line, line.dropFirst()) {
              let (u, v) = (b.x - a.x, b.y - a.y)
              let s = max(0, min(1, ((p.x - a.x) * u + (p.y - a.y) * v) / (u * u + v * v)))
              distance = min(distance, hypot(p.x - a.x - s * u, p.y - a.y - s * v))
            }
          }
          pixels.append(Float(exp(-pow(max(0, distance - 0.4), 2) / (2 * 0.7 * 0.7))))
        }
      }
      labels.append(label)
    }
    return LetterPictures(pictures: try Tensor(pixels, shape: [3 * perClass, 1, 12, 12]), labels: labels)
  }
}

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

  /// Cross-entropy of the pixels plus three times the divergence from the class' unit normal, summed, over the batch.
  ///
  /// - Returns: mean loss of the last epoch.
  mutating func train(
    on set: LetterPictures, epochs: Int, random: RandomStream, progress: (Double) throws -> Void
  ) throws -> Float {
    var random = random
    var rule = Adam(learningRate: 1e-3)
    let count = set.labels.count
    let root = 2 * Float(3).squareRoot()
    let centres: [[Float]] = [[root, 2], [-root, 2], [0, -4]]
    let targets = try Tensor(set.labels.flatMap { centres[$0] }, shape: [count, 2])
    var last: Float = 0
    for epoch in 0..<epochs {
      let order = try random.permutation(count)
      var (sum, batches): (Float, Float) = (0, 0)
      for start in stride(from: 0, to: count - 63, by: 64) {
        let rows = try order.slice(start..<start + 64)
        let (x, centre) = (try set.pictures.selecting(rows), try targets.selecting(rows))
        let noise: Tensor<Float> = try random.normal([64, 2])
        let (loss, gradients) = try valueAndGradient(of: &self) { model in
          var context = ForwardContext(isTraining: true)
          let (mean, logVariance) = try model.codes(x, &context)
          let z = try mean + exp(logVariance * 0.5) * noise
          let pixels = try binaryCrossEntropy(logits: model.logits(z, &context), x) * Float(x.count)
          let divergence = try ((mean - centre).squared() + exp(logVariance) - logVariance - 1).sum() * 0.5
          return try (pixels + divergence * 3) * Float(1.0 / 64)
        }
        try rule.update(&self, along: gradients)
        sum += loss
        batches += 1
      }
      last = sum / Swift.max(1, batches)
      try progress(Double(epoch + 1) / Double(epochs))
    }
    return last
  }
}
