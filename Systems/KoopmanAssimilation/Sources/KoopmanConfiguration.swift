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

  /// Shrinks everything that takes time.
  mutating func makeSmallest() {
    (data.spinUpRecords, data.trainingRecords, data.testRecords) = (20, 240, 60)
    (training.epochs, training.filterEpochs, training.batch) = (2, 1, 60)
    (training.windows, training.windowLength, training.burnIn) = (2, 20, 5)
    (baselines.epochs, baselines.fourierWidth, baselines.channels, uncertaintyEpochs) = (1, 8, 4, 2)
    (baselines.ensemble.members, baselines.ensemble.records) = (8, 30)
    (leads, settlingRecords, arrayRecords) = ([1, 2], 10, 30)
  }

  func validate() throws {
    let check = SettingCheck<ConfigurationError>()
    let d = data
    try check.within(d.points, 8...1024, "data.points")
    try check.require(
      d.points % (d.flow.isSquare ? 4 : 2) == 0, "data.points", d.points, "a multiple of \(d.flow.isSquare ? 4 : 2)")
    try check.within(d.refinement, 1...64, "data.refinement")
    try check.require(
      (2...d.points / 2).contains(d.observedEvery) && d.points % d.observedEvery == 0, "data.observedEvery",
      d.observedEvery, "a divisor of data.points (\(d.points)), 2 or more, so that two points or more are observed")
    try check.positive(d.step, "data.step")
    try check.within(d.stepsPerRecord, 1...1_000_000, "data.stepsPerRecord")
    try check.within(d.spinUpRecords, 0...1_000_000, "data.spinUpRecords")
    try check.within(d.trainingRecords, 100...10_000_000, "data.trainingRecords")
    let longest = leads.max() ?? 0
    try check.require(
      !leads.isEmpty && leads.allSatisfy { $0 >= 1 }, "leads", leads, "one number of steps or more, each 1 or more")
    try check.require(
      d.testRecords > longest && d.testRecords > settlingRecords + 1, "data.testRecords", d.testRecords,
      "more than the longest of leads (\(longest)) and settlingRecords + 1 (\(settlingRecords + 1))")
    try check.require(d.viscosity >= 0 && d.viscosity.isFinite, "data.viscosity", d.viscosity, "0 or more")
    try check.require(
      d.randomForcing >= 0 && d.randomForcing.isFinite, "data.randomForcing", d.randomForcing, "0 or more")
    try check.positive(d.noise, "data.noise")
    try validateNetworks(check)
    try check.within(uncertaintyEpochs, 0...1_000_000, "uncertaintyEpochs")
    try check.within(arrayRecords, settlingRecords + 2...10_000_000, "arrayRecords")
    try check.within(settlingRecords, 0...1_000_000, "settlingRecords")
  }

  private func validateNetworks(_ check: SettingCheck<ConfigurationError>) throws {
    let (d, n) = (data, network)
    try check.within(n.latent, 1...1024, "network.latent")
    try check.require(
      n.channels.isEmpty ? !d.flow.isSquare : d.flow.isSquare && n.channels.count == 7, "network.channels", n.channels,
      d.flow.isSquare ? "seven numbers on the square" : "none on a line")
    for width in n.widths + n.channels + n.coefficientWidths { try check.within(width, 1...8192, "network") }
    let t = training
    try check.require(
      t.learningRate > 0 && t.learningRate < 1, "training.learningRate", t.learningRate, "above 0, below 1")
    try check.within(t.batch, 1...1_000_000, "training.batch")
    try check.within(t.epochs, 1...1_000_000, "training.epochs")
    try check.within(t.filterEpochs, 0...1_000_000, "training.filterEpochs")
    try check.within(t.windows, 1...10_000, "training.windows")
    try check.require(
      (2..<d.trainingRecords).contains(t.windowLength), "training.windowLength", t.windowLength,
      "2 to data.trainingRecords − 1 (\(d.trainingRecords - 1))")
    try check.require(
      (1..<t.windowLength).contains(t.burnIn), "training.burnIn", t.burnIn,
      "1 to training.windowLength − 1 (\(t.windowLength - 1))")
    try check.positive(Double(t.latentDeviation), "training.latentDeviation")
    try check.positive(Double(t.startVariance), "training.startVariance")
    try check.positive(t.clippingNorm, "training.clippingNorm")
    let b = baselines
    try check.within(b.fourierModes, 1...d.points / 2, "baselines.fourierModes")
    try check.within(b.fourierWidth, 1...1024, "baselines.fourierWidth")
    try check.within(b.channels, 1...1024, "baselines.channels")
    try check.within(b.epochs, 1...1_000_000, "baselines.epochs")
    try check.within(b.batch, 1...1_000_000, "baselines.batch")
    try check.require(
      b.ensemble.members == 0 || (2...1024).contains(b.ensemble.members), "baselines.ensemble.members",
      b.ensemble.members, "0 (none) or 2 to 1024")
    try check.require(
      b.ensemble.halfWidth_points >= 0 && b.ensemble.halfWidth_points.isFinite, "baselines.ensemble.halfWidth_points",
      b.ensemble.halfWidth_points, "0 (none) or more")
    try check.positive(b.ensemble.inflation, "baselines.ensemble.inflation")
    try check.within(b.ensemble.records, settlingRecords + 2...10_000_000, "baselines.ensemble.records")
  }
}
