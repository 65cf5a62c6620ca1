import Substrates
import Tensors

/// Separates streams: complex least squares on a substrate, and what a receiver needs beyond the solution.
package struct Detector {
  let substrate: any Substrate
  /// Gradient steps instead of the substrate's own way to solve.
  let gradientSteps: Int?
  /// Width of the numbers in which diagonals of the inverse are found where the substrate is not exact.
  let logicBits: Int

  package struct Detection {
    /// Shape `[blocks·k, columns, 2, systems]`.
    package var x: Tensor<Float>
    /// Diagonals of (HᴴH + λI)⁻¹, from which bias and signal-to-noise ratio follow; shape `[blocks·k, columns, systems]`.
    package var inverseDiagonal: Tensor<Float>?
    /// How long each system of each block took to settle, in seconds, `[blocks][systems]`.
    var times_s: [[Double]] = []
    /// Systems that had not settled when their time was over.
    var unsettled = 0
    /// Of the solver of one block.
    var inventory = Inventory()
  }

  package init(substrate: any Substrate, gradientSteps: Int?, logicBits: Int) {
    (self.substrate, self.gradientSteps, self.logicBits) = (substrate, gradientSteps, logicBits)
  }

  /// - Parameters:
  ///   - y: shape `[blocks·k, rows, 2, systems]`; side s belongs to the matrices of block s/k.
  ///   - diagonals: whether diagonals of the inverse are needed. They are found in logic, which the ledger holds.
  package func detect(
    _ systems: ComplexSystems, _ y: Tensor<Float>, diagonals: Bool, in context: inout ForwardContext
  ) throws -> Detection {
    let sides = try systems.sides(of: y)
    let work = DetectorLogic(systems)
    if substrate.isExact, gradientSteps == nil {
      let found = try systems.solved(y)
      work.countFactors(matrices: systems.blocks, bits: substrate.logicBits, in: &context)
      work.countSolutions(sides: systems.blocks * sides, bits: substrate.logicBits, in: &context)
      if diagonals { work.countDiagonals(matrices: systems.blocks, bits: substrate.logicBits, in: &context) }
      return Detection(x: found.x, inverseDiagonal: diagonals ? found.inverseDiagonal : nil)
    }
    var found = try solve(systems, y, sides: sides, in: &context)
    if diagonals {
      found.inverseDiagonal = try systems.inverseDiagonal(sides: sides)
      work.countFactors(matrices: systems.blocks, bits: logicBits, in: &context)
      work.countDiagonals(matrices: systems.blocks, bits: logicBits, in: &context)
    }
    return found
  }

  /// Each block has its own solver, as a channel has when it comes.
  private func solve(_ systems: ComplexSystems, _ y: Tensor<Float>, sides: Int, in context: inout ForwardContext) throws
    -> Detection
  {
    var solutions: [Tensor<Float>] = []
    var result = Detection(x: y)
    for block in 0..<systems.blocks {
      let problem = try systems.real(block: block)
      let solver: any LinearSolver =
        if let gradientSteps {
          try GradientSolver(problem, iterations: gradientSteps, on: substrate, in: &context)
        } else { try substrate.solver(problem, in: &context) }
      let right = try ComplexSystems.real(sides: y.slice(block * sides..<(block + 1) * sides))
      let settled = try solver.solve(right, in: &context)
      solutions.append(try ComplexSystems.complex(settled.x))
      if !settled.times_s.isEmpty { result.times_s.append(settled.times_s) }
      result.unsettled += settled.unsettled
      result.inventory = solver.inventory
    }
    result.x = try Tensor.concatenate(solutions).rowMajor()
    return result
  }
}

/// What complex least squares take in logic: LDLᴴ of the normal equations of many systems side by side. A complex product is four
/// real ones.
struct DetectorLogic {
  let rows: Int, columns: Int, systems: Int

  init(rows: Int, columns: Int, systems: Int) { (self.rows, self.columns, self.systems) = (rows, columns, systems) }

  init(_ problem: ComplexSystems) { self.init(rows: problem.rows, columns: problem.columns, systems: problem.systems) }

  private func count(_ products: Int, numbers: Int, bits: Int, _ context: inout ForwardContext) {
    context.countLogic(.multiplyAccumulate, systems * products, bits: bits)
    context.count(.memory, .byte, systems * numbers * ((bits + 7) / 8))
  }

  /// HᴴH, one half of it, and its factors; matrices come in from memory, factors go there.
  func countFactors(matrices: Int, bits: Int, in context: inout ForwardContext) {
    let (m, n) = (rows, columns)
    count(
      matrices * 4 * (m * n * (n + 1) / 2 + n * n * n / 6), numbers: matrices * (2 * m * n + n * n), bits: bits,
      &context)
  }

  /// Hᴴy and two triangles; as symbols come one after another, each has matrix and factors fetched from memory, its right-hand
  /// side too, and its solution goes there.
  func countSolutions(sides: Int, bits: Int, in context: inout ForwardContext) {
    let (m, n) = (rows, columns)
    count(sides * 4 * (m * n + n * n), numbers: sides * (2 * m * n + n * n + 2 * (m + n)), bits: bits, &context)
  }

  /// L⁻¹, and the squares of its elements over the pivots; factors come in, diagonals go out.
  func countDiagonals(matrices: Int, bits: Int, in context: inout ForwardContext) {
    let n = columns
    count(matrices * (4 * n * n * n / 6 + n * n), numbers: matrices * (n * n + n), bits: bits, &context)
  }

  /// One bias for each stream and matrix, its reciprocal, and a multiplication of every part of every solution.
  func countBias(matrices: Int, sides: Int, bits: Int, in context: inout ForwardContext) {
    context.countLogic(.operation, systems * columns * (3 * matrices + 2 * sides), bits: bits)
  }
}
