import Chips
import Foundation
import Reports
import Runs
import Studies
import Substrates
import Tensors

/// The link at one signal-to-noise ratio.
struct Link: Sendable {
  let c: MIMOOFDM.Configuration
  private let ratio_dB: Double
  let noise: Double
  /// Channels in one piece of work; each piece has its own random stream, so that the split over threads and processes does
  /// not matter.
  private let piece: Int
  let response: Tensor<Float>
  let exactAnalysis: Tensor<Float>?

  /// What a simulation found.
  struct Outcome {
    var rate = 0.0
    /// Half of the 95 % confidence interval, from the spread between pieces: errors inside one fade together.
    var uncertainty = 0.0
    /// Of uncoded blocks.
    var blockRate = 0.0
    /// Mutual information of a bit and its soft value.
    var information = 0.0
    /// Root mean square error of the transform relative to its input, and of symbols after detection.
    var transformError = 0.0, symbolError = 0.0
    /// Mean square error of the channel estimate.
    var estimateError = 0.0
    /// What was done for `symbols` data symbols, under the scopes `transmit`, `receive`, `estimation` and `detection`.
    var activity = Activity()
    var symbols = 0.0
    /// Parts of one receiver.
    var inventory = Inventory()
    /// Slowest loop of each channel on average; largest; part of loops that ran into the time-out.
    var settling_s = 0.0, longestSettling_s = 0.0, timeouts = 0.0
    /// Some symbols after detection.
    var constellation = Constellation()
  }

  /// Gradient steps of the detector; none for the substrate's own way.
  let gradientSteps: Int?

  init(_ c: MIMOOFDM.Configuration, ratio_dB: Double, gradientSteps: Int? = nil) throws {
    self.c = c
    self.gradientSteps = gradientSteps
    self.ratio_dB = ratio_dB
    noise = pow(10, -ratio_dB / 10)
    piece = max(1, min(20 / c.coherence + 1, 40_000 / (c.antennas * c.streams * c.usedSubcarriers)))
    response = try c.carriers.response(c.tapDeviations)
    exactAnalysis = c.signal == .samples ? try c.carriers.analysis() : nil
  }

  /// - Parameter part: of the run's progress that this is; none is told if missing.
  func simulate(in context: RunContext, progress part: ClosedRange<Double>? = nil, _ text: String = "") throws
    -> Outcome
  {
    let random = context.random.split("link at \(ratio_dB) dB")
    let channels = (c.symbols + c.coherence - 1) / c.coherence
    let pieces = (channels + piece - 1) / piece
    // Every programming draw is another set of arrays; pieces are dealt out to them in turn.
    let draws = min(context.substrate.drawCount, pieces)
    let receivers = try (0..<draws).map {
      try Receiver(
        c, noise: noise, substrate: context.substrate.make(), random: context.random.split("programming \($0)"))
    }
    let logicBits = context.substrate.fixedPoint.solverBits
    let (all, mine) = try context.pieces(pieces, progress: part, text) { i in
      let receiver = receivers[i % draws]
      let detector = Detector(substrate: receiver.substrate, gradientSteps: gradientSteps, logicBits: logicBits)
      return try simulate(
        i, channels: min(piece, channels - i * piece), random.split("piece \(i)"), receiver, detector)
    }
    var outcome = summarise(all, channels: channels)
    outcome.inventory = receivers[0].inventory(c)
    if let first = mine[0] {
      outcome.constellation = first.constellation
      outcome.inventory += first.inventory
    }
    return outcome
  }

  private func summarise(_ all: [Piece], channels: Int) -> Outcome {
    var outcome = Outcome()
    let pieces = all.count
    let sums = all.map(\.sums)
    func sum(_ key: KeyPath<Piece.Sums, Double>) -> Double { sums.reduce(0) { $0 + $1[keyPath: key] } }
    let bits = sum(\.bits)
    outcome.rate = sum(\.errors) / bits
    let variance = sums.reduce(0) { $0 + pow(($1.errors - outcome.rate * $1.bits) / (bits / Double(pieces)), 2) }
    // With no error seen, 3/n bounds the rate at 95 % for independent bits (the rule of three).
    outcome.uncertainty =
      sum(\.errors) == 0
      ? 3 / bits : pieces > 1 ? 1.96 * (variance / Double(pieces * (pieces - 1))).squareRoot() : outcome.rate
    outcome.blockRate = sum(\.blockErrors) / sum(\.blocks)
    outcome.information = sum(\.information) / bits
    outcome.transformError =
      sum(\.transformPower) > 0 ? (sum(\.transformError) / sum(\.transformPower)).squareRoot() : 0
    outcome.symbolError = (sum(\.symbolError) / sum(\.symbols)).squareRoot()
    outcome.estimateError = sum(\.estimateError) / Double(pieces)
    outcome.settling_s = sum(\.settling_s) / Double(channels)
    outcome.longestSettling_s = sums.reduce(0) { max($0, $1.longestSettling_s) }
    outcome.timeouts = sum(\.timeouts) / Double(channels * c.usedSubcarriers)
    for piece in all { outcome.activity += piece.activity }
    outcome.symbols = Double(channels * c.coherence)
    return outcome
  }
}
