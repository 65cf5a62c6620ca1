import Runs
import Foundation
import Reports
import Testing

@Suite("kirchhoff run") struct RunCommandTests {
  @Test("a training run that is killed, again and again, continues and ends with the same model")
  func survivesKill() throws {
    try withFolder { folder in
      // One thread: the same bits in both runs.
      let settings = ["--set", "epochs=60", "--set", "points=1000", "--threads", "1"]
      let whole = try Program.run(["run", "spirals", "--output", "\(folder)/whole"] + settings, store: folder)
      #expect(whole.status == 0, "\(whole.errors)")
      let checkpoint = "\(folder)/killed/checkpoint-spirals.safetensors"
      for _ in 0..<4 {
        let program = try Program(["run", "spirals", "--output", "\(folder)/killed"] + settings, store: folder)
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
      let rest = try Program.run(["run", "spirals", "--output", "\(folder)/killed"] + settings, store: folder)
      #expect(rest.status == 0, "\(rest.errors)")
      let expected = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/whole/model.safetensors"))
      #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/killed/model.safetensors")) == expected)
      // Every attempt is in the store, and what became of it.
      let list = try Program.run(["runs"], store: folder)
      #expect(list.output.components(separatedBy: "spirals").count - 1 == 6)
      #expect(!list.output.contains("running"))
    }
  }

  @Test("the store survives processes that are killed while they write")
  func storeSurvivesKill() throws {
    try withFolder { folder in
      for i in 0..<8 {
        // Two writers at once, both killed.
        let writers = try (0..<2).map { _ in
          try Program(
            ["run", "spirals", "--set", "epochs=20000", "--set", "points=100", "--threads", "1"], store: folder)
        }
        usleep(UInt32(150_000 + 90_000 * i))
        for writer in writers { kill(writer.process.processIdentifier, SIGKILL) }
        for writer in writers { _ = writer.wait() }
      }
      let store = try RunStore(folder: folder)
      try store.markInterrupted()
      let runs = try store.runs()
      #expect(runs.allSatisfy { $0.status == .interrupted })
      // A process that lived a second has recorded metrics, those of every 100th of 20,000 epochs; they are without gaps.
      for run in runs {
        let steps = try store.run(run.id).metrics.filter { $0.name == "spirals: training loss" }.map(\.step)
        #expect(steps == steps.indices.map { 100 * $0 + 99 })
      }
      #expect(try runs.contains { try !store.run($0.id).metrics.isEmpty })
    }
  }

  @Test("writes a report that says its data are synthetic, and repeats it bit for bit")
  func report() throws {
    try withFolder { folder in
      let run = try Program.run(
        ["run", "spirals", "--set", "epochs=2", "--output", "\(folder)/out", "--threads", "1"], store: folder)
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output.contains("\(folder)/out/report.html"))
      for name in ["report.html", "report.json"] {
        #expect(try String(contentsOfFile: "\(folder)/out/\(name)", encoding: .utf8).contains("synthetic"))
      }
      let again = try Program.run(["runs", "reproduce", "last", "--threads", "1"], store: folder)
      #expect(again.status == 0 && again.output.contains("bit for bit"), "\(again)")
      // The configuration that was written runs the same again.
      let third = try Program.run(["run", "spirals", "--config", "\(folder)/out/configuration.yaml"], store: folder)
      #expect(third.status == 0, "\(third.errors)")
      #expect(
        try Program.run(["runs", "list", "--where", "epochs=2", "--column", "test accuracy"], store: folder).output
          .split(separator: "\n").count == 4)
    }
  }

  @Test(
    "wrong input ends with code 64 and a message that names it, and leaves nothing behind",
    arguments: [
      (["run", "spirals", "--set", "epochs=0"], "epochs"), (["run", "spirals", "--set", "epoch=3"], "epochs"),
      (["run", "spirals", "--threads", "0"], "--threads"), (["run", "nonsense"], "mimo-ofdm"),
      (["run", "mimo-ofdm", "--set", "modulation=fm"], "qam16"),
      (["run", "mimo-ofdm", "--substrate", "wood"], "--substrate"),
      (["run", "mimo-ofdm", "--config", "/nowhere.yaml"], "/nowhere.yaml"),
      (["deploy", "/nowhere.onnx", "--data", "mnist"], "/nowhere.onnx"),
      (["runs", "list", "--where", "a~b"], "a~b"), (["runs", "compare", "x"], "two or more"),
      (["plot", "--x", "a"], "--metric"),
      (["plot", "--x", "a", "--y", "b", "--output", "p.gif"], ".svg"), (["sweep", "/nowhere.yaml"], "/nowhere.yaml"),
      (["data", "path", "nonsense"], "mnist"), (["serve", "--port", "99999"], "--port"),
    ] as [([String], String)])
  func wrongInput(arguments: [String], expected: String) throws {
    try withFolder { folder in
      let run = try Program.run(arguments, store: "\(folder)/store")
      #expect(run.status == 64, "\(run)")
      #expect(run.errors.contains(expected), "\(run.errors)")
      let left = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/store")) ?? []
      #expect(left.allSatisfy { $0.hasPrefix("runs.sqlite") })
    }
  }

  @Test("an output that is a file, and checkpoints of other settings, are refused; a run that ends leaves none")
  func refusals() throws {
    try withFolder { folder in
      try Data().write(to: URL(fileURLWithPath: "\(folder)/file"))
      let blocked = try Program.run(["run", "spirals", "--output", "\(folder)/file"], store: folder)
      #expect(blocked.status == 64 && blocked.errors.contains("--output"))
      let out = "\(folder)/out"
      let checkpoint = "\(out)/checkpoint-spirals.safetensors"
      let stopped = try Program(["run", "spirals", "--output", out, "--set", "epochs=1000000"], store: folder)
      for _ in 0..<4000 where !FileManager.default.fileExists(atPath: checkpoint) { usleep(5000) }
      kill(stopped.process.processIdentifier, SIGKILL)
      _ = stopped.wait()
      let other = try Program.run(["run", "spirals", "--output", out, "--set", "epochs=1"], store: folder)
      #expect(other.status == 64 && other.errors.contains("checkpoints of other settings"), "\(other)")
      #expect(FileManager.default.fileExists(atPath: checkpoint))
      try FileManager.default.removeItem(atPath: checkpoint)
      let last = try Program.run(
        ["run", "spirals", "--output", out, "--set", "epochs=1", "--set", "points=100"], store: folder)
      #expect(last.status == 0, "\(last)")
      let left = try FileManager.default.contentsOfDirectory(atPath: out)
      #expect(left.contains("report.html") && !left.contains { $0.hasPrefix("checkpoint") })
    }
  }

  @Test("help names every command, and the version is shown")
  func help() throws {
    let help = try Program.run(["--help"])
    for command in ["systems", "run", "deploy", "runs", "sweep", "plot", "serve", "data"] {
      #expect(help.output.contains("  \(command) "))
    }
    #expect(try Program.run(["--version"]).output == "\(kirchhoffVersion)\n")
  }

  @Test(
    "two processes of mpirun give the figures of one",
    .enabled(if: installed("mpirun") != nil, "Open MPI is not installed"))
  func messagePassing() throws {
    try withFolder { folder in
      let arguments = ["run", "mimo-ofdm", "--scale", "smallest", "--substrate", "analog", "--threads", "1"]
      let one = try Program.run(arguments, store: folder)
      #expect(one.status == 0, "\(one.errors)")
      let mpirun = try #require(installed("mpirun"))
      let two = try Program.run(
        arguments, store: folder, wrapper: [mpirun, "--allow-run-as-root", "--oversubscribe", "-n", "2"],
        environment: ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"])
      #expect(two.status == 0, "\(two.errors)")
      let runs = try RunStore(folder: folder).runs()
      try #require(runs.count == 2)
      #expect(runs[0].figures == runs[1].figures && !runs[0].figures.isEmpty)
    }
  }

  @Test("what `make run` does needs no data set, prints quantities with prefixes, and draws its picture")
  func firstHour() throws {
    try withFolder { folder in
      let arguments = [
        "deploy", "\(project)/Examples/digits.onnx", "--data", "\(project)/Examples/digits.npz", "--substrate",
        "analog",
        "--samples", "50", "--output", "\(folder)/out",
      ]
      let run = try Program.run(arguments, store: folder, environment: ["KIRCHHOFF_DATA": "\(folder)/none"])
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output.contains("accuracy") && run.output.contains(" nJ") && run.output.contains(" µs"))
      #expect(run.output.contains("\(folder)/out/report.html"))
      if Gnuplot() != nil {
        let picture = "\(folder)/overview.png"
        let plot = try Program.run(["plot", "last", "--chart", "1", "--output", picture], store: folder)
        #expect(plot.status == 0, "\(plot.errors)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: picture)).starts(with: [0x89, 0x50, 0x4E, 0x47]))
        let missing = try Program.run(["plot", "last", "--chart", "99", "--output", picture], store: folder)
        #expect(missing.status == 64 && missing.errors.contains("--chart is 99"))
      }
      let json = try Program.run(arguments + ["--json"], store: folder)
      let record = try RunRecord.decoder.decode(RunRecord.self, from: Data(json.output.utf8))
      let energy = try #require(record.figures.first { $0.name == "energy of one inference" })
      // Some ten nanojoules, in joules.
      #expect(energy.unit == "J" && energy.value > 1e-9 && energy.value < 1e-6)
    }
  }

  /// The digit network with the first 128 inputs of its last matrix at zero: one whole array of zeros, and converters with no
  /// range. Right is 95.8 % in exact arithmetic, and about as much on arrays.
  @Test(
    "an array of zeros gives zeros: a pruned network keeps its accuracy",
    .enabled(
      if: ProcessInfo.processInfo.environment["KIRCHHOFF_DATA"].map {
        FileManager.default.fileExists(atPath: "\($0)/mnist")
          && FileManager.default.fileExists(atPath: "\($0)/../cases/onnx/deploy-zero-tile/model.onnx")
      } ?? false, "set KIRCHHOFF_DATA to a folder with mnist/, beside one with cases/"))
  func zeroTile() throws {
    try withFolder { folder in
      let data = ProcessInfo.processInfo.environment["KIRCHHOFF_DATA"] ?? ""
      let run = try Program.run(
        [
          "deploy", "\(data)/../cases/onnx/deploy-zero-tile/model.onnx", "--data", "mnist", "--substrate", "analog",
        ], store: folder)
      #expect(run.status == 0, "\(run.errors)")
      let record = try #require(RunStore(folder: folder).runs().first)
      func figure(_ name: String) throws -> Double { try #require(record.figures.first { $0.name == name }).value }
      #expect(abs(try figure("exact accuracy") - 0.958) < 0.002)
      // 1,000 samples; two in a hundred answers change on arrays of this network at most.
      #expect(abs(try figure("analog accuracy") - figure("exact accuracy")) < 0.02)
    }
  }
}
