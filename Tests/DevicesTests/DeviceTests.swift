import Devices
import Foundation
import Settings
import Substrates
import Tensors
import Testing

@Suite("Devices") struct DeviceTests {
  private let count = 40_000

  private func cells(_ device: RRAM, seed: UInt64 = 1) throws -> any CellArray {
    var random = RandomStream(seed: seed)
    return try device.cells([count], using: &random)
  }

  private func written(_ device: RRAM, to target: Float, seed: UInt64 = 1) throws -> any CellArray {
    var cells = try cells(device, seed: seed)
    var random = RandomStream(seed: seed).split("write")
    _ = try cells.write(Tensor(repeating: target, shape: [count]), at: 0, using: &random)
    return cells
  }

  /// Relative standard error of a standard deviation from `count` normal numbers, four of them.
  private var four: Float { 4 / Float(2 * count).squareRoot() }

  @Test("writing goes to the nearest level and leaves its two residues")
  func writing() throws {
    var device = RRAM().withoutFaults
    (device.lowest_S, device.highest_S, device.levels) = (0, 100e-6, 11)
    #expect(abs(try written(device, to: 43e-6).conductance(at: 0).max().item() - 40e-6) < 1e-10)
    device.levels = 0
    device.writeResidue = 0.02
    let additive = try written(device, to: 50e-6).conductance(at: 0)
    #expect(abs(try additive.variance().squareRoot().item() / 2e-6 - 1) < four)
    (device.writeResidue, device.relativeResidue) = (0, 0.05)
    let relative = try written(device, to: 40e-6).conductance(at: 0)
    #expect(abs(try relative.variance().squareRoot().item() / 2e-6 - 1) < four)
    // Means: standard error σ/√n, four of them.
    #expect(abs(try relative.mean().item() - 40e-6) < 4 * 2e-6 / Float(count).squareRoot())
  }

  @Test("reads fluctuate in proportion to the conductance")
  func reading() throws {
    var device = RRAM().withoutFaults
    device.readNoise = 0.03
    let cells = try written(device, to: 50e-6)
    let variance = try #require(try cells.readVariance(at: 0, duration: 1e-8))
    #expect(abs(try variance.max().item().squareRoot() / 1.5e-6 - 1) < 1e-5)
    device.readNoise = 0
    #expect(try written(device, to: 50e-6).readVariance(at: 0, duration: 1e-8) == nil)
  }

  @Test("stuck devices are the same at every write, half at each end, and do not age")
  func stuck() throws {
    var device = RRAM().withoutFaults
    (device.stuckFraction, device.relaxationPerDecade) = (0.2, 0.05)
    var cells = try written(device, to: 40e-6)
    func stuckOnes() throws -> [Int] {
      let g = try cells.conductance(at: 0).elements
      return g.indices.filter { abs(g[$0] - 40e-6) > 1e-9 && abs(g[$0] - 60e-6) > 1e-9 }
    }
    let first = try stuckOnes()
    // Binomial: √(n·p·q) is 80, four of them.
    #expect(abs(first.count - count / 5) < 320)
    var random = RandomStream(seed: 77)
    let writing = try cells.write(Tensor(repeating: 60e-6, shape: [count]), at: 0, using: &random)
    #expect(try stuckOnes() == first)
    #expect(writing.unreached == first.count)
    let (now, later) = (try cells.conductance(at: 0).elements, try cells.conductance(at: 1e6).elements)
    #expect(first.allSatisfy { now[$0] == later[$0] && (now[$0] == device.lowest_S || now[$0] == device.highest_S) })
    let high = first.count { now[$0] == device.highest_S }
    #expect(abs(high - first.count / 2) < 180)  // √(8000/4) = 45, four of them
  }

  @Test("relaxation follows the logarithm of time since the write, with an exponent of each device")
  func relaxation() throws {
    var device = RRAM().withoutFaults
    device.relaxationPerDecade = 0.02
    let cells = try written(device, to: 50e-6)
    for time in [9.0, 99, 999] {
      let expected = 50e-6 * (1 - 0.02 * Float(log10(1 + time)))
      #expect(abs(try cells.conductance(at: time).max().item() / expected - 1) < 1e-5)
    }
    device.relaxationSpread = 0.25
    let spread = try written(device, to: 50e-6)
    func exponents(_ time: Double) throws -> Tensor<Float> {
      try (spread.conductance(at: time) * Float(-1 / 50e-6) + 1) * Float(1 / log10(1 + time))
    }
    let (early, late) = (try exponents(9), try exponents(999))
    #expect(try (early - late).magnitude().max().item() < 1e-5)
    #expect(abs(try late.variance().squareRoot().item() / 0.005 - 1) < four)
  }

  @Test("pulses move conductances by their step and its spread, and stop at the window; others keep their age")
  func pulses() throws {
    var device = RRAM().withoutFaults
    (device.lowest_S, device.highest_S, device.pulseStep, device.pulseSpread) = (0, 100e-6, 0.01, 0.3)
    var cells = try written(device, to: 50e-6)
    var random = RandomStream(seed: 5)
    let writing = try cells.pulse(Tensor([Int32](repeating: -9, count: count), shape: [count]), at: 0, using: &random)
    #expect(writing.pulses == Double(9 * count))
    let moved = try cells.conductance(at: 0)
    // Nine steps of 1 µS; their spreads add as squares: 3 · 0.3 µS.
    #expect(abs(try moved.mean().item() - 41e-6) < 4 * 0.9e-6 / Float(count).squareRoot())
    #expect(abs(try moved.variance().squareRoot().item() / 0.9e-6 - 1) < four)
    _ = try cells.pulse(Tensor([Int32](repeating: 1000, count: count), shape: [count]), at: 0, using: &random)
    #expect(try cells.conductance(at: 0).min().item() == device.highest_S)

    (device.pulseSpread, device.relaxationPerDecade) = (0, 0.1)
    var some = try written(device, to: 50e-6)
    var counts = [Int32](repeating: 0, count: count)
    counts[7] = 1
    _ = try some.pulse(Tensor(counts, shape: [count]), at: 9, using: &random)
    let g = try some.conductance(at: 99).elements
    #expect(abs(g[0] / 40e-6 - 1) < 1e-5)  // two decades since the write
    let expected = (50e-6 * 0.9 + 1e-6) * (1 - 0.1 * Float(log10(91.0)))
    #expect(abs(g[7] / expected - 1) < 1e-5)
  }

