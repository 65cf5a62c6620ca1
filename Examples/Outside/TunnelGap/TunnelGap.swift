import Devices
import Foundation
import Settings
import Substrates
import Tensors

/// A filament that ends in a gap, through which electrons tunnel: the wider the gap, the smaller the current.
///
///     i = G·sinh(κ·v)/κ     G = Gc·exp(−g/g0)     g = clamp(g_target + σ·ε, gaps)     ε ~ N(0, 1) at every write
///
/// - Source: Guan, Yu and Wong, IEEE Electron Device Letters 33, 1405 (2012): i = I0·exp(−g/g0)·sinh(v/V0), with I0 = 1 mA,
///   g0 = 0.25 nm and V0 = 0.25 V in the public compact model of the same group, so that Gc = I0/V0 and κ = 1/V0. The range of
///   gaps lies within that model's 0.1 to 1.7 nm; the error of the gap is an assumption (A).
/// - Valid: reads too short and too weak to move the filament. Left out: how the gap moves, read noise, temperature.
struct TunnelGap: DeviceModel {
  static let kind = "tunnel-gap"
  /// Conductance at small voltages without a gap (Gc), in siemens.
  var contact_S: Float = 4e-3
  /// What the gap has to grow by for a current 2.718 times smaller (g0), in nanometres.
  var decay_nm: Float = 0.25
  /// How strongly the current bends upwards with the voltage (κ), per volt; 0 for a cell that is ohmic.
  var curvature_perV: Float = 4
  /// Smallest gap that writing reaches, in nanometres.
  var smallest_nm: Float = 0.9
  /// Largest gap that writing reaches, in nanometres.
  var largest_nm: Float = 1.7
  /// Standard deviation of the gap that write–verify leaves (σ), between writes, in nanometres.
  var gapError_nm: Float = 0.005

  init() {}

  var window: ClosedRange<Float> { conductance(largest_nm)...max(conductance(largest_nm), conductance(smallest_nm)) }

  var withoutFaults: TunnelGap {
    var cell = self
    (cell.curvature_perV, cell.gapError_nm) = (0, 0)
    return cell
  }

  var faults: [(name: String, keys: [String])] {
    [("gap error", ["gapError_nm"]), ("curved current", ["curvature_perV"])]
  }

  func validate() throws {
    let check = SettingCheck<DeviceError>()
    try check.positive(contact_S, "contact_S", unit: "S")
    try check.positive(decay_nm, "decay_nm", unit: "nm")
    try check.within(curvature_perV, 0...40, "curvature_perV", unit: "1/V")
    try check.notNegative(smallest_nm, "smallest_nm", unit: "nm")
    try check.require(
      largest_nm > smallest_nm && largest_nm <= 10, "largest_nm", largest_nm,
      "above smallest_nm (\(smallest_nm) nm), at most 10 nm")
    try check.notNegative(gapError_nm, "gapError_nm", unit: "nm")
  }

  func cells(_ shape: [Int], using random: inout RandomStream) throws -> any CellArray {
    TunnelGapCells(device: self, gap: try Tensor(repeating: largest_nm, shape: shape))
  }

  /// Siemens at small voltages for a gap in nanometres.
  private func conductance(_ gap: Float) -> Float { contact_S * exp(-gap / decay_nm) }
}

/// Cells of `TunnelGap`; what they keep is their gaps.
struct TunnelGapCells: CellArray {
  let device: TunnelGap
  /// In nanometres.
  var gap: Tensor<Float>
  var shape: [Int] { gap.shape }
  var isOhmic: Bool { device.curvature_perV == 0 }

  func conductance(at time: Double) throws -> Tensor<Float> { try exp(gap * (-1 / device.decay_nm)) * device.contact_S }

  func readVariance(at time: Double, duration: Double) throws -> Tensor<Float>? { nil }

  func current(_ volts: Tensor<Float>, at time: Double) throws -> Tensor<Float> {
    let curvature = device.curvature_perV
    return try conductance(at: time) * (curvature == 0 ? volts : sinh(volts * curvature) * (1 / curvature))
  }

  mutating func write(_ target: Tensor<Float>, at time: Double, using random: inout RandomStream) throws -> Writing {
    try check(target.shape, "target")
    let aim = try log(target.detached().clamped(to: device.window) * (1 / device.contact_S)) * -device.decay_nm
    let error: Tensor<Float> = try random.normal(shape, standardDeviation: device.gapError_nm)
    gap = try (aim + error).clamped(to: device.smallest_nm...device.largest_nm)
    return Writing(pulses: Double(target.count))
  }

  mutating func pulse(_ count: Tensor<Int32>, at time: Double, using random: inout RandomStream) throws -> Writing {
    throw DeviceError.notPulsed(kind: TunnelGap.kind)
  }
}
