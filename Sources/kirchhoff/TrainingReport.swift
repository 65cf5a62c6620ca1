import Foundation
import Networks

/// What a training run shows: figures as JSON, and a page to read.
struct TrainingReport: Codable {
  var data = "synthetic: two spirals made by this program"
  var seed: UInt64
  var points: Int
  var learningRate: Float
  var threads: Int
  var parameters: Int
  var trainingAccuracy: Double
  var testAccuracy: Double
  /// Of this process; less than the whole run after a continuation.
  var seconds: Double
  var history: [EpochRecord]

  func write(to folder: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try encoder.encode(self).write(to: URL(fileURLWithPath: "\(folder)/report.json"), options: .atomic)
    try Data(page.utf8).write(to: URL(fileURLWithPath: "\(folder)/report.html"), options: .atomic)
  }

  private var page: String {
    let facts = [
      ("data", data), ("seed", "\(seed)"), ("points in each set", "\(points)"), ("learning rate", "\(learningRate)"),
      ("threads", "\(threads)"), ("parameters", "\(parameters)"),
      ("training accuracy (synthetic data)", "\(trainingAccuracy)"),
      ("test accuracy (synthetic data)", "\(testAccuracy)"),
      ("time of this process, s", String(format: "%.2f", seconds)),
    ]
    let step = max(1, history.count / 25)
    let shown = history.filter { $0.epoch % step == 0 || $0.epoch == history.count - 1 }
    return """
      <!doctype html>
      <html lang="en"><head><meta charset="utf-8"><title>Kirchhoff: training report</title>
      <style>
      body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
      table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .2rem .8rem; border-bottom: 1px solid #ddd; text-align: right }
      td:first-child, th:first-child { text-align: left }
      </style></head><body>
      <h1>Training report</h1>
      <p>A network 2-64-64-2 (tanh) trained with Adam in exact single-precision arithmetic.</p>
      <table>\(facts.map { "<tr><td>\($0)</td><td>\($1)</td></tr>" }.joined())</table>
      <h2>Losses</h2>
      <table><tr><th>epoch</th><th>training loss</th><th>test loss</th></tr>
      \(shown.map { "<tr><td>\($0.epoch + 1)</td><td>\($0.trainingLoss)</td><td>\($0.validationLoss ?? .nan)</td></tr>" }.joined(separator: "\n"))
      </table></body></html>
      """
  }
}
