import Foundation
import Networks
import Reports
import Testing

@Suite("Commands in the documentation") struct CommandDocumentationTests {
  /// A fenced block: its language and text.
  private struct Block {
    var language: String
    var text: String
  }

  private static let pages: [String] = {
    let manager = FileManager.default
    let docs = ((try? manager.contentsOfDirectory(atPath: "\(project)/docs")) ?? []).filter { $0.hasSuffix(".md") }
    let systems = (try? manager.contentsOfDirectory(atPath: "\(project)/Systems")) ?? []
    return ["README.md", "Examples/README.md"] + docs.sorted().map { "docs/\($0)" }
      + systems.sorted().filter { !$0.hasSuffix(".swift") }.map { "Systems/\($0)/README.md" }
  }()

  private func blocks(_ page: String) throws -> [Block] {
    let parts = try String(contentsOfFile: "\(project)/\(page)", encoding: .utf8).components(separatedBy: "```")
    return stride(from: 1, to: parts.count, by: 2).map { i in
      let lines = parts[i].split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
      return Block(language: String(lines[0]), text: lines.count > 1 ? String(lines[1]) : "")
    }
  }

  private var hasData: Bool {
    ProcessInfo.processInfo.environment["KIRCHHOFF_DATA"].map { FileManager.default.fileExists(atPath: "\($0)/mnist") }
      ?? false
  }

  /// Files are written under the name in their first line, commands run one after the other in one folder.
  @Test("every command and file works as it stands", arguments: pages)
  func works(page: String) throws {
    try withFolder { folder in
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/Examples", withDestinationPath: "\(project)/Examples")
      for block in try blocks(page) {
        switch block.language {
        case "yaml", "csv":
          let lines = block.text.split(separator: "\n", maxSplits: 1)
          let name = try #require(lines.first).dropFirst(2)
          // A CSV file has no comments.
          let text = block.language == "csv" ? String(lines[1]) : block.text
          try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        case "sh":
          for line in block.text.split(separator: "\n").map(String.init) { try check(line, page, folder) }
        // Compiled by NetworksTests and OutsideTests, which compare them with the files they come from; pictures in letters.
        case "swift", "": break
        default: Issue.record("\(page) has a block in the language \(block.language), which nothing checks")
        }
      }
    }
  }

  private func check(_ line: String, _ page: String, _ folder: String) throws {
    if line.hasPrefix("make ") {
      // Running them here would run this test again; that they exist is checked.
      let words = line.split(separator: "#")[0].split(separator: " ").dropFirst()
      for target in words where !target.contains("=") {
        let text = try String(contentsOfFile: "\(project)/Makefile", encoding: .utf8)
        #expect(text.contains("\n\(target):"), "make \(target)")
      }
      return
    }
    if line.hasPrefix("swift build") || line.hasPrefix(".build/release/outside") {
      // A package of its own takes minutes to build: these are lines of `make outside`.
      #expect(try String(contentsOfFile: "\(project)/Makefile", encoding: .utf8).contains("&& \(line)\n"), "\(line)")
      return
    }
    if line.contains("mnist"), !hasData {
      return print("skipped, needs MNIST: \(line)")
    }
    if line.contains("mpirun"), installed("mpirun") == nil { return print("skipped, needs Open MPI: \(line)") }
    if line.contains("kirchhoff plot"), Gnuplot() == nil { return print("skipped, needs gnuplot: \(line)") }
    // A server would not end, and fetching needs a network.
    if line.contains("kirchhoff serve") || line.contains("data fetch") { return }
    let bash = Process()
    bash.executableURL = URL(fileURLWithPath: "/bin/bash")
    // Slurm itself is started by another test.
    let command = line.replacing("--slurm", with: "--dry-run").replacing(
      "mpirun -n 2", with: "mpirun --oversubscribe -n 2")
    bash.arguments = ["-c", command]
    bash.currentDirectoryURL = URL(fileURLWithPath: folder)
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    bash.environment = ProcessInfo.processInfo.environment.merging([
      "PATH": "\(try Program.path().deletingLastPathComponent().path):\(path)", "KIRCHHOFF_STORE": "\(folder)/runs",
      "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    ]) { $1 }
    let output = Pipe()
    (bash.standardOutput, bash.standardError) = (output, output)
    try bash.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    bash.waitUntilExit()
    #expect(bash.terminationStatus == 0, "\(page): \(line)\n\(text)")
  }

  @Test("the list of operators in the docs is that of the code")
  func operators() throws {
    let page = try String(contentsOfFile: "\(project)/docs/onnx.md", encoding: .utf8)
    let sentence = try #require(
      page.components(separatedBy: "(`com.microsoft`):\n\n").last?.components(separatedBy: ".\n\n").first)
    let named = sentence.matches(of: /`([\w.]+)`/).map { String($0.output.1) }
    #expect(named == ONNXModel.operators)
  }
}
