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

  @Test("the first network in the docs is the one compiled here, and has fewer than 40 lines")
  func sameCode() throws {
    let code = try #require(
      try file("Tests/NetworksTests/FirstNetwork.swift").components(separatedBy: "// ---\n").dropFirst().first)
    #expect(try file("docs/first-network.md").contains("```swift\n\(code)```"))
    #expect(code.count { $0 == "\n" } < 40)
  }

  @Test("the first network learns what no single layer can")
  func learns() throws {
    var random = RandomStream(seed: 5)
    let points: Tensor<Float> = try random.uniform([400, 2], in: -1...1)
    // Exclusive or: the sign of x·y.
    let labels = try Tensor<Int32>((0..<400).map { try points.at($0).product().item() > 0 ? 1 : 0 })
    let model = try train(points: points, labels: labels)
    // Chance is one half; a straight line reaches about two thirds.
    #expect(try accuracy(model(points), labels) > 0.95)
  }
}
