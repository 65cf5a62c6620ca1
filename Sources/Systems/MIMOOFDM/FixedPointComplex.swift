import Foundation
import Tensors

/// Fixed-point digital logic: numbers are rounded wherever they would be stored, sums are exact as in wide accumulators.
///
/// Every vector and matrix has one power of two as its scale (block floating point), so that the largest number fits.
/// Products round weights, inputs and outputs to `bits`. Least squares follow LDLᴴ of the normal equations in `solverBits`,
/// reciprocals by two Newton steps from a straight line, good to 2⁻¹⁶.
///
/// - Source: specification of MIMO-OFDM baseband processing, "Fixed-point digital mode" (A). We differ: transforms are
///   products with the matrix and not fast ones, which round once instead of in every stage.
public struct FixedPoint: Substrate, Codable, Equatable {
  /// Of samples and stored weights, sign included.
  public var bits = 12
  /// Of numbers in least squares, sign included.
  public var solverBits = 16

  public init() {}

  /// - Throws: `TensorError.invalidArgument`.
  public func validate() throws(TensorError) {
    guard (2...24).contains(bits) else { throw .invalidArgument("bits", found: "\(bits)", expected: "2 to 24") }
    guard (4...24).contains(solverBits) else {
      throw .invalidArgument("solverBits", found: "\(solverBits)", expected: "4 to 24")
    }
  }

  public func linearOperator(_ weights: Tensor<Float>, in context: inout ForwardContext) throws -> any LinearOperator {
    try validate()
    return FixedPointOperator(
      exact: try Digital().linearOperator(Self.rounded(weights, bits: bits, rows: false), in: &context), bits: bits)
  }

  public func linearSolver(_ problem: ComplexSystems, in context: inout ForwardContext) throws -> any LinearSolver {
    try validate()
    return FixedPointSolver(problem: problem, bits: solverBits)
  }

  /// - Parameter rows: whether every row of a matrix has a scale of its own.
  static func rounded(_ x: Tensor<Float>, bits: Int, rows: Bool) throws -> Tensor<Float> {
    let largest = try rows ? x.magnitude().max(axes: [1], keepingAxes: true) : x.magnitude().max()
    let steps = try Tensor(
      largest.elements.map { FixedPoint.step(largest: Double($0), bits: bits) }.map(Float.init), shape: largest.shape)
    return try (x / steps).rounded() * steps
  }

  /// Smallest difference of numbers whose largest has to fit: a power of two.
  static func step(largest: Double, bits: Int) -> Double {
    guard largest > 0, largest.isFinite else { return 1 }
    return exp2((log2(largest) + 1e-12).rounded(.up) - Double(bits - 1))
  }
}

private struct FixedPointOperator: LinearOperator {
  let exact: any LinearOperator
  let bits: Int
  var inputs: Int { exact.inputs }
  var outputs: Int { exact.outputs }

  func apply(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    guard x.rank == 2, x.shape[1] == inputs else {
      throw TensorError.wrongShape(argument: "x", found: x.shape, expected: "[batch, \(inputs)]")
    }
    guard x.shape[0] > 0 else { return try .zeros([0, outputs]) }
    let y = try exact.apply(FixedPoint.rounded(x.detached(), bits: bits, rows: true), in: &context)
    return try FixedPoint.rounded(y, bits: bits, rows: true)
  }
}

private struct FixedPointSolver: LinearSolver {
  let problem: ComplexSystems
  let bits: Int
  var rows: Int { problem.rows }
  var columns: Int { problem.columns }
  var systems: Int { problem.systems }
  var blocks: Int { problem.blocks }

  func solve(_ y: Tensor<Float>, in context: inout ForwardContext) throws -> LeastSquaresSolution {
    let sides = try problem.sides(of: y)
    let (m, n, count) = (rows, columns, systems)
    let (matrices, values) = (problem.matrices.elements, y.elements)
    var result = [Float](repeating: 0, count: blocks * sides * n * 2 * count)
    for block in 0..<blocks {
      for k in 0..<count {
        var h = (0..<2 * m * n).map { Double(matrices[(block * 2 * m * n + $0) * count + k]) }
        round(&h)
        let factors = factored(h)
        for side in block * sides..<(block + 1) * sides {
          var right = (0..<2 * m).map { Double(values[(side * 2 * m + $0) * count + k]) }
          round(&right)
          for (j, x) in solved(factors, h, right).enumerated() { result[(side * 2 * n + j) * count + k] = Float(x) }
        }
      }
    }
    context.activity.digitalOperations +=
      blocks * count * (4 * (m * n * n + n * n * n / 3) + sides * 8 * m * n)
    let exact = try problem.solved(y)
    return LeastSquaresSolution(
      x: try Tensor(result, shape: [blocks * sides, n, 2, count]), inverseDiagonal: exact.inverseDiagonal)
  }

