import Foundation
import Networks
import Reports
import Runs
import Substrates
import Tensors

/// How a model of a study is trained: with Adam, and a checkpoint in the run's folder that is continued where it is found.
public struct Fit: Sendable {
  /// Of checkpoint, metrics and randomness; one for each model of a run.
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

  /// As many epochs as some updates take.
  public init(_ name: String, rate: Float, batch: Int, updates: Int, of samples: Int) {
    let each = max(1, (samples + batch - 1) / max(1, batch))
    self.init(name, rate: rate, batch: batch, epochs: (updates + each - 1) / each)
    self.updates = updates
  }

  private func settings(samples: Int, in context: RunContext) throws -> TrainingSettings {
    var settings = TrainingSettings()
    (settings.epochs, settings.batchSize, settings.updates) = (epochs, min(batch, samples), updates)
    var seeds = context.random.split("training \(name)")
    settings.seed = seeds.next()
    if falls {
      let each = (samples + settings.batchSize - 1) / max(1, settings.batchSize)
      settings.schedule = .cosine(steps: updates ?? epochs * each, floor: 0)
    }
    settings.clippingNorm = clipping
    if let folder = context.folder {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      settings.checkpoint = "\(folder)/checkpoint-\(name).safetensors"
      settings.checkpointEvery = checkpointEvery
    }
    return settings
  }

  fileprivate func run<Model: Layer>(
    _ model: inout Model, samples: Int, in context: RunContext, progress part: ClosedRange<Double>,
    loss: (inout Model, Tensor<Int32>, inout ForwardContext) throws -> Tensor<Float>,
    validation: ((inout Model) throws -> Float)?
  ) throws -> [EpochRecord] {
    var trainer = try Trainer(
      settings(samples: samples, in: context), optimiser: Adam(learningRate: rate, weightDecay: weightDecay))
    // A curve of some hundred points is enough, however many epochs there are.
    let every = max(1, epochs / 200)
    return try trainer.fit(
      &model, samples: samples, loss: loss, validation: validation,
      progress: { record in
        try context.checkCancellation()
        guard record.epoch % every == every - 1 || record.epoch == epochs - 1 else { return true }
        try context.record("\(name): training loss", step: record.epoch, value: Double(record.trainingLoss))
        if let loss = record.validationLoss {
          try context.record("\(name): validation loss", step: record.epoch, value: Double(loss))
        }
        let done = Double(record.epoch + 1) / Double(epochs)
        try context.progress(
          part.lowerBound + done * (part.upperBound - part.lowerBound),
          "training \(name), epoch \(record.epoch + 1) of \(epochs)")
        return true
      })
  }
}

extension RunContext {
  /// Trains a layer, and tells its losses and the run's progress.
  ///
  /// - Parameters:
  ///   - samples: how many there are; a batch names some of 0..<samples.
  ///   - part: of the run's progress that training is.
  ///   - validation: a number that is better the smaller it is, after each epoch.
  /// - Returns: a record of each epoch, those before a continuation included.
  /// - Throws: `RunCancelled`; `NetworkError.lossNotFinite` when training diverges.
  @discardableResult public func fit<Model: Layer>(
    _ fit: Fit, _ model: inout Model, samples: Int, progress part: ClosedRange<Double>,
    loss: (inout Model, Tensor<Int32>, inout ForwardContext) throws -> Tensor<Float>,
    validation: ((inout Model) throws -> Float)? = nil
  ) throws -> [EpochRecord] {
    try fit.run(&model, samples: samples, in: self, progress: part, loss: loss, validation: validation)
  }
}

extension Report {
  /// Adds the losses of trainings, of which some hundred means are drawn; one begins where the one before it ended.
  public mutating func losses(_ title: String, _ trainings: [(name: String, records: [EpochRecord])]) {
    var series: [Chart.Series] = []
    var before = 0
    for (name, records) in trainings {
      let width = max(1, records.count / 200)
      let starts = Array(stride(from: 0, to: records.count - width + 1, by: width))
      func curve(_ name: String, _ value: (EpochRecord) -> Float?) {
        let means = starts.map { start in
          let values = records[start..<start + width].compactMap { value($0).map(Double.init) }
          return values.isEmpty ? Double.nan : values.reduce(0, +) / Double(values.count)
        }
        guard means.contains(where: \.isFinite) else { return }
        series.append(Chart.Series(name, .line, x: starts.map { Double(before + $0 + width) }, y: means))
      }
      curve(name) { $0.trainingLoss }
      curve(name.isEmpty ? "validation" : "\(name), validation") { $0.validationLoss }
      before += records.count
    }
    charts.append(Chart(title, x: Chart.Axis("epoch"), y: Chart.Axis("loss", logarithmic: true), series))
  }
}
