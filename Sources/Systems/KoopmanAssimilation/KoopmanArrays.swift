import Chips
import Circuits
import Devices
import Dynamics
import Foundation
import Reports
import Substrates
import Tensors

extension KoopmanStudy {
  /// The filter's products on arrays: what programming, reading and converting cost, and what it takes in time and energy.
  func arrays(_ trained: Trained, _ report: inout Report) throws {
    let (records, model) = (trained.records, trained.second)
    if context.substrate.kind == .fixedPoint {
      let substrate = try context.substrate.make()
      report.figure(
        "filter's error in fixed point",
        try error(estimates(model, records, on: substrate, layers: substrate), records),
        how: .simulated, data: "synthetic records of the true model")
    }
    guard context.substrate.kind == .analog else { return }
    let count = min(c.arrayRecords, records.data.testRecords)
    let range = records.test.lowerBound..<records.test.lowerBound + count
    let u = try SplitRecords(records.noisy.slice(range), records).observed
    let isConstant = model.network.weight == nil
    let gains = isConstant ? nil : try KoopmanFilter(model: model).gains(u)
    let exact = try estimates(model, records, range: range, gains: gains)
    let reference = try error(exact, records)
    let full = context.substrate.macro
    var ideal = full
    (ideal.device, ideal.inputBits, ideal.outputBits) = (.ideal, 0, 0)
    (ideal.device.lowest_S, ideal.device.highest_S) = (full.device.lowest_S, full.device.highest_S)

    /// Errors over programming draws.
    func errors(_ macro: Macro, layers: Bool = false, measured: Bool = false) throws -> (
      mean: Double, spread: Double, last: Estimates
    ) {
      var found: [Double] = []
      var last = exact
      for draw in 0..<context.substrate.draws {
        let substrate = try Analog(macro, device: measured ? context.substrate.makeDevice() : nil)
        last = try estimates(
          model, records, range: range, gains: gains, on: substrate, layers: layers ? substrate : Digital(),
          random: context.random.split("arrays \(draw)"))
        found.append(try error(last, records))
      }
      let (mean, spread) = RingStudy.statistics(found)
      return (mean, spread, last)
    }
    var cases: [(String, Macro, layers: Bool)] = []
    func add(_ name: String, _ change: (inout Macro) -> Void) {
      var macro = ideal
      change(&macro)
      cases.append((name, macro, false))
    }
    let writes = [0.01, 0.02, 0.05, 0.1]
    for write in writes {
      add("write error \(ReportPage.text(100 * write)) % of each conductance") {
        $0.device.relativeResidue = Float(write)
      }
    }
    for read in [0.01, 0.05] {
      add("read noise \(ReportPage.text(100 * read)) %") { $0.device.readNoise = Float(read) }
    }
    add("write error 2 %, read noise 1 %") { ($0.device.relativeResidue, $0.device.readNoise) = (0.02, 0.01) }
    for bits in [4, 6, 8, 10] { add("converters of \(bits) bits") { ($0.inputBits, $0.outputBits) = (bits, bits) } }
    cases.append(("all of this chip", full, false))
    cases.append(("all of this chip, encoder, decoder and features too", full, true))
    var rows: [[String]] = []
    var curve: [Double] = []
    for (i, (name, macro, layers)) in cases.enumerated() {
      let isChip = name.hasPrefix("all of this chip")
      let found = try errors(macro, layers: layers, measured: isChip)
      rows.append([
        name, "\(ReportPage.text(found.mean)) ± \(ReportPage.text(found.spread))",
        ReportPage.text(100 * (found.mean / reference - 1)),
      ])
      if i < writes.count { curve.append(found.mean) }
      if isChip, !layers {
        report.figure(
          "filter's error on arrays", found.mean, how: .simulated, data: "synthetic records of the true model",
          uncertainty: found.spread)
        report.figure("filter's error on arrays over exact", found.mean / reference, how: .simulated)
        try costs(found.last, exact, count, &report)
      }
      try context.progress(0.88 + 0.12 * Double(i + 1) / Double(cases.count), name)
    }
    report.table(
      "The filter's products on arrays, \(count) records, \(context.substrate.draws) chips; exact \(ReportPage.text(reference))",
      columns: ["faults", "filter's error", "increase (%)"], rows: rows)
    report.charts.append(
      Chart(
        "Filter on arrays against write error", x: Chart.Axis("write error", unit: "%"),
        y: Chart.Axis("mean square error, hidden part"),
        [
          Chart.Series("arrays", .lineWithPoints, x: [0] + writes.map { 100 * $0 }, y: [reference] + curve)
        ]))
    if isConstant { try stability(model, records, range, full, &report) }
  }

