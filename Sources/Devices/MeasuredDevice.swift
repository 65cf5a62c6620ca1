import Foundation
import Tensors

/// A device known by measurement: pairs of the conductance asked for and the one found after write–verify.
///
/// Between the measured targets the mean error and its spread are interpolated linearly; beyond them the nearest is used.
///
///     stored = target + error(target) + spread(target)·ε     ε ~ N(0, 1)
///
/// - Left out: correlations between cells, drift; the spread is taken as Gaussian.
public struct MeasuredDevice: DeviceModel, Equatable {
  /// Measured targets in ascending order, in siemens; 2 or more.
  public let targets: [Float]
  /// Mean of stored − target at each, in siemens.
  public let errors: [Float]
  /// Standard deviation of stored − target at each, in siemens.
  public let spreads: [Float]
  /// Standard deviation of one read, as a fraction of the conductance.
  public var readNoise: Float
  public var pulsesPerWrite: Float

  /// Learns from pairs in siemens; targets that occur less than twice are refused, as they have no spread.
  ///
  /// - Throws: `DeviceError.tooFewMeasurements`, `DeviceError.invalidMeasurement`.
  public init(_ pairs: [(target: Float, stored: Float)], readNoise: Float = 0, pulsesPerWrite: Float = 10)
    throws(DeviceError)
  {
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
    self.readNoise = readNoise
    self.pulsesPerWrite = pulsesPerWrite
  }

  /// Reads pairs from a CSV file with a header line that names the columns `target_S` and `stored_S`.
  public init(csv path: String) throws {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw DeviceError.unreadable(path: path)
    }
    let lines = text.split(whereSeparator: \.isNewline).map {
      $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    guard let header = lines.first, let target = header.firstIndex(of: "target_S"),
      let stored = header.firstIndex(of: "stored_S")
    else { throw DeviceError.malformed(path: path, line: 1, expected: "a header with target_S and stored_S") }
    var pairs: [(Float, Float)] = []
    for (i, line) in lines.enumerated().dropFirst() {
      guard line.count == header.count, let wanted = Float(line[target]), let found = Float(line[stored]) else {
        throw DeviceError.malformed(path: path, line: i + 1, expected: "\(header.count) numbers")
      }
      pairs.append((wanted, found))
    }
    try self.init(pairs)
  }

  public var window: ClosedRange<Float> { targets[0]...targets[targets.count - 1] }

  public func programmed(_ target: Tensor<Float>, using random: inout RandomStream) throws -> Tensor<Float> {
    let draw: Tensor<Float> = try random.normal(target.shape)
    let stored = zip(target.elements, draw.elements).map { wanted, epsilon in
      let (error, spread) = statistics(wanted)
      return Swift.max(0, wanted + error + spread * epsilon)
    }
    return try Tensor(stored, shape: target.shape)
  }

  public func aged(_ stored: Tensor<Float>, age: Double) throws -> Tensor<Float> { stored }

  public func readVariance(_ stored: Tensor<Float>) throws -> Tensor<Float> { try (stored * readNoise).squared() }

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

/// What can go wrong with measured devices. Every message says what to do.
public enum DeviceError: Error, Equatable, CustomStringConvertible {
  case unreadable(path: String)
  case malformed(path: String, line: Int, expected: String)
  case tooFewMeasurements(target: Float, found: Int)
  case invalidMeasurement(target: String, stored: String)

  public var description: String {
    switch self {
    case .unreadable(let path): "\(path) cannot be read: check the name and its permissions"
    case .malformed(let path, let line, let expected): "\(path), line \(line): expected \(expected): correct the file"
    case .tooFewMeasurements(let target, let found):
      "\(found) measurements or targets at \(target) S: two different targets with two measurements each are needed; measure more, or merge targets"
    case .invalidMeasurement(let target, let stored):
      "a measurement asks for \(target) S and finds \(stored) S: conductances are finite and not negative; remove it"
    }
  }
}
