import Foundation
import Reports
import Systems

nonisolated(unsafe) let systemWorks: [String: () throws -> Work] = [
  // The peers' item 9: 20,000 symbols, 64 subcarriers, 4 x 4, 16-QAM, 8 taps of equal power, N0 = 0.04.
  "mimo": {
    var c = MIMOOFDM.Configuration()
    (c.signal, c.channel, c.softBits, c.coherence) = (.subcarriers, .tapped, false, 1)
    c.tapPowers_dB = [Double](repeating: 0, count: 8)
    (c.usedSubcarriers, c.symbols, c.curve_dB) = (64, 20_000, [])
    c.esN0_dB = -10 * log10(0.04)
    let configuration = c
    return Work(warmUps: 1) {
      let report = try MIMOOFDM.run(configuration, in: RunContext(seed: 9))
      return { "BER=\(report.figures.first { $0.name == "BER" }?.value ?? .nan)" }
    }
  }
]
