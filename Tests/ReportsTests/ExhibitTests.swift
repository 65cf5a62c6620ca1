import Datasets
import Foundation
import Reports
import TestSupport
import Tensors
import Testing

@Suite("Small pictures in charts") struct ExhibitTests {
  private func colour(_ red: Float, _ green: Float, _ blue: Float, height: Int = 6, width: Int = 4) throws
    -> Tensor<Float>
  {
    try Tensor([red, green, blue], shape: [3, 1, 1]).broadcast(to: [3, height, width])
  }

  /// How many of the dots of a drawing have a colour.
  private func count(_ chart: Chart, _ wanted: (red: Float, green: Float, blue: Float)) throws -> Int {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("kirchhoff-\(UUID().uuidString).png")
    try #require(Gnuplot()).draw(chart, as: .png).write(to: path)
    defer { try? FileManager.default.removeItem(at: path) }
    let picture = try Image.read(path.path)
    let planes = try (0..<3).map { try picture.at($0).elements }
    return planes[0].indices.count {
      abs(planes[0][$0] - wanted.red) + abs(planes[1][$0] - wanted.green) + abs(planes[2][$0] - wanted.blue) < 0.01
    }
  }

  @Test("are drawn in their colours, all as large as each other", .enabled(if: Gnuplot() != nil, "no gnuplot"))
  func drawn() throws {
    let exhibits = try [colour(1, 0, 0), colour(0, 1, 0), colour(0, 0, 1)].enumerated().map {
      try Chart.Exhibit($1, caption: "c\($0)", isMarked: $0 == 1)
    }
    let chart = Chart("t", panels: [Chart.Panel("p", exhibits: exhibits, note: "what they are")])
    let areas = try [(1, 0, 0), (0, 1, 0), (0, 0, 1)].map { try count(chart, $0) }
    // 520 × 300 pixels, at two dots each: three of 162 × 243 pixels stand beside each other. Their edges lie between dots.
    for area in areas { #expect(abs(Double(area) / (4 * 168 * 252) - 1) < 0.15) }
    #expect(Double(areas.max() ?? 0) / Double(areas.min() ?? 1) < 1.02)
    let script = Gnuplot.script(chart, .svg, output: "picture")
    #expect(script.contains("'c1'") && script.contains("'what they are'") && script.contains("unset border"))
    // The colour of what is wrong, once.
    #expect(script.components(separatedBy: "textcolor '#d55e00'").count == 2)
  }

  @Test("grey ones get three equal colours, large ones become small, others are refused")
  func made() throws {
    let grey = try Chart.Exhibit(Tensor<Float>([0, 0.5, 1, 2], shape: [2, 2]), caption: "")
    #expect([UInt8](grey.pixels) == [0, 0, 0, 128, 128, 128, 255, 255, 255, 255, 255, 255])
    // Means of 3 × 3 pixels; 250 is more than 2 · 96.
    var random = RandomStream(seed: 1)
    let large: Tensor<Float> = try random.uniform([1, 200, 250], in: 0...1)
    let small = try Chart.Exhibit(large, caption: "")
    #expect(small.width == 83 && small.height == 66)
    let mean = try large.slice(3..<6, axis: 1).slice(0..<3, axis: 2).mean().item()
    // A byte is rounded.
    let pixel = Float(small.pixels[83 * 3])
    #expect(abs(pixel - 255 * mean) <= 0.51)
    #expect(throws: TensorError.self) { try Chart.Exhibit(.zeros([2, 8, 8]), caption: "") }
    #expect(throws: TensorError.self) { try Chart.Exhibit(.zeros([8]), caption: "") }
    var report = Report(Sums.card)
    try report.exhibits("t", [("c", large, true)], note: "n")
    #expect(report.charts[0].panels[0].exhibits == [try Chart.Exhibit(large, caption: "c", isMarked: true)])
  }

  @Test("names stand below bars, with error bars at their ends, and are tilted where they are long")
  func names() {
    var panel = Chart.Panel(
      x: .init(""), y: .init("y"), series: [.init("s", .bars, x: [1, 2], y: [3, 4], lower: [2, 3], upper: [4, 5])])
    panel.names = ["first", "second"]
    func script() -> String { Gnuplot.script(Chart("t", panels: [panel]), .svg, output: "picture") }
    #expect(script().contains("('first' 1.0, 'second' 2.0)") && script().contains("with boxerrorbars"))
    #expect(!script().contains("rotate by -30"))
    panel.names[1] = "a name that is far too long to stand beside another one without being tilted, as anyone can see"
    #expect(script().contains("rotate by -30"))
    // Room for the error bars.
    #expect(script().contains("set yrange [0.0:5.0]"))
  }
}
