import Settings
import Tensors

/// How weights become conductances, and readings weights again.
///
/// A weight takes one cell in each plane. Currents of planes that belong to one reading add with their signs before one
/// converter; readings are added in logic with their factors. Planes of a shared reading have one column for all outputs.
public protocol WeightMapping: Codable, Equatable, Sendable {
  /// The word that selects it.
  static var kind: String { get }
  init()
  /// - Throws: `CircuitError.invalidSetting`.
  func validate() throws(CircuitError)
  /// Weights within ±1 and what 1 stands for, which broadcasts: `[1, outputs]`, or one number.
  ///
  /// - Parameter weights: shape `[inputs, outputs]`.
  func normalised(_ weights: Tensor<Float>) throws -> (values: Tensor<Float>, scale: Tensor<Float>)
  /// What each conversion reads.
  var readings: [MappedReading] { get }
  /// Conductances to aim at, plane by plane, in siemens: the shape of `values`, for shared planes with a last extent of 1.
  ///
  /// - Parameter values: within ±1, shape `[…, inputs, outputs]`.
  func targets(_ values: Tensor<Float>, window: ClosedRange<Float>) throws -> [Tensor<Float>]
  /// Siemens that stand for a difference of 1 in the sum of readings.
  func unit(_ window: ClosedRange<Float>) -> Float
  /// Whether some column serves all outputs: such a matrix cannot be read from the columns.
  var hasSharedColumns: Bool { get }
  /// Pulses of each plane for a number of pulses of each weight; none for planes that stay.
  func pulses(_ counts: Tensor<Int32>) throws -> [Tensor<Int32>?]
}

/// One conversion for each output, or one for all.
public struct MappedReading: Sendable, Equatable {
  /// Planes whose currents add, and with what sign.
  public var planes: [Int], signs: [Float]
  /// What it counts in the sum of readings.
  public var factor: Float
  /// Whether one column serves all outputs.
  public var isShared: Bool

  public init(planes: [Int], signs: [Float], factor: Float = 1, isShared: Bool = false) {
    (self.planes, self.signs, self.factor, self.isShared) = (planes, signs, factor, isShared)
  }
}

extension WeightMapping {
  public var hasSharedColumns: Bool { false }

  /// Planes with a cell for each weight.
  package var cellsPerWeight: Int {
    hasSharedColumns ? 1 : readings.reduce(0) { $0 + $1.planes.count }
  }

  /// Columns of one array that all outputs share.
  package var sharedColumns: Int { hasSharedColumns ? 1 : 0 }
}

/// What 1 stands for: keys that mappings share.
public struct WeightScaling: Codable, Equatable, Sendable {
  public enum Over: String, ConfigurationChoice {
    /// Each output has its own scale, which a multiplication in logic takes back: one large weight spoils its own column only.
    case column
    /// One scale for the matrix.
    case matrix
  }
  /// What shares a scale: each `column` has its own, or all of the `matrix` one.
  public var over = Over.column
  /// Magnitudes above this percentile are clipped to it; 100 for none.
  public var percentile: Float = 100
  public init() {}

  func validate() throws(CircuitError) {
    guard percentile > 0, percentile <= 100 else {
      throw .invalidSetting("mapping.scaling.percentile", found: "\(percentile)", expected: "above 0, at most 100")
    }
  }

  /// Weights within ±1, and what 1 stands for. Zeros have a scale of 1.
  func normalised(_ weights: Tensor<Float>) throws -> (values: Tensor<Float>, scale: Tensor<Float>) {
    let (inputs, outputs) = (weights.shape[0], weights.shape[1])
    let magnitudes = try weights.magnitude()
    var tops: Tensor<Float>
    if percentile == 100 {
      tops = try over == .column ? magnitudes.max(axes: [0], keepingAxes: true) : magnitudes.max()
    } else {
      let count = over == .column ? inputs : inputs * outputs
      let rank = Swift.max(0, Int((percentile / 100 * Float(count)).rounded(.up)) - 1)
      let rows = try over == .column ? magnitudes.transposed() : magnitudes.reshaped([1, count])
      let sorted = try rows.rowMajor().sorted(axis: 1).values
      tops = try sorted.slice(rank..<rank + 1, axis: 1).reshaped(over == .column ? [1, outputs] : [])
      // A percentile of 0 in a sparse column would throw away what there is.
      let largest = try over == .column ? magnitudes.max(axes: [0], keepingAxes: true) : magnitudes.max()
      tops = try Tensor.select(tops .> 0, tops, largest)
    }
    let scale = try Tensor.select(tops .> 0, tops, Tensor<Float>(1))
    return (try (weights / scale).clamped(to: -1...1), scale)
  }
}

/// A part of a window that is left free at both ends, so that errors of writing do not hit the ends, which would shrink every
/// weight by 0.4 standard deviations, all in the same direction.
package func inner(_ window: ClosedRange<Float>, margin: Float) -> ClosedRange<Float> {
  let free = margin * (window.upperBound - window.lowerBound)
  return window.lowerBound + free...window.upperBound - free
}
