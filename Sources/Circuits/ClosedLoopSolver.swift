import Devices
import Foundation
import Substrates
import Tensors

/// One-step least squares: two copies of a matrix between row amplifiers and column amplifiers (Sun et al. 2020).
///
///     g0·A·w − g_y·y = −g_f·v  (rows, inverting, feedback g_f)      g0·Aᵀ·v → 0  (columns, non-inverting)
///     dv/dt = −ω_u(u + v/A0),  u = (g0·A·w − g_y·y + g_f·v)/S       dw/dt = ω_u(p − w/A0),  p = g0·Aᵀ·v/T
///
/// S and T are the conductances that load a node, those that cancel in a difference included. A ridge λ is further rows √λ·I
/// with inputs 0. ω_u = 2π·bandwidth. One scale for each matrix: a scale for each column would have to be an amplifier's gain.
///
/// The two copies are programmed each for itself. Where a matrix is nearly singular their errors can differ so much that the
/// loop is not stable; it then counts as one that ran into the time-out. Read noise is drawn once for each programming: it is
/// slow beside the settling of a loop. Cells are taken at their conductance for small signals.
///
/// Ledger: systems settle side by side and right-hand sides one after the other, each as long as the slowest loop. Voltages are
/// scaled, as amplifiers with programmable gain do, so that the largest at any node at rest is the read voltage; cells, input and
/// feedback conductances are charged with V²·G of these voltages at rest for as long as their loop settles. Logic scales
/// right-hand sides and solutions to the converters' ranges.
///
/// - Source: specification of MIMO-OFDM baseband processing, "Closed-loop least-squares circuit"; the sign of the column
///   amplifiers is what makes it stable (Lyapunov function vᵀSv + wᵀTw).
/// - Left out: wire resistance, offset and noise of amplifiers, slew rate. An array of a loop is as large as its matrix.
public struct ClosedLoopSolver: LinearSolver {
  public let inventory: Inventory
  /// Of each circuit, in seconds, not longer than the time-out.
  public let settlingTimes_s: [Double]
  /// Circuits that would need longer than the time-out.
  public let timeouts: Int

  private let problem: LeastSquares
  private let macro: Macro
  private let loops: [Loop]
  /// Amplifiers of one loop.
  private let amplifiers: Int

  /// One circuit and what it gives for inputs of 1: `[columns, rows]`.
  private struct Loop: Sendable {
    let circuit: LeastSquaresCircuit
    let time_s: Double
    let response: [Double]
  }

  /// Programs every matrix twice, each system in its own pair of arrays.
  ///
  /// - Throws: `CircuitError.weightsNotFinite`, `.invalidSetting`; `.unsupported` for mappings whose weights are not one difference
  ///   of currents, and for cells that see light; `DeviceError`.
  public init(_ problem: LeastSquares, macro: Macro, device: any DeviceModel, in context: inout ForwardContext) throws {
    try macro.validate()
    try device.validate()
    let device = try device.prepared()
    try macro.checkLoop(of: device)
    let reading = try macro.loopReading()
    let (count, m, n) = (problem.systems, problem.rows, problem.columns)
    var real = problem.matrices
    if problem.ridge > 0 {
      let ridge = try (Tensor<Float>.identity(n) * problem.ridge.squareRoot()).broadcast(to: [count, n, n])
      real = try Tensor.concatenate([real, ridge], axis: 1)
    }
    guard try real.magnitude().sum().item().isFinite else { throw CircuitError.weightsNotFinite }
    let top = try real.magnitude().max(axes: [1, 2], keepingAxes: true)
    let scale = try Tensor.select(top .> 0, top, Tensor<Float>(1))
    let stream = context.stream("closed loop")
    let copies = try ["left", "right"].map {
      try CellPlanes(real, scale: scale, macro: macro, device: device, stream: stream.split($0), in: &context)
    }
    // Both copies of all systems are written side by side.
    context.count(.cell, .pulseTurn, copies.reduce(0) { max($0, $1.pulseTurns) })
    let seen = try copies.map { try Self.seen($0, reading, &context.random) }
    let total = real.shape[1]
    let (unit, scales, amplifier) = (Double(copies[0].unit), scale.elements.map(Double.init), macro.amplifier)
    var found = [Result<Loop, TensorError>?](repeating: nil, count: count)
    found.withUnsafeMutableBufferPointer { found in
      nonisolated(unsafe) let found = found
      parallelFor(count, grain: 8) { part in
        for s in part {
          found[s] = Result { () throws(TensorError) in
            let range = s * total * n..<(s + 1) * total * n
            let circuit = LeastSquaresCircuit(
              left: Array(seen[0].difference[range]), leftTotal: Array(seen[0].total[range]),
              right: Array(seen[1].difference[range]), rightTotal: Array(seen[1].total[range]), rows: total, columns: n,
              width: unit, largest: scales[s], amplifier: amplifier)
            let time = try circuit.settlingTime()
            return Loop(circuit: circuit, time_s: time, response: try circuit.response(inputs: m, settling: time))
          }
        }
      }
    }
    loops = try found.compactMap { try $0?.get() }
    settlingTimes_s = loops.map { min($0.time_s, amplifier.timeout_s) }
    timeouts = loops.count { $0.time_s > amplifier.timeout_s }
    amplifiers = total + n
    self.problem = problem
    self.macro = macro
    var parts = copies[0].inventory + copies[1].inventory
    parts.add(.array, 2 * count)
    parts.add(.amplifier, count * amplifiers)
    parts.add(.inputConverter, count * m, bits: macro.input.bits)
    let sharing = macro.output.outputsPerConverter
    parts.add(.outputConverter, count * ((n + sharing - 1) / sharing), bits: macro.output.bits)
    inventory = parts
  }

