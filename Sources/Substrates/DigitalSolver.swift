import Tensors

/// Solutions by the Cholesky factors of the normal equations, in double precision, which for single-precision problems is exact up
/// to condition numbers of some 10⁶.
struct DigitalSolver: LinearSolver {
  let problem: LeastSquares
  var inventory: Inventory { Inventory() }

  /// Where LAPACK becomes faster than a plain loop.
  private static let largestLoop = 48

  /// - Throws: `TensorError.wrongShape`; `.singularMatrix` for columns that depend on each other without a ridge.
  func solve(_ y: Tensor<Float>, in context: inout ForwardContext) throws -> Settled {
    let sides = try problem.sides(of: y)
    let numbers = problem.matrices.count + y.count + problem.systems * sides * problem.columns
    context.count(.floatLogic, .multiplyAccumulate, problem.products(sides: sides), bits: 32)
    context.count(.memory, .byte, 4 * numbers)
    return Settled(x: try problem.columns > Self.largestLoop ? large(y) : small(y, sides: sides))
  }

  private func large(_ y: Tensor<Float>) throws(TensorError) -> Tensor<Float> {
    let matrices: Tensor<Double> = try problem.matrices.converted()
    let right: Tensor<Double> = try y.detached().converted()
    let ridge = try Tensor<Double>.identity(problem.columns) * Double(problem.ridge)
    let gram = try matmul(matrices, matrices, transposingA: true) + ridge
    return try Tensors.solve(gram, matmul(right, matrices).transposed()).transposed().converted()
  }

  private func small(_ y: Tensor<Float>, sides: Int) throws(TensorError) -> Tensor<Float> {
    let (m, n, ridge) = (problem.rows, problem.columns, Double(problem.ridge))
    // AᵀA, which becomes its lower factor with reciprocals on the diagonal, and one right-hand side.
    return try problem.eachSystem(y, scratch: n * n + n) { a, y, x, factor in
      let z = factor + n * n
      for i in 0..<n * n { factor[i] = 0 }
      for r in 0..<m {
        let row = a + r * n
        for i in 0..<n {
          let value = Double(row[i])
          for j in 0...i { factor[i * n + j] += value * Double(row[j]) }
        }
      }
      if let column = Self.factorise(factor, n, ridge: ridge) { return column }
      for side in 0..<sides {
        for j in 0..<n { z[j] = 0 }
        for r in 0..<m {
          let value = Double(y[side * m + r])
          for j in 0..<n { z[j] += Double(a[r * n + j]) * value }
        }
        for i in 0..<n {
          var sum = z[i]
          for k in 0..<i { sum -= factor[i * n + k] * z[k] }
          z[i] = sum * factor[i * n + i]
        }
        for i in stride(from: n - 1, through: 0, by: -1) {
          var sum = z[i]
          for k in i + 1..<max(n, i + 1) { sum -= factor[k * n + i] * z[k] }
          z[i] = sum * factor[i * n + i]
          x[side * n + i] = Float(z[i])
        }
      }
      return nil
    }
  }

  /// The lower Cholesky factor in place of the lower triangle, reciprocals on the diagonal; or the column of a pivot that rounding
  /// errors of the matrix drown.
  private static func factorise(_ a: UnsafeMutablePointer<Double>, _ n: Int, ridge: Double) -> Int? {
    for i in 0..<n {
      let whole = a[i * n + i] + ridge
      for j in 0...i {
        var sum = i == j ? whole : a[i * n + j]
        for k in 0..<j { sum -= a[i * n + k] * a[j * n + k] }
        if i == j {
          guard sum > whole * Double(n) * .ulpOfOne else { return i }
          a[i * n + i] = 1 / sum.squareRoot()
        } else {
          a[i * n + j] = sum * a[j * n + j]
        }
      }
    }
    return nil
  }
}
