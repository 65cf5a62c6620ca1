import Circuits
import Foundation
import Reports
import Substrates
import Tensors

/// The link at one signal-to-noise ratio.
struct Link {
  private let c: MIMOOFDM.Configuration
  private let ratio_dB: Double
  private let noise: Float
  /// OFDM symbols of one piece of work; each piece has its own random stream, so that the split over threads and
  /// processes does not matter.
  private static let piece = 20

  /// What a simulation found.
  struct Outcome {
    var rate: Double
    /// Half of the 95 % confidence interval, from the spread between pieces: errors inside one fade together.
    var uncertainty: Double
    /// Root mean square error of the transform relative to its input.
    var errorVectorMagnitude: Double
    var activity: Activity
    /// Of the transform's cells, in siemens; 0 on a digital substrate.
    var meanConductance: Double
  }

  init(_ c: MIMOOFDM.Configuration, ratio_dB: Double) {
    self.c = c
    self.ratio_dB = ratio_dB
    noise = Float(pow(10, -ratio_dB / 10))
  }

  func simulate(in context: RunContext, progress: (Double) throws -> Void) throws -> Outcome {
    let random = context.random.split("link at \(ratio_dB) dB")
    let pieces = (c.symbols + Link.piece - 1) / Link.piece
    // Every programming draw is another array; pieces are dealt out to them in turn.
    let draws = context.substrate.kind == .analog ? min(context.substrate.draws, pieces) : 1
    var transforms: [any LinearOperator] = []
    for draw in 0..<draws {
      var forward = ForwardContext(random: context.random.split("programming \(draw)"))
      transforms.append(try context.substrate.make().linearOperator(Link.fourier(c.subcarriers), in: &forward))
    }
    let inverse = try Link.fourier(c.subcarriers).transposed()
    var mine: [Int: [Double]] = [:]
    let share = Array(context.team.share(of: pieces))
    for (i, piece) in share.enumerated() {
      mine[piece] = try simulate(piece, random.split("piece \(piece)"), transforms[piece % draws], inverse)
      try progress(Double(i + 1) / Double(share.count))
    }
    let results = try context.team.collect(mine, pieces: pieces, width: 8)
    func total(_ column: Int) -> Double { results.reduce(0) { $0 + $1[column] } }
    let bits = Double(c.symbols * c.subcarriers * c.streams * c.modulation.bits)
    let rate = total(0) / bits
    let share0 = bits / Double(pieces)
    let variance = results.reduce(0) { $0 + ($1[0] / share0 - rate) * ($1[0] / share0 - rate) }
    // With no error seen, 3/n bounds the rate at 95 % for independent bits (the rule of three).
    let uncertainty =
      total(0) == 0 ? 3 / bits : pieces > 1 ? 1.96 * (variance / Double(pieces * (pieces - 1))).squareRoot() : rate
    var activity = Activity()
    activity.cellReads = Int(total(3))
    activity.inputConversions = Int(total(4))
    activity.outputConversions = Int(total(5))
    activity.digitalOperations = Int(total(6))
    activity.serialSteps = Int(total(7))
    let crossbars = transforms.compactMap { $0 as? Crossbar }
    let cells = Double(crossbars.count * 2 * 4 * c.subcarriers * c.subcarriers)
    return Outcome(
      rate: rate, uncertainty: uncertainty, errorVectorMagnitude: (total(1) / total(2)).squareRoot(),
      activity: activity,
      meanConductance: crossbars.isEmpty ? 0 : crossbars.reduce(0) { $0 + $1.totalConductance } / cells)
  }

  /// The unitary Fourier transform of N complex numbers as a real matrix for row vectors [Re, Im]: `[2N, 2N]`.
  static func fourier(_ count: Int) throws -> Tensor<Float> {
    let scale = 1 / Double(count).squareRoot()
    var elements = [Float](repeating: 0, count: 4 * count * count)
    for n in 0..<count {
      for k in 0..<count {
        // The product k·n is taken modulo N first, which keeps the angle's digits.
        let angle = 2 * Double.pi * Double(k * n % count) / Double(count)
        let (cosine, sine) = (Float(cos(angle) * scale), Float(sin(angle) * scale))
        elements[n * 2 * count + k] = cosine
        elements[n * 2 * count + count + k] = -sine
        elements[(count + n) * 2 * count + k] = sine
        elements[(count + n) * 2 * count + count + k] = cosine
      }
    }
    return try Tensor(elements, shape: [2 * count, 2 * count])
  }

