import Foundation

extension Gnuplot {
  /// The numbers of a panel as gnuplot's data blocks.
  static func data(_ panel: Chart.Panel, _ cell: ChartLayout.Cell, place p: Int) -> [String] {
    guard panel.exhibits.isEmpty else { return data(exhibits: panel.exhibits, place: p) }
    var blocks = panel.heatMap.isEmpty ? [] : [block("h\(p)", panel.heatMap)]
    if let field = panel.field { blocks.append(block("f\(p)", arrows(field, cell))) }
    let bars = panel.series.indices.filter { panel.series[$0].style == .bars }
    for (s, series) in panel.series.enumerated() {
      let turn = bars.firstIndex(of: s).map { (Double($0), Double(bars.count)) } ?? (0, 1)
      blocks.append(
        block("d\(p)_\(s)", table(series, turn: turn, floor: panel.y.isLogarithmic ? cell.scales.y.lower : nil)))
    }
    return blocks
  }

  /// - Parameters:
  ///   - turn: which of how many bars at each position.
  ///   - floor: lower end of a logarithmic axis, which ends of bars and bands go down to where they are not positive.
  private static func table(_ series: Chart.Series, turn: (Double, Double), floor: Double?) -> [[Double]] {
    switch series.style {
    case .box: return series.y.map { [$0] }
    case .histogram: return series.histogram.map { [$0.middle, $0.count, $0.width] }
    case .bars:
      let width = 0.8 * series.spacing / turn.1
      return series.y.indices.map { i in
        let place = series.x[i] + (turn.0 - (turn.1 - 1) / 2) * width
        guard !series.lower.isEmpty else { return [place, series.y[i], width] }
        return [place, series.y[i], max(series.lower[i], floor ?? series.lower[i]), series.upper[i], width]
      }
    case .band, .errorBars:
      return series.y.indices.map { i in
        [series.x[i], series.y[i], max(series.lower[i], floor ?? series.lower[i]), series.upper[i]]
      }
    default: return zip(series.x, series.y).map { [$0, $1] }
    }
  }

  /// Tails, components and sizes of arrows of one length on paper, with their middle at their point.
  private static func arrows(_ field: Chart.VectorField, _ cell: ChartLayout.Cell) -> [[Double]] {
    let (x, y) = (cell.scales.x, cell.scales.y)
    let pixels = (x: cell.plot.width / (x.upper - x.lower), y: cell.plot.height / (y.upper - y.lower))
    // Arrows on a grid then fill three quarters of their cell.
    let length = 0.75 * (cell.plot.width * cell.plot.height / Double(max(1, field.x.count))).squareRoot()
    return field.magnitudes.indices.map { i in
      let (u, v) = (field.alongX[i] * pixels.x, field.alongY[i] * pixels.y)
      let norm = (u * u + v * v).squareRoot()
      guard norm > 0 else { return [.nan, .nan, .nan, .nan, .nan] }
      let along = (x: u / norm * length / pixels.x, y: v / norm * length / pixels.y)
      return [field.x[i] - along.x / 2, field.y[i] - along.y / 2, along.x, along.y, field.magnitudes[i]]
    }
  }

  static func block(_ name: String, _ rows: [[Double]]) -> String {
    "$\(name) << END\n"
      + rows.map { $0.map { $0.isFinite ? "\($0)" : "NaN" }.joined(separator: " ") }.joined(separator: "\n") + "\nEND"
  }

  /// What a panel's `plot` draws, from the back to the front.
  static func commands(_ panel: Chart.Panel, _ cell: ChartLayout.Cell, place p: Int) -> [String] {
    guard panel.exhibits.isEmpty else { return commands(exhibits: panel.exhibits, cell, place: p) }
    var plots: [String] = []
    if let width = panel.heatMap.first?.count {
      let x = position(panel.columns, width), y = position(panel.rows, panel.heatMap.count)
      plots.append("$h\(p) matrix using (\(x.0)+$1*\(x.1)):(\(y.0)+$2*\(y.1)):3 with image notitle")
    }
    if panel.field != nil {
      plots.append(
        "$f\(p) using 1:2:3:4:5 with vectors head size screen 0.008,25 filled linewidth 1 linecolor palette notitle")
    }
    let drawn = panel.series.enumerated().filter { !$0.element.y.isEmpty }
    for (s, series) in drawn where series.style == .band {
      plots.append(
        "$d\(p)_\(s) using 1:3:4 with filledcurves \(look(s)) fillstyle transparent solid 0.22 noborder notitle")
    }
    let boxes = panel.series.indices.filter { panel.series[$0].style == .box }
    for (s, series) in drawn {
      let number = (boxes.firstIndex(of: s) ?? 0) + 1
      plots.append("$d\(p)_\(s) " + command(series, place: s, box: number) + " notitle")
    }
    return plots
  }

