import Tensors

/// Takes mean and deviation out at each place of records, and puts them back.
public struct Normaliser: Sendable {
  /// Shape `[size]`.
  public let mean: Tensor<Double>, deviation: Tensor<Double>

  /// - Parameter records: those that mean and deviation are taken from, shape `[records, size]`.
  public init(_ records: Tensor<Double>) throws {
    mean = try records.mean(axes: [0])
    // Places where nothing happens must not be divided by 0.
    deviation = try records.variance(axes: [0]).squareRoot() + 1e-9
  }

  public func normalised(_ x: Tensor<Double>) throws -> Tensor<Double> { try (x - mean) / deviation }
  public func restored(_ x: Tensor<Double>) throws -> Tensor<Double> { try x * deviation + mean }
}
