import Foundation
import Reports
import Substrates
import Tensors

/// What one programming of the substrate holds for a link: transforms and channel estimation.
struct Receiver: Sendable {
  let substrate: any Substrate
  /// Samples to subcarriers and back; none where the signal stays on subcarriers.
  private(set) var analysis: (any StoredMatrix)?, synthesis: (any StoredMatrix)?
  /// Correlation with the training symbols, then smoothing.
  private(set) var correlation: (any StoredMatrix)?, smoothing: (any StoredMatrix)?
  /// Variance of the channel estimate for each link and subcarrier.
  private(set) var estimateError = 0.0
  /// cos and sin of the carriers' phases, `[2, used]`.
  private let rotation: Tensor<Float>

  /// Vectors that converters are calibrated with.
  private static let typicalVectors = 256

  init(_ c: MIMOOFDM.Configuration, noise: Double, substrate: any Substrate, random: RandomStream) throws {
    var context = ForwardContext(random: random)
    self.substrate = substrate
    let phases = (0..<c.usedSubcarriers).map { Receiver.phase(c, carrier: $0) }
    rotation = try Tensor(phases.map { Float(cos($0)) } + phases.map { Float(sin($0)) }, shape: [2, phases.count])
    var typical = random.split("typical vectors")
    func stored(_ weights: Tensor<Float>, _ vectors: Tensor<Float>) throws -> any StoredMatrix {
      var matrix = try substrate.matrix(weights, in: &context)
      try matrix.calibrate(vectors, from: .rows, in: &context)
      return matrix
    }
    func normal(_ width: Int, _ deviation: Double = 1) throws -> Tensor<Float> {
      try typical.normal([Self.typicalVectors, width], standardDeviation: Float(deviation))
    }
    if c.signal == .samples {
      synthesis = try stored(c.carriers.synthesis(), Self.symbols(c, &typical))
      // Many carriers, taps and streams add up: samples at the antennas are nearly normal.
      analysis = try stored(c.carriers.analysis(), normal(2 * c.subcarriers))
    }
    guard c.estimation != .known else { return }
    let error = noise / Double(c.trainingSymbols)
    let correlator = try Receiver.correlation(c)
    let received = try matmul(normal(2 * c.streams, 0.5.squareRoot()), correlator, transposingB: true)
    // The correlator is the training symbols' conjugate over their number.
    correlation = try stored(
      correlator, received * Float(c.trainingSymbols) + normal(2 * c.trainingSymbols, (noise / 2).squareRoot()))
    estimateError = error
    guard c.estimation != .leastSquares else { return }
    let deviations = c.tapDeviations
    let powers = c.estimation == .window ? nil : deviations.map { $0 * $0 }
    let filter = try c.carriers.smoothing(taps: deviations.count, powers: powers, error: error)
    let channels = try matmul(normal(2 * deviations.count, 0.5.squareRoot()), c.carriers.response(deviations))
    smoothing = try stored(filter.matrix, channels + normal(2 * c.usedSubcarriers, (error / 2).squareRoot()))
    estimateError = filter.meanSquareError
  }

  /// What is sent, at random: rows of real and imaginary parts, `[vectors, 2·used]`.
  private static func symbols(_ c: MIMOOFDM.Configuration, _ random: inout RandomStream) throws -> Tensor<Float> {
    let used = c.usedSubcarriers
    let words = random.words(typicalVectors * 2 * used)
    let amplitudes = (0..<c.modulation.levels).map { c.modulation.amplitude(of: $0) }
    let values = words.enumerated().map { i, word in
      i % (2 * used) < c.modulation.axes * used ? amplitudes[Int(word) % amplitudes.count] : 0
    }
    return try Tensor(values, shape: [typicalVectors, 2 * used])
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
    context.countLogic(.multiplyAccumulate, 2 * turned.count, on: substrate)
    context.count(.memory, .byte, 2 * turned.count * ((substrate.logicBits + 7) / 8))
    guard let smoothing else { return turned }
    let smooth = try smoothing.apply(turned.reshaped([blocks * antennas * streams, 2 * used]), in: &context)
    return try smooth.reshaped([blocks, antennas, streams, 2, used])
  }

  /// Parts of one receiver: each antenna has its transform, each link its estimator.
  func inventory(_ c: MIMOOFDM.Configuration) -> Inventory {
    func times(_ matrix: (any StoredMatrix)?, _ count: Int) -> Inventory {
      guard let matrix else { return Inventory() }
      return (0..<count).reduce(Inventory()) { sum, _ in sum + matrix.inventory }
    }
    return times(analysis, c.antennas) + times(correlation, c.antennas)
      + times(smoothing, c.antennas * c.streams)
  }
}
