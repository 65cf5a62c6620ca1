import Chips
import Foundation
import Reports
import Substrates

/// Time and energy of one sample: a digital solver against the loop.
struct Costs {
  let c: DiffusionSolver.Configuration
  let context: RunContext

  init(_ c: DiffusionSolver.Configuration, _ context: RunContext) { (self.c, self.context) = (c, context) }

  /// Multiply–accumulates of one evaluation.
  private let products = 28.0 + 196 + 28

  /// - Parameters:
  ///   - activity: of `samples` samples on arrays; of no loop, where the substrate is digital.
  ///   - smallest: evaluations of the cheapest digital solver of equal quality.
  ///   - published: names of parameter sets with the speed-up and the energy factor that are published for them.
  func add(
    label: String, samples: Int, activity: Activity, conductance: Double, smallest: Int,
    published: [(name: String, speed: Double, energy: Double)], to report: inout Report
  ) {
    let macro = context.substrate.macro
    report.figure("evaluations of the cheapest solver of equal quality, \(label)", Double(smallest), how: .simulated)
    guard activity.settling_s > 0 else { return }
    let cost = context.substrate.cost.cost(of: activity, macro: macro, meanConductance: conductance)
    let run = macro.loop.run_s
    let energy = cost.energy_J / Double(samples)
    report.figure("time of one sample, \(label)", run, unit: "s", how: .projected)
    report.figure("energy of one sample, \(label)", energy, unit: "J", how: .projected)
    report.figure("speed-up, \(label), equal quality", Double(smallest) * c.digitalStep_s / run, how: .projected)
    let logic = context.substrate.cost.digitalOperation_J * products
    // What the published factors say one step of their digital baseband takes; ours adds nothing to the arithmetic.
    report.figure(
      "energy reduction, \(label), equal quality", Double(smallest) * logic / energy, how: .projected)
    var rows: [[String]] = []
    for set in published {
      // Back-solved: the digital time is the published factor times a run; its steps follow from the step's latency.
      let time = set.speed * run
      let steps = time / c.digitalStep_s
      let perStep = set.energy * energy / steps
      rows.append(
        [
          set.name, ReportPage.text(steps), ReportPage.text(c.digitalStep_s), ReportPage.text(perStep),
          ReportPage.text(steps * c.digitalStep_s / run), ReportPage.text(steps * perStep / energy),
          ReportPage.text(set.speed / set.energy), ReportPage.text(Double(smallest) * c.digitalStep_s / run),
          ReportPage.text(Double(smallest) * perStep / energy),
        ])
    }
    report.table(
      "Published factors, \(label): parameters solved from them, not found (projected)",
      columns: [
        "parameter set", "digital steps", "step (s)", "energy of a step (J)", "speed-up", "energy factor",
        "power analog/digital", "speed-up at \(smallest) evaluations", "energy factor at \(smallest) evaluations",
      ], rows: rows)
    let steps = c.curve.map(Double.init)
    report.charts.append(
      Chart(
        "Speed-up against the digital solver's steps (projected), \(label)",
        x: Chart.Axis("evaluations of the network", logarithmic: true),
        y: Chart.Axis("speed-up of the loop", logarithmic: true),
        [
          Chart.Series(
            "run of \(ReportPage.text(run)) s", .lineWithPoints, x: steps, y: steps.map { $0 * c.digitalStep_s / run })
        ]))
    report.table(
      "Energy of one sample on arrays, \(label) (projected)", columns: ["part", "energy (J)"],
      rows: cost.parts.map { [$0.name, ReportPage.text($0.energy_J / Double(samples))] })
    report.note(
      "Speed-ups take \(ReportPage.text(c.digitalStep_s)) s for a digital step and \(ReportPage.text(run)) s for a run, both "
        + "assumptions; the published factors fit them at the step counts of the table. A digital solver of equal quality "
        + "needs \(smallest) evaluations, which is why our factor is smaller.")
  }
}
