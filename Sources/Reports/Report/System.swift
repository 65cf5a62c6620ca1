import Chips
import Runs
import Settings

/// A published system, or anything else that can be run, swept and reported.
public protocol System: Sendable {
  /// Every number that someone may want to change, with units in the names. It has no optional values.
  associatedtype Configuration: Codable & Sendable
  static var card: Card { get }
  static func configuration(_ scale: Scale) -> Configuration
  /// The hardware it was published on, as far as known: defaults of the substrate's keys.
  static var substrate: SubstrateChoice { get }
  /// What numbers may be, by key.
  static var ranges: SettingRanges { get }
  /// Checks what types and ranges cannot.
  ///
  /// - Throws: `ConfigurationError` naming the key.
  static func validate(_ configuration: Configuration) throws
  static func run(_ configuration: Configuration, in context: RunContext) throws -> Report
}

extension System {
  public static var substrate: SubstrateChoice { SubstrateChoice() }
  public static var ranges: SettingRanges { [:] }
  public static func validate(_ configuration: Configuration) throws {}
  /// What the list of systems takes from a module: a type that is called like it has them.
  public static var systems: [any System.Type] { [Self.self] }
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

/// A system without its type, as the command line needs it.
public struct AnySystem: Sendable {
  public let card: Card
  public let keys: SystemKeys
  public let ranges: SettingRanges
  /// Runs it with a checked configuration.
  public let run: @Sendable (ConfigurationValue, RunContext) throws -> Report

  public init<S: System>(_ type: S.Type) {
    card = S.card
    keys = SystemKeys(
      name: S.card.name, substrate: S.substrate, defaults: { try ConfigurationValue(encoding: S.configuration($0)) },
      check: {
        let configuration = try $0.configuration(S.Configuration.self)
        try S.ranges.check($0)
        try S.validate(configuration)
      })
    ranges = S.ranges
    run = { try S.run($0.configuration(S.Configuration.self), in: $1) }
  }
}
