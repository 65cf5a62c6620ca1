import Reports
import Settings

/// Settings of the conditional-Gaussian Koopman network, whatever the flow.
public struct KoopmanConfiguration: Codable, Sendable {
  public var data = FlowData()
  public var network = KoopmanShape()
  public var training = KoopmanTraining()
  /// Networks and filters to compare with.
  public var baselines = Baselines()
  /// Passes over the training records for the network that gives bands of uncertainty; 0 for none.
  public var uncertaintyEpochs = 100
  /// Numbers of steps after which forecasts are judged.
  public var leads = [1, 2, 5, 10, 20]
  /// Records at the start of a filter's run that do not count.
  public var settlingRecords = 20
  /// Test records that filters on arrays follow in comparisons.
  public var arrayRecords = 300

  public struct Baselines: Codable, Sendable {
    /// Whether the same network with constant coefficients, a linear Koopman autoencoder, is trained too.
    public var linearKoopman = true
    /// Modes and width of the Fourier neural operator, for lines.
    public var fourierModes = 12
    public var fourierWidth = 44
    /// Channels of the convolutional network, for the square.
    public var channels = 64
    /// Passes of either over the training records, and pairs in a batch.
    public var epochs = 60
    public var batch = 200
    public var ensemble = EnsembleBaseline()
    public init() {}
  }

  public init() {}

  func validate() throws {
    func require(_ holds: Bool, _ key: String, _ found: Any, _ expected: String) throws {
      if !holds { throw ConfigurationError.invalidValue(key: key, found: "\(found)", expected: expected) }
    }
    func within(_ value: Int, _ bounds: ClosedRange<Int>, _ key: String) throws {
      try require(bounds.contains(value), key, value, "\(bounds.lowerBound) to \(bounds.upperBound)")
    }
    func positive(_ value: Double, _ key: String) throws {
      try require(value > 0 && value.isFinite, key, value, "above 0, finite")
    }
    let d = data
    try within(d.points, 8...1024, "data.points")
    try require(
      d.points % (d.flow.isSquare ? 4 : 2) == 0, "data.points", d.points, "a multiple of \(d.flow.isSquare ? 4 : 2)")
    try within(d.refinement, 1...64, "data.refinement")
    try require(
      (2...d.points / 2).contains(d.observedEvery) && d.points % d.observedEvery == 0, "data.observedEvery",
      d.observedEvery, "a divisor of data.points (\(d.points)), 2 or more, so that two points or more are observed")
    try positive(d.step, "data.step")
    try within(d.stepsPerRecord, 1...1_000_000, "data.stepsPerRecord")
    try within(d.spinUpRecords, 0...1_000_000, "data.spinUpRecords")
    try within(d.trainingRecords, 100...10_000_000, "data.trainingRecords")
    let longest = leads.max() ?? 0
    try require(
      !leads.isEmpty && leads.allSatisfy { $0 >= 1 }, "leads", leads, "one number of steps or more, each 1 or more")
    try require(
      d.testRecords > longest && d.testRecords > settlingRecords + 1, "data.testRecords", d.testRecords,
      "more than the longest of leads (\(longest)) and settlingRecords + 1 (\(settlingRecords + 1))")
    try require(d.viscosity >= 0 && d.viscosity.isFinite, "data.viscosity", d.viscosity, "0 or more")
    try require(d.randomForcing >= 0 && d.randomForcing.isFinite, "data.randomForcing", d.randomForcing, "0 or more")
    try positive(d.noise, "data.noise")
    let n = network
    try within(n.latent, 1...1024, "network.latent")
    try require(
      n.channels.isEmpty ? !d.flow.isSquare : d.flow.isSquare && n.channels.count == 7, "network.channels", n.channels,
      d.flow.isSquare ? "seven numbers on the square" : "none on a line")
    for width in n.widths + n.channels + n.coefficientWidths { try within(width, 1...8192, "network") }
    let t = training
    try require(t.learningRate > 0 && t.learningRate < 1, "training.learningRate", t.learningRate, "above 0, below 1")
    try within(t.batch, 1...1_000_000, "training.batch")
    try within(t.epochs, 1...1_000_000, "training.epochs")
    try within(t.filterEpochs, 0...1_000_000, "training.filterEpochs")
    try within(t.windows, 1...10_000, "training.windows")
    try require(
      (2..<d.trainingRecords).contains(t.windowLength), "training.windowLength", t.windowLength,
      "2 to data.trainingRecords − 1 (\(d.trainingRecords - 1))")
    try require(
      (1..<t.windowLength).contains(t.burnIn), "training.burnIn", t.burnIn,
      "1 to training.windowLength − 1 (\(t.windowLength - 1))")
    try positive(Double(t.latentDeviation), "training.latentDeviation")
    try positive(Double(t.startVariance), "training.startVariance")
    try positive(t.clippingNorm, "training.clippingNorm")
    let b = baselines
    try within(b.fourierModes, 1...d.points / 2, "baselines.fourierModes")
    try within(b.fourierWidth, 1...1024, "baselines.fourierWidth")
    try within(b.channels, 1...1024, "baselines.channels")
    try within(b.epochs, 1...1_000_000, "baselines.epochs")
    try within(b.batch, 1...1_000_000, "baselines.batch")
    try require(
      b.ensemble.members == 0 || (2...1024).contains(b.ensemble.members), "baselines.ensemble.members",
      b.ensemble.members, "0 (none) or 2 to 1024")
    try require(
      b.ensemble.halfWidth_points >= 0 && b.ensemble.halfWidth_points.isFinite, "baselines.ensemble.halfWidth_points",
      b.ensemble.halfWidth_points, "0 (none) or more")
    try positive(b.ensemble.inflation, "baselines.ensemble.inflation")
    try within(b.ensemble.records, settlingRecords + 2...10_000_000, "baselines.ensemble.records")
    try within(uncertaintyEpochs, 0...1_000_000, "uncertaintyEpochs")
    try within(arrayRecords, settlingRecords + 2...10_000_000, "arrayRecords")
    try within(settlingRecords, 0...1_000_000, "settlingRecords")
  }
}
