import Settings

extension Chart {
  /// One coordinate system.
  public struct Panel: Codable, Sendable, Equatable {
    public var title: String
    public var x: Axis
    public var y: Axis
    public var series: [Series]
    /// Rows of a map from below; series are drawn over it.
    public var heatMap: [[Double]]
    /// Whether a unit is as long on both axes: right where both show the same quantity.
    public var hasEqualAspect: Bool
    /// Whether the panel keeps out of the ranges and colours that other panels share.
    public var hasOwnRanges = false
    /// What the colours of the map, or of the arrows, show.
    public var colour = Axis("")
    public var palette = Palette.sequential
    /// Positions of the map's first and last column; their numbers from 0 where nothing is said.
    public var columns: ClosedRange<Double>?
    /// Positions of the map's first and last row; their numbers from 0 where nothing is said.
    public var rows: ClosedRange<Double>?
    /// Arrows below the series.
    public var field: VectorField?
    /// What stands at the positions 1, 2, … of the x axis in place of numbers; empty for numbers.
    public var names: [String] = []
    /// Small pictures in rows, in place of axes and everything else; the x axis' label stands below them.
    public var exhibits: [Exhibit] = []

    public init(
      _ title: String = "", x: Axis, y: Axis, series: [Series] = [], heatMap: [[Double]] = [],
      equalAspect: Bool = false
    ) {
      self.title = title
      self.x = x
      self.y = y
      self.series = series
      self.heatMap = heatMap
      hasEqualAspect = equalAspect
    }

    /// Reports of earlier versions lack what was added since; they get the defaults.
    public init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      self.init(
        try values.decode(String.self, forKey: .title), x: try values.decode(Axis.self, forKey: .x),
        y: try values.decode(Axis.self, forKey: .y), series: try values.decode([Series].self, forKey: .series),
        heatMap: try values.decode([[Double]].self, forKey: .heatMap),
        equalAspect: try values.decodeIfPresent(Bool.self, forKey: .hasEqualAspect) ?? false)
      hasOwnRanges = try values.decodeIfPresent(Bool.self, forKey: .hasOwnRanges) ?? hasOwnRanges
      colour = try values.decodeIfPresent(Axis.self, forKey: .colour) ?? colour
      palette = try values.decodeIfPresent(Palette.self, forKey: .palette) ?? palette
      columns = try values.decodeIfPresent(ClosedRange<Double>.self, forKey: .columns)
      rows = try values.decodeIfPresent(ClosedRange<Double>.self, forKey: .rows)
      field = try values.decodeIfPresent(VectorField.self, forKey: .field)
      names = try values.decodeIfPresent([String].self, forKey: .names) ?? names
      exhibits = try values.decodeIfPresent([Exhibit].self, forKey: .exhibits) ?? exhibits
    }

    /// Whether anything in the panel is coloured by a scale.
    var hasColours: Bool { !heatMap.isEmpty || field != nil }
  }

  /// The colours of a scale.
  public enum Palette: String, ConfigurationChoice {
    /// From dark to bright, for quantities with one direction.
    case sequential
    /// From blue over white to red, for quantities that have two; its scale is as long on both sides of zero.
    case diverging
    /// From pale to dark grey, for what is behind something else.
    case grey
  }

  /// Arrows that show a direction at points of the plane: all of one length, as long ones would cover others; how large the
  /// vectors are is in their colour.
  public struct VectorField: Codable, Sendable, Equatable {
    /// Where the arrows are.
    public var x: [Double], y: [Double]
    /// Components of the vectors along both axes, in units of the axes.
    public var alongX: [Double], alongY: [Double]

    public init(x: [Double], y: [Double], alongX: [Double], alongY: [Double]) {
      self.x = x
      self.y = y
      self.alongX = alongX
      self.alongY = alongY
    }

    /// Lengths of the vectors.
    var magnitudes: [Double] { zip(alongX, alongY).map { ($0 * $0 + $1 * $1).squareRoot() } }
  }
}
