/// What numbers of a configuration may be, by their keys; each number of a list must be so.
///
///     static let ranges: SettingRanges = ["points": .within(8...1024), "noise": .above(0), "training.dropout": .fraction]
public struct SettingRanges: ExpressibleByDictionaryLiteral, Sendable {
  /// Numbers that are accepted; infinite ones never are.
  public struct Range: Sendable {
    let bounds: ClosedRange<Double>
    /// Whether the bounds themselves are left out.
    let isOpen: Bool

    /// Between two bounds, both accepted.
    public static func within(_ bounds: ClosedRange<Double>) -> Range { Range(bounds: bounds, isOpen: false) }
    /// More than a bound.
    public static func above(_ bound: Double) -> Range { Range(bounds: bound...(.infinity), isOpen: true) }
    /// A bound or more.
    public static func atLeast(_ bound: Double) -> Range { Range(bounds: bound...(.infinity), isOpen: false) }
    /// Between two bounds, both left out.
    public static func between(_ low: Double, _ high: Double) -> Range { Range(bounds: low...high, isOpen: true) }
    /// A part of a whole, 0 to 1.
    public static let fraction = Range(bounds: 0...1, isOpen: false)

    func accepts(_ value: Double) -> Bool {
      guard value.isFinite else { return false }
      return isOpen ? value > bounds.lowerBound && value < bounds.upperBound : bounds.contains(value)
    }

    /// Such as `1 to 10,000,000` or `above 0`.
    public var text: String {
      let (low, high) = (SettingRanges.text(bounds.lowerBound), SettingRanges.text(bounds.upperBound))
      switch (isOpen, bounds.upperBound.isFinite) {
      case (true, true): return "above \(low), below \(high)"
      case (true, false): return "above \(low)"
      case (false, true): return "\(low) to \(high)"
      case (false, false): return "\(low) or more"
      }
    }
  }

  private let ranges: [(key: String, range: Range)]

  public init(dictionaryLiteral elements: (String, Range)...) { ranges = elements.map { ($0.0, $0.1) } }

  public subscript(key: String) -> Range? { ranges.first { $0.key == key }?.range }

  /// - Throws: `ConfigurationError` naming the first key whose number is not accepted, or a key that is not there.
  public func check(_ configuration: ConfigurationValue) throws(ConfigurationError) {
    for (key, range) in ranges {
      guard let value = configuration[key] else {
        throw .unknownKey(key: key, accepted: configuration.leaves().map(\.key))
      }
      let numbers: [ConfigurationValue] = if case .list(let items) = value { items } else { [value] }
      for number in numbers where !(number.double.map(range.accepts) ?? false) {
        throw .invalidValue(key: key, found: number.text, expected: range.text)
      }
    }
  }

  /// Whole numbers with commas between thousands.
  private static func text(_ value: Double) -> String {
    guard value == value.rounded(), abs(value) < 1e15 else { return Quantity.text(value) }
    var digits = String(Int(abs(value)))
    var place = digits.endIndex
    while digits.distance(from: digits.startIndex, to: place) > 3 {
      place = digits.index(place, offsetBy: -3)
      digits.insert(",", at: place)
    }
    return (value < 0 ? "−" : "") + digits
  }
}
