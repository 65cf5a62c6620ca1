import Foundation
import Reports
import Settings

/// Binary phase-shift keying and square quadrature amplitude modulation, with Gray labels and unit mean energy.
public enum Modulation: String, ConfigurationChoice {
  case bpsk, qpsk, qam16, qam64, qam256

  /// Bits of one symbol.
  public var bits: Int {
    switch self {
    case .bpsk: 1
    case .qpsk: 2
    case .qam16: 4
    case .qam64: 6
    case .qam256: 8
    }
  }

  /// Axes in use: both, but for binary keying.
  public var axes: Int { self == .bpsk ? 1 : 2 }

  /// Bits of each axis.
  public var axisBits: Int { bits / axes }

  /// Levels of each axis.
  public var levels: Int { 1 << axisBits }

  /// Half the distance between levels: amplitudes are (2i − m + 1) times this.
  public var halfStep: Float { Float(1 / (Double(axes) * (Double(levels * levels) - 1) / 3).squareRoot()) }

  /// The level that carries a label: the inverse of i ⊕ (i ≫ 1).
  public func level(of label: Int) -> Int {
    var level = label
    var shift = label >> 1
    while shift > 0 {
      level ^= shift
      shift >>= 1
    }
    return level
  }

  /// Amplitude of a label on one axis.
  public func amplitude(of label: Int) -> Float { Float(2 * level(of: label) - levels + 1) * halfStep }

  /// The label nearest to an amplitude.
  public func label(at amplitude: Float) -> Int {
    let position = (amplitude / halfStep + Float(levels - 1)) / 2
    // A singular channel can give infinity, or no number at all: clamp before converting.
    let level = position > 0 ? Int(min(Float(levels - 1), position.rounded())) : 0
    return level ^ (level >> 1)
  }

  /// Log-likelihood ratios of one axis' bits by the nearest levels (max-log): above 0 where 0 is more likely.
  ///
  /// - Parameter ratio: post-detection signal-to-noise ratio γ; errors have variance 1/γ over both axes.
  /// - Returns: bit 0 of the label first.
  public func softBits(at amplitude: Float, ratio: Float) -> [Float] {
    var nearest = [[Float]](repeating: [.infinity, .infinity], count: axisBits)
    for label in 0..<levels {
      let distance = amplitude - self.amplitude(of: label)
      for bit in 0..<axisBits {
        let value = label >> bit & 1
        nearest[bit][value] = min(nearest[bit][value], distance * distance)
      }
    }
    return nearest.map { ratio * ($0[1] - $0[0]) }
  }

  /// Exact bit error rate over additive white Gaussian noise at the symbol energy to noise ratio γ (Cho and Yoon 2002).
  ///
  /// - Parameter average: the mean of ½·erfc(√(a·γ)) for the coefficient a it is given.
  func bitErrorRate(average: (Double) -> Double) -> Double {
    let m = Double(levels)
    let labels = axisBits
    var sum = 0.0
    for k in 1...labels {
      let half = pow(2, Double(k - 1))
      for i in 0..<Int(((1 - pow(2, -Double(k))) * m).rounded()) {
        let sign = Int((Double(i) * half / m).rounded(.down)) % 2 == 0 ? 1.0 : -1.0
        let weight = half - (Double(i) * half / m + 0.5).rounded(.down)
        let a = pow(Double(2 * i + 1) * Double(halfStep), 2)
        sum += sign * weight * 2 * average(a) / m
      }
    }
    return sum / Double(labels)
  }

  /// Bit error rate over additive white Gaussian noise.
  public func bitErrorRateInNoise(_ ratio: Double) -> Double {
    bitErrorRate { 0.5 * erfc(($0 * ratio).squareRoot()) }
  }

  /// Bit error rate of zero forcing over independent Rayleigh fading; the diversity is Nr − Nt + 1.
  public func bitErrorRateInFading(_ ratio: Double, diversity: Int) -> Double {
    bitErrorRate { a in
      let mu = (a * ratio / (1 + a * ratio)).squareRoot()
      var (sum, choose) = (0.0, 1.0)
      for k in 0..<diversity {
        if k > 0 { choose *= Double(diversity - 1 + k) / Double(k) }
        sum += choose * pow((1 + mu) / 2, Double(k))
      }
      return pow((1 - mu) / 2, Double(diversity)) * sum
    }
  }
}
