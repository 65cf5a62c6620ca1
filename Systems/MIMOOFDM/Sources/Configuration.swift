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

  public static func validate(_ c: Configuration) throws {
    let check = SettingCheck<ConfigurationError>()
    try check.require((1...64).contains(c.streams), "streams", c.streams, "1 to 64")
    try check.require(
      (c.streams...256).contains(c.antennas), "antennas", c.antennas, "at least streams (\(c.streams)), at most 256")
    try check.require((2...4096).contains(c.subcarriers), "subcarriers", c.subcarriers, "2 to 4096")
    try check.require(
      (1...c.subcarriers - 1).contains(c.usedSubcarriers) || c.usedSubcarriers == c.subcarriers, "usedSubcarriers",
      c.usedSubcarriers, "1 to subcarriers (\(c.subcarriers))")
    try check.require(
      (0...c.subcarriers).contains(c.prefix), "prefix", c.prefix, "0 to subcarriers (\(c.subcarriers)) samples")
    try check.require(
      (c.streams...1024).contains(c.trainingSymbols), "trainingSymbols", c.trainingSymbols,
      "at least streams (\(c.streams)), at most 1024")
    try check.require((1...10_000).contains(c.coherence), "coherence", c.coherence, "1 to 10,000 symbols")
    try check.require((1...10_000_000).contains(c.symbols), "symbols", c.symbols, "1 to 10,000,000")
    try check.require((1...c.subcarriers).contains(c.taps), "taps", c.taps, "1 to subcarriers (\(c.subcarriers))")
    try check.require(c.decay_taps > 0, "decay_taps", c.decay_taps, "above 0 taps")
    try check.require(
      (1...c.subcarriers).contains(c.tapPowers_dB.count) && c.tapPowers_dB.allSatisfy { (-100...100).contains($0) },
      "tapPowers_dB", c.tapPowers_dB, "1 to subcarriers (\(c.subcarriers)) numbers from −100 to 100 dB")
    try check.require(
      (1...c.usedSubcarriers).contains(c.blockSubcarriers), "blockSubcarriers", c.blockSubcarriers,
      "1 to usedSubcarriers (\(c.usedSubcarriers))")
    try check.require((-50...100).contains(c.esN0_dB), "esN0_dB", c.esN0_dB, "−50 to 100 dB")
    for value in c.curve_dB { try check.require((-50...100).contains(value), "curve_dB", value, "−50 to 100 dB") }
    try check.require(
      (0...1_000_000).contains(c.comparisonSymbols), "comparisonSymbols", c.comparisonSymbols, "0 to 1,000,000")
    for steps in c.gradientSteps {
      try check.require((1...10_000).contains(steps), "gradientSteps", steps, "1 to 10,000")
    }
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
