import Dynamics
import Networks
import Reports
import Runs
import Settings
import Studies
import Substrates
import Tensors

/// Everything that forecasts or estimates, in one table.
struct KoopmanComparison {
  private let study: KoopmanStudy
  private let trained: KoopmanStudy.Trained
  private let c: KoopmanConfiguration
  private let context: RunContext
  private let records: FlowRecords
  private let leads: [Int]
  private var table: ComparisonTable
  private var curves: [Chart.Series] = []

  init(_ study: KoopmanStudy, _ trained: KoopmanStudy.Trained) {
    (self.study, self.trained, c, context, records) = (study, trained, study.c, study.context, trained.records)
    leads = c.leads.sorted()
    table = ComparisonTable([""] + leads.map { "\($0) step\($0 > 1 ? "s" : "")" } + ["filter, hidden part"])
  }

  private mutating func add(_ name: String, _ scores: ForecastScores?, filter: Double?) {
    table.add(name, leads.map { .init(scores?.errors[$0]) } + [.init(filter)])
    guard let scores else { return }
    curves.append(
      Chart.Series(name, .lineWithPoints, x: leads.map(Double.init), y: leads.map { scores.errors[$0] ?? .nan }))
  }

  func report(into report: inout Report) throws {
    var copy = self
    try copy.compare(&report)
  }

  private mutating func compare(_ report: inout Report) throws {
    let model = trained.networks.second
    let found = try study.estimates(model, records)
    let error = try study.error(found, records)
    let (scores, before) = try networks(error)
    let rival = try rival()
    add(rival.name, rival.scores, filter: nil)
    let others = try baselines()
    report.table("Mean square errors, \(study.data)", table)
    let longest = leads.last ?? 1
    func figures(_ values: KeyValuePairs<String, Double>) {
      report.figures(values, how: .simulated, data: study.data)
    }
    for lead in leads { figures(["forecast error, \(lead) step\(lead > 1 ? "s" : "")": scores.errors[lead] ?? .nan]) }
    figures([
      "filter's error, first stage": before, "filter's error": error,
      "filter's error over climatology's": error / others.climatology,
      "filter's error over interpolation's": error / others.interpolation,
      "longest forecast's error over that of \(c.data.flow.isSquare ? "a convolutional network" : "a Fourier operator")":
        (scores.errors[longest] ?? .nan) / (rival.scores.errors[longest] ?? .nan),
    ])
    report.charts.append(
      Chart(
        "Forecast error, \(study.data)", x: Chart.Axis("steps"),
        y: Chart.Axis("mean square error", logarithmic: true), curves))
    try study.pictures(found, others.interpolated, others.ensemble, records, &report)
  }

  /// The network after each stage, rolled out in latent space, and with constant coefficients.
  private mutating func networks(_ error: Double) throws -> (scores: ForecastScores, firstStage: Double) {
    let (first, second) = (trained.networks.first, trained.networks.second)
    var koopman = try forecaster(second)
    let scores = try ForecastScores(&koopman, records, leads: leads)
    add("Koopman network, both stages", scores, filter: error)
    let before = try study.error(study.estimates(first, records), records)
    add("Koopman network, first stage", try self.scores(first), filter: before)
    let latent = try ForecastScores(records, leads: leads) { try koopman.rollOut($0, steps: $1) }
    add("Koopman network, latent roll-out", latent, filter: nil)
    if c.baselines.linearKoopman, second.network.weight != nil {
      var shape = c.network
      shape.coefficientWidths = []
      let linear = try KoopmanTrainer(records, c.training, context).trained(
        shape, name: "linear", progress: 0.45...0.6
      ).second
      add(
        "linear Koopman autoencoder", try self.scores(linear),
        filter: try study.error(study.estimates(linear, records), records))
    }
    return (scores, before)
  }

  private func forecaster(_ model: KoopmanModel) throws -> KoopmanForecaster {
    var forward = ForwardContext(random: context.random.split("forecast"))
    return try KoopmanForecaster(
      PlacedKoopman(model.network, on: Digital(), in: &forward), records, context: forward)
  }

  private func scores(_ model: KoopmanModel) throws -> ForecastScores {
    var forecaster = try forecaster(model)
    return try ForecastScores(&forecaster, records, leads: leads)
  }

  /// What needs no training, or the true model.
  private mutating func baselines() throws -> (
    climatology: Double, interpolation: Double, interpolated: Tensor<Float>, ensemble: Tensor<Float>?
  ) {
    var persistence = Persistence()
    add("persistence", try ForecastScores(&persistence, records, leads: leads), filter: nil)
    // Normalised records have the mean 0 where networks are trained.
    let truth = try records.clean.slice(records.test)
    let climatology = Double(try SplitRecords(truth, records).hidden.squared().mean().item())
    let all = ForecastScores(constant: Double(try truth.squared().mean().item()), leads: leads)
    add("climatology (mean of the training records)", all, filter: climatology)
    let u = try SplitRecords(records.noisy.slice(records.test), records).observed
    func error(_ hidden: Tensor<Float>) throws -> Double {
      try study.error(KoopmanStudy.Estimates(hidden: hidden, offset: 0), records)
    }
    let interpolated = try SplitRecords(Interpolation.fields(u, records), records).hidden
    let interpolation = try error(interpolated)
    let isSquare = c.data.flow.isSquare
    add(
      isSquare ? "bilinear interpolation of what is observed" : "cubic spline through what is observed", nil,
      filter: interpolation)
    add("linear regression on what is observed", nil, filter: try error(Interpolation.regression(records)(u)))
    var ensemble: Tensor<Float>?
    if c.baselines.ensemble.members > 0 {
      let means = try c.baselines.ensemble.means(records, random: context.random.split("ensemble")) {
        try context.progress(0.75 + 0.1 * $0, "ensemble with the true model")
      }
      let hidden = try SplitRecords(means, records).hidden
      ensemble = hidden
      add(
        "ensemble Kalman filter, true model, \(c.baselines.ensemble.members) members, \(hidden.shape[0]) records", nil,
        filter: try error(hidden))
    }
    return (climatology, interpolation, interpolated, ensemble)
  }

  /// The network without structure that forecasts are held against.
  private func rival() throws -> (name: String, scores: ForecastScores) {
    var stream = context.random.split("rival")
    let b = c.baselines
    func trained<Model: Layer>(_ start: Model, _ name: String) throws -> (String, ForecastScores) {
      var model = start
      let fit = Fit("rival", rate: c.training.learningRate, batch: b.batch, epochs: b.epochs)
      try context.fit(fit, &model, samples: records.data.trainingRecords - 1, progress: 0.6...0.75) {
        let next = try Tensor($1.elements.map { $0 + 1 })
        return try meanSquaredError(
          $0.forward(records.noisy.selecting($1), in: &$2), records.noisy.selecting(next))
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
}

extension ForecastScores {
  /// The same error for every number of steps.
  init(constant: Double, leads: [Int]) {
    errors = Dictionary(uniqueKeysWithValues: Set(leads).map { ($0, constant) })
  }
}
