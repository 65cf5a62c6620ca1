import Foundation
import Runs

/// What a run found: figures, claims held against them, tables, charts and pictures.
public struct Report: Codable, Sendable {
  public var card: Card
  public var figures: [Figure] = []
  public var tables: [Table] = []
  /// The few numbers that matter most, for the terminal and the top of the page.
  public var summary: Table?
  public var charts: [Chart] = []
  public var pictures: [Picture] = []
  /// Sentences: what was assumed, what stands in for what.
  public var notes: [String] = []
  /// Data sets that were read, with checksums.
  public var data: [DataUse] = []

  public init(_ card: Card) { self.card = card }

  /// A table to read.
  public struct Table: Codable, Sendable {
    public var title: String
    public var columns: [String]
    public var rows: [[String]]

    public init(title: String, columns: [String], rows: [[String]]) {
      (self.title, self.columns, self.rows) = (title, columns, rows)
    }
  }

  /// A picture in PNG, which may move.
  public struct Picture: Codable, Sendable {
    public var title: String
    public var png: Data
    /// What is printed instead of a picture that moves, in PNG.
    public var still: Data?
    /// Pictures with captions that make up this one; the page shows them instead of `png`, which is the first.
    public var parts: [Picture]?

    public init(title: String, png: Data) {
      self.title = title
      self.png = png
    }
  }

  /// Adds a number.
  public mutating func figure(
    _ name: String, _ value: Double, unit: String = "", how origin: Origin, data: String = "",
    uncertainty: Double = 0
  ) {
    figures.append(
      Figure(name: name, value: value, unit: unit, origin: origin, data: data, uncertainty: uncertainty))
  }

  /// Adds a table.
  public mutating func table(_ title: String, columns: [String], rows: [[String]]) {
    tables.append(Table(title: title, columns: columns, rows: rows))
  }

  /// Adds a sentence.
  public mutating func note(_ text: String) { notes.append(text) }

  /// Each claim of the card with our number.
  public var outcomes: [Outcome] {
    card.claims.map { claim in
      let figure = figures.first { $0.name == claim.figure }
      let status: Outcome.Status
      if let figure {
        status = (claim.lowest...claim.highest).contains(figure.value) ? .reached : .notReached
      } else {
        status = .notRun
      }
      return Outcome(claim: claim, figure: figure, status: status)
    }
  }

  /// What a record keeps of it.
  public var findings: Findings { Findings(figures: figures, outcomes: outcomes, data: data) }
}
