/// Where everything is on the canvas, in pixels from its upper left corner.
///
/// Labels and legends get a place of their own, so nothing is drawn over data, however many names there are or however
/// long they are.
struct ChartLayout {
  /// A place on the canvas.
  struct Rectangle: Equatable {
    var x = 0.0, y = 0.0, width = 0.0, height = 0.0
    var right: Double { x + width }
    var bottom: Double { y + height }
    var middle: Double { x + width / 2 }
  }

  /// One panel.
  struct Cell {
    /// Inside of the axes.
    var plot = Rectangle()
    var title: [String] = []
    var scales: PanelScales
    var xTicks: [AxisScale.Tick] = [], yTicks: [AxisScale.Tick] = [], colourTicks: [AxisScale.Tick] = []
    var xLabel: [String] = [], yLabel: [String] = [], colourLabel: [String] = []
    /// Where names below the axis are too long to stand beside each other.
    var tilts = false
    /// Whether the panel to the left has the same axis, so that its numbers need not be written again.
    var hidesY = false
    /// Whether the scale of the colours stands to the right: not where the next panel has the same.
    var showsColours = false
    var legend: [LegendEntry] = []
  }

  /// A name with the sign of its series.
  struct LegendEntry {
    var series: Chart.Series
    /// Number of the series in its panel, which decides its colour.
    var place: Int
    var lines: [String]
    var x = 0.0, y = 0.0
  }

  private(set) var width = 0.0, height = 0.0
  private(set) var title: [String] = []
  private(set) var cells: [Cell] = []
  /// The legend of all panels, where they have the same series.
  private(set) var legend: [LegendEntry] = []

  static let font = 13.0
  static let line = 17.0
  /// Distance of the colour bar from its panel, and its thickness.
  static let bar = (gap: 14.0, width: 14.0)
  /// Width of a letter that lines are broken by: a little more than the mean one of the widest usual fonts.
  private static let letter = 7.6
  private static let sample = 34.0

  init(_ chart: Chart) {
    let scales = chart.scales
    let count = chart.panels.count
    let columns = count == 4 ? 2 : min(3, max(1, count))
    for (p, panel) in chart.panels.enumerated() {
      let neighbour = p % columns > 0 ? p - 1 : nil
      let next = (p + 1) % columns > 0 && p + 1 < count ? p + 1 : nil
      cells.append(
        ChartLayout.cell(
          panel, scales[p], columns: columns, isSingle: count == 1,
          hidesY: neighbour.map { chart.panels[$0].y == panel.y && scales[$0].y == scales[p].y } ?? false,
          showsColours: scales[p].colour != nil
            && !(next.map {
              scales[$0].colour == scales[p].colour && chart.panels[$0].colour == panel.colour
                && chart.panels[$0].palette == panel.palette
            } ?? false)))
    }
    shareLegend(chart)
    place(chart, columns: columns)
  }

  /// What a panel needs, at no place yet.
  private static func cell(
    _ panel: Chart.Panel, _ scales: PanelScales, columns: Int, isSingle: Bool, hidesY: Bool, showsColours: Bool
  ) -> Cell {
    let size = plotSize(panel, scales, columns: columns)
    var cell = Cell(scales: scales, hidesY: hidesY, showsColours: showsColours)
    (cell.plot.width, cell.plot.height) = size
    let boxes = panel.series.filter { $0.style == .box }.map(\.name)
    let names = boxes.isEmpty ? panel.names : boxes
    // Where units are as long on both axes, so are the distances of numbers.
    guard panel.exhibits.isEmpty else {
      cell.title = isSingle ? [] : wrapped(panel.title, width: size.width + 20)
      cell.xLabel = wrapped(panel.x.label, width: size.width + 20)
      return cell
    }
    cell.yTicks = scales.y.ticks(Int(size.height / (panel.hasEqualAspect ? 60 : 45)))
    if names.isEmpty {
      cell.xTicks = fitting(scales.x, width: size.width)
    } else {
      cell.xTicks = names.enumerated().map { AxisScale.Tick(value: Double($0 + 1), label: $1) }
      cell.tilts = widest(cell.xTicks) > size.width / Double(names.count) - 8
    }
    if !isSingle { cell.title = wrapped(panel.title, width: size.width + 20) }
    cell.xLabel = wrapped(panel.x.label, width: size.width + 20)
    cell.yLabel = hidesY ? [] : wrapped(panel.y.label, width: size.height + 20)
    if showsColours, let colour = scales.colour {
      cell.colourTicks = colour.ticks(Int(size.height / 45))
      cell.colourLabel = wrapped(panel.colour.label, width: size.height + 20)
    }
    cell.legend = panel.series.enumerated().filter { !$1.name.isEmpty && $1.style != .box && !$1.y.isEmpty }.map {
      LegendEntry(series: $1, place: $0, lines: wrapped($1.name, width: size.width - sample))
    }
    return cell
  }

