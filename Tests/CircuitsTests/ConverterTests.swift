import Circuits
import Devices
import Foundation
import Substrates
import Tensors
import Testing

@Suite("Converters of arrays") struct ConverterTests {
  private typealias A = Arrays

  @Test("a finer output converter comes nearer, by half a step of the range", arguments: [4, 6, 8, 10])
  func fixedRange(bits: Int) throws {
    let (w, x) = (try A.random([16, 8], "w"), try A.random([40, 16], "x"))
    var macro = A.macro()
    (macro.output.bits, macro.output.ranging, macro.output.range) = (bits, .fixed, 6)
    var mapping = DifferentialMapping()
    mapping.scaling.over = .matrix
    macro.mapping = MappingChoice(mapping)
    var (bar, context) = try A.crossbar(w, macro)
    let y = try bar.apply(x, in: &context)
    // Half a step of the range ±6, times the largest input and weight, both of which scale it down; nothing is clipped here.
    let halfStep = 6 / Float((1 << (bits - 1)) - 1) / 2
    #expect(try A.difference(y, matmul(x, w)) <= halfStep * 1.001)
    #expect(context.activity.total(.outputConverter, .clipped) == 0)
  }

  @Test("calibrated from data, few bits do much better than with all that an array can give", arguments: [3, 4, 6, 8])
  func calibrated(bits: Int) throws {
    let (w, x) = (try A.random([128, 32], "w"), try A.random([400, 128], "x"))
    let exact = try matmul(x, w)
    var macro = A.macro()
    macro.output.bits = bits
    var (bar, context) = try A.crossbar(w, macro)
    func error() throws -> Float { try (bar.apply(x, in: &context) - exact).squared().mean().item() }
    let full = try error()
    #expect(context.activity.total(.outputConverter, .uncalibrated) == 400 * 32)
    try bar.calibrate(A.random([300, 128], "other"), from: .rows, in: &context)
    context.activity = Activity()
    let calibrated = try error()
    #expect(context.activity.total(.outputConverter, .uncalibrated) == 0)
    // Sums of 128 products reach a sixth of what an array can give (Σ|w| = 64 against √(128/9) = 3.8, of which the largest of
    // thousands is four times as much): five times smaller steps, 25 times less error; half of that is asked for.
    #expect(calibrated < full / 12)
    // What is clipped is little: the best range of a converter of 8 bits leaves less than one in a hundred.
    let clipped = context.activity.total(.outputConverter, .clipped) / (400 * 32)
    #expect(clipped < (bits >= 6 ? 0.01 : 0.2))
  }

  @Test("one bit at the inputs and outputs carries signs")
  func oneBit() throws {
    let w = try Tensor<Float>.identity(4)
    var macro = A.macro()
    (macro.input.bits, macro.output.bits) = (1, 1)
    var (bar, context) = try A.crossbar(w, macro)
    let y = try bar.apply(Tensor([[0.5, -0.2, 0.1, -1]]), in: &context)
    #expect(zip(y.elements, [1, -1, 1, -1]).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test("the ledger: reads, conversions, steps, turns and joules of what was really read")
  func ledger() throws {
    let (w, x) = (try A.random([70, 50], "w"), try A.random([3, 70], "x"))
    var macro = Macro()
    (macro.rows, macro.columns) = (32, 20)
    var (bar, context) = try A.crossbar(w, macro, RRAM().withoutFaults)
    let ledger = context.activity
    #expect(ledger.total(.cell, .pulse) == 2 * 70 * 50 * 10)
    // Arrays side by side, rows together: ten pulses for each of 20 columns.
    #expect(ledger.total(.cell, .pulseTurn) == 200)
    context.activity = Activity()
    _ = try bar.apply(x, in: &context)
    let read = context.activity
    #expect(read.total(.cell, .read) == 3 * 2 * 70 * 50)
    // Five columns of arrays each take all inputs; three rows of arrays each give all outputs.
    #expect(read.total(.inputConverter, .conversion) == 3 * 70 * 5)
    #expect(read.total(.outputConverter, .conversion) == 3 * 50 * 3)
    #expect(read.total(.array, .step) == 3)
    #expect(read.total(.outputConverter, .turn) == 3 * 8)
    // Scaling 70 inputs twice (compare, multiply), adding three partial sums, scaling results: for each of three vectors.
    #expect(read.total(.integerLogic, .operation) == 3 * Double(2 * 70 + 50 * 2 + 50))
    // ΣV²·G·t from the definition: each weight's pair conducts Glow + Glow + |w|/wmax·ΔG, inputs are scaled to 0.1 V.
    let (low, unit): (Float, Float) = (1e-6 + 0.03 * 99e-6, 0.94 * 99e-6)
    let pair = try w.magnitude() / w.magnitude().max(axes: [0], keepingAxes: true) * unit + 2 * low
    let volts = try x / x.magnitude().max(axes: [1], keepingAxes: true) * 0.1
    let expected = Double(try matmul(volts.squared(), pair).sum().item()) * 10e-9
    // Inputs of 8 bits differ from these by half a step in 127, with both signs: 0.4 % at most in the square, less in the sum.
    #expect(abs(read.total(.cell, .joule) / expected - 1) < 0.004)
  }

  @Test("the inventory has cells, arrays and shared converters with their bits")
  func inventory() throws {
    var macro = Macro()
    (macro.rows, macro.columns, macro.output.bits) = (32, 20, 6)
    let (bar, _) = try A.crossbar(A.random([70, 50], "w"), macro)
    let inventory = bar.inventory
    #expect(inventory.count(.cell) == 2 * 70 * 50)
    #expect(inventory.count(.array) == 15)
    // Ten outputs of each array share two converters.
    #expect(inventory.count(.outputConverter, bits: 6) == 15 * 2)
    #expect(inventory.count(.inputConverter, bits: 8) == 5 * 70)
  }
}
