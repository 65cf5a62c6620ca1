import ArgumentParser
import Foundation

@main
struct Kirchhoff: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kirchhoff",
    abstract: "Runs computations exactly and, as it grows, on simulated in-memory hardware.",
    version: "0.1.0",
    subcommands: [Train.self])
}