  /// Constant coefficients: whether the stored recursion is stable on each chip, and what a gain that was made for the chip's
  /// own conductances gives.
  private func stability(
    _ model: KoopmanModel, _ records: FlowRecords, _ range: Range<Int>, _ macro: Macro, _ report: inout Report
  ) throws {
    let filter = KoopmanFilter(model: model)
    let steady = try filter.steady()
    let u = try SplitRecords(records.noisy.slice(range), records).observed
    let nominal: Tensor<Float> = try steady.gain.converted()
    var rows: [[String]] = []
    var largest = 0.0
    for draw in 0..<context.substrate.draws {
      let stream = context.random.split("stability \(draw)")
      var forward = ForwardContext(random: stream)
      let chip = try Analog(macro, device: context.substrate.makeDevice())
      let product = try chip.linearOperator(KoopmanFilter.steadyMatrix(steady), in: &forward)
      // Transition on arrays, gain in digital logic: from the trained matrices, or from what the chip measures of itself.
      let placed = try PlacedKoopman(model.network, on: chip, layers: Digital(), in: &forward)
      let radius = try KoopmanFilter.spectralRadius(of: product, in: &forward)
      largest = max(largest, radius)
      let own = try measuredGain(model, macro, stream, after: steady)
      let errors = try [nominal, own].map { gain in
        let means = try filter.means(
          u, on: placed, gains: Array(repeating: gain, count: u.shape[0] - 1), in: &forward)
        return try error(Estimates(hidden: placed.decode(means, in: &forward), offset: 1), records)
      }
      rows.append(["\(draw + 1)", ReportPage.text(radius)] + errors.map(ReportPage.text))
    }
    report.figure("largest spectral radius of the filter on arrays", largest, how: .simulated)
    report.table(
      "Each chip; exact spectral radius \(ReportPage.text(try steady.spectralRadius()))",
      columns: ["chip", "spectral radius", "error, trained gain", "error, gain from measured conductances"], rows: rows)
  }

  /// The gain of the settled filter for the conductances that a chip has: the same programming, read without converters and
  /// noise, as the instrument of write–verify does.
  private func measuredGain(_ model: KoopmanModel, _ macro: Macro, _ stream: RandomStream, after steady: SteadyFilter)
    throws -> Tensor<Float>
  {
    var quiet = macro
    (quiet.inputBits, quiet.outputBits, quiet.device.readNoise) = (0, 0, 0)
    var forward = ForwardContext(random: stream)
    let chip = try Analog(quiet, device: context.substrate.makeDevice())
    // Draws come in the order of programming, and the settled filter was first.
    _ = try chip.linearOperator(KoopmanFilter.steadyMatrix(steady), in: &forward)
    let placed = try PlacedKoopman(model.network, on: chip, layers: Digital(), in: &forward)
    return try SteadyFilter(
      placed.measuredCoefficients(in: &forward), noise1: model.noise1().converted(), noise2: model.noise2().converted()
    ).gain.converted()
  }

  /// Time and energy of one record, beside the same in digital logic and an ensemble with the true model.
  private func costs(_ found: Estimates, _ exact: Estimates, _ count: Int, _ report: inout Report) throws {
    let (cost, macro) = (context.substrate.cost, context.substrate.macro)
    // Half of the window on average, as weights have both signs.
    let conductance = Double(macro.device.lowest_S + macro.device.highest_S) / 2
    func one(_ activity: Activity) -> Cost { cost.cost(of: activity, macro: macro, meanConductance: conductance) }
    let (analog, digital) = (one(found.activity), one(exact.activity))
    let d = c.data
    let e = c.baselines.ensemble
    let n = Double(d.size)
    // Real multiply–accumulates: two transforms a step on a line, four on the square, 2.5·N·log₂N each, and six for each number.
    let step = (d.flow.isSquare ? 4 : 2) * 2.5 * n * log2(n) + 6 * n
    let (m, o) = (Double(e.members), Double(d.observed.count))
    let ensemble = m * Double(d.stepsPerRecord) * step + m * o * (n + o) + o * o * o / 3 + n * o * m
    let each = Double(count)
    // The covariance follows what is observed, unless coefficients are constants; its products change with every record.
    let k = Double(c.network.latent)
    let covariance = c.network.coefficientWidths.isEmpty ? 0 : 2 * k * k * k + 3 * o * k * k + 2 * o * o * k
    let extra = (latency: covariance / cost.digitalOperationsPerSecond, energy: covariance * cost.digitalOperation_J)
    func row(_ name: String, _ latency: Double, _ energy: Double) -> [String] {
      [name, ReportPage.text(latency), ReportPage.text(energy)]
    }
    let energy = (analog: analog.energy_J / each + extra.energy, digital: digital.energy_J / each + extra.energy)
    let latency = (analog: analog.latency_s / each + extra.latency, digital: digital.latency_s / each + extra.latency)
    report.figure("energy of one record on arrays", energy.analog, unit: "J", how: .projected)
    report.figure("latency of one record on arrays", latency.analog, unit: "s", how: .projected)
    report.figure("energy gain over digital logic", energy.digital / energy.analog, how: .projected)
    report.figure("latency gain over digital logic", latency.digital / latency.analog, how: .projected)
    report.table(
      "One record through filter and decoder (projected)", columns: ["carried out by", "latency (s)", "energy (J)"],
      rows: [
        row("latent products on arrays, the rest in digital logic", latency.analog, energy.analog),
        row("all in digital logic", latency.digital, energy.digital),
        row("of both, the filter's covariance", extra.latency, extra.energy),
        row(
          "ensemble of \(e.members) with the true model, digital logic", ensemble / cost.digitalOperationsPerSecond,
          ensemble * cost.digitalOperation_J),
      ])
    report.note(
      "Costs are projections from component figures that are assumptions. The ensemble's count has the transforms of its "
        + "solver and the products of its analysis.")
  }
}
