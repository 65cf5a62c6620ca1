import Settings
import Substrates

/// One kind of array with its converters, as a designer would state it; its cells are a device's.
public struct Macro: Codable, Sendable, Equatable {
  /// Rows of one array: inputs it takes at once.
  public var rows = 128
  /// Columns of one array; how many of them a weight takes is the mapping's.
  public var columns = 128
  /// How weights become conductances.
  public var mapping = MappingChoice()
  public var wires = WireChoice()
  public var input = InputConverter()
  public var output = OutputConverter()
  /// Largest read voltage, in volts.
  public var readVoltage_V: Float = 0.1
  /// How long inputs are applied for one read, in seconds.
  public var readTime_s: Double = 10e-9
  /// Time between programming and reading, in seconds.
  public var age_s: Double = 0
  /// Amplifiers of closed loops.
  public var amplifier = Amplifier()
  /// Loops that integrate.
  public var loop = IntegratorLoop()

  public init() {}

  /// The default keys of each kind of mapping and wires, for `Variants`.
  public static func variants() throws -> Variants {
    Variants(["mapping": try MappingChoice.variants(), "wires": try WireChoice.variants()])
  }

  /// The same shape with ideal converters, amplifiers that settle, and loops without faults; voltages and times stay.
  public var withoutFaults: Macro {
    var macro = self
    (macro.input.bits, macro.output.bits, macro.age_s) = (0, 0, 0)
    macro.wires = WireChoice()
    macro.loop = .ideal
    macro.loop.run_s = loop.run_s
    return macro
  }

  /// What can be wrong with it: a name, and the keys of the settings behind it.
  public static let faults: [(name: String, keys: [String])] = [
    ("input converters", ["input.bits"]), ("output converters", ["output.bits"]), ("age", ["age_s"]),
    ("amplifier lag", ["loop.amplifierLag"]), ("leakage", ["loop.leakTime"]),
    ("multiplier gain", ["loop.multiplierGainError"]), ("multiplier offset", ["loop.multiplierOffset_V"]),
    ("clamp", ["loop.clamp"]), ("signals: converters and refresh", ["loop.signalBits", "loop.refreshes"]),
  ]

  /// Checks every figure.
  ///
  /// - Throws: `CircuitError.invalidSetting`, which names the figure.
  public func validate() throws(CircuitError) {
    let check = SettingCheck<CircuitError>()
    let each = mapping.mapping.cellsPerWeight + mapping.mapping.sharedColumns
    try check.require((1...65536).contains(rows), "rows", rows, "1 to 65536")
    try check.require(
      (each...65536).contains(columns), "columns", columns,
      "\(each) to 65536: one weight takes \(each) columns with the mapping `\(type(of: mapping.mapping).kind)`")
    try check.require(readVoltage_V > 0 && readVoltage_V <= 2, "readVoltage_V", readVoltage_V, "above 0 V, at most 2 V")
    try check.require(readTime_s > 0 && readTime_s.isFinite, "readTime_s", readTime_s, "above 0 s, finite")
    try check.require(age_s >= 0 && age_s.isFinite, "age_s", age_s, "0 s or more")
    try mapping.mapping.validate()
    try input.validate()
    try output.validate()
    try amplifier.validate()
    try loop.validate()
  }
}

/// How wires change what cells see.
public struct WireChoice: Codable, Sendable, Equatable {
  public enum Kind: String, ConfigurationChoice {
    /// Wires without resistance: an array of ohmic cells is one product.
    case none
  }
  /// `none`: wires without resistance, the only kind there is.
  public var kind = Kind.none
  public init() {}

  static func variants() throws -> [String: ConfigurationValue] {
    ["none": try ConfigurationValue(encoding: WireChoice())]
  }
}

/// What can go wrong with circuits. Every message says what to do.
public enum CircuitError: SettingError, Equatable, CustomStringConvertible {
  case invalidSetting(_ name: String, found: String, expected: String)
  /// Weights that are not finite cannot be programmed.
  case weightsNotFinite
  /// Something that this hardware cannot do.
  case unsupported(_ what: String, remedy: String)

  public var description: String {
    switch self {
    case .invalidSetting(let name, let found, let expected): "`\(name)` is \(found), expected \(expected): change it"
    case .weightsNotFinite: "the weights hold NaN or infinity: check how the model was trained or exported"
    case .unsupported(let what, let remedy): "\(what) cannot be done: \(remedy)"
    }
  }
}
