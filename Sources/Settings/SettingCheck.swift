/// An error that can say which setting is wrong, what was found and what is accepted.
public protocol SettingError: Error {
  static func invalidSetting(_ name: String, found: String, expected: String) -> Self
}

extension ConfigurationError: SettingError {
  public static func invalidSetting(_ name: String, found: String, expected: String) -> ConfigurationError {
    .invalidValue(key: name, found: found, expected: expected)
  }
}

/// Checks of settings, each of which throws an error with the key, what was found and what is accepted.
///
///     let check = SettingCheck<ConfigurationError>()
///     try check.within(c.points, 8...1024, "data.points")
public struct SettingCheck<Failure: SettingError>: Sendable {
  /// What stands before every key, such as `loop.`.
  public let prefix: String

  public init(_ prefix: String = "") { self.prefix = prefix }

  public func require(_ holds: Bool, _ key: String, _ found: Any, _ expected: String) throws(Failure) {
    if !holds { throw .invalidSetting(prefix + key, found: "\(found)", expected: expected) }
  }

  /// A number between two bounds, both included.
  public func within<Number: Comparable>(
    _ value: Number, _ bounds: ClosedRange<Number>, _ key: String, unit: String = ""
  ) throws(Failure) {
    try require(
      bounds.contains(value), key, value,
      "\(bounds.lowerBound) to \(bounds.upperBound)" + (unit.isEmpty ? "" : " \(unit)"))
  }

  /// A finite number above 0.
  public func positive<Number: FloatingPoint>(_ value: Number, _ key: String, unit: String = "") throws(Failure) {
    try require(value > 0 && value.isFinite, key, value, "above 0\(unit.isEmpty ? "" : " \(unit)"), finite")
  }

  /// A finite number that is 0 or more.
  public func notNegative<Number: FloatingPoint>(_ value: Number, _ key: String, unit: String = "") throws(Failure) {
    try require(value >= 0 && value.isFinite, key, value, "0\(unit.isEmpty ? "" : " \(unit)") or more, finite")
  }

  /// A part of a whole.
  public func fraction<Number: FloatingPoint & ExpressibleByIntegerLiteral>(_ value: Number, _ key: String)
    throws(Failure)
  {
    try require(value >= 0 && value <= 1, key, value, "0 to 1")
  }
}
