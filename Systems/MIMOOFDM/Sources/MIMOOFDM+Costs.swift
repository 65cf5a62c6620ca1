import Chips
import Foundation
import Reports
import Runs
import Settings
import Studies
import Substrates

extension Link.Outcome {
  /// Whether anything but logic did the work.
  var hasArrays: Bool { activity.entries.contains { !$0.key.part.isLogic } }

  /// What the receiver did for one data symbol; scopes below `detection` and `estimation` do not exist.
  func perSymbol(_ scopes: String...) -> Activity {
    activity.filtered { scopes.contains($0.scope) } * (1 / symbols)
  }
}

extension MIMOOFDM {
  /// What a digital baseband does for one data symbol, in the widths of the fixed-point substrate: fast transforms of all antennas,
  /// channel estimation, detection and what the receiver needs beside it. Numbers come from memory and go back once for each
  /// stage of a transform and for each other step, as partial sums of arrays do; training symbols and factorisations are
  /// shared by the symbols of a channel.
  package static func digitalBaseband(_ c: Configuration, bits: Int, solverBits: Int) -> (
    transforms: Activity, rest: Activity
  ) {
    let share = 1 / Double(c.coherence)
    let pilots = c.estimation == .known ? 0 : c.trainingSymbols
    let bytes = (bits + 7) / 8
    var transforms = ForwardContext()
    if c.signal == .samples {
      let stages = log2(Double(c.subcarriers))
      let butterflies = Double(c.antennas) * Double(c.subcarriers) / 2 * stages
      transforms.countLogic(.multiplyAccumulate, Int((4 * butterflies).rounded()), bits: bits)
      transforms.count(.memory, .byte, c.antennas * 4 * c.subcarriers * Int(stages.rounded(.up)) * bytes)
    }
    var once = ForwardContext()
    if pilots > 0 {
      let links = c.antennas * c.streams * c.usedSubcarriers
      // Correlation with the training symbols and the carriers' phases; smoothing by way of the taps.
      let smoothing = c.estimation == .leastSquares ? 0 : 8 * c.tapDeviations.count
      once.countLogic(.multiplyAccumulate, links * (4 * pilots + 4 + smoothing), bits: bits)
      once.count(.memory, .byte, (2 * links + 2 * c.antennas * pilots * c.usedSubcarriers) * bytes)
    }
    let detector = DetectorLogic(rows: c.antennas, columns: c.streams, systems: c.usedSubcarriers)
    let isBiased = c.detection == .minimumMeanSquareError
    detector.countFactors(matrices: 1, bits: solverBits, in: &once)
    if isBiased || c.softBits { detector.countDiagonals(matrices: 1, bits: solverBits, in: &once) }
    var each = ForwardContext()
    detector.countSolutions(sides: 1, bits: solverBits, in: &each)
    if isBiased {
      detector.countBias(matrices: 1, sides: 0, bits: solverBits, in: &once)
      detector.countBias(matrices: 0, sides: 1, bits: solverBits, in: &each)
    }
    return (
      transforms.activity * (1 + Double(pilots) * share), once.activity * share + each.activity
    )
  }

  /// Latency and energy of the receiver for one data symbol: transforms of all antennas side by side, every subcarrier in
  /// its own pair of arrays, beside a digital baseband.
  static func costs(_ point: Link.Outcome, _ c: Configuration, _ context: RunContext, _ report: inout Report) {
    let substrate = context.substrate
    let receive = point.perSymbol("receive").operation
    let estimation = point.perSymbol("estimation").operation
    let detection = point.perSymbol("detection")
    let receiver = substrate.cost(of: receive + estimation + detection.operation, inventory: point.inventory)
    let writing = substrate.cost(of: detection.programming)
    // The ledger holds the reads of all antennas; correlators and smoothers of all links.
    let links = c.antennas * c.streams
    let latencies = [
      substrate.latency(of: receive, copies: c.antennas), substrate.latency(of: estimation, copies: links),
      substrate.latency(of: detection.operation),
    ]
    let latency = latencies.reduce(0, +)
    let baseband = digitalBaseband(c, bits: substrate.fixedPoint.bits, solverBits: substrate.fixedPoint.solverBits)
    let digital = substrate.cost(of: baseband.transforms + baseband.rest)
    func add(_ name: String, _ value: Double, _ unit: String = "") {
      report.figure(name, value, unit: unit, how: .projected)
    }
    report.figure("settling time, slowest subcarrier on average", point.settling_s, unit: "s", how: .simulated)
    report.figure("settling time, longest", point.longestSettling_s, unit: "s", how: .simulated)
    report.figure("loops that ran into the time-out", point.timeouts, unit: "fraction", how: .simulated)
    report.converters(point.activity.filtered { $0.scope != "transmit" })
    add("latency of one symbol", latency, "s")
    add("energy of one symbol", receiver.energy_J, "J")
    add("latency of one symbol, digital baseband", digital.latency_s, "s")
    add("energy of one symbol, digital baseband", digital.energy_J, "J")
    // The published gains are for large-scale links; what that means is not said, the specification takes 64 × 16 and 1024.
    let isLarge = c.antennas >= 64 && c.streams >= 16 && c.subcarriers >= 1024
    add(isLarge ? "latency gain, large scale" : "latency gain over digital baseband", digital.latency_s / latency)
    add(
      isLarge ? "energy gain, large scale" : "energy gain over digital baseband", digital.energy_J / receiver.energy_J)
    add("latency gain, channel updates included", digital.latency_s / (latency + writing.latency_s))
    add("energy gain, channel updates included", digital.energy_J / (receiver.energy_J + writing.energy_J))
    add("area of cells and output converters", receiver.area_mm2, "mm²")
    var table = ComparisonTable(["part", "latency", "energy"])
    func row(_ name: String, _ latency: Double, _ energy: Double) {
      table.add(name, [.number(latency, unit: "s"), .number(energy, unit: "J")])
    }
    row("transforms on arrays", latencies[0], substrate.cost(of: receive).energy_J)
    row("channel estimation on arrays", latencies[1], substrate.cost(of: estimation).energy_J)
    row("detection in closed loops", latencies[2], substrate.cost(of: detection.operation).energy_J)
    row("writing the channel, amortised", writing.latency_s, writing.energy_J)
    row("digital baseband", digital.latency_s, digital.energy_J)
    report.table("Receiver, one data symbol (projected)", table)
    report.costs("Arrays and logic beside them, one data symbol (latency as if all came in turn)", receiver)
    report.costs("Digital baseband, one data symbol", digital)
    report.note(
      "Costs are projections from component figures; the digital baseband computes with \(substrate.fixedPoint.bits)-bit samples "
        + "and a \(substrate.fixedPoint.solverBits)-bit detector. Mapping and demapping are outside on both sides, and so is "
        + "writing the fixed matrices, which is done once. The paper's parameters are not public, so its gains are not "
        + "recomputed; its first version claimed 10³ and 10⁶ for the same design.")
  }
}
