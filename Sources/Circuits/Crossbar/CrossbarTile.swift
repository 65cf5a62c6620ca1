import Devices
import Substrates
import Tensors

/// One array of a crossbar: some rows and columns of the matrix.
struct CrossbarTile: Sendable {
  let rows: Range<Int>
  let columns: Range<Int>
  private(set) var cells: CellPlanes
  /// Of the output converters, for each reading, from both sides, in normalised units; found anew when cells change.
  private var full: (rows: [Float], columns: [Float]) = ([], [])
  /// Of the output converters where they were calibrated.
  private var calibrated: (rows: [Float]?, columns: [Float]?) = (nil, nil)
  /// What each reading sees now, normalised, and the variances of its cells: those with a cell for each weight, and shared ones.
  private(set) var views: [View] = []
  /// Conductance of all cells of a row or column of weights, in siemens.
  private(set) var loads: (rows: Tensor<Float>, columns: Tensor<Float>)

  struct View: Sendable {
    var reading: MappedReading
    /// `[rows, columns]`, or `[rows, 1]` where it is shared.
    var difference: Tensor<Float>
    var variance: Tensor<Float>?, sharedVariance: Tensor<Float>?
  }

  /// Around cells that are there, for values `[rows, columns]`.
  init(_ cells: CellPlanes, rows: Range<Int>, columns: Range<Int>) throws {
    (self.rows, self.columns, self.cells) = (rows, columns, cells)
    loads = (try Tensor(0), try Tensor(0))
    try refresh()
  }

  init(
    _ values: Tensor<Float>, rows: Range<Int>, columns: Range<Int>, macro: Macro, device: any DeviceModel,
    stream: RandomStream, in context: inout ForwardContext
  ) throws {
    try self.init(
      CellPlanes(values, scale: Tensor(1), macro: macro, device: device, stream: stream, in: &context), rows: rows,
      columns: columns)
  }

  mutating func write(_ values: Tensor<Float>, in context: inout ForwardContext) throws -> Writing {
    let writing = try cells.write(values, in: &context)
    try refresh()
    return writing
  }

  mutating func pulse(_ counts: Tensor<Int32>, in context: inout ForwardContext) throws -> Writing {
    let writing = try cells.pulse(counts, in: &context)
    try refresh()
    return writing
  }

  mutating func age(to seconds: Double) throws {
    try cells.age(to: seconds)
    try refresh()
  }

  /// The range of a reading's converter, and whether data set it.
  func range(_ reading: Int, _ side: Side, _ output: OutputConverter) -> (range: Float, isCalibrated: Bool) {
    let most = mostCurrent(reading, side)
    switch output.ranging {
    case .full: return (most, true)
    case .fixed: return (min(output.range, most), true)
    case .calibrated:
      guard let found = side == .rows ? calibrated.rows : calibrated.columns else { return (most, false) }
      return (found[reading], true)
    }
  }

  /// What a reading can give at most, with all inputs at full scale.
  func mostCurrent(_ reading: Int, _ side: Side) -> Float { side == .rows ? full.rows[reading] : full.columns[reading] }

  mutating func setRanges(_ ranges: [Float], _ side: Side) {
    switch side {
    case .rows: calibrated.rows = ranges
    case .columns: calibrated.columns = ranges
    }
  }

  private mutating func refresh() throws {
    let unit = cells.unit
    views = try cells.mapping.readings.map { reading in
      var view = View(reading: reading, difference: try cells.difference(reading))
      guard let variances = cells.variances else { return view }
      for plane in reading.planes {
        let variance = try variances[plane] * (1 / (unit * unit))
        // The noise of a cell that all outputs see is the same for all.
        if !reading.isShared, columns.count > 1, variance.shape[1] == 1 {
          view.sharedVariance = try view.sharedVariance.map { try $0 + variance } ?? variance
        } else {
          view.variance = try view.variance.map { try $0 + variance } ?? variance
        }
      }
      return view
    }
    full.rows = try views.map { try $0.difference.magnitude().sum(axes: [0]).max().item() }
    full.columns = try views.map { try $0.difference.magnitude().sum(axes: [1]).max().item() }
    loads.rows = try cells.planes.dropFirst().reduce(cells.planes[0].sum(axes: [1])) { try $0 + $1.sum(axes: [1]) }
    // Shared cells hang on no column of weights; from that side they are not driven.
    loads.columns = try cells.planes.filter { $0.shape[1] == columns.count }
      .reduce(Tensor<Float>.zeros([columns.count])) { try $0 + $1.sum(axes: [0]) }
  }
}
