import Foundation
import Settings

/// Draws charts with the program gnuplot.
public struct Gnuplot: Sendable {
  /// Formats it writes.
  public enum Format: String, ConfigurationChoice { case svg, pdf, png }

  private let program: String

  /// Nothing where gnuplot is not installed.
  public init?() {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    guard let folder = folders.first(where: { FileManager.default.isExecutableFile(atPath: "\($0)/gnuplot") }) else {
      return nil
    }
    program = "\(folder)/gnuplot"
  }

  /// How to get pictures where gnuplot is missing.
  public static let advice =
    "Charts need gnuplot: install the package `gnuplot-nox` and make the report again; the numbers are complete without."

  /// The picture of a chart.
  ///
  /// - Throws: `ChartError`.
  public func draw(_ chart: Chart, as format: Format = .svg) throws -> Data {
    try Gnuplot.check(chart)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("kirchhoff-chart-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let picture = folder.appendingPathComponent("picture")
    let script = folder.appendingPathComponent("script")
    try Data(Gnuplot.script(chart, format, output: picture.path).utf8).write(to: script)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = [script.path]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0, let data = try? Data(contentsOf: picture), !data.isEmpty else {
      throw ChartError.failed(
        title: chart.title, problem: text.split(separator: "\n").last.map(String.init) ?? "no output")
    }
    return data
  }

  private static func check(_ chart: Chart) throws {
    for panel in chart.panels {
      if let width = panel.heatMap.first?.count {
        guard width > 0, panel.heatMap.allSatisfy({ $0.count == width }) else {
          throw ChartError.unevenData(series: chart.title)
        }
      }
      for series in panel.series {
        let isSample = series.style == .histogram || series.style == .box
        let count = series.y.count
        guard isSample || series.x.count == count,
          series.lower.count == series.upper.count, series.lower.isEmpty || series.lower.count == count,
          !(series.style == .band || series.style == .errorBars) || series.lower.count == count
        else { throw ChartError.unevenData(series: series.name) }
      }
    }
  }

  /// Colours of Okabe and Ito (2008), which people with any colour vision tell apart, on white; yellow is left out.
  static let colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"]

  static func script(_ chart: Chart, _ format: Format, output: String) -> String {
    let columns = min(3, max(1, chart.panels.count))
    let rows = (chart.panels.count + columns - 1) / columns
    let (width, height) = (columns == 1 ? 640 : 380 * columns, columns == 1 ? 400 : 300 * rows)
    var lines: [String] = []
    switch format {
    case .svg:
      lines.append(
        "set terminal svg size \(width),\(height) dynamic noenhanced font 'sans-serif,13' background '#ffffff'")
    case .png:
      lines.append(
        "set terminal pngcairo size \(width * 2),\(height * 2) noenhanced font 'sans,13' fontscale 2 linewidth 2 pointscale 2"
      )
    case .pdf:
      lines.append(
        "set terminal pdfcairo size \(Double(width) / 100),\(Double(height) / 100) noenhanced font 'sans,11'")
    }
    lines += [
      "set output \(quoted(output))", "set border 3 linecolor '#555555'", "set tics nomirror out textcolor '#333333'",
      "set grid linecolor '#dddddd' linetype 1", "set key noenhanced bmargin center horizontal samplen 2",
      "set palette defined (0 '#440154', 1 '#3b528b', 2 '#21918c', 3 '#5ec962', 4 '#fde725')",
      "set style fill solid 0.35 noborder", "set boxwidth 0.8 relative",
      "set datafile missing 'NaN'",
    ]
    for (p, panel) in chart.panels.enumerated() {
      if !panel.heatMap.isEmpty {
        lines.append(block("h\(p)", panel.heatMap))
      }
      for (s, series) in panel.series.enumerated() { lines.append(block("d\(p)_\(s)", table(series))) }
    }
    if chart.panels.count > 1 {
      lines.append("set multiplot layout \(rows),\(columns) title \(quoted(chart.title))")
    }
    for (p, panel) in chart.panels.enumerated() {
      lines.append("set title \(quoted(chart.panels.count > 1 ? panel.title : chart.title))")
      lines.append("set xlabel \(quoted(panel.x.label))\nset ylabel \(quoted(panel.y.label))")
      lines.append(
        "\(panel.x.isLogarithmic ? "set" : "unset") logscale x\n\(panel.y.isLogarithmic ? "set" : "unset") logscale y")
      if panel.y.isLogarithmic { lines.append("set format y '%.0e'") } else { lines.append("set format y '%g'") }
      if panel.x.isLogarithmic { lines.append("set format x '%.0e'") } else { lines.append("set format x '%g'") }
      lines.append("set xtics autofreq\nset autoscale x")
      if !panel.heatMap.isEmpty {
        lines.append("set autoscale fix\nplot $h\(p) matrix with image notitle")
        continue
      }
      let boxes = panel.series.enumerated().filter { $0.element.style == .box }
      if !boxes.isEmpty {
        lines.append("set xrange [0.3:\(Double(boxes.count) + 0.7)]")
        lines.append(
          "set xtics (" + boxes.map { "\(quoted($0.element.name)) \($0.offset + 1)" }.joined(separator: ", ") + ")")
      }
      let plots = panel.series.enumerated().flatMap { s, series in
        commands(series, data: "$d\(p)_\(s)", place: s)
      }
      lines.append(plots.isEmpty ? "plot [0:1][0:1] NaN notitle" : "plot " + plots.joined(separator: ", \\\n  "))
    }
    if chart.panels.count > 1 { lines.append("unset multiplot") }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func commands(_ series: Chart.Series, data: String, place: Int) -> [String] {
    let colour = "linecolor '\(colours[place % colours.count])'"
    let title = series.name.isEmpty ? "notitle" : "title \(quoted(series.name))"
    guard !series.y.isEmpty else { return [] }
    return switch series.style {
    case .line: ["\(data) using 1:2 with lines \(colour) linewidth 2 \(title)"]
    case .scatter: ["\(data) using 1:2 with points \(colour) pointtype 7 pointsize 0.6 \(title)"]
    case .lineWithPoints:
      [
        "\(data) using 1:2 with linespoints \(colour) linewidth 2 pointtype \([7, 5, 9, 13, 11][place % 5]) pointsize 0.7 \(title)"
      ]
    case .band:
      [
        "\(data) using 1:3:4 with filledcurves \(colour) fillstyle transparent solid 0.2 notitle",
        "\(data) using 1:2 with lines \(colour) linewidth 2 \(title)",
      ]
    case .errorBars: ["\(data) using 1:2:3:4 with yerrorlines \(colour) linewidth 2 pointtype 7 pointsize 0.6 \(title)"]
    case .histogram, .bars: ["\(data) using 1:2 with boxes \(colour) \(title)"]
    case .box: ["\(data) using (\(place + 1)):1 with boxplot \(colour) notitle"]
    }
  }

  private static func table(_ series: Chart.Series) -> [[Double]] {
    switch series.style {
    case .box: return series.y.map { [$0] }
    case .histogram:
      let sample = series.y.filter(\.isFinite)
      guard let low = sample.min(), let high = sample.max() else { return [] }
      // Sturges' rule with twice the bins, since samples here are large and seldom normal.
      let bins = min(100, max(1, Int((log2(Double(sample.count)) + 1).rounded(.up)) * 2))
      let width = high > low ? (high - low) / Double(bins) : 1
      var counts = [Double](repeating: 0, count: bins)
      for value in sample { counts[min(bins - 1, Int((value - low) / width))] += 1 }
      return counts.enumerated().map { [low + (Double($0) + 0.5) * width, $1] }
    default:
      return series.y.indices.map { i in
        [series.x[i], series.y[i]] + (series.lower.isEmpty ? [] : [series.lower[i], series.upper[i]])
      }
    }
  }

  private static func block(_ name: String, _ rows: [[Double]]) -> String {
    "$\(name) << END\n"
      + rows.map { $0.map { $0.isFinite ? "\($0)" : "NaN" }.joined(separator: " ") }.joined(separator: "\n") + "\nEND"
  }

  /// Text in single quotes, in which gnuplot replaces nothing.
  private static func quoted(_ text: String) -> String {
    let line = String(text.map { $0.isNewline ? " " : $0 }.filter { !($0.asciiValue.map { $0 < 32 } ?? false) })
    return "'" + line.replacing("'", with: "''") + "'"
  }
}

/// What can go wrong with charts. Every message says what to do.
public enum ChartError: Error, Equatable, CustomStringConvertible {
  case unevenData(series: String)
  case failed(title: String, problem: String)

  public var description: String {
    switch self {
    case .unevenData(let series): "the lists of \"\(series)\" have different lengths: give as many x as y"
    case .failed(let title, let problem):
      "gnuplot could not draw \"\(title)\": \(problem): check that it has the terminals svg, pngcairo and pdfcairo"
    }
  }
}
