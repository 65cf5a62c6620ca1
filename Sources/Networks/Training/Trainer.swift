import Foundation
import Settings
import Tensors

/// How a training run goes: everything but the model, the data and the loss.
public struct TrainingSettings: Sendable, Codable {
  /// Passes over the samples.
  public var epochs = 10
  /// Updates after which training ends, even within an epoch; nil for whole epochs only.
  public var updates: Int?
  /// Samples in an update; the last batch of an epoch may be smaller.
  public var batchSize = 64
  /// Orders the samples and feeds random layers.
  public var seed: UInt64 = 0
  /// On the optimiser's rate, by update.
  public var schedule = LearningRateSchedule.constant
  /// Longest common length of the gradients; nil for no limit.
  public var clippingNorm: Double?
  /// Epochs without a better validation before training stops and the best model is kept; nil never stops.
  public var patience: Int?
  /// Share of the past in a moving average of the weights, which is validated and returned in the model's place; nil for
  /// none.
  public var averagingDecay: Float?
  /// File that the state is saved to, and continued from if it exists; nil for none.
  public var checkpoint: String?
  /// Updates between checkpoints, of which the last is saved when training ends; nil saves after each epoch.
  public var checkpointEvery: Int?

  public init() {}
}

/// What happened in one epoch.
public struct EpochRecord: Sendable, Codable, Equatable {
  public var epoch: Int
  /// Mean over the updates of the epoch.
  public var trainingLoss: Float
  /// What `validation` gave; smaller is better.
  public var validationLoss: Float?
  public var learningRate: Float
}

/// Trains a model: batches, updates, validation, early stopping, checkpoints.
///
/// A run is a function of settings, data and model: stopped at any moment, even killed, and started again with the same
/// settings, it continues from its checkpoint and ends with the same model.
public struct Trainer<Rule: Optimiser> {
  public var settings: TrainingSettings
  public var optimiser: Rule

  public init(_ settings: TrainingSettings = TrainingSettings(), optimiser: Rule) {
    (self.settings, self.optimiser) = (settings, optimiser)
  }

  /// Trains `model` in place.
  ///
  /// - Parameters:
  ///   - samples: how many there are; a batch names some of 0..<samples.
  ///   - loss: the loss of a batch, given the model and the numbers of its samples.
  ///   - validation: a number that is better the smaller it is, after each epoch, with the model outside training.
  ///   - progress: told about each epoch; returns false to stop there.
  /// - Returns: a record of each epoch, those before a continuation included.
  /// - Throws: `NetworkError.lossNotFinite` when training diverges, and what the closures throw.
  public mutating func fit<Model: Layer>(
    _ model: inout Model, samples: Int,
    loss: (inout Model, Tensor<Int32>, inout ForwardContext) throws -> Tensor<Float>,
    validation: ((inout Model) throws -> Float)? = nil,
    progress: (EpochRecord) throws -> Bool = { _ in true }
  ) throws -> [EpochRecord] {
    try check(samples)
    var state = try TrainingState(model, optimiser, averagingDecay: settings.averagingDecay)
    if let path = settings.checkpoint, FileManager.default.fileExists(atPath: path) {
      try state.restore(path, settings, samples: samples)
    }
    let random = RandomStream(seed: settings.seed)
    let baseRate = optimiser.learningRate
    var goesOn = true
    let limit = settings.updates ?? .max
    while state.epoch < settings.epochs, state.step < limit, !state.isFinished, goesOn {
      var order = random.split("epoch \(state.epoch)")
      let permutation = try order.permutation(samples)
      while state.position < samples, state.step < limit {
        let batch = try permutation.slice(state.position..<min(samples, state.position + settings.batchSize))
        var context = ForwardContext(isTraining: true, random: random.split("step \(state.step)"))
        state.optimiser.learningRate = baseRate * settings.schedule.factor(at: state.step)
        var (value, gradients) = try valueAndGradient(of: &state.model) { try loss(&$0, batch, &context) }
        guard value.isFinite
        else { throw NetworkError.lossNotFinite(epoch: state.epoch, step: state.step, value: value) }
        if let limit = settings.clippingNorm { try clip(&gradients, norm: limit) }
        try state.optimiser.update(&state.model, along: gradients)
        try state.average?.update(with: state.model)
        state.step += 1
        state.position += batch.count
        state.lossSum += Double(value)
        state.batches += 1
        if let every = settings.checkpointEvery, let path = settings.checkpoint, state.step % every == 0 {
          try state.save(path, settings, samples: samples)
        }
      }
      try state.finishEpoch(validation, patience: settings.patience)
      if let record = state.history.last { goesOn = try progress(record) }
      let hasEnded = state.epoch == settings.epochs || state.step >= limit || state.isFinished || !goesOn
      if let path = settings.checkpoint, settings.checkpointEvery == nil || hasEnded {
        try state.save(path, settings, samples: samples)
      }
    }
    model = state.best ?? state.average?.model ?? state.model
    optimiser = state.optimiser
    optimiser.learningRate = baseRate
    return state.history
  }

  private func check(_ samples: Int) throws {
    let check = SettingCheck<NetworkError>()
    try check.require(samples > 0, "samples", samples, "1 or more")
    try check.require(settings.epochs >= 0, "epochs", settings.epochs, "0 or more")
    try check.require(settings.batchSize > 0, "batchSize", settings.batchSize, "1 or more")
    try check.require((settings.updates ?? 1) > 0, "updates", settings.updates ?? 0, "1 or more")
    try check.require((settings.patience ?? 1) > 0, "patience", settings.patience ?? 0, "1 or more")
    try check.require(
      (settings.checkpointEvery ?? 1) > 0, "checkpointEvery", settings.checkpointEvery ?? 0, "1 or more")
    try check.require(
      settings.checkpointEvery == nil || settings.checkpoint != nil, "checkpoint", "nil",
      "a file, as `checkpointEvery` is set")
  }
}
