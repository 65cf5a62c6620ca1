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

  @Test("a loop that is read before it has settled is off by what its poles leave")
  func timeout() throws {
    var macro = Macro()
    macro.device = .ideal
    (macro.inputBits, macro.outputBits) = (0, 0)
    let h = try Tensor(Self.example.map { Float($0) }, shape: [4, 4])
    let parts = [0, 1, 4, 5].map { h.elements[$0] }
    let imaginary = [8, 9, 12, 13].map { h.elements[$0] }
    let matrices = try Tensor(zip(parts, imaginary).flatMap { [$0, $1] }, shape: [1, 2, 2, 2, 1])
    let y = try Tensor<Float>([1, -1, 0.5, 0.25], shape: [1, 2, 2, 1])
    let exact = try ComplexSystems(matrices).solved(y).x
    func error(_ timeout: Double) throws -> Float {
      macro.amplifier.timeout_s = timeout
      var context = ForwardContext(random: RandomStream(seed: 1))
      let solver = try ClosedLoopSolver(ComplexSystems(matrices), macro: macro, in: &context)
      return try (solver.solve(y, in: &context).x - exact).magnitude().max().item()
    }
    let (settled, early) = (try error(1e-6), try error(20e-9))
    #expect(settled < 1e-3)
    // 20 ns are 12.6/ω_u: e^(−0.13·12.6) ≈ 0.2 of the slowest part is left.
    #expect(early > 0.02 && early < 0.5)
  }
}
