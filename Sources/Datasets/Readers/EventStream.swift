/// Events of a camera or cochlea that reports changes: address–event representation (AER).
public struct EventStream: Sendable, Equatable {
  /// One change.
  public struct Event: Sendable, Equatable {
    /// Column and row, from 0.
    public var x: Int, y: Int
    /// Whether it became brighter.
    public var isOn: Bool
    /// In microseconds.
    public var time: Int

    public init(x: Int, y: Int, isOn: Bool, time: Int) {
      (self.x, self.y, self.isOn, self.time) = (x, y, isOn, time)
    }
  }

  public var events: [Event]

  /// Reads the 40-bit form of N-MNIST and N-Caltech101: x, y, a bit of polarity and 23 bits of microseconds.
  ///
  /// - Throws: `DataError`.
  public init(bin path: String, limit: Int = 1 << 30) throws {
    var file = try DataFile(path, format: "AER", limit: limit)
    guard file.remaining % 5 == 0 else { throw file.malformed("its \(file.remaining) bytes are no multiple of 5") }
    events = []
    events.reserveCapacity(file.remaining / 5)
    while file.remaining > 0 {
      let b = Array(try file.take(5))
      events.append(
        Event(
          x: Int(b[0]), y: Int(b[1]), isOn: b[2] & 0x80 != 0, time: Int(b[2] & 0x7F) << 16 | Int(b[3]) << 8 | Int(b[4]))
      )
    }
  }

  /// Reads polarity events of the AEDAT 3.1 form (DVS128 Gesture): packets with a header of 28 bytes.
  ///
  /// - Throws: `DataError`.
  public init(aedat path: String, limit: Int = 1 << 30) throws {
    var file = try DataFile(path, format: "AEDAT 3.1", limit: limit)
    let end = Array("#!END-HEADER\r\n".utf8)
    guard file.bytes.starts(with: Array("#!AER-DAT3.1".utf8)) else {
      throw file.malformed("it does not begin with #!AER-DAT3.1", at: 0)
    }
    // The header is some lines of text; a search beyond a few thousand bytes finds no more.
    guard let start = (0..<min(file.bytes.count, 65536)).first(where: { file.bytes[$0...].starts(with: end) }) else {
      throw file.malformed("its header has no end")
    }
    try file.seek(start + end.count)
    events = []
    while file.remaining > 0 {
      let type = try file.integer(UInt16.self, big: false)
      _ = try file.take(2)
      let size = Int(try file.integer(UInt32.self, big: false))
      _ = try file.take(4)
      let overflow = Int(try file.integer(UInt32.self, big: false))
      _ = try file.take(4)
      let count = Int(try file.integer(UInt32.self, big: false))
      _ = try file.take(4)
      let (total, isAbsurd) = size.multipliedReportingOverflow(by: count)
      guard !isAbsurd, total <= file.remaining else {
        throw file.malformed("a packet of \(count) events of \(size) bytes is cut off")
      }
      guard type == 1 else {
        _ = try file.take(total)
        continue
      }
      guard size == 8 else { throw file.malformed("polarity events have \(size) bytes instead of 8") }
      for _ in 0..<count {
        let data = try file.integer(UInt32.self, big: false)
        let time = try file.integer(UInt32.self, big: false)
        // The lowest bit says whether the event counts.
        guard data & 1 != 0 else { continue }
        events.append(
          Event(x: Int(data >> 17), y: Int(data >> 2 & 0x7FFF), isOn: data & 2 != 0, time: overflow << 31 | Int(time)))
      }
    }
  }
}
