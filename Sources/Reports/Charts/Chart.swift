import Settings

/// A picture of numbers: one panel, or several beside each other with the same layout.
public struct Chart: Codable, Sendable, Equatable {
  public var title: String
  public var panels: [Panel]

  public init(_ title: String, panels: [Panel]) {
    self.title = title
    self.panels = panels
  }

  /// A chart with one panel.
  public init(_ title: String, x: Axis, y: Axis, _ series: [Series]) {
    self.init(title, panels: [Panel(x: x, y: y, series: series)])
  }

  /// One coordinate system.
  public struct Panel: Codable, Sendable, Equatable {
    public var title: String
    public var x: Axis
    public var y: Axis
    public var series: [Series]
    /// Rows of a heat map from below; drawn instead of the series where it is not empty.
    public var heatMap: [[Double]]

    public init(_ title: String = "", x: Axis, y: Axis, series: [Series] = [], heatMap: [[Double]] = []) {
      self.title = title
      self.x = x
      self.y = y
      self.series = series
      self.heatMap = heatMap
    }
  }

  /// What an axis shows.
  public struct Axis: Codable, Sendable, Equatable {
    public var label: String
    public var isLogarithmic: Bool

    /// - Parameter unit: appended to the label; empty for dimensionless quantities.
    public init(_ label: String, unit: String = "", logarithmic: Bool = false) {
      self.label = unit.isEmpty ? label : "\(label) (\(unit))"
      isLogarithmic = logarithmic
    }
  }

  /// Numbers that belong together.
  public struct Series: Codable, Sendable, Equatable {
    public var name: String
    public var style: Style
    public var x: [Double]
    public var y: [Double]
    /// Ends of error bars or of a band; empty without.
    public var lower: [Double], upper: [Double]

    /// - Parameters:
    ///   - x: positions; for a histogram and a box plot empty.
    ///   - y: values; for a histogram and a box plot the sample.
    public init(
      _ name: String, _ style: Style, x: [Double] = [], y: [Double], lower: [Double] = [], upper: [Double] = []
    ) {
      self.name = name
      self.style = style
      self.x = x
      self.y = y
      self.lower = lower
      self.upper = upper
    }
  }

  public enum Style: String, ConfigurationChoice {
    case line, scatter, lineWithPoints, band, errorBars, histogram, box, bars
  }
}
