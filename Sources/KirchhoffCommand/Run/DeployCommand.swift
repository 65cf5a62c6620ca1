import ArgumentParser
import Foundation
import Reports
import Runs
import Studies

struct DeployCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deploy", abstract: "Runs a trained network from an ONNX file exactly and on simulated arrays.",
    discussion: """
      kirchhoff deploy digits.onnx --data mnist --substrate analog --set substrate.macro.output.bits=6

      The model has one input and gives scores for classes. --data is mnist or fashion-mnist (their test sets; see
      `kirchhoff data`), or an .npz file with the samples `x`, their classes `y` and, for the ranges of converters, other
      samples `calibration`. The same with many settings: a sweep of the system `deploy`.
      """)

  @Argument(help: "ONNX file.") var model: String
  @Option(help: "mnist, fashion-mnist, or an .npz file with x, y and perhaps calibration.") var data: String
  @Option(help: "Samples to use, from the first on; 0 for all.") var samples: Int?
  @OptionGroup var options: RunOptions

  func run() throws {
    // The record names files by their full path, so that the run can be repeated from anywhere.
    func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
    guard FileManager.default.fileExists(atPath: model) else {
      throw ValidationError("\(model) is not there: check the path of the ONNX file")
    }
    var options = options
    options.assignments += [
      "model=\(absolute(model))",
      "data=\(FileManager.default.fileExists(atPath: data) && data.hasSuffix(".npz") ? absolute(data) : data)",
    ]
    if let samples { options.assignments.append("samples=\(samples)") }
    try options.run(AnySystem(Deployment.self))
  }
}
