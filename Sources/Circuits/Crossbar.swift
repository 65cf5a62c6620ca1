import Devices
import Foundation
import Substrates
import Tensors

/// A matrix stored as differential pairs of conductances over as many arrays as it needs.
///
///     w ≥ 0: G⁺ = Gmin + w/w_max·ΔG, G⁻ = Gmin     w < 0: the other way round
///     y = ADC(Σ_rows DAC(x)·(G⁺ − G⁻))·w_max/ΔG     summed digitally over the arrays of a column
///
/// Each input vector is scaled to the converters' full range before, and back after (as AIHWKit's noise management does).
/// Read noise is fresh for every vector: its variance Σ x²(σ²(G⁺) + σ²(G⁻)) is drawn once for each output, which has the
/// same distribution as drawing it for each cell, as long as it is Gaussian and independent.
///
/// - Left out: wire resistance, sneak currents, converter offset and nonlinearity.
public struct Crossbar: LinearOperator {
  public let inputs: Int
  public let outputs: Int
  /// Arrays in use.
  public var arrays: Int { tiles.count }
  /// Output converters in use.
  public var converters: Int {
    tiles.reduce(0) { $0 + ($1.difference.shape[1] + macro.outputsPerConverter - 1) / macro.outputsPerConverter }
  }
  /// Conductance of all cells, in siemens.
  public let totalConductance: Double

  private let macro: Macro
  private let weightMaximum: Float
  private let tiles: [Tile]

  private struct Tile: Sendable {
    var rows: Range<Int>
    var columns: Range<Int>
    /// Of the output converters.
    var range: Float
    /// (G⁺ − G⁻)/ΔG, `[rows, columns]`.
    var difference: Tensor<Float>
    /// Variance of a read of it, or nothing without read noise.
    var variance: Tensor<Float>?
  }

  /// Programs a matrix.
  ///
  /// - Parameters:
  ///   - weights: shape `[inputs, outputs]`, dimensionless.
  ///   - device: the cells; `macro.device` unless a measured device takes its place.
  public init(
    weights: Tensor<Float>, macro: Macro, device: (any DeviceModel)? = nil, in context: inout ForwardContext
  ) throws {
    try macro.validate()
    guard weights.rank == 2, weights.count > 0 else {
      throw TensorError.wrongShape(argument: "weights", found: weights.shape, expected: "[inputs, outputs], not empty")
    }
    let cell = device ?? macro.device
    self.macro = macro
    (inputs, outputs) = (weights.shape[0], weights.shape[1])
    let largest = try weights.magnitude().max().item()
    // The maximum of NaN is not reliable; the sum is.
    guard largest.isFinite, try weights.sum().item().isFinite else { throw CircuitError.weightsNotFinite }
    weightMaximum = largest > 0 ? largest : 1
    let width = cell.window.upperBound - cell.window.lowerBound
    let pairs = macro.columns / 2
    var tiles: [Tile] = []
    var total = 0.0
    for row in stride(from: 0, to: inputs, by: macro.rows) {
      for column in stride(from: 0, to: outputs, by: pairs) {
        let rows = row..<Swift.min(inputs, row + macro.rows)
        let columns = column..<Swift.min(outputs, column + pairs)
        let part = try weights.slice(rows).slice(columns, axis: 1) * (1 / weightMaximum)
        func program(_ target: Tensor<Float>) throws -> Tensor<Float> {
          let stored = try cell.programmed(
            target.clamped(to: 0...1) * width + cell.window.lowerBound, using: &context.random)
          context.activity.pulses += Int((Float(target.count) * cell.pulsesPerWrite).rounded())
          return try cell.aged(stored, age: macro.age_s)
        }
        let plus = try program(part)
        let minus = try program(part.negated())
        total += try Double(plus.sum().item()) + Double(minus.sum().item())
        let largestOutput = try part.magnitude().sum(axes: [0]).max().item()
        let variance = try (cell.readVariance(plus) + cell.readVariance(minus)) * (1 / (width * width))
        tiles.append(
          Tile(
            rows: rows, columns: columns,
            range: Swift.min(macro.outputRange, Swift.max(largestOutput, .leastNormalMagnitude)),
            difference: try (plus - minus) * (1 / width),
            variance: try variance.max().item() > 0 ? variance : nil))
      }
    }
    self.tiles = tiles
    totalConductance = total
  }

  /// Analog product of a batch with the stored matrix. Gradients, where asked for, are those of the exact product.
  public func apply(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    guard x.rank == 2, x.shape[1] == inputs else {
      throw TensorError.wrongShape(argument: "x", found: x.shape, expected: "[batch, \(inputs)]")
    }
    let batch = x.shape[0]
    guard batch > 0 else { return try .zeros([0, outputs]) }
    let values = x.detached()
    // Full scale of each vector; a vector of zeros keeps its zeros with any scale.
    let scale = try Tensor.maximum(
      values.magnitude().max(axes: [1], keepingAxes: true), Tensor(Float.leastNormalMagnitude))
    let voltages = try quantised(values / scale, bits: macro.inputBits, range: 1)
    var columns: [Int: Tensor<Float>] = [:]
    for tile in tiles {
      let part = try voltages.slice(tile.rows, axis: 1)
      var current = try matmul(part, tile.difference)
      if let variance = tile.variance {
        let deviation = try matmul(part.squared(), variance).squareRoot()
        current = try current + deviation * context.random.normal(current.shape)
      }
      let reading = try quantised(current, bits: macro.outputBits, range: tile.range)
      columns[tile.columns.lowerBound] = try columns[tile.columns.lowerBound].map { try $0 + reading } ?? reading
      context.activity.cellReads += 2 * batch * tile.difference.count
      context.activity.inputConversions += batch * tile.rows.count
      context.activity.outputConversions += batch * tile.columns.count
    }
    // Arrays work side by side; outputs that share a converter follow one another inside one step.
    context.activity.serialSteps += batch
    let y = try Tensor.concatenate(columns.sorted { $0.key < $1.key }.map(\.value), axis: 1) * scale * weightMaximum
    return context.isTraining ? try straightThrough(x, y) : y
  }

  /// `y` in value, the product with the stored weights in gradient.
  private func straightThrough(_ x: Tensor<Float>, _ y: Tensor<Float>) throws -> Tensor<Float> {
    var rows: [Int: [Tensor<Float>]] = [:]
    for tile in tiles { rows[tile.rows.lowerBound, default: []].append(tile.difference) }
    let matrix = try Tensor.concatenate(
      rows.sorted { $0.key < $1.key }.map { try Tensor.concatenate($0.value, axis: 1) }, axis: 0)
    let exact = try matmul(x, matrix * weightMaximum)
    return try exact + (y - exact.detached())
  }

  /// Rounds to the steps of a converter with the range ±`range`.
  private func quantised(_ x: Tensor<Float>, bits: Int, range: Float) throws -> Tensor<Float> {
    guard bits > 0 else { return x }
    let step = bits == 1 ? 2 * range : range / Float((1 << (bits - 1)) - 1)
    return try (x.clamped(to: -range...range) * (1 / step)).rounded() * step
  }
}
