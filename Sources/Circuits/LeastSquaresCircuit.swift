import Foundation
import Tensors

/// One closed loop of `ClosedLoopSolver`: a real matrix in two arrays, m row amplifiers, n column amplifiers.
public struct LeastSquaresCircuit: Sendable {
  /// Row amplifiers (m) and column amplifiers (n).
  public let rows: Int, columns: Int
  /// Siemens of a matrix element 1 (g0), which is the input's conductance g_y too.
  public let unit: Double
  /// Feedback conductance of the row amplifiers (g_f), in siemens.
  public let feedback: Double
  public let amplifier: Amplifier
  /// G⁺ − G⁻ of the array that the columns drive and of the one that the rows drive, `[m, n]`, in siemens.
  let left: [Double], right: [Double]
  /// Conductances that load the nodes of rows (S) and columns (T), in siemens.
  let rowLoads: [Double], columnLoads: [Double]

  /// Of all cells between a node of the rows and one of the columns, in the two arrays, `[m, n]`, in siemens.
  private let leftTotal: [Double], rightTotal: [Double]

  /// - Parameters:
  ///   - left, right: differences of conductances in the two arrays, `[rows, columns]`, in siemens.
  ///   - leftTotal, rightTotal: conductances of all their cells.
  ///   - width: siemens of a normalised weight of 1; also the feedback conductance.
  ///   - largest: the matrix element that `width` stands for.
  init(
    left: [Double], leftTotal: [Double], right: [Double], rightTotal: [Double], rows: Int, columns: Int, width: Double,
    largest: Double, amplifier: Amplifier
  ) {
    (self.rows, self.columns, self.amplifier, feedback) = (rows, columns, amplifier, width)
    let unit = width / largest
    self.unit = unit
    (self.left, self.right, self.leftTotal, self.rightTotal) = (left, right, leftTotal, rightTotal)
    rowLoads = (0..<rows).map { i in (0..<columns).reduce(unit + width) { $0 + leftTotal[i * columns + $1] } }
    columnLoads = (0..<columns).map { j in (0..<rows).reduce(0) { $0 + rightTotal[$1 * columns + j] } }
  }

  /// A circuit without programming errors.
  ///
  /// - Parameters:
  ///   - matrix: shape `[rows, columns]`, rows not fewer than columns; further rows √λ·I make a ridge.
  ///   - lowest_S: conductance of a cell that stores 0, in siemens.
  ///   - highest_S: of one that stores the largest element.
  /// - Throws: `TensorError.wrongShape`.
  public init(_ matrix: Tensor<Double>, lowest_S: Double, highest_S: Double, amplifier: Amplifier) throws {
    guard matrix.rank == 2, matrix.shape[0] >= matrix.shape[1], matrix.shape[1] > 0 else {
      throw TensorError.wrongShape(argument: "matrix", found: matrix.shape, expected: "[rows, columns], rows ≥ columns")
    }
    let elements = matrix.elements
    let largest = Swift.max(elements.reduce(0) { Swift.max($0, abs($1)) }, .leastNormalMagnitude)
    let width = highest_S - lowest_S
    let plus = elements.map { lowest_S + Swift.max(0, $0) / largest * width }
    let minus = elements.map { lowest_S + Swift.max(0, -$0) / largest * width }
    let (difference, total) = (zip(plus, minus).map { $0 - $1 }, zip(plus, minus).map { $0 + $1 })
    self.init(
      left: difference, leftTotal: total, right: difference, rightTotal: total, rows: matrix.shape[0],
      columns: matrix.shape[1], width: width, largest: largest, amplifier: amplifier)
  }

  /// The normalised Jacobian of (v, w), `[m + n, m + n]`: multiply by ω_u for 1/s.
  public func jacobian() throws(TensorError) -> Tensor<Double> {
    let (m, n) = (rows, columns)
    var j = [Double](repeating: 0, count: (m + n) * (m + n))
    for i in 0..<m {
      j[i * (m + n) + i] = -feedback / rowLoads[i] - 1 / amplifier.gain
      for c in 0..<n {
        j[i * (m + n) + m + c] = -left[i * n + c] / rowLoads[i]
        j[(m + c) * (m + n) + i] = right[i * n + c] / columnLoads[c]
      }
    }
    for c in 0..<n { j[(m + c) * (m + n) + m + c] = -1 / amplifier.gain }
    return try Tensor(j, shape: [m + n, m + n])
  }

  /// Largest real part of the Jacobian's eigenvalues, in units of ω_u: below 0 where the loop is stable.
  public func slowestPole() throws(TensorError) -> Double {
    try eigenvalues(jacobian()).values.real().max().item()
  }

  /// ω_u, in 1/s.
  public var angularBandwidth: Double { 2 * .pi * amplifier.bandwidth_Hz }

  /// Time to settle to the amplifier's `settlingError`, in seconds; infinite for a loop that does not.
  public func settlingTime() throws(TensorError) -> Double {
    let pole = try slowestPole()
    return pole < 0 ? Foundation.log(1 / amplifier.settlingError) / (angularBandwidth * -pole) : .infinity
  }

