import Reports
import Runs
import Tensors

extension Report {
  /// Adds numbers that came about in one way on one set of data.
  public mutating func figures(
    _ values: KeyValuePairs<String, Double>, unit: String = "", how origin: Origin, data: String = ""
  ) {
    for (name, value) in values { figure(name, value, unit: unit, how: origin, data: data) }
  }
}

extension Chart.Series {
  /// The first points of a set as dots in the plane.
  ///
  /// - Parameter points: shape `[points, 2]`.
  public static func dots(_ name: String, _ points: Tensor<Float>, atMost limit: Int = 1500) -> Chart.Series {
    let numbers = points.elements
    let shown = 0..<min(limit, numbers.count / 2)
    return Chart.Series(
      name, .scatter, x: shown.map { Double(numbers[2 * $0]) }, y: shown.map { Double(numbers[2 * $0 + 1]) })
  }

  /// A level that others are held against, from the first to the last position.
  public static func level(_ name: String, _ value: Double, over x: [Double]) -> Chart.Series {
    let ends = [x.min(), x.max()].compactMap { $0 }
    return Chart.Series(name, .line, x: ends, y: ends.map { _ in value })
  }

  /// Mean over programming draws with a band of their spread.
  ///
  /// - Parameter values: for each position the values of all draws.
  public static func spread(_ name: String, x: [Double], _ values: [[Double]]) -> Chart.Series {
    let found = values.map(meanAndSpread)
    return Chart.Series(
      name, .band, x: x, y: found.map(\.mean), lower: found.map { $0.mean - $0.spread },
      upper: found.map { $0.mean + $0.spread })
  }
}
