import CKernels
import Foundation
import Reports
import Substrates
import Tensors

/// What one programming of the substrate holds for a link: transforms and channel estimation.
struct Receiver: Sendable {
  let substrate: any Substrate
  /// Samples to subcarriers and back; none where the signal stays on subcarriers.
  let analysis: (any LinearOperator)?, synthesis: (any LinearOperator)?
  /// Correlation with the training symbols, then smoothing.
  let correlation: (any LinearOperator)?, smoothing: (any LinearOperator)?
  /// Variance of the channel estimate for each link and subcarrier.
  let estimateError: Double
  /// cos and sin of the carriers' phases, `[2, used]`.
  private let rotation: Tensor<Float>

  init(_ c: MIMOOFDM.Configuration, noise: Double, substrate: any Substrate, random: RandomStream) throws {
    var context = ForwardContext(random: random)
    self.substrate = substrate
    let inTime = c.signal == .samples
    analysis = inTime ? try substrate.linearOperator(c.carriers.analysis(), in: &context) : nil
    synthesis = inTime ? try substrate.linearOperator(c.carriers.synthesis(), in: &context) : nil
    let error = noise / Double(c.trainingSymbols)
    if c.estimation == .known {
      (correlation, smoothing, estimateError) = (nil, nil, 0)
    } else {
      correlation = try substrate.linearOperator(Receiver.correlation(c), in: &context)
      if c.estimation == .leastSquares {
        (smoothing, estimateError) = (nil, error)
      } else {
        let deviations = c.tapDeviations
        let powers = c.estimation == .window ? nil : deviations.map { $0 * $0 }
        let filter = try c.carriers.smoothing(taps: deviations.count, powers: powers, error: error)
        smoothing = try substrate.linearOperator(filter.matrix, in: &context)
        estimateError = filter.meanSquareError
      }
    }
    let phases = (0..<c.usedSubcarriers).map { Receiver.phase(c, carrier: $0) }
    rotation = try Tensor(phases.map { Float(cos($0)) } + phases.map { Float(sin($0)) }, shape: [2, phases.count])
  }

  /// Phase of training symbol p of stream t, −2π·t·p/P, in radians: streams are orthogonal.
  static func phase(_ c: MIMOOFDM.Configuration, _ t: Int, _ p: Int) -> Double {
    -2 * Double.pi * Double(t * p % c.trainingSymbols) / Double(c.trainingSymbols)
  }

  /// Phase that all training symbols have on the k-th carrier in use, π·k²/K, in radians: without it their samples would
  /// add up to one peak, which no converter takes (Zadoff–Chu).
  static func phase(_ c: MIMOOFDM.Configuration, carrier k: Int) -> Double {
    Double.pi * Double(k * k % (2 * c.usedSubcarriers)) / Double(c.usedSubcarriers)
  }

  /// Least squares, Ĥ = Y·Xᴴ/P, for row vectors over the training symbols: `[2P, 2·streams]`.
  static func correlation(_ c: MIMOOFDM.Configuration) throws -> Tensor<Float> {
    try Carriers.real(c.trainingSymbols, c.streams) { p, t in
      let phase = phase(c, t, p)
      return (cos(phase) / Double(c.trainingSymbols), -sin(phase) / Double(c.trainingSymbols))
    }
  }

  /// The channel as the receiver sees it.
  ///
  /// - Parameter y: received training symbols, shape `[blocks, P, antennas, 2, used]`.
  /// - Returns: shape `[blocks, antennas, streams, 2, used]`.
  func estimate(_ y: Tensor<Float>, streams: Int, in context: inout ForwardContext) throws -> Tensor<Float> {
    guard let correlation else { return y }
    let (blocks, pilots, antennas, used) = (y.shape[0], y.shape[1], y.shape[2], y.shape[4])
    // [blocks, antennas, used, 2, P] as rows of 2P numbers.
    let rows = try y.permuted([0, 2, 4, 3, 1]).reshaped([blocks * antennas * used, 2 * pilots])
    let raw = try correlation.apply(rows, in: &context).reshaped([blocks, antennas, used, 2, streams])
      .permuted([0, 1, 4, 3, 2])
    // Times exp(−iφ) on every carrier, in digital logic as twiddle factors are.
    let (re, im) = (try raw.slice(0..<1, axis: 3), try raw.slice(1..<2, axis: 3))
    let (cosine, sine) = (try rotation.at(0), try rotation.at(1))
    let turned = try Tensor.concatenate([re * cosine + im * sine, im * cosine - re * sine], axis: 3)
    context.activity.digitalOperations += 2 * turned.count
    guard let smoothing else { return turned }
    let smooth = try smoothing.apply(turned.reshaped([blocks * antennas * streams, 2 * used]), in: &context)
    return try smooth.reshaped([blocks, antennas, streams, 2, used])
  }
}
