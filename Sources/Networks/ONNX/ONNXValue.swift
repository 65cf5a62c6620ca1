import Foundation
import Tensors

/// What flows along the edges of a graph: numbers, or whole numbers and truth values.
enum ONNXValue: Sendable {
  case floats(Tensor<Float>)
  case integers(Integers)

  /// Whole numbers of any width, truth values as 0 and 1. Mostly shapes and indices: a few numbers each.
  struct Integers: Sendable, Equatable {
    var shape: [Int]
    var elements: [Int]
  }

  var shape: [Int] {
    switch self {
    case .floats(let tensor): tensor.shape
    case .integers(let integers): integers.shape
    }
  }

  /// From a file.
  init(_ tensor: Kirchhoff_Onnx_TensorProto, path: String) throws {
    func malformed(_ problem: String) -> ONNXError {
      .malformed(path: path, problem: "tensor \(tensor.name) \(problem)")
    }
    guard tensor.dataLocation == 0 else {
      throw ONNXError.unsupportedFeature("data in a file of its own", node: tensor.name)
    }
    var shape: [Int] = []
    var count = 1
    for extent in tensor.dims {
      let (product, overflow) = count.multipliedReportingOverflow(by: Int(extent))
      guard extent >= 0, !overflow, product < 1 << 32 else { throw malformed("has the absurd shape \(tensor.dims)") }
      shape.append(Int(extent))
      count = product
    }
    let raw = tensor.rawData
    func numbers<T>(_ type: T.Type) throws -> [T] {
      guard raw.count == count * MemoryLayout<T>.size else {
        throw malformed("has \(raw.count) bytes for the shape \(shape)")
      }
      return raw.withUnsafeBytes { bytes in
        (0..<count).map { bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self) }
      }
    }
    func check<T>(_ list: [T]) throws -> [T] {
      guard list.count == count else { throw malformed("has \(list.count) numbers for the shape \(shape)") }
      return list
    }
    switch tensor.dataType {
    case 1: self = .floats(try Tensor(raw.isEmpty ? check(tensor.floatData) : numbers(Float.self), shape: shape))
    case 11:
      let values = try raw.isEmpty ? check(tensor.doubleData) : numbers(Double.self)
      self = .floats(try Tensor(values.map { Float($0) }, shape: shape))
    case 10:
      let bits = try raw.isEmpty ? check(tensor.int32Data).map { UInt16(truncatingIfNeeded: $0) } : numbers(UInt16.self)
      self = .floats(try Tensor(bits.map { ONNXValue.half($0) }, shape: shape))
    case 7:
      self = .integers(
        Integers(
          shape: shape, elements: try (raw.isEmpty ? check(tensor.int64Data) : numbers(Int64.self)).map(Int.init)))
    case 6:
      self = .integers(
        Integers(
          shape: shape, elements: try (raw.isEmpty ? check(tensor.int32Data) : numbers(Int32.self)).map(Int.init)))
    case 9, 2:
      self = .integers(
        Integers(
          shape: shape,
          elements: try raw.isEmpty ? check(tensor.int32Data).map(Int.init) : numbers(UInt8.self).map(Int.init)))
    case 3:
      self = .integers(
        Integers(
          shape: shape,
          elements: try raw.isEmpty ? check(tensor.int32Data).map(Int.init) : numbers(Int8.self).map(Int.init)))
    default: throw ONNXError.unsupportedFeature("the number type \(tensor.dataType)", node: tensor.name)
    }
  }

  init(integers elements: [Int], shape: [Int]? = nil) {
    self = .integers(Integers(shape: shape ?? [elements.count], elements: elements))
  }

  /// IEEE 754 half precision.
  static func half(_ bits: UInt16) -> Float {
    let sign: Float = bits & 0x8000 == 0 ? 1 : -1
    let (exponent, fraction) = (Int(bits >> 10) & 31, Float(bits & 1023))
    switch exponent {
    case 0: return sign * fraction * 0x1p-24
    case 31: return fraction == 0 ? sign * .infinity : .nan
    default: return sign * (1 + fraction / 1024) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
    }
  }
}
