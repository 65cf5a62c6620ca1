import Foundation

extension Team {
  /// Results of pieces of work that the processes shared, in the order of the pieces, the same in every process.
  ///
  /// Each byte comes from one process only, so the result is the same for any number of processes.
  ///
  /// - Parameter mine: of the pieces that this process did, each done by one process.
  /// - Returns: one for each piece; empty where no process did it.
  public func gather(_ mine: [Int: Data], pieces: Int) throws -> [Data] {
    var lengths = [Double](repeating: 0, count: pieces)
    for (piece, data) in mine { lengths[piece] = Double(data.count) }
    let sizes = try sum(lengths).map { Int($0) }
    // Six bytes in each number: integers below 2⁵³ add to zeros without rounding.
    let starts = sizes.reduce(into: [0]) { $0.append($0[$0.count - 1] + ($1 + 5) / 6) }
    var packed = [Double](repeating: 0, count: starts[pieces])
    for (piece, data) in mine {
      for (i, byte) in data.enumerated() { packed[starts[piece] + i / 6] += Double(UInt64(byte) << (8 * (i % 6))) }
    }
    let all = try sum(packed)
    return (0..<pieces).map { piece in
      Data((0..<sizes[piece]).map { UInt8(truncatingIfNeeded: UInt64(all[starts[piece] + $0 / 6]) >> (8 * ($0 % 6))) })
    }
  }

  /// The same for values. One process keeps its own as they are; others get them as JSON, which keeps every bit of a number.
  public func gather<Value: Codable>(_ mine: [Int: Value], pieces: Int) throws -> [Value] {
    if size == 1 { return (0..<pieces).compactMap { mine[$0] } }
    let (encoder, decoder) = (JSONEncoder(), JSONDecoder())
    let (infinite, negative, none) = ("Infinity", "-Infinity", "NaN")
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: infinite, negativeInfinity: negative, nan: none)
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: infinite, negativeInfinity: negative, nan: none)
    return try gather(mine.mapValues { try encoder.encode($0) }, pieces: pieces).map {
      try decoder.decode(Value.self, from: $0)
    }
  }
}
