import Settings

/// A picture of numbers: one panel, or several beside each other.
///
/// Panels whose axes have the same names are there to be compared, so they share the ranges of these axes and the scale
/// of their colours, unless the chart or a panel says otherwise.
public struct Chart: Codable, Sendable, Equatable {
  public var title: String
  public var panels: [Panel]
  /// Whether panels whose axes (or colours) have the same names share the ranges of them.
  public var sharesRanges = true
  /// The panels at successive times; empty for a chart that stands still. `panels` is then the still picture for print.
  public var frames: [[Panel]] = []
  /// How long a frame is shown, in seconds.
  public var secondsPerFrame = 0.1

  public init(_ title: String, panels: [Panel], sharesRanges: Bool = true) {
    self.title = title
    self.panels = panels
    self.sharesRanges = sharesRanges
  }

  /// A chart with one panel.
  public init(_ title: String, x: Axis, y: Axis, _ series: [Series], equalAspect: Bool = false) {
    self.init(title, panels: [Panel(x: x, y: y, series: series, equalAspect: equalAspect)])
  }

  /// A chart that moves.
  ///
  /// - Parameters:
  ///   - frames: one or more, all with as many panels; all are drawn with the same ranges.
  ///   - still: number of the frame that is printed, from 0; the last where nothing is said.
  ///   - secondsPerFrame: how long each is shown, in seconds.
  public init(_ title: String, frames: [[Panel]], still: Int? = nil, secondsPerFrame: Double = 0.1) {
    let place = still ?? frames.count - 1
    self.init(title, panels: frames.indices.contains(place) ? frames[place] : frames.last ?? [])
    self.frames = frames
    self.secondsPerFrame = secondsPerFrame
  }

  /// Reports of earlier versions lack what was added since; they get the defaults.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(try values.decode(String.self, forKey: .title), panels: try values.decode([Panel].self, forKey: .panels))
    sharesRanges = try values.decodeIfPresent(Bool.self, forKey: .sharesRanges) ?? sharesRanges
    frames = try values.decodeIfPresent([[Panel]].self, forKey: .frames) ?? frames
    secondsPerFrame = try values.decodeIfPresent(Double.self, forKey: .secondsPerFrame) ?? secondsPerFrame
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

  /// How numbers are drawn: `band` fills the space between the ends, `errorBars` draws a bar from one to the other.
  public enum Style: String, ConfigurationChoice {
    case line, scatter, lineWithPoints, band, errorBars, histogram, box, bars

    /// Whether only the values count, as a sample of a distribution.
    var isSample: Bool { self == .histogram || self == .box }
    var hasEnds: Bool { self == .band || self == .errorBars }
  }
}
