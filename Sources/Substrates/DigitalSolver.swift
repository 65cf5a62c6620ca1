import Tensors

/// Exact solutions by the Cholesky factors of the normal equations, in double precision.
struct DigitalSolver: LinearSolver {
  let problem: LeastSquares
  var inventory: Inventory { Inventory() }

  func solve(_ y: Tensor<Float>, in context: inout ForwardContext) throws -> Settled {
    let sides = try problem.sides(of: y)
    let (m, n) = (problem.rows, problem.columns)
    // Factorisation once for each matrix, Aᵀy and two triangles for each side.
    let products = problem.systems * (m * n * (n + 1) / 2 + n * n * n / 6 + sides * (m * n + n * n))
    context.count(.floatLogic, .multiplyAccumulate, products, bits: 32)
    context.count(.memory, .byte, 4 * (problem.matrices.count + y.count + problem.systems * sides * n))
    let matrices: Tensor<Double> = try problem.matrices.converted()
    let right: Tensor<Double> = try y.detached().converted()
    let gram = try matmul(matrices, matrices, transposingA: true) + Tensor<Double>.identity(n) * Double(problem.ridge)
    let projected = try matmul(right, matrices)
    var solutions: [Tensor<Double>] = []
    for system in 0..<problem.systems {
      solutions.append(try Tensors.solve(gram.at(system), projected.at(system).transposed()).transposed())
    }
    return Settled(x: try Tensor.stack(solutions).converted())
  }
}
