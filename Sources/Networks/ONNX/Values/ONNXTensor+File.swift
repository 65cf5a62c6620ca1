import Foundation
import Tensors

/// Where the numbers of a model's tensors lie that are not in the model's file.
struct ONNXExternalFiles: Sendable {
  /// The model's path; other files lie beside it, or below.
  let path: String
  /// Largest file to read, in bytes.
  let limit: Int

  func data(_ tensor: Kirchhoff_Onnx_TensorProto) throws -> Data {
    func entry(_ key: String) -> String? { tensor.externalData.first { $0.key == key }?.value }
    guard let location = entry("location"), !location.isEmpty else {
      throw ONNXError.malformed(path: path, problem: "tensor \(tensor.name) names no file for its numbers")
    }
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.hasPrefix("/"), !parts.contains("..") else {
      throw ONNXError.malformed(
        path: path, problem: "the numbers of tensor \(tensor.name) lie in \(location), which is not beside the model")
    }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    let file = "\(folder)/\(location)"
    guard let all = try? Data(contentsOf: URL(fileURLWithPath: file), options: .alwaysMapped) else {
      throw ONNXError.missingExternalData(path: path, file: location, tensor: tensor.name)
    }
    func number(_ key: String, _ standard: Int) throws -> Int {
      guard let text = entry(key) else { return standard }
      guard let value = Int(text), value >= 0 else {
        throw ONNXError.malformed(path: path, problem: "\(key) of tensor \(tensor.name) is \(text)")
      }
      return value
    }
    let start = try number("offset", 0)
    let count = try number("length", max(0, all.count - start))
    guard start <= all.count, count <= all.count - start, count <= limit else {
      throw ONNXError.malformed(
        path: file,
        problem: "tensor \(tensor.name) should take \(count) bytes from byte \(start) on, and the file has \(all.count)"
      )
    }
    return all.dropFirst(start).prefix(count)
  }
}

extension ONNXTensor {
  /// A tensor of a file.
  init(_ proto: Kirchhoff_Onnx_TensorProto, _ files: ONNXExternalFiles) throws {
    guard let type = ONNXType(rawValue: Int(proto.dataType)) else {
      throw ONNXError.malformed(
        path: files.path, problem: "tensor \(proto.name) has numbers of an unknown type, \(proto.dataType)")
    }
    let contents = try ONNXTensorContents(proto, type, files)
    switch type {
    case .complex64, .complex128: throw ONNXError.unsupportedFeature("complex numbers", node: proto.name)
    case .string: try self.init(strings: contents.strings(), shape: contents.shape)
    case .float: self.init(try Tensor(contents.plain(Float.self, proto.floatData), shape: contents.shape))
    case .double: self.init(try Tensor(contents.plain(Double.self, proto.doubleData), shape: contents.shape))
    case .bool: try self.init(Tensor(contents.wholes(), shape: contents.shape), as: type)
    case _ where type.isWhole: try self.init(Tensor(contents.wholes(), shape: contents.shape), as: type)
    default:
      let numbers = try contents.wholes().map { pattern in
        let bits = UInt16(truncatingIfNeeded: pattern)
        return type == .float8e8m0
          ? PowerOfTwoFormat.decoded(UInt8(truncatingIfNeeded: pattern)) : type.smallFormat?.decoded(bits) ?? 0
      }
      try self.init(exact: Tensor(numbers, shape: contents.shape), as: type)
    }
  }
}

/// The elements of a tensor as a file has them: as raw bytes, or in the field of their type.
private struct ONNXTensorContents {
  let proto: Kirchhoff_Onnx_TensorProto
  let type: ONNXType
  let files: ONNXExternalFiles
  let shape: [Int]
  private let count: Int
  private let raw: Data

  init(_ proto: Kirchhoff_Onnx_TensorProto, _ type: ONNXType, _ files: ONNXExternalFiles) throws {
    (self.proto, self.type, self.files) = (proto, type, files)
    var shape: [Int] = []
    var count = 1
    for extent in proto.dims {
      let (product, overflow) = count.multipliedReportingOverflow(by: Int(extent))
      guard extent >= 0, !overflow, product < 1 << 32 else {
        throw ONNXError.malformed(path: files.path, problem: "tensor \(proto.name) has the absurd shape \(proto.dims)")
      }
      shape.append(Int(extent))
      count = product
    }
    (self.shape, self.count) = (shape, count)
    raw = proto.dataLocation == 1 ? try files.data(proto) : proto.rawData
    guard proto.dataLocation == 0 || type != .string else {
      throw ONNXError.malformed(path: files.path, problem: "the strings of tensor \(proto.name) lie in another file")
    }
  }

