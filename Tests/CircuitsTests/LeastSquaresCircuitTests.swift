import Circuits
import Devices
import Foundation
import Substrates
import Tensors
import Testing

/// Against the closed forms and the worked example of the specification of MIMO-OFDM baseband processing.
@Suite("Closed-loop least squares") struct LeastSquaresCircuitTests {
  private static let example: [Double] = [
    1, 0.3, -0.5, 0.2, 0, 0.8, 0.4, -0.1, 0.5, -0.2, 1, 0.3, -0.4, 0.1, 0, 0.8,
  ]
  private static let side = [1, 0.5, -1, 0.25]

  private func circuit(_ matrix: [Double], _ rows: Int, _ columns: Int, gain: Double) throws -> LeastSquaresCircuit {
    var amplifier = Amplifier()
    amplifier.gain = gain
    return try LeastSquaresCircuit(
      Tensor(matrix, shape: [rows, columns]), lowest_S: 0, highest_S: 1, amplifier: amplifier)
  }

  private func random(_ rows: Int, _ columns: Int, seed: UInt64) throws -> [Double] {
    var stream = RandomStream(seed: seed)
    let (re, im): (Tensor<Double>, Tensor<Double>) = (
      try stream.normal([rows / 2, columns / 2], standardDeviation: 0.5.squareRoot()),
      try stream.normal([rows / 2, columns / 2], standardDeviation: 0.5.squareRoot())
    )
    return try Tensor.concatenate(
      [Tensor.concatenate([re, im.negated()], axis: 1), Tensor.concatenate([im, re], axis: 1)], axis: 0
    ).elements
  }

  @Test("the worked example: zero forcing and ridge with a gain of 10⁴")
  func workedExample() throws {
    let forced = try circuit(Self.example, 4, 4, gain: 1e4)
    func close(_ a: [Double], _ b: [Double]) -> Bool { zip(a, b).allSatisfy { abs($0 - $1) < 1e-6 } }
    #expect(close(try forced.equilibrium(Self.side), [0.151406, 1.119015, -0.926220, 0.248229]))
    #expect(abs(try forced.slowestPole() + 0.131407) < 1e-6)
    let ridge = try Tensor<Double>.identity(4) * 0.1.squareRoot()
    let least = try circuit(Self.example + ridge.elements, 8, 4, gain: 1e4)
    #expect(close(try least.equilibrium(Self.side), [0.155492, 0.993232, -0.863140, 0.208410]))
    #expect(abs(try least.slowestPole() + 0.137739) < 1e-6)
  }

  @Test("the error falls as 1/gain")
  func finiteGain() throws {
    let matrix = try random(8, 8, seed: 4)
    let y = (0..<8).map { cos(Double($0)) }
    let exact = try solve(Tensor(matrix, shape: [8, 8]), Tensor(y, shape: [8, 1])).elements
    let gains = [1e4, 1e5, 1e6, 1e7]
    let errors = try gains.map { gain in
      let w = try circuit(matrix, 8, 8, gain: gain).equilibrium(y)
      return (zip(w, exact).reduce(0) { $0 + pow($1.0 - $1.1, 2) } / exact.reduce(0) { $0 + $1 * $1 }).squareRoot()
    }
    let slope = log10(errors[3] / errors[0]) / 3
    #expect(abs(slope + 1) < 0.03)
  }

  @Test("every loop is stable: 1,000 random matrices")
  func stability() throws {
    for seed in 0..<1000 {
      let (rows, columns) = [(4, 4), (8, 8), (16, 8), (8, 4)][seed % 4]
      let pole = try circuit(random(rows, columns, seed: UInt64(seed)), rows, columns, gain: 1e4).slowestPole()
      #expect(pole < 0)
    }
  }

