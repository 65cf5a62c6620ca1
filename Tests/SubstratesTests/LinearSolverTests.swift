import Substrates
import Tensors
import Testing

@Suite("Least squares") struct LinearSolverTests {
  private func problem(_ shape: [Int], sides: Int = 2, ridge: Float, seed: UInt64) throws -> (
    LeastSquares, Tensor<Float>
  ) {
    var random = RandomStream(seed: seed)
    let problem = try LeastSquares(random.normal(shape), ridge: ridge)
    return (problem, try random.normal([shape[0], sides, shape[1]]))
  }

  /// By QR factors of the matrix with √λ·I below, in double precision.
  private func reference(_ problem: LeastSquares, _ y: Tensor<Float>) throws -> Tensor<Double> {
    var a: Tensor<Double> = try problem.matrices.converted()
    var b: Tensor<Double> = try y.converted()
    if problem.ridge > 0 {
      let root = try Tensor<Double>.identity(problem.columns) * Double(problem.ridge).squareRoot()
      a = try Tensor.concatenate(
        [a, root.broadcast(to: [problem.systems, problem.columns, problem.columns])], axis: 1)
      b = try Tensor.concatenate([b, .zeros([problem.systems, y.shape[1], problem.columns])], axis: 2)
    }
    return try Tensors.leastSquares(a, b.transposed()).transposed()
  }

  @Test(
    "exact solutions are those of QR factors", arguments: [[5, 1, 1], [200, 6, 6], [7, 30, 20], [2, 80, 60]],
    [Float(0), 0.3])
  func exact(shape: [Int], ridge: Float) throws {
    let (problem, y) = try problem(shape, ridge: ridge, seed: 1)
    var context = ForwardContext()
    let found: Tensor<Double> = try Digital().solver(problem, in: &context).solve(y, in: &context).x.converted()
    let expected = try reference(problem, y)
    // Results are rounded to 6e-8; squares of condition numbers up to 10³ times 1e-16 are far below.
    let scale = try expected.magnitude().max(axes: [1, 2], keepingAxes: true)
    #expect(try ((found - expected) / scale).magnitude().max().item() < 1e-6)
  }

  @Test("the ledger holds the products of the factorisation and the bytes of matrices, sides and solutions")
  func ledger() throws {
    let (problem, y) = try problem([3, 8, 4], sides: 5, ridge: 0.1, seed: 2)
    // 8·4·5/2 + 4³/6 once, 8·4 + 4² for each of five sides.
    let products = Double(3 * (80 + 10 + 5 * 48))
    let numbers = Double(3 * (32 + 5 * 8 + 5 * 4))
    for (substrate, part, bits, width) in [
      (Digital(), Part.floatLogic, 32, 4), (FixedPoint(), .integerLogic, 16, 2),
    ] as [(any Substrate, Part, Int, Double)] {
      var context = ForwardContext()
      _ = try substrate.solver(problem, in: &context).solve(y, in: &context)
      #expect(context.activity.total(part, .multiplyAccumulate) == products)
      #expect(context.activity.total(.memory, .byte) == numbers * width)
      #expect(context.activity.entries.allSatisfy { $0.key.part == .memory || $0.key.bits == bits })
    }
  }

  @Test("gradient steps come to the exact solution", arguments: [Float(0), 0.1])
  func gradientSteps(ridge: Float) throws {
    var random = RandomStream(seed: 3)
    let problem = try LeastSquares(
      random.normal([15, 16, 8], standardDeviation: Float(0.5).squareRoot()), ridge: ridge)
    let y: Tensor<Float> = try random.normal([15, 2, 16])
    var context = ForwardContext()
    let exact = try Digital().solver(problem, in: &context).solve(y, in: &context).x
    func error(_ steps: Int) throws -> Float {
      let found = try GradientSolver(problem, iterations: steps, on: Digital(), in: &context).solve(y, in: &context).x
      return try (found - exact).norm().item() / exact.norm().item()
    }
    let errors = try [5, 50, 1000].map(error)
    // The slowest part falls by 1 − 1/condition each step: with conditions of AᵀA up to 60, e^(−1000/60).
    #expect(errors[0] > errors[1] && errors[1] > errors[2] && errors[2] < 1e-4)
    #expect(throws: TensorError.self) { try GradientSolver(problem, iterations: 0, on: Digital(), in: &context) }
  }

  @Test("gradient steps read one stored matrix from both sides")
  func storedOnce() throws {
    let (problem, y) = try problem([2, 5, 3], sides: 4, ridge: 0, seed: 4)
    var context = ForwardContext()
    let solver = try GradientSolver(problem, iterations: 10, on: Digital(), in: &context)
    context.activity = Activity()
    _ = try solver.solve(y, in: &context)
    // Ten times back, nine times forth: x is 0 before the first step.
    #expect(context.activity.total(.floatLogic, .multiplyAccumulate) == Double(2 * 4 * 19 * 15))
  }

  @Test("matrices of zeros give zeros with a ridge and by gradient steps, and are refused by exact factors")
  func zeros() throws {
    let y = try Tensor<Float>(repeating: 1, shape: [1, 1, 3])
    var context = ForwardContext()
    let ridged = try LeastSquares(.zeros([1, 3, 2]), ridge: 0.5), singular = try LeastSquares(.zeros([1, 3, 2]))
    #expect(try Digital().solver(ridged, in: &context).solve(y, in: &context).x.elements == [0, 0])
    let steps = try GradientSolver(singular, iterations: 3, on: Digital(), in: &context).solve(y, in: &context)
    #expect(steps.x.elements == [0, 0])
    #expect(throws: TensorError.singularMatrix(operation: "LinearSolver.solve", pivot: 0)) {
      try Digital().solver(singular, in: &context).solve(y, in: &context)
    }
  }

  @Test("wrong shapes and ridges are refused")
  func refusals() throws {
    #expect(throws: TensorError.self) { try LeastSquares(.zeros([2, 3, 4])) }
    #expect(throws: TensorError.self) { try LeastSquares(.zeros([3, 4])) }
    #expect(throws: TensorError.self) { try LeastSquares(.zeros([2, 4, 3]), ridge: -1) }
    #expect(throws: TensorError.self) { try LeastSquares(.zeros([2, 4, 3]), ridge: .nan) }
    let problem = try LeastSquares(Tensor(repeating: 1, shape: [2, 4, 1]))
    var context = ForwardContext()
    let solver = try Digital().solver(problem, in: &context)
    #expect(throws: TensorError.self) { try solver.solve(.zeros([2, 4]), in: &context) }
    #expect(throws: TensorError.self) { try solver.solve(.zeros([2, 1, 3]), in: &context) }
  }
}
