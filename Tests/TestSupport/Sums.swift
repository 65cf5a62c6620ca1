import Foundation
import Reports
import Runs
import Settings

/// A system for tests: its figures are sums of its settings.
package enum Sums: System {
  package enum Kind: String, ConfigurationChoice { case plain, noisy }
  package struct Inner: Codable, Sendable { var width_m = 1.5 }
  package struct Configuration: Codable, Sendable {
    var count = 3
    var kind = Kind.plain
    var weights = [1.0, 2.0]
    var inner = Inner()
    var name = "a"
    var fails = false
  }
  package static let card = Card(
    name: "sums", title: "Sums & <more>", source: "none", summary: "For tests.",
    claims: [Claim("total", published: 10, within: .relative(0.5), at: "nowhere")])
  package static func configuration(_ scale: Scale) -> Configuration { Configuration() }
  package static func validate(_ c: Configuration) throws {
    if c.count < 0 { throw ConfigurationError.invalidValue(key: "count", found: "\(c.count)", expected: "0 or more") }
  }
  private struct Failure: Error, CustomStringConvertible { var description = "it had to fail" }
  package static func run(_ c: Configuration, in context: RunContext) throws -> Report {
    if c.fails { throw Failure() }
    for step in 0..<c.count { try context.record("loss", step: step, value: 1 / Double(step + 1)) }
    var random = context.random
    var report = Report(card)
    let noise = c.kind == .noisy ? Double(random.next() % 1000) : 0
    report.figure(
      "total", Double(c.count) + c.weights.reduce(0, +) + noise, unit: "m", how: .simulated, data: "synthetic")
    report.charts.append(Chart("Line", x: .init("x"), y: .init("y"), [.init("s", .line, x: [0, 1], y: [1, 2])]))
    return report
  }
}

package let sums = AnySystem(Sums.self)

package func withFolder(_ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("kirchhoff-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try body(folder.path)
}
