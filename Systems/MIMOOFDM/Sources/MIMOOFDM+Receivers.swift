import Chips
import Reports
import Runs
import Settings
import Studies

extension MIMOOFDM {
  /// Receivers side by side on the same bits, channels and noise.
  static func compareReceivers(_ c: Configuration, _ context: RunContext, _ report: inout Report) throws {
    var small = c
    small.symbols = c.comparisonSymbols
    let (exact, rounded) = (context.substrate.choosing(.digital), context.substrate.choosing(.fixedPoint))
    let arrays = context.substrate.choosing(.analog)
    let logic = "\(rounded.fixedPoint.bits)-bit samples, \(rounded.fixedPoint.solverBits)-bit detector"
    var receivers: [(name: String, substrate: SubstrateChoice, steps: Int?)] = [
      ("exact, single precision", exact, nil), ("fixed point, \(logic)", rounded, nil),
      ("arrays and loops of ideal parts (finite gain and bandwidth)", arrays.withoutFaults, nil),
      ("arrays and loops", arrays, nil),
    ]
    for steps in c.gradientSteps {
      receivers.append(("\(steps) gradient steps in exact arithmetic", exact, steps))
      receivers.append(("\(steps) gradient steps on arrays, no loops", arrays, steps))
    }
    var table = ComparisonTable([
      "receiver", "BER", "EVM after detection", "EVM of the transform", "detection, one symbol (projected)",
    ])
    for (i, receiver) in receivers.enumerated() {
      var other = context
      other.substrate = receiver.substrate
      let (first, last) = (
        0.8 + 0.2 * Double(i) / Double(receivers.count), 0.8 + 0.2 * Double(i + 1) / Double(receivers.count)
      )
      let found = try Link(small, ratio_dB: c.esN0_dB, gradientSteps: receiver.steps).simulate(
        in: other, progress: first...last, receiver.name)
      // Each subcarrier has its own arrays; loops settle side by side anyway.
      let detection = context.substrate.latency(
        of: found.perSymbol("detection").operation, copies: receiver.steps == nil ? 1 : c.usedSubcarriers)
      table.add(
        receiver.name,
        [
          .number(found.rate, uncertainty: found.uncertainty), .number(found.symbolError),
          c.signal == .samples ? .number(found.transformError) : .none, .number(detection, unit: "s"),
        ])
    }
    report.table(
      "Receivers at \(Quantity.text(c.esN0_dB)) dB, random bits and channels, \(small.symbols) symbols", table)
    report.table(
      "Published detectors in CMOS, for orientation (specification's marks)",
      columns: ["chip", "throughput", "energy of a bit", "mark"],
      rows: [
        ["65 nm, 32 antennas, equaliser", "9.98 Gb/s", "39.7 pJ", "S"],
        ["28 nm, 8 users, 128 antennas", "0.3–1.8 Gb/s", "60–70 pJ", "K"],
      ])
  }
}
