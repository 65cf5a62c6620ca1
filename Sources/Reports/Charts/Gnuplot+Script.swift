import Foundation

extension Gnuplot {
  /// Colours of Okabe and Ito (2008), which people with any colour vision tell apart, on white; yellow is left out.
  static let colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"]

  /// The commands that draw a chart into a file.
  package static func script(_ chart: Chart, _ format: Format, output: String) -> String {
    script(chart.panels, ChartLayout(chart), format, resolution: 2, output: output)
  }

  /// - Parameter resolution: dots for each unit of the layout, in PNG.
  static func script(
    _ panels: [Chart.Panel], _ layout: ChartLayout, _ format: Format, resolution: Int, output: String
  ) -> String {
    let canvas = Canvas(layout: layout, format: format, resolution: resolution)
    var lines = canvas.terminal
    lines += [
      "set output \(quoted(output))", "set encoding utf8",
      "unset key", "set datafile missing 'NaN'",
    ]
    for (p, panel) in panels.enumerated() { lines += data(panel, layout.cells[p], place: p) }
    lines.append("set multiplot")
    lines += layout.title.enumerated().map { i, text in
      canvas.text(text, layout.width / 2, 16 + Double(i) * (ChartLayout.line + 2), size: 15, colour: "#222222")
    }
    lines += layout.legend.flatMap { entry(canvas, $0) }
    for (p, panel) in panels.enumerated() {
      lines += axes(panel, layout.cells[p], canvas)
      lines += layout.cells[p].legend.flatMap { entry(canvas, $0) }
      let plots = commands(panel, layout.cells[p], place: p)
      lines.append("plot " + (plots.isEmpty ? ["NaN notitle"] : plots).joined(separator: ", \\\n  "))
      lines.append("unset label\nunset arrow\nunset object")
    }
    // A chart without panels still has its title.
    if panels.isEmpty { lines.append("unset border\nunset tics\nplot [0:1][0:1] NaN notitle") }
    lines.append("unset multiplot\nset output")
    return lines.joined(separator: "\n") + "\n"
  }

  /// Place, ranges, ticks and labels of one panel.
  private static func axes(_ panel: Chart.Panel, _ cell: ChartLayout.Cell, _ canvas: Canvas) -> [String] {
    let (plot, scales) = (cell.plot, cell.scales)
    var lines = [
      "set lmargin at screen \(canvas.x(plot.x))\nset rmargin at screen \(canvas.x(plot.right))",
      "set tmargin at screen \(canvas.y(plot.y))\nset bmargin at screen \(canvas.y(plot.bottom))",
    ]
    guard panel.exhibits.isEmpty else { return lines + frameless(panel, cell, canvas) + words(cell, canvas) }
    lines += [
      "set tics out scale 0.6,0.3 textcolor '#333333'",
      panel.hasEqualAspect ? "set size ratio -1" : "set size noratio",
      "set border \(panel.heatMap.isEmpty ? 3 : 15) linecolor '#555555'",
      panel.heatMap.isEmpty ? "set grid linecolor '#dddddd' linetype 1" : "unset grid",
    ]
    // The numbers a little nearer to the axis than gnuplot has them, which leaves room for what the axis is.
    lines += axis(
      "x", scales.x, cell.xTicks, cell.tilts ? "rotate by -30 left offset 0,0" : "norotate autojustify offset 0,0.35")
    lines += axis("y", scales.y, cell.hidesY ? cell.yTicks.map { .init(value: $0.value, label: "") } : cell.yTicks)
    if panel.heatMap.joined().contains(where: { !$0.isFinite }) {
      // Cells without a number are grey, a colour that no palette of maps has.
      lines.append(
        "set object rectangle from graph 0,0 to graph 1,1 fillcolor '#d0d0d0' fillstyle solid noborder behind")
    }
    if let colour = scales.colour {
      lines += colours(panel, colour, cell, canvas)
    } else {
      lines.append("unset colorbox")
    }
    return lines + words(cell, canvas)
  }

  /// Title and labels of one panel.
  private static func words(_ cell: ChartLayout.Cell, _ canvas: Canvas) -> [String] {
    let plot = cell.plot
    var lines: [String] = []
    let titleTop = plot.y - 6 - Double(cell.title.count) * ChartLayout.line
    lines += cell.title.enumerated().map { i, text in
      canvas.text(text, plot.middle, titleTop + (Double(i) + 0.5) * ChartLayout.line)
    }
    let labelTop = plot.bottom + ChartLayout.tickHeight(cell)
    lines += cell.xLabel.enumerated().map { i, text in
      canvas.text(text, plot.middle, labelTop + (Double(i) + 0.5) * ChartLayout.line)
    }
    let labelLeft = plot.x - 20 - ChartLayout.widest(cell.yTicks) - Double(cell.yLabel.count) * ChartLayout.line
    lines += cell.yLabel.enumerated().map { i, text in
      canvas.text(
        text, labelLeft + (Double(i) + 0.5) * ChartLayout.line, plot.y + plot.height / 2, style: "center rotate by 90")
    }
    return lines
  }