  private func round(_ x: inout [Double]) {
    let step = FixedPoint.step(largest: x.reduce(0) { max($0, abs($1)) }, bits: bits)
    for i in x.indices { x[i] = (x[i] / step).rounded() * step }
  }

  /// 1/d from 48/17 − 32/17·d on [½, 1) and two Newton steps.
  private func reciprocal(_ d: Double) -> Double {
    guard d > 0 else { return 0 }
    let scale = exp2(floor(log2(d)) + 1)
    let f = d / scale
    var x = 48.0 / 17 - 32.0 / 17 * f
    for _ in 0..<2 { x *= 2 - f * x }
    return (x * exp2(Double(bits - 2))).rounded() / exp2(Double(bits - 2)) / scale
  }

  /// L (below the diagonal, complex pairs) and 1/D of HᴴH + λI = L·D·Lᴴ.
  private func factored(_ h: [Double]) -> (lower: [Double], inverse: [Double]) {
    let (m, n) = (rows, columns)
    func element(_ r: Int, _ c: Int) -> (re: Double, im: Double) { (h[(r * n + c) * 2], h[(r * n + c) * 2 + 1]) }
    var gram = [Double](repeating: 0, count: 2 * n * n)
    for i in 0..<n {
      for j in 0...i {
        for r in 0..<m {
          let (a, b) = (element(r, i), element(r, j))
          gram[(i * n + j) * 2] += a.re * b.re + a.im * b.im
          gram[(i * n + j) * 2 + 1] += a.re * b.im - a.im * b.re
        }
      }
      gram[(i * n + i) * 2] += Double(problem.ridge)
    }
    round(&gram)
    var (lower, inverse) = ([Double](repeating: 0, count: 2 * n * n), [Double](repeating: 0, count: n))
    var diagonal = inverse
    let step = FixedPoint.step(largest: gram.reduce(0) { max($0, abs($1)) }, bits: bits)
    for j in 0..<n {
      var d = gram[(j * n + j) * 2]
      for k in 0..<j { d -= squared(lower, j * n + k) * diagonal[k] }
      diagonal[j] = max(step, (d / step).rounded() * step)
      inverse[j] = reciprocal(diagonal[j])
      var column = [Double](repeating: 0, count: 2 * n)
      for i in j + 1..<max(n, j + 1) {
        var (re, im) = (gram[(i * n + j) * 2], gram[(i * n + j) * 2 + 1])
        for k in 0..<j {
          let (a, b) = ((i * n + k) * 2, (j * n + k) * 2)
          re -= (lower[a] * lower[b] + lower[a + 1] * lower[b + 1]) * diagonal[k]
          im -= (lower[a + 1] * lower[b] - lower[a] * lower[b + 1]) * diagonal[k]
        }
        (column[2 * i], column[2 * i + 1]) = (re * inverse[j], im * inverse[j])
      }
      round(&column)
      for i in j + 1..<max(n, j + 1) {
        (lower[(i * n + j) * 2], lower[(i * n + j) * 2 + 1]) = (column[2 * i], column[2 * i + 1])
      }
    }
    return (lower, inverse)
  }

  private func squared(_ x: [Double], _ at: Int) -> Double { x[2 * at] * x[2 * at] + x[2 * at + 1] * x[2 * at + 1] }

  /// The solution as n real parts and imaginary parts in turn: `[columns, 2]`.
  private func solved(_ factors: (lower: [Double], inverse: [Double]), _ h: [Double], _ y: [Double]) -> [Double] {
    let (m, n) = (rows, columns)
    let l = factors.lower
    var z = [Double](repeating: 0, count: 2 * n)
    for i in 0..<n {
      for r in 0..<m {
        let (a, b) = (h[(r * n + i) * 2], h[(r * n + i) * 2 + 1])
        z[2 * i] += a * y[2 * r] + b * y[2 * r + 1]
        z[2 * i + 1] += a * y[2 * r + 1] - b * y[2 * r]
      }
    }
    round(&z)
    for i in 0..<n {
      for k in 0..<i {
        let (re, im) = (l[(i * n + k) * 2], l[(i * n + k) * 2 + 1])
        z[2 * i] -= re * z[2 * k] - im * z[2 * k + 1]
        z[2 * i + 1] -= re * z[2 * k + 1] + im * z[2 * k]
      }
    }
    round(&z)
    for i in 0..<n {
      z[2 * i] *= factors.inverse[i]
      z[2 * i + 1] *= factors.inverse[i]
    }
    round(&z)
    for i in stride(from: n - 1, through: 0, by: -1) {
      for k in i + 1..<max(n, i + 1) {
        let (re, im) = (l[(k * n + i) * 2], -l[(k * n + i) * 2 + 1])
        z[2 * i] -= re * z[2 * k] - im * z[2 * k + 1]
        z[2 * i + 1] -= re * z[2 * k + 1] + im * z[2 * k]
      }
    }
    round(&z)
    return z
  }
}
