import Chips
import Circuits
import Devices
import Foundation
import Substrates
import Tensors
import Testing

@Suite("Crossbar") struct CrossbarTests {
  private func exactMacro() -> Macro {
    var macro = Macro()
    macro.device = .ideal
    (macro.inputBits, macro.outputBits) = (0, 0)
    return macro
  }

  private func random(_ shape: [Int], _ name: String) throws -> Tensor<Float> {
    var stream = RandomStream(seed: 11).split(name)
    return try stream.uniform(shape, in: -1...1)
  }

  @Test("ideal cells and converters give the exact product, on one array or many")
  func exact() throws {
    let w = try random([70, 50], "w")
    let x = try random([9, 70], "x")
    let expected = try matmul(x, w)
    for (rows, columns) in [(128, 128), (32, 20), (1, 2)] {
      var macro = exactMacro()
      (macro.rows, macro.columns) = (rows, columns)
      var context = ForwardContext()
      let bar = try Crossbar(weights: w, macro: macro, in: &context)
      #expect(bar.arrays == ((70 + rows - 1) / rows) * ((50 + columns / 2 - 1) / (columns / 2)))
      // Conductances are differences of numbers near 1e-4 S in single precision: 6e-8 relative, over 70 terms.
      #expect(try (bar.apply(x, in: &context) - expected).magnitude().max().item() < 1e-4)
    }
  }

  @Test("a finer output converter comes nearer", arguments: [4, 6, 8, 10])
  func converter(bits: Int) throws {
    let w = try random([16, 8], "w")
    let x = try random([40, 16], "x")
    var macro = exactMacro()
    macro.outputBits = bits
    var context = ForwardContext()
    let y = try Crossbar(weights: w, macro: macro, in: &context).apply(x, in: &context)
    // Half a step of the range ±12, times the largest input (1) and weight (1), both of which scale it down.
    let halfStep = 12 / Float((1 << (bits - 1)) - 1) / 2
    #expect(try (y - matmul(x, w)).magnitude().max().item() <= halfStep * 1.001)
  }

  @Test("programming errors have their spread, read noise too, and both average out")
  func noise() throws {
    let w = try random([100, 60], "w")
    let x = try random([400, 100], "x")
    var macro = exactMacro()
    macro.device.writeResidue = 0.01
    macro.device.lowest_S = 50e-6  // far from the window's lower end, where the spread would be cut off
    macro.device.highest_S = 150e-6
    var context = ForwardContext(random: RandomStream(seed: 5))
    let exact = try matmul(x, w)
    // Each of the two cells errs by σ·ΔG, but only upwards at the ends of the window: cells at Gmin, half of them, are
    // clamped there. A clamped normal has the variance σ²·(1/2 − 1/(2π)), and so the pair σ²·(3/2 − 1/(2π)).
    let error = try (Crossbar(weights: w, macro: macro, in: &context).apply(x, in: &context) - exact)
    let mean = try error.mean(axes: [0], keepingAxes: true)
    let found = try (error - mean).squared().mean().item()
    let power = try x.squared().sum(axes: [1]).mean().item()
    let expected = 0.01 * 0.01 * (1.5 - 1 / (2 * Float.pi)) * power
    // 60 columns of 100 independent cell pairs: relative error of the variance about √(2/6000) = 1.8 %; four of them, and
    // the offset of clamped cells that the mean does not take out.
    #expect(abs(found / expected - 1) < 0.1)

    macro.device.writeResidue = 0
    macro.device.readNoise = 0.02
    let bar = try Crossbar(weights: w, macro: macro, in: &context)
    let first = try bar.apply(x, in: &context)
    let second = try bar.apply(x, in: &context)
    #expect(first != second)
    // Var = Σ x²·σ²(G⁺² + G⁻²)/ΔG², times w_max²; computed here from the same conductances.
    let g = try w.magnitude() * 100e-6 + 50e-6
    let variance = try matmul(
      x.squared(), (g.squared() + Float(50e-6 * 50e-6)) * Float(0.02 * 0.02 / (100e-6 * 100e-6)))
    let ratio = try ((first - exact).squared().mean() / variance.mean()).item()
    // 24,000 draws: √(2/24000) = 0.9 %, four of them.
    #expect(abs(ratio - 1) < 0.04)
  }

  @Test("activity counts cells, conversions, pulses and steps; costs follow from it")
  func activity() throws {
    var macro = Macro()
    (macro.rows, macro.columns) = (32, 20)
    var context = ForwardContext()
    let bar = try Crossbar(weights: random([70, 50], "w"), macro: macro, in: &context)
    #expect(context.activity.pulses == 2 * 70 * 50 * 10)
    _ = try bar.apply(random([3, 70], "x"), in: &context)
    #expect(context.activity.cellReads == 3 * 2 * 70 * 50)
    // Five columns of arrays each take all inputs; three rows of arrays each give all outputs.
    #expect(context.activity.inputConversions == 3 * 70 * 5)
    #expect(context.activity.outputConversions == 3 * 50 * 3)
    #expect(context.activity.serialSteps == 3)
    let model = CostModel()
    let cost = model.cost(of: context.activity, macro: macro, meanConductance: 50e-6)
    let expected = 3.0 * 7000 * 0.01 / 3 * 50e-6 * 11e-9 + 1050 * 0.5e-12 + 450 * 2e-12
    #expect(abs(cost.energy_J / expected - 1) < 1e-6)
    #expect(abs(cost.latency_s / (3 * (11e-9 + 8e-9)) - 1) < 1e-9)
  }

  @Test("gradients on arrays are those of the stored matrix")
  func gradient() throws {
    let w = try random([6, 4], "w")
    let x = try random([3, 6], "x")
    var context = ForwardContext(isTraining: true)
    let bar = try Crossbar(weights: w, macro: exactMacro(), in: &context)
    let (_, gradient) = try valueAndGradient(at: x) { try bar.apply($0, in: &context).sum() }
    let expected = try matmul(.ones([3, 4]), w, transposingB: true)
    #expect(try (gradient - expected).magnitude().max().item() < 1e-4)
  }

  @Test("settings that no circuit has are refused by name")
  func refusals() throws {
    var macro = Macro()
    macro.columns = 7
    #expect(throws: CircuitError.invalidSetting("columns", found: "7", expected: "an even number, 2 to 65536")) {
      try Analog(macro)
    }
    var context = ForwardContext()
    #expect(throws: CircuitError.weightsNotFinite) {
      try Crossbar(weights: Tensor([[Float.nan, 1]]), macro: Macro(), in: &context)
    }
  }

  @Test("a measured device gives back the errors and spreads it was made from")
  func measured() throws {
    var stream = RandomStream(seed: 8)
    var pairs: [(target: Float, stored: Float)] = []
    for target in [10e-6, 50e-6, 90e-6] as [Float] {
      let errors: Tensor<Float> = try stream.normal([4000], mean: target / 10, standardDeviation: 1e-6)
      pairs += errors.elements.map { (target, target + $0) }
    }
    let device = try MeasuredDevice(pairs)
    let stored = try device.programmed(Tensor(repeating: 30e-6, shape: [20_000]), using: &stream)
    // Halfway between 10 and 50 µS the mean error is 3 µS; standard errors are 1 µS/√20000 and /√4000, four of each.
    #expect(abs(try stored.mean().item() - 33e-6) < 1e-7)
    #expect(abs(try stored.variance().squareRoot().item() - 1e-6) < 5e-8)
    #expect(throws: DeviceError.tooFewMeasurements(target: 1, found: 1)) { try MeasuredDevice([(1, 1)]) }
  }
}
