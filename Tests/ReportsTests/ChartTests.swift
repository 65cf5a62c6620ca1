import Foundation
import Reports
import Runs
import Settings
import TestSupport
import Tensors
import Testing

@Suite("Charts") struct ChartTests {
  private static let everyStyle = Chart(
    "All 'styles' `date` \"x\"",
    panels: Chart.Style.allCases.map { style in
      let isSample = style == .histogram || style == .box
      return Chart.Panel(
        style.rawValue, x: .init("x", unit: "s"), y: .init("y", logarithmic: style == .line),
        series: [
          .init(
            "a\nb", style, x: isSample ? [] : [1, 2, 3], y: [1, 4, .nan], lower: isSample ? [] : [0.5, 3, 1],
            upper: isSample ? [] : [2, 5, 2])
        ])
    } + [Chart.Panel("map", x: .init("x"), y: .init("y"), heatMap: [[1, 2], [3, .infinity]])])

  @Test("every style is drawn in every format", .enabled(if: Gnuplot() != nil, "gnuplot is not installed"))
  func draws() throws {
    let gnuplot = try #require(Gnuplot())
    #expect(String(decoding: try gnuplot.draw(Self.everyStyle, as: .svg), as: UTF8.self).contains("<svg"))
    #expect(try gnuplot.draw(Self.everyStyle, as: .png).starts(with: [0x89, 0x50, 0x4E, 0x47]))
    #expect(try gnuplot.draw(Self.everyStyle, as: .pdf).starts(with: Array("%PDF".utf8)))
    // Titles are never run as commands, nor is anything in them replaced.
    #expect(String(decoding: try gnuplot.draw(Self.everyStyle, as: .svg), as: UTF8.self).contains("`date`"))
  }

  @Test("uneven data are refused by name", .enabled(if: Gnuplot() != nil, "gnuplot is not installed"))
  func uneven() throws {
    let chart = Chart("t", x: .init("x"), y: .init("y"), [.init("bad", .line, x: [1], y: [1, 2])])
    #expect(throws: ChartError.unevenData(series: "bad")) { try #require(Gnuplot()).draw(chart) }
  }

  @Test("without gnuplot a report is complete and says how to get pictures")
  func withoutGnuplot() throws {
    let specification = try RunSpecification(sums.keys)
    let report = try sums.run(specification.configuration, RunContext())
    let page = try ReportPage.html(report, RunRecord(specification), gnuplot: nil)
    #expect(page.contains("gnuplot-nox") && page.contains("total"))
  }

  @Test("runs that share x and group are averaged with the interval of their mean")
  func averages() throws {
    let runs = try [(1, 1), (1, 2), (2, 1), (2, 2)].map { (count: Int, seed: Int) -> RunRecord in
      var record = RunRecord(try RunSpecification(sums.keys, seed: UInt64(seed), assignments: ["count=\(count)"]))
      record.figures = [
        .init(name: "total", value: Double(count * 10 + seed), unit: "m", origin: .simulated, data: "", uncertainty: 0)
      ]
      return record
    }
    let chart = try RunChart.figure(runs, x: "count", y: "total")
    let series = chart.panels[0].series[0]
    #expect(series.y == [11.5, 21.5])
    // 1.96·s/√2 with s² = 1/2.
    #expect(abs(series.upper[0] - 11.5 - 1.96 * 0.5) < 1e-12)
    #expect(try RunChart.figure(runs, x: "count", y: "total", group: "seed").panels[0].series.count == 2)
    #expect(throws: PlotError.self) { try RunChart.figure(runs, x: "count", y: "nothing") }
  }
}

@Suite("Documentation of charts") struct ChartDocumentationTests {
  @Test("the example in the docs is the one compiled here, and does what it says")
  func example() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    func file(_ path: String) throws -> String {
      try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }
    let code = try #require(
      try file("Tests/ReportsTests/PicturesExample.swift").components(separatedBy: "// ---\n").dropFirst().first)
    let page = try file("docs/charts.md")
    #expect(page.contains("```swift\n\(code)```"))
    for style in Chart.Style.allCases { #expect(page.contains("`\(style.rawValue)`")) }
    var report = Report(Sums.card)
    let field = try Tensor<Float>(repeating: 0, shape: [4, 4])
    try oscillator(exact: [[0, 1], [1, 0]], arrays: [[0, 1], [1, 0.1]], fields: [field, field], into: &report)
    #expect(report.charts.map(\.title) == ["Oscillator", "Field at two times"] && report.pictures[0].still != nil)
    guard let gnuplot = Gnuplot() else { return print("skipped the drawings: gnuplot is not installed") }
    for chart in report.charts { _ = try gnuplot.draw(chart) }
  }
}
