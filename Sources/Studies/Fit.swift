import Foundation
import Networks
import Runs
import Substrates
import Tensors

/// How a model of a study is trained: with Adam, and a checkpoint in the run's folder that is continued where it is found.
public struct Fit: Sendable {
  /// Of checkpoint and randomness; one for each model of a run.
  public var name: String
  public var rate: Float
  public var batch: Int
  public var epochs: Int
  /// Ends training; nothing for whole epochs only.
  public var updates: Int?
  /// Whether the rate falls to 0 along a cosine.
  public var falls = true
  public var weightDecay: Float = 0
  /// Longest common length of the gradients.
  public var clipping: Double?
  /// Updates between checkpoints.
  public var checkpointEvery = 500

  public init(_ name: String, rate: Float, batch: Int, epochs: Int) {
    (self.name, self.rate, self.batch, self.epochs) = (name, rate, batch, epochs)
  }
}

extension RunContext {
  /// Trains a layer.
  ///
  /// - Parameters:
  ///   - samples: how many there are; a batch names some of 0..<samples.
  ///   - progress: told about each epoch.
  /// - Returns: a record of each epoch, those before a continuation included.
  @discardableResult public func fit<Model: Layer>(
    _ fit: Fit, _ model: inout Model, samples: Int,
    loss: (inout Model, Tensor<Int32>, inout ForwardContext) throws -> Tensor<Float>,
    validation: ((inout Model) throws -> Float)? = nil, progress: (EpochRecord) throws -> Void
  ) throws -> [EpochRecord] {
    var settings = TrainingSettings()
    (settings.epochs, settings.batchSize, settings.updates) = (fit.epochs, min(fit.batch, samples), fit.updates)
    var seeds = random.split("training \(fit.name)")
    settings.seed = seeds.next()
    if fit.falls {
      let each = (samples + settings.batchSize - 1) / settings.batchSize
      settings.schedule = .cosine(steps: fit.updates ?? fit.epochs * each, floor: 0)
    }
    settings.clippingNorm = fit.clipping
    if let folder {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      settings.checkpoint = "\(folder)/checkpoint-\(fit.name).safetensors"
      settings.checkpointEvery = fit.checkpointEvery
    }
    var trainer = Trainer(settings, optimiser: Adam(learningRate: fit.rate, weightDecay: fit.weightDecay))
    return try trainer.fit(
      &model, samples: samples, loss: loss, validation: validation,
      progress: { record in
        try progress(record)
        return true
      })
  }
}
