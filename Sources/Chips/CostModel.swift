import Circuits
import Substrates

/// What components cost, each figure with its source, and the sums.
///
/// A projection from component figures, not a measurement of a chip: interconnect, control and leakage are left out.
/// Figures marked (A) are assumptions of the specification of MIMO-OFDM baseband processing; change them for your
/// technology.
public struct CostModel: Codable, Sendable, Equatable {
  /// One input conversion, in joules. (A)
  public var inputConversion_J = 0.5e-12
  /// One 8-bit output conversion, in joules; other resolutions scale with 2^(bits − 8). (A)
  public var outputConversion_J = 2e-12
  /// Time for one array step without its output conversions, in seconds: input conversion 1 ns and settling 10 ns. (A)
  public var settling_s = 11e-9
  /// One output conversion, in seconds; outputs that share a converter wait for each other. (A)
  public var conversion_s = 1e-9
  /// One programming pulse, in seconds; rows of an array in parallel. (A)
  public var pulse_s = 100e-9
  /// One programming pulse of one cell, in joules: 1.5 V at 50 µS for 100 ns. (A)
  public var pulse_J = 11e-12
  /// Area of a cell, in square millimetres: 1.44 µm², 130 nm (S, specification of the RRAM compiler).
  public var cell_mm2 = 1.44e-6
  /// Area of an 8-bit output converter, in square millimetres: ISAAC, 2016 (K).
  public var converter_mm2 = 0.0012
  /// One multiply–accumulate in digital logic, in joules. (A)
  public var digitalOperation_J = 1.2e-12
  /// Digital multiply–accumulates in one second: 64 units at 1 GHz. (A)
  public var digitalOperationsPerSecond = 64e9
  /// One byte to or from on-chip memory, in joules: 1.25 pJ for SRAM of 32 KB, Horowitz, ISSCC 2014: 10 pJ for 8 bytes (K).
  public var memoryByte_J = 1.25e-12
  /// One operational amplifier while it works, in watts. (A)
  public var amplifier_W = 100e-6

  public init() {}

  /// Energy and time of inference: reading, converting, digital work. Programming is counted apart.
  ///
  /// - Parameters:
  ///   - meanConductance: of the cells that were read, in siemens.
  ///   - meanSquareInput: of inputs relative to full scale; 1/3 for uniform ones.
  public func cost(
    of activity: Activity, macro: Macro, meanConductance: Double, meanSquareInput: Double = 1.0 / 3
  ) -> Cost {
    let voltage = Double(macro.readVoltage_V)
    let bits = macro.outputBits > 0 ? macro.outputBits : 16
    var cost = Cost()
    cost.add(
      "cells",
      energy: (Double(activity.cellReads) * settling_s + activity.cells_s) * voltage * voltage * meanSquareInput
        * meanConductance)
    cost.add("amplifiers", energy: activity.amplifiers_s * amplifier_W)
    cost.add("input converters", energy: Double(activity.inputConversions) * inputConversion_J)
    cost.add(
      "output converters", energy: Double(activity.outputConversions) * outputConversion_J * power(2, bits - 8))
    cost.add("digital arithmetic", energy: Double(activity.digitalOperations) * digitalOperation_J)
    cost.add("memory", energy: Double(activity.bytesMoved) * memoryByte_J)
    cost.latency_s =
      Double(activity.serialSteps) * (settling_s + conversion_s * Double(macro.outputsPerConverter))
      + activity.settling_s
      + Double(activity.digitalOperations) / digitalOperationsPerSecond
    return cost
  }

  /// Energy of programming, in joules.
  public func programmingEnergy(_ activity: Activity) -> Double { Double(activity.pulses) * pulse_J }

  /// Area of cells and output converters, in square millimetres.
  public func area(arrays: Int, converters: Int, macro: Macro) -> Double {
    Double(arrays * macro.rows * macro.columns) * cell_mm2 + Double(converters) * converter_mm2
  }

  private func power(_ base: Double, _ exponent: Int) -> Double {
    exponent >= 0 ? (0..<exponent).reduce(1) { value, _ in value * base } : 1 / power(base, -exponent)
  }
}

/// Energy and latency, with the energy's parts.
public struct Cost: Codable, Sendable, Equatable {
  public var energy_J: Double { parts.reduce(0) { $0 + $1.energy_J } }
  public var latency_s = 0.0
  public private(set) var parts: [Part] = []

  public struct Part: Codable, Sendable, Equatable {
    public var name: String
    public var energy_J: Double
  }

  mutating func add(_ name: String, energy: Double) { parts.append(Part(name: name, energy_J: energy)) }
}
