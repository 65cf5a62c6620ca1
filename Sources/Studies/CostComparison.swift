import Chips
import Reports
import Runs
import Settings

extension Report {
  /// Energy and latency of the same work by several hands (projected).
  public mutating func costs(_ title: String, comparing costs: [(name: String, cost: Cost)], per count: Double = 1) {
    var rows = ComparisonTable(["carried out by", "latency", "energy"])
    for (name, cost) in costs {
      rows.add(name, [.number(cost.latency_s / count, unit: "s"), .number(cost.energy_J / count, unit: "J")])
    }
    table(title, rows)
  }

  /// How much the substrate gains over digital logic (projected).
  public mutating func gains(of substrate: Cost, over digital: Cost, named name: String = "digital logic") {
    figure("energy gain over \(name)", digital.energy_J / substrate.energy_J, unit: "times", how: .projected)
    figure("latency gain over \(name)", digital.latency_s / substrate.latency_s, unit: "times", how: .projected)
  }
}

/// How numbers of some width are called: `8-bit integers`, `floating point`.
public func arithmetic(ofWidth bits: Int) -> String { bits < 32 ? "\(bits)-bit integers" : "floating point" }