  private static func axis(_ name: String, _ scale: AxisScale, _ ticks: [AxisScale.Tick], _ style: String = "")
    -> [String]
  {
    let list = ticks.map { "\(quoted($0.label)) \($0.value)\($0.label.isEmpty && scale.isLogarithmic ? " 1" : "")" }
    return [
      "\(scale.isLogarithmic ? "set" : "unset") logscale \(name)",
      "set \(name)range [\(scale.lower):\(scale.upper)]",
      "set \(name)tics nomirror \(style) (\(list.joined(separator: ", ")))",
    ]
  }

  /// The palette and, where it is shown, its bar beside the panel.
  private static func colours(
    _ panel: Chart.Panel, _ scale: AxisScale, _ cell: ChartLayout.Cell, _ canvas: Canvas
  ) -> [String] {
    let steps = panel.palette.colours.enumerated().map { "\($0) '\($1)'" }.joined(separator: ", ")
    var lines = ["set palette defined (\(steps))"] + axis("cb", scale, cell.colourTicks)
    guard cell.showsColours else { return lines + ["unset colorbox"] }
    let left = cell.plot.right + ChartLayout.bar.gap
    let (width, height) = (ChartLayout.bar.width / canvas.layout.width, cell.plot.height / canvas.layout.height)
    lines.append(
      "set colorbox user origin screen \(canvas.x(left)),\(canvas.y(cell.plot.bottom)) size screen \(width),\(height) noborder"
    )
    let right = left + ChartLayout.bar.width + 20 + ChartLayout.widest(cell.colourTicks)
    lines += cell.colourLabel.enumerated().map { i, text in
      canvas.text(
        text, right + (Double(i) + 0.5) * ChartLayout.line, cell.plot.y + cell.plot.height / 2,
        style: "center rotate by 90")
    }
    return lines
  }

  /// Text in single quotes, in which gnuplot replaces nothing.
  static func quoted(_ text: String) -> String {
    let line = String(text.map { $0.isNewline ? " " : $0 }.filter { !($0.asciiValue.map { $0 < 32 } ?? false) })
    return "'" + line.replacing("'", with: "''") + "'"
  }
}

/// A sheet of one format, and the conversion of the layout's pixels to its coordinates.
struct Canvas {
  let layout: ChartLayout
  let format: Gnuplot.Format
  let resolution: Int

  var terminal: [String] {
    let (width, height) = (Int(layout.width), Int(layout.height))
    // Fonts of the cairo terminals are in points, three quarters of a pixel; pdfcairo takes these for pixels once more.
    switch format {
    case .svg:
      return [
        "set terminal svg size \(width),\(height) fixed noenhanced font 'sans-serif,\(points(ChartLayout.font))' background '#ffffff'"
      ]
    case .png:
      return [
        "set terminal pngcairo size \(width * resolution),\(height * resolution) noenhanced font 'sans,\(points(ChartLayout.font))' fontscale \(resolution) linewidth \(resolution) pointscale \(resolution) background '#ffffff'"
      ]
    case .pdf:
      return [
        "set terminal pdfcairo size \(layout.width / 96),\(layout.height / 96) noenhanced font 'sans,\(points(ChartLayout.font))' fontscale 0.75 linewidth 1.5 background '#ffffff'"
      ]
    }
  }

  func points(_ size: Double) -> Double { format == .svg ? size : size * 0.75 }

  func x(_ pixels: Double) -> String { String(format: "%.6f", pixels / layout.width) }
  func y(_ pixels: Double) -> String { String(format: "%.6f", 1 - pixels / layout.height) }

  /// One line of text with its middle at a height.
  func text(
    _ text: String, _ x: Double, _ y: Double, style: String = "center", size: Double = ChartLayout.font,
    colour: String = "#333333"
  ) -> String {
    "set label \(Gnuplot.quoted(text)) at screen \(self.x(x)),\(self.y(y)) \(style) font ',\(points(size))' textcolor '\(colour)' front"
  }
}

extension Chart.Palette {
  /// Colours at equal distances, from the lowest value to the highest.
  var colours: [String] {
    switch self {
    // Viridis of van der Walt and Smith (2015).
    case .sequential:
      ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"]
    // "RdBu" of Brewer (2003), turned round.
    case .diverging:
      ["#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7", "#fddbc7", "#f4a582", "#d6604d", "#b2182b"]
    case .grey: ["#d4d4d4", "#3c3c3c"]
    }
  }
}
