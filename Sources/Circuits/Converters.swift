import Settings
import Substrates

/// What turns numbers into voltages at the inputs of an array. Rounding is that of `Quantiser`.
///
/// Each vector is scaled to the full range before, and back after (as AIHWKit's noise management does), unless it is binary.
public struct InputConverter: Codable, Equatable, Sendable {
  /// Resolution, in bits; 0 for ideal converters, which are not charged either.
  public var bits = 8
  /// What inputs there are; others are refused. Inputs from 0 on use all levels for one sign.
  public var domain = InputDomain.signed
  public init() {}

  func validate() throws(CircuitError) {
    guard Quantiser.limits.contains(bits) else {
      throw .invalidSetting("input.bits", found: "\(bits)", expected: "0 (ideal) to \(Quantiser.limits.upperBound)")
    }
    guard domain != .light else {
      throw .invalidSetting(
        "input.domain", found: "light", expected: "signed, unsigned or binary: light needs a device that sees it")
    }
  }
}

extension InputDomain: ConfigurationChoice {}

/// What turns currents into numbers at the outputs of an array. Rounding is that of `Quantiser`, signed.
public struct OutputConverter: Codable, Equatable, Sendable {
  /// Where the range comes from.
  public enum Ranging: String, ConfigurationChoice {
    /// For each array from the data that the matrix is calibrated with: the range with the least square error of rounding and
    /// clipping. Until it is calibrated it is `full`, and the ledger says so.
    case calibrated
    /// What the weights of the array can give at most: nothing is ever clipped.
    case full
    /// `range`, as a multiple of largest weight × largest input; never more than `full`.
    case fixed
  }

  /// Resolution, in bits; 0 for ideal converters, which are not charged either.
  public var bits = 8
  /// Where the range comes from: `calibrated`, `full` or `fixed`.
  public var ranging = Ranging.calibrated
  /// Of `fixed`: a multiple of largest weight × largest input.
  public var range: Float = 12
  /// Outputs that share one converter, one after the other.
  public var outputsPerConverter = 8
  public init() {}

  func validate() throws(CircuitError) {
    guard Quantiser.limits.contains(bits) else {
      throw .invalidSetting("output.bits", found: "\(bits)", expected: "0 (ideal) to \(Quantiser.limits.upperBound)")
    }
    guard range > 0, range.isFinite else {
      throw .invalidSetting("output.range", found: "\(range)", expected: "a number above 0")
    }
    guard outputsPerConverter >= 1 else {
      throw .invalidSetting("output.outputsPerConverter", found: "\(outputsPerConverter)", expected: "1 or more")
    }
  }
}
