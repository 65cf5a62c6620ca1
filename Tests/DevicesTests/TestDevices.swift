import Devices
import Foundation
import Settings
import Substrates
import Tensors

/// i = G·V₀·sinh(v/V₀): not ohmic, pulsed in one direction, exact otherwise. What a user's own device looks like.
struct SinhDevice: DeviceModel {
  static let kind = "sinh"
  var lowest_S: Float = 1e-6
  var highest_S: Float = 11e-6
  /// V₀, in volts.
  var scale_V: Float = 0.1
  init() {}
  var window: ClosedRange<Float> { lowest_S...highest_S }
  var withoutFaults: SinhDevice { self }
  var faults: [(name: String, keys: [String])] { [] }
  func validate() throws { try SettingCheck<DeviceError>().window(lowest_S, highest_S) }
  func cells(_ shape: [Int], using random: inout RandomStream) throws -> any CellArray {
    SinhCells(device: self, stored: try Tensor(repeating: lowest_S, shape: shape))
  }
}

struct SinhCells: CellArray {
  let device: SinhDevice
  var stored: Tensor<Float>
  var shape: [Int] { stored.shape }
  var isOhmic: Bool { false }
  func conductance(at time: Double) -> Tensor<Float> { stored }
  func readVariance(at time: Double, duration: Double) -> Tensor<Float>? { nil }
  func current(_ volts: Tensor<Float>, at time: Double) throws -> Tensor<Float> {
    try stored * (sinh(volts * (1 / device.scale_V)) * device.scale_V)
  }
  mutating func pulse(_ count: Tensor<Int32>, at time: Double, using random: inout RandomStream) throws -> Writing {
    try check(count.shape, "count")
    if count.elements.contains(where: { $0 < 0 }) { throw DeviceError.onePolarity(kind: SinhDevice.kind) }
    let step = 0.01 * (device.highest_S - device.lowest_S)
    stored = try (stored + Tensor(count.elements.map { Float($0) * step }, shape: shape)).clamped(to: device.window)
    return Writing(pulses: count.elements.reduce(0) { $0 + Double($1) }, energy_J: 1e-12, seconds: 1e-7)
  }
  mutating func write(_ target: Tensor<Float>, at time: Double, using random: inout RandomStream) throws -> Writing {
    try check(target.shape, "target")
    stored = try target.clamped(to: device.window)
    return Writing(pulses: Double(target.count))
  }
}