  /// The column amplifiers' outputs at rest for inputs of 1, which is the solution operator: `[n, inputs]`; gain is finite,
  /// time is not limited. Rows beyond the inputs get 0.
  private func equilibrium(inputs: Int) throws(TensorError) -> Tensor<Double> {
    // The rows' equation gives v; what is left is n equations for w.
    let n = columns
    var matrix = [Double](repeating: 0, count: n * n)
    var sides = [Double](repeating: 0, count: n * inputs)
    for i in 0..<rows {
      let weight = 1 / (feedback + rowLoads[i] / amplifier.gain)
      for a in 0..<n {
        let r = right[i * n + a] * weight
        if i < inputs { sides[a * inputs + i] = r * unit }
        for b in 0..<n { matrix[a * n + b] += r * left[i * n + b] }
      }
    }
    for a in 0..<n { matrix[a * n + a] += columnLoads[a] / amplifier.gain }
    return try solve(Tensor(matrix, shape: [n, n]), Tensor(sides, shape: [n, inputs]))
  }

  /// The column amplifiers' outputs at rest, which are the solution.
  ///
  /// - Parameter y: inputs; rows beyond them get 0.
  public func equilibrium(_ y: [Double]) throws(TensorError) -> [Double] {
    try matmul(equilibrium(inputs: y.count), Tensor(y, shape: [y.count, 1])).elements
  }

  /// The inputs' current at the row nodes as a drive of (v, w), in units of ω_u.
  private func drive(_ y: [Double]) throws(TensorError) -> Tensor<Double> {
    let values = (0..<rows + columns).map { $0 < y.count ? unit * y[$0] / rowLoads[$0] : 0 }
    return try Tensor(values, shape: [rows + columns, 1])
  }

  /// The column amplifiers' outputs over time from rest, by the implicit trapezoidal rule.
  ///
  /// - Parameters:
  ///   - step_s: in seconds; a tenth of the fastest time constant gives three digits.
  /// - Returns: shape `[steps + 1, n]`.
  public func transient(_ y: [Double], step_s: Double, steps: Int) throws(TensorError) -> Tensor<Double> {
    let h = step_s * angularBandwidth / 2
    let j = try jacobian() * h
    let identity = try Tensor<Double>.identity(rows + columns)
    let advance = try solve(identity - j, identity + j)
    let push = try solve(identity - j, drive(y) * (2 * h))
    var state = try Tensor<Double>.zeros([rows + columns, 1])
    var outputs = [state]
    for _ in 0..<steps {
      state = try matmul(advance, state) + push
      outputs.append(state)
    }
    return try Tensor.stack(outputs).slice(rows..<rows + columns, axis: 1).reshaped([steps + 1, columns])
  }

  /// What is read for inputs of 1 when the loop has settled, or when its time is over: `[n, inputs]`, row-major. A loop that is
  /// not stable runs into its supply; zeros stand for it.
  func response(inputs: Int, settling: Double) throws(TensorError) -> [Double] {
    guard settling.isFinite else { return [Double](repeating: 0, count: columns * inputs) }
    guard settling > amplifier.timeout_s else { return try equilibrium(inputs: inputs).elements }
    // e^{J·t} by squaring the matrix of one short trapezoidal step, precise to 1e-4 of what is left to settle.
    let time = amplifier.timeout_s * angularBandwidth
    var squarings = 0
    while time / Foundation.pow(2, Double(squarings)) > 0.02 { squarings += 1 }
    let j = try jacobian()
    let half = try j * (time / Foundation.pow(2, Double(squarings)) / 2)
    let identity = try Tensor<Double>.identity(rows + columns)
    var power = try solve(identity - half, identity + half)
    for _ in 0..<squarings { power = try matmul(power, power) }
    var drive = [Double](repeating: 0, count: (rows + columns) * inputs)
    for i in 0..<Swift.min(rows, inputs) { drive[i * inputs + i] = unit / rowLoads[i] }
    let rest = try solve(j.negated(), Tensor(drive, shape: [rows + columns, inputs]))
    return try (rest - matmul(power, rest)).slice(rows..<rows + columns).elements
  }

  /// What cells, inputs and feedbacks take at rest, in watts, when the largest voltage of any node is `largest_V`.
  ///
  /// The outputs of the column amplifiers drive the cells of the left array towards the rows' virtual grounds, those of the row
  /// amplifiers the cells of the right array towards nodes that are at 0 at rest.
  ///
  /// - Parameters:
  ///   - y: inputs, in the units of `w`; rows beyond them get 0.
  ///   - w: outputs of the column amplifiers.
  func power(_ y: [Double], _ w: [Double], largest_V: Double) -> Double {
    var (watts, largest) = (0.0, 0.0)
    for value in y + w { largest = max(largest, abs(value)) }
    for i in 0..<rows {
      let input = i < y.count ? y[i] : 0
      var (current, taken, load) = (-unit * input, unit * input * input, feedback)
      for j in 0..<columns {
        let at = i * columns + j
        current += left[at] * w[j]
        taken += leftTotal[at] * w[j] * w[j]
        load += rightTotal[at]
      }
      let v = -current / (feedback + rowLoads[i] / amplifier.gain)
      largest = max(largest, abs(v))
      watts += taken + v * v * load
    }
    return largest > 0 ? watts * largest_V * largest_V / (largest * largest) : 0
  }
}
