import Foundation

/// The smallest interval that holds some numbers.
struct Bounds: Equatable {
  private(set) var lower = Double.infinity
  private(set) var upper = -Double.infinity
  /// Whether the axis ends where the numbers end, as that of a map does.
  var isExact = false

  var isEmpty: Bool { lower > upper }

  /// - Parameter positive: leaves out what a logarithmic axis cannot show.
  mutating func include(_ values: some Sequence<Double>, positive: Bool) {
    for value in values where value.isFinite && (!positive || value > 0) {
      lower = min(lower, value)
      upper = max(upper, value)
    }
  }

  mutating func include(_ other: Bounds) {
    lower = min(lower, other.lower)
    upper = max(upper, other.upper)
    isExact = isExact || other.isExact
  }

  /// As far on one side of zero as on the other.
  var symmetric: Bounds {
    var result = self
    if !isEmpty { result.include([-lower, -upper], positive: false) }
    return result
  }
}

/// Where an axis begins and ends, and what is written at it.
struct AxisScale: Equatable {
  let lower: Double, upper: Double
  let isLogarithmic: Bool

  struct Tick: Equatable {
    var value: Double
    /// Empty for a small tick.
    var label: String
  }

  /// The interval of the numbers with a little room, or exactly where that is asked for.
  init(_ bounds: Bounds, logarithmic: Bool) {
    isLogarithmic = logarithmic
    guard !bounds.isEmpty else {
      (lower, upper) = logarithmic ? (0.1, 10) : (0, 1)
      return
    }
    var (low, high) = (bounds.lower, bounds.upper)
    // Numbers so close that no axis could tell them apart are one number.
    if high - low <= 1e-12 * max(abs(low), abs(high)) {
      if logarithmic {
        (low, high) = (low / 2, high * 2)
      } else {
        let room = low == 0 ? 0.5 : abs(low) / 2
        (low, high) = (low - room, high + room)
      }
    } else if bounds.isExact {
      (lower, upper) = (low, high)
      return
    }
    if logarithmic {
      (lower, upper) = (AxisScale.below(low), 1 / AxisScale.below(1 / high))
    } else {
      // A quarter of the distance of ticks: round ends without much empty room.
      let quarter = AxisScale.step(high - low, count: 5) / 4
      (lower, upper) = ((low / quarter + 1e-9).rounded(.down) * quarter, (high / quarter - 1e-9).rounded(.up) * quarter)
    }
  }

  /// The largest of 1, 2 and 5 times a power of ten that is not above a positive number.
  private static func below(_ value: Double) -> Double {
    let power = pow(10, floor(log10(value) + 1e-9))
    return power * ([5, 2].first { $0 * power <= value * (1 + 1e-9) } ?? 1)
  }

  /// A distance of 1, 2 or 5 times a power of ten that divides a length into about so many parts.
  private static func step(_ length: Double, count: Int) -> Double {
    let raw = length / Double(max(1, count))
    let power = pow(10, floor(log10(raw)))
    // The boundaries are half way between on a logarithmic scale.
    let factor = raw / power
    return power * (factor < 1.42 ? 1 : factor < 3.17 ? 2 : factor < 7.08 ? 5 : 10)
  }

  /// The length of the axis, in its unit or in decades.
  var span: Double { isLogarithmic ? log10(upper / lower) : upper - lower }

  /// Round values with their labels, and small ticks between them.
  ///
  /// - Parameter count: about how many labels there is room for, 2 or more.
  func ticks(_ count: Int) -> [Tick] { isLogarithmic ? logarithmicTicks(count) : linearTicks(count) }

  private func linearTicks(_ count: Int) -> [Tick] {
    let step = AxisScale.step(upper - lower, count: count)
    let largest = max(abs(lower), abs(upper))
    // Long rows of zeros become a power of ten.
    let power = largest >= 1e5 || largest < 1e-2 ? Int(floor(log10(largest))) : 0
    let digits = max(0, Int(-floor(log10(step) + 1e-9)) + power)
    let first = Int((lower / step - 1e-6).rounded(.up)), last = Int((upper / step + 1e-6).rounded(.down))
    guard first <= last else { return [] }
    return (first...last).map { i in
      let value = Double(i) * step
      let text = String(format: "%.\(digits)f", value / pow(10, Double(power))).replacing("-", with: "−")
      return Tick(value: value, label: i == 0 ? "0" : power == 0 ? text : "\(text)×\(AxisScale.ten(power))")
    }
  }

  private func logarithmicTicks(_ count: Int) -> [Tick] {
    let first = Int(floor(log10(lower) + 1e-9)), last = Int(ceil(log10(upper) - 1e-9))
    let stride = max(1, Int((Double(last - first) / Double(max(2, count))).rounded(.up)))
    // So few powers of ten that numbers between them are needed.
    let isShort = span < 1.5
    let isPlain = isShort && first >= -2 && last <= 3
    func label(_ factor: Int, _ power: Int) -> String {
      if isPlain { return String(format: "%.\(max(0, -power))f", Double(factor) * pow(10, Double(power))) }
      return factor == 1 ? AxisScale.ten(power) : "\(factor)×\(AxisScale.ten(power))"
    }
    var ticks: [Tick] = []
    for power in first...last {
      for factor in 1...9 {
        let value = Double(factor) * pow(10, Double(power))
        guard value >= lower * (1 - 1e-9), value <= upper * (1 + 1e-9) else { continue }
        if factor == 1 ? power % stride == 0 : isShort && (factor == 2 || factor == 5) {
          ticks.append(Tick(value: value, label: label(factor, power)))
        } else if factor == 1 || span < 8 {
          ticks.append(Tick(value: value, label: ""))
        }
      }
    }
    return ticks
  }

  /// A power of ten as people write it.
  static func ten(_ power: Int) -> String {
    let raised: [Character: Character] = [
      "-": "⁻", "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸", "9": "⁹",
    ]
    return "10" + String("\(power)".map { raised[$0] ?? $0 })
  }
}
