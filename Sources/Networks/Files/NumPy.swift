import CZip
import Foundation
import Tensors

/// Files of NumPy: `.npy` with one array, `.npz` with several by name.
public enum NumPy {
  private static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
  private static let formats: [String: RawFormat] = [
    "f2": .f16, "f4": .f32, "f8": .f64, "i1": .i8, "u1": .u8, "i2": .i16, "u2": .u16, "i4": .i32, "u4": .u32,
    "i8": .i64,
    "u8": .u64, "b1": .bool,
  ]

  /// Writes one array as `.npy`, all or nothing.
  public static func write(_ tensor: StoredTensor, to path: String) throws { try writeFile(path, encode(tensor)) }

  /// Reads a `.npy` file.
  public static func read(_ path: String) throws -> StoredTensor { try decode(try readFile(path), path: path) }

  private static func encode(_ tensor: StoredTensor) -> [Data] {
    let type =
      switch tensor {
      case .float: "<f4"
      case .double: "<f8"
      case .int32: "<i4"
      }
    let extents = tensor.shape.map(String.init).joined(separator: ", ") + (tensor.shape.count == 1 ? "," : "")
    var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': (\(extents)), }"
    // Version 1.0: the numbers start on a 64-byte border.
    header += String(repeating: " ", count: (64 - (11 + header.utf8.count) % 64) % 64) + "\n"
    let length = UInt16(header.utf8.count)
    return [Data(magic + [1, 0, UInt8(length & 255), UInt8(length >> 8)]), Data(header.utf8), tensor.bytes]
  }

  private static func decode(_ data: Data, path: String) throws -> StoredTensor {
    func malformed(_ problem: String) -> NetworkError { .malformed(path: path, problem: problem) }
    let bytes = data.prefix(12).map { $0 }
    guard bytes.count >= 10, Array(bytes[..<6]) == magic else { throw malformed("is not a .npy file") }
    let wide = bytes[6] >= 2
    guard (1...3).contains(bytes[6]), !wide || bytes.count >= 12 else {
      throw malformed("has .npy version \(bytes[6])")
    }
    let length =
      wide
      ? Int(bytes[8]) | Int(bytes[9]) << 8 | Int(bytes[10]) << 16 | Int(bytes[11]) << 24
      : Int(bytes[8]) | Int(bytes[9]) << 8
    let start = (wide ? 12 : 10) + length
    guard start <= data.count else { throw malformed("ends within its header") }
    let header = String(decoding: data[data.startIndex + start - length..<data.startIndex + start], as: UTF8.self)
    guard let type = header.firstMatch(of: /'descr'\s*:\s*'([<>|=]?)([a-z][0-9]+)'/),
      let order = header.firstMatch(of: /'fortran_order'\s*:\s*(True|False)/),
      let extents = header.firstMatch(of: /'shape'\s*:\s*\(([0-9,\s]*)\)/)
    else { throw malformed("has a header without descr, fortran_order and shape: \(header.prefix(80))") }
    guard let format = formats[String(type.2)] else { throw malformed("holds numbers of the type \(type.1)\(type.2)") }
    var shape: [Int] = []
    var count = 1
    for part in extents.1.split(separator: ",") {
      guard let extent = Int(part.trimmingCharacters(in: .whitespaces)) else {
        throw malformed("has the shape (\(extents.1))")
      }
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw malformed("has the shape (\(extents.1))") }
      shape.append(extent)
      count = product
    }
    let (size, overflow) = count.multipliedReportingOverflow(by: format.size)
    guard !overflow, data.count - start == size
    else {
      throw malformed(
        "has \(data.count - start) bytes of numbers where \(shape) of \(type.2) needs \(overflow ? -1 : size)")
    }
    let stored = try format.decode(
      data[(data.startIndex + start)...], shape: order.1 == "True" ? shape.reversed() : shape, swapped: type.1 == ">",
      path: path)
    return order.1 == "True" ? try stored.withAxesReversed() : stored
  }

  /// Writes arrays by name as `.npz` (not compressed, as `numpy.savez`), all or nothing.
  public static func write(_ tensors: [String: StoredTensor], toArchive path: String) throws {
    var code: Int32 = 0
    let temporary = "\(path).\(ProcessInfo.processInfo.processIdentifier).part"
    unlink(temporary)
    guard let archive = zip_open(temporary, ZIP_CREATE | ZIP_EXCL, &code)
    else { throw NetworkError.file(path: path, problem: "cannot be created (zip error \(code))") }
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      let bytes = encode(tensor).flatMap { [UInt8]($0) }
      // libzip reads the numbers when it closes the archive, so they need memory of their own.
      let copy = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes.count), alignment: 1)
      bytes.withUnsafeBytes { copy.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(copy), byteCount: bytes.count) }
      // The source owns the copy from here on, and frees it.
      guard let source = zip_source_buffer(archive, copy, zip_uint64_t(bytes.count), 1) else {
        copy.deallocate()
        zip_discard(archive)
        throw NetworkError.file(path: path, problem: "`\(name)` cannot be added")
      }
      let index = zip_file_add(archive, "\(name).npy", source, zip_flags_t(ZIP_FL_ENC_UTF_8))
      guard index >= 0 else {
        zip_source_free(source)
        zip_discard(archive)
        throw NetworkError.file(path: path, problem: "`\(name)` cannot be added")
      }
      zip_set_file_compression(archive, zip_uint64_t(index), Int32(ZIP_CM_STORE), 0)
    }
    guard zip_close(archive) == 0 else {
      zip_discard(archive)
      unlink(temporary)
      throw NetworkError.file(path: path, problem: "cannot be written")
    }
    guard rename(temporary, path) == 0 else {
      unlink(temporary)
      throw NetworkError.file(path: path, problem: "cannot be renamed")
    }
  }

  /// Reads all arrays of a `.npz` file, compressed or not.
  public static func read(archive path: String) throws -> [String: StoredTensor] {
    var code: Int32 = 0
    guard let archive = zip_open(path, ZIP_RDONLY, &code)
    else { throw NetworkError.file(path: path, problem: "cannot be read as an archive (zip error \(code))") }
    defer { zip_discard(archive) }
    var result: [String: StoredTensor] = [:]
    for i in 0..<zip_uint64_t(max(0, zip_get_num_entries(archive, 0))) {
      var about = zip_stat_t()
      guard zip_stat_index(archive, i, 0, &about) == 0, let raw = about.name, let file = zip_fopen_index(archive, i, 0)
      else { throw NetworkError.malformed(path: path, problem: "entry \(i) cannot be opened") }
      defer { zip_fclose(file) }
      let name = String(cString: raw)
      // Read in pieces: the size in the directory may lie.
      var data = Data()
      var piece = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let n = zip_fread(file, &piece, zip_uint64_t(piece.count))
        guard n >= 0 else { throw NetworkError.malformed(path: path, problem: "entry `\(name)` is damaged") }
        if n == 0 { break }
        data.append(contentsOf: piece[..<Int(n)])
      }
      result[name.hasSuffix(".npy") ? String(name.dropLast(4)) : name] = try decode(data, path: "\(path)/\(name)")
    }
    return result
  }
}

extension StoredTensor {
  /// For arrays that were stored column by column.
  fileprivate func withAxesReversed() throws -> StoredTensor {
    let order = Array(shape.indices.reversed())
    return switch self {
    case .float(let tensor): .float(try tensor.permuted(order))
    case .double(let tensor): .double(try tensor.permuted(order))
    case .int32(let tensor): .int32(try tensor.permuted(order))
    }
  }
}
