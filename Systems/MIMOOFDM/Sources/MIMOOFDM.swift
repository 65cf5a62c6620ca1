import Foundation
import Reports
import Runs
import Settings
import Studies

/// MIMO-OFDM link whose transforms, channel estimation and detection are single steps on arrays (Zeng et al., IEEE
/// Internet of Things Journal, 2023, DOI 10.1109/JIOT.2023.3307405).
///
/// Bits are mapped, turned into samples with a cyclic prefix, sent over fading channels, transformed back, separated and
/// demapped. The signal-to-noise ratio is ρ = Es/N0 for each receive antenna and stream.
public enum MIMOOFDM: System {
  public static let card = Card(
    name: "mimo-ofdm", title: "MIMO-OFDM baseband on resistive arrays",
    source: "Zeng et al., IEEE Internet of Things Journal (2023), DOI 10.1109/JIOT.2023.3307405",
    summary: """
      A link over fading channels. Fourier transforms and channel estimation are products with fixed matrices, zero forcing \
      and minimum mean square error are least-squares problems: on arrays the former are one read, the latter one settling \
      of a closed loop. Array sizes, devices and circuit values are the specification's assumptions.
      """,
    claims: [
      Claim(
        "latency gain, large scale", published: 91.2, within: .relative(0.2), at: "abstract, large-scale simulation",
        needs: ["scale=paper"]),
      Claim(
        "energy gain, large scale", published: 671, within: .relative(0.2), at: "abstract, large-scale simulation",
        needs: ["scale=paper"]),
    ])

  public static func configuration(_ scale: Scale) -> Configuration {
    var c = Configuration()
    if scale == .smallest { (c.symbols, c.curve_dB, c.comparisonSymbols, c.gradientSteps) = (40, [10], 8, [10]) }
    if scale == .paper {
      // Large-scale case of the specification; 10⁷ bits for each point.
      c.modulation = .qam64
      (c.streams, c.antennas, c.subcarriers, c.usedSubcarriers) = (16, 64, 1024, 1024)
      (c.trainingSymbols, c.coherence, c.symbols) = (16, 17, 102)
      (c.comparisonSymbols, c.gradientSteps) = (17, [10])
    }
    return c
  }

  public static func run(_ c: Configuration, in context: RunContext) throws -> Report {
    var report = Report(card)
    let points = Array(Set(c.curve_dB + [c.esN0_dB])).sorted()
    var outcomes: [Link.Outcome] = []
    for (i, ratio) in points.enumerated() {
      let (first, last) = (0.8 * Double(i) / Double(points.count), 0.8 * Double(i + 1) / Double(points.count))
      let point = try Link(c, ratio_dB: ratio).simulate(
        in: context, progress: first...last, "Es/N0 \(Quantity.text(ratio)) dB")
      outcomes.append(point)
      try context.record("BER", step: i, value: point.rate)
    }
    let references = reference(c, points)
    if let at = points.firstIndex(of: c.esN0_dB) {
      headline(outcomes[at], c, &report)
      if let references { report.figure("closed-form BER", references[at], unit: "fraction", how: .closedForm) }
      if outcomes[at].hasArrays { costs(outcomes[at], c, context, &report) }
    }
    curves(points, outcomes, references, try exactRates(c, points, context), c.modulation, &report)
    if c.comparisonSymbols > 0 { try compareReceivers(c, context, &report) }
    report.note("All bits, channels and noise are synthetic: drawn at random.")
    report.note(
      "Es/N0 is the energy of a symbol over the noise of one antenna; Eb/N0 of a stream is Es/N0 over the bits of a symbol."
    )
    return report
  }

  private static func headline(_ point: Link.Outcome, _ c: Configuration, _ report: inout Report) {
    let data = "random bits and channels"
    func add(_ name: String, _ value: Double, unit: String = "fraction", uncertainty: Double = 0) {
      report.figure(name, value, unit: unit, how: .simulated, data: data, uncertainty: uncertainty)
    }
    add("BER", point.rate, uncertainty: point.uncertainty)
    add("BLER, uncoded blocks of \(c.blockSubcarriers) subcarriers", point.blockRate)
    if c.softBits { add("mutual information of soft bits", point.information, unit: "bit") }
    add("EVM after detection", point.symbolError)
    if c.signal == .samples { add("EVM of the transform", point.transformError) }
    if c.estimation != .known { add("mean square error of the channel estimate", point.estimateError) }
  }

