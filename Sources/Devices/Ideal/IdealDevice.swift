import Settings
import Substrates
import Tensors

/// A cell that stores exactly what it is given, for ever, and reads it without noise: a window and nothing else.
///
/// It can be pulsed: one pulse changes the conductance by a part of the window, and ends at its bounds.
public struct IdealDevice: DeviceModel {
  public static let kind = "ideal"
  /// Lowest conductance of the window, in siemens.
  public var lowest_S: Float = 1e-6
  /// Highest conductance of the window, in siemens.
  public var highest_S: Float = 100e-6
  /// What one pulse changes, as a fraction of the window's width.
  public var pulseStep: Float = 0.01

  public init() {}

  public var window: ClosedRange<Float> { lowest_S...Swift.max(lowest_S, highest_S) }
  public var withoutFaults: IdealDevice { self }
  public var faults: [(name: String, keys: [String])] { [] }

  public func validate() throws {
    let check = SettingCheck<DeviceError>()
    try check.window(lowest_S, highest_S)
    try check.fraction(pulseStep, "pulseStep")
  }

  public func cells(_ shape: [Int], using random: inout RandomStream) throws -> any CellArray {
    IdealCells(device: self, stored: try Tensor(repeating: lowest_S, shape: shape))
  }
}

private struct IdealCells: CellArray {
  let device: IdealDevice
  var stored: Tensor<Float>
  var shape: [Int] { stored.shape }

  func conductance(at time: Double) -> Tensor<Float> { stored }
  func readVariance(at time: Double, duration: Double) -> Tensor<Float>? { nil }

  mutating func pulse(_ count: Tensor<Int32>, at time: Double, using random: inout RandomStream) throws -> Writing {
    try check(count.shape, "count")
    let step = device.pulseStep * (device.highest_S - device.lowest_S)
    stored = try (stored + Tensor(count.elements.map { Float($0) * step }, shape: shape)).clamped(to: device.window)
    return Writing(pulses: count.elements.reduce(0) { $0 + abs(Double($1)) })
  }

  mutating func write(_ target: Tensor<Float>, at time: Double, using random: inout RandomStream) throws -> Writing {
    try check(target.shape, "target")
    stored = try target.detached().clamped(to: device.window)
    return Writing(pulses: Double(target.count))
  }
}
