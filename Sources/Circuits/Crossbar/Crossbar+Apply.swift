import Devices
import Substrates
import Tensors

extension Crossbar {
  /// Analog product of a batch with the stored matrix, or its transpose. Gradients are those of the product with what is stored.
  ///
  /// - Throws: `TensorError`; `CircuitError.unsupported` where the mapping has columns that all outputs share and inputs come
  ///   from the columns.
  public func apply(_ x: Tensor<Float>, from side: Side, in context: inout ForwardContext) throws -> Tensor<Float> {
    let signals = try signals(x, from: side)
    let batch = x.shape[0]
    guard batch > 0 else { return try .zeros([0, side == .rows ? outputs : inputs]) }
    var parts: [Int: Tensor<Float>] = [:]
    for tile in tiles {
      let reading = try read(tile, signals.voltages, side, &context)
      let place = side == .rows ? tile.columns.lowerBound : tile.rows.lowerBound
      parts[place] = try parts[place].map { try $0 + reading } ?? reading
    }
    countLogic(batch, side, &context)
    var y = try Tensor.concatenate(parts.sorted { $0.key < $1.key }.map(\.value), axis: 1) * signals.scale
    if side == .rows { y = try y * scale }
    let value = y
    return try withCustomGradient(of: [x]) { _ in
      value
    } gradient: { upstream, _ in
      [try matmul(upstream, stored, transposingB: side == .rows)]
    }
  }

  /// Sums of currents before any converter, in weight units, for what compares them as they are. All rows lie in one array.
  func currents(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    let signals = try signals(x, from: .rows)
    guard x.shape[0] > 0 else { return try .zeros([0, outputs]) }
    let batch = x.shape[0]
    var parts: [Tensor<Float>] = []
    for tile in tiles {
      let part = try signals.voltages.slice(tile.rows, axis: 1)
      let squares = try part.squared()
      var sum: Tensor<Float>?
      for view in tile.views {
        let current = try current(tile, view, part, squares, .rows, &context) * view.reading.factor
        sum = try sum.map { try $0 + current } ?? current
      }
      if let sum { parts.append(sum) }
      context.count(.cell, .read, batch * tile.cells.inventory.count(.cell))
      context.count(.inputConverter, .conversion, batch * tile.rows.count, bits: macro.input.bits)
      try countJoules(tile, squares, .rows, &context)
    }
    context.count(.array, .step, batch)
    context.count(.inputConverter, .turn, batch, bits: macro.input.bits)
    return try Tensor.concatenate(parts, axis: 1) * signals.scale * scale
  }

  /// Inputs as voltages within ±1, and what 1 stands for in each vector.
  func signals(_ x: Tensor<Float>, from side: Side) throws -> (voltages: Tensor<Float>, scale: Tensor<Float>) {
    try checked(x, from: side)
    var values = x.detached()
    guard x.count > 0 else { return (values, try Tensor(1)) }
    try checkDomain(values)
    if side == .columns { values = try values * scale }
    if domain == .binary, side == .rows { return (values, try Tensor(1)) }
    let top = try values.magnitude().max(axes: [1], keepingAxes: true)
    // A vector of zeros keeps its zeros with any scale.
    let full = try Tensor.select(top .> 0, top, Tensor<Float>(1))
    let voltages = try values / full
    if domain == .light { return (voltages, full) }
    let converter = try Quantiser(bits: macro.input.bits, isSigned: domain == .signed)
    return (try converter.rounded(voltages, range: 1), full)
  }

  private func checkDomain(_ x: Tensor<Float>) throws {
    guard try x.sum().item().isFinite else {
      throw TensorError.invalidArgument("x", found: "NaN or infinity", expected: "finite numbers")
    }
    switch domain {
    case .signed: return
    case .unsigned, .light:
      let least = try x.min().item()
      guard least >= 0 else {
        throw TensorError.invalidArgument(
          "x", found: "\(least)",
          expected: "0 or more: inputs are \(domain.rawValue); shift them, or split them by sign")
      }
    case .binary:
      if let wrong = x.elements.first(where: { $0 != 0 && $0 != 1 }) {
        throw TensorError.invalidArgument("x", found: "\(wrong)", expected: "0 or 1: inputs are binary")
      }
    }
  }

  /// Readings of one array, normalised: `[batch, outputs or inputs of the array]`.
  private func read(
    _ tile: CrossbarTile, _ voltages: Tensor<Float>, _ side: Side, _ context: inout ForwardContext
  ) throws -> Tensor<Float> {
    let part = try voltages.slice(side == .rows ? tile.rows : tile.columns, axis: 1)
    let converter = try Quantiser(bits: macro.output.bits)
    let batch = part.shape[0]
    let squares = try part.squared()
    var sum: Tensor<Float>?
    for (i, view) in tile.views.enumerated() {
      let current = try current(tile, view, part, squares, side, &context)
      let (range, isCalibrated) = tile.range(i, side, macro.output)
      let reading = try converter.rounded(current, range: range) * view.reading.factor
      sum = try sum.map { try $0 + reading } ?? reading
      guard macro.output.bits > 0 else { continue }
      let clipped = try (current.magnitude() .> (range * 1.000_001)).sum().item()
      context.count(.outputConverter, .clipped, Double(clipped))
      if !isCalibrated { context.count(.outputConverter, .uncalibrated, current.count) }
    }
    count(tile, batch, side, &context)
    try countJoules(tile, squares, side, &context)
    return try sum ?? .zeros([batch, side == .rows ? tile.columns.count : tile.rows.count])
  }

