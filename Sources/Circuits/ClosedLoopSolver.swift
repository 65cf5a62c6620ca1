import Devices
import Foundation
import Substrates
import Tensors

/// Amplifiers of closed-loop circuits.
public struct Amplifier: Codable, Sendable, Equatable {
  /// Open-loop gain at low frequency (A0), dimensionless.
  public var gain = 1e5
  /// Gain–bandwidth product, in hertz.
  public var bandwidth_Hz = 100e6
  /// Relative error up to which a loop is left to settle.
  public var settlingError = 1e-3
  /// Longest time a loop is given, in seconds; solutions are then read as they are.
  public var timeout_s = 10e-6
  public init() {}
}

/// One-step least squares: two copies of a matrix between row amplifiers and column amplifiers (Sun et al. 2020).
///
///     g0·H·w − g_y·y = −g_f·v  (rows, inverting, feedback g_f)      g0·Hᵀ·v → 0  (columns, non-inverting)
///     dv/dt = −ω_u(u + v/A0),  u = (g0·H·w − g_y·y + g_f·v)/S       dw/dt = ω_u(p − w/A0),  p = g0·Hᵀ·v/T
///
/// S and T are the conductances that load a node, those that cancel in a difference included. A complex matrix is stored as
/// `[[Re, −Im], [Im, Re]]`; a ridge λ as further rows √λ·I with inputs 0. ω_u = 2π·bandwidth.
///
/// - Source: specification of MIMO-OFDM baseband processing, "Closed-loop least-squares circuit"; the sign of the column
///   amplifiers is what makes it stable (Lyapunov function vᵀSv + wᵀTw).
/// The two copies are programmed each for itself. Where a matrix is nearly singular their errors can differ so much that the
/// loop is not stable; it then counts as one that ran into the time-out. Read noise is drawn once for each programming: it is slow beside the settling of a loop.
///
/// - Left out: wire resistance, offset and noise of amplifiers, slew rate.
public struct ClosedLoopSolver: LinearSolver {
  public var rows: Int { problem.rows }
  public var columns: Int { problem.columns }
  public var systems: Int { problem.systems }
  public var blocks: Int { problem.blocks }
  /// Mean conductance of the cells, in siemens.
  public let meanConductance: Double

  private let problem: ComplexSystems
  private let macro: Macro
  /// Amplifiers and cells of one loop.
  private let amplifiers: Int, cells: Int
  /// Of the stacked real matrices, for each system.
  /// What each loop gives for inputs of 1, `[blocks, systems, 2·columns, 2·rows]`.
  private let responses: [Double]
  /// Of each circuit, in seconds, not longer than the time-out.
  public let settlingTimes_s: [Double]
  /// Circuits that would need longer than the time-out.
  public let timeouts: Int

