import Foundation
import Settings
import Substrates
import Tensors

/// A device known by measurement: pairs of the conductance asked for and the one found after write–verify.
///
/// Between the measured targets the mean error and its spread are interpolated linearly; beyond them the nearest is used.
///
///     stored = target + error(target) + spread(target)·ε     ε ~ N(0, 1)
///
/// - Left out: correlations between cells, drift, what a pulse does; the spread is taken as Gaussian, and as one between writes.
public struct MeasuredDevice: DeviceModel {
  public static let kind = "measured"
  /// CSV file with a header line that names the columns `target_S` and `stored_S`.
  public var file = ""
  /// Standard deviation of one read, between reads, as a fraction of the conductance.
  public var readNoise: Float = 0
  /// Pulses that one write–verify takes on average.
  public var pulsesPerWrite: Float = 10
  /// Whether stored conductances are the targets themselves, for comparison.
  public var isExact = false
  private var table: MeasuredTable?

  private enum CodingKeys: CodingKey { case file, readNoise, pulsesPerWrite, isExact }

  public init() {}

  /// Learns from pairs in siemens; targets that occur less than twice are refused, as they have no spread.
  ///
  /// - Throws: `DeviceError.tooFewMeasurements`, `DeviceError.invalidMeasurement`.
  public init(_ pairs: [(target: Float, stored: Float)], readNoise: Float = 0, pulsesPerWrite: Float = 10)
    throws(DeviceError)
  {
    table = try MeasuredTable(pairs)
    (self.readNoise, self.pulsesPerWrite) = (readNoise, pulsesPerWrite)
  }

  /// From the lowest measured target to the highest, in siemens; empty until the file was read.
  public var window: ClosedRange<Float> { table.map { $0.targets[0]...$0.targets[$0.targets.count - 1] } ?? 0...0 }

  public var withoutFaults: MeasuredDevice {
    var cell = self
    (cell.readNoise, cell.isExact) = (0, true)
    return cell
  }

  public var faults: [(name: String, keys: [String])] {
    [("write error", ["isExact"]), ("read noise", ["readNoise"])]
  }

  public func validate() throws {
    let check = SettingCheck<DeviceError>()
    try check.fraction(readNoise, "readNoise")
    try check.require(
      pulsesPerWrite >= 0 && pulsesPerWrite.isFinite, "pulsesPerWrite", pulsesPerWrite, "0 or more")
    try check.require(
      table != nil || !file.isEmpty, "file", "empty", "the path of a CSV file with the columns target_S and stored_S")
  }

  public func prepared() throws -> MeasuredDevice {
    guard table == nil else { return self }
    var copy = self
    copy.table = try MeasuredTable(csv: file)
    return copy
  }

  public func cells(_ shape: [Int], using random: inout RandomStream) throws -> any CellArray {
    guard let table = try prepared().table else { throw DeviceError.unreadable(path: file) }
    return MeasuredCells(
      table: table, device: self, stored: try Tensor(repeating: table.targets[0], shape: shape))
  }
}

/// Mean errors and spreads at measured targets.
struct MeasuredTable: Sendable, Equatable {
  /// In ascending order, in siemens; 2 or more.
  let targets: [Float]
  /// Mean of stored − target at each, in siemens.
  let errors: [Float]
  /// Standard deviation of stored − target at each, in siemens.
  let spreads: [Float]

  init(_ pairs: [(target: Float, stored: Float)]) throws(DeviceError) {
    for pair in pairs where !(pair.target.isFinite && pair.stored.isFinite && pair.target >= 0 && pair.stored >= 0) {
      throw .invalidMeasurement(target: "\(pair.target)", stored: "\(pair.stored)")
    }
    let groups = Dictionary(grouping: pairs, by: \.target).sorted { $0.key < $1.key }
    for (target, group) in groups where group.count < 2 {
      throw .tooFewMeasurements(target: target, found: group.count)
    }
    guard groups.count >= 2 else { throw .tooFewMeasurements(target: groups.first?.key ?? 0, found: groups.count) }
    targets = groups.map(\.key)
    errors = groups.map { target, group in group.map { $0.stored - target }.reduce(0, +) / Float(group.count) }
    spreads = groups.map { _, group in
      let mean = group.map(\.stored).reduce(0, +) / Float(group.count)
      return (group.map { ($0.stored - mean) * ($0.stored - mean) }.reduce(0, +) / Float(group.count - 1)).squareRoot()
    }
  }

  init(csv path: String) throws(DeviceError) {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { throw .unreadable(path: path) }
    let lines = text.split(whereSeparator: \.isNewline).map {
      $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    guard let header = lines.first, let target = header.firstIndex(of: "target_S"),
      let stored = header.firstIndex(of: "stored_S")
    else { throw .malformed(path: path, line: 1, expected: "a header with target_S and stored_S") }
    var pairs: [(Float, Float)] = []
    for (i, line) in lines.enumerated().dropFirst() {
      guard line.count == header.count, let wanted = Float(line[target]), let found = Float(line[stored]) else {
        throw .malformed(path: path, line: i + 1, expected: "\(header.count) numbers")
      }
      pairs.append((wanted, found))
    }
    try self.init(pairs)
  }

  /// Mean error and spread at a target, in siemens.
  func statistics(_ target: Float) -> (error: Float, spread: Float) {
    guard let above = targets.firstIndex(where: { $0 >= target }) else { return (errors.last ?? 0, spreads.last ?? 0) }
    if above == 0 { return (errors[0], spreads[0]) }
    let part = (target - targets[above - 1]) / (targets[above] - targets[above - 1])
    return (
      errors[above - 1] + part * (errors[above] - errors[above - 1]),
      spreads[above - 1] + part * (spreads[above] - spreads[above - 1])
    )
  }
}

private struct MeasuredCells: CellArray {
  let table: MeasuredTable
  let device: MeasuredDevice
  var stored: Tensor<Float>
  var shape: [Int] { stored.shape }

  func conductance(at time: Double) -> Tensor<Float> { stored }

  func readVariance(at time: Double, duration: Double) throws -> Tensor<Float>? {
    device.readNoise > 0 ? try (stored * device.readNoise).squared() : nil
  }

  mutating func pulse(_ count: Tensor<Int32>, at time: Double, using random: inout RandomStream) throws -> Writing {
    throw DeviceError.notPulsed(kind: MeasuredDevice.kind)
  }

  mutating func write(_ target: Tensor<Float>, at time: Double, using random: inout RandomStream) throws -> Writing {
    try check(target.shape, "target")
    let draw: Tensor<Float> = try random.normal(target.shape)
    let found = zip(target.elements, draw.elements).map { wanted, epsilon in
      if device.isExact { return wanted }
      let (error, spread) = table.statistics(wanted)
      return Swift.max(0, wanted + error + spread * epsilon)
    }
    stored = try Tensor(found, shape: target.shape)
    return Writing(pulses: Double(device.pulsesPerWrite) * Double(target.count))
  }
}
