import Reports
import Settings

/// How the receiver separates the streams.
public enum Detection: String, ConfigurationChoice {
  /// Zero forcing: (HᴴH)⁻¹Hᴴy.
  case zeroForcing = "zf"
  /// Unbiased linear minimum mean square error: (HᴴH + N0·I)⁻¹Hᴴy, each stream divided by its bias.
  case minimumMeanSquareError = "mmse"
}

/// What the receiver knows of the channel.
public enum Estimation: String, ConfigurationChoice {
  /// Everything.
  case known
  /// Least squares from training symbols, each subcarrier for itself.
  case leastSquares = "ls"
  /// Least squares, then only as many taps as the channel has.
  case window
  /// Least squares, then the Wiener filter for the taps' powers.
  case minimumMeanSquareError = "lmmse"
}

extension MIMOOFDM {
  public enum Channel: String, ConfigurationChoice {
    /// H = 1 on every subcarrier; one stream and one antenna.
    case awgn
    /// Independent Rayleigh fading on every subcarrier.
    case flat
    /// Rayleigh taps with exponentially falling power, `taps` and `decay_taps`.
    case exponential
    /// Rayleigh taps of the powers `tapPowers_dB`, one sample apart.
    case tapped
  }

  public enum Signal: String, ConfigurationChoice {
    /// Transforms on the substrate, cyclic prefix and channel in time.
    case samples
    /// y = H·x + n on every subcarrier: what the transforms leave when they are exact and the prefix is long enough.
    case subcarriers
  }

  public struct Configuration: Codable, Sendable {
    public var modulation = Modulation.qam16
    public var detection = Detection.minimumMeanSquareError
    public var channel = Channel.exponential
    public var estimation = Estimation.known
    public var signal = Signal.samples
    /// Streams sent at once.
    public var streams = 4
    /// Receive antennas, not fewer than streams.
    public var antennas = 4
    /// Subcarriers: order of the Fourier transform.
    public var subcarriers = 64
    /// Those that carry data, around frequency 0 and without it unless all are used.
    public var usedSubcarriers = 52
    /// Cyclic prefix, in samples.
    public var prefix = 16
    /// Training symbols for each channel, not fewer than streams.
    public var trainingSymbols = 4
    /// Data symbols that one channel lasts.
    public var coherence = 4
    /// Es/N0 of the headline figures, in decibels.
    public var esN0_dB = 20.0
    /// Further points of the curve, in decibels.
    public var curve_dB: [Double] = [0, 5, 10, 15]
    /// Data symbols for each point.
    public var symbols = 400
    /// Channel taps of the exponential profile.
    public var taps = 8
    /// Taps over which the power falls to 1/e.
    public var decay_taps = 2.0
    /// Powers of the taps of the `tapped` channel, in decibels; they are scaled to sum to 1.
    public var tapPowers_dB: [Double] = [0, -3, -6, -9]
    /// Neighbouring subcarriers of one stream that make a block for the block error rate.
    public var blockSubcarriers = 12
    /// Whether soft bits are computed, for the mutual information.
    public var softBits = true
    /// Data symbols for each receiver of the comparison; 0 for no comparison.
    public var comparisonSymbols = 100
    /// Gradient steps of the detectors without closed loops in the comparison.
    public var gradientSteps = [10, 100]
    public init() {}
  }

  public static let ranges: SettingRanges = [
    "streams": .within(1...64), "antennas": .within(1...256), "subcarriers": .within(2...4096),
    "trainingSymbols": .within(1...1024), "coherence": .within(1...10_000), "symbols": .within(1...1e7),
    "taps": .atLeast(1), "decay_taps": .above(0), "tapPowers_dB": .within(-100...100),
    "blockSubcarriers": .atLeast(1), "esN0_dB": .within(-50...100), "curve_dB": .within(-50...100),
    "comparisonSymbols": .within(0...1e6), "gradientSteps": .within(1...10_000),
  ]

  public static func validate(_ c: Configuration) throws {
    let check = SettingCheck<ConfigurationError>()
    let n = c.subcarriers
    try check.require(c.antennas >= c.streams, "antennas", c.antennas, "at least streams (\(c.streams))")
    try check.require(
      c.trainingSymbols >= c.streams, "trainingSymbols", c.trainingSymbols, "at least streams (\(c.streams))")
    try check.require(
      (1...n).contains(c.usedSubcarriers), "usedSubcarriers", c.usedSubcarriers, "1 to subcarriers (\(n))")
    try check.require((0...n).contains(c.prefix), "prefix", c.prefix, "0 to subcarriers (\(n)) samples")
    try check.require((1...n).contains(c.taps), "taps", c.taps, "1 to subcarriers (\(n))")
    try check.require(
      (1...n).contains(c.tapPowers_dB.count), "tapPowers_dB", c.tapPowers_dB, "1 to subcarriers (\(n)) numbers")
    try check.require(
      c.blockSubcarriers <= c.usedSubcarriers, "blockSubcarriers", c.blockSubcarriers,
      "1 to usedSubcarriers (\(c.usedSubcarriers))")
    if c.channel == .awgn {
      try check.require(
        c.streams == 1 && c.antennas == 1, "streams", c.streams, "1 stream and 1 antenna on the awgn channel")
    }
    if c.signal == .samples {
      try check.require(
        c.channel != .flat, "signal", c.signal.rawValue,
        "subcarriers on the flat channel, which no taps make")
    } else {
      try check.require(
        c.prefix + 1 >= c.tapDeviations.count, "prefix", c.prefix,
        "taps − 1 (\(c.tapDeviations.count - 1)) or more; a shorter one needs signal=samples")
    }
    if c.estimation == .window || c.estimation == .minimumMeanSquareError {
      try check.require(
        c.channel != .flat && c.tapDeviations.count <= c.usedSubcarriers, "estimation", c.estimation.rawValue,
        "known or ls, unless the channel has taps, and no more than usedSubcarriers (\(c.usedSubcarriers))")
    }
  }
}
