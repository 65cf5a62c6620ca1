import Foundation
import Substrates
import Tensors

/// Cells of `RRAM`.
struct RRAMCells: CellArray {
  let device: RRAM
  /// Conductance just after the last write or pulse, in siemens.
  private var stored: Tensor<Float>
  /// When that was: one number, or one for each cell after pulses to some of them.
  private var changed: Tensor<Float>
  /// ν of each device, where it is not 0.
  private let relaxation: Tensor<Float>?
  /// 1 where a device is stuck, and the conductances that those have.
  private let stuck: (mask: Tensor<Float>, value: Tensor<Float>)?
  private let stuckCount: Int

  var shape: [Int] { stored.shape }
  private var width: Float { device.highest_S - device.lowest_S }

  init(_ device: RRAM, _ shape: [Int], using random: inout RandomStream) throws {
    self.device = device
    var devices = random.split("devices")
    changed = try Tensor(0)
    if device.relaxationPerDecade > 0 {
      relaxation = try devices.normal(
        shape, mean: device.relaxationPerDecade,
        standardDeviation: device.relaxationPerDecade * device.relaxationSpread)
    } else {
      relaxation = nil
    }
    var conductance = try Tensor<Float>(repeating: device.lowest_S, shape: shape)
    if device.stuckFraction > 0 {
      let draw: Tensor<Float> = try devices.uniform(shape, in: 0...1)
      let low = try draw .< (device.stuckFraction / 2)
      let high = try draw .> (1 - device.stuckFraction / 2)
      let value = try conductance.filled(with: device.highest_S, where: high)
      let mask = try low + high
      stuckCount = Int(try mask.sum().item())
      stuck = (mask, value)
      conductance = value
    } else {
      (stuck, stuckCount) = (nil, 0)
    }
    stored = conductance
  }

  func conductance(at time: Double) throws -> Tensor<Float> {
    guard let relaxation else { return stored }
    let since = try (changed * -1 + Float(time)).clamped(to: 0...Float.greatestFiniteMagnitude)
    let decades = try log(since + 1) * Float(1 / Foundation.log(10.0))
    let aged = try stored * (relaxation * decades * -1 + 1).clamped(to: 0...Float.greatestFiniteMagnitude)
    return try withStuck(aged)
  }

  func readVariance(at time: Double, duration: Double) throws -> Tensor<Float>? {
    device.readNoise > 0 ? try (conductance(at: time) * device.readNoise).squared() : nil
  }

  mutating func write(_ target: Tensor<Float>, at time: Double, using random: inout RandomStream) throws -> Writing {
    try check(target.shape, "target")
    var next = target.detached()
    if device.levels > 1 {
      let step = width / Float(device.levels - 1)
      next = try Quantiser.nearest(next - device.lowest_S, step: step) + device.lowest_S
    }
    if device.writeResidue > 0 {
      next = try next + random.normal(shape, standardDeviation: device.writeResidue * width)
    }
    if device.relativeResidue > 0 {
      next = try next * random.normal(shape, mean: 1, standardDeviation: device.relativeResidue)
    }
    stored = try withStuck(next.clamped(to: device.window))
    changed = try Tensor(Float(time))
    return Writing(pulses: Double(device.pulsesPerWrite) * Double(target.count), unreached: stuckCount)
  }

  mutating func pulse(_ count: Tensor<Int32>, at time: Double, using random: inout RandomStream) throws -> Writing {
    try check(count.shape, "count")
    let numbers = try Tensor(count.elements.map(Float.init), shape: shape)
    let moved = try numbers .!= Tensor<Float>(0)
    let present = try conductance(at: time)
    var step = try numbers * (device.pulseStep * width)
    if device.pulseSpread > 0 {
      let spread: Tensor<Float> = try random.normal(
        shape, standardDeviation: device.pulseStep * device.pulseSpread * width)
      step = try step + spread * numbers.magnitude().squareRoot()
    }
    let next = try (present + step).clamped(to: device.window)
    // Cells without a pulse keep their age.
    stored = try withStuck(Tensor.select(moved, next, stored))
    changed = try Tensor.select(moved, Tensor(Float(time)), changed.broadcast(to: shape))
    return Writing(pulses: count.elements.reduce(0) { $0 + abs(Double($1)) })
  }

  private func withStuck(_ x: Tensor<Float>) throws -> Tensor<Float> {
    guard let stuck else { return x }
    return try Tensor.select(stuck.mask, stuck.value, x)
  }
}
