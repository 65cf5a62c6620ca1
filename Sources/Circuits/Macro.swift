import Devices

/// One kind of array with its converters, as a designer would state it.
public struct Macro: Codable, Sendable, Equatable {
  /// Rows of one array: inputs it takes at once.
  public var rows = 128
  /// Columns of one array; a weight takes two, a differential pair.
  public var columns = 128
  /// Resolution of input converters, in bits; 0 for exact voltages.
  public var inputBits = 8
  /// Resolution of output converters, in bits; 0 for exact readings.
  public var outputBits = 8
  /// Largest output that converters take, as a multiple of largest weight × largest input. Where the weights of an array
  /// cannot give as much, its range is what they can give.
  public var outputRange: Float = 12
  /// Largest read voltage, in volts.
  public var readVoltage_V: Float = 0.1
  /// Outputs that share one output converter.
  public var outputsPerConverter = 8
  /// Time between programming and reading, in seconds.
  public var age_s: Double = 0
  /// The cells.
  public var device = RRAM()
  /// Amplifiers of closed loops.
  public var amplifier = Amplifier()
  /// Loops that integrate.
  public var loop = IntegratorLoop()

  public init() {}

  /// Checks every figure.
  ///
  /// - Throws: `CircuitError.invalidSetting`, which names the figure.
  public func validate() throws(CircuitError) {
    func require(_ holds: Bool, _ name: String, _ found: Any, _ expected: String) throws(CircuitError) {
      if !holds { throw .invalidSetting(name, found: "\(found)", expected: expected) }
    }
    try require((1...65536).contains(rows), "rows", rows, "1 to 65536")
    try require((2...65536).contains(columns) && columns % 2 == 0, "columns", columns, "an even number, 2 to 65536")
    try require((0...16).contains(inputBits), "inputBits", inputBits, "0 (exact) to 16")
    try require((0...16).contains(outputBits), "outputBits", outputBits, "0 (exact) to 16")
    try require(outputRange > 0 && outputRange.isFinite, "outputRange", outputRange, "a number above 0")
    try require(readVoltage_V > 0 && readVoltage_V <= 2, "readVoltage_V", readVoltage_V, "above 0 V, at most 2 V")
    try require(outputsPerConverter >= 1, "outputsPerConverter", outputsPerConverter, "1 or more")
    try require(age_s >= 0 && age_s.isFinite, "age_s", age_s, "0 s or more")
    try require(
      device.lowest_S >= 0 && device.highest_S > device.lowest_S && device.highest_S.isFinite, "device.highest_S",
      device.highest_S, "above device.lowest_S (\(device.lowest_S) S), which is 0 or more")
    try require(
      (0...65536).contains(device.levels) && device.levels != 1, "device.levels", device.levels, "0 or 2 to 65536")
    try require((0...1).contains(device.writeResidue), "device.writeResidue", device.writeResidue, "0 to 1")
    try require((0...1).contains(device.relativeResidue), "device.relativeResidue", device.relativeResidue, "0 to 1")
    try require((0...1).contains(device.readNoise), "device.readNoise", device.readNoise, "0 to 1")
    try require((0...1).contains(device.stuckFraction), "device.stuckFraction", device.stuckFraction, "0 to 1")
    try require(
      (0...1).contains(device.relaxationPerDecade), "device.relaxationPerDecade", device.relaxationPerDecade, "0 to 1")
    try require(
      amplifier.gain > 1 && amplifier.gain.isFinite, "amplifier.gain", amplifier.gain, "above 1, finite")
    try require(
      amplifier.bandwidth_Hz > 0 && amplifier.bandwidth_Hz.isFinite, "amplifier.bandwidth_Hz", amplifier.bandwidth_Hz,
      "above 0 Hz, finite")
    try require(
      amplifier.settlingError > 0 && amplifier.settlingError < 1, "amplifier.settlingError", amplifier.settlingError,
      "above 0, below 1")
    try require(
      amplifier.timeout_s > 0 && amplifier.timeout_s.isFinite, "amplifier.timeout_s", amplifier.timeout_s,
      "above 0 s, finite")
    try loop.validate()
    try require(
      device.pulsesPerWrite >= 0 && device.pulsesPerWrite.isFinite, "device.pulsesPerWrite", device.pulsesPerWrite,
      "0 or more")
  }
}

/// What can go wrong with circuits. Every message says what to do.
public enum CircuitError: Error, Equatable, CustomStringConvertible {
  case invalidSetting(_ name: String, found: String, expected: String)
  /// Weights that are not finite cannot be programmed.
  case weightsNotFinite

  public var description: String {
    switch self {
    case .invalidSetting(let name, let found, let expected): "`\(name)` is \(found), expected \(expected): change it"
    case .weightsNotFinite: "the weights hold NaN or infinity: check how the model was trained or exported"
    }
  }
}
