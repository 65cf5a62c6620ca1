import Foundation
import Testing

/// Runs the program as a user would.
private struct Program {
  let process = Process()
  private let output = Pipe(), errors = Pipe()

  init(_ arguments: [String]) throws {
    // Program and tests lie in the same folder.
    let folder = URL(fileURLWithPath: ProcessInfo.processInfo.arguments[0]).deletingLastPathComponent()
    let candidates = [folder, Bundle.main.bundleURL, folder.deletingLastPathComponent()].map {
      $0.appendingPathComponent("kirchhoff")
    }
    let program: URL? = candidates.first { FileManager.default.isExecutableFile(atPath: $0.path) }
    let found = try #require(program)
    process.executableURL = found
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = errors
    try process.run()
  }

  func wait() -> (status: Int32, output: String, errors: String) {
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let problems = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: text, as: UTF8.self), String(decoding: problems, as: UTF8.self))
  }
}

@Suite("kirchhoff train") struct TrainCommandTests {
  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("kirchhoff-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
  }

  @Test("a run that is killed, again and again, continues and ends with the same model")
  func survivesKill() throws {
    try withFolder { folder in
      // One thread: the same bits in both runs.
      let settings = ["--epochs", "60", "--points", "1000", "--threads", "1"]
      let whole = try Program(["train", "--output", "\(folder)/whole"] + settings).wait()
      #expect(whole.status == 0, "\(whole.errors)")
      let checkpoint = "\(folder)/killed/checkpoint.safetensors"
      for _ in 0..<4 {
        let program = try Program(["train", "--output", "\(folder)/killed"] + settings)
        // Kill it some time after it has saved something new.
        let before = try? FileManager.default.attributesOfItem(atPath: checkpoint)[.modificationDate] as? Date
        for _ in 0..<4000 where program.process.isRunning {
          let now = try? FileManager.default.attributesOfItem(atPath: checkpoint)[.modificationDate] as? Date
          if now != before { break }
          usleep(500)
        }
        usleep(7_000)
        kill(program.process.processIdentifier, SIGKILL)
        _ = program.wait()
      }
      let rest = try Program(["train", "--output", "\(folder)/killed"] + settings).wait()
      #expect(rest.status == 0, "\(rest.errors)")
      let expected = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/whole/model.safetensors"))
      #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/killed/model.safetensors")) == expected)
    }
  }

  @Test("writes a report that says its data are synthetic")
  func report() throws {
    try withFolder { folder in
      let run = try Program(["train", "--output", folder, "--epochs", "2", "--points", "100"]).wait()
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output.contains("\(folder)/report.html"))
      for name in ["report.html", "report.json"] {
        #expect(try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8).contains("synthetic"))
      }
    }
  }

  @Test(
    "wrong input ends with a message that names the option, and leaves nothing behind",
    arguments: [
      ["--epochs", "0"], ["--points", "3"], ["--learning-rate", "-1"], ["--threads", "0"], ["--epochs", "many"],
    ])
  func wrongInput(arguments: [String]) throws {
    try withFolder { folder in
      let run = try Program(["train", "--output", "\(folder)/new"] + arguments).wait()
      #expect(run.status == 64)
      #expect(run.errors.contains(arguments[0]))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/new"))
    }
  }

  @Test("an output that is a file, and a checkpoint of another run, are refused")
  func refusals() throws {
    try withFolder { folder in
      try Data().write(to: URL(fileURLWithPath: "\(folder)/file"))
      let blocked = try Program(["train", "--output", "\(folder)/file"]).wait()
      #expect(blocked.status != 0 && blocked.errors.contains("--output"))
      _ = try Program(["train", "--output", folder, "--epochs", "1", "--points", "100"]).wait()
      let other = try Program(["train", "--output", folder, "--epochs", "1", "--points", "100", "--seed", "9"]).wait()
      #expect(other.status != 0 && other.errors.contains("seed"))
    }
  }

  @Test("help names every option, and the version is shown")
  func help() throws {
    let help = try Program(["train", "--help"]).wait()
    #expect(help.status == 0)
    for option in ["--output", "--epochs", "--seed", "--points", "--learning-rate", "--threads"] {
      #expect(help.output.contains(option))
    }
    #expect(try Program(["--version"]).wait().output == "0.1.0\n")
  }
}
