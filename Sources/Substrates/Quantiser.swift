import Tensors

/// The one place where numbers are rounded to the levels of a converter.
///
/// Signed numbers: 2ᵇ − 1 levels, evenly from −range to range with one at 0 (mid-tread), so the step is range/(2ᵇ⁻¹ − 1); with
/// one bit the two levels −range and range, 0 going up, as a comparator does it. Numbers from 0 on: 2ᵇ levels from 0 to range,
/// step range/(2ᵇ − 1). Beyond the range the last level is taken; halves go to the even level. 0 bits are ideal: nothing is rounded and
/// nothing clipped.
///
/// A uniform signal over the whole range keeps a ratio of signal to rounding noise of 20·log₁₀(2ᵇ − 2) dB where signed (b ≥ 2),
/// 20·log₁₀(2ᵇ − 1) dB else: 6.02·b less what the missing level costs.
public struct Quantiser: Sendable, Equatable {
  /// 0 to 30.
  public let bits: Int
  public let isSigned: Bool

  public static let limits = 0...30

  /// - Throws: `TensorError.invalidArgument`.
  public init(bits: Int, isSigned: Bool = true) throws(TensorError) {
    guard Self.limits.contains(bits) else {
      throw .invalidArgument("bits", found: "\(bits)", expected: "0 (ideal) to \(Self.limits.upperBound)")
    }
    (self.bits, self.isSigned) = (bits, isSigned)
  }

  /// Levels, 0 for an ideal converter.
  public var levels: Int { bits == 0 ? 0 : isSigned && bits > 1 ? (1 << bits) - 1 : 1 << bits }

  /// Distance of neighbouring levels for a range of 1.
  public var step: Double {
    switch (bits, isSigned) {
    case (0, _): 0
    case (1, true): 2
    case (_, true): 1 / Double((1 << (bits - 1)) - 1)
    case (_, false): 1 / Double((1 << bits) - 1)
    }
  }

  /// - Parameter range: what the highest level stands for: one number, or a tensor that broadcasts. Where it is 0 results are 0.
  public func rounded(_ x: Tensor<Float>, range: Tensor<Float>) throws(TensorError) -> Tensor<Float> {
    guard bits > 0 else { return x }
    // A range of 0, of an input or matrix of zeros, must not divide.
    let safe = try Tensor.select(range .> 0, range, Tensor<Float>(1))
    let y = try x / safe
    if bits == 1, isSigned { return try (y.step() * 2 - 1) * range }
    let low: Float = isSigned ? -1 : 0
    return try (y.clamped(to: low...1) * Float(1 / step)).rounded() * (range * Float(step))
  }

  /// The same for one range.
  public func rounded(_ x: Tensor<Float>, range: Float) throws(TensorError) -> Tensor<Float> {
    try rounded(x, range: Tensor(range))
  }

  /// One number.
  public func rounded(_ x: Double, range: Double) -> Double {
    guard bits > 0 else { return x }
    guard range > 0 else { return 0 }
    if bits == 1, isSigned { return x >= 0 ? range : -range }
    let y = min(1, max(isSigned ? -1 : 0, x / range))
    return (y / step).rounded(.toNearestOrEven) * step * range
  }
}

extension Quantiser {
  /// The nearest multiples of a step, halves to the even one.
  public static func nearest(_ x: Tensor<Float>, step: Float) throws(TensorError) -> Tensor<Float> {
    try (x * (1 / step)).rounded() * step
  }
}
