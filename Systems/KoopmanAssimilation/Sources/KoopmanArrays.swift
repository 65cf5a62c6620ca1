import Chips
import Dynamics
import Foundation
import Reports
import Runs
import Settings
import Studies
import Substrates
import Tensors

/// The filter's products on hardware: what programming, reading and converting cost, and what it takes in time and energy.
struct KoopmanArrays {
  let study: KoopmanStudy
  let model: KoopmanModel
  let records: FlowRecords
  private let c: KoopmanConfiguration
  private let context: RunContext
  /// Test records that filters follow, and gains where they do not settle.
  private let range: Range<Int>
  private let gains: [Tensor<Float>]?
  private let exact: KoopmanStudy.Estimates
  private let reference: Double

  private var count: Int { range.count }
  private var isConstant: Bool { model.network.weight == nil }

  init(_ study: KoopmanStudy, _ trained: KoopmanStudy.Trained) throws {
    (self.study, model, records, c, context) = (study, trained.second, trained.records, study.c, study.context)
    let first = records.test.lowerBound
    range = first..<first + min(c.arrayRecords, records.data.testRecords)
    let u = try SplitRecords(records.noisy.slice(range), records).observed
    gains = model.network.weight == nil ? nil : try KoopmanFilter(model: model).gains(u)
    exact = try study.estimates(model, records, range: range, gains: gains)
    reference = try study.error(exact, records)
  }

  func report(into report: inout Report) throws {
    let substrate = try context.substrate.make()
    guard !substrate.isExact else { return }
    let (mean, spread, last) = try errors(context.substrate)
    report.figure(
      "filter's error on the substrate", mean, how: .simulated, data: "synthetic records of the true model",
      uncertainty: spread)
    report.figure("filter's error on the substrate over exact", mean / reference, how: .simulated)
    report.converters(last.activity)
    try costs(last, substrate, &report)
    guard try !context.substrate.eachFaultAlone.isEmpty else { return }
    try faults((mean, spread), &report)
    if isConstant { try stability(&report) }
  }

  /// Errors over programming draws.
  private func errors(_ choice: SubstrateChoice, layers: Bool = false) throws -> (
    mean: Double, spread: Double, last: KoopmanStudy.Estimates
  ) {
    var found: [Double] = []
    var last = exact
    for draw in 0..<choice.drawCount {
      let substrate = try choice.make()
      last = try study.estimates(
        model, records, range: range, gains: gains, on: substrate, layers: layers ? substrate : Digital(),
        random: context.random.split("arrays \(draw)"))
      found.append(try study.error(last, records))
    }
    let (mean, spread) = meanAndSpread(found)
    return (mean, spread, last)
  }

  private static let writes = [0.01, 0.02, 0.05, 0.1]

  /// Settings of each line, over a chip of ideal parts.
  private static var cases: [(name: String, settings: [String])] {
    writes.map { ("write error \(Quantity.text(100 * $0)) % of each conductance", ["device.relativeResidue=\($0)"]) }
      + [0.01, 0.05].map { ("read noise \(Quantity.text(100 * $0)) %", ["device.readNoise=\($0)"]) }
      + [("write error 2 %, read noise 1 %", ["device.relativeResidue=0.02", "device.readNoise=0.01"])]
      + [4, 6, 8, 10].map { ("converters of \($0) bits", ["macro.input.bits=\($0)", "macro.output.bits=\($0)"]) }
  }

  private func faults(_ chip: (mean: Double, spread: Double), _ report: inout Report) throws {
    let ideal = context.substrate.withoutFaults
    var rows: [[String]] = []
    var missing: [String] = []
    var curve = [(write: 0.0, error: reference, spread: 0.0)]
    func add(_ name: String, _ mean: Double, _ spread: Double) {
      rows.append(
        [name, "\(Quantity.text(mean)) ± \(Quantity.text(spread))", Quantity.text(100 * (mean / reference - 1))])
    }
    for (i, item) in Self.cases.enumerated() {
      var choice = ideal
      do { for setting in item.settings { choice = try choice.setting(setting) } } catch ConfigurationError.unknownKey {
        missing.append(item.name)
        continue
      }
      let found = try errors(choice)
      add(item.name, found.mean, found.spread)
      if i < Self.writes.count { curve.append((Self.writes[i], found.mean, found.spread)) }
      try context.progress(0.88 + 0.1 * Double(i + 1) / Double(Self.cases.count), item.name)
    }
    add("all of this chip", chip.mean, chip.spread)
    let layers = try errors(context.substrate, layers: true)
    add("all of this chip, encoder, decoder and features too", layers.mean, layers.spread)
    report.table(
      "The filter's products on arrays, \(count) records, \(context.substrate.draws) chips; exact \(Quantity.text(reference))",
      columns: ["faults", "filter's error", "increase (%)"], rows: rows)
    if !missing.isEmpty {
      report.note(
        "The chosen device has no such setting, so these lines are left out: \(missing.joined(separator: "; ")).")
    }
    report.charts.append(
      Chart(
        "Filter on arrays against write error", x: Chart.Axis("write error", unit: "%"),
        y: Chart.Axis("mean square error, hidden part"),
        [
          Chart.Series(
            "arrays, spread over chips", .band, x: curve.map { 100 * $0.write }, y: curve.map(\.error),
            lower: curve.map { $0.error - $0.spread }, upper: curve.map { $0.error + $0.spread }),
          Chart.Series("exact", .line, x: curve.map { 100 * $0.write }, y: curve.map { _ in reference }),
        ]))
  }