  /// Inside of the axes; with an equal aspect the largest part of a square in which a unit is as long on both.
  private static func plotSize(_ panel: Chart.Panel, _ scales: PanelScales, columns: Int) -> (
    width: Double, height: Double
  ) {
    let free = [(520.0, 300.0), (350.0, 240.0), (250.0, 190.0)][columns - 1]
    guard panel.hasEqualAspect else { return free }
    let square = [400.0, 320.0, 250.0][columns - 1]
    // A strip thinner than this cannot be read: the rest of its axis is left empty by the program that draws.
    let ratio = min(4, max(0.25, scales.y.span / scales.x.span))
    return ratio > 1 ? (square / ratio, square) : (square, square * ratio)
  }

  /// As many labels as fit beside each other.
  private static func fitting(_ scale: AxisScale, width: Double) -> [AxisScale.Tick] {
    func taken(_ ticks: [AxisScale.Tick]) -> Double {
      ticks.filter { !$0.label.isEmpty }.reduce(0) { $0 + breadth($1.label) + 14 }
    }
    var count = max(2, Int(width / 60))
    // Half of the first and of the last label is beyond the axis.
    while count > 1, taken(scale.ticks(count)) > width + 20 { count -= 1 }
    let ticks = scale.ticks(count)
    // One number tells nothing of a scale: rather every other one of more.
    guard ticks.count(where: { !$0.label.isEmpty }) < 2 else { return ticks }
    return scale.ticks(count + 2).enumerated().map { $0 % 2 == 0 ? $1 : AxisScale.Tick(value: $1.value, label: "") }
  }

  static func widest(_ ticks: [AxisScale.Tick]) -> Double { ticks.map { breadth($0.label) }.max() ?? 0 }

  /// About how wide a number or a name at an axis is.
  private static func breadth(_ text: String) -> Double {
    // Digits are wider than the mean letter, raised ones smaller.
    text.reduce(0) { $0 + ("⁻⁰¹²³⁴⁵⁶⁷⁸⁹".contains($1) ? 5.5 : $1.isLetter || $1 == "." ? letter : 8.4) }
  }

  /// One legend below all panels where each has the same series.
  private mutating func shareLegend(_ chart: Chart) {
    func names(_ panel: Chart.Panel) -> [String] { panel.series.map { "\($0.style) \($0.name)" } }
    guard chart.panels.count > 1, let first = chart.panels.first,
      chart.panels.allSatisfy({ names($0) == names(first) })
    else { return }
    legend = cells[0].legend
    for c in cells.indices { cells[c].legend = [] }
  }
}

