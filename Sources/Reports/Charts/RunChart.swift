import Foundation
import Runs

/// Charts over runs: a figure against a setting, or a metric against its steps.
public enum RunChart {
  /// A figure against a setting; runs that share both setting and group are averaged, with the 95 % interval of the mean.
  ///
  /// - Parameters:
  ///   - x: key of a setting, or name of a figure.
  ///   - y: name of a figure, or key of a setting.
  ///   - group: key of the setting that tells lines apart; nothing for one line.
  /// - Throws: `PlotError` naming what is missing.
  public static func figure(
    _ runs: [RunRecord], x: String, y: String, group: String? = nil, style: Chart.Style = .errorBars,
    logarithmic: (x: Bool, y: Bool) = (false, false)
  ) throws(PlotError) -> Chart {
    var groups: [String: [(x: Double, y: Double)]] = [:]
    for run in runs {
      let name = group.map { key in run.specification.settings.first { $0.key == key }?.value.text ?? "without" } ?? ""
      guard let horizontal = number(run, x), let vertical = number(run, y) else { continue }
      groups[name, default: []].append((horizontal, vertical))
    }
    if groups.isEmpty {
      let known = Set(runs.flatMap(names)).sorted()
      for name in [x, y] where !known.contains(name) { throw .unknown(name: name, known: known) }
      throw .nothing(runs: runs.count)
    }
    if let group, !runs.contains(where: { run in run.specification.settings.contains { $0.key == group } }) {
      throw .unknown(name: group, known: Set(runs.flatMap { $0.specification.settings.map(\.key) }).sorted())
    }
    let unit = runs.lazy.compactMap { run in run.figures.first { $0.name == y }?.unit }.first ?? ""
    let order = groups.sorted { a, b in (Double(a.key) ?? .infinity, a.key) < (Double(b.key) ?? .infinity, b.key) }
    let series = order.map { name, points -> Chart.Series in
      let label = group.map { "\($0.split(separator: ".").last ?? "") = \(name)" } ?? ""
      switch style {
      case .scatter: return Chart.Series(label, style, x: points.map(\.x), y: points.map(\.y))
      case .box, .histogram: return Chart.Series(label.isEmpty ? y : label, style, y: points.map(\.y))
      default:
        let places = Dictionary(grouping: points, by: \.x).sorted { $0.key < $1.key }
        let means = places.map { $0.value.map(\.y).reduce(0, +) / Double($0.value.count) }
        let halves = zip(places, means).map { place, mean -> Double in
          let n = Double(place.value.count)
          guard n > 1 else { return 0 }
          let variance = place.value.reduce(0) { $0 + ($1.y - mean) * ($1.y - mean) } / (n - 1)
          return 1.96 * (variance / n).squareRoot()
        }
        return Chart.Series(
          label, style, x: places.map(\.key), y: means, lower: zip(means, halves).map { $0 - $1 },
          upper: zip(means, halves).map { $0 + $1 })
      }
    }
    let isSample = style == .box || style == .histogram
    return Chart(
      "\(y) against \(isSample ? group ?? "all runs" : x)",
      x: Chart.Axis(style == .histogram ? y : isSample ? "" : x, logarithmic: logarithmic.x && style != .box),
      y: Chart.Axis(
        style == .histogram ? "runs" : y, unit: unit == "fraction" || style == .histogram ? "" : unit,
        logarithmic: logarithmic.y), series)
  }

  /// The course of a metric in each run.
  public static func metric(_ runs: [RunRecord], _ name: String, logarithmic: (x: Bool, y: Bool) = (false, false))
    throws(PlotError) -> Chart
  {
    let series = runs.compactMap { run -> Chart.Series? in
      let values = run.metrics.filter { $0.name == name }
      return values.isEmpty
        ? nil : Chart.Series(run.id, .line, x: values.map { Double($0.step) }, y: values.map(\.value))
    }
    guard !series.isEmpty else {
      throw .unknown(name: name, known: Set(runs.flatMap { $0.metrics.map(\.name) }).sorted())
    }
    return Chart(
      name, x: Chart.Axis("step", logarithmic: logarithmic.x), y: Chart.Axis(name, logarithmic: logarithmic.y), series)
  }

  private static func number(_ run: RunRecord, _ name: String) -> Double? {
    run.figures.first { $0.name == name }?.value
      ?? run.specification.settings.first { $0.key == name }?.value.double
  }

  private static func names(_ run: RunRecord) -> [String] {
    run.figures.map(\.name) + run.specification.settings.filter { $0.value.double != nil }.map(\.key)
  }
}

/// What can go wrong with charts of runs. Every message says what to do.
public enum PlotError: Error, Equatable, CustomStringConvertible {
  case unknown(name: String, known: [String])
  case nothing(runs: Int)
  case noGnuplot

  public var description: String {
    switch self {
    case .unknown(let name, let known): "no run has a number `\(name)`: there are \(known.joined(separator: ", "))"
    case .nothing(let runs): "none of the \(runs) runs has both numbers: choose other runs, or other axes"
    case .noGnuplot: Gnuplot.advice
    }
  }
}
