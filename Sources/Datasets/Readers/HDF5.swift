import CHDF5Reader
import Foundation
import Tensors

/// Data sets inside an HDF5 file, by the HDF5 library.
///
/// The library crashes on some damaged files, so each read runs it in a process of its own that may use a bounded amount
/// of memory and time.
public struct HDF5File: Sendable {
  private let path: String
  private let limit: Int

  /// - Parameters:
  ///   - path: the file; nothing is read yet.
  ///   - limit: largest data set to read, in bytes of its numbers in double precision.
  /// - Throws: `DataError.unreadable`.
  public init(_ path: String, limit: Int = 4 << 30) throws(DataError) {
    self.path = path
    self.limit = limit
    guard FileManager.default.isReadableFile(atPath: path) else { throw .unreadable(path: path) }
  }

  /// Numbers of a data set.
  ///
  /// - Parameter name: path inside the file, such as `spikes/labels`.
  /// - Returns: in the data set's shape, row-major.
  /// - Throws: `DataError` where there is no such data set, or it holds no numbers.
  public func numbers(_ name: String) throws -> Tensor<Double> {
    var words = Words(try read(name, kk_h5_numbers), damaged: malformed("it is damaged"))
    let shape = try (0..<words.next()).map { _ in try words.next() }
    return try Tensor(words.doubles(shape.reduce(1, *)), shape: shape)
  }

  /// Lists of different lengths, as spike times and units have them.
  public func lists(_ name: String) throws -> [[Double]] {
    var words = Words(try read(name, kk_h5_lists), damaged: malformed("it is damaged"))
    return try (0..<words.next()).map { _ in
      let count = try words.next()
      return try words.doubles(count)
    }
  }

  /// Names in a group; the root by default.
  public func names(in group: String = "/") throws -> [String] {
    try read(group, kk_h5_names).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }

  private func malformed(_ problem: String) -> DataError {
    .malformed(path: path, format: "HDF5", place: 0, problem: problem)
  }

  /// What the reading process found.
  private func read(_ name: String, _ part: kk_h5_part) throws -> Data {
    var descriptor: Int32 = -1
    let process = kk_h5_start(path, name, part, UInt64(limit), &descriptor)
    guard process > 0 else { throw malformed("no process can be started to read it") }
    let pipe = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    let data = (try? pipe.readToEnd()) ?? Data()
    switch kk_h5_status(UInt32(bitPattern: kk_h5_finish(process))) {
    case kk_h5_done: return data
    case kk_h5_no_file: throw malformed("it cannot be opened")
    case kk_h5_no_object: throw malformed("there is no \(part == kk_h5_names ? "group" : "data set") \(name)")
    case kk_h5_wrong_kind: throw malformed("\(name) holds no \(part == kk_h5_numbers ? "numbers" : "lists of numbers")")
    case kk_h5_too_large: throw DataError.tooLarge(path: path, limit: limit)
    default: throw malformed("it is damaged")
    }
  }

  /// 64-bit words one after the other.
  private struct Words {
    private let data: Data
    private let damaged: DataError
    private var place = 0

    init(_ data: Data, damaged: DataError) {
      self.data = data
      self.damaged = damaged
    }

    mutating func next() throws(DataError) -> Int {
      guard place + 8 <= data.count else { throw damaged }
      defer { place += 8 }
      return Int(truncatingIfNeeded: data.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: UInt64.self) })
    }

    mutating func doubles(_ count: Int) throws(DataError) -> [Double] {
      guard count >= 0, count <= (data.count - place) / 8 else { throw damaged }
      defer { place += 8 * count }
      return data.withUnsafeBytes { bytes in
        (0..<count).map { bytes.loadUnaligned(fromByteOffset: place + 8 * $0, as: Double.self) }
      }
    }
  }
}
