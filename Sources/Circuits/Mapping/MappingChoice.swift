import Settings
import Tensors

/// A mapping by its word: in a configuration `kind` and the keys of that mapping alone.
public struct MappingChoice: Sendable, Equatable, Codable {
  public var mapping: any WeightMapping

  public init(_ mapping: any WeightMapping = DifferentialMapping()) { self.mapping = mapping }

  /// Every mapping of this package.
  public static let builtIn: [any WeightMapping.Type] = [
    DifferentialMapping.self, OffsetMapping.self, UnitColumnMapping.self, TernaryMapping.self, BitSliceMapping.self,
  ]

  private static let added = Locked<[any WeightMapping.Type]>([])

  /// Makes a mapping from outside this package known by its word; the last one of a word counts.
  public static func add(_ type: any WeightMapping.Type) { added.withLock { $0.append(type) } }

  /// Mappings by their words.
  public static var kinds: [String: any WeightMapping.Type] {
    Dictionary((builtIn + added.withLock { $0 }).map { ($0.kind, $0) }) { $1 }
  }

  /// The default keys of each kind, for `Variants`.
  public static func variants() throws -> [String: ConfigurationValue] {
    try kinds.mapValues { try ConfigurationValue(encoding: MappingChoice($0.init())) }
  }

  private enum Keys: CodingKey { case kind }

  public init(from decoder: any Decoder) throws {
    let kind = try decoder.container(keyedBy: Keys.self).decode(String.self, forKey: .kind)
    guard let type = Self.kinds[kind] else {
      throw CircuitError.invalidSetting(
        "mapping.kind", found: kind, expected: accepted(Self.kinds.keys.sorted(), insteadOf: kind))
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
