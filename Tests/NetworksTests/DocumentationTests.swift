import Foundation
import Networks
import Tensors
import Testing

@Suite("Documentation") struct DocumentationTests {
  private func file(_ path: String) throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  /// The part of a compiled file between its rules.
  private func code(_ name: String) throws -> String {
    try #require(try file("Tests/NetworksTests/\(name)").components(separatedBy: "// ---\n").dropFirst().first)
  }

  @Test("the first network in the docs is the one compiled here, and has fewer than 40 lines")
  func firstNetwork() throws {
    let code = try code("FirstNetwork.swift")
    #expect(try file("docs/first-network.md").contains("```swift\n\(code)```"))
    #expect(code.count { $0 == "\n" } < 40)
  }

  @Test("the examples in the docs are the ones compiled here")
  func examples() throws {
    #expect(try file("README.md").contains("```swift\n\(code("GradientExample.swift"))```"))
    #expect(try file("docs/tensors.md").contains("```swift\n\(code("CustomGradientExample.swift"))```"))
    // Least squares by gradient descent finds the line that the points lie on.
    let line = try fitLine()
    #expect((line.slope - 2).magnitude < 1e-3 && (line.offset - 1).magnitude < 1e-3)
    // A quantised product passes its gradient straight through: d/dw Σ round(w) · x = x.
    let x = try Tensor<Float>([1, 2, 3])
    #expect(
      try valueAndGradient(at: Tensor<Float>([0.2, 0.7, 1.4])) { try (quantised($0, step: 0.5) * x).sum() }.gradient
        == x)
  }

  @Test("the first network learns what no single layer can")
  func learns() throws {
    var random = RandomStream(seed: 5)
    let points: Tensor<Float> = try random.uniform([400, 2], in: -1...1)
    // Exclusive or: the sign of x·y.
    let labels = try Tensor<Int32>((0..<400).map { try points.at($0).product().item() > 0 ? 1 : 0 })
    var model = try network(using: &random)
    try train(&model, points: points, labels: labels)
    // Chance is one half; a straight line reaches about two thirds.
    #expect(try accuracy(model(points), labels) > 0.95)
  }
}
