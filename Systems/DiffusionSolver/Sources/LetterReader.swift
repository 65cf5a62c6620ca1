import Networks
import Reports
import Substrates
import Tensors

/// A small convolutional network that tells the three letters apart, to see whether generated pictures can be read.
struct LetterReader {
  private var network: Sequential
  /// Part of the pictures kept from training that it reads right.
  let accuracy: Double

  /// Trains on nine tenths of the pictures.
  init(trainedOn set: LetterPictures, random: RandomStream) throws {
    var random = random
    network = Sequential(
      try Convolution(1, 8, window: [3, 3], stride: 2, padding: 1, activation: .relu, using: &random),
      try Convolution(8, 16, window: [3, 3], stride: 2, padding: 1, activation: .relu, using: &random),
      Function(operations: 0) { try $0.flattened(from: 1) }, try Dense(144, 3, using: &random))
    let order = try random.permutation(set.labels.count)
    let cut = set.labels.count * 9 / 10
    let (learned, kept) = (try order.slice(0..<cut), try order.slice(cut..<set.labels.count))
    func labels(_ rows: Tensor<Int32>) throws -> Tensor<Int32> {
      try Tensor(rows.elements.map { Int32(set.labels[Int($0)]) })
    }
    var settings = TrainingSettings()
    (settings.epochs, settings.batchSize, settings.seed) = (5, 64, random.next())
    var trainer = Trainer(settings, optimiser: Adam(learningRate: 1e-3))
    _ = try trainer.fit(
      &network, samples: cut,
      loss: { model, batch, forward in
        let rows = try learned.selecting(batch)
        return try crossEntropy(model.forward(set.pictures.selecting(rows), in: &forward), labels(rows))
      })
    accuracy = try Networks.accuracy(network(set.pictures.selecting(kept)), labels(kept))
  }

  /// The class of each picture, `[n, 1, 12, 12]`.
  mutating func read(_ pictures: Tensor<Float>) throws -> [Int] {
    var classes: [Int] = []
    for start in stride(from: 0, to: pictures.shape[0], by: 1000) {
      let part = try pictures.slice(start..<min(pictures.shape[0], start + 1000))
      classes += try network(part).indexOfMax(axis: 1).elements.map(Int.init)
    }
    return classes
  }
}
