import CKernels
import Circuits
import Foundation
import Reports
import Substrates
import Tensors

/// The link at one signal-to-noise ratio.
struct Link {
  private let c: MIMOOFDM.Configuration
  private let ratio_dB: Double
  private let noise: Double
  /// Channels in one piece of work; each piece has its own random stream, so that the split over threads and processes does
  /// not matter.
  private let piece: Int
  private let response: Tensor<Float>
  private let exactAnalysis: Tensor<Float>?

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
    var transforms = Activity(), detection = Activity()
    /// Slowest loop of each channel on average; largest; part of loops that ran into the time-out.
    var settling_s = 0.0, longestSettling_s = 0.0, timeouts = 0.0
    /// Of cells, in siemens; 0 on a digital substrate.
    var transformConductance = 0.0, detectionConductance = 0.0
    /// Some symbols after detection, as real and imaginary parts.
    var constellation: (re: [Double], im: [Double]) = ([], [])
  }

  /// Gradient steps of the detector; none for the substrate's own way.
  private let gradientSteps: Int?

  init(_ c: MIMOOFDM.Configuration, ratio_dB: Double, gradientSteps: Int? = nil) throws {
    self.c = c
    self.gradientSteps = gradientSteps
    self.ratio_dB = ratio_dB
    noise = pow(10, -ratio_dB / 10)
    piece = max(1, min(20 / c.coherence + 1, 40_000 / (c.antennas * c.streams * c.usedSubcarriers)))
    response = try c.carriers.response(c.tapDeviations)
    exactAnalysis = c.signal == .samples ? try c.carriers.analysis() : nil
  }

  func simulate(in context: RunContext, progress: (Double) throws -> Void) throws -> Outcome {
    let random = context.random.split("link at \(ratio_dB) dB")
    let channels = (c.symbols + c.coherence - 1) / c.coherence
    let pieces = (channels + piece - 1) / piece
    // Every programming draw is another set of arrays; pieces are dealt out to them in turn.
    let draws = context.substrate.kind == .analog ? min(context.substrate.draws, pieces) : 1
    let receivers = try (0..<draws).map {
      try Receiver(
        c, noise: noise, substrate: context.substrate.make(), random: context.random.split("programming \($0)"))
    }
    var mine: [Int: [Double]] = [:]
    var shown = Piece()
    let share = Array(context.team.share(of: pieces))
    // Some pieces at a time, so that progress is told and cancellation heard in between.
    for start in stride(from: 0, to: share.count, by: 16) {
      let wave = Array(share[start..<min(share.count, start + 16)])
      var results = [Result<Piece, any Error>?](repeating: nil, count: wave.count)
      results.withUnsafeMutableBufferPointer { results in
        nonisolated(unsafe) let results = results
        parallelFor(wave.count) { part in
          for i in part {
            results[i] = Result {
              try simulate(
                wave[i], channels: min(piece, channels - wave[i] * piece), random.split("piece \(wave[i])"),
                receivers[wave[i] % draws])
            }
          }
        }
      }
      for (i, result) in results.enumerated() {
        guard let found = try result?.get() else { continue }
        mine[wave[i]] = found.numbers
        if wave[i] == 0 { shown = found }
      }
      try progress(Double(start + wave.count) / Double(share.count))
    }
    let all = try context.team.collect(mine, pieces: pieces, width: Piece.width).map(Piece.init(numbers:))
    var outcome = Outcome()
    func sum(_ key: KeyPath<Piece, Double>) -> Double { all.reduce(0) { $0 + $1[keyPath: key] } }
    let bits = sum(\.bits)
    outcome.rate = sum(\.errors) / bits
    let variance = all.reduce(0) { $0 + pow(($1.errors - outcome.rate * $1.bits) / (bits / Double(pieces)), 2) }
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
    outcome.longestSettling_s = all.reduce(0) { max($0, $1.longestSettling_s) }
    outcome.timeouts = sum(\.timeouts) / Double(channels * c.usedSubcarriers)
    outcome.detectionConductance = sum(\.conductance) / Double(pieces)
    for piece in all {
      outcome.transforms += piece.transforms
      outcome.detection += piece.detection
    }
    let crossbars = receivers.compactMap { $0.analysis as? Crossbar }
    let cells = Double(crossbars.count * 2 * 4 * c.subcarriers * c.usedSubcarriers)
    outcome.transformConductance = crossbars.isEmpty ? 0 : crossbars.reduce(0) { $0 + $1.totalConductance } / cells
    outcome.constellation = shown.constellation
    return outcome
  }

  /// One piece: some channels, each with training and data symbols.
  private func simulate(_ piece: Int, channels: Int, _ stream: RandomStream, _ receiver: Receiver) throws -> Piece {
    var random = stream
    var forward = ForwardContext(random: random.split("reads"))
    var result = Piece()
    let (used, nt, nr) = (c.usedSubcarriers, c.streams, c.antennas)
    let symbols = channels * c.coherence
    let words = random.words(symbols * nt * used)
    let sent = try Tensor<Float>.uninitialized([channels, c.coherence, nt, 2, used])
    let (bits, quadrature, half) = (Int32(c.modulation.axisBits), Int32(c.modulation.axes - 1), c.modulation.halfStep)
    for row in 0..<symbols * nt {
      words.withUnsafeBufferPointer {
        kk_map_f32(used, bits, quadrature, half, $0.baseAddress.map { $0 + row * used }, sent.body.f32 + row * 2 * used)
      }
    }
    let draw = try ChannelDraw(c, blocks: channels, matrix: response, &random)
    let pilots = c.estimation == .known ? 0 : c.trainingSymbols
    let all = try pilots == 0 ? sent : Tensor.concatenate([training(channels), sent], axis: 1)
    let received = try transmit(all, draw, &random, &forward, receiver, &result)
    result.transforms = forward.activity
    forward.activity = Activity()
    var estimate = draw.response
    if pilots > 0 {
      estimate = try receiver.estimate(received.slice(0..<pilots, axis: 1), streams: nt, in: &forward)
      result.estimateError = Double(try (estimate - draw.response).squared().mean().item()) * 2
    }
    let y = try (pilots == 0 ? received : received.slice(pilots..<pilots + c.coherence, axis: 1))
      .reshaped([symbols, nr, 2, used])
    // What the estimate is wrong by acts as noise from every stream.
    let level = Float(noise + Double(nt) * receiver.estimateError)
    let ridge = c.detection == .minimumMeanSquareError ? level : 0
    let problem = try ComplexSystems(estimate, ridge: ridge)
    let solver: any LinearSolver =
      if let gradientSteps {
        try GradientSolver(problem, iterations: gradientSteps, on: receiver.substrate, in: &forward)
      } else { try receiver.substrate.linearSolver(problem, in: &forward) }
    let solution = try solver.solve(y, in: &forward)
    result.detection = forward.activity
    if let loops = solver as? ClosedLoopSolver {
      let times = loops.settlingTimes_s
      for block in 0..<channels {
        result.settling_s += times[block * used..<(block + 1) * used].reduce(0, max)
      }
      result.longestSettling_s = times.reduce(0, max)
      result.timeouts = Double(loops.timeouts)
      result.conductance = loops.meanConductance
    }
    var x = solution.x
    if ridge > 0 {
      let bias = try (solution.inverseDiagonal * -ridge + 1).reshaped([symbols, nt, 1, used])
      x = try x / bias
    }
    count(x, sent, words, &result)
    if c.softBits { information(x, solution.inverseDiagonal, words, level, unbiased: ridge > 0, &result) }
    if piece == 0 {
      let shown = x.elements
      for row in 0..<min(symbols * nt, 2000 / used + 1) {
        result.constellation.re += (0..<used).map { Double(shown[row * 2 * used + $0]) }
        result.constellation.im += (0..<used).map { Double(shown[row * 2 * used + used + $0]) }
      }
    }
    return result
  }

  /// Training symbols, shape `[channels, P, streams, 2, used]`.
  private func training(_ channels: Int) throws -> Tensor<Float> {
    var one: [Float] = []
    for p in 0..<c.trainingSymbols {
      for t in 0..<c.streams {
        let phases = (0..<c.usedSubcarriers).map { Receiver.phase(c, t, p) + Receiver.phase(c, carrier: $0) }
        one += phases.map { Float(cos($0)) }
        one += phases.map { Float(sin($0)) }
      }
    }
    let shape = [1, c.trainingSymbols, c.streams, 2, c.usedSubcarriers]
    return try Tensor(one, shape: shape).broadcast(to: [channels] + shape.dropFirst())
  }

  /// What the antennas see on the subcarriers, shape `[channels, symbols, antennas, 2, used]`.
  private func transmit(
    _ x: Tensor<Float>, _ draw: ChannelDraw, _ random: inout RandomStream, _ forward: inout ForwardContext,
    _ receiver: Receiver, _ result: inout Piece
  ) throws -> Tensor<Float> {
    let (channels, count, used, n) = (x.shape[0], x.shape[1], c.usedSubcarriers, c.subcarriers)
    let deviation = Float((noise / 2).squareRoot())
    guard let analysis = receiver.analysis, let synthesis = receiver.synthesis, let exactAnalysis else {
      let y: Tensor<Float> = try random.normal([channels, count, c.antennas, 2, used], standardDeviation: deviation)
      let x = try x.rowMajor()
      let sizes = (h: c.antennas * c.streams * 2 * used, x: c.streams * 2 * used, y: c.antennas * 2 * used)
      for symbol in 0..<channels * count {
        kk_apply_channel_f32(
          c.antennas, c.streams, used, draw.response.body.f32 + symbol / count * sizes.h, x.body.f32 + symbol * sizes.x,
          y.body.f32 + symbol * sizes.y)
      }
      return y
    }
    let samples = try synthesis.apply(x.reshaped([channels * count * c.streams, 2 * used]), in: &forward)
      .reshaped([channels, count, c.streams, 2, n])
    let taps = try Tensor(draw.taps, shape: [channels, c.antennas, c.streams, c.tapDeviations.count, 2])
    let clean = try Waveform.received(samples, taps: taps, prefix: c.prefix)
    let noisy = try (clean + random.normal(clean.shape, standardDeviation: deviation)).reshaped([
      channels * count * c.antennas, 2 * n,
    ])
    let seen = try analysis.apply(noisy, in: &forward)
    let exact = try matmul(noisy, exactAnalysis)
    result.transformError = Double(try (seen - exact).squared().sum().item())
    result.transformPower = Double(try exact.squared().sum().item())
    return try seen.reshaped([channels, count, c.antennas, 2, used])
  }

  /// Wrong bits, wrong blocks and distances from the symbols sent.
  private func count(_ x: Tensor<Float>, _ sent: Tensor<Float>, _ words: [UInt32], _ result: inout Piece) {
    let used = c.usedSubcarriers
    let rows = words.count / used
    let block = c.blockSubcarriers
    var wrong = [UInt8](repeating: 0, count: used)
    words.withUnsafeBufferPointer { words in
      for row in 0..<rows {
        let at = words.baseAddress.map { $0 + row * used }
        let errors = kk_count_errors_f32(
          used, Int32(c.modulation.axisBits), Int32(c.modulation.axes - 1), c.modulation.halfStep, at,
          x.body.f32 + row * 2 * used, &wrong)
        result.errors += Double(errors)
        for first in stride(from: 0, to: used - block + 1, by: block) {
          result.blocks += 1
          if errors > 0, wrong[first..<first + block].contains(where: { $0 > 0 }) { result.blockErrors += 1 }
        }
      }
    }
    result.symbolError += kk_squared_distance_f32(x.count, x.body.f32, sent.body.f32)
    result.symbols += Double(words.count)
    result.bits += Double(words.count * c.modulation.bits)
  }

  /// Mutual information of bits and their soft values, 1 − E[log2(1 + exp(−s·L))] with s = ±1 for the bit sent.
  private func information(
    _ x: Tensor<Float>, _ inverse: Tensor<Float>, _ words: [UInt32], _ noise: Float, unbiased: Bool,
    _ result: inout Piece
  ) {
    let used = c.usedSubcarriers
    let values = x.elements
    let diagonal = inverse.elements
    for i in words.indices {
      let row = i / used
      // Post-detection signal-to-noise ratio.
      let ratio = 1 / (noise * diagonal[i]) - (unbiased ? 1 : 0)
      for axis in 0..<c.modulation.axes {
        let label = words[i] >> (axis * c.modulation.axisBits)
        let soft = c.modulation.softBits(at: values[(row * 2 + axis) * used + i % used], ratio: ratio)
        for (bit, value) in soft.enumerated() {
          let agreement = Double(label >> bit & 1 == 0 ? value : -value)
          // log(1 + exp(−a)), without overflow.
          result.information += 1 - (max(0, -agreement) + log1p(exp(-abs(agreement)))) / log(2)
        }
      }
    }
  }
}