extension ChartLayout {
  /// Gives everything its place: margins are as wide as the widest of their column or row.
  private mutating func place(_ chart: Chart, columns: Int) {
    let rows = stride(from: 0, to: cells.count, by: columns).map { Array($0..<min($0 + columns, cells.count)) }
    var edges = [0.0]
    var lefts: [Double] = []
    for column in 0..<min(columns, cells.count) {
      let members = stride(from: column, to: cells.count, by: columns).map { cells[$0] }
      let left = members.map(ChartLayout.leftMargin).max() ?? 0
      let inside = members.map(\.plot.width).max() ?? 0
      lefts.append(edges[column] + left)
      edges.append(edges[column] + left + inside + (members.map(ChartLayout.rightMargin).max() ?? 0))
    }
    width = max(320, edges.last ?? 0)
    title = ChartLayout.wrapped(chart.title, width: (width - 20) / 1.15)
    var top = 14 + Double(title.count) * (ChartLayout.line + 2)
    for row in rows {
      top += 8 + (row.map { Double(cells[$0].title.count) }.max() ?? 0) * ChartLayout.line
      let inside = row.map { cells[$0].plot.height }.max() ?? 0
      var bottom = top + inside
      for c in row {
        cells[c].plot.x = lefts[c % columns]
        cells[c].plot.y = top
        let begin = cells[c].plot.bottom + ChartLayout.bottomMargin(cells[c])
        let end = ChartLayout.place(
          &cells[c].legend, from: cells[c].plot.x - 20, width: cells[c].plot.width + 40, top: begin)
        bottom = max(bottom, end)
      }
      top = bottom + 6
    }
    if !legend.isEmpty {
      for i in legend.indices {
        legend[i].lines = ChartLayout.wrapped(legend[i].series.name, width: width - 40 - ChartLayout.sample)
      }
      top = ChartLayout.place(&legend, from: 20, width: width - 40, top: top)
    }
    height = (top + 8).rounded(.up)
    width = width.rounded(.up)
  }

  private static func leftMargin(_ cell: Cell) -> Double {
    cell.hidesY ? 12 : 23 + widest(cell.yTicks) + Double(cell.yLabel.count) * line
  }

  private static func rightMargin(_ cell: Cell) -> Double {
    // The last of tilted names goes beyond the axis.
    let overhang = cell.tilts ? 0.87 * widest(cell.xTicks) - cell.plot.width / Double(2 * cell.xTicks.count) : 0
    guard cell.showsColours else { return max(18, 10 + overhang) }
    return bar.gap + bar.width + 24 + widest(cell.colourTicks) + Double(cell.colourLabel.count) * line
  }

  private static func bottomMargin(_ cell: Cell) -> Double {
    tickHeight(cell) + Double(cell.xLabel.count) * line + 8
  }

  /// What the numbers or names below the axis take.
  static func tickHeight(_ cell: Cell) -> Double {
    cell.xTicks.isEmpty ? 8 : cell.tilts ? 14 + 0.5 * widest(cell.xTicks) : 28
  }

  /// Fills rows of a legend in columns of one width, in the middle below a panel.
  ///
  /// - Returns: the lower end.
  private static func place(_ entries: inout [LegendEntry], from left: Double, width: Double, top: Double) -> Double {
    guard !entries.isEmpty else { return top }
    let needed = sample + letter * Double(entries.flatMap(\.lines).map(\.count).max() ?? 0) + 18
    let columns = min(entries.count, max(1, Int(width / needed)))
    let begin = max(8, left + (width - needed * Double(columns) + 18) / 2)
    var y = top + 4
    for start in stride(from: 0, to: entries.count, by: columns) {
      let row = start..<min(start + columns, entries.count)
      for i in row {
        entries[i].x = begin + Double(i - start) * needed
        entries[i].y = y + line / 2
      }
      y += line * Double(entries[row].map(\.lines.count).max() ?? 1) + 1
    }
    return y
  }

  /// Text in lines of at most a width; a word that is longer is broken.
  static func wrapped(_ text: String, width: Double) -> [String] {
    let limit = max(8, Int(width / letter))
    var lines: [String] = []
    for word in text.split(whereSeparator: \.isWhitespace) {
      var rest = Substring(word)
      if let last = lines.last, last.count + 1 + rest.count <= limit {
        lines[lines.count - 1] = "\(last) \(rest)"
        continue
      }
      while rest.count > limit {
        lines.append(String(rest.prefix(limit)))
        rest = rest.dropFirst(limit)
      }
      lines.append(String(rest))
    }
    return lines
  }
}