  @Test("an ideal device stores what it is given")
  func ideal() throws {
    var random = RandomStream(seed: 1)
    var cells = try IdealDevice().cells([3], using: &random)
    _ = try cells.write(Tensor([2e-6, 50e-6, 1]), at: 0, using: &random)
    #expect(try cells.conductance(at: 1e9).elements == [2e-6, 50e-6, 100e-6])
    _ = try cells.pulse(Tensor([1, -1, 0]), at: 0, using: &random)
    let step: Float = 0.01 * (100e-6 - 1e-6)
    #expect(
      zip(try cells.conductance(at: 0).elements, [2e-6 + step, 50e-6 - step, 100e-6]).allSatisfy {
        abs($0 - $1) < 1e-11
      })
  }

  @Test("a measured device gives back the errors and spreads it was made from, and obeys its own settings alone")
  func measured() throws {
    var stream = RandomStream(seed: 8)
    var pairs: [(target: Float, stored: Float)] = []
    for target in [10e-6, 50e-6, 90e-6] as [Float] {
      let errors: Tensor<Float> = try stream.normal([4000], mean: target / 10, standardDeviation: 1e-6)
      pairs += errors.elements.map { (target, target + $0) }
    }
    var device = try MeasuredDevice(pairs)
    device.pulsesPerWrite = 3
    var cells = try device.cells([20_000], using: &stream)
    let writing = try cells.write(Tensor(repeating: 30e-6, shape: [20_000]), at: 0, using: &stream)
    #expect(writing.pulses == 60_000)
    let stored = try cells.conductance(at: 0)
    // Halfway between 10 and 50 µS the mean error is 3 µS; standard errors are 1 µS/√20000 and /√4000, four of each.
    #expect(abs(try stored.mean().item() - 33e-6) < 1e-7)
    #expect(abs(try stored.variance().squareRoot().item() - 1e-6) < 5e-8)
    #expect(throws: DeviceError.tooFewMeasurements(target: 1, found: 1)) { try MeasuredDevice([(1, 1)]) }
    #expect(throws: DeviceError.notPulsed(kind: "measured")) {
      try cells.pulse(Tensor([Int32](repeating: 1, count: 20_000)), at: 0, using: &stream)
    }
  }

  @Test("a word selects a device and its keys alone; one from outside is known by its word too")
  func words() throws {
    let keys = try ConfigurationValue(encoding: DeviceChoice(RRAM())).leaves().map(\.key)
    #expect(keys.contains("kind") && keys.contains("writeResidue") && !keys.contains("file"))
    let measured = try ConfigurationValue(encoding: DeviceChoice(MeasuredDevice())).leaves().map(\.key)
    #expect(measured.sorted() == ["file", "isExact", "kind", "pulsesPerWrite", "readNoise"])
    DeviceChoice.add(SinhDevice.self)
    let tree = ConfigurationValue.map([
      "kind": .string("sinh"), "lowest_S": .number(2e-6), "highest_S": .number(3e-6), "scale_V": .number(0.2),
    ])
    let choice = try tree.decoded(DeviceChoice.self)
    #expect((choice.model as? SinhDevice)?.scale_V == 0.2)
    #expect(try ConfigurationValue(encoding: choice).decoded(DeviceChoice.self) == choice)
    #expect(try DeviceChoice.variants()["sinh"] != nil)
    let error = try #require(throws: DeviceError.self) {
      try ConfigurationValue.map(["kind": .string("rrma")]).decoded(DeviceChoice.self)
    }
    #expect(error.description.contains("`rram`"))
  }

  @Test("impossible parameters are refused by name", arguments: ["window", "reversed", "levels", "noise", "file"])
  func refusals(what: String) throws {
    var device = RRAM()
    let expected: String
    switch what {
    case "window": (device.highest_S, expected) = (device.lowest_S, "highest_S")
    case "reversed": (device.lowest_S, device.highest_S, expected) = (5e-6, 1e-6, "highest_S")
    case "levels": (device.levels, expected) = (1, "levels")
    case "noise": (device.readNoise, expected) = (.nan, "readNoise")
    default: expected = "file"
    }
    let error = try #require(throws: DeviceError.self) {
      if what == "file" { try MeasuredDevice().validate() } else { try device.validate() }
    }
    guard case .invalidSetting(let key, _, _) = error else { return #expect(Bool(false), "\(error)") }
    #expect(key == expected)
  }

  @Test("pulses of the wrong polarity and counts of the wrong shape are refused")
  func pulseRefusals() throws {
    var random = RandomStream(seed: 1)
    var cells = try SinhDevice().cells([2], using: &random)
    #expect(throws: DeviceError.onePolarity(kind: "sinh")) { try cells.pulse(Tensor([1, -1]), at: 0, using: &random) }
    #expect(throws: TensorError.self) { try cells.pulse(Tensor([1, 1, 1]), at: 0, using: &random) }
  }
}