  /// Position of the first column or row of a map, and the distance of the next.
  private static func position(_ range: ClosedRange<Double>?, _ count: Int) -> (Double, Double) {
    guard let range else { return (0, 1) }
    return (range.lowerBound, count > 1 ? (range.upperBound - range.lowerBound) / Double(count - 1) : 1)
  }

  private static func command(_ series: Chart.Series, place: Int, box: Int) -> String {
    switch series.style {
    case .line, .band: "using 1:2 with lines \(look(place)) linewidth 2"
    case .scatter: "using 1:2 with points \(dots(place, of: series.y.count))"
    case .lineWithPoints: "using 1:2 with linespoints \(look(place)) linewidth 2 \(marker(place))"
    case .errorBars: "using 1:2:3:4 with yerrorlines \(look(place)) linewidth 1.5 \(marker(place))"
    case .bars where !series.lower.isEmpty:
      "using 1:2:3:4:5 with boxerrorbars \(look(place)) linewidth 1.5 fillstyle transparent solid 0.6 noborder"
    case .histogram, .bars: "using 1:2:3 with boxes \(look(place)) fillstyle transparent solid 0.6 noborder"
    case .box:
      "using (\(box)):1:(0.5) with boxplot \(look(place)) pointtype 7 pointsize 0.3 fillstyle solid 0.25 border"
    }
  }

  /// Colour of a series; after the last colour the line is broken.
  static func look(_ place: Int) -> String {
    "linecolor '\(colours[place % colours.count])' dashtype \(place / colours.count % 4 + 1)"
  }

  static func marker(_ place: Int) -> String { "pointtype \([7, 5, 9, 13, 11][place % 5]) pointsize 0.6" }

  /// Points so small and so clear that a thousand still show where they are dense.
  private static func dots(_ place: Int, of count: Int) -> String {
    let size = 0.6 * pow(30 / Double(max(30, count)), 0.28)
    // gnuplot counts how much can be seen through: 00 is opaque.
    let alpha = count > 1000 ? "80" : count > 100 ? "50" : "00"
    let colour = "#\(alpha)\(colours[place % colours.count].dropFirst())"
    return "linecolor '\(colour)' pointtype 7 pointsize \(String(format: "%.3f", size))"
  }

  /// A line of a legend: the sign of the series, large and opaque whatever the data need, and its name.
  static func entry(_ canvas: Canvas, _ entry: ChartLayout.LegendEntry) -> [String] {
    let (left, right) = (canvas.x(entry.x), canvas.x(entry.x + 24))
    let middle = canvas.y(entry.y)
    let look = look(entry.place)
    let colour = colours[entry.place % colours.count]
    var lines: [String] = []
    func area(_ opacity: Double) {
      lines.append(
        "set object rectangle from screen \(left),\(canvas.y(entry.y + 5)) to screen \(right),\(canvas.y(entry.y - 5)) "
          + "fillcolor '\(colour)' fillstyle transparent solid \(opacity) noborder front")
    }
    func stroke() {
      lines.append(
        "set arrow from screen \(left),\(middle) to screen \(right),\(middle) nohead \(look) linewidth 2 front")
    }
    func point(_ marker: String) {
      lines.append(
        "set label '' at screen \(canvas.x(entry.x + 12)),\(middle) point \(marker) linecolor '\(colour)' front")
    }
    switch entry.series.style {
    case .line: stroke()
    case .band:
      area(0.22)
      stroke()
    case .lineWithPoints, .errorBars:
      stroke()
      point(marker(entry.place))
    case .scatter: point("pointtype 7 pointsize 0.6")
    case .histogram, .bars: area(0.6)
    case .box: break
    }
    return lines
      + entry.lines.enumerated().map { i, text in
        canvas.text(text, entry.x + 31, entry.y + Double(i) * ChartLayout.line, style: "left")
      }
  }
}