  /// Bit error rates of the same link, bits, channels and noise in exact arithmetic; nothing where the link itself is exact.
  private static func exactRates(_ c: Configuration, _ points: [Double], _ context: RunContext) throws -> [Double]? {
    guard context.substrate.kind != .digital else { return nil }
    var exact = context
    exact.substrate = context.substrate.choosing(.digital)
    return try points.map { try Link(c, ratio_dB: $0).simulate(in: exact).rate }
  }

  private static func curves(
    _ points: [Double], _ outcomes: [Link.Outcome], _ references: [Double]?, _ exact: [Double]?,
    _ modulation: Modulation, _ report: inout Report
  ) {
    let rates = outcomes.map(\.rate)
    var series = [
      Chart.Series(
        "simulated, 95 % interval", .errorBars, x: points, y: rates,
        lower: outcomes.map { max($0.rate - $0.uncertainty, $0.rate / 100) },
        upper: outcomes.map { $0.rate + $0.uncertainty })
    ]
    if let exact { series.append(Chart.Series("the same link, exact", .lineWithPoints, x: points, y: exact)) }
    if let references { series.append(Chart.Series("closed form", .line, x: points, y: references)) }
    report.charts.append(
      Chart(
        "Bit error rate", x: Chart.Axis("Es/N0 of each antenna and stream", unit: "dB"),
        y: Chart.Axis("bit error rate", logarithmic: true), series))
    report.charts.append(constellations(points, outcomes, modulation))
    var table = ComparisonTable(["Es/N0 (dB)", "BER, 95 % interval", "BLER", "soft bits (bit)", "closed form"])
    for (i, o) in outcomes.enumerated() {
      table.add(
        Quantity.text(points[i]),
        [
          .number(o.rate, uncertainty: o.uncertainty), .number(o.blockRate), .number(o.information),
          .init(references?[i]),
        ])
    }
    report.table("Bit error rates", table)
  }

  /// Closed forms exist for a known channel: noise alone, and zero forcing over Rayleigh fading; with taps each subcarrier is
  /// Rayleigh.
  static func reference(_ c: Configuration, _ points: [Double]) -> [Double]? {
    guard c.estimation == .known else { return nil }
    if c.channel == .awgn { return points.map { c.modulation.bitErrorRateInNoise(pow(10, $0 / 10)) } }
    guard c.detection == .zeroForcing else { return nil }
    return points.map {
      c.modulation.bitErrorRateInFading(pow(10, $0 / 10), diversity: c.antennas - c.streams + 1)
    }
  }

  /// Received symbols over those that were sent, for the two best ratios.
  private static func constellations(_ points: [Double], _ outcomes: [Link.Outcome], _ modulation: Modulation) -> Chart
  {
    let levels = (0..<modulation.levels).map { Double(modulation.amplitude(of: $0)) }
    let across = modulation.axes == 1 ? [0] : levels
    let sent = Chart.Series(
      "sent", .scatter, x: levels.flatMap { level in across.map { _ in level } }, y: levels.flatMap { _ in across })
    return Chart(
      "Symbols after detection",
      panels: zip(points, outcomes).suffix(2).map { ratio, outcome in
        // What an ill-conditioned channel throws far away would shrink the rest to a point.
        let shown = zip(outcome.constellation.re, outcome.constellation.im).filter { abs($0) < 2 && abs($1) < 2 }
        return Chart.Panel(
          "\(Quantity.text(ratio)) dB", x: Chart.Axis("real part"), y: Chart.Axis("imaginary part"),
          series: [Chart.Series("received", .scatter, x: shown.map(\.0), y: shown.map(\.1)), sent], equalAspect: true)
      })
  }
}
