import Foundation

/// Numbers as people read them. Files for programs keep plain numbers in SI units.
public enum Quantity {
  /// Units that take prefixes.
  private static let prefixed: Set<String> = ["J", "s", "W", "S", "V", "A", "Hz", "Ω", "F", "m", "B", "bit/s"]
  private static let prefixes: [(exponent: Int, sign: String)] = [
    (-18, "a"), (-15, "f"), (-12, "p"), (-9, "n"), (-6, "µ"), (-3, "m"), (0, ""), (3, "k"), (6, "M"), (9, "G"),
    (12, "T"),
  ]

  /// A number without a unit in four significant digits; whole numbers below a million as they are.
  public static func text(_ value: Double) -> String {
    if abs(value) == .greatestFiniteMagnitude { return "any" }
    guard value.isFinite else { return value.isNaN ? "undefined" : value > 0 ? "∞" : "−∞" }
    if value == value.rounded(), abs(value) < 1e6 { return signed(String(format: "%.0f", value)) }
    return number(value, digits: 4)
  }

  /// A number with its unit, prefixed where the unit takes prefixes, and with as many digits as its uncertainty allows:
  /// `41.8 ± 0.3 nJ`, `0.9839 ± 0.0002`, `14.31 µs`.
  ///
  /// - Parameters:
  ///   - unit: SI unit, or words such as "fraction", which are left out where they say nothing.
  ///   - uncertainty: in the same unit; 0 for none. It is given in one digit, or in two where it begins with 1, 2 or 3 (the
  ///     Particle Data Group's rule).
  public static func text(_ value: Double, unit: String, uncertainty: Double = 0) -> String {
    let words = unit == "fraction" || unit.isEmpty ? "" : unit
    guard value.isFinite, uncertainty.isFinite else { return joined(text(value), words) }
    guard prefixed.contains(unit), value != 0 else {
      return joined(uncertainty > 0 ? both(value, uncertainty) : text(value), words)
    }
    let (scale, sign) = prefix(for: value, unit: unit)
    let scaled = value / scale
    return joined(uncertainty > 0 ? both(scaled, uncertainty / scale) : number(scaled, digits: 4), sign + words)
  }

  /// The prefix that numbers of about a size have, for an axis or a column that has one for all its numbers.
  ///
  /// - Returns: what numbers are divided by, and the sign before the unit: 1e-9 and "n"; 1 and nothing where the unit takes no
  ///   prefixes.
  public static func prefix(for value: Double, unit: String) -> (factor: Double, sign: String) {
    guard prefixed.contains(unit), value != 0, value.isFinite else { return (1, "") }
    let exponent = Int((log10(abs(value)) / 3 + 1e-12).rounded(.down)) * 3
    let prefix = prefixes.last { $0.exponent <= exponent } ?? prefixes[0]
    return (pow(10, Double(prefix.exponent)), prefix.sign)
  }

  private static func joined(_ number: String, _ unit: String) -> String { unit.isEmpty ? number : "\(number) \(unit)" }

  /// Value and uncertainty to the same place.
  private static func both(_ value: Double, _ uncertainty: Double) -> String {
    let leading = Int(log10(uncertainty).rounded(.down))
    let first = uncertainty / pow(10, Double(leading))
    // 0.95 is 1.0, in two digits.
    // 9.6 is 10, in two digits.
    let place = first < 3.55 ? leading - 1 : leading
    let step = pow(10, Double(place))
    let (near, error) = ((value / step).rounded() * step, (uncertainty / step).rounded() * step)
    let larger = max(abs(near), error)
    if larger >= 1e6 || larger < 1e-3 {
      let exponent = Int(log10(larger).rounded(.down))
      let (unit, decimals) = (pow(10, Double(exponent)), max(0, exponent - place))
      return "(\(fixed(near / unit, decimals)) ± \(fixed(error / unit, decimals)))·10\(superscript(exponent))"
    }
    return "\(fixed(near, max(0, -place))) ± \(fixed(error, max(0, -place)))"
  }

  private static func fixed(_ value: Double, _ decimals: Int) -> String {
    signed(String(format: "%.\(decimals)f", value))
  }

  /// Significant digits without trailing zeros; powers of ten for very small and very large numbers.
  private static func number(_ value: Double, digits: Int) -> String {
    let plain = String(format: "%.\(digits)g", value)
    guard let e = plain.firstIndex(of: "e") else { return signed(plain) }
    let exponent = Int(plain[plain.index(after: e)...]) ?? 0
    return "\(signed(String(plain[..<e])))·10\(superscript(exponent))"
  }

  private static func signed(_ text: String) -> String {
    let isZero = text.allSatisfy { "-0.".contains($0) }
    return text.hasPrefix("-") ? (isZero ? String(text.dropFirst()) : "−" + text.dropFirst()) : text
  }

  /// An exponent as superscript.
  public static func superscript(_ exponent: Int) -> String {
    let digits: [Character: Character] = [
      "-": "⁻", "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸", "9": "⁹",
    ]
    return String("\(exponent)".map { digits[$0] ?? $0 })
  }
}
