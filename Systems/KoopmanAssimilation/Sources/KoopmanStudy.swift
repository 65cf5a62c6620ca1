import Chips
import Circuits
import Dynamics
import Foundation
import Networks
import Reports
import Runs
import Settings
import Studies
import Substrates
import Tensors

/// Training, forecasts, assimilation and comparison on one flow.
package struct KoopmanStudy {
  let c: KoopmanConfiguration
  let context: RunContext

  package init(_ c: KoopmanConfiguration, _ context: RunContext) { (self.c, self.context) = (c, context) }

  /// Records and the networks that learned them, which need no substrate.
  package struct Trained {
    package var records: FlowRecords
    package var networks: KoopmanTrainer.Result
  }

  var data: String { "synthetic records of the true model" }

  package func trained(progress part: ClosedRange<Double>) throws -> Trained {
    let records = try FlowRecords(c.data, random: context.random.split("records")) { _ in
      try context.progress(part.lowerBound, "records of the true model")
    }
    return Trained(
      records: records,
      networks: try KoopmanTrainer(records, c.training, context).trained(c.network, name: "koopman", progress: part))
  }

  /// Estimates of the hidden part at test records, and which record is the first of them.
  package struct Estimates {
    package var hidden: Tensor<Float>
    package var offset: Int
    /// What the substrate did in the filter, for all records.
    package var activity = Activity()
  }

  /// Follows test records, or training records where `range` is given, with the filter of a model.
  ///
  /// - Parameters:
  ///   - products: carries out the latent products; the settled filter where coefficients are constants.
  ///   - layers: carries out decoder and features.
  package func estimates(
    _ model: KoopmanModel, _ records: FlowRecords, range: Range<Int>? = nil, gains: [Tensor<Float>]? = nil,
    on products: any Substrate = Digital(), layers: any Substrate = Digital(),
    random: RandomStream = RandomStream(seed: 0)
  ) throws -> Estimates {
    let range = range ?? records.test
    let u = try SplitRecords(records.noisy.slice(range), records).observed
    var forward = ForwardContext(random: random)
    let filter = KoopmanFilter(model: model)
    var placed = try PlacedKoopman(model.network, on: products, layers: layers, in: &forward)
    let typical = try typical(records)
    try placed.calibrate(observed: typical.observed, hidden: typical.hidden, in: &forward)
    let means: Tensor<Float>
    if model.network.weight == nil {
      let steady = try settled(model, records, on: products, in: &forward)
      forward.activity = Activity()
      means = try KoopmanFilter.means(u, steady: steady, in: &forward)
    } else {
      let gains = try gains ?? filter.gains(u)
      forward.activity = Activity()
      means = try filter.means(u, on: placed, gains: gains, in: &forward)
    }
    var hidden: [Tensor<Float>] = []
    for start in stride(from: 0, to: means.shape[0], by: 500) {
      hidden.append(try placed.decode(means.slice(start..<min(means.shape[0], start + 500)), in: &forward))
    }
    return Estimates(
      hidden: try .concatenate(hidden), offset: u.shape[0] - means.shape[0], activity: forward.activity)
  }

  /// Training records that converters' ranges are set from.
  func typical(_ records: FlowRecords) throws -> SplitRecords {
    try SplitRecords(records.noisy.slice(0..<min(400, records.data.trainingRecords)), records)
  }

  /// The settled filter of constant coefficients on a substrate, calibrated with codes of training records.
  func settled(
    _ model: KoopmanModel, _ records: FlowRecords, on substrate: any Substrate, in context: inout ForwardContext
  ) throws -> any WritableMatrix {
    var product = try substrate.matrix(KoopmanFilter.steadyMatrix(KoopmanFilter(model: model).steady()), in: &context)
    let some = try typical(records)
    let codes = try model.network.encoder(some.hidden)
    try product.calibrate(
      Tensor.concatenate([codes, some.observed, .ones([codes.shape[0], 1])], axis: 1), from: .rows, in: &context)
    return product
  }

  /// Mean square error of estimates of the hidden part against the clean truth, after the filter has settled.
  package func error(_ estimates: Estimates, _ records: FlowRecords) throws -> Double {
    let count = estimates.hidden.shape[0]
    let skipped = max(0, c.settlingRecords - estimates.offset)
    let first = records.test.lowerBound + estimates.offset
    let truth = try SplitRecords(records.clean.slice(first + skipped..<first + count), records).hidden
    return Double(try (estimates.hidden.slice(skipped..<count) - truth).squared().mean().item())
  }

  func report(_ card: Card) throws -> Report {
    var report = Report(card)
    let trained = try trained(progress: 0...0.45)
    let (records, model) = (trained.records, trained.networks.second)
    report.figure("parameters", Double(try model.network.parameterCount()), how: .simulated)
    try KoopmanComparison(self, trained).report(into: &report)
    try uncertainty(model, records, &report)
    try KoopmanArrays(self, model, records).report(into: &report)
    report.losses("Training loss, sum of all parts", trained.networks.losses)
    report.note(
      "Errors are mean squares in normalised units, against the truth without the noise that networks and filters get "
        + "(\(Quantity.text(try records.noiseVariance())) in these units). Forecasts start from noisy records; after each "
        + "step the field is encoded anew unless a line says otherwise.")
    report.note(
      c.data.flow.isSquare
        ? "What is estimated is the whole field, observed points included."
        : "What is estimated are the points that are not observed.")
    report.note(
      "The paper's tables were not available to us: there are no published numbers to recompute, and no published factors of "
        + "speed or energy. Bounds of claims are the specification's reading of the abstract.")
    try context.progress(1, "done")
    return report
  }

  /// A network from what is observed to the size of the filter's error, and how much of the data its bands cover.
  private func uncertainty(_ model: KoopmanModel, _ records: FlowRecords, _ report: inout Report) throws {
    guard c.uncertaintyEpochs > 0 else { return }
    let network = try errorNetwork(model, records)
    let test = try estimates(model, records)
    let seen = try SplitRecords(records.noisy.slice(records.test), records)
    let begin = max(c.settlingRecords, test.offset)
    let estimate = try test.hidden.slice(begin - test.offset..<test.hidden.shape[0])
    // The mean magnitude of a normal number is √(2/π) of its deviation.
    let deviation =
      try network(seen.observed.slice(begin..<records.data.testRecords)).clamped(to: 0...Float.greatestFiniteMagnitude)
      * Float((Double.pi / 2).squareRoot())
    let target = try seen.hidden.slice(begin..<records.data.testRecords)
    let inside = try (estimate - target).magnitude() .<= (deviation * 2)
    report.figure(
      "part of the noisy data inside the band of two deviations", Double(try inside.mean().item()), unit: "fraction",
      how: .simulated, data: data)
    let shown = min(150, estimate.shape[0])
    func course(_ x: Tensor<Float>) throws -> [Double] {
      try x.slice(0..<shown).at(estimate.shape[1] / 2, axis: 1).elements.map(Double.init)
    }
    let (mean, width) = (try course(estimate), try course(deviation))
    let truth = try SplitRecords(records.clean.slice(records.test), records).hidden.slice(
      begin..<records.data.testRecords)
    let x = (0..<shown).map { Double(begin + $0) }
    report.charts.append(
      Chart(
        "One point that is not observed, \(data)", x: Chart.Axis("test record"), y: Chart.Axis("normalised field"),
        [
          Chart.Series(
            "filter, two deviations", .band, x: x, y: mean, lower: zip(mean, width).map { $0 - 2 * $1 },
            upper: zip(mean, width).map { $0 + 2 * $1 }),
          Chart.Series("truth", .line, x: x, y: try course(truth)),
        ]))
  }

  /// Learns the size of the filter's error on training records from what is observed.
  private func errorNetwork(_ model: KoopmanModel, _ records: FlowRecords) throws -> Sequential {
    let training = 0..<records.data.trainingRecords
    let found = try estimates(model, records, range: training)
    let skipped = max(0, c.settlingRecords - found.offset)
    let first = found.offset + skipped
    let parts = try SplitRecords(records.noisy.slice(training), records)
    let u = try parts.observed.slice(first..<training.upperBound)
    let size = try
      (found.hidden.slice(skipped..<found.hidden.shape[0]) - parts.hidden.slice(first..<training.upperBound))
      .magnitude()
    var stream = context.random.split("uncertainty")
    let widths = c.data.flow.isSquare ? Array(repeating: 100, count: 6) : [16, 32, 32, 16]
    var network = try Sequential.perceptron([u.shape[1]] + widths + [size.shape[1]], using: &stream)
    let fit = Fit("uncertainty", rate: 1e-3, batch: 500, epochs: c.uncertaintyEpochs)
    try context.fit(fit, &network, samples: u.shape[0], progress: 0.85...0.88) { model, batch, forward in
      try meanSquaredError(model.forward(u.selecting(batch), in: &forward), size.selecting(batch))
    }
    return network
  }
}