  @Test("in time the loop reaches its equilibrium, at the rate of its slowest pole")
  func transient() throws {
    let matrix = try random(16, 8, seed: 7)
    let loop = try circuit(matrix, 16, 8, gain: 1e5)
    let y = (0..<16).map { sin(Double($0)) }
    let rest = try loop.equilibrium(y)
    let pole = try loop.slowestPole()
    let tau = 1 / (loop.angularBandwidth * -pole)
    // A fastest pole near 1 sets the step; late decay is the slowest one's alone.
    let step = 0.1 / loop.angularBandwidth
    let steps = Int(14 * tau / step)
    let path = try loop.transient(y, step_s: step, steps: steps).elements
    func distance(_ i: Int) -> Double {
      (0..<8).reduce(0) { $0 + pow(path[i * 8 + $1] - rest[$1], 2) }.squareRoot()
    }
    let (early, late) = (Int(8 * tau / step), Int(12 * tau / step))
    let rate = log(distance(early) / distance(late)) / (Double(late - early) * step)
    #expect(abs(rate * tau - 1) < 0.05)
    #expect(distance(steps) < 1e-4 * rest.map(abs).reduce(0, +))
  }

  /// Ideal parts but for gain and bandwidth.
  private func macro(_ change: (inout Macro) -> Void = { _ in }) -> Macro {
    var macro = Macro()
    (macro.input.bits, macro.output.bits) = (0, 0)
    change(&macro)
    return macro
  }

  private func problem(ridge: Float = 0) throws -> (LeastSquares, Tensor<Float>) {
    let matrix = try Tensor(Self.example.map { Float($0) }, shape: [1, 4, 4])
    return (
      try LeastSquares(matrix, ridge: ridge), try Tensor(Self.side.map { Float($0) }, shape: [1, 1, 4])
    )
  }

  @Test("a loop that is read before it has settled is off by what its poles leave")
  func timeout() throws {
    let (problem, y) = try problem()
    var context = ForwardContext(random: RandomStream(seed: 1))
    let exact = try Digital().solver(problem, in: &context).solve(y, in: &context).x
    func settled(_ timeout: Double) throws -> (error: Float, found: Settled) {
      let analog = try Analog(macro { $0.amplifier.timeout_s = timeout }, device: IdealDevice())
      let found = try analog.solver(problem, in: &context).solve(y, in: &context)
      return (try (found.x - exact).magnitude().max().item(), found)
    }
    let (late, early) = (try settled(1e-6), try settled(20e-9))
    #expect(late.error < 1e-3 && late.found.unsettled == 0)
    // 20 ns are 12.6/ω_u: e^(−0.13·12.6) ≈ 0.2 of the slowest part is left.
    #expect(early.error > 0.02 && early.error < 0.5)
    #expect(early.found.unsettled == 1 && early.found.times_s == [20e-9])
  }

  @Test("a ridge of ideal cells gives the ridge solution")
  func ridge() throws {
    let (problem, y) = try problem(ridge: 0.1)
    var context = ForwardContext(random: RandomStream(seed: 1))
    let exact = try Digital().solver(problem, in: &context).solve(y, in: &context).x
    let found = try Analog(macro(), device: IdealDevice()).solver(problem, in: &context).solve(y, in: &context).x
    // Gain 10⁵ times loads of some ten units; matrices in single precision.
    #expect(try (found - exact).magnitude().max().item() < 1e-3)
  }

