import Devices
import Substrates
import Tensors

/// A matrix stored in cells, over as many arrays as it needs. It is put together from four values: the cells of a device, a
/// mapping of weights, wires, and converters.
///
///     y = Σ_readings factor·ADC(Σ_rows DAC(x)·(G⁺ − G⁻)/unit)·scale     summed in logic over the arrays of a column
///
/// Each input vector is scaled to the converters' full range before, and back after. Read noise is fresh for every vector: its
/// variance Σ x²σ² is drawn once for each output, which has the same distribution as drawing it for each cell, as long as it is
/// Gaussian and independent. Cells keep their state: a crossbar can be read from both sides, written again, pulsed, read back
/// and aged. A copy is another crossbar.
///
/// - Left out: wire resistance, sneak currents, converter offset and nonlinearity.
public struct Crossbar: WritableMatrix {
  public let inputs: Int
  public let outputs: Int
  public let domain: InputDomain
  /// Seconds since the cells were made.
  public private(set) var time: Double
  let macro: Macro
  /// What a normalised weight of 1 stands for: `[1, outputs]`, or one number.
  private(set) var scale: Tensor<Float>
  var tiles: [CrossbarTile]

  /// Programs a matrix.
  ///
  /// - Parameter weights: shape `[inputs, outputs]`, dimensionless.
  /// - Throws: `CircuitError.weightsNotFinite`, `.invalidSetting`; `DeviceError`.
  public init(weights: Tensor<Float>, macro: Macro, device: any DeviceModel, in context: inout ForwardContext) throws {
    try macro.validate()
    try device.validate()
    let device = try device.prepared()
    guard weights.rank == 2, weights.count > 0 else {
      throw TensorError.wrongShape(argument: "weights", found: weights.shape, expected: "[inputs, outputs], not empty")
    }
    (inputs, outputs, self.macro, time) = (weights.shape[0], weights.shape[1], macro, macro.age_s)
    domain = device.domain == .light ? .light : macro.input.domain
    let values: Tensor<Float>
    (values, scale) = try Self.normalised(weights, macro)
    let stream = context.stream("array")
    let mapping = macro.mapping.mapping
    let width = (macro.columns - mapping.sharedColumns) / mapping.cellsPerWeight
    tiles = []
    for row in stride(from: 0, to: inputs, by: macro.rows) {
      for column in stride(from: 0, to: outputs, by: width) {
        let rows = row..<Swift.min(inputs, row + macro.rows)
        let columns = column..<Swift.min(outputs, column + width)
        tiles.append(
          try CrossbarTile(
            values.slice(rows).slice(columns, axis: 1), rows: rows, columns: columns, macro: macro, device: device,
            stream: stream.split("tile \(row) \(column)"), in: &context))
      }
    }
    countTurns(&context)
  }

  /// Random weights as cells were formed: differential pairs that nobody wrote, with a standard deviation of 1 over the matrix.
  init(formed inputs: Int, _ outputs: Int, macro: Macro, device: any DeviceModel, in context: inout ForwardContext)
    throws
  {
    guard inputs > 0, outputs > 0 else {
      throw TensorError.invalidArgument("inputs, outputs", found: "\(inputs), \(outputs)", expected: "1 or more")
    }
    var macro = macro
    macro.mapping = MappingChoice(DifferentialMapping())
    (self.inputs, self.outputs, self.macro, time) = (inputs, outputs, macro, macro.age_s)
    domain = device.domain == .light ? .light : macro.input.domain
    let stream = context.stream("formed array")
    let width = macro.columns / 2
    tiles = []
    for row in stride(from: 0, to: inputs, by: macro.rows) {
      for column in stride(from: 0, to: outputs, by: width) {
        let (rows, columns) = (row..<Swift.min(inputs, row + macro.rows), column..<Swift.min(outputs, column + width))
        let cells = try CellPlanes(
          formed: [rows.count, columns.count], mapping: macro.mapping.mapping, macro: macro, device: device,
          stream: stream.split("tile \(row) \(column)"))
        tiles.append(try CrossbarTile(cells, rows: rows, columns: columns))
      }
    }
    scale = try Tensor(1)
    let deviation = try stored.squared().mean().squareRoot()
    if try deviation.item() > 0 { scale = try Tensor(1) / deviation }
  }

