import AllSystems
import ArgumentParser
import Chips
import Circuits
import Devices
import Foundation
import Reports
import Runs
import Settings

/// The command line, with what this package has and whatever a program adds to it.
public struct Kirchhoff: AsyncParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "kirchhoff",
    abstract: "Runs computations exactly and on simulated in-memory hardware, and keeps what came of them.",
    discussion: """
      Runs are recorded in a folder: --store, else the variable KIRCHHOFF_STORE, else ./runs. Data sets are read from the
      folder in KIRCHHOFF_DATA, else from a cache. Exit codes: 0 done, 1 failed, 2 done but a claim is not reached or a
      repetition differs, 64 wrong arguments, 130 cancelled.
      """,
    version: kirchhoffVersion,
    subcommands: [
      SystemsCommand.self, RunCommand.self, DeployCommand.self, RunsCommand.self, SweepCommand.self,
      SweepPointCommand.self, PlotCommand.self, ServeCommand.self, DataCommand.self,
    ])

  public init() {}

  /// Does what the arguments of the process say, and ends it.
  ///
  /// - Parameters:
  ///   - devices: further ones, which `substrate.device.kind` then knows by their words.
  ///   - mappings: further ones, which `substrate.macro.mapping.kind` then knows by their words.
  ///   - components: further figures, which are keys of `substrate.components` and are charged for their events.
  ///   - systems: further ones, which `kirchhoff run` then knows by their names.
  public static func start(
    devices: [any DeviceModel.Type] = [], mappings: [any WeightMapping.Type] = [],
    components: [ComponentLibrary.Addition] = [], systems: [any System.Type] = []
  ) async {
    devices.forEach(DeviceChoice.add)
    mappings.forEach(MappingChoice.add)
    components.forEach(ComponentLibrary.add)
    AllSystems.register()
    SystemList.add(systems)
    await main()
  }
}

/// Where runs are kept.
struct StoreOptions: ParsableArguments {
  @Option(help: "Folder with the recorded runs; the variable KIRCHHOFF_STORE or ./runs by default.")
  var store: String?

  var folder: String { store ?? ProcessInfo.processInfo.environment["KIRCHHOFF_STORE"] ?? "runs" }

  /// The store; runs whose process is gone are marked in passing.
  func open() throws -> RunStore {
    let store = try RunStore(folder: folder)
    try store.markInterrupted()
    return store
  }
}

/// The folder with data sets: KIRCHHOFF_DATA where it is set, else the cache.
func dataFolder() -> String {
  let environment = ProcessInfo.processInfo.environment
  if let folder = environment["KIRCHHOFF_DATA"], !folder.isEmpty { return folder }
  if let folder = environment["XDG_CACHE_HOME"], !folder.isEmpty { return "\(folder)/kirchhoff" }
  return "\(environment["HOME"] ?? ".")/.cache/kirchhoff"
}

/// Writes a line to standard error.
func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

/// Turns mistakes in what the user asked for into usage errors, which end with code 64.
func checkingArguments<R>(_ body: () throws -> R) throws -> R {
  do { return try body() } catch let error as ConfigurationError {
    throw ValidationError(error.description)
  } catch let error as PlotError {
    throw ValidationError(error.description)
  }
}

/// Rows with aligned columns.
func printTable(_ rows: [[String]]) {
  guard let first = rows.first else { return }
  let widths = first.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
  for row in rows {
    let line = zip(row, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: "  ")
    print(line.replacing(/\s+$/, with: ""))
  }
}
