import Foundation
import Tensors

/// Number formats that files use, little-endian unless swapped.
enum RawFormat {
  case f16, bf16, f32, f64, i8, u8, i16, u16, i32, u32, i64, u64, bool

  var size: Int {
    switch self {
    case .i8, .u8, .bool: 1
    case .f16, .bf16, .i16, .u16: 2
    case .f32, .i32, .u32: 4
    case .f64, .i64, .u64: 8
    }
  }

  /// Decodes `count` numbers. Formats that tensors lack become the nearest that holds them.
  /// - Throws: `NetworkError.malformed` when an integer does not fit in 32 bits.
  func decode(_ data: Data, shape: [Int], swapped: Bool, path: String) throws -> StoredTensor {
    var bytes = [UInt8](data)
    if swapped && size > 1 {
      for start in Swift.stride(from: 0, to: bytes.count, by: size) { bytes[start..<start + size].reverse() }
    }
    let count = bytes.count / size
    func read<T>(_ type: T.Type) -> [T] {
      bytes.withUnsafeBytes { raw in
        (0..<count).map { raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self) }
      }
    }
    func narrowed<T: BinaryInteger>(_ values: [T]) throws -> StoredTensor {
      .int32(
        try Tensor(
          values.map {
            guard let small = Int32(exactly: $0) else {
              throw NetworkError.malformed(path: path, problem: "integer \($0) does not fit in 32 bits")
            }
            return small
          }, shape: shape))
    }
    switch self {
    case .f32: return .float(try Tensor(read(Float.self), shape: shape))
    case .f64: return .double(try Tensor(read(Double.self), shape: shape))
    case .f16: return .float(try Tensor(read(UInt16.self).map(RawFormat.half), shape: shape))
    case .bf16: return .float(try Tensor(read(UInt16.self).map { Float(bitPattern: UInt32($0) << 16) }, shape: shape))
    case .i8: return try narrowed(read(Int8.self))
    case .u8, .bool: return try narrowed(read(UInt8.self))
    case .i16: return try narrowed(read(Int16.self))
    case .u16: return try narrowed(read(UInt16.self))
    case .i32: return try narrowed(read(Int32.self))
    case .u32: return try narrowed(read(UInt32.self))
    case .i64: return try narrowed(read(Int64.self))
    case .u64: return try narrowed(read(UInt64.self))
    }
  }

  /// IEEE 754 half precision; `Float16` does not exist on every platform.
  private static func half(_ bits: UInt16) -> Float {
    let sign: Float = bits & 0x8000 == 0 ? 1 : -1
    let exponent = Int(bits >> 10 & 31)
    let fraction = Float(bits & 1023)
    switch exponent {
    case 0: return sign * fraction * 0x1p-24
    case 31: return fraction == 0 ? sign * .infinity : .nan
    default: return sign * (1 + fraction / 1024) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
    }
  }
}

extension StoredTensor {
  /// The numbers, little-endian.
  var bytes: Data {
    func raw<T>(_ values: [T]) -> Data { values.withUnsafeBytes { Data($0) } }
    return switch self {
    case .float(let tensor): raw(tensor.elements)
    case .double(let tensor): raw(tensor.elements)
    case .int32(let tensor): raw(tensor.elements)
    }
  }
}

/// A file's bytes.
func readFile(_ path: String) throws -> Data {
  do { return try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe) } catch {
    throw NetworkError.file(path: path, problem: "cannot be read")
  }
}

/// Writes all or nothing: to a temporary name, forced to the disk, then renamed. A reader, or a crash at any moment, sees
/// the old file or the new one.
func writeFile(_ path: String, _ parts: [Data]) throws {
  let temporary = "\(path).\(ProcessInfo.processInfo.processIdentifier).part"
  func failed(_ step: String) -> NetworkError {
    let reason = String(cString: strerror(errno))
    unlink(temporary)
    return .file(path: path, problem: "\(step) failed (\(reason))")
  }
  let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
  guard file >= 0 else { throw failed("creating it") }
  do {
    for part in parts {
      try part.withUnsafeBytes { bytes in
        var done = 0
        while done < bytes.count {
          let n = write(file, bytes.baseAddress.map { $0 + done }, bytes.count - done)
          if n < 0 { throw failed("writing it") }
          done += n
        }
      }
    }
    if fsync(file) != 0 { throw failed("flushing it") }
  } catch {
    close(file)
    throw error
  }
  close(file)
  if rename(temporary, path) != 0 { throw failed("renaming it") }
}
