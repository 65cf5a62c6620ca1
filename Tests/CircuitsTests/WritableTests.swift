import Circuits
import Devices
import Foundation
import Substrates
import Tensors
import Testing

/// What systems ask of a stored matrix beyond a product.
@Suite("Stored matrices that change") struct WritableTests {
  private typealias A = Arrays

  @Test("written again: the new product; stuck cells stay, other errors are drawn anew")
  func writtenAgain() throws {
    let (w, v, x) = (try A.random([30, 20], "w"), try A.random([30, 20], "v"), try A.random([4, 30], "x"))
    var (bar, context) = try A.crossbar(w, A.macro())
    try bar.write(v, in: &context)
    #expect(try A.difference(bar.apply(x, in: &context), matmul(x, v)) < 1e-4)
    #expect(throws: TensorError.self) { try bar.write(x, in: &context) }

    var device = RRAM().withoutFaults
    (device.stuckFraction, device.writeResidue) = (0.05, 0.01)
    (bar, context) = try A.crossbar(w, A.macro(), device)
    func wrong(_ bar: Crossbar, by least: Float) throws -> Set<Int> {
      var context = context
      let found = try bar.readBack(in: &context).elements
      let wanted = w.elements
      return Set(found.indices.filter { abs(found[$0] - wanted[$0]) > least })
    }
    // Errors of writing are 0.015; what is wrong by 20 of them is stuck.
    let first = (try wrong(bar, by: 0.3), try bar.readBack(in: &context))
    let writing = try bar.write(w, in: &context)
    let second = try wrong(bar, by: 0.2)
    #expect(first.0.isSubset(of: second) && !first.0.isEmpty && writing.unreached >= first.0.count)
    #expect(try bar.readBack(in: &context) != first.1)
  }

  @Test("pulsed: weights move by the device's step, in their own units; the ledger has the pulses")
  func pulsed() throws {
    let w = try A.random([30, 20], "w") * 0.5
    for mapping in [DifferentialMapping() as any WeightMapping, OffsetMapping()] {
      var macro = A.macro(mapping)
      macro.rows = 16
      var (bar, context) = try A.crossbar(w, macro)
      let before = try bar.readBack(in: &context)
      let pulses = context.activity.total(.cell, .pulse)
      let counts = (0..<600).map { Int32($0 % 5) - 2 }
      try bar.pulse(Tensor(counts, shape: [30, 20]), in: &context)
      let moved = try (bar.readBack(in: &context) - before).elements
      #expect(context.activity.total(.cell, .pulse) - pulses == Double(counts.reduce(0) { $0 + abs($1) }))
      let scales = try w.magnitude().max(axes: [0]).elements
      // A pulse is 1 % of the window; 94 % of it (or half of that) stand for the largest weight of a column.
      let unit: Float = 0.01 / (mapping is OffsetMapping ? 0.47 : 0.94)
      for i in counts.indices {
        let expected = Float(counts[i]) * unit * scales[i % 20]
        // A cell at the low end of its margin has three steps below it.
        #expect(abs(moved[i] - expected) < 2e-5)
      }
    }
    var (bar, context) = try A.crossbar(w, A.macro(BitSliceMapping()))
    #expect(throws: CircuitError.self) {
      try bar.pulse(Tensor([Int32](repeating: 1, count: 600), shape: [30, 20]), in: &context)
    }
    (bar, context) = try A.crossbar(w, A.macro())
    #expect(throws: TensorError.self) { try bar.pulse(Tensor([1, 2]), in: &context) }
  }

  @Test("aged to any later time, not to an earlier one")
  func aged() throws {
    let w = try A.random([30, 20], "w")
    var device = RRAM().withoutFaults
    (device.lowest_S, device.relaxationPerDecade) = (0, 0.03)
    var macro = A.macro()
    var mapping = DifferentialMapping()
    mapping.margin = 0
    macro.mapping = MappingChoice(mapping)
    var (bar, context) = try A.crossbar(w, macro, device)
    for time in [9.0, 999] {
      try bar.age(to: time)
      let expected = try w * (1 - 0.03 * Float(log10(1 + time)))
      #expect(try A.difference(bar.readBack(in: &context), expected) < 1e-5)
    }
    #expect(throws: TensorError.self) { try bar.age(to: 10) }
    try bar.write(w, in: &context)
    #expect(try A.difference(bar.readBack(in: &context), w) < 1e-5)
  }

  @Test("inputs outside the domain are refused; binary and light inputs go in as they are")
  func domains() throws {
    let w = try A.random([6, 4], "w")
    var macro = A.macro()
    macro.input.domain = .unsigned
    macro.input.bits = 4
    var (bar, context) = try A.crossbar(w, macro)
    #expect(throws: TensorError.self) { try bar.apply(Tensor([[1, 0, -0.1, 0, 0, 0]]), in: &context) }
    // Sixteen levels from 0 to the largest input, where signed inputs have seven on each side.
    let fifteenths = try Tensor<Float>([[0, 1, 2, 7, 14, 15]])
    #expect(try A.difference(bar.apply(fifteenths, in: &context), matmul(fifteenths, w)) < 1e-4)

    macro.input.domain = .binary
    (bar, context) = try A.crossbar(w, macro)
    #expect(throws: TensorError.self) { try bar.apply(Tensor([[1, 0, 0.5, 0, 0, 0]]), in: &context) }
    let bits = try Tensor<Float>([[1, 0, 1, 1, 0, 0]])
    #expect(try A.difference(bar.apply(bits, in: &context), matmul(bits, w)) < 1e-5)
    #expect(context.activity.entries.contains { $0.key.part == .inputConverter && $0.key.bits == 1 })

    (bar, context) = try A.crossbar(w, A.macro(), Photodiode())
    #expect(bar.domain == .light)
    #expect(throws: TensorError.self) { try bar.apply(Tensor([[1, 0, -1, 0, 0, 0]]), in: &context) }
    let light = try Tensor<Float>([[0.3, 0, 1, 0.25, 0.1, 0]])
    #expect(try A.difference(bar.apply(light, in: &context), matmul(light, w)) < 1e-5)
    #expect(context.activity.total(.inputConverter, .conversion) == 0)
  }

  @Test("cells that are not ohmic: currents are their sums at the true voltages")
  func largeSignal() throws {
    let (w, x) = (try A.random([40, 6], "w"), try A.random([5, 40], "x"))
    var macro = A.macro()
    (macro.rows, macro.readVoltage_V) = (16, 0.25)
    var (bar, context) = try A.crossbar(w, macro, Diode())
    // Each vector is scaled to ±1, the voltages are 0.25 V times that; one weight conducts sinh(v/V₀)·V₀/0.25 of its share.
    let top = try x.magnitude().max(axes: [1], keepingAxes: true)
    let bent = try sinh(x / top * (0.25 / Diode.scale_V)) * (Diode.scale_V / 0.25) * top
    #expect(try A.difference(bar.apply(x, in: &context), matmul(bent, w)) < 1e-4)
    #expect(try A.difference(bar.apply(x, in: &context), matmul(x, w)) > 0.1)
  }

  @Test("hardware-aware training: values from the cells, gradients of the exact product to inputs and weights")
  func shadow() throws {
    let (w, x) = (try A.random([6, 4], "w"), try A.random([3, 6], "x"))
    var device = RRAM().withoutFaults
    device.writeResidue = 0.05
    let pair = try A.crossbar(w, A.macro(), device)
    let (bar, initial) = pair
    var context = initial
    var value = try Tensor<Float>.zeros([1])
    let (_, gradients) = try valueAndGradient(at: x, w) { x, w in
      let y = try bar.apply(x, shadow: w, in: &context)
      value = y.detached()
      return try y.squared().sum()
    }
    let upstream = try value * 2
    #expect(try A.difference(gradients.0, matmul(upstream, w, transposingB: true)) < 1e-4)
    #expect(try A.difference(gradients.1, matmul(x, upstream, transposingA: true)) < 1e-4)
    #expect(try A.difference(value, matmul(x, w)) > 1e-3)
    // Without shadow weights the gradient is that of what is stored.
    let stored = try bar.readBack(in: &context)
    let (_, plain) = try valueAndGradient(at: x) { try bar.apply($0, in: &context).sum() }
    #expect(try A.difference(plain, matmul(.ones([3, 4]), stored, transposingB: true)) < 1e-4)
  }
}

