import Foundation
import Tensors

/// Least squares by LDLᵀ of the real normal equations with numbers of `bits`, rounded wherever they would be stored; sums are exact,
/// as in wide accumulators. Reciprocals are those of two Newton steps from a straight line, good to 2⁻¹⁶.
///
/// A pivot that would not be positive becomes the smallest positive number.
struct FixedPointSolver: LinearSolver {
  let problem: LeastSquares
  /// Sign included.
  let bits: Int
  var inventory: Inventory { Inventory() }

  func solve(_ y: Tensor<Float>, in context: inout ForwardContext) throws -> Settled {
    let sides = try problem.sides(of: y)
    let (m, n) = (problem.rows, problem.columns)
    context.countLogic(.multiplyAccumulate, problem.products(sides: sides), bits: bits)
    // A reciprocal takes a multiplication for the line and two for each Newton step; solutions are scaled by them.
    context.countLogic(.operation, problem.systems * (5 * n + sides * n), bits: bits)
    context.count(
      .memory, .byte, (bits + 7) / 8 * (problem.matrices.count + y.count + problem.systems * sides * n))
    let x = try problem.eachSystem(y, scratch: m * n + 2 * n * n + 3 * n + m) { matrix, y, x, scratch in
      var system = System(rows: m, columns: n, bits: bits, scratch: scratch)
      system.factorise(matrix, ridge: Double(problem.ridge))
      for side in 0..<sides { system.solve(y + side * m, x + side * n) }
      return nil
    }
    return Settled(x: x)
  }

  /// One system in rounded numbers.
  private struct System {
    let rows: Int, columns: Int, bits: Int
    /// A `[rows, columns]`, AᵀA and L `[columns, columns]`, D, 1/D and z `[columns]`, y `[rows]`.
    private let a: UnsafeMutablePointer<Double>, gram: UnsafeMutablePointer<Double>, lower: UnsafeMutablePointer<Double>
    private let diagonal: UnsafeMutablePointer<Double>, inverse: UnsafeMutablePointer<Double>
    private let z: UnsafeMutablePointer<Double>, right: UnsafeMutablePointer<Double>

    init(rows: Int, columns: Int, bits: Int, scratch: UnsafeMutablePointer<Double>) {
      (self.rows, self.columns, self.bits) = (rows, columns, bits)
      a = scratch
      gram = a + rows * columns
      lower = gram + columns * columns
      diagonal = lower + columns * columns
      inverse = diagonal + columns
      z = inverse + columns
      right = z + columns
    }

    /// Numbers that share one power of two as their scale.
    private func round(_ x: UnsafeMutablePointer<Double>, _ count: Int, stride: Int = 1) {
      var largest = 0.0
      for i in 0..<count { largest = max(largest, abs(x[i * stride])) }
      let step = FixedPoint.step(largest: largest, bits: bits)
      let perStep = 1 / step
      for i in 0..<count { x[i * stride] = (x[i * stride] * perStep).rounded(.toNearestOrAwayFromZero) * step }
    }

    /// 1/d from 48/17 − 32/17·d on [½, 1) and two Newton steps.
    private func reciprocal(_ d: Double) -> Double {
      guard d > 0, d.isFinite else { return 0 }
      let scale = exp2(floor(log2(d)) + 1)
      let f = d / scale
      var x = 48.0 / 17 - 32.0 / 17 * f
      for _ in 0..<2 { x *= 2 - f * x }
      let fraction = exp2(Double(bits - 2))
      return (x * fraction).rounded() / fraction / scale
    }

    /// L (below the diagonal), D and 1/D of AᵀA + λI = L·D·Lᵀ.
    mutating func factorise(_ matrix: UnsafePointer<Float>, ridge: Double) {
      let (m, n) = (rows, columns)
      for i in 0..<m * n { a[i] = Double(matrix[i]) }
      round(a, m * n)
      for i in 0..<n * n { gram[i] = 0 }
      for r in 0..<m {
        for i in 0..<n {
          let value = a[r * n + i]
          for j in 0...i { gram[i * n + j] += value * a[r * n + j] }
        }
      }
      for i in 0..<n { gram[i * n + i] += ridge }
      round(gram, n * n)
      var largest = 0.0
      for i in 0..<n * n { largest = max(largest, abs(gram[i])) }
      let step = FixedPoint.step(largest: largest, bits: bits)
      for j in 0..<n {
        var d = gram[j * n + j]
        for k in 0..<j { d -= lower[j * n + k] * lower[j * n + k] * diagonal[k] }
        diagonal[j] = max(step, (d / step).rounded() * step)
        inverse[j] = reciprocal(diagonal[j])
        for i in j + 1..<max(n, j + 1) {
          var sum = gram[i * n + j]
          for k in 0..<j { sum -= lower[i * n + k] * lower[j * n + k] * diagonal[k] }
          lower[i * n + j] = sum * inverse[j]
        }
        if j + 1 < n { round(lower + (j + 1) * n + j, n - j - 1, stride: n) }
      }
    }

    func solve(_ y: UnsafePointer<Float>, _ x: UnsafeMutablePointer<Float>) {
      let (m, n) = (rows, columns)
      for r in 0..<m { right[r] = Double(y[r]) }
      round(right, m)
      for j in 0..<n { z[j] = 0 }
      for r in 0..<m {
        for j in 0..<n { z[j] += a[r * n + j] * right[r] }
      }
      round(z, n)
      for i in 0..<n {
        for k in 0..<i { z[i] -= lower[i * n + k] * z[k] }
      }
      round(z, n)
      for i in 0..<n { z[i] *= inverse[i] }
      round(z, n)
      for i in stride(from: n - 1, through: 0, by: -1) {
        for k in i + 1..<max(n, i + 1) { z[i] -= lower[k * n + i] * z[k] }
      }
      round(z, n)
      for j in 0..<n { x[j] = Float(z[j]) }
    }
  }
}
