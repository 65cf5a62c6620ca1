import Chips
import Circuits
import Devices
import Foundation
import Reports
import Substrates

extension MIMOOFDM {
  /// Receivers side by side on the same bits, channels and noise.
  static func compareReceivers(_ c: Configuration, _ context: RunContext, _ report: inout Report) throws {
    var small = c
    small.symbols = c.comparisonSymbols
    var ideal = context.substrate
    ideal.kind = .analog
    (ideal.macro.device, ideal.macro.inputBits, ideal.macro.outputBits) = (.ideal, 0, 0)
    (ideal.macro.device.lowest_S, ideal.macro.device.highest_S) = (
      context.substrate.macro.device.lowest_S, context.substrate.macro.device.highest_S
    )
    ideal.measuredDevice = ""
    var arrays = context.substrate
    arrays.kind = .analog
    var rounded = context.substrate
    rounded.kind = .fixedPoint
    let logic = "\(rounded.fixedPoint.bits)-bit samples, \(rounded.fixedPoint.solverBits)-bit detector"
    var receivers: [(name: String, substrate: SubstrateChoice, steps: Int?)] = [
      ("exact, single precision", SubstrateChoice(.digital), nil), ("fixed point, \(logic)", rounded, nil),
      ("arrays and loops of ideal parts (finite gain and bandwidth)", ideal, nil), ("arrays and loops", arrays, nil),
    ]
    for steps in c.gradientSteps {
      receivers.append(("\(steps) gradient steps in exact arithmetic", SubstrateChoice(.digital), steps))
      receivers.append(("\(steps) gradient steps on arrays, no loops", arrays, steps))
    }
    var rows: [[String]] = []
    let (cost, macro) = (context.substrate.cost, context.substrate.macro)
    let conversion = cost.settling_s + cost.conversion_s * Double(macro.outputsPerConverter)
    for (i, receiver) in receivers.enumerated() {
      var other = context
      other.substrate = receiver.substrate
      let found = try Link(small, ratio_dB: c.esN0_dB, gradientSteps: receiver.steps).simulate(in: other) {
        try context.progress(0.8 + 0.2 * (Double(i) + $0) / Double(receivers.count), receiver.name)
      }
      let onArrays = receiver.substrate.kind == .analog
      let detection =
        if let steps = receiver.steps, onArrays {
          // Two reads for each step, one after the other; subcarriers side by side.
          ReportPage.text(2 * Double(steps) * conversion)
        } else if onArrays {
          ReportPage.text(found.settling_s + 2 * cost.conversion_s)
        } else if let steps = receiver.steps {
          ReportPage.text(
            Double(steps * c.usedSubcarriers * 8 * c.antennas * c.streams) / cost.digitalOperationsPerSecond)
        } else {
          ReportPage.text(detectionOperations(c) / cost.digitalOperationsPerSecond)
        }
      rows.append([
        receiver.name, "\(ReportPage.text(found.rate)) ± \(ReportPage.text(found.uncertainty))",
        ReportPage.text(found.symbolError), c.signal == .samples ? ReportPage.text(found.transformError) : "–",
        detection,
      ])
    }
    report.table(
      "Receivers at \(ReportPage.text(c.esN0_dB)) dB, random bits and channels, \(small.symbols) symbols",
      columns: [
        "receiver", "BER", "EVM after detection", "EVM of the transform", "detection, one symbol (s, projected)",
      ],
      rows: rows)
    report.table(
      "Published detectors in CMOS, for orientation (specification's marks)",
      columns: ["chip", "throughput", "energy of a bit", "mark"],
      rows: [
        ["65 nm, 32 antennas, equaliser", "9.98 Gb/s", "39.7 pJ", "S"],
        ["28 nm, 8 users, 128 antennas", "0.3–1.8 Gb/s", "60–70 pJ", "K"],
      ])
  }

  /// Multiply–accumulates of the exact detector for one symbol.
  static func detectionOperations(_ c: Configuration) -> Double {
    let (nt, nr) = (Double(c.streams), Double(c.antennas))
    return Double(c.usedSubcarriers) * 4 * (nr * nt * nt + nt * nt * nt / 3 + 2 * nr * nt)
  }
}