  private var isRaw: Bool { proto.dataLocation == 1 || !raw.isEmpty }

  private func malformed(_ problem: String) -> ONNXError {
    .malformed(path: files.path, problem: "tensor \(proto.name) \(problem) for the shape \(shape)")
  }

  private func checked<T>(_ list: [T]) throws -> [T] {
    guard list.count == count else { throw malformed("has \(list.count) numbers") }
    return list
  }

  private func bytes<T>(_ type: T.Type) throws -> [T] {
    guard raw.count == count * MemoryLayout<T>.size else { throw malformed("has \(raw.count) bytes") }
    return raw.withUnsafeBytes { bytes in
      (0..<count).map { bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self) }
    }
  }

  /// Numbers that the file has as they are.
  func plain<T>(_ kind: T.Type, _ field: [T]) throws -> [T] { try isRaw ? bytes(kind) : checked(field) }

  func strings() throws -> [String] { try checked(proto.stringData).map { String(decoding: $0, as: UTF8.self) } }

  /// Whole numbers, or the bits of small real ones.
  func wholes() throws -> [Int64] {
    if let bits = type.bits, bits < 8 { return try packed(bits) }
    guard isRaw else {
      switch type {
      case .int64: return try checked(proto.int64Data)
      case .uint32, .uint64: return try checked(proto.uint64Data).map { Int64(bitPattern: $0) }
      default: return try checked(proto.int32Data).map { Int64($0) }
      }
    }
    switch type {
    case .int64, .uint64: return try bytes(Int64.self)
    case .int32: return try bytes(Int32.self).map { Int64($0) }
    case .uint32: return try bytes(UInt32.self).map { Int64($0) }
    case .int16: return try bytes(Int16.self).map { Int64($0) }
    case .uint16, .float16, .bfloat16: return try bytes(UInt16.self).map { Int64($0) }
    case .int8: return try bytes(Int8.self).map { Int64($0) }
    default: return try bytes(UInt8.self).map { Int64($0) }
    }
  }

  /// Several numbers to a byte, the first in the lowest bits.
  private func packed(_ bits: Int) throws -> [Int64] {
    let perByte = 8 / bits
    let needed = (count + perByte - 1) / perByte
    let bytes = isRaw ? raw.map { Int64($0) } : proto.int32Data.map { Int64($0) & 255 }
    guard bytes.count == needed else { throw malformed("has \(bytes.count) bytes") }
    return (0..<count).map { bytes[$0 / perByte] >> ($0 % perByte * bits) & (1 << bits - 1) }
  }
}

extension ONNXTensor {
  /// Zeros with some numbers at places: `indices` has a row for each, or its row-major position.
  init(sparse proto: Kirchhoff_Onnx_SparseTensorProto, _ files: ONNXExternalFiles) throws {
    func malformed(_ problem: String) -> ONNXError {
      .malformed(path: files.path, problem: "the sparse tensor \(proto.values.name) \(problem)")
    }
    let values = try ONNXTensor(proto.values, files)
    let indices = try ONNXTensor(proto.indices, files)
    let shape = proto.dims.map { Int($0) }
    let extents = shape.map { Double($0) }
    guard shape.allSatisfy({ $0 >= 0 }), extents.reduce(1, *) < 0x1p31 else {
      throw malformed("has the absurd shape \(shape)")
    }
    let count = shape.reduce(1, *)
    let wide = try indices.wholes().elements.map { Int($0) }
    guard values.rank == 1, indices.shape.first == values.count || values.count == 0,
      indices.rank == 1 || indices.shape == [values.count, shape.count]
    else { throw malformed("has values of shape \(values.shape) and indices of shape \(indices.shape)") }
    var places = Array(repeating: -1, count: count)
    let steps = rowMajorSteps(shape)
    for i in 0..<values.count {
      var place = 0
      if indices.rank == 1 {
        place = wide[i]
      } else {
        for axis in shape.indices {
          let index = wide[i * shape.count + axis]
          guard (0..<shape[axis]).contains(index) else { throw malformed("has the index \(index) on axis \(axis)") }
          place += index * steps[axis]
        }
      }
      guard places.indices.contains(place) else { throw malformed("has the index \(place)") }
      places[place] = i
    }
    self = try values.taking(places, shape: shape)
  }
}
