import Devices
import Substrates
import Tensors

/// Cells that hold weights, plane by plane as the mapping has them: the one place where weights are programmed.
///
/// Arrays, closed loops and memories are made of these. Each plane has streams of its own, for its devices and for each write.
package struct CellPlanes: Sendable {
  /// Of the weights.
  package let shape: [Int]
  package let mapping: any WeightMapping
  /// What a normalised weight of 1 stands for; broadcasts to `shape`.
  package private(set) var scale: Tensor<Float>
  /// Seconds since the cells were made.
  package private(set) var time: Double
  /// Conductances now, in siemens.
  package private(set) var planes: [Tensor<Float>]
  /// Variances of one read, in siemens²; nothing where reads do not fluctuate.
  package private(set) var variances: [Tensor<Float>]?
  /// Programming pulses that followed one another in the last write, columns in turn, rows together.
  package private(set) var pulseTurns = 0.0

  private let window: ClosedRange<Float>
  private let readTime_s: Double
  private var cells: [any CellArray]
  private let stream: RandomStream
  private var writes = 0

  /// Makes cells and writes weights.
  ///
  /// - Parameters:
  ///   - weights: any shape, `[…, inputs, outputs]`.
  ///   - scale: what the top of the window stands for, in weight units: one number, or a tensor that broadcasts. Larger weights
  ///     are clipped.
  ///   - stream: of these cells alone.
  package init(
    _ weights: Tensor<Float>, scale: Tensor<Float>, macro: Macro, device: any DeviceModel, stream: RandomStream,
    in context: inout ForwardContext
  ) throws {
    guard try weights.sum().item().isFinite else { throw CircuitError.weightsNotFinite }
    (shape, mapping, window) = (weights.shape, macro.mapping.mapping, device.window)
    (self.scale, self.stream, readTime_s) = (scale, stream, macro.readTime_s)
    (planes, variances, time, cells) = ([], nil, 0, [])
    let targets = try mapping.targets((weights.detached() / scale).clamped(to: -1...1), window: window)
    for (plane, target) in targets.enumerated() {
      var own = stream.split("plane \(plane)")
      cells.append(try device.cells(target.shape, using: &own))
    }
    try program(targets, in: &context)
    try age(to: macro.age_s)
  }

  /// Cells as they were formed, which nobody wrote: every plane for itself.
  ///
  /// - Parameter mapping: says what the planes are; its weights are not used.
  package init(
    formed shape: [Int], mapping: any WeightMapping, macro: Macro, device: any DeviceModel, stream: RandomStream
  ) throws {
    (self.shape, self.mapping, window) = (shape, mapping, device.window)
    (self.scale, self.stream, readTime_s) = (try Tensor(1), stream, macro.readTime_s)
    (planes, variances, time, cells) = ([], nil, 0, [])
    for plane in 0..<mapping.cellsPerWeight {
      var own = stream.split("plane \(plane)")
      cells.append(try device.formed(shape, using: &own))
    }
    try age(to: macro.age_s)
  }

  /// Siemens that stand for a normalised weight of 1.
  package var unit: Float { mapping.unit(window) }

  /// Siemens that stand for a weight of 1; broadcasts like `scale`.
  package var unit_S: Tensor<Float> { get throws { try Tensor(unit) / scale } }

  /// Of all planes together, in siemens, in the shape of the weights (planes of one column count for each output).
  package var conductance_S: Tensor<Float> {
    get throws { try planes.dropFirst().reduce(planes[0]) { try $0 + $1 } }
  }

  /// The weights as they are stored now, in weight units.
  package var stored: Tensor<Float> {
    get throws {
      var sum = try Tensor<Float>.zeros(shape)
      for reading in mapping.readings { sum = try sum + difference(reading) * reading.factor }
      return try sum * scale
    }
  }

  /// Variance of one read of each weight, in weight units²; nothing without read noise.
  package var variance: Tensor<Float>? {
    get throws {
      guard let variances else { return nil }
      var sum = try Tensor<Float>.zeros(shape)
      for reading in mapping.readings {
        for plane in reading.planes { sum = try sum + variances[plane] * (reading.factor * reading.factor) }
      }
      return try sum * (1 / (unit * unit)) * scale.squared()
    }
  }

  /// What one reading sees, normalised: 1 for a full weight.
  package func difference(_ reading: MappedReading) throws -> Tensor<Float> {
    var sum = try planes[reading.planes[0]] * reading.signs[0]
    for (plane, sign) in zip(reading.planes, reading.signs).dropFirst() { sum = try sum + planes[plane] * sign }
    return try sum * (1 / unit)
  }

  /// Whether current is conductance × voltage in all cells.
  package var isOhmic: Bool { cells.allSatisfy(\.isOhmic) }

  /// Currents of one plane at voltages that broadcast to its shape with further axes in front, in units of a full weight at
  /// `readVoltage`.
  package func current(_ plane: Int, _ volts: Tensor<Float>, readVoltage: Float) throws -> Tensor<Float> {
    try cells[plane].current(volts, at: time) * (1 / (unit * readVoltage))
  }

  /// - Parameter scale: what 1 stands for now; as before unless it is given.
  @discardableResult package mutating func write(
    _ weights: Tensor<Float>, scale: Tensor<Float>? = nil, in context: inout ForwardContext
  ) throws -> Writing {
    guard weights.shape == shape else {
      throw TensorError.wrongShape(argument: "weights", found: weights.shape, expected: "\(shape)")
    }
    guard try weights.sum().item().isFinite else { throw CircuitError.weightsNotFinite }
    if let scale { self.scale = scale }
    return try program(
      mapping.targets((weights.detached() / self.scale).clamped(to: -1...1), window: window), in: &context)
  }

  @discardableResult private mutating func program(_ targets: [Tensor<Float>], in context: inout ForwardContext) throws
    -> Writing
  {
    writes += 1
    var sum = Writing()
    for plane in cells.indices {
      // What is drawn at a write depends on the cells and on how often they were written, and on what the context has drawn.
      var random = stream.split("plane \(plane) write \(writes) \(context.random.next())")
      sum += try cells[plane].write(targets[plane], at: time, using: &random)
    }
    count(sum, &context)
    try refresh()
    return sum
  }

  package mutating func pulse(_ counts: Tensor<Int32>, in context: inout ForwardContext) throws -> Writing {
    guard counts.shape == shape else {
      throw TensorError.wrongShape(argument: "counts", found: counts.shape, expected: "\(shape)")
    }
    writes += 1
    var sum = Writing()
    for (plane, own) in try mapping.pulses(counts).enumerated() {
      guard let own else { continue }
      var random = stream.split("plane \(plane) write \(writes) \(context.random.next())")
      sum += try cells[plane].pulse(own, at: time, using: &random)
    }
    count(sum, &context)
    try refresh()
    return sum
  }

  private mutating func count(_ writing: Writing, _ context: inout ForwardContext) {
    let number = cells.reduce(0) { $0 + $1.shape.reduce(1, *) }
    let columns = (shape.last ?? 1) * mapping.cellsPerWeight
    pulseTurns = writing.pulses / Double(max(1, number)) * Double(columns)
    if writing.energy_J > 0 { context.count(.cell, .programmingJoule, writing.energy_J) }
    context.count(.cell, .pulse, writing.pulses)
  }

  /// Lets time pass.
  package mutating func age(to seconds: Double) throws {
    guard seconds >= time, seconds.isFinite else {
      throw TensorError.invalidArgument(
        "seconds", found: "\(seconds)", expected: "\(time), the present, or later: time does not run backwards")
    }
    time = seconds
    try refresh()
  }

  private mutating func refresh() throws {
    planes = try cells.map { try $0.conductance(at: time) }
    let found = try cells.map { try $0.readVariance(at: time, duration: readTime_s) }
    variances =
      found.contains { $0 != nil }
      ? try zip(found, planes).map { try $0 ?? .zeros($1.shape) } : nil
  }

  package var inventory: Inventory {
    var inventory = Inventory()
    inventory.add(.cell, cells.reduce(0) { $0 + $1.shape.reduce(1, *) })
    return inventory
  }
}
