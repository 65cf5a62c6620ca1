import Foundation
import Tensors

extension MIMOOFDM.Configuration {
  /// Standard deviation of each tap, real and imaginary part together; powers sum to 1.
  var tapDeviations: [Double] {
    let powers: [Double] =
      switch channel {
      case .awgn, .flat: [1]
      case .exponential: (0..<taps).map { exp(-Double($0) / decay_taps) }
      case .tapped: tapPowers_dB.map { pow(10, $0 / 10) }
      }
    let total = powers.reduce(0, +)
    return powers.map { ($0 / total).squareRoot() }
  }

  var carriers: Carriers { Carriers(order: subcarriers, used: usedSubcarriers) }
}

/// Channels of some blocks of symbols: the same while a block lasts, independent between blocks, antennas and streams.
struct ChannelDraw {
  /// Taps `[blocks, antennas, streams, taps, 2]`; none for fading that is independent on every subcarrier.
  var taps: [Float]
  /// H, `[blocks, antennas, streams, 2, used]`.
  var response: Tensor<Float>

  /// - Parameter matrix: `Carriers.response` of the tap deviations.
  init(_ c: MIMOOFDM.Configuration, blocks: Int, matrix: Tensor<Float>, _ random: inout RandomStream) throws {
    let (used, links) = (c.usedSubcarriers, c.antennas * c.streams)
    let shape = [blocks, c.antennas, c.streams, 2, used]
    let half = Float(0.5).squareRoot()
    switch c.channel {
    case .flat:
      taps = []
      response = try random.normal(shape, standardDeviation: half)
    case .awgn:
      taps = [Float](repeating: 0, count: 2 * blocks)
      for b in 0..<blocks { taps[2 * b] = 1 }
      response = try matmul(Tensor(taps, shape: [blocks, 2]), matrix).reshaped(shape)
    case .exponential, .tapped:
      let deviations = c.tapDeviations
      let draw: Tensor<Float> = try random.normal([blocks * links, 2 * deviations.count], standardDeviation: half)
      response = try matmul(draw, matrix).reshaped(shape)
      taps = []
      if c.signal == .samples {
        let elements = draw.elements
        let count = deviations.count
        taps = [Float](repeating: 0, count: elements.count)
        for link in 0..<blocks * links {
          for l in 0..<count {
            for part in 0..<2 {
              taps[(link * count + l) * 2 + part] = elements[(link * 2 + part) * count + l] * Float(deviations[l])
            }
          }
        }
      }
    }
  }
}

/// Symbols in time: cyclic prefixes, the channel, and back.
public enum Waveform {
  /// What the antennas receive, prefixes dropped, without noise.
  ///
  /// Symbols of a block follow one another, so that a prefix shorter than the channel lets them disturb each other.
  ///
  /// - Parameters:
  ///   - symbols: of each stream, shape `[blocks, symbols, streams, 2, N]`.
  ///   - taps: shape `[blocks, antennas, streams, taps, 2]`.
  ///   - prefix: samples of the cyclic prefix, at most N.
  /// - Returns: shape `[blocks, symbols, antennas, 2, N]`.
  public static func received<E: TensorScalar>(_ symbols: Tensor<E>, taps: Tensor<E>, prefix: Int) throws -> Tensor<E> {
    guard symbols.rank == 5, symbols.shape[3] == 2, (0...symbols.shape[4]).contains(prefix) else {
      throw TensorError.wrongShape(
        argument: "symbols", found: symbols.shape, expected: "[blocks, symbols, streams, 2, N], N at least \(prefix)")
    }
    let (blocks, count, streams, n) = (symbols.shape[0], symbols.shape[1], symbols.shape[2], symbols.shape[4])
    guard taps.rank == 5, taps.shape[0] == blocks, taps.shape[2] == streams, taps.shape[4] == 2 else {
      throw TensorError.wrongShape(
        argument: "taps", found: taps.shape, expected: "[\(blocks), antennas, \(streams), taps, 2]")
    }
    let (antennas, length) = (taps.shape[1], taps.shape[3])
    let x = symbols.elements
    let h = taps.elements
    let period = n + prefix
    var y = [E](repeating: 0, count: blocks * count * antennas * 2 * n)
    // One stream's samples in time order, after silence as long as the channel.
    var (re, im) = (
      [E](repeating: 0, count: length + count * period), [E](repeating: 0, count: length + count * period)
    )
    for b in 0..<blocks {
      for t in 0..<streams {
        for s in 0..<count {
          let row = ((b * count + s) * streams + t) * 2 * n
          for i in 0..<period {
            let from = (i + n - prefix % n) % n
            re[length + s * period + i] = x[row + from]
            im[length + s * period + i] = x[row + n + from]
          }
        }
        for r in 0..<antennas {
          let link = ((b * antennas + r) * streams + t) * length
          for s in 0..<count {
            let row = ((b * count + s) * antennas + r) * 2 * n
            for i in 0..<n {
              let now = length + s * period + prefix + i
              var (sumRe, sumIm): (E, E) = (0, 0)
              for l in 0..<length {
                let (a, c) = (h[(link + l) * 2], h[(link + l) * 2 + 1])
                sumRe += a * re[now - l] - c * im[now - l]
                sumIm += a * im[now - l] + c * re[now - l]
              }
              y[row + i] += sumRe
              y[row + n + i] += sumIm
            }
          }
        }
      }
    }
    return try Tensor(y, shape: [blocks, count, antennas, 2, n])
  }
}
