import Chips
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
    _ system: SystemKeys, scale: Scale? = nil, seed: UInt64? = nil, file: ConfigurationFile? = nil,
    assignments: [String] = []
  ) throws {
    self.system = system.name
    self.scale = scale ?? file?.scale ?? .quick
    self.seed = seed ?? file?.seed ?? 1
    configuration = try system.defaults(self.scale)
    substrate = try ConfigurationValue(encoding: system.substrate)
    if let file {
      if let name = file.system, name != system.name {
        throw ConfigurationError.invalidValue(key: "system", found: name, expected: system.name)
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
  public func check(_ system: SystemKeys) throws {
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

/// What can be set in the runs of one system.
public struct SystemKeys: Sendable {
  /// What the system is called on the command line.
  public let name: String
  /// Defaults of the substrate's keys.
  public let substrate: SubstrateChoice
  /// The resolved default configuration.
  public let defaults: @Sendable (Scale) throws -> ConfigurationValue
  /// Checks a configuration.
  public let check: @Sendable (ConfigurationValue) throws -> Void

  public init(
    name: String, substrate: SubstrateChoice, defaults: @escaping @Sendable (Scale) throws -> ConfigurationValue,
    check: @escaping @Sendable (ConfigurationValue) throws -> Void
  ) {
    (self.name, self.substrate, self.defaults, self.check) = (name, substrate, defaults, check)
  }
}
