import Settings

/// A mapping by its word: in a configuration `kind` and the keys of that mapping alone.
public struct MappingChoice: Sendable, Equatable, Codable {
  public var mapping: any WeightMapping

  public init(_ mapping: any WeightMapping = DifferentialMapping()) { self.mapping = mapping }

  /// Every mapping that there is.
  public static let builtIn: [any WeightMapping.Type] = [
    DifferentialMapping.self, OffsetMapping.self, UnitColumnMapping.self, TernaryMapping.self, BitSliceMapping.self,
  ]

  /// The default keys of each kind, for `Variants`.
  public static func variants() throws -> [String: ConfigurationValue] {
    try Dictionary(
      uniqueKeysWithValues: builtIn.map { ($0.kind, try ConfigurationValue(encoding: MappingChoice($0.init()))) })
  }

  private enum Keys: CodingKey { case kind }

  public init(from decoder: any Decoder) throws {
    let kind = try decoder.container(keyedBy: Keys.self).decode(String.self, forKey: .kind)
    guard let type = Self.builtIn.first(where: { $0.kind == kind }) else {
      throw CircuitError.invalidSetting(
        "mapping.kind", found: kind, expected: accepted(Self.builtIn.map { $0.kind }, insteadOf: kind))
    }
    mapping = try type.init(from: decoder)
  }

  public func encode(to encoder: any Encoder) throws {
    try mapping.encode(to: encoder)
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(type(of: mapping).kind, forKey: .kind)
  }

  public static func == (a: MappingChoice, b: MappingChoice) -> Bool {
    func equal<M: WeightMapping>(_ x: M) -> Bool { (b.mapping as? M) == x }
    return equal(a.mapping)
  }
}
