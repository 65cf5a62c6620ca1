import Settings
import Substrates

/// Loops of arrays, amplifiers, multipliers and capacitors that integrate.
public struct IntegratorLoop: Codable, Sendable, Equatable {
  /// Time that one run takes, from closing the loop to reading the capacitors, in seconds.
  public var run_s = 20e-6
  /// Volts that stand for a signal of 1.
  public var unit_V = 0.1
  /// Time constant of an amplifier, as a fraction of the run; 0 for none.
  public var amplifierLag = 0.002
  /// Time constant of the capacitors' leakage, in runs; 0 for none.
  public var leakTime = 1000.0
  /// Standard deviation of a multiplier's gain error, as a fraction.
  public var multiplierGainError = 0.01
  /// Standard deviation of a multiplier's offset, in volts.
  public var multiplierOffset_V = 0.005
  /// Largest output of a neuron, of either sign, in signal units; 0 for none.
  public var clamp = 1.5
  /// Resolution of the loop's converters, in bits, 0 for ideal ones: those that make time-dependent signals, charge the
  /// capacitors and read them.
  public var signalBits = 12
  /// Volts at the converters of signals for an injected signal or a drive of 1; they reach from −1 V to 1 V.
  public var injected_V = 0.5
  /// Largest state that the converters charge and read, in signal units.
  public var stateRange = 4.0
  /// How often time-dependent signals are renewed in a run.
  public var refreshes = 200
  /// Steps of the simulation in a run.
  public var simulationSteps = 2000
  /// Operational amplifiers besides one for each neuron and state, and multipliers of two for each state (A).
  public var furtherAmplifiers = 4

  public init() {}

  /// A loop without any fault, for comparison.
  public static var ideal: IntegratorLoop {
    var loop = IntegratorLoop()
    (loop.amplifierLag, loop.leakTime, loop.multiplierGainError, loop.multiplierOffset_V) = (0, 0, 0, 0)
    (loop.clamp, loop.signalBits, loop.refreshes) = (0, 0, 2000)
    return loop
  }

  func validate() throws(CircuitError) {
    let check = SettingCheck<CircuitError>("loop.")
    try check.require(run_s > 0 && run_s.isFinite, "run_s", run_s, "above 0 s, finite")
    try check.require(unit_V > 0 && unit_V.isFinite, "unit_V", unit_V, "above 0 V, finite")
    try check.require((0...1).contains(amplifierLag), "amplifierLag", amplifierLag, "0 to 1 run")
    try check.require(leakTime >= 0 && leakTime.isFinite, "leakTime", leakTime, "0 (none) or more runs")
    try check.require((0...1).contains(multiplierGainError), "multiplierGainError", multiplierGainError, "0 to 1")
    try check.require((0...1).contains(multiplierOffset_V), "multiplierOffset_V", multiplierOffset_V, "0 V to 1 V")
    try check.require(clamp >= 0 && clamp.isFinite, "clamp", clamp, "0 (none) or more")
    try check.require(Quantiser.limits.contains(signalBits), "signalBits", signalBits, "0 (ideal) to 30")
    try check.require(injected_V > 0 && injected_V.isFinite, "injected_V", injected_V, "above 0 V, finite")
    try check.require(stateRange > 0 && stateRange.isFinite, "stateRange", stateRange, "above 0, finite")
    try check.require((1...100_000).contains(refreshes), "refreshes", refreshes, "1 to 100,000")
    try check.require(
      (refreshes...1_000_000).contains(simulationSteps), "simulationSteps", simulationSteps,
      "at least refreshes (\(refreshes)), at most 1,000,000")
    try check.require((0...10_000).contains(furtherAmplifiers), "furtherAmplifiers", furtherAmplifiers, "0 to 10,000")
  }
}
