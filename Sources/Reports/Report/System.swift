import Foundation
import Settings

/// How large a run is.
public enum Scale: String, ConfigurationChoice {
  /// Minutes on two cores.
  case quick
  /// As published.
  case paper
}

/// A published system, or anything else that can be run, swept and reported.
public protocol System: Sendable {
  /// Every number that someone may want to change, with units in the names. It has no optional values.
  associatedtype Configuration: Codable & Sendable
  static var card: Card { get }
  static func configuration(_ scale: Scale) -> Configuration
  /// The hardware it was published on, as far as known: defaults of the substrate's keys.
  static var substrate: SubstrateChoice { get }
  /// Checks what the types cannot.
  ///
  /// - Throws: `ConfigurationError` naming the key.
  static func validate(_ configuration: Configuration) throws
  static func run(_ configuration: Configuration, in context: RunContext) throws -> Report
}

extension System {
  public static var substrate: SubstrateChoice { SubstrateChoice() }
  public static func validate(_ configuration: Configuration) throws {}
}

/// What a system is and what is claimed of it.
public struct Card: Codable, Sendable {
  /// What it is called on the command line.
  public var name: String
  public var title: String
  /// The publication, or what it is instead.
  public var source: String
  /// One paragraph.
  public var summary: String
  public var claims: [Claim]
  /// Names of the data sets it reads, as in `kirchhoff data list`.
  public var datasets: [String]
  /// Whether the substrate changes its figures.
  public var usesSubstrate: Bool

  public init(
    name: String, title: String, source: String, summary: String, claims: [Claim] = [], datasets: [String] = [],
    usesSubstrate: Bool = true
  ) {
    self.name = name
    self.title = title
    self.source = source
    self.summary = summary
    self.claims = claims
    self.datasets = datasets
    self.usesSubstrate = usesSubstrate
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

  public init(_ figure: String, published: Double, within tolerance: Tolerance, at place: String) {
    self.figure = figure
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

  public enum Tolerance: Sendable {
    case relative(Double)
    case absolute(Double)
    case atLeast
    case atMost
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
