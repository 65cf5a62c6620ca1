import Datasets
import Foundation
import Settings

/// Draws charts with the program gnuplot.
public struct Gnuplot: Sendable {
  /// Formats it writes.
  public enum Format: String, ConfigurationChoice { case svg, pdf, png }

  private let program: String

  /// Nothing where gnuplot is not installed.
  public init?() {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    guard let folder = folders.first(where: { FileManager.default.isExecutableFile(atPath: "\($0)/gnuplot") }) else {
      return nil
    }
    program = "\(folder)/gnuplot"
  }

  /// How to get pictures where gnuplot is missing.
  public static let advice =
    "Charts need gnuplot: install the package `gnuplot-nox` and make the report again; the numbers are complete without."

  /// The picture of a chart; of one that moves, the still picture.
  ///
  /// - Throws: `ChartError`.
  public func draw(_ chart: Chart, as format: Format = .svg) throws -> Data {
    try Gnuplot.check(chart)
    return try pictures(chart, count: 1) { [Gnuplot.script(chart, format, output: $0[0])] }[0]
  }

  /// The moving picture of a chart with frames, as a PNG that repeats for ever.
  ///
  /// - Throws: `ChartError`; `DataError` where frames cannot be joined.
  public func animate(_ chart: Chart) throws -> Data {
    try Gnuplot.check(chart)
    let pictures = try pictures(chart, count: chart.frames.count) { paths in
      // The layout comes from the whole chart, so that nothing but the data moves.
      let layout = ChartLayout(chart)
      return zip(chart.frames, paths).map { Gnuplot.script($0, layout, .png, resolution: 1, output: $1) }
    }
    return try Image.animated(pictures, secondsPerFrame: chart.secondsPerFrame)
  }

  /// Runs the program once.
  ///
  /// - Parameter scripts: commands for files of the given paths.
  private func pictures(_ chart: Chart, count: Int, _ scripts: ([String]) -> [String]) throws -> [Data] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("kirchhoff-chart-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let paths = (0..<count).map { folder.appendingPathComponent("picture-\($0)").path }
    let script = folder.appendingPathComponent("script")
    try Data(scripts(paths).joined(separator: "reset session\n").utf8).write(to: script)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = [script.path]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let pictures = paths.compactMap { try? Data(contentsOf: URL(fileURLWithPath: $0)) }.filter { !$0.isEmpty }
    guard process.terminationStatus == 0, pictures.count == count else {
      throw ChartError.failed(
        title: chart.title, problem: text.split(separator: "\n").last.map(String.init) ?? "no output")
    }
    return pictures
  }

  private static func check(_ chart: Chart) throws {
    guard chart.frames.allSatisfy({ $0.count == chart.panels.count }) else {
      throw ChartError.unevenFrames(title: chart.title)
    }
    for panel in [chart.panels, chart.frames.flatMap { $0 }].joined() {
      if let width = panel.heatMap.first?.count {
        guard width > 0, panel.heatMap.allSatisfy({ $0.count == width }) else {
          throw ChartError.unevenData(series: chart.title)
        }
      }
      if let field = panel.field {
        guard [field.y, field.alongX, field.alongY].allSatisfy({ $0.count == field.x.count }) else {
          throw ChartError.unevenData(series: chart.title)
        }
      }
      for series in panel.series {
        let count = series.y.count
        guard series.style.isSample || series.x.count == count,
          series.lower.count == series.upper.count, series.lower.isEmpty || series.lower.count == count,
          !series.style.hasEnds || series.lower.count == count
        else { throw ChartError.unevenData(series: series.name) }
      }
    }
  }
}

/// What can go wrong with charts. Every message says what to do.
public enum ChartError: Error, Equatable, CustomStringConvertible {
  case unevenData(series: String)
  case unevenFrames(title: String)
  case failed(title: String, problem: String)

  public var description: String {
    switch self {
    case .unevenData(let series): "the lists of \"\(series)\" have different lengths: give as many x as y"
    case .unevenFrames(let title): "the frames of \"\(title)\" have different numbers of panels: give each as many"
    case .failed(let title, let problem):
      "gnuplot could not draw \"\(title)\": \(problem): check that it has the terminals svg, pngcairo and pdfcairo"
    }
  }
}