  private static func normalised(_ weights: Tensor<Float>, _ macro: Macro) throws -> (
    values: Tensor<Float>, scale: Tensor<Float>
  ) {
    let weights = weights.detached()
    // The maximum of NaN is not reliable; the sum of magnitudes is.
    guard try weights.magnitude().sum().item().isFinite else { throw CircuitError.weightsNotFinite }
    return try macro.mapping.mapping.normalised(weights)
  }

  /// Arrays are written side by side.
  private func countTurns(_ context: inout ForwardContext) {
    context.count(.cell, .pulseTurn, tiles.reduce(0) { Swift.max($0, $1.cells.pulseTurns) })
  }

  /// Arrays in use.
  public var arrays: Int { tiles.count }

  /// Cells, arrays and converters. Converters of the columns are shared by `outputsPerConverter` columns; those that reading
  /// from the columns needs at the rows are not counted.
  public var inventory: Inventory {
    var inventory = Inventory()
    inventory.add(.array, tiles.count)
    let sharing = macro.output.outputsPerConverter
    for tile in tiles {
      inventory += tile.cells.inventory
      inventory.add(.spareCell, macro.rows * macro.columns - tile.cells.inventory.count(.cell))
      if domain != .light {
        inventory.add(.inputConverter, tile.rows.count, bits: domain == .binary ? 1 : macro.input.bits)
      }
      inventory.add(.outputConverter, (conversions(tile, .rows) + sharing - 1) / sharing, bits: macro.output.bits)
    }
    return inventory
  }

  /// Conversions for each vector.
  func conversions(_ tile: CrossbarTile, _ side: Side) -> Int {
    let length = side == .rows ? tile.columns.count : tile.rows.count
    return tile.views.reduce(0) { $0 + ($1.reading.isShared ? 1 : length) }
  }

  @discardableResult public mutating func write(_ weights: Tensor<Float>, in context: inout ForwardContext) throws
    -> Writing
  {
    guard weights.shape == [inputs, outputs] else {
      throw TensorError.wrongShape(argument: "weights", found: weights.shape, expected: "[\(inputs), \(outputs)]")
    }
    let (values, scale) = try Self.normalised(weights, macro)
    self.scale = scale
    var sum = Writing()
    for i in tiles.indices {
      sum += try tiles[i].write(
        values.slice(tiles[i].rows).slice(tiles[i].columns, axis: 1), in: &context)
    }
    countTurns(&context)
    return sum
  }

  /// What a pulse changes is the device's; counts go to the cells that the mapping has for them.
  @discardableResult public mutating func pulse(_ counts: Tensor<Int32>, in context: inout ForwardContext) throws
    -> Writing
  {
    guard counts.shape == [inputs, outputs] else {
      throw TensorError.wrongShape(argument: "counts", found: counts.shape, expected: "[\(inputs), \(outputs)]")
    }
    var copy = tiles
    var sum = Writing()
    let numbers = counts.elements
    for i in copy.indices {
      let (rows, columns) = (copy[i].rows, copy[i].columns)
      let part = rows.flatMap { row in columns.map { numbers[row * outputs + $0] } }
      sum += try copy[i].pulse(Tensor(part, shape: [rows.count, columns.count]), in: &context)
    }
    tiles = copy
    countTurns(&context)
    return sum
  }

  public func readBack(in context: inout ForwardContext) throws -> Tensor<Float> { try stored }

  /// What the cells hold now, in weight units.
  var stored: Tensor<Float> {
    get throws {
      var rows: [Int: [Tensor<Float>]] = [:]
      for tile in tiles { rows[tile.rows.lowerBound, default: []].append(try tile.cells.stored) }
      let matrix = try Tensor.concatenate(
        rows.sorted { $0.key < $1.key }.map { try Tensor.concatenate($0.value, axis: 1) }, axis: 0)
      return try matrix * scale
    }
  }

  public mutating func age(to seconds: Double) throws {
    for i in tiles.indices { try tiles[i].age(to: seconds) }
    time = seconds
  }
}