  /// ΣV²·G·t of all cells of an array, at their conductance for small signals.
  private func countJoules(
    _ tile: CrossbarTile, _ squares: Tensor<Float>, _ side: Side, _ context: inout ForwardContext
  ) throws {
    let load = side == .rows ? tile.loads.rows : tile.loads.columns
    let power = try matmul(squares, load.reshaped([nil, 1])).sum().item()
    let voltage = Double(macro.readVoltage_V)
    context.count(.cell, .joule, Double(power) * voltage * voltage * macro.readTime_s)
  }

  /// Current of one reading, normalised, with the noise of this read.
  func current(
    _ tile: CrossbarTile, _ view: CrossbarTile.View, _ part: Tensor<Float>, _ squares: Tensor<Float>, _ side: Side,
    _ context: inout ForwardContext
  ) throws -> Tensor<Float> {
    let fromColumns = side == .columns
    if fromColumns, macro.mapping.mapping.hasSharedColumns {
      throw CircuitError.unsupported(
        "reading from the columns with the mapping `\(type(of: tile.cells.mapping).kind)`, whose reference column serves all outputs,",
        remedy: "choose mapping.kind differential")
    }
    var current =
      tile.cells.isOhmic
      ? try matmul(part, view.difference, transposingB: fromColumns) : try largeSignal(tile, view, part, side)
    if let variance = view.variance {
      let deviation = try matmul(squares, variance, transposingB: fromColumns).squareRoot()
      current = try current + deviation * context.random.normal(deviation.shape)
    }
    if let variance = view.sharedVariance {
      let deviation = try matmul(squares, variance).squareRoot()
      current = try current + deviation * context.random.normal(deviation.shape)
    }
    return current
  }

  /// Currents of cells that are not ohmic, some vectors at a time.
  private func largeSignal(_ tile: CrossbarTile, _ view: CrossbarTile.View, _ part: Tensor<Float>, _ side: Side) throws
    -> Tensor<Float>
  {
    let cells = tile.rows.count * tile.columns.count
    let portion = Swift.max(1, (1 << 22) / cells)
    var results: [Tensor<Float>] = []
    for start in stride(from: 0, to: part.shape[0], by: portion) {
      let some = try part.slice(start..<Swift.min(part.shape[0], start + portion)) * macro.readVoltage_V
      let volts = try some.expanded(axis: side == .rows ? 2 : 1)
      var sum: Tensor<Float>?
      for (plane, sign) in zip(view.reading.planes, view.reading.signs) {
        let current =
          try tile.cells.current(plane, volts, readVoltage: macro.readVoltage_V)
          .sum(axes: [side == .rows ? 1 : 2]) * sign
        sum = try sum.map { try $0 + current } ?? current
      }
      if let sum { results.append(sum) }
    }
    return try Tensor.concatenate(results)
  }

  /// Cells and conversions of one array.
  private func count(_ tile: CrossbarTile, _ batch: Int, _ side: Side, _ context: inout ForwardContext) {
    context.count(.cell, .read, batch * tile.cells.inventory.count(.cell))
    if domain != .light {
      context.count(
        .inputConverter, .conversion, batch * (side == .rows ? tile.rows.count : tile.columns.count),
        bits: domain == .binary ? 1 : macro.input.bits)
    }
    context.count(.outputConverter, .conversion, batch * conversions(tile, side), bits: macro.output.bits)
  }

  /// What follows one another, and what logic does around the arrays: scaling vectors to the converters' range, adding readings,
  /// scaling results, and buffers for what goes in and comes out.
  private func countLogic(_ batch: Int, _ side: Side, _ context: inout ForwardContext) {
    let (length, width) = side == .rows ? (inputs, outputs) : (outputs, inputs)
    context.count(.array, .step, batch)
    if domain != .light { context.count(.inputConverter, .turn, batch, bits: domain == .binary ? 1 : macro.input.bits) }
    let most = tiles.reduce(0) { Swift.max($0, conversions($1, side)) }
    context.count(
      .outputConverter, .turn, batch * Swift.min(macro.output.outputsPerConverter, most), bits: macro.output.bits)
    let bits = macro.logicBits
    let blocks = Set(tiles.map { side == .rows ? $0.rows.lowerBound : $0.columns.lowerBound }).count
    let readings = tiles.first?.views.count ?? 1
    let scalings = domain == .binary ? 0 : 2 * length
    context.countLogic(.operation, batch * (scalings + width * (blocks * readings - 1) + width), bits: bits)
    let partial = blocks > 1 ? 2 * width * blocks : 0
    context.count(.memory, .byte, batch * (length + width + partial) * ((bits + 7) / 8))
  }
}

extension Macro {
  /// Bits of the numbers beside arrays: those of the finer converter; 32, floating point, where converters are ideal.
  var logicBits: Int { input.bits == 0 || output.bits == 0 ? 32 : Swift.max(input.bits, output.bits) }
}
