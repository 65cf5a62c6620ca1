import Settings
import Tensors

/// A pair of cells for each weight, whose currents are subtracted before the converter.
///
///     w ≥ 0: G⁺ = Glow + w·ΔG, G⁻ = Glow     w < 0: the other way round     (`lowest`)
///     G± = Gmid ± w·ΔG/2                                                     (`middle`)
///
/// Glow to Glow + ΔG is the window without its margins. Pulses go to G⁺, G⁻ stays.
public struct DifferentialMapping: WeightMapping {
  public enum Reference: String, ConfigurationChoice {
    /// The cell that is not needed is at the low end: least current.
    case lowest
    /// Both cells start from the middle: errors do not depend on the sign.
    case middle
  }

  public static let kind = "differential"
  /// Where the cell of a weight of 0 is: `lowest` or `middle` of the window.
  public var reference = Reference.lowest
  public var scaling = WeightScaling()
  /// Left free at each end, as a fraction of the window: three standard deviations of the default device's writing error.
  public var margin: Float = 0.03

  public init() {}

  public var readings: [MappedReading] { [MappedReading(planes: [0, 1], signs: [1, -1])] }

  public func validate() throws(CircuitError) {
    try scaling.validate()
    try validateMargin(margin)
  }

  public func normalised(_ weights: Tensor<Float>) throws -> (values: Tensor<Float>, scale: Tensor<Float>) {
    try scaling.normalised(weights)
  }

  public func targets(_ values: Tensor<Float>, window: ClosedRange<Float>) throws -> [Tensor<Float>] {
    let (low, width) = span(window, margin)
    switch reference {
    case .lowest:
      return try [values, values.negated()].map { try $0.clamped(to: 0...1) * width + low }
    case .middle:
      return try [values, values.negated()].map { try $0 * (width / 2) + (low + width / 2) }
    }
  }

  public func unit(_ window: ClosedRange<Float>) -> Float { span(window, margin).width }

  public func pulses(_ counts: Tensor<Int32>) -> [Tensor<Int32>?] { [counts, nil] }
}

/// One cell for each weight and a column of reference cells at the middle of the window, whose current is subtracted from that
/// of each column before the converter.
///
///     G = Gmid + w·ΔG/2
public struct OffsetMapping: WeightMapping {
  public static let kind = "offset"
  public var scaling = WeightScaling()
  /// Left free at each end, as a fraction of the window.
  public var margin: Float = 0.03

  public init() {}

  public var hasSharedColumns: Bool { true }

  /// The reference is shared; it comes as a plane of one column, subtracted from every column.
  public var readings: [MappedReading] { [MappedReading(planes: [0, 1], signs: [1, -1])] }

  public func validate() throws(CircuitError) {
    try scaling.validate()
    try validateMargin(margin)
  }

  public func normalised(_ weights: Tensor<Float>) throws -> (values: Tensor<Float>, scale: Tensor<Float>) {
    try scaling.normalised(weights)
  }

  public func targets(_ values: Tensor<Float>, window: ClosedRange<Float>) throws -> [Tensor<Float>] {
    let (low, width) = span(window, margin)
    let column = Array(values.shape.dropLast()) + [1]
    return [
      try values * (width / 2) + (low + width / 2), try Tensor(repeating: low + width / 2, shape: column),
    ]
  }

  public func unit(_ window: ClosedRange<Float>) -> Float { span(window, margin).width / 2 }

  public func pulses(_ counts: Tensor<Int32>) -> [Tensor<Int32>?] { [counts, nil] }
}

/// One cell for each weight, and a column of cells at the middle of the window that has a converter of its own: its reading is
/// subtracted in logic.
///
///     G = Gmid + w·ΔG/2     y = ADC(x·G) − ADC(x·Gmid)
///
/// - Source: the unit column of ISAAC (Shafiee et al., ISCA 2016), with analog cells in place of biased integers.
public struct UnitColumnMapping: WeightMapping {
  public static let kind = "unit-column"
  public var scaling = WeightScaling()
  /// Left free at each end, as a fraction of the window.
  public var margin: Float = 0.03

  public init() {}

  public var hasSharedColumns: Bool { true }

  public var readings: [MappedReading] {
    [
      MappedReading(planes: [0], signs: [1]), MappedReading(planes: [1], signs: [1], factor: -1, isShared: true),
    ]
  }

  public func validate() throws(CircuitError) {
    try scaling.validate()
    try validateMargin(margin)
  }

  public func normalised(_ weights: Tensor<Float>) throws -> (values: Tensor<Float>, scale: Tensor<Float>) {
    try scaling.normalised(weights)
  }

  public func targets(_ values: Tensor<Float>, window: ClosedRange<Float>) throws -> [Tensor<Float>] {
    let (low, width) = span(window, margin)
    let column = Array(values.shape.dropLast()) + [1]
    return [
      try values * (width / 2) + (low + width / 2), try Tensor(repeating: low + width / 2, shape: column),
    ]
  }

  public func unit(_ window: ClosedRange<Float>) -> Float { span(window, margin).width / 2 }

  public func pulses(_ counts: Tensor<Int32>) -> [Tensor<Int32>?] { [counts, nil] }
}

