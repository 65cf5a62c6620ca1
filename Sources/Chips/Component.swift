import Foundation
import Settings
import Substrates

/// What one event of one part costs, or what one part takes of the chip: a figure with its source.
public struct Component: Codable, Sendable, Equatable {
  /// How sure a figure is.
  public enum Mark: String, ConfigurationChoice {
    /// Stated in a source that was seen.
    case stated = "S"
    /// Known to the field; the source was not seen.
    case known = "K"
    /// Assumed.
    case assumed = "A"
    /// Set by whoever configured the run.
    case given = "given"
  }

  /// How a figure grows with the number of bits.
  public enum Growth: String, ConfigurationChoice {
    case none
    /// In proportion: bits that come one after the other.
    case linear
    /// With the square: multipliers.
    case quadratic
    /// Twice as much for each bit: converters at a fixed figure of merit.
    case doubling

    func factor(_ bits: Int, reference: Int) -> Double {
      let (b, r) = (Double(bits), Double(reference))
      return switch self {
      case .none: 1
      case .linear: b / r
      case .quadratic: b * b / (r * r)
      case .doubling: pow(2, b - r)
      }
    }
  }

  /// Joules for each event.
  public var energy_J = 0.0
  /// Seconds for each event.
  public var time_s = 0.0
  /// Square millimetres of each part.
  public var area_mm2 = 0.0
  /// Bits that the figures are for; 0 where they do not depend on bits.
  public var bits = 0
  public var energyGrowth = Growth.none
  public var timeGrowth = Growth.none
  public var areaGrowth = Growth.none
  /// Who says so.
  public var source: String
  public var mark: Mark

  public init(
    energy_J: Double = 0, time_s: Double = 0, area_mm2: Double = 0, bits: Int = 0, energyGrowth: Growth = .none,
    timeGrowth: Growth = .none, areaGrowth: Growth = .none, source: String, mark: Mark
  ) {
    (self.energy_J, self.time_s, self.area_mm2, self.bits) = (energy_J, time_s, area_mm2, bits)
    (self.energyGrowth, self.timeGrowth, self.areaGrowth) = (energyGrowth, timeGrowth, areaGrowth)
    (self.source, self.mark) = (source, mark)
  }

  /// Joules and seconds of one event with numbers of `bits`; ideal converters (0 bits) cost nothing.
  func cost(bits: Int) -> (energy_J: Double, time_s: Double) {
    guard self.bits > 0 else { return (energy_J, time_s) }
    guard bits > 0 else { return (0, 0) }
    return (
      energy_J * energyGrowth.factor(bits, reference: self.bits), time_s * timeGrowth.factor(bits, reference: self.bits)
    )
  }

  /// Square millimetres of one part for numbers of `bits`.
  func area(bits: Int) -> Double {
    guard self.bits > 0 else { return area_mm2 }
    return bits > 0 ? area_mm2 * areaGrowth.factor(bits, reference: self.bits) : 0
  }
}