/// A cell that conducts V₀·sinh(v/V₀).
private struct Diode: DeviceModel {
  static let kind = "diode"
  static let scale_V: Float = 0.1
  var window: ClosedRange<Float> { 1e-6...11e-6 }
  var withoutFaults: Diode { self }
  var faults: [(name: String, keys: [String])] { [] }
  func validate() {}
  func cells(_ shape: [Int], using random: inout RandomStream) throws -> any CellArray {
    Stored(stored: try Tensor(repeating: 1e-6, shape: shape), isOhmic: false)
  }
}

/// A cell whose current is light × responsivity.
private struct Photodiode: DeviceModel {
  static let kind = "photodiode"
  var window: ClosedRange<Float> { 0...1e-6 }
  var domain: InputDomain { .light }
  var withoutFaults: Photodiode { self }
  var faults: [(name: String, keys: [String])] { [] }
  func validate() {}
  func cells(_ shape: [Int], using random: inout RandomStream) throws -> any CellArray {
    Stored(stored: try .zeros(shape), isOhmic: true)
  }
}

private struct Stored: CellArray {
  var stored: Tensor<Float>
  let isOhmic: Bool
  var shape: [Int] { stored.shape }
  func conductance(at time: Double) -> Tensor<Float> { stored }
  func readVariance(at time: Double, duration: Double) -> Tensor<Float>? { nil }
  func current(_ volts: Tensor<Float>, at time: Double) throws -> Tensor<Float> {
    try isOhmic ? stored * volts : stored * (sinh(volts * (1 / Diode.scale_V)) * Diode.scale_V)
  }
  mutating func pulse(_ count: Tensor<Int32>, at time: Double, using random: inout RandomStream) throws -> Writing {
    throw DeviceError.notPulsed(kind: "stored")
  }
  mutating func write(_ target: Tensor<Float>, at time: Double, using random: inout RandomStream) -> Writing {
    stored = target.detached()
    return Writing(pulses: Double(target.count))
  }
}
