import Foundation

/// Runs as flat columns: one row for each run, every column of one kind, as Parquet and data frames want them.
public struct RunExport: Sendable {
  /// Names in order: `run.…`, `setting.…`, `figure.…`.
  public let columns: [String]
  public let rows: [[Cell]]

  /// One value. A column holds numbers or text, never both; empty cells are allowed in each.
  public enum Cell: Sendable, Equatable {
    case empty
    case number(Double)
    case text(String)
  }

  public init(_ runs: [RunRecord]) {
    var table: [[String: Cell]] = []
    var names: [String] = []
    var seen = Set<String>()
    for run in runs {
      var row: [(String, Cell)] = [
        ("run.id", .text(run.id)), ("run.status", .text(run.status.rawValue)),
        ("run.created", .text(run.created.formatted(.iso8601))), ("run.duration_s", .number(run.duration)),
        ("run.version", .text(run.version)), ("run.host", .text(run.machine.host)), ("run.sweep", .text(run.sweep)),
        ("run.point", run.point < 0 ? .empty : .number(Double(run.point))), ("run.error", .text(run.error)),
      ]
      row += run.specification.settings.map {
        ("setting.\($0.key)", $0.value.double.map(Cell.number) ?? .text($0.value.text))
      }
      row += run.figures.map { ("figure.\($0.name)", .number($0.value)) }
      for (name, _) in row where seen.insert(name).inserted { names.append(name) }
      table.append(Dictionary(row, uniquingKeysWith: { first, _ in first }))
    }
    // A column with any text becomes text throughout.
    let textual = Set(
      names.filter { name in
        table.contains { row in if case .text? = row[name] { true } else { false } }
      })
    columns = names
    rows = table.map { row in
      names.map { name in
        switch row[name] {
        case .number(let value)? where textual.contains(name): .text("\(value)")
        case let cell?: cell
        case nil: .empty
        }
      }
    }
  }

  /// Comma-separated values as RFC 4180 has them, with a header line.
  public var csv: String {
    func field(_ text: String) -> String {
      text.contains { ",\"\r\n".contains($0) } || text.contains("\r\n")
        ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
    }
    let lines =
      [columns.map(field)]
      + rows.map { row in
        row.map { cell in
          switch cell {
          case .empty: ""
          case .number(let value): "\(value)"
          case .text(let text): field(text)
          }
        }
      }
    return lines.map { $0.joined(separator: ",") + "\r\n" }.joined()
  }

  /// One JSON object in each line, with the same keys in each; numbers that JSON lacks become null.
  public var jsonLines: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes]
    func json(_ text: String) -> String {
      (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
    }
    return rows.map { row in
      "{"
        + zip(columns, row).map { name, cell in
          let value =
            switch cell {
            case .empty: "null"
            case .number(let value): value.isFinite ? "\(value)" : "null"
            case .text(let text): json(text)
            }
          return "\(json(name)):\(value)"
        }.joined(separator: ",") + "}\n"
    }.joined()
  }
}
