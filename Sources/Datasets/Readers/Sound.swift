import Tensors

/// Sound from a WAV file: PCM of 8 to 32 bits and floating point, any number of channels.
public struct Sound: Sendable {
  /// Shape `[channels, samples]`, within ±1.
  public var samples: Tensor<Float>
  /// In hertz.
  public var sampleRate: Int

  /// - Parameter limit: largest file, in bytes.
  /// - Throws: `DataError`.
  public init(wav path: String, limit: Int = 1 << 30) throws {
    var file = try DataFile(path, format: "WAV", limit: limit)
    func word(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
    guard word(try file.take(4)) == "RIFF" else { throw file.malformed("it does not begin with RIFF", at: 0) }
    _ = try file.take(4)
    guard word(try file.take(4)) == "WAVE" else { throw file.malformed("it is RIFF, but not WAVE", at: 8) }
    var format: (code: UInt16, channels: Int, rate: Int, bits: Int)?
    while file.remaining >= 8 {
      let name = word(try file.take(4))
      let size = Int(try file.integer(UInt32.self, big: false))
      switch name {
      case "fmt ":
        guard size >= 16 else { throw file.malformed("its format has \(size) bytes") }
        var code = try file.integer(UInt16.self, big: false)
        let channels = Int(try file.integer(UInt16.self, big: false))
        let rate = Int(try file.integer(UInt32.self, big: false))
        _ = try file.take(6)
        let bits = Int(try file.integer(UInt16.self, big: false))
        var rest = size - 16
        if code == 0xFFFE, rest >= 24 {
          // The extensible form keeps the code at the head of a long identifier.
          _ = try file.take(8)
          code = try file.integer(UInt16.self, big: false)
          rest -= 10
        }
        _ = try file.take(rest + size % 2)
        guard (code == 1 && [8, 16, 24, 32].contains(bits)) || (code == 3 && [32, 64].contains(bits)),
          (1...64).contains(channels),
          rate > 0
        else { throw file.malformed("format \(code) with \(bits) bits and \(channels) channels is not supported") }
        format = (code, channels, rate, bits)
      case "data":
        guard let format else { throw file.malformed("its data come before their format") }
        // Programs that stream leave the size open; then the data go to the end.
        let count = min(size, file.remaining) / (format.channels * format.bits / 8)
        let bytes = Array(try file.take(count * format.channels * format.bits / 8))
        sampleRate = format.rate
        samples = try Sound.decode(bytes, format.code, format.bits, channels: format.channels, count: count)
        return
      default: _ = try file.take(size + size % 2)
      }
    }
    throw file.malformed("it holds no data")
  }

  private static func decode(_ bytes: [UInt8], _ code: UInt16, _ bits: Int, channels: Int, count: Int) throws -> Tensor<
    Float
  > {
    var samples = [Float](repeating: 0, count: channels * count)
    let width = bits / 8
    for i in 0..<count {
      for c in 0..<channels {
        let start = (i * channels + c) * width
        var word: UInt64 = 0
        for byte in 0..<width { word |= UInt64(bytes[start + byte]) << (8 * UInt64(byte)) }
        let value: Float
        if code == 3 {
          value = bits == 32 ? Float(bitPattern: UInt32(word)) : Float(Double(bitPattern: word))
        } else if bits == 8 {
          value = (Float(word) - 128) / 128
        } else {
          // Sign in the highest bit of the sample.
          value = Float(Int64(bitPattern: word << UInt64(64 - bits)) >> Int64(64 - bits)) / Float(1 << (bits - 1))
        }
        samples[c * count + i] = value
      }
    }
    return try Tensor(samples, shape: [channels, count])
  }
}
