import Dynamics
import Foundation
import Tensors
import Testing

@Suite("Interpolation on periodic grids") struct PeriodicInterpolationTests {
  @Test("known points keep their values, rows sum to 1, and a wave is followed to the spline's order")
  func spline() throws {
    // The error of a periodic cubic spline is at most 5/384·h⁴·max|f⁗|, f = sin x: h = 2π/16 gives 3.1e-4.
    let matrix = try PeriodicInterpolation.cubicSpline(points: 64, every: 4)
    #expect(matrix.shape == [64, 16])
    let seen = try Tensor((0..<16).map { sin(2 * Double.pi * Double($0) / 16) }, shape: [16, 1])
    let found = try matmul(matrix, seen).elements
    for (i, value) in found.enumerated() {
      let error = abs(value - sin(2 * Double.pi * Double(i) / 64))
      #expect(error < (i % 4 == 0 ? 1e-12 : 3.1e-4))
    }
    #expect(try (matrix.sum(axes: [1]) - 1).magnitude().max().item() < 1e-12)
  }

  @Test("between four points of a square the mean of them is found")
  func bilinear() throws {
    let matrix = try PeriodicInterpolation.bilinear(points: 4, every: 2)
    let seen = try Tensor<Double>([1, 2, 3, 4], shape: [4, 1])
    let found = try matmul(matrix, seen).reshaped([4, 4]).elements
    #expect(found[0] == 1 && found[2] == 2 && found[8] == 3 && found[10] == 4 && found[5] == 2.5 && found[1] == 1.5)
  }

  @Test("a distance that does not divide the points is refused")
  func wrong() {
    #expect(throws: TensorError.self) { try PeriodicInterpolation.cubicSpline(points: 10, every: 4) }
    #expect(throws: TensorError.self) { try PeriodicInterpolation.bilinear(points: 10, every: 0) }
  }
}
