import Foundation
import Reports
import Systems
import Testing

@Suite("Systems") struct SystemTests {
  @Test(
    "every system that needs no files runs at its smallest scale and keeps its card",
    arguments: ["spirals", "mimo-ofdm"])
  func runs(name: String) throws {
    let system = try AllSystems.named(name)
    for kind in [SubstrateChoice.Kind.digital, .analog] where kind == .digital || system.card.usesSubstrate {
      let report = try system.run(system.defaults(.quick), RunContext(substrate: SubstrateChoice(kind)))
      #expect(report.card.name == name)
      #expect(!report.figures.isEmpty && report.figures.allSatisfy { $0.value.isFinite })
    }
    #expect(Set(AllSystems.list.map(\.card.name)).count == AllSystems.list.count)
  }
}

@Suite("MIMO-OFDM") struct MIMOOFDMTests {
  private func simulate(
    _ substrate: SubstrateChoice = SubstrateChoice(), _ change: (inout MIMOOFDM.Configuration) -> Void
  ) throws -> Report {
    var c = MIMOOFDM.Configuration()
    (c.curve_dB, c.detection) = ([], .zeroForcing)
    change(&c)
    return try MIMOOFDM.run(c, in: RunContext(substrate: substrate))
  }

  private func value(_ report: Report, _ name: String) throws -> Report.Figure {
    try #require(report.figures.first { $0.name == name })
  }

  /// Values of the specification's tables, which were checked there against Monte Carlo; ours have to lie within three
  /// standard errors (the reported half-width is 1.96 of them) and, where errors are many, within 10 %.
  @Test(
    "bit error rates are those of the closed forms",
    arguments: [
      (Modulation.qpsk, MIMOOFDM.Channel.awgn, 1, 1, 10.0, 7.827e-4), (.qam16, .awgn, 1, 1, 10, 5.899e-2),
      (.qam64, .awgn, 1, 1, 20, 8.486e-3), (.qam256, .awgn, 1, 1, 20, 6.542e-2), (.qpsk, .flat, 4, 4, 10, 4.357e-2),
      (.qam16, .flat, 4, 4, 20, 1.858e-2), (.qam16, .flat, 4, 8, 10, 3.796e-3),
      (.qpsk, .exponential, 4, 4, 15, 1.510e-2),
    ] as [(Modulation, MIMOOFDM.Channel, Int, Int, Double, Double)])
  func bitErrorRate(
    modulation: Modulation, channel: MIMOOFDM.Channel, streams: Int, antennas: Int, ratio: Double, expected: Double
  ) throws {
    let report = try simulate {
      ($0.modulation, $0.channel, $0.streams, $0.antennas, $0.esN0_dB) = (modulation, channel, streams, antennas, ratio)
      $0.symbols = 3000
    }
    let found = try value(report, "BER")
    #expect(abs(found.value - expected) <= 3 * found.uncertainty / 1.96)
    #expect(abs(found.value / expected - 1) < 0.1)
    #expect(abs(try value(report, "closed-form BER").value / expected - 1) < 1e-3)
  }

  @Test("the unbiased minimum mean square error is never worse than zero forcing")
  func detectors() throws {
    for ratio in [5.0, 10, 20] {
      let forced = try value(simulate { $0.esN0_dB = ratio }, "BER").value
      let least = try value(
        simulate {
          $0.esN0_dB = ratio
          $0.detection = .minimumMeanSquareError
        }, "BER"
      ).value
      #expect(least <= forced)
    }
  }

  /// Law of the specification: programming noise alone gives an error vector magnitude of twice σ; 3 % with 1,000 symbols
  /// and five programmings or more.
  @Test("the error of the transform is twice the programming error", arguments: [0.005, 0.01, 0.02])
  func errorVectorMagnitude(residue: Float) throws {
    var substrate = SubstrateChoice(.analog)
    substrate.macro.device = .ideal
    substrate.macro.device.writeResidue = residue
    // Cells at the window's lower end could err upwards only; the law is for errors that are not cut off.
    substrate.macro.device.lowest_S = 50e-6
    substrate.macro.device.highest_S = 150e-6
    (substrate.macro.inputBits, substrate.macro.outputBits, substrate.draws) = (0, 0, 8)
    let report = try simulate(substrate) { $0.symbols = 1000 }
    let found = try value(report, "EVM of the transform").value
    // Cells without conductance difference sit at the lower end, where half of the error is clamped away; the pair has
    // the second moment σ²·(1 + 1/2) instead of 2σ². Some percent of the Fourier matrix is exactly 0 or ±1, where the
    // other cell is clamped too, which takes off 3 % more.
    #expect(abs(found / (2 * Double(residue) * 0.75.squareRoot()) - 1) < 0.05)
  }

  @Test("pieces of work shared by several processes give the figures of one")
  func shares() throws {
    // Two members of a team that know each other's numbers: what message passing does, in one process.
    struct Member: Team {
      var rank: Int
      var size = 2
      let other: @Sendable ([Double]) -> [Double]
      func sum(_ values: [Double]) -> [Double] { zip(values, other(values)).map(+) }
    }
    #expect(Array(Member(rank: 1) { $0 }.share(of: 5)) == [1, 3])
    let collected = try Member(rank: 0) { _ in [0, 0, 3, 4, 0, 0] }.collect(
      [0: [1, 2], 2: [5, 6]], pieces: 3, width: 2)
    #expect(collected == [[1, 2], [3, 4], [5, 6]])
  }
}
