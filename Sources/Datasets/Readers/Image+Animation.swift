import CZlib
import Foundation
import Tensors

extension Image {
  /// One PNG file that shows pictures one after another, for ever ("animated PNG", part of the third edition of the PNG
  /// specification). A program that does not know of it shows the first picture.
  ///
  /// - Parameters:
  ///   - pictures: one or more PNG files of one size and kind, without a table of colours.
  ///   - secondsPerFrame: how long each is shown, in seconds, from a millisecond to a minute.
  /// - Throws: `DataError.malformed` naming the picture that does not fit.
  public static func animated(_ pictures: [Data], secondsPerFrame: Double) throws -> Data {
    func failure(_ i: Int, _ problem: String) -> DataError {
      .malformed(path: "picture \(i + 1)", format: "PNG", place: 0, problem: problem)
    }
    var header: [UInt8] = []
    var frames: [[[UInt8]]] = []
    for (i, picture) in pictures.enumerated() {
      guard let chunks = chunks([UInt8](picture)), let first = chunks.first, first.name == "IHDR",
        first.body.count == 13
      else { throw failure(i, "it is damaged") }
      if chunks.contains(where: { $0.name == "PLTE" }) { throw failure(i, "it has a table of colours") }
      if i > 0, first.body != header { throw failure(i, "its size or kind is not that of the first") }
      header = first.body
      frames.append(chunks.filter { $0.name == "IDAT" }.map(\.body))
    }
    guard !frames.isEmpty else { throw failure(0, "there is none") }
    let milliseconds = UInt16(min(60_000, max(1, secondsPerFrame * 1000)).rounded())
    var bytes = signature + chunk("IHDR", header) + chunk("acTL", big(UInt32(frames.count)) + big(UInt32(0)))
    var number: UInt32 = 0
    for (i, parts) in frames.enumerated() {
      // The whole picture each time, from its corner; nothing of the last one shows through.
      let place = header.prefix(8) + big(UInt32(0)) + big(UInt32(0))
      bytes += chunk("fcTL", big(number) + place + big(milliseconds) + big(UInt16(1000)) + [0, 0])
      number += 1
      for part in parts {
        bytes += i == 0 ? chunk("IDAT", part) : chunk("fdAT", big(number) + part)
        if i > 0 { number += 1 }
      }
    }
    return Data(bytes + chunk("IEND", []))
  }

  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// The parts of a PNG file; nothing where it is none.
  private static func chunks(_ bytes: [UInt8]) -> [(name: String, body: [UInt8])]? {
    guard bytes.starts(with: signature) else { return nil }
    var result: [(String, [UInt8])] = []
    var place = signature.count
    while place + 12 <= bytes.count {
      let count = bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      guard place + 12 + count <= bytes.count else { return nil }
      let name = String(decoding: bytes[place + 4..<place + 8], as: UTF8.self)
      result.append((name, Array(bytes[place + 8..<place + 8 + count])))
      place += 12 + count
    }
    return result
  }

  /// Length, name, content and checksum.
  private static func chunk(_ name: String, _ body: [UInt8]) -> [UInt8] {
    let content = Array(name.utf8) + body
    return big(UInt32(body.count)) + content + big(UInt32(truncatingIfNeeded: crc32(0, content, uInt(content.count))))
  }

  /// Bytes from the highest to the lowest.
  private static func big(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
  }
}
