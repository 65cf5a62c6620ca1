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

  static let ranges: SettingRanges = [
    "data.points": .within(8...1024), "data.refinement": .within(1...64), "data.step": .above(0),
    "data.stepsPerRecord": .within(1...1e6), "data.spinUpRecords": .within(0...1e6),
    "data.trainingRecords": .within(100...1e7), "data.viscosity": .atLeast(0), "data.randomForcing": .atLeast(0),
    "data.noise": .above(0), "network.latent": .within(1...1024), "network.widths": .within(1...8192),
    "network.channels": .within(1...8192), "network.coefficientWidths": .within(1...8192),
    "training.learningRate": .between(0, 1), "training.batch": .within(1...1e6), "training.epochs": .within(1...1e6),
    "training.filterEpochs": .within(0...1e6), "training.windows": .within(1...10_000),
    "training.latentDeviation": .above(0), "training.startVariance": .above(0), "training.clippingNorm": .above(0),
    "baselines.fourierWidth": .within(1...1024), "baselines.channels": .within(1...1024),
    "baselines.epochs": .within(1...1e6), "baselines.batch": .within(1...1e6),
    "baselines.ensemble.halfWidth_points": .atLeast(0), "baselines.ensemble.inflation": .above(0),
    "uncertaintyEpochs": .within(0...1e6), "settlingRecords": .within(0...1e6), "leads": .atLeast(1),
  ]

  func validate() throws {
    let check = SettingCheck<ConfigurationError>()
    let (d, n, t, b) = (data, network, training, baselines)
    try check.require(
      d.points % (d.flow.isSquare ? 4 : 2) == 0, "data.points", d.points, "a multiple of \(d.flow.isSquare ? 4 : 2)")
    try check.require(
      (2...d.points / 2).contains(d.observedEvery) && d.points % d.observedEvery == 0, "data.observedEvery",
      d.observedEvery, "a divisor of data.points (\(d.points)), 2 or more, so that two points or more are observed")
    let longest = leads.max() ?? 0
    try check.require(!leads.isEmpty, "leads", leads, "one number of steps or more")
    try check.require(
      d.testRecords > longest && d.testRecords > settlingRecords + 1, "data.testRecords", d.testRecords,
      "more than the longest of leads (\(longest)) and settlingRecords + 1 (\(settlingRecords + 1))")
    try check.require(
      n.channels.isEmpty ? !d.flow.isSquare : d.flow.isSquare && n.channels.count == 7, "network.channels", n.channels,
      d.flow.isSquare ? "seven numbers on the square" : "none on a line")
    try check.require(
      (2..<d.trainingRecords).contains(t.windowLength), "training.windowLength", t.windowLength,
      "2 to data.trainingRecords − 1 (\(d.trainingRecords - 1))")
    try check.require(
      (1..<t.windowLength).contains(t.burnIn), "training.burnIn", t.burnIn,
      "1 to training.windowLength − 1 (\(t.windowLength - 1))")
    try check.within(b.fourierModes, 1...d.points / 2, "baselines.fourierModes")
    try check.require(
      b.ensemble.members == 0 || (2...1024).contains(b.ensemble.members), "baselines.ensemble.members",
      b.ensemble.members, "0 (none) or 2 to 1024")
    try check.within(b.ensemble.records, settlingRecords + 2...10_000_000, "baselines.ensemble.records")
    try check.within(arrayRecords, settlingRecords + 2...10_000_000, "arrayRecords")
  }
}
