import Chips
import Foundation
import Settings

/// A configuration in a YAML file:
///
///     schema: 2
///     system: mimo-ofdm
///     scale: quick
///     seed: 7
///     configuration: { streams: 4 }
///     substrate: { kind: analog, macro: { output: { bits: 6 } } }
public struct ConfigurationFile: Sendable, Equatable {
  public var system: String?
  public var scale: Scale?
  public var seed: UInt64?
  public var configuration = ConfigurationValue.map([:])
  public var substrate = ConfigurationValue.map([:])

  /// The schema this program writes, and the ways from older ones to it.
  public static let schema = SchemaVersions(current: 2, steps: [1: SubstrateChoice.migratedFromVersion1])

  public init(contentsOf path: String) throws {
    guard let data = FileManager.default.contents(atPath: path), data.count < 10 << 20 else {
      throw ConfigurationError.unreadable(path: path)
    }
    try self.init(tree: ConfigurationValue(yaml: String(decoding: data, as: UTF8.self)))
  }

  package init(tree: ConfigurationValue, schema: SchemaVersions = ConfigurationFile.schema) throws(ConfigurationError) {
    var entries = try schema.migrated(tree)
    entries["schema"] = nil
    for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
      switch (key, value) {
      case ("system", .string(let name)): system = name
      case ("scale", .string(let name)):
        guard let scale = Scale(rawValue: name) else {
          throw .invalidValue(
            key: "scale", found: name, expected: Scale.allCases.map(\.rawValue).joined(separator: ", "))
        }
        self.scale = scale
      case ("seed", .integer(let number)) where number >= 0: seed = UInt64(number)
      case ("configuration", .map): configuration = value
      case ("substrate", .map): substrate = value
      case ("configuration", .null), ("substrate", .null): break
      case ("system", _), ("scale", _): throw .wrongKind(key: key, found: value.text, expected: "a name")
      case ("seed", _): throw .wrongKind(key: key, found: value.text, expected: "a whole number, 0 or more")
      case ("configuration", _), ("substrate", _):
        throw .wrongKind(key: key, found: value.text, expected: "keys and values")
      default:
        throw .unknownKey(key: key, accepted: ["schema", "system", "scale", "seed", "configuration", "substrate"])
      }
    }
  }
}

/// Which versions of a file's layout are read: older ones are brought to the current one step by step.
public struct SchemaVersions: Sendable {
  public let current: Int
  /// From each older version to the next.
  package let steps:
    [Int: @Sendable ([String: ConfigurationValue]) throws(ConfigurationError) -> [String: ConfigurationValue]]

  package init(
    current: Int,
    steps: [Int: @Sendable ([String: ConfigurationValue]) throws(ConfigurationError) -> [String: ConfigurationValue]]
  ) {
    self.current = current
    self.steps = steps
  }

  /// The entries of a file in the current layout.
  ///
  /// - Throws: `ConfigurationError.unsupportedSchema` with the reason.
  package func migrated(_ tree: ConfigurationValue) throws(ConfigurationError) -> [String: ConfigurationValue] {
    guard case .map(var entries) = tree else {
      throw .malformed(place: "the file", problem: "it is \(tree.kind), expected keys and values")
    }
    guard let found = entries["schema"] else {
      throw .unsupportedSchema(
        found: "absent", reason: "without it nobody can tell what the keys mean; add `schema: \(current)`")
    }
    guard case .integer(var version) = found else {
      throw .unsupportedSchema(found: found.text, reason: "expected a whole number; write `schema: \(current)`")
    }
    if version > current {
      throw .unsupportedSchema(
        found: "\(version)", reason: "this program reads up to \(current); install a newer version of it")
    }
    while version < current {
      guard let step = steps[version] else {
        throw .unsupportedSchema(
          found: "\(version)",
          reason: "no released version wrote it; the current layout is \(current), see the documentation")
      }
      entries = try step(entries)
      version += 1
    }
    guard version == current else {
      throw .unsupportedSchema(found: "\(version)", reason: "expected \(current)")
    }
    entries["schema"] = .integer(current)
    return entries
  }
}
