/// Groups of keys in which the word `kind` selects what other keys there are.
public struct Variants: Sendable {
  /// For each group, by its path: the default keys of each kind, `kind` among them.
  private var groups: [String: [String: ConfigurationValue]]

  public init(_ groups: [String: [String: ConfigurationValue]] = [:]) { self.groups = groups }

  /// The same groups below another path.
  public func below(_ path: String) -> Variants {
    Variants(Dictionary(uniqueKeysWithValues: groups.map { ("\(path).\($0.key)", $0.value) }))
  }

  public func merging(_ other: Variants) -> Variants { Variants(groups.merging(other.groups) { $1 }) }

  /// The defaults of a group for the kind that `changes` ask for, where it is not the present one.
  ///
  /// - Throws: `ConfigurationError.invalidValue` for an unknown kind.
  func replacement(
    at path: String, for present: [String: ConfigurationValue], _ changes: [String: ConfigurationValue]
  ) throws(ConfigurationError) -> [String: ConfigurationValue]? {
    guard let kinds = groups[path], let wanted = changes["kind"], wanted != present["kind"] else { return nil }
    guard case .map(let defaults)? = kinds[wanted.text] else {
      throw .invalidValue(
        key: "\(path).kind", found: wanted.text, expected: accepted(kinds.keys.sorted(), insteadOf: wanted.text))
    }
    return defaults
  }
}
