import Foundation
import Networks
import Reports
import Runs
import Settings
import Studies
import Tensors

/// A small network on points it makes itself: shows that an installation works, and how a run looks.
public enum Spirals: System {
  public struct Configuration: Codable, Sendable {
    /// Passes over the points.
    public var epochs = 150
    /// Points in each set.
    public var points = 2000
    /// Of Adam.
    public var learningRate: Float = 0.01
    public init() {}
  }

  public static let card = Card(
    name: "spirals", title: "Two spirals", source: "none: a demonstration on data made by this program",
    summary: """
      A network 2-64-64-2 (tanh) learns to tell two interleaved spirals apart, trained with Adam in exact \
      single-precision arithmetic. A run that was stopped, even killed, continues from the checkpoint in its output folder.
      """,
    usesSubstrate: false)

  public static func configuration(_ scale: Scale) -> Configuration {
    var c = Configuration()
    if scale == .smallest { (c.epochs, c.points) = (5, 400) }
    if scale == .paper { c.points = 10_000 }
    return c
  }

  public static let ranges: SettingRanges = [
    "epochs": .within(1...1e9), "points": .within(100...1e6), "learningRate": .above(0),
  ]

  public static func run(_ c: Configuration, in context: RunContext) throws -> Report {
    let random = context.random
    let training = try Points(c.points, random.split("training"))
    let test = try Points(c.points, random.split("test"))
    var weights = random.split("weights")
    var model = Sequential(
      try Dense(2, 64, activation: .tanh, using: &weights), try Dense(64, 64, activation: .tanh, using: &weights),
      try Dense(64, 2, using: &weights))
    var fit = Fit("spirals", rate: c.learningRate, batch: 64, epochs: c.epochs)
    (fit.falls, fit.checkpointEvery) = (false, 50)
    let history = try context.fit(
      fit, &model, samples: c.points, progress: 0...1,
      loss: { model, batch, context in
        try crossEntropy(
          model.forward(training.points.selecting(batch), in: &context), training.labels.selecting(batch))
      },
      validation: { try crossEntropy($0(test.points), test.labels).item() })
    if let folder = context.folder {
      let state = try Dictionary(uniqueKeysWithValues: model.state().map { ($0.name, StoredTensor.float($0.tensor)) })
      try Safetensors.write(state, to: "\(folder)/model.safetensors")
    }
    var report = Report(card)
    let data = "synthetic spirals"
    for (name, set) in [("test accuracy", test), ("training accuracy", training)] {
      report.figure(
        name, try accuracy(model(set.points), set.labels), unit: "fraction", how: .simulated, data: data)
    }
    report.figure("parameters", Double(try model.parameterCount()), how: .simulated)
    report.losses("Losses on synthetic spirals", [("training", history)])
    report.note("The data are synthetic: two spirals with a little noise.")
    return report
  }
}

/// Two spirals of points around each other, with a little noise; the label says which.
private struct Points {
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
