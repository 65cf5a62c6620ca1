import Foundation

/// The axes and colours of one panel.
struct PanelScales: Equatable {
  var x: AxisScale, y: AxisScale
  /// Nothing where nothing is coloured.
  var colour: AxisScale?
}

extension Chart {
  /// The scales of each panel, the same in all frames.
  var scales: [PanelScales] {
    let pictures = frames.isEmpty ? [panels] : frames + [panels]
    let parts = panels.indices.map { p in
      pictures.reduce(into: PanelBounds()) { bounds, picture in
        if picture.indices.contains(p) { bounds.include(PanelBounds(picture[p])) }
      }
    }
    return panels.indices.map { p in
      let panel = panels[p]
      // What panel `p` shares with others, taken from all that have the same name at the same place.
      func shared(_ axis: (Panel) -> Axis, _ bounds: (PanelBounds) -> Bounds) -> AxisScale {
        var all = bounds(parts[p])
        for other in panels.indices where other != p && sharesRanges && !panel.hasOwnRanges {
          if !panels[other].hasOwnRanges, axis(panels[other]) == axis(panel) { all.include(bounds(parts[other])) }
        }
        return AxisScale(all, logarithmic: axis(panel).isLogarithmic)
      }
      let colour = shared(\.colour) { panel.palette == .diverging ? $0.colour.symmetric : $0.colour }
      return PanelScales(x: shared(\.x, \.x), y: shared(\.y, \.y), colour: panel.hasColours ? colour : nil)
    }
  }
}

/// The intervals of a panel's numbers.
private struct PanelBounds {
  var x = Bounds(), y = Bounds(), colour = Bounds()

  init() {}

  init(_ panel: Chart.Panel) {
    let isLogarithmic = (x: panel.x.isLogarithmic, y: panel.y.isLogarithmic)
    if let width = panel.heatMap.first?.count {
      // A map ends half a cell beyond the middle of its outer cells.
      x.include(ends(panel.columns, width), positive: isLogarithmic.x)
      y.include(ends(panel.rows, panel.heatMap.count), positive: isLogarithmic.y)
      (x.isExact, y.isExact) = (true, true)
      colour.include(panel.heatMap.joined(), positive: panel.colour.isLogarithmic)
    }
    if let field = panel.field {
      x.include(field.x, positive: isLogarithmic.x)
      y.include(field.y, positive: isLogarithmic.y)
      colour.include(field.magnitudes, positive: panel.colour.isLogarithmic)
    }
    for series in panel.series {
      x.include(series.horizontal, positive: isLogarithmic.x)
      y.include(series.vertical, positive: isLogarithmic.y)
    }
    let names = max(panel.names.count, panel.series.count { $0.style == .box })
    if names > 0 {
      x.include([0.3, Double(names) + 0.7], positive: isLogarithmic.x)
      x.isExact = true
    }
  }

  mutating func include(_ other: PanelBounds) {
    x.include(other.x)
    y.include(other.y)
    colour.include(other.colour)
  }
}

/// Half a cell beyond the first and the last of `count` cells.
private func ends(_ range: ClosedRange<Double>?, _ count: Int) -> [Double] {
  let (first, last) = (range?.lowerBound ?? 0, range?.upperBound ?? Double(count - 1))
  let half = count > 1 ? (last - first) / Double(count - 1) / 2 : 0.5
  return [first - half, last + half]
}

extension Chart.Series {
  /// All positions that have to be seen.
  fileprivate var horizontal: [Double] {
    switch style {
    case .box: []
    case .histogram: histogram.flatMap { [$0.middle - $0.width / 2, $0.middle + $0.width / 2] }
    case .bars: x.flatMap { [$0 - spacing / 2, $0 + spacing / 2] }
    default: x
    }
  }

  /// All values that have to be seen; the foot of bars is one of them, as bars are compared by their length.
  fileprivate var vertical: [Double] {
    switch style {
    case .histogram: [0] + histogram.map(\.count)
    case .bars: [0] + y + lower + upper
    case .band, .errorBars: y + lower + upper
    default: y
    }
  }

  /// The smallest distance between positions; 1 for a single one.
  var spacing: Double {
    let places = Set(x.filter(\.isFinite)).sorted()
    return zip(places.dropFirst(), places).map { $0 - $1 }.min() ?? 1
  }

  /// How many values there are in each of a number of equal intervals.
  var histogram: [(middle: Double, count: Double, width: Double)] {
    let sample = y.filter(\.isFinite)
    guard let low = sample.min(), let high = sample.max() else { return [] }
    // Sturges' rule with twice the bins, since samples here are large and seldom normal.
    let bins = min(100, max(1, Int((log2(Double(sample.count)) + 1).rounded(.up)) * 2))
    let width = high > low ? (high - low) / Double(bins) : 1
    var counts = [Double](repeating: 0, count: bins)
    for value in sample { counts[min(bins - 1, Int((value - low) / width))] += 1 }
    return counts.enumerated().map { (low + (Double($0) + 0.5) * width, $1, width) }
  }
}
