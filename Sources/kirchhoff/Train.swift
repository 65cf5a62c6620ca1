import ArgumentParser
import Foundation
import Networks
import Tensors

/// Trains a small network on points it makes itself, and writes a report: shows that an installation works.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains a 2-layer network on two interleaved spirals that it makes itself, in exact arithmetic.",
    discussion: """
      Writes into the output folder: report.html, report.json, model.safetensors (PyTorch and NumPy can read it) and
      checkpoint.safetensors. A run that was stopped, even killed, continues from its checkpoint and ends with the same
      model. Progress goes to standard error.
      """)

  @Option(help: "Folder for the report and the model; made if missing.")
  var output = "out"

  @Option(help: "Passes over the points, 1 or more.")
  var epochs = 150

  @Option(help: "Seed of points, first weights and order.")
  var seed: UInt64 = 1

  @Option(help: "Points in each set, 100 to 1,000,000.")
  var points = 2000

  @Option(help: "Learning rate of Adam, above 0.")
  var learningRate: Float = 0.01

  @Option(help: "Threads, 1 or more; all cores by default.")
  var threads: Int?

  func validate() throws {
    func require(_ holds: Bool, _ name: String, _ found: Any, _ expected: String) throws {
      if !holds { throw ValidationError("--\(name) is \(found), expected \(expected)") }
    }
    try require(epochs >= 1, "epochs", epochs, "1 or more")
    try require((100...1_000_000).contains(points), "points", points, "100 to 1,000,000")
    try require(learningRate > 0 && learningRate.isFinite, "learning-rate", learningRate, "a number above 0")
    try require((threads ?? 1) >= 1, "threads", threads ?? 0, "1 or more")
  }

  func run() throws {
    do {
      try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
    } catch {
      throw ValidationError("--output is \(output), which cannot be made a folder: choose another path")
    }
    try Parallelism.withThreads(threads ?? Parallelism.threads) { try train() }
  }

  private func train() throws {
    let start = Date()
    let random = RandomStream(seed: seed)
    let training = try Spirals(points, random.split("training"))
    let test = try Spirals(points, random.split("test"))
    var weights = random.split("weights")
    var model = Sequential(
      try Dense(2, 64, activation: .tanh, using: &weights), try Dense(64, 64, activation: .tanh, using: &weights),
      try Dense(64, 2, using: &weights))
    var settings = TrainingSettings()
    settings.epochs = epochs
    settings.seed = seed
    settings.checkpoint = "\(output)/checkpoint.safetensors"
    settings.checkpointEvery = 50
    var trainer = Trainer(settings, optimiser: Adam(learningRate: learningRate))
    let history = try trainer.fit(
      &model, samples: points,
      loss: { model, batch, context in
        try crossEntropy(
          model.forward(training.points.selecting(batch), in: &context), training.labels.selecting(batch))
      },
      validation: { try crossEntropy($0(test.points), test.labels).item() },
      progress: { record in
        if record.epoch % 10 == 9 {
          let text =
            "epoch \(record.epoch + 1): training loss \(record.trainingLoss), test loss \(record.validationLoss ?? .nan)\n"
          FileHandle.standardError.write(Data(text.utf8))
        }
        return true
      })
    let state = try Dictionary(uniqueKeysWithValues: model.state().map { ($0.name, StoredTensor.float($0.tensor)) })
    try Safetensors.write(state, to: "\(output)/model.safetensors")
    let report = TrainingReport(
      seed: seed, points: points, learningRate: learningRate, threads: Parallelism.threads,
      parameters: try model.parameterCount(), trainingAccuracy: try accuracy(model(training.points), training.labels),
      testAccuracy: try accuracy(model(test.points), test.labels), seconds: Date().timeIntervalSince(start),
      history: history)
    try report.write(to: output)
    print("test accuracy \(report.testAccuracy) on synthetic spirals; report: \(output)/report.html")
  }
}

/// Two spirals of points around each other, with a little noise; the label says which.
private struct Spirals {
  var points: Tensor<Float>, labels: Tensor<Int32>

  init(_ count: Int, _ stream: RandomStream) throws {
    var random = stream
    let angle: Tensor<Float> = try random.uniform([count], in: 0.5...9.5)
    labels = try Tensor((0..<count).map { Int32($0 % 2) })
    let turned: Tensor<Float> = try angle + labels.converted() * Float.pi
    let radius = try angle * 0.1
    points =
      try Tensor.stack([radius * cos(turned), radius * sin(turned)], axis: 1)
      + random.normal([count, 2], standardDeviation: 0.015)
  }
}