  /// Constant coefficients: whether the stored recursion is stable on each chip, and what a gain that was made for the chip's
  /// own conductances gives.
  private func stability(_ report: inout Report) throws {
    let filter = KoopmanFilter(model: model)
    let steady = try filter.steady()
    let u = try SplitRecords(records.noisy.slice(range), records).observed
    let nominal: Tensor<Float> = try steady.gain.converted()
    var rows: [[String]] = []
    var largest = 0.0
    for draw in 0..<context.substrate.drawCount {
      var forward = ForwardContext(random: context.random.split("stability \(draw)"))
      let chip = try context.substrate.make()
      let product = try study.settled(model, records, on: chip, in: &forward)
      // Transition on arrays, gain in digital logic: from the trained matrices, or from what the chip measures of itself.
      var placed = try PlacedKoopman(model.network, on: chip, layers: Digital(), in: &forward)
      let typical = try study.typical(records)
      try placed.calibrate(observed: typical.observed, hidden: typical.hidden, in: &forward)
      let radius = try KoopmanFilter.spectralRadius(of: product, in: &forward)
      largest = max(largest, radius)
      let own: Tensor<Float> = try SteadyFilter(
        placed.measuredCoefficients(in: &forward), noise1: model.noise1().converted(),
        noise2: model.noise2().converted()
      ).gain.converted()
      let errors = try [nominal, own].map { gain in
        let means = try filter.means(
          u, on: placed, gains: Array(repeating: gain, count: u.shape[0] - 1), in: &forward)
        return try study.error(
          KoopmanStudy.Estimates(hidden: placed.decode(means, in: &forward), offset: 1), records)
      }
      rows.append(["\(draw + 1)", Quantity.text(radius)] + errors.map(Quantity.text))
    }
    report.figure("largest spectral radius of the filter on arrays", largest, how: .simulated)
    report.table(
      "Each chip; exact spectral radius \(Quantity.text(try steady.spectralRadius()))",
      columns: ["chip", "spectral radius", "error, trained gain", "error, gain from measured conductances"], rows: rows)
  }

  /// Time and energy of one record, beside the same in digital logic of the same width and an ensemble with the true model.
  private func costs(_ found: KoopmanStudy.Estimates, _ substrate: any Substrate, _ report: inout Report) throws {
    let bits = substrate.logicBits
    let records = Double(count)
    // The covariance is the same on both sides.
    let both = covariance.charged(at: bits)
    let analog = context.substrate.cost(of: found.activity.charged(at: bits).operation * (1 / records) + both)
    let digital = context.substrate.cost(of: exact.activity.charged(at: bits) * (1 / records) + both)
    let shared = context.substrate.cost(of: both)
    let ensemble = context.substrate.cost(of: ensemble)
    report.figure("energy of one record on the substrate", analog.energy_J, unit: "J", how: .projected)
    report.figure("latency of one record on the substrate", analog.latency_s, unit: "s", how: .projected)
    report.figure("energy gain over digital logic", digital.energy_J / analog.energy_J, how: .projected)
    report.figure("latency gain over digital logic", digital.latency_s / analog.latency_s, how: .projected)
    func row(_ name: String, _ cost: Cost) -> [String] {
      [name, Quantity.text(cost.latency_s), Quantity.text(cost.energy_J)]
    }
    let width = bits < 32 ? "\(bits)-bit integers" : "floating point"
    report.table(
      "One record through filter and decoder (projected)", columns: ["carried out by", "latency (s)", "energy (J)"],
      rows: [
        row("latent products on the substrate, the rest in digital logic, \(width)", analog),
        row("all in digital logic, \(width)", digital), row("of both, the filter's covariance", shared),
        row("ensemble of \(c.baselines.ensemble.members) with the true model, floating point", ensemble),
      ])
    report.costs("Where it goes, one record on the substrate (projected)", analog)
    report.note(
      "Costs are projections from component figures. The ensemble's count has the transforms of its solver and the products of "
        + "its analysis; its data movement is not counted.")
  }

  /// Products of the covariance, which follows what is observed unless coefficients are constants.
  private var covariance: Activity {
    var ledger = Activity()
    guard !c.network.coefficientWidths.isEmpty else { return ledger }
    let (k, o) = (Double(c.network.latent), Double(c.data.observed.count))
    ledger.add(.floatLogic, .multiplyAccumulate, 2 * k * k * k + 3 * o * k * k + 2 * o * o * k, bits: 32)
    ledger.add(.memory, .byte, 4 * (2 * k * k + 2 * o * k + o * o), bits: 0)
    return ledger
  }

  private var ensemble: Activity {
    let (d, e) = (c.data, c.baselines.ensemble)
    let n = Double(d.size)
    // Real multiply–accumulates: two transforms a step on a line, four on the square, 2.5·N·log₂N each, and six for each number.
    let step = (d.flow.isSquare ? 4 : 2) * 2.5 * n * log2(n) + 6 * n
    let (m, o) = (Double(e.members), Double(d.observed.count))
    var ledger = Activity()
    ledger.add(
      .floatLogic, .multiplyAccumulate,
      m * Double(d.stepsPerRecord) * step + m * o * (n + o) + o * o * o / 3 + n * o * m,
      bits: 32)
    return ledger
  }
}
