import Foundation
import Tensors

/// Files of named tensors in the safetensors format (Hugging Face): a length, a JSON header, the numbers.
public enum Safetensors {
  /// Largest header accepted, in bytes, as in the reference implementation.
  static let headerLimit = 100_000_000

  private static let formats: [String: RawFormat] = [
    "F16": .f16, "BF16": .bf16, "F32": .f32, "F64": .f64, "I8": .i8, "U8": .u8, "I16": .i16, "U16": .u16, "I32": .i32,
    "U32": .u32, "I64": .i64, "U64": .u64, "BOOL": .bool,
  ]

  /// Writes tensors, and strings about them, all or nothing.
  public static func write(
    _ tensors: [String: StoredTensor], metadata: [String: String] = [:], to path: String
  ) throws {
    var header: [String: Any] = [:]
    var parts: [Data] = []
    var offset = 0
    if !metadata.isEmpty { header["__metadata__"] = metadata }
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      guard name != "__metadata__" else {
        throw NetworkError.invalidSetting("tensors", found: "a tensor named __metadata__", expected: "another name")
      }
      let bytes = tensor.bytes
      let type =
        switch tensor {
        case .float: "F32"
        case .double: "F64"
        case .int32: "I32"
        }
      header[name] =
        ["dtype": type, "shape": tensor.shape, "data_offsets": [offset, offset + bytes.count]] as [String: Any]
      parts.append(bytes)
      offset += bytes.count
    }
    var json = try JSONSerialization.data(withJSONObject: header, options: [.sortedKeys, .withoutEscapingSlashes])
    // The numbers start on an 8-byte border.
    json.append(Data(repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8))
    let length = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Data($0) }
    try writeFile(path, [length, json] + parts)
  }

  /// Reads all tensors, and the strings about them.
  ///
  /// - Throws: `NetworkError.malformed` when the header does not describe the file exactly.
  public static func read(_ path: String) throws -> (tensors: [String: StoredTensor], metadata: [String: String]) {
    let data = try readFile(path)
    func malformed(_ problem: String) -> NetworkError { .malformed(path: path, problem: problem) }
    guard data.count >= 8 else { throw malformed("is shorter than a safetensors header") }
    let length = data.prefix(8).enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << (8 * UInt64($1.offset)) }
    guard length <= UInt64(min(headerLimit, data.count - 8)) else {
      throw malformed("says its header has \(length) bytes")
    }
    let start = 8 + Int(length)
    let json = data[data.startIndex + 8..<data.startIndex + start]
    guard let object = try? JSONSerialization.jsonObject(with: json) as? [String: Any]
    else { throw malformed("has a header that is not a JSON object") }
    var tensors: [String: StoredTensor] = [:]
    var covered = 0
    for (name, value) in object where name != "__metadata__" {
      guard let entry = value as? [String: Any], let type = entry["dtype"] as? String,
        let shape = entry["shape"] as? [Int],
        let offsets = entry["data_offsets"] as? [Int], offsets.count == 2
      else { throw malformed("describes tensor `\(name)` without dtype, shape and data_offsets") }
      guard let format = formats[type] else { throw malformed("holds tensor `\(name)` in the unknown format \(type)") }
      var bytes = format.size
      for extent in shape {
        let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
        guard extent >= 0, !overflow else { throw malformed("gives tensor `\(name)` the shape \(shape)") }
        bytes = product
      }
      guard offsets[0] >= 0, offsets[1] >= offsets[0], offsets[1] - offsets[0] == bytes,
        offsets[1] <= data.count - start
      else { throw malformed("puts tensor `\(name)` of \(bytes) bytes at \(offsets)") }
      covered += bytes
      let part = data[data.startIndex + start + offsets[0]..<data.startIndex + start + offsets[1]]
      tensors[name] = try format.decode(part, shape: shape, swapped: false, path: path)
    }
    guard covered == data.count - start else {
      throw malformed("has \(data.count - start) bytes of numbers, its header describes \(covered)")
    }
    return (tensors, object["__metadata__"] as? [String: String] ?? [:])
  }
}
