import ArgumentParser
import Datasets
import Foundation

struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Lists, fetches and checks data sets.",
    discussion: """
      Data sets are looked for in the folder that KIRCHHOFF_DATA names, else in ~/.cache/kirchhoff (or
      $XDG_CACHE_HOME/kirchhoff), each in a folder of its name. A folder that already holds the files is used as it is.
      """,
    subcommands: [List.self, Fetch.self, Check.self, Path.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists data sets: whether they are here, size, terms, source.")

    func run() {
      var rows = [["name", "here", "size", "licence", "what", "source"]]
      for entry in DataCatalogue.entries {
        let here =
          switch DataCatalogue.presence(of: entry, in: dataFolder()) {
          case .complete: "yes"
          case .copy: "copy"
          case .missing: "no"
          }
        let size = entry.bytes.map { $0 < 1_000_000 ? "\(max(1, $0 / 1000)) kB" : "\($0 / 1_000_000) MB" } ?? "?"
        rows.append([entry.name, here, size, entry.licence, entry.title, entry.source])
      }
      printTable(rows)
      print("\nfolder: \(dataFolder())")
    }
  }

  struct Fetch: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Fetches data sets from their source and checks them. What an earlier attempt brought is continued.")
    @Argument(help: "Names, as in `kirchhoff data list`.") var names: [String]

    func run() throws {
      for name in names {
        let entry = try entry(name)
        if !entry.note.isEmpty { say(entry.note) }
        let fetcher = DataFetcher { file, bytes, total in
          let share =
            total.map { String(format: " of %.1f MB (%.0f %%)", Double($0) / 1e6, 100 * Double(bytes) / Double($0)) }
            ?? " MB"
          let line = "\(file): \(String(format: "%.1f", Double(bytes) / 1e6))\(share)"
          if isatty(2) != 0 { FileHandle.standardError.write(Data("\r\u{1B}[K\(line)".utf8)) }
        }
        let fetched = try fetcher.fetch(entry, into: dataFolder())
        if isatty(2) != 0, !fetched.isEmpty { say("") }
        print(
          "\(name): \(fetched.isEmpty ? "was there" : "fetched \(fetched.joined(separator: ", "))"): \(dataFolder())/\(name)"
        )
      }
    }
  }

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Compares files with their checksums. Ends with code 1 where one is wrong or missing.")
    @Argument(help: "Names; all data sets that are here if none is given.") var names: [String] = []

    func run() throws {
      let entries =
        try names.isEmpty
        ? DataCatalogue.entries.filter {
          if case .missing = DataCatalogue.presence(of: $0, in: dataFolder()) { false } else { true }
        } : names.map(entry)
      var rows: [[String]] = []
      var isRight = true
      for entry in entries {
        for check in DataCatalogue.check(entry, in: dataFolder()) {
          let text: String
          switch check.outcome {
          case .right: text = "right"
          case .unknown(let sum): text = "no checksum is known; it has \(sum)"
          case .wrong(let found, let expected): text = "WRONG: \(found) instead of \(expected)"
          case .missing: text = "missing"
          }
          switch check.outcome {
          case .wrong, .missing: isRight = false
          default: break
          }
          rows.append([entry.name, check.path, text])
        }
      }
      printTable(rows)
      if !isRight { throw ExitCode(1) }
    }
  }

  struct Path: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Prints the folder of a data set.")
    @Argument(help: "Name, as in `kirchhoff data list`.") var name: String

    func run() throws {
      _ = try entry(name)
      print(try DataCatalogue.locate(name, in: dataFolder()))
    }
  }
}

/// The entry of a name; an unknown name is a usage error.
private func entry(_ name: String) throws -> DataCatalogue.Entry {
  do { return try DataCatalogue.entry(name) } catch { throw ValidationError(error.description) }
}
