import Runs
import Chips
import MIMOOFDM
import Circuits
import Devices
import Foundation
import Reports
import Settings
import Substrates
import Tensors
import Testing

/// Cells whose errors are not cut off at the ends of the window, which the error laws assume.
struct UnclampedCell: DeviceModel {
  static let kind = "unclamped"
  var sigma: Float = 0
  var levels = 0
  var window: ClosedRange<Float> { 50e-6...150e-6 }
  var withoutFaults: UnclampedCell { UnclampedCell() }
  var faults: [(name: String, keys: [String])] { [] }
  func validate() {}
  func cells(_ shape: [Int], using random: inout RandomStream) throws -> any CellArray {
    Cells(device: self, stored: try .zeros(shape))
  }

  struct Cells: CellArray {
    let device: UnclampedCell
    var stored: Tensor<Float>
    var shape: [Int] { stored.shape }
    func conductance(at time: Double) -> Tensor<Float> { stored }
    func readVariance(at time: Double, duration: Double) -> Tensor<Float>? { nil }
    mutating func pulse(_ count: Tensor<Int32>, at time: Double, using random: inout RandomStream) throws -> Writing {
      throw DeviceError.notPulsed(kind: UnclampedCell.kind)
    }
    mutating func write(_ target: Tensor<Float>, at time: Double, using random: inout RandomStream) throws -> Writing {
      stored = target
      if device.levels > 1 {
        let step = 100e-6 / Float(device.levels - 1)
        stored = try ((stored - 50e-6) * (1 / step)).rounded() * step + 50e-6
      }
      stored = try stored + random.normal(target.shape, standardDeviation: device.sigma * 100e-6)
      return Writing(pulses: Double(target.count))
    }
  }
}

extension Macro {
  /// Ideal converters, and weights over the whole window.
  static var laws: Macro {
    var macro = Macro()
    (macro.input.bits, macro.output.bits) = (0, 0)
    var mapping = DifferentialMapping()
    mapping.margin = 0
    macro.mapping = MappingChoice(mapping)
    return macro
  }
}

func simulate(
  _ substrate: SubstrateChoice = SubstrateChoice(), _ change: (inout MIMOOFDM.Configuration) -> Void
) throws -> Report {
  var c = MIMOOFDM.Configuration()
  (c.curve_dB, c.detection, c.signal, c.coherence) = ([], .zeroForcing, .subcarriers, 1)
  c.comparisonSymbols = 0
  change(&c)
  try MIMOOFDM.validate(c)
  return try MIMOOFDM.run(c, in: RunContext(substrate: substrate))
}

func value(_ report: Report, _ name: String) throws -> Figure {
  try #require(report.figures.first { $0.name == name })
}

/// Values of the specification's tables, which were checked there against Monte Carlo; ours have to lie within three
/// standard errors (the reported half-width is 1.96 of them) and, where errors are many, within 10 %.