  /// One piece: errors, squared error and power of the transform, activity.
  private func simulate(
    _ piece: Int, _ stream: RandomStream, _ transform: any LinearOperator, _ inverse: Tensor<Float>
  ) throws -> [Double] {
    var random = stream
    let symbols = min(Link.piece, c.symbols - piece * Link.piece)
    let (n, nt, nr) = (c.subcarriers, c.streams, c.antennas)
    let labels = c.modulation.levels
    let drawn: Tensor<Float> = try random.uniform([symbols * n * nt * 2], in: 0...Float(labels))
    let sent = drawn.elements.map { min(labels - 1, Int($0)) }
    let (hRe, hIm) = try channel(symbols, &random)
    // What the antennas receive, [symbols·antennas, 2N] as real and imaginary part.
    var clean: Tensor<Float> = try random.normal([symbols * nr, 2 * n], standardDeviation: (noise / 2).squareRoot())
    let amplitudes = (0..<labels).map(c.modulation.amplitude)
    var received = clean.elements
    for s in 0..<symbols {
      for k in 0..<n {
        let symbol = ((s * n) + k) * nt * 2
        let matrix = (s * n + k) * nr * nt
        for r in 0..<nr {
          var (sRe, sIm): (Float, Float) = (0, 0)
          for t in 0..<nt {
            let (a, b) = (amplitudes[sent[symbol + 2 * t]], amplitudes[sent[symbol + 2 * t + 1]])
            let (p, q) = (hRe[matrix + r * nt + t], hIm[matrix + r * nt + t])
            sRe += p * a - q * b
            sIm += p * b + q * a
          }
          received[(s * nr + r) * 2 * n + k] += sRe
          received[(s * nr + r) * 2 * n + n + k] += sIm
        }
      }
    }
    clean = try Tensor(received, shape: clean.shape)
    // In time after the cyclic prefix is dropped; white noise stays white under a unitary transform.
    var forward = ForwardContext(random: random.split("reads"))
    let output = try transform.apply(matmul(clean, inverse), in: &forward)
    let error = try (output - clean).squared().sum().item()
    let power = try clean.squared().sum().item()
    let seen = output.elements
    var errors = 0
    var detector = Detector(transmit: nt, receive: nr, c.detection, noise: noise)
    var (yRe, yIm) = ([Float](repeating: 0, count: nr), [Float](repeating: 0, count: nr))
    hRe.withUnsafeBufferPointer { hRe in
      hIm.withUnsafeBufferPointer { hIm in
        guard let re = hRe.baseAddress, let im = hIm.baseAddress else { return }
        for s in 0..<symbols {
          for k in 0..<n {
            for r in 0..<nr {
              yRe[r] = seen[(s * nr + r) * 2 * n + k]
              yIm[r] = seen[(s * nr + r) * 2 * n + n + k]
            }
            let matrix = (s * n + k) * nr * nt
            let symbol = (s * n + k) * nt * 2
            detector.detect(hRe: re + matrix, hIm: im + matrix, yRe: yRe, yIm: yIm) { t, real, imaginary in
              errors += (c.modulation.label(at: real) ^ sent[symbol + 2 * t]).nonzeroBitCount
              errors += (c.modulation.label(at: imaginary) ^ sent[symbol + 2 * t + 1]).nonzeroBitCount
            }
          }
        }
      }
    }
    let activity = forward.activity
    return [
      Double(errors), Double(error), Double(power), Double(activity.cellReads), Double(activity.inputConversions),
      Double(activity.outputConversions), Double(activity.digitalOperations), Double(activity.serialSteps),
    ]
  }

  /// Channel matrices of every subcarrier, `[symbols, N, Nr, Nt]`, real and imaginary parts.
  private func channel(_ symbols: Int, _ random: inout RandomStream) throws -> ([Float], [Float]) {
    let (n, links) = (c.subcarriers, c.antennas * c.streams)
    switch c.channel {
    case .awgn: return ([Float](repeating: 1, count: symbols * n), [Float](repeating: 0, count: symbols * n))
    case .flat:
      let draw: Tensor<Float> = try random.normal([2, symbols * n * links], standardDeviation: Float(0.5).squareRoot())
      return (try draw.at(0).elements, try draw.at(1).elements)
    case .exponential:
      let powers = (0..<c.taps).map { exp(-Double($0) / c.decay_taps) }
      let total = powers.reduce(0, +)
      // Rows [tap: Re, Im], columns [subcarrier: Re, Im].
      var matrix = [Float](repeating: 0, count: 4 * c.taps * n)
      for l in 0..<c.taps {
        let deviation = (powers[l] / total / 2).squareRoot()
        for k in 0..<n {
          let angle = 2 * Double.pi * Double(k * l % n) / Double(n)
          let (cosine, sine) = (Float(cos(angle) * deviation), Float(sin(angle) * deviation))
          matrix[l * 2 * n + k] = cosine
          matrix[l * 2 * n + n + k] = -sine
          matrix[(c.taps + l) * 2 * n + k] = sine
          matrix[(c.taps + l) * 2 * n + n + k] = cosine
        }
      }
      let taps: Tensor<Float> = try random.normal([symbols * links, 2 * c.taps])
      // [symbols, links, 2, N] to [2, symbols, N, links].
      let response = try matmul(taps, Tensor(matrix, shape: [2 * c.taps, 2 * n])).reshaped([symbols, links, 2, n])
        .permuted([2, 0, 3, 1])
      return (try response.at(0).elements, try response.at(1).elements)
    }
  }
}
