import Foundation
import Reports

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
        "latency gain, large scale", published: 91.2, within: .relative(0.2), at: "abstract, large-scale simulation"),
      Claim("energy gain, large scale", published: 671, within: .relative(0.2), at: "abstract, large-scale simulation"),
    ])

  public static func configuration(_ scale: Scale) -> Configuration {
    var c = Configuration()
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
      let point = try Link(c, ratio_dB: ratio).simulate(in: context) {
        try context.progress(0.8 * (Double(i) + $0) / Double(points.count), "Es/N0 \(ReportPage.text(ratio)) dB")
      }
      outcomes.append(point)
      try context.record("BER", step: i, value: point.rate)
    }
    let references = reference(c, points)
    if let at = points.firstIndex(of: c.esN0_dB) {
      headline(outcomes[at], c, &report)
      if let references { report.figure("closed-form BER", references[at], unit: "fraction", how: .closedForm) }
      if context.substrate.kind == .analog { costs(outcomes[at], c, context, &report) }
    }
    curves(points, outcomes, references, &report)
    if c.comparisonSymbols > 0 { try compareReceivers(c, context, &report) }
    report.note("All bits, channels and noise are synthetic: drawn at random.")
    report.note(
      "Es/N0 is the energy of a symbol over the noise of one antenna; Eb/N0 of a stream is Es/N0 over the bits of a symbol."
    )
    return report
  }

  private static func headline(_ point: Link.Outcome, _ c: Configuration, _ report: inout Report) {
    let data = "random bits and channels"
    func add(_ name: String, _ value: Double, uncertainty: Double = 0) {
      report.figure(name, value, unit: "fraction", how: .simulated, data: data, uncertainty: uncertainty)
    }
    add("BER", point.rate, uncertainty: point.uncertainty)
    add("BLER, uncoded blocks of \(c.blockSubcarriers) subcarriers", point.blockRate)
    if c.softBits {
      report.figure(
        "mutual information of soft bits", point.information, unit: "bit", how: .simulated, data: data)
    }
    add("EVM after detection", point.symbolError)
    if c.signal == .samples { add("EVM of the transform", point.transformError) }
    if c.estimation != .known { add("mean square error of the channel estimate", point.estimateError) }
  }

  /// Latency and energy of the receiver for one data symbol: transforms of all antennas side by side, every subcarrier in
  /// its own pair of arrays, beside a digital baseband.
  private static func costs(
    _ point: Link.Outcome, _ c: Configuration, _ context: RunContext, _ report: inout Report
  ) {
    let (cost, macro) = (context.substrate.cost, context.substrate.macro)
    let symbols = Double((c.symbols + c.coherence - 1) / c.coherence * c.coherence)
    let transforms = cost.cost(of: point.transforms, macro: macro, meanConductance: point.transformConductance)
    var loops = point.detection
    (loops.digitalOperations, loops.settling_s, loops.pulses) = (0, 0, 0)
    let detection = cost.cost(of: loops, macro: macro, meanConductance: point.detectionConductance)
    // Transmit and receive transforms were counted together; the receiver has its antennas' share.
    let share =
      c.signal == .samples ? Double(c.antennas) / Double(c.antennas + c.streams) : 0
    let transformSteps =
      c.signal == .samples ? cost.settling_s + cost.conversion_s * Double(macro.outputsPerConverter) : 0
    let conversion = 2 * cost.conversion_s
    let latency = transformSteps + point.settling_s + conversion
    let energy = (transforms.energy_J * share + detection.energy_J) / symbols
    // Columns of a pair follow one another, rows and subcarriers are written together.
    let columns = Double(4 * c.streams)
    let writing = Double(macro.device.pulsesPerWrite) * cost.pulse_s * columns / Double(c.coherence)
    let writingEnergy = cost.programmingEnergy(point.detection) / symbols
    let n = Double(c.subcarriers)
    let fourier = c.signal == .samples ? Double(c.antennas) * 4 * n / 2 * log2(n) : 0
    let operations = fourier + detectionOperations(c)
    let digitalLatency = operations / cost.digitalOperationsPerSecond
    let digitalEnergy = operations * cost.digitalOperation_J
    func add(_ name: String, _ value: Double, _ unit: String = "") {
      report.figure(name, value, unit: unit, how: .projected)
    }
    report.figure(
      "settling time, slowest subcarrier on average", point.settling_s, unit: "s", how: .simulated)
    report.figure("settling time, longest", point.longestSettling_s, unit: "s", how: .simulated)
    report.figure("loops that ran into the time-out", point.timeouts, unit: "fraction", how: .simulated)
    add("latency of one symbol", latency, "s")
    add("energy of one symbol", energy, "J")
    add("latency of one symbol, digital baseband", digitalLatency, "s")
    add("energy of one symbol, digital baseband", digitalEnergy, "J")
    // The published gains are for large-scale links; what that means is not said, the specification takes 64 × 16 and 1024.
    let isLarge = c.antennas >= 64 && c.streams >= 16 && c.subcarriers >= 1024
    add(isLarge ? "latency gain, large scale" : "latency gain over digital baseband", digitalLatency / latency)
    add(isLarge ? "energy gain, large scale" : "energy gain over digital baseband", digitalEnergy / energy)
    add("latency gain, channel updates included", digitalLatency / (latency + writing))
    add("energy gain, channel updates included", digitalEnergy / (energy + writingEnergy))
    report.table(
      "Receiver, one data symbol (projected)", columns: ["part", "latency (s)", "energy (J)"],
      rows: [
        [
          "transforms on arrays", ReportPage.text(transformSteps),
          ReportPage.text(transforms.energy_J * share / symbols),
        ],
        [
          "detection in closed loops", ReportPage.text(point.settling_s + conversion),
          ReportPage.text(detection.energy_J / symbols),
        ],
        ["writing the channel, amortised", ReportPage.text(writing), ReportPage.text(writingEnergy)],
        ["digital baseband", ReportPage.text(digitalLatency), ReportPage.text(digitalEnergy)],
      ])
    report.note(
      "Costs are projections from component figures that are assumptions; the digital baseband does "
        + "\(ReportPage.text(operations)) multiply–accumulates. The paper's parameters are not public, so its gains are not "
        + "recomputed; its first version claimed 10³ and 10⁶ for the same design.")
  }

  private static func curves(
    _ points: [Double], _ outcomes: [Link.Outcome], _ references: [Double]?, _ report: inout Report
  ) {
    let rates = outcomes.map(\.rate)
    var series = [
      Chart.Series(
        "simulated, 95 % interval", .errorBars, x: points, y: rates,
        lower: outcomes.map { max($0.rate - $0.uncertainty, $0.rate / 100) },
        upper: outcomes.map { $0.rate + $0.uncertainty })
    ]
    if let references { series.append(Chart.Series("closed form", .line, x: points, y: references)) }
    report.charts.append(
      Chart(
        "Bit error rate", x: Chart.Axis("Es/N0 of each antenna and stream", unit: "dB"),
        y: Chart.Axis("bit error rate", logarithmic: true), series))
    report.charts.append(
      Chart(
        "Symbols after detection",
        panels: zip(points, outcomes).suffix(2).map { ratio, outcome in
          // What an ill-conditioned channel throws far away would shrink the rest to a point.
          let shown = outcome.constellation.re.indices.filter {
            abs(outcome.constellation.re[$0]) < 2 && abs(outcome.constellation.im[$0]) < 2
          }
          return Chart.Panel(
            "\(ReportPage.text(ratio)) dB", x: Chart.Axis("real part"), y: Chart.Axis("imaginary part"),
            series: [
              Chart.Series(
                "received", .scatter, x: shown.map { outcome.constellation.re[$0] },
                y: shown.map { outcome.constellation.im[$0] })
            ])
        }))
    report.table(
      "Bit error rates", columns: ["Es/N0 (dB)", "BER", "± (95 %)", "BLER", "soft bits (bit)", "closed form"],
      rows: points.indices.map { i in
        let o = outcomes[i]
        return [points[i], o.rate, o.uncertainty, o.blockRate, o.information].map(ReportPage.text)
          + [references.map { ReportPage.text($0[i]) } ?? "–"]
      })
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
}
