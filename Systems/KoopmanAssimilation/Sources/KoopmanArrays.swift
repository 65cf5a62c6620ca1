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

  init(_ study: KoopmanStudy, _ model: KoopmanModel, _ records: FlowRecords) throws {
    (self.study, self.model, self.records, c, context) = (study, model, records, study.c, study.context)
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
    let chips = try context.overDraws(named: "arrays") { try estimates(on: $0, $1) }
    let errors = try chips.map { try study.error($0, records) }
    report.figure("filter's error on the substrate", overDraws: errors, data: study.data)
    report.figure("filter's error on the substrate over exact", overDraws: errors.map { $0 / reference })
    report.converters(chips[0].activity)
    try costs(chips[0], substrate, &report)
    guard try !context.substrate.eachFaultAlone.isEmpty else { return }
    try faults(errors, &report)
    if isConstant { try stability(&report) }
  }

  private func estimates(on substrate: any Substrate, layers: Bool = false, _ random: RandomStream) throws
    -> KoopmanStudy.Estimates
  {
    try study.estimates(
      model, records, range: range, gains: gains, on: substrate, layers: layers ? substrate : Digital(),
      random: random)
  }

  private static let writes = [0.01, 0.02, 0.05, 0.1]

  /// Faults over a chip of ideal parts, write errors first.
  private func cases() throws -> HardwareCases {
    let ideal = context.substrate.withoutFaults
    var list = HardwareCases()
    for part in Self.writes {
      try list.add(
        "write error \(Quantity.text(100 * part)) % of each conductance", ideal, ["device.relativeResidue=\(part)"])
    }
    for part in [0.01, 0.05] {
      try list.add("read noise \(Quantity.text(100 * part)) %", ideal, ["device.readNoise=\(part)"])
    }
    try list.add(
      "write error 2 %, read noise 1 %", ideal, ["device.relativeResidue=0.02", "device.readNoise=0.01"])
    for bits in [4, 6, 8, 10] {
      try list.add("converters of \(bits) bits", ideal, ["macro.input.bits=\(bits)", "macro.output.bits=\(bits)"])
    }
    return list
  }

  private func faults(_ chip: [Double], _ report: inout Report) throws {
    let list = try cases()
    let values = try list.measured(in: context, named: "arrays", progress: 0.88...0.98) {
      [try study.error(estimates(on: $0, $1), records)]
    }
    let layers = try context.overDraws(named: "arrays") {
      try study.error(estimates(on: $0, layers: true, $1), records)
    }
    var table = ComparisonTable(["faults", "filter's error", "increase (%)"])
    func add(_ name: String, _ errors: [Double]) {
      table.add(name, [.sample(errors), .sample(errors.map { 100 * ($0 / reference - 1) })])
    }
    for (item, values) in zip(list.cases, values) { add(item.name, values[0]) }
    add("all of this chip", chip)
    add("all of this chip, encoder, decoder and features too", layers)
    report.table(
      "The filter's products on arrays, \(count) records, \(context.substrate.draws) chips; exact \(Quantity.text(reference))",
      table)
    report.missing(list)
    guard list.missing.isEmpty else { return }
    let x = [0] + Self.writes.map { 100 * $0 }
    report.charts.append(
      Chart(
        "Filter on arrays against write error", x: Chart.Axis("write error", unit: "%"),
        y: Chart.Axis("mean square error, hidden part"),
        [
          .spread("arrays, spread over chips", x: x, [[reference]] + values.prefix(Self.writes.count).map { $0[0] }),
          .level("exact", reference, over: x),
        ]))
  }

  /// Constant coefficients: whether the stored recursion is stable on each chip, and what a gain that was made for the chip's
  /// own conductances gives.
  private func stability(_ report: inout Report) throws {
    let filter = KoopmanFilter(model: model)
    let steady = try filter.steady()
    let u = try SplitRecords(records.noisy.slice(range), records).observed
    let nominal: Tensor<Float> = try steady.gain.converted()
    let chips = try context.overDraws(named: "stability") { chip, random in
      var forward = ForwardContext(random: random)
      let product = try study.settled(model, records, on: chip, in: &forward)
      // Transition on arrays, gain in digital logic: from the trained matrices, or from what the chip measures of itself.
      var placed = try PlacedKoopman(model.network, on: chip, layers: Digital(), in: &forward)
      let typical = try study.typical(records)
      try placed.calibrate(observed: typical.observed, hidden: typical.hidden, in: &forward)
      let radius = try KoopmanFilter.spectralRadius(of: product, in: &forward)
      let own: Tensor<Float> = try SteadyFilter(
        placed.measuredCoefficients(in: &forward), noise1: model.noise1().converted(),
        noise2: model.noise2().converted()
      ).gain.converted()
      return try [radius]
        + [nominal, own].map { gain in
          let means = try filter.means(
            u, on: placed, gains: Array(repeating: gain, count: u.shape[0] - 1), in: &forward)
          return try study.error(
            KoopmanStudy.Estimates(hidden: placed.decode(means, in: &forward), offset: 1), records)
        }
    }
    report.figure(
      "largest spectral radius of the filter on arrays", chips.map { $0[0] }.max() ?? .nan, how: .simulated)
    var table = ComparisonTable([
      "chip", "spectral radius", "error, trained gain", "error, gain from measured conductances",
    ])
    for (i, chip) in chips.enumerated() { table.add("\(i + 1)", chip.map { .number($0) }) }
    report.table("Each chip; exact spectral radius \(Quantity.text(try steady.spectralRadius()))", table)
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
    report.gains(of: analog, over: digital)
    let width = arithmetic(ofWidth: bits)
    report.costs(
      "One record through filter and decoder (projected)",
      comparing: [
        ("latent products on the substrate, the rest in digital logic, \(width)", analog),
        ("all in digital logic, \(width)", digital), ("of both, the filter's covariance", shared),
        ("ensemble of \(c.baselines.ensemble.members) with the true model, floating point", ensemble),
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
