import Substrates

/// What came of one piece of work.
struct Piece: Codable, Sendable {
  /// Sums over a piece: numbers alone, which are cheap to copy.
  struct Sums: Codable, Sendable {
    var errors = 0.0, bits = 0.0, blockErrors = 0.0, blocks = 0.0, information = 0.0
    var transformError = 0.0, transformPower = 0.0, symbolError = 0.0, symbols = 0.0, estimateError = 0.0
    /// Slowest loop of each channel, summed; longest of all; loops that ran into the time-out.
    var settling_s = 0.0, longestSettling_s = 0.0, timeouts = 0.0
  }

  var sums = Sums()

  /// Under the scopes `transmit`, `receive`, `estimation` and `detection`.
  var activity = Activity()
  /// Some symbols after detection, and parts of the detector of one channel: for the process that did the piece.
  var constellation = Constellation(), inventory = Inventory()

  mutating func record(_ found: Detector.Detection) {
    for times in found.times_s {
      let slowest = times.reduce(0, max)
      sums.settling_s += slowest
      sums.longestSettling_s = max(sums.longestSettling_s, slowest)
    }
    sums.timeouts = Double(found.unsettled)
    inventory = found.inventory
  }

  private enum CodingKeys: CodingKey { case sums, activity }
}

/// Symbols in the complex plane.
struct Constellation: Sendable {
  var re: [Double] = [], im: [Double] = []

  init() {}

  /// - Parameter elements: rows of real parts, then imaginary parts.
  init(_ elements: [Float], rows: Int, used: Int) {
    for row in 0..<rows {
      re += elements[row * 2 * used..<(2 * row + 1) * used].map(Double.init)
      im += elements[(2 * row + 1) * used..<(2 * row + 2) * used].map(Double.init)
    }
  }
}