/// Weights of −1, 0 and 1 in pairs of cells that are at one end of the window or the other.
///
/// A weight is kept where its magnitude is above `threshold` times the mean magnitude of its column; the scale of a column is
/// the mean magnitude of what was kept (Li et al., "Ternary weight networks", 2016). Weights that are ternary stay as they are.
public struct TernaryMapping: WeightMapping {
  public static let kind = "ternary"
  /// Of the mean magnitude of a column.
  public var threshold: Float = 0.7

  public init() {}

  public var readings: [MappedReading] { [MappedReading(planes: [0, 1], signs: [1, -1])] }

  public func validate() throws(CircuitError) {
    guard threshold >= 0, threshold.isFinite else {
      throw .invalidSetting("mapping.threshold", found: "\(threshold)", expected: "0 or more")
    }
  }

  public func normalised(_ weights: Tensor<Float>) throws -> (values: Tensor<Float>, scale: Tensor<Float>) {
    let magnitudes = try weights.magnitude()
    let kept = try magnitudes .> (magnitudes.mean(axes: [0], keepingAxes: true) * threshold)
    let count = try kept.sum(axes: [0], keepingAxes: true)
    let sum = try (magnitudes * kept).sum(axes: [0], keepingAxes: true)
    let scale = try Tensor.select(count .> 0, sum / count, Tensor<Float>(1))
    return (try weights.signs() * kept, scale)
  }

  public func targets(_ values: Tensor<Float>, window: ClosedRange<Float>) throws -> [Tensor<Float>] {
    let width = window.upperBound - window.lowerBound
    return try [values, values.negated()].map { try $0.clamped(to: 0...1) * width + window.lowerBound }
  }

  public func unit(_ window: ClosedRange<Float>) -> Float { window.upperBound - window.lowerBound }

  public func pulses(_ counts: Tensor<Int32>) -> [Tensor<Int32>?] { [counts, nil] }
}

/// Whole numbers of `bits` bits, sign included, cut into slices of `bitsPerCell` bits, each in a pair of cells with a conversion of
/// its own; readings are shifted and added in logic.
public struct BitSliceMapping: WeightMapping {
  public static let kind = "bit-slices"
  /// Of a weight, sign included.
  public var bits = 8
  /// Of the magnitude, in each cell.
  public var bitsPerCell = 2
  public var scaling = WeightScaling()
  /// Left free at each end, as a fraction of the window.
  public var margin: Float = 0.03

  public init() {}

  private var slices: Int { (bits - 1 + bitsPerCell - 1) / bitsPerCell }
  /// Largest magnitude.
  private var top: Float { Float((1 << (bits - 1)) - 1) }
  private var base: Int { 1 << bitsPerCell }

  /// The finest slice first; a full cell counts as base − 1.
  public var readings: [MappedReading] {
    (0..<slices).map { s in
      let place = (0..<s).reduce(1) { value, _ in value * base }
      return MappedReading(planes: [2 * s, 2 * s + 1], signs: [1, -1], factor: Float(place * (base - 1)) / top)
    }
  }

  public func validate() throws(CircuitError) {
    guard (2...16).contains(bits) else {
      throw .invalidSetting("mapping.bits", found: "\(bits)", expected: "2 to 16, sign included")
    }
    guard (1...8).contains(bitsPerCell) else {
      throw .invalidSetting("mapping.bitsPerCell", found: "\(bitsPerCell)", expected: "1 to 8")
    }
    try scaling.validate()
    try validateMargin(margin)
  }

  public func normalised(_ weights: Tensor<Float>) throws -> (values: Tensor<Float>, scale: Tensor<Float>) {
    let (values, scale) = try scaling.normalised(weights)
    return (try (values * top).rounded() * (1 / top), scale)
  }

  public func targets(_ values: Tensor<Float>, window: ClosedRange<Float>) throws -> [Tensor<Float>] {
    let (low, width) = span(window, margin)
    var rest = try (values.magnitude() * top).rounded()
    let (positive, negative) = (try values .> 0, try values .< 0)
    var planes: [Tensor<Float>] = []
    for _ in 0..<slices {
      let higher = try (rest * (1 / Float(base))).floored()
      let digit = try (rest - higher * Float(base)) * (1 / Float(base - 1))
      planes += try [positive, negative].map { try digit * $0 * width + low }
      rest = higher
    }
    return planes
  }

  public func unit(_ window: ClosedRange<Float>) -> Float { span(window, margin).width }

  /// - Throws: `CircuitError.unsupported`: one pulse does not carry over from one slice to the next.
  public func pulses(_ counts: Tensor<Int32>) throws -> [Tensor<Int32>?] {
    throw CircuitError.unsupported(
      "pulses to weights in bit slices", remedy: "write the matrix, or choose mapping.kind differential")
  }
}

private func span(_ window: ClosedRange<Float>, _ margin: Float) -> (low: Float, width: Float) {
  let part = inner(window, margin: margin)
  return (part.lowerBound, part.upperBound - part.lowerBound)
}

private func validateMargin(_ margin: Float) throws(CircuitError) {
  guard margin >= 0, margin < 0.5 else {
    throw .invalidSetting("mapping.margin", found: "\(margin)", expected: "0 up to below 0.5")
  }
}
