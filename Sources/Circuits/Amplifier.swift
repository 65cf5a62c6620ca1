import Settings

/// Amplifiers of closed-loop circuits.
public struct Amplifier: Codable, Sendable, Equatable {
  /// Open-loop gain at low frequency (A0), dimensionless.
  public var gain = 1e5
  /// Gain–bandwidth product, in hertz.
  public var bandwidth_Hz = 100e6
  /// Relative error up to which a loop is left to settle.
  public var settlingError = 1e-3
  /// Longest time a loop is given, in seconds; solutions are then read as they are.
  public var timeout_s = 10e-6
  public init() {}
}

extension Amplifier {
  func validate() throws(CircuitError) {
    let check = SettingCheck<CircuitError>("amplifier.")
    try check.require(gain > 1 && gain.isFinite, "gain", gain, "above 1, finite")
    try check.require(bandwidth_Hz > 0 && bandwidth_Hz.isFinite, "bandwidth_Hz", bandwidth_Hz, "above 0 Hz, finite")
    try check.require(settlingError > 0 && settlingError < 1, "settlingError", settlingError, "above 0, below 1")
    try check.require(timeout_s > 0 && timeout_s.isFinite, "timeout_s", timeout_s, "above 0 s, finite")
  }
}