/// Sums over one piece of work.
private struct Piece {
  var errors = 0.0, bits = 0.0, blockErrors = 0.0, blocks = 0.0, information = 0.0
  var transformError = 0.0, transformPower = 0.0, symbolError = 0.0, symbols = 0.0, estimateError = 0.0
  var settling_s = 0.0, longestSettling_s = 0.0, timeouts = 0.0, conductance = 0.0
  var transforms = Activity(), detection = Activity()
  var constellation: (re: [Double], im: [Double]) = ([], [])

  init() {}

  static let width = 34

  /// For other processes, which do not need the constellation.
  var numbers: [Double] {
    [
      errors, bits, blockErrors, blocks, information, transformError, transformPower, symbolError, symbols,
      estimateError, settling_s, longestSettling_s, timeouts, conductance,
    ] + transforms.numbers + detection.numbers
  }

  init(numbers n: [Double]) {
    (errors, bits, blockErrors, blocks, information) = (n[0], n[1], n[2], n[3], n[4])
    (transformError, transformPower, symbolError, symbols, estimateError) = (n[5], n[6], n[7], n[8], n[9])
    (settling_s, longestSettling_s, timeouts, conductance) = (n[10], n[11], n[12], n[13])
    transforms = Activity(numbers: Array(n[14..<24]))
    detection = Activity(numbers: Array(n[24..<34]))
  }
}
