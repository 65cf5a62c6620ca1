import Foundation
import Yams

/// A configuration as a tree: what YAML and JSON files hold.
public indirect enum ConfigurationValue: Sendable, Equatable, Codable {
  case null
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case list([ConfigurationValue])
  case map([String: ConfigurationValue])

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .boolean(value)
    } else if let value = try? container.decode(Int.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([ConfigurationValue].self) {
      self = .list(value)
    } else {
      self = .map(try container.decode([String: ConfigurationValue].self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .boolean(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .list(let value): try container.encode(value)
    case .map(let value): try container.encode(value)
    }
  }

  /// The tree of a value, by its `Encodable` form.
  public init(encoding value: some Encodable) throws {
    self = try JSONDecoder().decode(ConfigurationValue.self, from: JSONEncoder().encode(value))
  }

  /// A value from its tree.
  public func decoded<T: Decodable>(_ type: T.Type) throws -> T {
    try JSONDecoder().decode(type, from: JSONEncoder().encode(self))
  }

  /// The tree of a YAML text. JSON is YAML.
  public init(yaml: String) throws(ConfigurationError) {
    do {
      guard let node = try Yams.compose(yaml: yaml) else {
        throw ConfigurationError.malformed(place: "the file", problem: "it is empty")
      }
      self = try ConfigurationValue(node: node, depth: 0)
    } catch let error as ConfigurationError {
      throw error
    } catch {
      throw ConfigurationError.malformed(place: "the file", problem: "it is no YAML: \(error)")
    }
  }

  private init(node: Node, depth: Int) throws(ConfigurationError) {
    // Aliases can make a small file expand without bound; depth bounds recursion.
    guard depth < 64 else { throw .malformed(place: "the file", problem: "it is nested deeper than 64 levels") }
    switch node {
    case .scalar(let scalar): self = ConfigurationValue(scalar: scalar)
    case .sequence(let sequence):
      var items: [ConfigurationValue] = []
      for item in sequence { items.append(try ConfigurationValue(node: item, depth: depth + 1)) }
      self = .list(items)
    case .mapping(let mapping):
      var result: [String: ConfigurationValue] = [:]
      for (key, value) in mapping {
        guard let name = key.string else {
          throw .malformed(place: "the file", problem: "it has a key that is no text")
        }
        guard result[name] == nil else { throw .malformed(place: name, problem: "the key is given twice") }
        result[name] = try ConfigurationValue(node: value, depth: depth + 1)
      }
      self = .map(result)
    case .alias: throw .malformed(place: "the file", problem: "aliases are not supported")
    }
  }

  private init(scalar: Node.Scalar) {
    let text = scalar.string
    if scalar.style == .singleQuoted || scalar.style == .doubleQuoted {
      self = .string(text)
    } else {
      self = ConfigurationValue(text: text)
    }
  }

  /// What a bare word means: null, true, false, a number (1e-6 too), else text.
  public init(text: String) {
    if ["null", "~", ""].contains(text) {
      self = .null
    } else if let value = Int(text) {
      self = .integer(value)
    } else if let value = Double(text), value.isFinite, text.first?.isLetter == false {
      self = .number(value)
    } else if text == "true" || text == "false" {
      self = .boolean(text == "true")
    } else {
      self = .string(text)
    }
  }

  /// Every leaf with its path, such as `device.readNoise`; lists are leaves.
  public func leaves(prefix: String = "") -> [(key: String, value: ConfigurationValue)] {
    guard case .map(let entries) = self else { return [(prefix, self)] }
    return entries.sorted { $0.key < $1.key }.flatMap {
      $0.value.leaves(prefix: prefix.isEmpty ? $0.key : "\(prefix).\($0.key)")
    }
  }

  /// The value at a path.
  public subscript(path: String) -> ConfigurationValue? {
    var current = self
    for part in path.split(separator: ".") {
      guard case .map(let entries) = current, let next = entries[String(part)] else { return nil }
      current = next
    }
    return current
  }

  /// As a number, where it is one.
  public var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// As people write it: one line.
  public var text: String {
    switch self {
    case .null: "null"
    case .boolean(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(value)"
    case .string(let value): value
    case .list(let value): "[" + value.map(\.text).joined(separator: ", ") + "]"
    case .map(let value):
      "{" + value.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.text)" }.joined(separator: ", ") + "}"
    }
  }

  /// What kind of value it is, for messages.
  package var kind: String {
    switch self {
    case .null: "nothing"
    case .boolean: "true or false"
    case .integer: "a whole number"
    case .number: "a number"
    case .string: "text"
    case .list: "a list"
    case .map: "a group of keys"
    }
  }
}

/// What can be wrong with a configuration. Every message names the key and what to do.
public enum ConfigurationError: Error, Equatable, CustomStringConvertible {
  case unknownKey(key: String, accepted: [String])
  case wrongKind(key: String, found: String, expected: String)
  case invalidValue(key: String, found: String, expected: String)
  case malformed(place: String, problem: String)
  /// A file of another schema version than this program reads.
  case unsupportedSchema(found: String, reason: String)
  case unreadable(path: String)

  public var description: String {
    switch self {
    case .unknownKey(let key, let accepted):
      "there is no key `\(key)`: "
        + (nearest(to: key.split(separator: ".").last.map(String.init) ?? key, in: accepted).map {
          "did you mean `\($0)`? "
        } ?? "") + "accepted are \(accepted.joined(separator: ", "))"
    case .wrongKind(let key, let found, let expected): "`\(key)` is \(found), expected \(expected): change it"
    case .invalidValue(let key, let found, let expected): "`\(key)` is \(found), expected \(expected): change it"
    case .malformed(let place, let problem): "\(place): \(problem): correct it"
    case .unsupportedSchema(let found, let reason): "`schema` is \(found): \(reason)"
    case .unreadable(let path): "\(path) cannot be read: check the name and its permissions"
    }
  }
}
