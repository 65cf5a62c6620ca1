import Foundation
import Settings
import Tensors

/// Which combinations of values a sweep visits.
struct SweepDesign {
  enum Method: String, ConfigurationChoice {
    case grid, random, list
    case latinHypercube = "latin-hypercube"
  }

  /// One setting and its values.
  private struct Axis {
    var key: String
    var values: [ConfigurationValue] = []
    var range: (from: Double, to: Double)?
    var isLogarithmic = false
    var isWhole = false

    /// The value at a part of the range, 0...1, or of the list.
    func value(at part: Double) -> ConfigurationValue {
      guard let range else { return values[min(values.count - 1, Int(part * Double(values.count)))] }
      if isWhole {
        return .integer(Int(min(range.to, (range.from + part * (range.to - range.from + 1)).rounded(.down))))
      }
      return .number(between(range, part))
    }

    func between(_ range: (from: Double, to: Double), _ part: Double) -> Double {
      if part == 1 { return range.to }
      return isLogarithmic
        ? range.from * pow(range.to / range.from, part) : range.from + part * (range.to - range.from)
    }
  }

  private let method: Method
  private var axes: [Axis] = []
  private var list: [[(String, ConfigurationValue)]] = []
  private var count = 0
  private var seed: UInt64 = 1

  var keys: [String] {
    method == .list ? Set(list.flatMap { $0.map(\.0) }).sorted() : axes.map(\.key)
  }

  init(_ entries: [String: ConfigurationValue]) throws {
    let accepted = ["method", "axes", "points", "seed", "list"]
    if let unknown = entries.keys.sorted().first(where: { !accepted.contains($0) }) {
      throw ConfigurationError.unknownKey(key: "sweep.\(unknown)", accepted: accepted)
    }
    let name = entries["method"]?.text ?? "grid"
    guard let method = Method(rawValue: name) else {
      throw ConfigurationError.invalidValue(
        key: "sweep.method", found: name, expected: "one of \(Method.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    self.method = method
    if method == .list {
      guard case .list(let items)? = entries["list"], !items.isEmpty else {
        throw ConfigurationError.wrongKind(
          key: "sweep.list", found: entries["list"]?.text ?? "absent", expected: "a list of settings")
      }
      list = try items.enumerated().map { i, item in
        guard case .map(let settings) = item else {
          throw ConfigurationError.wrongKind(key: "sweep.list.\(i)", found: item.text, expected: "keys and values")
        }
        return item.leaves().isEmpty || settings.isEmpty ? [] : item.leaves().map { ($0.key, $0.value) }
      }
      return
    }
    guard case .map(let given)? = entries["axes"], !given.isEmpty else {
      throw ConfigurationError.wrongKind(
        key: "sweep.axes", found: entries["axes"]?.text ?? "absent", expected: "keys with values")
    }
    for (key, value) in given.sorted(by: { $0.key < $1.key }) { axes.append(try SweepDesign.axis(key, value, method)) }
    if method != .grid {
      guard case .integer(let points)? = entries["points"], (1...Sweep.limit).contains(points) else {
        throw ConfigurationError.invalidValue(
          key: "sweep.points", found: entries["points"]?.text ?? "absent", expected: "1 to \(Sweep.limit)")
      }
      count = points
      if let value = entries["seed"] {
        guard case .integer(let number) = value, number >= 0 else {
          throw ConfigurationError.invalidValue(
            key: "sweep.seed", found: value.text, expected: "a whole number, 0 or more")
        }
        seed = UInt64(number)
      }
    }
  }

  private static func axis(_ key: String, _ value: ConfigurationValue, _ method: Method) throws -> Axis {
    let place = "sweep.axes.\(key)"
    var axis = Axis(key: key)
    switch value {
    case .list(let values):
      guard !values.isEmpty else {
        throw ConfigurationError.invalidValue(key: place, found: "an empty list", expected: "one value or more")
      }
      axis.values = values
    case .map(let parts):
      let accepted = ["from", "to", "count", "logarithmic"]
      if let unknown = parts.keys.sorted().first(where: { !accepted.contains($0) }) {
        throw ConfigurationError.unknownKey(key: "\(place).\(unknown)", accepted: accepted)
      }
      guard let from = parts["from"]?.double, let to = parts["to"]?.double, from <= to else {
        throw ConfigurationError.invalidValue(
          key: place, found: value.text, expected: "numbers `from` and `to`, the first not larger")
      }
      axis.range = (from, to)
      if case .integer? = parts["from"], case .integer? = parts["to"] { axis.isWhole = true }
      if let word = parts["logarithmic"] {
        guard case .boolean(let flag) = word else {
          throw ConfigurationError.wrongKind(key: "\(place).logarithmic", found: word.text, expected: "true or false")
        }
        axis.isLogarithmic = flag
        if flag { axis.isWhole = false }
      }
      if axis.isLogarithmic, from <= 0 {
        throw ConfigurationError.invalidValue(
          key: "\(place).from", found: "\(from)", expected: "above 0 on a logarithmic axis")
      }
      if method == .grid {
        guard case .integer(let count)? = parts["count"], (1...Sweep.limit).contains(count) else {
          throw ConfigurationError.invalidValue(
            key: "\(place).count", found: parts["count"]?.text ?? "absent", expected: "1 to \(Sweep.limit) in a grid")
        }
        let whole = axis.isWhole
        axis.values = (0..<count).map { i in
          let number = axis.between((from, to), count == 1 ? 0 : Double(i) / Double(count - 1))
          return whole && number == number.rounded() ? .integer(Int(number)) : .number(number)
        }
      }
    default: axis.values = [value]
    }
    return axis
  }

  /// The settings of every point.
  func points() throws -> [[(String, ConfigurationValue)]] {
    var random = RandomStream(seed: seed)
    func draw() -> Double { Double(random.next() >> 11) * 0x1p-53 }
    switch method {
    case .list: return list
    case .grid:
      var total = 1
      for axis in axes {
        total *= axis.values.count
        guard total <= Sweep.limit else {
          throw ConfigurationError.invalidValue(
            key: "sweep.axes", found: "over \(Sweep.limit) points", expected: "\(Sweep.limit) or less")
        }
      }
      return axes.reduce([[]]) { points, axis in
        points.flatMap { point in axis.values.map { point + [(axis.key, $0)] } }
      }
    case .random:
      return (0..<count).map { _ in axes.map { ($0.key, $0.value(at: draw())) } }
    case .latinHypercube:
      // One point in each of `count` slices of every axis; the slices are shuffled axis by axis.
      let columns = try axes.map { axis in
        try random.permutation(count).elements.map { slice in
          axis.value(at: (Double(slice) + draw()) / Double(count))
        }
      }
      return (0..<count).map { i in zip(axes, columns).map { ($0.key, $1[i]) } }
    }
  }

}
