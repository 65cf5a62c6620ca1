import Networks
import Runs
import Studies
import Substrates
import Tensors

/// A small convolutional network that tells the three letters apart, to see whether generated pictures can be read.
struct LetterReader {
  private var network: Sequential
  /// Part of the pictures kept from training that it reads right.
  let accuracy: Double

  /// Trains on nine tenths of the pictures.
  init(trainedOn set: LetterPictures, in context: RunContext, progress part: ClosedRange<Double>) throws {
    var random = context.random.split("reader")
    network = Sequential(
      try Convolution(1, 8, window: [3, 3], stride: 2, padding: 1, activation: .relu, using: &random),
      try Convolution(8, 16, window: [3, 3], stride: 2, padding: 1, activation: .relu, using: &random),
      Function(operations: 0) { try $0.flattened(from: 1) }, try Dense(144, 3, using: &random))
    let order = try random.permutation(set.labels.count)
    let cut = set.labels.count * 9 / 10
    let (learned, kept) = (try order.slice(0..<cut), try order.slice(cut..<set.labels.count))
    let labels = try Tensor(set.labels.map(Int32.init))
    var fit = Fit("reader", rate: 1e-3, batch: 64, epochs: 5)
    fit.falls = false
    try context.fit(fit, &network, samples: cut, progress: part) { model, batch, forward in
      let rows = try learned.selecting(batch)
      return try crossEntropy(
        model.forward(set.pictures.selecting(rows), in: &forward), labels.selecting(rows))
    }
    accuracy = try Networks.accuracy(network(set.pictures.selecting(kept)), labels.selecting(kept))
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