  /// Conductances as the loops see them, their differences and their sums over the planes, in siemens.
  private static func seen(_ cells: CellPlanes, _ reading: MappedReading, _ random: inout RandomStream) throws -> (
    difference: [Double], total: [Double]
  ) {
    var (difference, total) = (try Tensor<Float>.zeros(cells.shape), try Tensor<Float>.zeros(cells.shape))
    for (plane, sign) in zip(reading.planes, reading.signs) {
      var conductance = cells.planes[plane]
      if let variances = cells.variances {
        let noise: Tensor<Float> = try random.normal(conductance.shape)
        conductance = try conductance + variances[plane].squareRoot() * noise
      }
      conductance = try conductance.clamped(to: 0...Float.greatestFiniteMagnitude)
      difference = try difference + conductance * sign
      total = try total + conductance
    }
    return (difference.elements.map(Double.init), total.elements.map(Double.init))
  }

  /// What the loops have settled to, or reached when their time is over, through the converters. Input converters scale each
  /// right-hand side to their range, output converters each solution, as amplifiers with programmable gain do.
  public func solve(_ y: Tensor<Float>, in context: inout ForwardContext) throws -> Settled {
    let sides = try problem.sides(of: y)
    let (m, n) = (problem.rows, problem.columns)
    let (input, output) = (try Quantiser(bits: macro.input.bits), try Quantiser(bits: macro.output.bits))
    let right = try y.detached().rowMajor()
    let x = try Tensor<Float>.uninitialized([problem.systems, sides, n])
    var joules = [Double](repeating: 0, count: problem.systems)
    joules.withUnsafeMutableBufferPointer { joules in
      nonisolated(unsafe) let joules = joules
      parallelFor(problem.systems, grain: max(1, 20_000 / max(1, sides * m * n))) { part in
        for s in part {
          for side in s * sides..<(s + 1) * sides {
            let values = UnsafeBufferPointer(start: right.pointer + side * m, count: m).map(Double.init)
            let volts = Self.converted(values, input)
            let w = (0..<n).map { j in (0..<m).reduce(0.0) { $0 + loops[s].response[j * m + $1] * volts[$1] } }
            joules[s] +=
              loops[s].circuit.power(volts, w, largest_V: Double(macro.readVoltage_V)) * settlingTimes_s[s]
            for (j, value) in Self.converted(w, output).enumerated() { x.pointer[side * n + j] = Float(value) }
          }
        }
      }
    }
    count(sides, joules: joules.reduce(0, +), &context)
    return Settled(x: x, times_s: settlingTimes_s, unsettled: timeouts)
  }

  private static func converted(_ x: [Double], _ converter: Quantiser) -> [Double] {
    let largest = x.reduce(0) { max($0, abs($1)) }
    return x.map { converter.rounded($0, range: largest) }
  }

  private func count(_ sides: Int, joules: Double, _ context: inout ForwardContext) {
    let (systems, m, n) = (problem.systems, problem.rows, problem.columns)
    context.count(.closedLoop, .settling, Double(sides) * settlingTimes_s.reduce(0, max))
    context.count(.amplifier, .second, Double(sides * amplifiers) * settlingTimes_s.reduce(0, +))
    context.count(.cell, .joule, joules)
    context.count(.inputConverter, .conversion, systems * sides * m, bits: macro.input.bits)
    context.count(.outputConverter, .conversion, systems * sides * n, bits: macro.output.bits)
    guard systems > 0 else { return }
    context.count(.inputConverter, .turn, sides, bits: macro.input.bits)
    context.count(.outputConverter, .turn, sides * min(n, macro.output.outputsPerConverter), bits: macro.output.bits)
    // The largest of a vector and its multiplication, then the solution's multiplication.
    context.countLogic(.operation, systems * sides * (2 * m + n), bits: macro.logicBits)
    context.count(.memory, .byte, systems * sides * (m + n) * ((macro.logicBits + 7) / 8))
  }
}
