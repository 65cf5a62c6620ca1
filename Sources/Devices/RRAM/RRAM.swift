import Settings
import Substrates
import Tensors

/// Filamentary resistive memory by its first-order statistics.
///
///     stored = clamp((level(target) + σw·ΔG·ε)·(1 + σw'·ε'), window)     ε ~ N(0, 1), ΔG the width of the window
///     mean after t: stored·(1 − ν_i·log10(1 + t/t0))        t0 = 1 s, ν_i = ν·(1 + σν·ε_i) of each device
///     one read: mean·(1 + σr·ε)
///     n pulses: stored + n·s·ΔG + √|n|·s·σp·ΔG·ε, clamped to the window
///
/// Devices that are stuck, and each one's ν, are drawn once, when cells are made; writing errors at every write.
///
/// - Source: the field's usual first-order statistics; the default figures are assumptions (A) of the specification of
///   MIMO-OFDM baseband processing: 1–100 µS, 6 bits, σw = 1 %, σr = 0.5 %. Pulse steps are assumptions (A). They stand for
///   no particular chip.
/// - Valid: reads up to 0.1 V at 25 °C. Left out: endurance, temperature, random telegraph noise.
public struct RRAM: DeviceModel {
  public static let kind = "rram"
  /// Lowest conductance of the window, in siemens.
  public var lowest_S: Float = 1e-6
  /// Highest conductance of the window, in siemens.
  public var highest_S: Float = 100e-6
  /// Levels that write–verify aims at, evenly over the window; 0 for a continuum.
  public var levels = 64
  /// Standard deviation left by write–verify (σw), between writes, as a fraction of the window's width.
  public var writeResidue: Float = 0.01
  /// The same as a fraction of the conductance aimed at (σw'); both add up.
  public var relativeResidue: Float = 0
  /// Standard deviation of one read (σr), between reads, as a fraction of the conductance.
  public var readNoise: Float = 0.005
  /// Relative loss of conductance for each decade of seconds (ν), dimensionless.
  public var relaxationPerDecade: Float = 0
  /// Standard deviation of ν between devices, as a fraction of ν.
  public var relaxationSpread: Float = 0
  /// Fraction of devices that stay at an end of the window, half at each.
  public var stuckFraction: Float = 0
  /// Pulses that one write–verify takes on average.
  public var pulsesPerWrite: Float = 10
  /// What one pulse changes (s), as a fraction of the window's width.
  public var pulseStep: Float = 0.01
  /// Standard deviation of that change from pulse to pulse (σp), as a fraction of it.
  public var pulseSpread: Float = 0.3

  public init() {}

  public var window: ClosedRange<Float> { lowest_S...Swift.max(lowest_S, highest_S) }

  public var withoutFaults: RRAM {
    var cell = self
    (cell.levels, cell.writeResidue, cell.relativeResidue, cell.readNoise) = (0, 0, 0, 0)
    (cell.relaxationPerDecade, cell.relaxationSpread, cell.stuckFraction, cell.pulseSpread) = (0, 0, 0, 0)
    return cell
  }

  public var faults: [(name: String, keys: [String])] {
    [
      ("levels", ["levels"]), ("write error", ["writeResidue", "relativeResidue"]), ("read noise", ["readNoise"]),
      ("relaxation", ["relaxationPerDecade", "relaxationSpread"]), ("stuck cells", ["stuckFraction"]),
    ]
  }

  public func validate() throws {
    let check = SettingCheck<DeviceError>()
    try check.window(lowest_S, highest_S)
    try check.require((0...65536).contains(levels) && levels != 1, "levels", levels, "0 (a continuum) or 2 to 65536")
    for (value, key) in [
      (writeResidue, "writeResidue"), (relativeResidue, "relativeResidue"), (readNoise, "readNoise"),
      (relaxationPerDecade, "relaxationPerDecade"), (relaxationSpread, "relaxationSpread"),
      (stuckFraction, "stuckFraction"), (pulseStep, "pulseStep"), (pulseSpread, "pulseSpread"),
    ] {
      try check.fraction(value, key)
    }
    try check.require(
      pulsesPerWrite >= 0 && pulsesPerWrite.isFinite, "pulsesPerWrite", pulsesPerWrite, "0 or more")
  }

  public func cells(_ shape: [Int], using random: inout RandomStream) throws -> any CellArray {
    try RRAMCells(self, shape, using: &random)
  }
}
