extension ConfigurationValue {
  /// Puts the values of `changes` over this tree. Every key has to exist here, with a value of the same kind. Where `variants`
  /// has a group, another `kind` brings the keys of that kind, with their defaults.
  ///
  /// - Throws: `ConfigurationError` naming the key, what was found and what is accepted.
  public func overlaid(with changes: ConfigurationValue, at path: String = "", variants: Variants = Variants())
    throws(ConfigurationError) -> ConfigurationValue
  {
    switch (self, changes) {
    case (.map(var entries), .map(let new)):
      if let other = try variants.replacement(at: path, for: entries, new) { entries = other }
      for (key, value) in new.sorted(by: { $0.key < $1.key }) {
        let place = path.isEmpty ? key : "\(path).\(key)"
        guard let present = entries[key] else {
          throw .unknownKey(key: place, accepted: entries.keys.sorted())
        }
        entries[key] = try present.overlaid(with: value, at: place, variants: variants)
      }
      return .map(entries)
    case (.integer, .integer), (.number, .number), (.string, .string), (.boolean, .boolean), (.null, _): return changes
    case (.list(let present), .list(let new)):
      // A list of numbers stays one; the first element tells what kind is expected.
      if let pattern = present.first {
        var items: [ConfigurationValue] = []
        for (i, item) in new.enumerated() { items.append(try pattern.overlaid(with: item, at: "\(path).\(i)")) }
        return .list(items)
      }
      return changes
    // A default of 1.0 is encoded as 1; whether a fraction is accepted is known to the type that decodes it.
    case (.integer, .number), (.number, .integer): return changes
    // A number may be meant as text: a name such as 02.
    case (.string, .integer), (.string, .number), (.string, .boolean): return .string(changes.text)
    default:
      var expected = kind
      if case .integer = self { expected = "a number" }
      throw .wrongKind(
        key: path, found: "\(changes.kind) (\(changes.text))",
        expected: expected + (path.contains("_") ? " in the unit that the key ends with" : ""))
    }
  }

  /// Sets the value at one path, given as text: `device.readNoise=0.02`.
  public func setting(_ assignment: String, at path: String = "", variants: Variants = Variants())
    throws(ConfigurationError) -> ConfigurationValue
  {
    guard let equals = assignment.firstIndex(of: "="), equals != assignment.startIndex else {
      throw .malformed(place: "--set \(assignment)", problem: "it is not key=value")
    }
    let key = String(assignment[..<equals])
    let text = String(assignment[assignment.index(after: equals)...])
    let value = text.hasPrefix("[") ? try ConfigurationValue(yaml: text) : ConfigurationValue(text: text)
    return try setting(key, to: value, at: path, variants: variants)
  }

  /// Sets the value at one path.
  ///
  /// - Parameter path: of this tree inside a larger one, for messages and variants.
  public func setting(
    _ key: String, to value: ConfigurationValue, at path: String = "", variants: Variants = Variants()
  ) throws(ConfigurationError) -> ConfigurationValue {
    var change = value
    for part in key.split(separator: ".").reversed() { change = .map([String(part): change]) }
    guard !key.split(separator: ".").isEmpty else { throw .malformed(place: "--set", problem: "the key is empty") }
    return try overlaid(with: change, at: path, variants: variants)
  }

  /// Decodes, with errors that name the key.
  public func configuration<T: Decodable>(_ type: T.Type, at root: String = "") throws -> T {
    func name(_ path: [any CodingKey]) -> String {
      ((root.isEmpty ? [] : [root]) + path.map(\.stringValue)).joined(separator: ".")
    }
    do {
      return try decoded(type)
    } catch DecodingError.typeMismatch(let expected, let context) {
      throw ConfigurationError.wrongKind(
        key: name(context.codingPath),
        found: self[context.codingPath.map(\.stringValue).joined(separator: ".")]?.text ?? "absent",
        expected: ConfigurationValue.words(for: expected))
    } catch DecodingError.dataCorrupted(let context) {
      // A fraction where a whole number belongs is reported without its place: look which one it is.
      if context.codingPath.isEmpty {
        for case (let key, .number(let value)) in leaves() where value != value.rounded() && abs(value) < 0x1p53 {
          let rounded = try setting(key, to: .integer(Int(value)))
          if (try? rounded.decoded(type)) != nil {
            throw ConfigurationError.wrongKind(
              key: root.isEmpty ? key : "\(root).\(key)", found: "\(value)", expected: "a whole number")
          }
        }
      }
      throw ConfigurationError.invalidValue(
        key: name(context.codingPath),
        found: self[context.codingPath.map(\.stringValue).joined(separator: ".")]?.text ?? "absent",
        expected: context.debugDescription.contains("fit") ? "a whole number in range" : context.debugDescription)
    } catch DecodingError.keyNotFound(let key, let context) {
      throw ConfigurationError.invalidValue(key: name(context.codingPath + [key]), found: "absent", expected: "a value")
    } catch DecodingError.valueNotFound(let expected, let context) {
      throw ConfigurationError.wrongKind(
        key: name(context.codingPath), found: "null", expected: ConfigurationValue.words(for: expected))
    }
  }

  private static func words(for type: any Any.Type) -> String {
    switch type {
    case is any BinaryInteger.Type: "a whole number"
    case is any BinaryFloatingPoint.Type: "a number"
    case is Bool.Type: "true or false"
    case is String.Type: "text"
    default: "a value of kind \(type)"
    }
  }
}

/// A choice between words in a configuration; an unknown word is an error that lists the accepted ones.
public protocol ConfigurationChoice: CaseIterable, RawRepresentable, Codable, Sendable where RawValue == String {}

extension ConfigurationChoice {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let word = try container.decode(String.self)
    guard let value = Self(rawValue: word) else {
      let accepted = Self.allCases.map(\.rawValue).joined(separator: ", ")
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "one of \(accepted)")
    }
    self = value
  }
}