  /// Programs every matrix twice, each system in its own pair of arrays.
  public init(
    _ problem: ComplexSystems, macro: Macro, device: (any DeviceModel)? = nil, in context: inout ForwardContext
  ) throws {
    try macro.validate()
    let cell = device ?? macro.device
    let (m, n) = (2 * problem.rows, 2 * problem.columns)
    let total = problem.ridge > 0 ? m + n : m
    let count = problem.blocks * problem.systems
    // [blocks, rows, columns, 2, systems] to [blocks, systems, 2, rows, columns].
    let parts = try problem.matrices.permuted([0, 4, 3, 1, 2]).reshaped([count, 2, problem.rows, problem.columns])
    let re = try parts.slice(0..<1, axis: 1).reshaped([count, problem.rows, problem.columns])
    let im = try parts.slice(1..<2, axis: 1).reshaped([count, problem.rows, problem.columns])
    var real = try Tensor.concatenate(
      [
        Tensor.concatenate([re, im.negated()], axis: 2), Tensor.concatenate([im, re], axis: 2),
      ], axis: 1)
    if problem.ridge > 0 {
      let ridge = try (Tensor<Float>.identity(n) * problem.ridge.squareRoot()).broadcast(to: [count, n, n])
      real = try Tensor.concatenate([real, ridge], axis: 1)
    }
    guard try real.sum().item().isFinite else { throw CircuitError.weightsNotFinite }
    let largest = try Tensor.maximum(
      real.magnitude().max(axes: [1, 2], keepingAxes: true), Tensor(Float.leastNormalMagnitude))
    let (low, width) = (cell.window.lowerBound, cell.window.upperBound - cell.window.lowerBound)
    let scaled = try real / largest
    var sum = 0.0
    func program(_ target: Tensor<Float>) throws -> [Double] {
      let stored = try cell.programmed(target.clamped(to: 0...1) * width + low, using: &context.random)
      context.activity.pulses += Int((Float(target.count) * cell.pulsesPerWrite).rounded())
      let aged = try cell.aged(stored, age: macro.age_s)
      sum += Double(try aged.sum().item())
      let seen = try aged + cell.readVariance(aged).squareRoot() * context.random.normal(aged.shape)
      return try seen.clamped(to: 0...Float.greatestFiniteMagnitude).elements.map(Double.init)
    }
    let negated = try scaled.negated()
    let left = try (plus: program(scaled), minus: program(negated))
    let right = try (plus: program(scaled), minus: program(negated))
    meanConductance = sum / Double(max(1, 4 * scaled.count))
    let scales = largest.elements
    let built = (0..<count).map { s in
      let range = s * total * n..<(s + 1) * total * n
      return LeastSquaresCircuit(
        left: Array(left.plus[range]), leftMinus: Array(left.minus[range]), right: Array(right.plus[range]),
        rightMinus: Array(right.minus[range]), rows: total, columns: n, width: Double(width),
        largest: Double(scales[s]), amplifier: macro.amplifier)
    }
    let inputs = m
    let limit = macro.amplifier.timeout_s
    var found = [Result<(time: Double, response: [Double]), TensorError>?](repeating: nil, count: count)
    found.withUnsafeMutableBufferPointer { found in
      nonisolated(unsafe) let found = found
      parallelFor(count, grain: 8) { part in
        for s in part {
          found[s] = Result { () throws(TensorError) in
            let time = try built[s].settlingTime()
            return (time, try built[s].response(inputs: inputs, settling: time))
          }
        }
      }
    }
    var times: [Double] = []
    var responses: [Double] = []
    for case let result? in found {
      let (time, response) = try result.get()
      times.append(time)
      responses += response
    }
    settlingTimes_s = times.map { min($0, limit) }
    timeouts = times.count { $0 > limit }
    self.responses = responses
    amplifiers = total + n
    cells = 4 * total * n
    self.problem = problem
    self.macro = macro
  }

  /// What the loops have settled to, or reached when their time is over, through the converters. Input converters scale each
  /// right-hand side to their range, output converters each solution, as amplifiers with programmable gain do.
  public func solve(_ y: Tensor<Float>, in context: inout ForwardContext) throws -> LeastSquaresSolution {
    let sides = try problem.sides(of: y)
    let values = y.elements
    var result = [Float](repeating: 0, count: blocks * sides * columns * 2 * systems)
    let count = systems
    for s in 0..<blocks * sides {
      for k in 0..<count {
        let place = s / sides * count + k
        var input = (0..<2 * rows).map { i in
          Double(values[((s * rows + i % rows) * 2 + i / rows) * count + k])
        }
        Self.convert(&input, bits: macro.inputBits)
        var x = (0..<2 * columns).map { j in
          let row = (place * 2 * columns + j) * 2 * rows
          return input.indices.reduce(0.0) { $0 + responses[row + $1] * input[$1] }
        }
        Self.convert(&x, bits: macro.outputBits)
        for j in 0..<2 * columns { result[((s * columns + j % columns) * 2 + j / columns) * count + k] = Float(x[j]) }
        let time = settlingTimes_s[place]
        context.activity.settling_s += time
        context.activity.amplifiers_s += time * Double(amplifiers)
        context.activity.cells_s += time * Double(cells)
      }
    }
    context.activity.inputConversions += blocks * sides * count * 2 * rows
    context.activity.outputConversions += blocks * sides * count * 2 * columns
    return try LeastSquaresSolution(
      x: Tensor(result, shape: [blocks * sides, columns, 2, count]),
      inverseDiagonal: problem.solved(y).inverseDiagonal)
  }

  /// Rounds to the steps of a converter whose range is the largest magnitude.
  private static func convert(_ x: inout [Double], bits: Int) {
    let largest = x.reduce(0) { max($0, abs($1)) }
    guard bits > 1, largest > 0, largest.isFinite else { return }
    let step = largest / Double((1 << (bits - 1)) - 1)
    for i in x.indices { x[i] = (x[i] / step).rounded() * step }
  }
}
