import Foundation
import Substrates
import Tensors
import Testing

@Suite("Fixed point") struct FixedPointTests {
  /// Specification: twelve bits give a Fourier transform of 64 points 50 dB or more.
  @Test("twelve bits leave 50 dB in a transform of 64 points, each further bit about 6 dB more")
  func transform() throws {
    let n = 64
    let matrix = try Tensor<Float>(
      (0..<2 * n * 2 * n).map { i in
        let (row, column) = (i / (2 * n), i % (2 * n))
        let angle = 2 * Double.pi * Double(row % n * (column % n) % n) / Double(n)
        let part = row / n == column / n ? cos(angle) : row < n ? -sin(angle) : sin(angle)
        return Float(part / Double(n).squareRoot())
      }, shape: [2 * n, 2 * n])
    var context = ForwardContext(random: RandomStream(seed: 1))
    let x: Tensor<Float> = try context.random.normal([200, 2 * n])
    let exact = try matmul(x, matrix)
    func decibels(_ bits: Int) throws -> Double {
      var substrate = FixedPoint()
      substrate.bits = bits
      let y = try substrate.matrix(matrix, in: &context).apply(x, in: &context)
      return 10 * log10(Double(try exact.squared().sum().item() / (y - exact).squared().sum().item()))
    }
    let (coarse, fine) = (try decibels(10), try decibels(12))
    #expect(fine >= 50)
    // Rounding errors halve with each bit; scales are powers of two, so some of it comes in jumps.
    #expect(abs(fine - coarse - 12) < 3)
  }

  private func problem(_ seed: UInt64, ridge: Float) throws -> (LeastSquares, Tensor<Float>) {
    var random = RandomStream(seed: seed)
    let matrices: Tensor<Float> = try random.normal([15, 16, 8], standardDeviation: Float(0.5).squareRoot())
    return (try LeastSquares(matrices, ridge: ridge), try random.normal([15, 2, 16]))
  }

  @Test("least squares come near the exact solution, nearer with more bits", arguments: [Float(0), 0.1])
  func leastSquares(ridge: Float) throws {
    let (problem, y) = try problem(2, ridge: ridge)
    var context = ForwardContext()
    let exact = try Digital().solver(problem, in: &context).solve(y, in: &context).x
    func error(_ bits: Int) throws -> Float {
      var substrate = FixedPoint()
      substrate.solverBits = bits
      let found = try substrate.solver(problem, in: &context).solve(y, in: &context).x
      return try (found - exact).norm().item() / exact.norm().item()
    }
    let errors = try [10, 12, 16].map(error)
    // Half a step of 2⁻¹⁵ times the condition of 16 × 8 normal equations, some tens; the reciprocal adds 2⁻¹⁶.
    #expect(errors[2] < 2e-3)
    #expect(errors[0] > errors[1] && errors[1] > errors[2])
  }

  @Test("a system of zeros gives zeros and not infinity")
  func zeros() throws {
    var context = ForwardContext()
    let problem = try LeastSquares(.zeros([1, 3, 2]))
    let x = try FixedPoint().solver(problem, in: &context).solve(Tensor(repeating: 1, shape: [1, 1, 3]), in: &context).x
    #expect(x.elements == [0, 0])
  }

  @Test("impossible numbers of bits are refused")
  func refusals() {
    var substrate = FixedPoint()
    substrate.bits = 1
    #expect(throws: TensorError.self) { try substrate.validate() }
  }
}
