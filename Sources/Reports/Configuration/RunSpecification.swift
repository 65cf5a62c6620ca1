import Foundation
import Settings

/// All that decides what a run computes: with the same data it gives the same figures.
public struct RunSpecification: Codable, Sendable, Equatable {
  public var system: String
  public var scale: Scale
  public var seed: UInt64
  /// Every key of the system, resolved.
  public var configuration: ConfigurationValue
  /// Every key of the substrate, resolved.
  public var substrate: ConfigurationValue

  /// Defaults of a system, a file over them, assignments over both.
  ///
  /// - Parameter assignments: `key=value`; `seed` and keys that begin with `substrate.` are known everywhere.
  /// - Throws: `ConfigurationError` naming the key.
  public init(
    _ system: AnySystem, scale: Scale? = nil, seed: UInt64? = nil, file: ConfigurationFile? = nil,
    assignments: [String] = []
  ) throws {
    self.system = system.card.name
    self.scale = scale ?? file?.scale ?? .quick
    self.seed = seed ?? file?.seed ?? 1
    configuration = try system.defaults(self.scale)
    substrate = try ConfigurationValue(encoding: system.substrate)
    if let file {
      if let name = file.system, name != system.card.name {
        throw ConfigurationError.invalidValue(key: "system", found: name, expected: system.card.name)
      }
      configuration = try configuration.overlaid(with: file.configuration)
      substrate = try substrate.overlaid(with: file.substrate, at: "substrate", variants: SubstrateChoice.variants())
    }
    // Words that select what keys there are come first, whatever the order in which they were given.
    for assignment in assignments.filter({ $0.contains(".kind=") }) + assignments.filter({ !$0.contains(".kind=") }) {
      guard let equals = assignment.firstIndex(of: "=") else {
        throw ConfigurationError.malformed(place: "--set \(assignment)", problem: "it is not key=value")
      }
      let text = String(assignment[assignment.index(after: equals)...])
      try set(
        String(assignment[..<equals]),
        to: text.hasPrefix("[") ? ConfigurationValue(yaml: text) : ConfigurationValue(text: text))
    }
    try check(system)
  }

  /// Sets one key.
  public mutating func set(_ key: String, to value: ConfigurationValue) throws {
    if key == "seed" {
      guard case .integer(let number) = value, number >= 0 else {
        throw ConfigurationError.invalidValue(key: "seed", found: value.text, expected: "a whole number, 0 or more")
      }
      seed = UInt64(number)
    } else if key.hasPrefix("substrate.") {
      substrate = try substrate.setting(
        String(key.dropFirst(10)), to: value, at: "substrate", variants: SubstrateChoice.variants())
    } else {
      do { configuration = try configuration.setting(key, to: value) } catch ConfigurationError.unknownKey(
        let key, let accepted) where !key.contains(".")
      {
        throw ConfigurationError.unknownKey(key: key, accepted: accepted + ["seed", "substrate.…"])
      }
    }
  }

  /// Checks every value.
  public func check(_ system: AnySystem) throws {
    try substrate.configuration(SubstrateChoice.self, at: "substrate").validate()
    try system.check(configuration)
  }

  /// Every setting by its key; component figures only where they are not the standard ones.
  public var settings: [(key: String, value: ConfigurationValue)] {
    let standard = (try? ConfigurationValue(encoding: SubstrateChoice().components)) ?? .null
    let prefix = "components."
    let hardware = substrate.leaves().filter { key, value in
      !key.hasPrefix(prefix) || standard[String(key.dropFirst(prefix.count))] != value
    }
    return [
      ("system", .string(system)), ("scale", .string(scale.rawValue)), ("seed", .integer(Int(clamping: seed))),
    ] + configuration.leaves() + hardware.map { ("substrate.\($0.key)", $0.value) }
  }

  /// As a configuration file, which gives this specification again.
  public var yaml: String {
    func lines(_ value: ConfigurationValue, _ indent: String) -> String {
      guard case .map(let entries) = value else { return "" }
      return entries.sorted { $0.key < $1.key }.map { key, value in
        switch value {
        case .map: "\(indent)\(key):\n" + lines(value, indent + "  ")
        case .string(let text):
          "\(indent)\(key): \"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\"\n"
        default: "\(indent)\(key): \(value.text)\n"
        }
      }.joined()
    }
    return """
      schema: \(ConfigurationFile.schema.current)
      system: \(system)
      scale: \(scale.rawValue)
      seed: \(seed)
      configuration:\(lines(configuration, "  ").isEmpty ? " {}\n" : "\n" + lines(configuration, "  "))substrate:
      \(lines(substrate, "  "))
      """
  }
}

/// A system without its type, as the command line needs it.
public struct AnySystem: Sendable {
  public let card: Card
  /// Defaults of the substrate's keys.
  public let substrate: SubstrateChoice
  /// The resolved default configuration.
  public let defaults: @Sendable (Scale) throws -> ConfigurationValue
  /// Checks a configuration.
  public let check: @Sendable (ConfigurationValue) throws -> Void
  /// Runs it.
  public let run: @Sendable (ConfigurationValue, RunContext) throws -> Report

  public init<S: System>(_ type: S.Type) {
    card = S.card
    substrate = S.substrate
    defaults = { try ConfigurationValue(encoding: S.configuration($0)) }
    check = { try S.validate($0.configuration(S.Configuration.self)) }
    run = { try S.run($0.configuration(S.Configuration.self), in: $1) }
  }
}

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
          throw .invalidValue(key: "scale", found: name, expected: "quick or paper")
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
