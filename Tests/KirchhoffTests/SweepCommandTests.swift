import Runs
import Foundation
import Reports
import Testing

@Suite("kirchhoff sweep") struct SweepCommandTests {
  private let text = """
    schema: 1
    system: mimo-ofdm
    configuration: { detection: zf, symbols: 20, curve_dB: [], comparisonSymbols: 0 }
    sweep: { axes: { esN0_dB: [0, 10], seed: [1, 2] } }
    workers: 2
    slurm: { partition: short, time: "00:05:00", memory: 200M }
    """

  private func write(_ text: String, _ folder: String) throws -> String {
    let path = "\(folder)/test.yaml"
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test("all points are run once and kept; the same command does nothing more; their figure is drawn")
  func runs() throws {
    try withFolder { folder in
      let file = try write(text, folder)
      let run = try Program.run(["sweep", file], store: "\(folder)/store")
      #expect(run.status == 0, "\(run.errors)")
      let again = try Program.run(["sweep", file], store: "\(folder)/store")
      #expect(again.status == 0 && again.errors.contains("4 points, 4 done"), "\(again.errors)")
      let store = try RunStore(folder: "\(folder)/store")
      let records = try store.runs()
      #expect(records.count == 4 && Set(records.map(\.point)) == [0, 1, 2, 3])
      let name = try #require(records.first).sweep
      #expect(try store.runs(sweep: name).count == 4)
      if Gnuplot() != nil {
        let plot = try Program.run(
          ["plot", "--sweep", name, "--x", "esN0_dB", "--y", "BER", "--log-y", "--output", "\(folder)/ber.pdf"],
          store: "\(folder)/store")
        #expect(plot.status == 0, "\(plot.errors)")
        #expect(FileManager.default.contents(atPath: "\(folder)/ber.pdf")?.starts(with: Array("%PDF".utf8)) == true)
      }
    }
  }

  @Test("a sweep that is stopped continues where it was")
  func continues() throws {
    try withFolder { folder in
      let file = try write(
        text.replacing("symbols: 20", with: "symbols: 3000").replacing("workers: 2", with: "workers: 1"), folder)
      let program = try Program(["sweep", file], store: "\(folder)/store")
      let path = "\(folder)/store"
      // Stop it when the first point is done.
      for _ in 0..<6000 where program.process.isRunning {
        let sweep =
          try FileManager.default.contentsOfDirectory(atPath: folder).contains("store")
          ? FileManager.default.contentsOfDirectory(atPath: path).first { $0.hasPrefix("sweep-") } : nil
        if let sweep, FileManager.default.fileExists(atPath: "\(path)/\(sweep)/point-00000/record.json") { break }
        usleep(10_000)
      }
      program.process.interrupt()
      let stopped = program.wait()
      #expect(stopped.status == 130, "\(stopped.errors)")
      let finished = try RunStore(folder: path).runs(where: [RunFilter("status=finished")]).map(\.id)
      #expect(!finished.isEmpty && finished.count < 4)
      let rest = try Program.run(["sweep", file], store: path)
      #expect(rest.status == 0, "\(rest.errors)")
      let all = try RunStore(folder: path).runs(where: [RunFilter("status=finished")]).map(\.id)
      #expect(all.count == 4 && Set(finished).isSubset(of: all))
    }
  }

  @Test("failed points are kept with their error, and run again only when asked")
  func failures() throws {
    try withFolder { folder in
      // A model that is there when the sweep is planned, and is no model when it runs.
      try Data("rubbish".utf8).write(to: URL(fileURLWithPath: "\(folder)/model.onnx"))
      let file = try write(
        "schema: 1\nsystem: deploy\nconfiguration: { model: \"\(folder)/model.onnx\" }\nsweep: { axes: { seed: [1, 2] } }",
        folder)
      let run = try Program.run(["sweep", file], store: "\(folder)/store")
      #expect(run.status == 1 && run.output.contains("not a valid ONNX file"), "\(run)")
      let store = try RunStore(folder: "\(folder)/store")
      #expect(try store.runs(where: [RunFilter("status=failed")]).count == 2)
      #expect(try Program.run(["sweep", file], store: "\(folder)/store").errors.contains("2 done"))
      #expect(try Program.run(["sweep", file, "--retry-failed"], store: "\(folder)/store").errors.contains("0 done"))
    }
  }

  @Test("a job array of a real Slurm gives the figures of the same sweep here")
  func slurm() throws {
    try withFolder { folder in
      let file = try write(text, folder)
      let here = try Program.run(["sweep", file], store: "\(folder)/here")
      #expect(here.status == 0, "\(here.errors)")
      let there = try Program.run(
        ["sweep", file, "--slurm"], store: "\(folder)/there", wrapper: ["\(project)/Tests/Slurm/with-slurm.sh"])
      // The script says why Slurm cannot be started here.
      if there.status == 77 {
        print("skipped: \(there.errors)")
        return
      }
      #expect(there.status == 0, "\(there.errors)")
      func figures(_ name: String) throws -> [Int: [Figure]] {
        Dictionary(
          uniqueKeysWithValues: try RunStore(folder: "\(folder)/\(name)").runs().map { ($0.point, $0.figures) })
      }
      let found = try figures("there")
      #expect(try found == figures("here") && found.count == 4)
    }
  }
}
