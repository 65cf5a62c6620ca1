import Foundation
import Tensors

/// Filamentary resistive memory: additive write–verify residue, multiplicative read noise, logarithmic relaxation.
///
///     stored = clamp((level(target) + σw·ΔG·ε)·(1 + σw'·ε'), window)     ε ~ N(0, 1), ΔG the width of the window
///     mean after t: stored·(1 − ν·log10(1 + t/t0))        t0 = 1 s
///     one read: mean·(1 + σr·ε)
///
/// - Source: the field's usual first-order statistics; the default figures are assumptions (A) of the specification of
///   MIMO-OFDM baseband processing: 1–100 µS, 6 bits, σw = 1 %, σr = 0.5 %. They stand for no particular chip.
/// - Valid: reads up to 0.1 V at 25 °C. Left out: endurance, temperature, random telegraph noise.
public struct RRAM: DeviceModel, Codable, Equatable {
  /// Lowest conductance of the window, in siemens.
  public var lowest_S: Float = 1e-6
  /// Highest conductance of the window, in siemens.
  public var highest_S: Float = 100e-6
  /// Levels that write–verify aims at; 0 for a continuum.
  public var levels = 64
  /// Standard deviation left by write–verify (σw), as a fraction of the window's width.
  public var writeResidue: Float = 0.01
  /// The same as a fraction of the conductance aimed at; both add up.
  public var relativeResidue: Float = 0
  /// Standard deviation of one read (σr), as a fraction of the conductance.
  public var readNoise: Float = 0.005
  /// Relative loss of conductance for each decade of seconds (ν), dimensionless.
  public var relaxationPerDecade: Float = 0
  /// Fraction of cells that stay at an end of the window, half at each.
  public var stuckFraction: Float = 0
  /// Pulses that one write–verify takes on average.
  public var pulsesPerWrite: Float = 10

  public init() {}

  /// A cell without any fault, for comparison.
  public static var ideal: RRAM {
    var cell = RRAM()
    cell.levels = 0
    cell.writeResidue = 0
    cell.relativeResidue = 0
    cell.readNoise = 0
    return cell
  }

  public var window: ClosedRange<Float> { lowest_S...Swift.max(lowest_S, highest_S) }

  public func programmed(_ target: Tensor<Float>, using random: inout RandomStream) throws -> Tensor<Float> {
    let width = highest_S - lowest_S
    var stored = target
    if levels > 1 {
      let step = width / Float(levels - 1)
      stored = try ((stored - lowest_S) * (1 / step)).rounded() * step + lowest_S
    }
    if writeResidue > 0 {
      stored = try stored + random.normal(target.shape, standardDeviation: writeResidue * width)
    }
    if relativeResidue > 0 {
      stored = try stored * random.normal(target.shape, mean: 1, standardDeviation: relativeResidue)
    }
    stored = try stored.clamped(to: window)
    if stuckFraction > 0 {
      let draw: Tensor<Float> = try random.uniform(target.shape, in: 0...1)
      stored = try stored.filled(with: lowest_S, where: draw .< (stuckFraction / 2))
      stored = try stored.filled(with: highest_S, where: draw .> (1 - stuckFraction / 2))
    }
    return stored
  }

  public func aged(_ stored: Tensor<Float>, age: Double) throws -> Tensor<Float> {
    guard relaxationPerDecade != 0, age > 0 else { return stored }
    return try stored * Float(Swift.max(0, 1 - Double(relaxationPerDecade) * Foundation.log10(1 + age)))
  }

  public func readVariance(_ stored: Tensor<Float>) throws -> Tensor<Float> {
    try (stored * readNoise).squared()
  }
}
