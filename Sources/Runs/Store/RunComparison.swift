import Settings
/// Runs beside each other: settings, then figures.
public struct RunComparison: Sendable {
  private let runs: [RunRecord]

  public init(_ runs: [RunRecord]) { self.runs = runs }

  /// A header line, then one line for each setting and figure; "–" where a run lacks it. With two runs figures have their
  /// difference in a further column.
  public func rows(onlyDifferences: Bool) -> [[String]] {
    let hasDifference = runs.count == 2
    var rows = [[""] + runs.map(\.id) + (hasDifference ? ["second − first"] : [])]
    func names(_ list: (RunRecord) -> [String]) -> [String] {
      var seen = Set<String>()
      return runs.flatMap(list).filter { seen.insert($0).inserted }
    }
    for key in names({ $0.specification.settings.map(\.key) }) {
      let values = runs.map { run in run.specification.settings.first { $0.key == key }?.value.text ?? "–" }
      if !onlyDifferences || Set(values).count > 1 { rows.append([key] + values + (hasDifference ? [""] : [])) }
    }
    for name in names({ $0.figures.map(\.name) }) {
      let numbers = runs.map { run in run.figures.first { $0.name == name }?.value }
      let unit = runs.lazy.compactMap { run in run.figures.first { $0.name == name }?.unit }.first ?? ""
      let difference = zip(numbers.first ?? nil, numbers.last ?? nil).map { Quantity.text($1 - $0) }
      rows.append(
        [unit.isEmpty ? name : "\(name) (\(unit))"] + numbers.map { $0.map(Quantity.text) ?? "–" }
          + (hasDifference ? [difference ?? "–"] : []))
    }
    return rows
  }

  private func zip(_ a: Double?, _ b: Double?) -> (Double, Double)? {
    guard let a, let b else { return nil }
    return (a, b)
  }
}
