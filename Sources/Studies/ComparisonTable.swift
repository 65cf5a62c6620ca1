import Reports
import Settings

/// Things beside each other, a line each.
public struct ComparisonTable: Sendable {
  /// One cell.
  public enum Cell: Sendable {
    case text(String)
    /// With its unit, or words; an uncertainty of 0 is none.
    case number(Double, unit: String = "", uncertainty: Double = 0)
    /// Mean and spread.
    case sample([Double], unit: String = "")
    /// What a line does not have.
    case none

    fileprivate var words: String {
      switch self {
      case .text(let words): return words
      case .number(let value, let unit, let uncertainty):
        return Quantity.text(value, unit: unit, uncertainty: uncertainty)
      case .sample(let values, let unit):
        let (mean, spread) = meanAndSpread(values)
        return Quantity.text(mean, unit: unit, uncertainty: spread)
      case .none: return "–"
      }
    }
  }

  public var columns: [String]
  public private(set) var rows: [[String]] = []

  public init(_ columns: [String]) { self.columns = columns }

  public mutating func add(_ name: String, _ cells: [Cell]) { rows.append([name] + cells.map(\.words)) }
}

extension ComparisonTable.Cell: ExpressibleByFloatLiteral, ExpressibleByStringLiteral {
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(stringLiteral value: String) { self = .text(value) }

  /// A number, or nothing.
  public init(_ value: Double?, unit: String = "") { self = value.map { .number($0, unit: unit) } ?? .none }
}

extension Report {
  public mutating func table(_ title: String, _ content: ComparisonTable) {
    table(title, columns: content.columns, rows: content.rows)
  }
}