  @Test("every system of a batch is solved for itself, on its own scale, and systems settle side by side")
  func batch() throws {
    var context = ForwardContext(random: RandomStream(seed: 2))
    let matrices: Tensor<Float> = try context.random.normal([3, 6, 2])
    let scales = try Tensor<Float>([1, 1e-3, 1e6], shape: [3, 1, 1])
    let problem = try LeastSquares(matrices * scales)
    let y = try context.random.normal([3, 4, 6]) * scales
    let exact = try Digital().solver(problem, in: &context).solve(y, in: &context).x
    context.activity = Activity()
    let analog = try Analog(macro { $0.output.outputsPerConverter = 2 }, device: IdealDevice())
    let solver = try analog.solver(problem, in: &context)
    let found = try solver.solve(y, in: &context)
    #expect(try (found.x - exact).magnitude().max().item() < 1e-3)
    // Four sides in turn, each as long as the slowest of three loops of 8 amplifiers.
    let (slowest, sum) = (found.times_s.max() ?? 0, found.times_s.reduce(0, +))
    #expect(abs(context.activity.total(.closedLoop, .settling) / (4 * slowest) - 1) < 1e-12)
    #expect(abs(context.activity.total(.amplifier, .second) / (4 * 8 * sum) - 1) < 1e-12)
    #expect(context.activity.total(.inputConverter, .conversion) == 3 * 4 * 6)
    #expect(context.activity.total(.outputConverter, .conversion) == 3 * 4 * 2)
    #expect(context.activity.total(.outputConverter, .turn) == 4 * 2)
    let inventory = solver.inventory
    // Two copies of differential pairs; converters at every row, one for two columns.
    #expect(inventory.count(.cell) == 3 * 2 * 2 * 12 && inventory.count(.amplifier) == 3 * 8)
    #expect(inventory.count(.inputConverter) == 18 && inventory.count(.outputConverter) == 3)
  }

  /// One row, one column: the largest weight fills the unit u of the window, Gmin is g. y = 2, a = 1: w = 2, v = 0, so the
  /// left cells take (u + 2g)·V², the input conductance u·V², the others nothing, with V the read voltage.
  @Test("cells take what their voltages at rest say")
  func energy() throws {
    var context = ForwardContext(random: RandomStream(seed: 3))
    let device = IdealDevice()
    var mapping = DifferentialMapping()
    mapping.margin = 0
    let analog = try Analog(
      macro {
        $0.mapping = MappingChoice(mapping)
        $0.amplifier.gain = 1e9
      }, device: device)
    let solver = try analog.solver(LeastSquares(Tensor(repeating: 1, shape: [1, 1, 1])), in: &context)
    let found = try solver.solve(Tensor(repeating: 2, shape: [1, 1, 1]), in: &context)
    let (low, unit) = (Double(device.lowest_S), Double(device.highest_S - device.lowest_S))
    let joules = (2 * unit + 2 * low) * 0.1 * 0.1 * found.times_s[0]
    // Conductances are single precision.
    #expect(abs(context.activity.total(.cell, .joule) / joules - 1) < 1e-5)
  }

  @Test("converters round inputs and solutions to their levels", arguments: [1, 2, 8])
  func converters(bits: Int) throws {
    let (problem, y) = try problem()
    var context = ForwardContext(random: RandomStream(seed: 1))
    let coarse = try Analog(macro { $0.output.bits = bits }, device: IdealDevice())
    let fine = try Analog(macro(), device: IdealDevice())
    let exact = try fine.solver(problem, in: &context).solve(y, in: &context).x
    let found = try coarse.solver(problem, in: &context).solve(y, in: &context).x
    let range = try exact.magnitude().max().item()
    let expected = try Quantiser(bits: bits).rounded(exact, range: range)
    #expect(try (found - expected).magnitude().max().item() < 1e-5)
    if bits == 1 { #expect(Set(found.elements.map { abs($0) }).count == 1) }
  }

  @Test("matrices of zeros give zeros; what is not finite, and mappings that logic adds up, are refused")
  func bounds() throws {
    var context = ForwardContext(random: RandomStream(seed: 1))
    let analog = try Analog(device: IdealDevice())
    let zeros = try analog.solver(LeastSquares(.zeros([1, 3, 2])), in: &context)
    let x = try zeros.solve(Tensor(repeating: 1, shape: [1, 1, 3]), in: &context).x
    #expect(x.elements.allSatisfy { $0 == 0 })
    let broken = try LeastSquares(Tensor(repeating: .nan, shape: [1, 3, 2]))
    #expect(throws: CircuitError.weightsNotFinite) { try analog.solver(broken, in: &context) }
    let sliced = try Analog(macro { $0.mapping = MappingChoice(OffsetMapping()) }, device: IdealDevice())
    #expect(throws: CircuitError.self) { try sliced.solver(self.problem().0, in: &context) }
  }
}
