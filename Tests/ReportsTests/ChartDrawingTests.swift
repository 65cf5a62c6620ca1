import Datasets
import Foundation
import Reports
import Runs
import Settings
import TestSupport
import Tensors
import Testing

/// What is drawn, read back from the drawing.
private struct Drawing {
  let svg: String
  private let canvas: (width: Double, height: Double)

  init(_ chart: Chart) throws {
    let svg = String(decoding: try #require(Gnuplot()).draw(chart), as: UTF8.self)
    let box = try #require(svg.firstMatch(of: /viewBox="0 0 (\d+) (\d+)"/))
    self.svg = svg
    canvas = (Double(box.1) ?? 0, Double(box.2) ?? 0)
  }

  /// Middles of the round points.
  var points: [(x: Double, y: Double)] {
    svg.matches(of: /#gpPt6' transform='translate\(([\d.]+),([\d.]+)\)/).map { (Double($0.1) ?? 0, Double($0.2) ?? 0) }
  }

  /// Texts with the left end or middle of their foot.
  var texts: [(text: String, x: Double, y: Double)] {
    svg.matches(of: /translate\(([-\d.]+),([-\d.]+)\)[^>]*font-size[^>]*>\s*<text>([^<]*)<\/text>/).map {
      (String($0.3), Double($0.1) ?? 0, Double($0.2) ?? 0)
    }
  }

  /// Fills with how opaque they are.
  var polygons: [(opacity: Double, corners: [(x: Double, y: Double)])] {
    svg.matches(of: /<polygon fill = '[^']*'([^>]*)points = '([^']*)'/).map { match in
      let opacity = match.1.firstMatch(of: /fill-opacity = '([\d.]+)'/).flatMap { Double($0.1) } ?? 1
      let corners = match.2.split(whereSeparator: \.isWhitespace).map {
        $0.split(separator: ",").compactMap { Double($0) }
      }
      return (opacity, corners.filter { $0.count == 2 }.map { ($0[0], $0[1]) })
    }
  }

  func isInside(_ x: Double, _ y: Double) -> Bool { (0...canvas.width).contains(x) && (0...canvas.height).contains(y) }
}

private func script(_ chart: Chart) -> String { Gnuplot.script(chart, .svg, output: "picture") }

private func line(_ y: [Double], logarithmic: Bool = false) -> Chart {
  Chart(
    "t", x: .init("x"), y: .init("y", logarithmic: logarithmic),
    [.init("s", .line, x: y.indices.map(Double.init), y: y)])
}

@Suite("Drawings of charts", .enabled(if: Gnuplot() != nil, "gnuplot is not installed"))
struct ChartDrawingTests {
  @Test("a circle in the data is a circle on paper", arguments: 1...4)
  func circle(panels: Int) throws {
    let angles = (0..<64).map { Double($0) / 32 * .pi }
    let panel = Chart.Panel(
      "ring", x: .init("x"), y: .init("y"),
      series: [.init("", .scatter, x: angles.map { cos($0) }, y: angles.map { 3 + sin($0) })], equalAspect: true)
    let chart = Chart("rings", panels: Array(repeating: panel, count: panels))
    #expect(script(chart).contains("set size ratio -1"))
    let points = try Drawing(chart).points
    #expect(points.count == 64 * panels)
    for p in 0..<panels {
      let part = points[64 * p..<64 * (p + 1)]
      let width = (part.map(\.x).max() ?? 0) - (part.map(\.x).min() ?? 0)
      let height = (part.map(\.y).max() ?? 0) - (part.map(\.y).min() ?? 0)
      // Positions are written to a hundredth of a pixel.
      #expect(abs(width / height - 1) < 0.01 && width > 50)
    }
  }

  @Test("colour bars are opaque, whatever else the chart fills")
  func colourBar() throws {
    var chart = Chart(
      "t", panels: [.init(x: .init("x"), y: .init("y"), heatMap: [[0, 1], [2, 3]])])
    let fills = try Drawing(chart).polygons
    #expect(fills.count > 50)
    #expect(fills.allSatisfy { $0.opacity == 1 })
    chart.panels.append(.init(x: .init("v"), y: .init("n"), series: [.init("", .histogram, y: [1, 2, 2, 3])]))
    let both = try Drawing(chart).polygons
    #expect(both.count { $0.opacity == 1 } >= fills.count)
  }

  @Test("powers of ten and minus signs are written as people write them")
  func ticks() throws {
    let logarithmic = try Drawing(line([1e-4, 1e-2, 1], logarithmic: true)).texts.map(\.text)
    #expect(logarithmic.contains("10⁻²") && logarithmic.contains("10⁰"))
    #expect(!logarithmic.contains { $0.contains("e-") || $0.contains("e+") })
    let negative = try Drawing(line([-2, 2])).texts.map(\.text)
    #expect(negative.contains { $0.hasPrefix("−2") } && !negative.contains { $0.hasPrefix("-") })
    let large = try Drawing(line([0, 3e7])).texts.map(\.text)
    #expect(large.contains { $0.hasPrefix("3") && $0.hasSuffix("×10⁷") } && large.contains("0"))
    // Between powers of ten there have to be numbers where there is one power only.
    #expect(try Drawing(line([0.02, 0.09], logarithmic: true)).texts.map(\.text).contains("0.05"))
  }

  @Test("legends stand below the axis and its label, one name under the other, on the canvas", arguments: [1, 3, 24])
  func legends(count: Int) throws {
    let names = (0..<count).map {
      "series \($0) with a name that is much longer than anyone would like to read in a chart"
    }
    let drawing = try Drawing(
      Chart("t", x: .init("axis"), y: .init("y"), names.map { .init($0, .lineWithPoints, x: [0, 1], y: [0, 1]) }))
    let texts = drawing.texts
    let label = try #require(texts.first { $0.text == "axis" })
    let starts = try names.indices.map { i in try #require(texts.first { $0.text.hasPrefix("series \(i) with") }) }
    #expect(starts.allSatisfy { $0.y > label.y + 10 && drawing.isInside($0.x, $0.y) })
    for (above, below) in zip(starts, starts.dropFirst()) { #expect(below.y >= above.y + 2 * 15) }
    // Nothing of a name is left out: the words of all lines are those of all names.
    let words = texts.filter { $0.y > label.y + 10 }.flatMap { $0.text.split(separator: " ") }
    #expect(words.count == names.flatMap { $0.split(separator: " ") }.count)
  }

  @Test("a band is filled between its ends, and goes down to the axis where a logarithm has no end")
  func band() throws {
    let straight = try Drawing(
      Chart(
        "t", x: .init("x"), y: .init("y"),
        [.init("", .band, x: [0, 1, 2], y: [2, 2, 2], lower: [1, 0, 1], upper: [3, 4, 3])]
      )
    ).polygons
    let band = try #require(straight.first { $0.corners.count >= 6 })
    #expect(band.opacity < 0.5)
    let heights = band.corners.map(\.y)
    // Upper ends 3, 4, 3 and lower ends 1, 0, 1 on an axis from 0 to 4.
    let low = try #require(heights.max()), high = try #require(heights.min())
    #expect(heights.filter { abs($0 - (low + 3 * high) / 4) < 0.5 }.count >= 2)
    #expect(heights.filter { abs($0 - (3 * low + high) / 4) < 0.5 }.count >= 2)
    let logarithmic = try Drawing(
      Chart(
        "t", x: .init("x"), y: .init("y", logarithmic: true),
        [.init("", .band, x: [0, 1, 2], y: [1, 0.1, 0.01], lower: [0.5, 0.05, -1], upper: [2, 0.2, 0.02])]))
    let fill = try #require(logarithmic.polygons.first { $0.corners.count >= 6 })
    #expect(fill.corners.allSatisfy { logarithmic.isInside($0.x, $0.y) })
    let middle = try #require(logarithmic.texts.first { $0.text == "10⁻²" })
    #expect((fill.corners.map(\.y).max() ?? 0) >= middle.y - 10)
  }

  @Test("arrows of a phase portrait point along the field")
  func phasePortrait() throws {
    let field = Chart.VectorField(x: 0...2, y: 0...2, arrows: 2) { x, y in (y, -x) }
    #expect(field.x == [0.5, 1.5, 0.5, 1.5] && field.alongX == [0.5, 0.5, 1.5, 1.5])
    #expect(field.alongY == [-0.5, -1.5, -0.5, -1.5])
    let chart = Chart.phasePortrait(
      "rotation", x: .init("p"), y: .init("q"), [("path", [0, 1, 2], [2, 1.5, 0])], field: field)
    #expect(script(chart).contains("with vectors") && script(chart).contains("set size ratio -1"))
    let texts = try Drawing(chart).texts.map(\.text)
    #expect(texts.contains("speed") && texts.contains("path") && texts.contains("start"))
  }

  @Test("a chart that moves has all frames on screen and one in print, all with the same ranges")
  func animation() throws {
    let frames = (1...5).map { time in
      [Chart.Panel("wave", x: .init("x"), y: .init("y"), series: [.init("", .line, x: [0, 1], y: [0, Double(time)])])]
    }
    let chart = Chart("moves", frames: frames, still: 2, secondsPerFrame: 0.25)
    #expect(chart.panels == frames[2])
    #expect(script(chart).contains("set yrange [0.0:5.0]"))
    let png = try #require(Gnuplot()).animate(chart)
    let name = try #require(png.range(of: Data("acTL".utf8)))
    #expect(png[name.upperBound..<name.upperBound + 4].elementsEqual([0, 0, 0, 5]))
    var report = Report(Sums.card)
    report.charts.append(chart)
    let page = try ReportPage.html(report, RunRecord(RunSpecification(sums.keys)))
    #expect(page.contains("class=\"moving") && page.contains("<div class=\"still\"><svg"))
    #expect(throws: ChartError.unevenFrames(title: "moves")) {
      try Gnuplot()?.animate(Chart("moves", frames: [frames[0], []], still: 0))
    }
  }
}

@Suite("Scales of charts") struct ChartScaleTests {
  private static func panel(_ axis: String, _ y: [Double]) -> Chart.Panel {
    Chart.Panel(x: .init("x"), y: .init(axis), series: [.init("", .line, x: y.indices.map(Double.init), y: y)])
  }

  private func ranges(_ chart: Chart, _ axis: String) -> [String] {
    script(chart).split(separator: "\n").filter { $0.hasPrefix("set \(axis)range") }.map(String.init)
  }

  @Test("panels with the same axis share its range, unless chart or panel says otherwise")
  func ranges() {
    var chart = Chart(
      "t", panels: [Self.panel("field", [-4, 4]), Self.panel("field", [-0.1, 0.1]), Self.panel("loss", [0, 1])])
    #expect(ranges(chart, "y") == ["set yrange [-4.0:4.0]", "set yrange [-4.0:4.0]", "set yrange [0.0:1.0]"])
    chart.panels[1].hasOwnRanges = true
    #expect(ranges(chart, "y") == ["set yrange [-4.0:4.0]", "set yrange [-0.1:0.1]", "set yrange [0.0:1.0]"])
    chart.panels[1].hasOwnRanges = false
    chart.sharesRanges = false
    #expect(ranges(chart, "y") == ["set yrange [-4.0:4.0]", "set yrange [-0.1:0.1]", "set yrange [0.0:1.0]"])
  }

  @Test("maps that are compared have one scale of colours and one bar")
  func colours() throws {
    let (large, small) = (
      try Tensor<Float>([0, 4, 2, 1], shape: [2, 2]), try Tensor<Float>([0, 0.08, 0, 0], shape: [2, 2])
    )
    var chart = try Chart.maps("t", x: .init("x"), y: .init("y"), [("truth", large), ("filter", small)])
    #expect(ranges(chart, "cb") == ["set cbrange [0.0:4.0]", "set cbrange [0.0:4.0]"])
    #expect(script(chart).ranges(of: "set colorbox user").count == 1)
    chart.panels[1].hasOwnRanges = true
    #expect(ranges(chart, "cb") == ["set cbrange [0.0:4.0]", "set cbrange [0.0:0.08]"])
    #expect(script(chart).ranges(of: "set colorbox user").count == 2)
    // A scale with two directions is as long on both sides of zero.
    chart.sharesRanges = false
    chart.panels[0].palette = .diverging
    #expect(ranges(chart, "cb")[0] == "set cbrange [-4.0:4.0]")
    #expect(throws: TensorError.self) {
      try Chart.maps("t", x: .init("x"), y: .init("y"), [("no matrix", large.reshaped([4]))])
    }
  }

  @Test("positions of a map are those it is given")
  func positions() throws {
    let map = try Tensor<Float>(repeating: 1, shape: [2, 3])
    let chart = try Chart.maps("t", x: .init("x"), y: .init("y"), [("", map)], columns: 0...10, rows: 1...2)
    #expect(ranges(chart, "x") == ["set xrange [-2.5:12.5]"] && ranges(chart, "y") == ["set yrange [0.5:2.5]"])
    #expect(script(chart).contains("(0.0+$1*5.0):(1.0+$2*1.0):3 with image"))
  }

  @Test("bars stand on zero")
  func bars() {
    let chart = Chart("t", x: .init("x"), y: .init("y"), [.init("", .bars, x: [1, 2], y: [90, 100])])
    #expect(ranges(chart, "y") == ["set yrange [0.0:100.0]"])
  }

  @Test("the more points, the smaller and clearer they are")
  func density() throws {
    func look(_ count: Int) throws -> (size: Double, alpha: String) {
      let y = (0..<count).map(Double.init)
      let text = script(Chart("t", x: .init("x"), y: .init("y"), [.init("", .scatter, x: y, y: y)]))
      let match = try #require(text.firstMatch(of: /linecolor '#(..)0072b2' pointtype 7 pointsize ([\d.]+)/))
      return (try #require(Double(match.2)), String(match.1))
    }
    let (few, some, many) = (try look(10), try look(300), try look(10_000))
    #expect(few.size > some.size && some.size > many.size && many.size > 0.05)
    #expect(few.alpha == "00" && some.alpha != "00" && many.alpha > some.alpha)
  }

  @Test("charts of earlier versions are still read")
  func earlier() throws {
    let text = """
      {"title":"t","panels":[{"title":"p","x":{"label":"x","isLogarithmic":false},"y":{"label":"y","isLogarithmic":true},
      "series":[{"name":"s","style":"line","x":[0],"y":[1],"lower":[],"upper":[]}],"heatMap":[]}]}
      """
    let chart = try JSONDecoder().decode(Chart.self, from: Data(text.utf8))
    #expect(chart.sharesRanges && chart.frames.isEmpty && chart.panels[0].series[0].name == "s")
    #expect(!chart.panels[0].hasEqualAspect && chart.panels[0].palette == .sequential)
    let picture = try JSONDecoder().decode(Report.Picture.self, from: Data(#"{"title":"t","png":"AA=="}"#.utf8))
    #expect(picture.still == nil && picture.parts == nil)
    #expect(try JSONDecoder().decode(Chart.self, from: JSONEncoder().encode(chart)) == chart)
  }
}

@Suite("Pictures of a report") struct ReportPictureTests {
  @Test("images keep their captions, sheets are one picture, animations have a still for print")
  func pictures() throws {
    var report = Report(Sums.card)
    let pictures = try (0..<3).map { try Tensor<Float>(repeating: Float($0) / 2, shape: [2, 3]) }
    try report.images("letters", pictures.enumerated().map { ("letter \($0)", $1) }, enlarged: 4)
    try report.contactSheet("sheet", pictures, columns: 2, enlarged: 4)
    try report.animation("film", pictures, still: 1, secondsPerFrame: 0.5, enlarged: 4)
    try report.maps("map", x: .init("x"), y: .init("y"), [("", pictures[0])])
    report.phasePortrait("plane", x: .init("x"), y: .init("y"), [("path", [0, 1], [0, 1])])
    #expect(report.charts.map(\.title) == ["map", "plane"])
    let page = try ReportPage.html(report, RunRecord(RunSpecification(sums.keys)), gnuplot: nil)
    for i in 0..<3 { #expect(page.contains("<figcaption>letter \(i)</figcaption>")) }
    #expect(page.contains("class=\"still\"") && page.contains("<figcaption>sheet</figcaption>"))
    #expect(report.pictures[2].still == (try Image.png(Image.enlarged(pictures[1], by: 4))))
  }
}
