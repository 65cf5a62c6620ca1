import CZlib
import Foundation

/// The bytes of a file, unpacked where it is gzip, with a cursor that cannot leave them.
struct DataFile {
  let path: String
  let format: String
  let bytes: [UInt8]
  private(set) var position = 0

  /// - Parameter limit: largest size to unpack to, in bytes.
  init(_ path: String, format: String, limit: Int = 4 << 30) throws(DataError) {
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
    else { throw .unreadable(path: path) }
    self.path = path
    self.format = format
    if data.count > limit { throw .tooLarge(path: path, limit: limit) }
    bytes = data.starts(with: [0x1F, 0x8B]) ? try DataFile.unpacked([UInt8](data), path, limit) : [UInt8](data)
  }

  func malformed(_ problem: String, at place: Int? = nil) -> DataError {
    .malformed(path: path, format: format, place: place ?? position, problem: problem)
  }

  /// Undoes gzip. The size in the file's own trailer is not trusted: memory grows with what is really there.
  private static func unpacked(_ packed: [UInt8], _ path: String, _ limit: Int) throws(DataError) -> [UInt8] {
    func damaged() -> DataError {
      .malformed(path: path, format: "gzip", place: 0, problem: "the compressed data are damaged")
    }
    var stream = z_stream()
    // 16 asks for the gzip format on top of the largest window.
    guard inflateInit2_(&stream, 16 + MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw damaged()
    }
    defer { inflateEnd(&stream) }
    var input = packed
    var output: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 18)
    var failure: DataError?
    input.withUnsafeMutableBufferPointer { input in
      piece.withUnsafeMutableBufferPointer { piece in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(clamping: input.count)
        while true {
          stream.next_out = piece.baseAddress
          stream.avail_out = UInt32(piece.count)
          let status = inflate(&stream, Z_NO_FLUSH)
          output.append(contentsOf: piece[..<(piece.count - Int(stream.avail_out))])
          if status == Z_STREAM_END { return }
          if output.count > limit { failure = .tooLarge(path: path, limit: limit) }
          if status != Z_OK { failure = damaged() }
          if failure != nil { return }
        }
      }
    }
    if let failure { throw failure }
    return output
  }

  var remaining: Int { bytes.count - position }

  /// The next `count` bytes.
  mutating func take(_ count: Int) throws(DataError) -> ArraySlice<UInt8> {
    guard count >= 0, count <= remaining else { throw malformed("it ends \(count - remaining) bytes too early") }
    defer { position += count }
    return bytes[position..<position + count]
  }

  mutating func seek(_ place: Int) throws(DataError) {
    guard place >= 0, place <= bytes.count else { throw malformed("it points to byte \(place) of \(bytes.count)") }
    position = place
  }

  /// The next integer, most significant byte first where `big`.
  mutating func integer<T: FixedWidthInteger>(_ type: T.Type, big: Bool) throws(DataError) -> T {
    var value: T = 0
    let part = try take(MemoryLayout<T>.size)
    for byte in big ? Array(part) : part.reversed() { value = (value &<< 8) | T(truncatingIfNeeded: byte) }
    return value
  }

  mutating func float(big: Bool) throws(DataError) -> Float { Float(bitPattern: try integer(UInt32.self, big: big)) }

  /// Lines of a text file with their numbers, without comments (from `#` on) and empty lines.
  func lines(comment: Character? = "#") -> [(number: Int, fields: [Substring])] {
    var result: [(Int, [Substring])] = []
    // Any end of line counts, and bytes that are no UTF-8 become replacement characters that no number contains.
    let text = String(decoding: bytes, as: UTF8.self)
    for (i, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let kept = comment.flatMap { line.firstIndex(of: $0) }.map { line[..<$0] } ?? line
      let fields = kept.split { $0 == " " || $0 == "\t" || $0 == "," }
      if !fields.isEmpty { result.append((i + 1, fields)) }
    }
    return result
  }

  /// A number in a text file.
  func number<T: LosslessStringConvertible>(_ field: Substring, _ type: T.Type, line: Int) throws(DataError) -> T {
    guard let value = T(String(field)) else { throw malformed("\"\(field.prefix(40))\" is not a number", at: line) }
    return value
  }
}
