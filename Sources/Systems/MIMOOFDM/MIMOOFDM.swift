import Chips
import Circuits
import Foundation
import Reports
import Substrates
import Tensors

/// Uncoded MIMO-OFDM link whose receiver's Fourier transform runs on arrays (Zeng et al., IEEE Internet of Things Journal,
/// 2023, DOI 10.1109/JIOT.2023.3307405).
///
/// Bits are mapped, sent over fading channels, received, transformed by the substrate, separated and demapped. The
/// signal-to-noise ratio is ρ = Es/N0 for each receive antenna and stream. The channel is known to the receiver.
public enum MIMOOFDM: System {
  public enum Channel: String, ConfigurationChoice {
    /// H = 1 on every subcarrier; one stream and one antenna.
    case awgn
    /// Independent Rayleigh fading on every subcarrier.
    case flat
    /// Taps with exponentially falling power, `taps` and `decay_taps`; new for each OFDM symbol.
    case exponential
  }

  public struct Configuration: Codable, Sendable {
    public var modulation = Modulation.qam16
    public var detection = Detection.minimumMeanSquareError
    public var channel = Channel.exponential
    /// Streams sent at once.
    public var streams = 4
    /// Receive antennas, not fewer than streams.
    public var antennas = 4
    /// Subcarriers: order of the Fourier transform.
    public var subcarriers = 64
    /// Es/N0 of the headline figures, in decibels.
    public var esN0_dB = 20.0
    /// Further points of the curve, in decibels.
    public var curve_dB: [Double] = [0, 5, 10, 15]
    /// OFDM symbols for each point.
    public var symbols = 400
    /// Channel taps of the exponential profile.
    public var taps = 8
    /// Taps over which the power falls to 1/e.
    public var decay_taps = 2.0
    public init() {}
  }

  public static let card = Card(
    name: "mimo-ofdm", title: "MIMO-OFDM baseband on resistive arrays",
    source: "Zeng et al., IEEE Internet of Things Journal (2023), DOI 10.1109/JIOT.2023.3307405",
    summary: """
      An uncoded link over fading channels. The receiver's Fourier transform is a product with a fixed matrix and runs on \
      the substrate; separating the streams is exact. Gains over processors are published for a whole baseband with \
      closed-loop detectors, which is not simulated here.
      """,
    claims: [
      Claim("latency gain over digital baseband", published: 91.2, within: .relative(0.2), at: "abstract"),
      Claim("energy gain over digital baseband", published: 671, within: .relative(0.2), at: "abstract"),
    ])

  public static func configuration(_ scale: Scale) -> Configuration {
    var c = Configuration()
    if scale == .paper {
      // Large-scale case of the specification; 10⁷ bits for each point.
      c.modulation = .qam64
      (c.streams, c.antennas, c.subcarriers, c.symbols) = (16, 64, 1024, 102)
    }
    return c
  }

  public static func validate(_ c: Configuration) throws {
    func require(_ holds: Bool, _ key: String, _ found: Any, _ expected: String) throws {
      if !holds { throw ConfigurationError.invalidValue(key: key, found: "\(found)", expected: expected) }
    }
    try require((1...64).contains(c.streams), "streams", c.streams, "1 to 64")
    try require(
      (c.streams...256).contains(c.antennas), "antennas", c.antennas, "at least streams (\(c.streams)), at most 256")
    try require((2...4096).contains(c.subcarriers), "subcarriers", c.subcarriers, "2 to 4096")
    try require((1...10_000_000).contains(c.symbols), "symbols", c.symbols, "1 to 10,000,000")
    try require((1...c.subcarriers).contains(c.taps), "taps", c.taps, "1 to subcarriers (\(c.subcarriers))")
    try require(c.decay_taps > 0, "decay_taps", c.decay_taps, "above 0 taps")
    try require((-50...100).contains(c.esN0_dB), "esN0_dB", c.esN0_dB, "−50 to 100 dB")
    for value in c.curve_dB { try require((-50...100).contains(value), "curve_dB", value, "−50 to 100 dB") }
    if c.channel == .awgn {
      try require(c.streams == 1 && c.antennas == 1, "streams", c.streams, "1 stream and 1 antenna on the awgn channel")
    }
  }

  public static func run(_ c: Configuration, in context: RunContext) throws -> Report {
    var report = Report(card)
    let points = (c.curve_dB + [c.esN0_dB]).sorted()
    var rates: [Double] = []
    var uncertainties: [Double] = []
    for (i, ratio) in points.enumerated() {
      let point = try Link(c, ratio_dB: ratio).simulate(in: context) {
        try context.progress((Double(i) + $0) / Double(points.count), "Es/N0 \(ReportPage.text(ratio)) dB")
      }
      rates.append(point.rate)
      uncertainties.append(point.uncertainty)
      try context.record("BER", step: i, value: point.rate)
      if ratio == c.esN0_dB {
        let data = "random bits"
        report.figure("BER", point.rate, unit: "fraction", how: .simulated, data: data, uncertainty: point.uncertainty)
        report.figure("EVM of the transform", point.errorVectorMagnitude, unit: "fraction", how: .simulated, data: data)
        let symbols = Double(c.symbols)
        if context.substrate.kind == .analog {
          let cost = context.substrate.cost.cost(
            of: point.activity, macro: context.substrate.macro, meanConductance: point.meanConductance)
          report.figure("energy of one OFDM symbol's transforms", cost.energy_J / symbols, unit: "J", how: .projected)
          report.figure(
            "latency of one transform", cost.latency_s / symbols / Double(c.antennas), unit: "s", how: .projected)
        }
      }
    }
    let references = reference(c, points)
    var series = [
      Chart.Series(
        "simulated, 95 % interval", .errorBars, x: points, y: rates,
        lower: zip(rates, uncertainties).map { max($0 - $1, $0 / 100) },
        upper: zip(rates, uncertainties).map { $0 + $1 })
    ]
    if let references {
      series.append(Chart.Series("closed form", .line, x: points, y: references))
      report.figure(
        "closed-form BER", references[points.firstIndex(of: c.esN0_dB) ?? 0], unit: "fraction", how: .closedForm)
    }
    report.charts.append(
      Chart(
        "Bit error rate", x: Chart.Axis("Es/N0 of each antenna and stream", unit: "dB"),
        y: Chart.Axis("bit error rate", logarithmic: true), series))
    report.table(
      "Bit error rates", columns: ["Es/N0 (dB)", "BER", "± (95 %)", "closed form"],
      rows: points.indices.map { i in
        [points[i], rates[i], uncertainties[i]].map(ReportPage.text)
          + [references.map { ReportPage.text($0[i]) } ?? "–"]
      })
    report.note("All bits, channels and noise are synthetic: drawn at random. The receiver knows the channel.")
    return report
  }

  /// Closed forms exist for noise alone and for zero forcing over Rayleigh fading; with taps each subcarrier is Rayleigh.
  static func reference(_ c: Configuration, _ points: [Double]) -> [Double]? {
    if c.channel == .awgn { return points.map { c.modulation.bitErrorRateInNoise(pow(10, $0 / 10)) } }
    guard c.detection == .zeroForcing else { return nil }
    return points.map {
      c.modulation.bitErrorRateInFading(pow(10, $0 / 10), diversity: c.antennas - c.streams + 1)
    }
  }
}
