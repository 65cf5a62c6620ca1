import Chips
import Circuits
import Foundation
import Reports
import Runs
import Settings
import Studies
import Substrates
import Tensors

/// Time and energy of one sample: a digital solver against the loop.
struct Costs {
  let c: DiffusionSolver.Configuration
  let context: RunContext

  init(_ c: DiffusionSolver.Configuration, _ context: RunContext) { (self.c, self.context) = (c, context) }

  /// Energy of one evaluation of the network in digital logic, in joules: arithmetic and data movement, with numbers as wide as
  /// those that the loop is read with; weights are fetched once for all samples.
  private func step(_ network: ScoreNetwork, bits: Int, _ random: RandomStream) throws -> Double {
    let count = 256
    let found = try Sampler(c: c, network: network).samples(
      count, on: Digital(), steps: IntegrationSteps(.euler, 1), stochastic: false, random: random)
    return context.substrate.cost(of: found.activity.charged(at: bits > 0 ? bits : 32)).energy_J / Double(count)
  }

  /// - Parameters:
  ///   - activity: of `samples` samples on the substrate; only that of loops is compared.
  ///   - inventory: of one loop.
  ///   - smallest: evaluations of the cheapest digital solver of equal quality; nothing where none was good enough.
  ///   - published: names of parameter sets with the speed-up and the energy factor that are published for them.
  func add(
    label: String, samples: Int, activity: Activity, inventory: Inventory, network: ScoreNetwork, smallest: Int?,
    published: [(name: String, speed: Double, energy: Double)], to report: inout Report
  ) throws {
    if let smallest {
      report.figure("evaluations of the cheapest solver of equal quality, \(label)", Double(smallest), how: .simulated)
    } else {
      report.note("No digital solver of \(c.curve) steps was as good as a thousand Euler steps, \(label).")
    }
    guard activity.total(.closedLoop, .settling) > 0 else { return }
    let cost = context.substrate.cost(of: activity, inventory: inventory)
    let run = activity.total(.closedLoop, .settling) / Double(samples)
    let energy = cost.energy_J / Double(samples)
    report.figure("time of one sample, \(label)", run, unit: "s", how: .projected)
    report.figure("energy of one sample, \(label)", energy, unit: "J", how: .projected)
    report.figure("area of cells and output converters, \(label)", cost.area_mm2, unit: "mm²", how: .projected)
    if let smallest {
      let reads = activity.entries.filter { $0.key.part == .outputConverter && $0.key.event == .conversion }
      let bits = reads.map(\.key.bits).max() ?? 0
      let logic = try step(network, bits: bits, context.random.split("cost of a step"))
      report.figure("speed-up, \(label), equal quality", Double(smallest) * c.digitalStep_s / run, how: .projected)
      report.figure("energy reduction, \(label), equal quality", Double(smallest) * logic / energy, how: .projected)
    }
    solved(label, run, energy, smallest, published, &report)
    let steps = c.curve.map(Double.init)
    report.charts.append(
      Chart(
        "Speed-up against the digital solver's steps (projected), \(label)",
        x: Chart.Axis("evaluations of the network", logarithmic: true),
        y: Chart.Axis("speed-up of the loop", logarithmic: true),
        [
          Chart.Series(
            "run of \(Quantity.text(run, unit: "s"))", .lineWithPoints, x: steps,
            y: steps.map { $0 * c.digitalStep_s / run }),
          .level("the digital solver", 1, over: steps),
        ]))
    report.costs("One sample on arrays, \(label) (projected)", cost, per: Double(samples))
  }

  /// What the published factors say one step of their digital baseband takes.
  private func solved(
    _ label: String, _ run: Double, _ energy: Double, _ smallest: Int?,
    _ published: [(name: String, speed: Double, energy: Double)], _ report: inout Report
  ) {
    let count = smallest.map(String.init) ?? "no"
    var table = ComparisonTable([
      "parameter set", "digital steps", "step", "energy of a step", "speed-up", "energy factor", "power analog/digital",
      "speed-up at \(count) evaluations", "energy factor at \(count) evaluations",
    ])
    for set in published {
      // Back-solved: the digital time is the published factor times a run; its steps follow from the step's latency.
      let steps = set.speed * run / c.digitalStep_s
      let perStep = set.energy * energy / steps
      table.add(
        set.name,
        [
          .number(steps), .number(c.digitalStep_s, unit: "s"), .number(perStep, unit: "J"), .number(set.speed),
          .number(set.energy), .number(set.speed / set.energy),
          .init(smallest.map { Double($0) * c.digitalStep_s / run }),
          .init(smallest.map { Double($0) * perStep / energy }),
        ])
    }
    report.table("Published factors, \(label): parameters solved from them, not found (projected)", table)
    report.note(
      "Speed-ups take \(Quantity.text(c.digitalStep_s, unit: "s")) for a digital step and \(Quantity.text(run, unit: "s")) for a run, both "
        + "assumptions; the published factors fit them at the step counts of the table. A digital solver of equal quality "
        + "needs \(count) evaluations, which is why our factor is smaller.")
  }
}
