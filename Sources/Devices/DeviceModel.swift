import Settings
import Substrates
import Tensors

/// One memristive technology: a value with parameters in SI units that makes cells.
///
/// `DeviceChoice.kinds` lists the technologies; the word `kind` selects one in a configuration, and then the keys are those of
/// its coding alone. A new technology is a folder with its equations, and one line: in `DeviceChoice.builtIn`, or from outside
/// this package `DeviceChoice.add`.
public protocol DeviceModel: Codable, Equatable, Sendable {
  /// The word that selects it.
  static var kind: String { get }
  /// Defaults of every parameter.
  init()
  /// The conductances that writing can reach, in siemens; where inputs are light, amperes per unit of light.
  var window: ClosedRange<Float> { get }
  /// What inputs its cells take.
  var domain: InputDomain { get }
  /// Checks every parameter.
  ///
  /// - Throws: `DeviceError.invalidSetting`, which names the key.
  func validate() throws
  /// The device with what it has to read from files.
  func prepared() throws -> Self
  /// New cells. What differs between devices (yield, drift exponents, thresholds) is drawn here, once.
  func cells(_ shape: [Int], using random: inout RandomStream) throws -> any CellArray
  /// New cells as forming leaves them, before anything is written.
  func formed(_ shape: [Int], using random: inout RandomStream) throws -> any CellArray
  /// The same window, without any fault, for comparison.
  var withoutFaults: Self { get }
  /// What can be wrong with it: a name, and the keys of the parameters behind it.
  var faults: [(name: String, keys: [String])] { get }
}

extension DeviceModel {
  public var domain: InputDomain { .signed }
  public func prepared() throws -> Self { self }

  /// Evenly spread over the window, where nothing better is known (A).
  public func formed(_ shape: [Int], using random: inout RandomStream) throws -> any CellArray {
    var cells = try cells(shape, using: &random)
    var draws = random.split("forming")
    _ = try cells.write(draws.uniform(shape, in: window), at: 0, using: &draws)
    return cells
  }
}

/// What all cells of one array hold now. A copy is another array. Times are in seconds since the cells were made.
///
/// What differs between devices is fixed when cells are made, what differs between writes is drawn at every write, and what
/// differs between reads at every read.
public protocol CellArray: Sendable {
  var shape: [Int] { get }
  /// Whether current is conductance × voltage, which lets an array fold to one product.
  var isOhmic: Bool { get }
  /// Mean conductance at small voltages, in siemens.
  func conductance(at time: Double) throws -> Tensor<Float>
  /// Variance of one read that lasts `duration` seconds around the mean, in siemens²; nothing where reads do not fluctuate.
  func readVariance(at time: Double, duration: Double) throws -> Tensor<Float>?
  /// Currents at large signals, in amperes.
  ///
  /// - Parameter volts: of the shape of the cells, or one that broadcasts to it with further axes in front.
  func current(_ volts: Tensor<Float>, at time: Double) throws -> Tensor<Float>
  /// `count` identical pulses to each cell, negative ones of the other polarity.
  ///
  /// - Throws: `DeviceError.notPulsed`, `.onePolarity`.
  mutating func pulse(_ count: Tensor<Int32>, at time: Double, using random: inout RandomStream) throws -> Writing
  /// Write–verify towards targets, in siemens.
  mutating func write(_ target: Tensor<Float>, at time: Double, using random: inout RandomStream) throws -> Writing
}

extension CellArray {
  public var isOhmic: Bool { true }
  public func current(_ volts: Tensor<Float>, at time: Double) throws -> Tensor<Float> {
    try conductance(at: time) * volts
  }

  /// Checks that there is one number for each cell.
  ///
  /// - Throws: `TensorError.wrongShape`.
  public func check(_ shape: [Int], _ argument: String) throws(TensorError) {
    guard shape == self.shape else {
      throw .wrongShape(argument: argument, found: shape, expected: "\(self.shape), one for each cell")
    }
  }
}

/// What can go wrong with devices. Every message says what to do.
public enum DeviceError: SettingError, Equatable, CustomStringConvertible {
  case invalidSetting(_ key: String, found: String, expected: String)
  case unknownKind(found: String, accepted: String)
  /// Nothing is known of what a pulse does to this device.
  case notPulsed(kind: String)
  /// Pulses of the other polarity do nothing to this device.
  case onePolarity(kind: String)
  case unreadable(path: String)
  case malformed(path: String, line: Int, expected: String)
  case tooFewMeasurements(target: Float, found: Int)
  case invalidMeasurement(target: String, stored: String)

  public var description: String {
    switch self {
    case .invalidSetting(let key, let found, let expected): "`\(key)` is \(found), expected \(expected): change it"
    case .unknownKind(let found, let accepted): "there is no device of the kind `\(found)`: \(accepted)"
    case .notPulsed(let kind):
      "the device `\(kind)` is known by what writing leaves, not by what one pulse does: write it, or choose another kind"
    case .onePolarity(let kind):
      "the device `\(kind)` takes pulses of one polarity, and negative counts were asked for: write it, or give both cells of "
        + "a pair positive counts"
    case .unreadable(let path): "\(path) cannot be read: check the name and its permissions"
    case .malformed(let path, let line, let expected): "\(path), line \(line): expected \(expected): correct the file"
    case .tooFewMeasurements(let target, let found):
      "\(found) measurements or targets at \(target) S: two different targets with two measurements each are needed; measure more, or merge targets"
    case .invalidMeasurement(let target, let stored):
      "a measurement asks for \(target) S and finds \(stored) S: conductances are finite and not negative; remove it"
    }
  }
}

extension SettingCheck where Failure == DeviceError {
  /// A window of conductances, in siemens, that is not empty.
  public func window(_ lowest: Float, _ highest: Float) throws(DeviceError) {
    try require(lowest >= 0 && lowest.isFinite, "lowest_S", lowest, "0 S or more")
    try require(
      highest > lowest && highest.isFinite, "highest_S", highest, "above lowest_S (\(lowest) S), finite")
  }
}
