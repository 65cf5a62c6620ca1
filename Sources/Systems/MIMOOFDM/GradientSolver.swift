import Tensors

/// Least squares by a fixed number of gradient steps (Richardson's iteration) with products of a substrate: what arrays can do
/// without closed loops.
///
///     x ← x + μ·(Hᴴ(y − H·x) − λ·x)      1/μ = λ + largest eigenvalue of HᴴH
///
/// Each matrix is stored once and once transposed, as `[[Re, −Im], [Im, Re]]`.
public struct GradientSolver: LinearSolver {
  public var rows: Int { problem.rows }
  public var columns: Int { problem.columns }
  public var systems: Int { problem.systems }
  public var blocks: Int { problem.blocks }
  public let iterations: Int

  private let problem: ComplexSystems
  /// For each system of each block: y − H·x needs H for row vectors, the gradient needs its transpose.
  private let forward: [any LinearOperator], backward: [any LinearOperator]
  private let rates: [Float]

  /// - Parameter iterations: 1 or more.
  /// - Throws: `TensorError.invalidArgument`, and what the substrate throws.
  public init(_ problem: ComplexSystems, iterations: Int, on substrate: any Substrate, in context: inout ForwardContext)
    throws
  {
    guard iterations >= 1 else {
      throw TensorError.invalidArgument("iterations", found: "\(iterations)", expected: "1 or more")
    }
    (self.problem, self.iterations) = (problem, iterations)
    let (m, n, count) = (problem.rows, problem.columns, problem.systems)
    let elements = problem.matrices.elements
    var (forward, backward): ([any LinearOperator], [any LinearOperator]) = ([], [])
    var rates: [Float] = []
    for block in 0..<problem.blocks {
      for k in 0..<count {
        var real = [Float](repeating: 0, count: 4 * m * n)
        for r in 0..<m {
          for c in 0..<n {
            let at = ((block * m + r) * n + c) * 2
            let (re, im) = (elements[at * count + k], elements[(at + 1) * count + k])
            (real[r * 2 * n + c], real[r * 2 * n + n + c]) = (re, -im)
            (real[(m + r) * 2 * n + c], real[(m + r) * 2 * n + n + c]) = (im, re)
          }
        }
        let h = try Tensor(real, shape: [2 * m, 2 * n])
        let largest = try singularValues(h).s.max().item()
        rates.append(1 / (largest * largest + problem.ridge))
        forward.append(try substrate.linearOperator(h.transposed().rowMajor(), in: &context))
        backward.append(try substrate.linearOperator(h, in: &context))
      }
    }
    (self.forward, self.backward, self.rates) = (forward, backward, rates)
  }

  public func solve(_ y: Tensor<Float>, in context: inout ForwardContext) throws -> LeastSquaresSolution {
    let sides = try problem.sides(of: y)
    let (m, n, count) = (rows, columns, systems)
    var result = [Float](repeating: 0, count: blocks * sides * n * 2 * count)
    let values = y.elements
    for block in 0..<blocks {
      for k in 0..<count {
        let place = block * count + k
        // Real parts first, then imaginary parts, one row for each right-hand side.
        let right = try Tensor(
          (0..<sides).flatMap { s in
            (0..<2 * m).map { i in values[(((block * sides + s) * m + i % m) * 2 + i / m) * count + k] }
          }, shape: [sides, 2 * m])
        var x = try Tensor<Float>.zeros([sides, 2 * n])
        for _ in 0..<iterations {
          let residual = try right - forward[place].apply(x, in: &context)
          let gradient = try backward[place].apply(residual, in: &context) - x * problem.ridge
          x = try x + gradient * rates[place]
          context.activity.digitalOperations += 2 * x.count
        }
        for (i, value) in x.elements.enumerated() {
          let (s, j) = (i / (2 * n), i % (2 * n))
          result[(((block * sides + s) * n + j % n) * 2 + j / n) * count + k] = value
        }
      }
    }
    return LeastSquaresSolution(
      x: try Tensor(result, shape: [blocks * sides, n, 2, count]),
      inverseDiagonal: try problem.solved(y).inverseDiagonal)
  }
}
