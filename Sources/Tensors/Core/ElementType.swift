/// What the numbers of a tensor are in memory.
package enum ElementType: Sendable {
  case float32, float64, int32, int64

  package var size: Int {
    switch self {
    case .float32, .int32: 4
    case .float64, .int64: 8
    }
  }
}

/// A type that tensors can hold: `Float` and `Double` for computing, `Int32` for indices and labels, `Int64` for the whole numbers
/// of other programs' models.
public protocol TensorElement: Sendable, Equatable, Codable {
  static var _elementType: _ElementTypeTag { get }
}

/// Names the storage of an element type; conformances to `TensorElement` outside the package are not supported.
public struct _ElementTypeTag: Sendable {
  package let type: ElementType
}

/// A number type that tensors compute with.
public protocol TensorScalar: TensorElement, BinaryFloatingPoint, SIMDScalar, LosslessStringConvertible {}

extension Float: TensorScalar {
  public static var _elementType: _ElementTypeTag { _ElementTypeTag(type: .float32) }
}
extension Double: TensorScalar {
  public static var _elementType: _ElementTypeTag { _ElementTypeTag(type: .float64) }
}
extension Int32: TensorElement {
  public static var _elementType: _ElementTypeTag { _ElementTypeTag(type: .int32) }
}
extension Int64: TensorElement {
  public static var _elementType: _ElementTypeTag { _ElementTypeTag(type: .int64) }
}
