import Settings

/// How large a run is.
public enum Scale: String, ConfigurationChoice {
  /// Seconds on two cores: shows that everything works, and nothing else.
  case smallest
  /// Minutes on two cores.
  case quick
  /// As published.
  case paper
}

/// One number.
public struct Figure: Codable, Sendable, Equatable {
  public var name: String
  public var value: Double
  /// SI unit or words such as "fraction"; empty for counts.
  public var unit: String
  public var origin: Origin
  /// What it was found on, where that is not plain: "synthetic stand-in" has to be said here.
  public var data: String
  /// Half of the 95 % confidence interval, or the spread over draws; 0 for exact numbers.
  public var uncertainty: Double

  public init(name: String, value: Double, unit: String, origin: Origin, data: String, uncertainty: Double) {
    (self.name, self.value, self.unit, self.origin) = (name, value, unit, origin)
    (self.data, self.uncertainty) = (data, uncertainty)
  }
}

/// How a number came about.
public enum Origin: String, ConfigurationChoice {
  /// From data that someone measured.
  case measured
  /// By running the computation on simulated hardware or in exact arithmetic.
  case simulated
  /// From an equation, for comparison.
  case closedForm = "closed form"
  /// From component figures.
  case projected
}

/// A data set that a run read.
public struct DataUse: Codable, Sendable, Equatable {
  public var name: String
  /// Of the files' checksums, in the order of their names.
  public var sha256: String

  public init(name: String, sha256: String) {
    self.name = name
    self.sha256 = sha256
  }
}

/// A published number, and how near ours has to come.
public struct Claim: Codable, Sendable, Equatable {
  /// Name of the figure in the report.
  public var figure: String
  public var published: Double
  /// Lowest and highest value that count as reached.
  public var lowest: Double, highest: Double
  /// Where the number stands: figure, table or equation.
  public var place: String

  /// Settings without which the figure is not found, such as `task=letters` or `scale=paper`.
  public var needs: [String]

  public init(
    _ figure: String, published: Double, within tolerance: Tolerance, at place: String, needs: [String] = []
  ) {
    self.figure = figure
    self.needs = needs
    self.published = published
    self.place = place
    switch tolerance {
    case .relative(let part):
      (lowest, highest) = (published - abs(published) * part, published + abs(published) * part)
    case .absolute(let distance): (lowest, highest) = (published - distance, published + distance)
    case .atLeast: (lowest, highest) = (published, .greatestFiniteMagnitude)
    case .atMost: (lowest, highest) = (-.greatestFiniteMagnitude, published)
    }
  }

  private enum Keys: CodingKey { case figure, published, lowest, highest, place, needs }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Keys.self)
    figure = try values.decode(String.self, forKey: .figure)
    published = try values.decode(Double.self, forKey: .published)
    lowest = try values.decode(Double.self, forKey: .lowest)
    highest = try values.decode(Double.self, forKey: .highest)
    place = try values.decode(String.self, forKey: .place)
    // Records of earlier versions have none.
    needs = try values.decodeIfPresent([String].self, forKey: .needs) ?? []
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Keys.self)
    try values.encode(figure, forKey: .figure)
    try values.encode(published, forKey: .published)
    try values.encode(lowest, forKey: .lowest)
    try values.encode(highest, forKey: .highest)
    try values.encode(place, forKey: .place)
    try values.encode(needs, forKey: .needs)
  }

  public enum Tolerance: Sendable {
    case relative(Double)
    case absolute(Double)
    case atLeast
    case atMost
  }
}

/// A claim beside our number.
public struct Outcome: Codable, Sendable {
  public var claim: Claim
  public var figure: Figure?
  public var status: Status

  public init(claim: Claim, figure: Figure?, status: Status) {
    (self.claim, self.figure, self.status) = (claim, figure, status)
  }

  /// What became of it, in words; where it was not run, what it needs.
  public var words: String {
    status == .notRun && !claim.needs.isEmpty
      ? "not run: needs \(claim.needs.joined(separator: ", "))" : status.rawValue
  }

  public enum Status: String, Codable, Sendable {
    case reached
    case notReached = "not reached"
    /// The run did not compute the figure.
    case notRun = "not run"
  }
}

/// What a run found, without what is drawn of it.
public struct Findings: Sendable {
  public var figures: [Figure], outcomes: [Outcome], data: [DataUse]

  public init(figures: [Figure], outcomes: [Outcome], data: [DataUse]) {
    (self.figures, self.outcomes, self.data) = (figures, outcomes, data)
  }
}
