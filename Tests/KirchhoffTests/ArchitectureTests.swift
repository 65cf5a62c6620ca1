import Foundation
import Testing

/// The table of rooms in docs/architecture.md is what the compiler is given, and what the sources import.
@Suite("Architecture") struct ArchitectureTests {
  private struct Room {
    var name: String
    /// The rooms in the last column.
    var imports: Set<String>
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOfFile: "\(project)/\(path)", encoding: .utf8)
  }

  private func folders(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(project)/\(path)").sorted()
  }

  private func rooms() throws -> [Room] {
    let head = "| room | holds | stands on |\n|---|---|---|\n"
    let parts = try text("docs/architecture.md").components(separatedBy: head)
    let table = try #require(parts.last?.components(separatedBy: "\n\n").first)
    return try table.split(separator: "\n").map { line in
      let cells = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      func words(_ cell: String) -> [String] { cell.matches(of: /`([^`]+)`/).map { String($0.output.1) } }
      try #require(cells.count == 5, "\(line)")
      return Room(name: try #require(words(cells[1]).first), imports: Set(words(cells[3])))
    }
  }

  /// Modules that the Swift files of a folder import.
  private func imports(_ folder: String) throws -> Set<String> {
    let files = try #require(FileManager.default.enumerator(atPath: "\(project)/\(folder)"))
    var found: Set<String> = []
    for case let file as String in files where file.hasSuffix(".swift") {
      let statements = try text("\(folder)/\(file)").matches(
        of: /(?m)^\s*(?:\S+\s+)?import\s+(?:(?:struct|enum|func)\s+)?(\w+)/)
      found.formUnion(statements.map { String($0.output.1) })
    }
    return found
  }

  @Test("the table of rooms names the targets of Package.swift, each once")
  func targets() throws {
    let manager = FileManager.default
    let declared = try text("Package.swift").matches(
      of: /(?:\.(?:target|executableTarget|plugin)\(\s*name: |= kernels\(|  kernels\()"(\w+)"/
    ).map { String($0.output.1) }.filter { name in
      !["Sources/Libraries", "Tests"].contains { manager.fileExists(atPath: "\(project)/\($0)/\(name)") }
    }
    #expect(declared.count > 15)
    #expect(try rooms().map(\.name).sorted() == (declared + ["Libraries", "Systems/<Name>"]).sorted())
  }

  @Test("every room imports the rooms that the table says, which stand above it")
  func order() throws {
    let systems = try folders("Systems")
    let rooms = try rooms()
    let names = Set(rooms.map(\.name) + systems + systems.map { "\($0)Kernels" })
    var above: Set<String> = []
    for room in rooms {
      switch room.name {
      case "Systems/<Name>":
        for system in systems {
          let found = try imports("Systems/\(system)/Sources").intersection(names)
          #expect(found.subtracting(above) == found.intersection(["\(system)Kernels"]), "\(system)")
        }
      default:
        let folder = room.name == "ListSystems" ? "Plugins" : "Sources"
        let path = room.name == "DynamicsKernels" ? "Sources/Dynamics/Kernels" : "\(folder)/\(room.name)"
        let found = try imports(path).intersection(names)
        #expect(found == room.imports, "\(room.name)")
        #expect(found.isSubset(of: above), "\(room.name) imports \(found.subtracting(above)), which stand below it")
      }
      above.insert(room.name)
    }
  }
}
