import Foundation
import Tensors

/// Everything a training run needs to go on: what a checkpoint holds.
struct TrainingState<Model: Layer, Rule: Optimiser> {
  var model: Model
  var optimiser: Rule
  var average: MovingAverage<Model>?
  /// The model of the best validation so far.
  var best: Model?
  var history: [EpochRecord] = []
  var epoch = 0, position = 0, step = 0, batches = 0
  var lossSum = 0.0
  var epochsWithoutGain = 0
  var isFinished = false

  init(_ model: Model, _ optimiser: Rule, averagingDecay: Float?) throws {
    (self.model, self.optimiser) = (model, optimiser)
    average = try averagingDecay.map { try MovingAverage(of: model, decay: $0) }
  }

  mutating func finishEpoch(_ validation: ((inout Model) throws -> Float)?, patience: Int?) throws {
    var candidate = average?.model ?? model
    let value = try validation?(&candidate)
    if let value {
      let bestBefore = history.compactMap(\.validationLoss).filter { !$0.isNaN }.min()
      if bestBefore.map({ value < $0 }) ?? true {
        epochsWithoutGain = 0
        if patience != nil { best = candidate }
      } else {
        epochsWithoutGain += 1
      }
      if let patience, epochsWithoutGain >= patience { isFinished = true }
    }
    history.append(
      EpochRecord(
        epoch: epoch, trainingLoss: Float(lossSum / Double(max(1, batches))), validationLoss: value,
        learningRate: optimiser.learningRate))
    (epoch, position, lossSum, batches) = (epoch + 1, 0, 0, 0)
  }

  /// The numbers beside the tensors.
  private struct Counters: Codable {
    var version = 1
    var epoch, position, step, batches, epochsWithoutGain: Int
    var lossSum: Double
    var isFinished, hasBest: Bool
    var history: [EpochRecord]
    /// What must be the same for a continuation to give the same result.
    var seed: UInt64
    var batchSize, samples: Int
  }

  func save(_ path: String, _ settings: TrainingSettings, samples: Int) throws {
    var copy = self
    var tensors: [String: StoredTensor] = [:]
    try copy.visit(Visitor { name, tensor, _ in tensors[name] = .float(tensor) })
    let counters = Counters(
      epoch: epoch, position: position, step: step, batches: batches, epochsWithoutGain: epochsWithoutGain,
      lossSum: lossSum, isFinished: isFinished, hasBest: best != nil, history: history, seed: settings.seed,
      batchSize: settings.batchSize, samples: samples)
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    try Safetensors.write(
      tensors, metadata: ["training": String(decoding: try encoder.encode(counters), as: UTF8.self)], to: path)
  }

  mutating func restore(_ path: String, _ settings: TrainingSettings, samples: Int) throws {
    let (tensors, metadata) = try Safetensors.read(path)
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let text = metadata["training"], let counters = try? decoder.decode(Counters.self, from: Data(text.utf8)),
      counters.version == 1
    else { throw NetworkError.malformed(path: path, problem: "is not a checkpoint of this version") }
    for (name, found, expected) in [
      ("seed", "\(settings.seed)", "\(counters.seed)"), ("batchSize", "\(settings.batchSize)", "\(counters.batchSize)"),
      ("samples", "\(samples)", "\(counters.samples)"),
    ] where found != expected {
      throw NetworkError.invalidSetting(name, found: found, expected: "\(expected), as in the checkpoint \(path)")
    }
    var copy = self
    if counters.hasBest { copy.best = model }
    try copy.visit(
      Visitor { name, tensor, _ in
        guard let stored = tensors[name] else {
          throw NetworkError.missingTensor(name: name, found: tensors.keys.sorted())
        }
        let found = try stored.floats()
        guard found.shape == tensor.shape
        else { throw NetworkError.wrongTensorShape(name: name, found: found.shape, expected: tensor.shape) }
        tensor = found
      })
    (copy.epoch, copy.position, copy.step, copy.batches) = (
      counters.epoch, counters.position, counters.step, counters.batches
    )
    (copy.lossSum, copy.epochsWithoutGain, copy.isFinished) = (
      counters.lossSum, counters.epochsWithoutGain, counters.isFinished
    )
    copy.history = counters.history
    self = copy
  }

  private mutating func visit(_ visitor: Visitor) throws {
    try visitor("model", &model)
    if average != nil { try average?.visit(visitor) }
    try visitor("best", &best)
    var parameters: [Tensor<Float>] = []
    try model.visit(Visitor { _, tensor, isTrained in if isTrained { parameters.append(tensor) } })
    try visitor.within("optimiser") { try optimiser.visit(visitor, parameters: parameters) }
  }
}
