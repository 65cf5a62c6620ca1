import Tensors

/// A tensor as files hold it.
public enum StoredTensor: Sendable, Equatable {
  case float(Tensor<Float>)
  case double(Tensor<Double>)
  case int32(Tensor<Int32>)

  public var shape: [Int] {
    switch self {
    case .float(let tensor): tensor.shape
    case .double(let tensor): tensor.shape
    case .int32(let tensor): tensor.shape
    }
  }

  /// As `Float`, whatever was stored.
  public func floats() throws -> Tensor<Float> {
    switch self {
    case .float(let tensor): tensor
    case .double(let tensor): try tensor.converted()
    case .int32(let tensor): try tensor.converted()
    }
  }

  /// As `Double`, whatever was stored.
  public func doubles() throws -> Tensor<Double> {
    switch self {
    case .float(let tensor): try tensor.converted()
    case .double(let tensor): tensor
    case .int32(let tensor): try tensor.converted()
    }
  }
}
