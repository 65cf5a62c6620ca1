import Settings
import Chips
import Circuits
import Substrates

extension Report {
  /// Where joules and seconds go, part by part, each with the source of its figure.
  ///
  /// - Parameter count: what the ledger was for, such as inferences; the table is for one of them.
  public mutating func costs(_ title: String, _ cost: Cost, per count: Double = 1) {
    var rows: [[String]] = []
    for (name, lines) in Dictionary(grouping: cost.lines, by: { "\($0.part.rawValue), \($0.event.rawValue)" }).sorted(
      by: { $0.key < $1.key })
    {
      let energy = lines.reduce(0) { $0 + $1.energy_J }
      let latency = lines.reduce(0) { $0 + $1.latency_s }
      let amount = lines.reduce(0) { $0 + $1.amount }
      let widths = Set(lines.map(\.bits)).filter { $0 > 0 }.sorted().map(String.init).joined(separator: ", ")
      rows.append(
        [name, widths.isEmpty ? "–" : widths, Quantity.text(amount / count), Quantity.text(energy / count, unit: "J")]
          + [Quantity.text(latency / count, unit: "s"), "\(lines[0].source) (\(lines[0].mark.rawValue))"])
    }
    rows.append([
      "sum", "", "", Quantity.text(cost.energy_J / count, unit: "J"), Quantity.text(cost.latency_s / count, unit: "s"),
      "",
    ])
    table(
      title, columns: ["part, event", "bits", "how often", "energy", "latency", "source (S, K, A, given)"],
      rows: rows)
    if !cost.uncharged.isEmpty {
      note("\(title): not charged, as no component is known for it: \(cost.uncharged.joined(separator: "; ")).")
    }
  }

  /// The share of conversions that were clipped, and whether ranges were set from data.
  public mutating func converters(_ activity: Activity, _ where: String = "") {
    let conversions = activity.total(.outputConverter, .conversion)
    guard conversions > 0 else { return }
    let name = `where`.isEmpty ? "" : ", \(`where`)"
    figure(
      "clipped conversions\(name)", activity.total(.outputConverter, .clipped) / conversions, unit: "fraction",
      how: .simulated)
    let raw = activity.total(.outputConverter, .uncalibrated)
    if raw > 0 {
      note(
        "\(Quantity.text(100 * raw / conversions)) % of the output conversions\(name) had a range that no data set: what "
          + "their array can give at most.")
    }
  }
}
