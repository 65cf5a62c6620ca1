import Chips
import Circuits
import Dynamics
import Foundation
import Networks
import Reports
import Runs
import Settings
import Substrates
import Tensors

/// Training, forecasts, assimilation and comparison on one flow.
package struct KoopmanStudy {
  let c: KoopmanConfiguration
  let context: RunContext

  package init(_ c: KoopmanConfiguration, _ context: RunContext) { (self.c, self.context) = (c, context) }

  /// All that follows from the records and needs no substrate.
  package struct Trained {
    package var records: FlowRecords
    package var first: KoopmanModel, second: KoopmanModel
    package var losses: [(first: Bool, epoch: Int, loss: Double)]
  }

  private var data: String { "synthetic records of the true model" }

  package func trained(progress: (Double) throws -> Void) throws -> Trained {
    let records = try FlowRecords(c.data, random: context.random.split("records")) { _ in try progress(0) }
    let found = try KoopmanTrainer(records, c.training, context).trained(c.network, name: "koopman", progress: progress)
    return Trained(records: records, first: found.first, second: found.second, losses: found.losses)
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
    let trained = try trained { try context.progress(0.45 * $0, "training") }
    let (records, model) = (trained.records, trained.second)
    report.figure("parameters", Double(try model.network.parameterCount()), how: .simulated)
    try comparison(trained, &report)
    try uncertainty(trained, &report)
    try KoopmanArrays(self, trained).report(into: &report)
    report.charts.append(Self.lossChart(trained.losses, c.training))
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

  /// One table with everything that forecasts or estimates.
  private func comparison(_ trained: Trained, _ report: inout Report) throws {
    let (records, model) = (trained.records, trained.second)
    let leads = c.leads.sorted()
    var rows: [[String]] = []
    var curves: [Chart.Series] = []
    func add(_ name: String, _ scores: ForecastScores?, filter: Double?) {
      rows.append(
        [name] + leads.map { scores?.errors[$0].map(Quantity.text) ?? "–" } + [filter.map(Quantity.text) ?? "–"])
      guard let scores else { return }
      curves.append(
        Chart.Series(name, .lineWithPoints, x: leads.map(Double.init), y: leads.map { scores.errors[$0] ?? .nan }))
    }
    func forecaster(_ model: KoopmanModel) throws -> KoopmanForecaster {
      var forward = ForwardContext(random: context.random.split("forecast"))
      return try KoopmanForecaster(
        PlacedKoopman(model.network, on: Digital(), in: &forward), records, context: forward)
    }
    let found = try estimates(model, records)
    let error = try error(found, records)
    var koopman = try forecaster(model)
    let scores = try ForecastScores(&koopman, records, leads: leads)
    add("Koopman network, both stages", scores, filter: error)
    var early = try forecaster(trained.first)
    let before = try self.error(estimates(trained.first, records), records)
    add("Koopman network, first stage", try ForecastScores(&early, records, leads: leads), filter: before)
    let latent = try ForecastScores(records, leads: leads) { try koopman.rollOut($0, steps: $1) }
    add("Koopman network, latent roll-out", latent, filter: nil)
    if c.baselines.linearKoopman, model.network.weight != nil {
      var shape = c.network
      shape.coefficientWidths = []
      let linear = try KoopmanTrainer(records, c.training, context).trained(shape, name: "linear") {
        try context.progress(0.45 + 0.15 * $0, "linear Koopman autoencoder")
      }.second
      var forecaster = try forecaster(linear)
      add(
        "linear Koopman autoencoder", try ForecastScores(&forecaster, records, leads: leads),
        filter: try self.error(estimates(linear, records), records))
    }
    let rival = try rival(records, leads)
    add(rival.name, rival.scores, filter: nil)
    var persistence = Persistence()
    add("persistence", try ForecastScores(&persistence, records, leads: leads), filter: nil)
    let climatology = try climatology(records)
    add("climatology (mean of the training records)", climatology.scores(leads), filter: climatology.hidden)
    let u = try SplitRecords(records.noisy.slice(records.test), records).observed
    let interpolated = try SplitRecords(Interpolation.fields(u, records), records).hidden
    let interpolation = try self.error(Estimates(hidden: interpolated, offset: 0), records)
    add(
      c.data.flow.isSquare ? "bilinear interpolation of what is observed" : "cubic spline through what is observed",
      nil,
      filter: interpolation)
    let regression = try Interpolation.regression(records)
    add(
      "linear regression on what is observed", nil,
      filter: try self.error(Estimates(hidden: regression(u), offset: 0), records))
    var ensemble: Tensor<Float>?
    if c.baselines.ensemble.members > 0 {
      let means = try c.baselines.ensemble.means(records, random: context.random.split("ensemble")) {
        try context.progress(0.75 + 0.1 * $0, "ensemble with the true model")
      }
      let hidden = try SplitRecords(means, records).hidden
      ensemble = hidden
      add(
        "ensemble Kalman filter, true model, \(c.baselines.ensemble.members) members, \(hidden.shape[0]) records", nil,
        filter: try self.error(Estimates(hidden: hidden, offset: 0), records))
    }
    report.table(
      "Mean square errors, \(data)",
      columns: [""] + leads.map { "\($0) step\($0 > 1 ? "s" : "")" } + ["filter, hidden part"], rows: rows)
    let longest = leads.last ?? 1
    func figure(_ name: String, _ value: Double, _ unit: String = "") {
      report.figure(name, value, unit: unit, how: .simulated, data: data)
    }
    for lead in leads { figure("forecast error, \(lead) step\(lead > 1 ? "s" : "")", scores.errors[lead] ?? .nan) }
    figure("filter's error, first stage", before)
    figure("filter's error", error)
    figure("filter's error over climatology's", error / climatology.hidden)
    figure("filter's error over interpolation's", error / interpolation)
    figure(
      "longest forecast's error over that of \(c.data.flow.isSquare ? "a convolutional network" : "a Fourier operator")",
      (scores.errors[longest] ?? .nan) / (rival.scores.errors[longest] ?? .nan))
    report.charts.append(
      Chart(
        "Forecast error, \(data)", x: Chart.Axis("steps"), y: Chart.Axis("mean square error", logarithmic: true), curves
      ))
    try pictures(found, interpolated, ensemble, records, &report)
  }

  /// The network without structure that forecasts are held against.
  private func rival(_ records: FlowRecords, _ leads: [Int]) throws -> (name: String, scores: ForecastScores) {
    var stream = context.random.split("rival")
    let b = c.baselines
    let pairs = records.data.trainingRecords - 1
    func trained<Model: Layer>(_ start: Model, _ name: String) throws -> (String, ForecastScores) {
      var model = start
      try fitted(
        &model, samples: pairs, epochs: b.epochs, batch: b.batch, rate: c.training.learningRate, name: "rival", context
      ) { model, batch, forward in
        let next = try Tensor(batch.elements.map { $0 + 1 })
        return try meanSquaredError(
          model.forward(records.noisy.selecting(batch), in: &forward), records.noisy.selecting(next))
      } progress: { record in
        try context.record("rival: loss", step: record.epoch, value: Double(record.trainingLoss))
        try context.progress(0.6 + 0.15 * Double(record.epoch + 1) / Double(b.epochs), name)
      }
      var forecaster = LayerForecaster(model: model)
      let count = try model.parameterCount()
      return ("\(name), \(count) parameters", try ForecastScores(&forecaster, records, leads: leads))
    }
    if c.data.flow.isSquare {
      return try trained(
        Sequential.convolutionForecaster(points: c.data.points, channels: b.channels, using: &stream),
        "convolutional network")
    }
    return try trained(
      FourierOperator(points: c.data.points, modes: b.fourierModes, width: b.fourierWidth, using: &stream),
      "Fourier neural operator")
  }

  private func climatology(_ records: FlowRecords) throws -> (scores: ([Int]) -> ForecastScores, hidden: Double) {
    // Normalised records have the mean 0 where they were trained on.
    let truth = try records.clean.slice(records.test)
    let hidden = Double(try SplitRecords(truth, records).hidden.squared().mean().item())
    let all = Double(try truth.squared().mean().item())
    return ({ leads in ForecastScores(constant: all, leads: leads) }, hidden)
  }

  /// A network from what is observed to the size of the filter's error, and how much of the data its bands cover.
  private func uncertainty(_ trained: Trained, _ report: inout Report) throws {
    guard c.uncertaintyEpochs > 0 else { return }
    let (records, model) = (trained.records, trained.second)
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
    try fitted(
      &network, samples: u.shape[0], epochs: c.uncertaintyEpochs, batch: min(500, u.shape[0]), rate: 1e-3,
      name: "uncertainty", context
    ) { model, batch, forward in
      try meanSquaredError(model.forward(u.selecting(batch), in: &forward), size.selecting(batch))
    } progress: { record in
      try context.progress(0.85 + 0.03 * Double(record.epoch + 1) / Double(c.uncertaintyEpochs), "bands of uncertainty")
    }
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
    let point = estimate.shape[1] / 2
    let shown = min(150, estimate.shape[0])
    func course(_ x: Tensor<Float>) throws -> [Double] {
      try x.slice(0..<shown).at(point, axis: 1).elements.map(Double.init)
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

  private static func lossChart(_ losses: [(first: Bool, epoch: Int, loss: Double)], _ training: KoopmanTraining)
    -> Chart
  {
    func series(_ name: String, _ first: Bool) -> Chart.Series {
      let part = losses.filter { $0.first == first }
      return Chart.Series(
        name, .line, x: part.map { Double($0.epoch + 1 + (first ? 0 : training.epochs)) }, y: part.map(\.loss))
    }
    return Chart(
      "Training loss, sum of all parts", x: Chart.Axis("epoch"), y: Chart.Axis("loss", logarithmic: true),
      [series("first stage", true), series("second stage, with the filter's error", false)])
  }
}

extension ForecastScores {
  /// The same error for every number of steps.
  init(constant: Double, leads: [Int]) {
    errors = Dictionary(uniqueKeysWithValues: Set(leads).map { ($0, constant) })
  }
}
