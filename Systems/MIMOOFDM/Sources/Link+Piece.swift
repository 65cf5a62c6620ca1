import Foundation
internal import MIMOOFDMKernels
import Reports
import Substrates
import Tensors

extension Link {
  /// One piece: some channels, each with training and data symbols.
  func simulate(
    _ piece: Int, channels: Int, _ stream: RandomStream, _ receiver: Receiver, _ detector: Detector
  ) throws -> Piece {
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
    var estimate = draw.response
    if pilots > 0 {
      estimate = try forward.within("estimation") {
        try receiver.estimate(received.slice(0..<pilots, axis: 1), streams: nt, in: &$0)
      }
      result.sums.estimateError = Double(try (estimate - draw.response).squared().mean().item()) * 2
    }
    let y = try (pilots == 0 ? received : received.slice(pilots..<pilots + c.coherence, axis: 1))
      .reshaped([symbols, nr, 2, used])
    // What the estimate is wrong by acts as noise from every stream.
    let level = Float(noise + Double(nt) * receiver.estimateError)
    let ridge = c.detection == .minimumMeanSquareError ? level : 0
    let problem = try ComplexSystems(estimate, ridge: ridge)
    let found = try forward.within("detection") { context in
      var found = try detector.detect(problem, y, diagonals: ridge > 0 || c.softBits, in: &context)
      if ridge > 0, let inverse = found.inverseDiagonal {
        found.x = try found.x / (inverse * -ridge + 1).reshaped([symbols, nt, 1, used])
        DetectorLogic(problem).countBias(
          matrices: channels, sides: symbols, bits: receiver.substrate.logicBits, in: &context)
      }
      return found
    }
    result.activity = forward.activity
    result.record(found)
    let x = found.x
    count(x, sent, words, &result)
    if c.softBits, let inverse = found.inverseDiagonal {
      information(x, inverse, words, level, unbiased: ridge > 0, &result)
    }
    if piece == 0 {
      result.constellation = Constellation(x.elements, rows: min(symbols * nt, 2000 / used + 1), used: used)
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
    let rows = try x.reshaped([channels * count * c.streams, 2 * used])
    let samples = try forward.within("transmit") { try synthesis.apply(rows, in: &$0) }
      .reshaped([channels, count, c.streams, 2, n])
    let taps = try Tensor(draw.taps, shape: [channels, c.antennas, c.streams, c.tapDeviations.count, 2])
    let clean = try Waveform.received(samples, taps: taps, prefix: c.prefix)
    let noisy = try (clean + random.normal(clean.shape, standardDeviation: deviation)).reshaped([
      channels * count * c.antennas, 2 * n,
    ])
    let seen = try forward.within("receive") { try analysis.apply(noisy, in: &$0) }
    let exact = try matmul(noisy, exactAnalysis)
    result.sums.transformError = Double(try (seen - exact).squared().sum().item())
    result.sums.transformPower = Double(try exact.squared().sum().item())
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
        result.sums.errors += Double(errors)
        for first in stride(from: 0, to: used - block + 1, by: block) {
          result.sums.blocks += 1
          if errors > 0, wrong[first..<first + block].contains(where: { $0 > 0 }) { result.sums.blockErrors += 1 }
        }
      }
    }
    result.sums.symbolError += kk_squared_distance_f32(x.count, x.body.f32, sent.body.f32)
    result.sums.symbols += Double(words.count)
    result.sums.bits += Double(words.count * c.modulation.bits)
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
          result.sums.information += 1 - (max(0, -agreement) + log1p(exp(-abs(agreement)))) / log(2)
        }
      }
    }
  }
}
