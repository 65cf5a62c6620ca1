import ArgumentParser
import Foundation
import Reports
import Runs

struct PlotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plot",
    abstract: "Draws a figure of many runs against a setting, a metric of some runs against time, or a run's chart.",
    discussion: """
      kirchhoff plot --sweep sweep-ber-1234abcd --x esN0_dB --y BER --group modulation --log-y --output ber.pdf
      kirchhoff plot RUN RUN --metric "spirals: validation loss" --output loss.svg
      kirchhoff plot last --chart 1 --output overview.png

      Runs that share the value on the x axis and the group are averaged; bars or bands show the 95 % interval of the mean.
      The ending of --output decides the format: svg, pdf or png.
      """)

  @Argument(help: "Runs; all that pass the filters if none is named.") var runs: [String] = []
  @OptionGroup var selection: RunsCommand.Selection
  @Option(help: "Setting or figure on the x axis.") var x: String?
  @Option(help: "Figure on the y axis.") var y: String?
  @Option(help: "Setting that tells the lines apart.") var group: String?
  @Option(help: "Metric to draw against its steps, instead of --x and --y.") var metric: String?
  @Option(help: "Number of a chart in the report of one run, from 1, instead of --x and --y.") var chart: Int?
  @Option(help: "One of line, scatter, lineWithPoints, band, errorBars, histogram, box, bars.") var style: Chart.Style =
    .errorBars
  @Flag(help: "Logarithmic x axis.") var logX = false
  @Flag(help: "Logarithmic y axis.") var logY = false
  @Option(help: "File to write: .svg, .pdf or .png.") var output = "plot.svg"
  @OptionGroup var store: StoreOptions

  func validate() throws {
    if let chart {
      guard runs.count == 1, metric == nil, x == nil, y == nil else {
        throw ValidationError("--chart takes one run, and neither --metric nor --x and --y")
      }
      guard chart >= 1 else { throw ValidationError("--chart is \(chart), expected 1 or more") }
    } else if metric == nil, y == nil || (x == nil && style != .histogram && style != .box) {
      throw ValidationError("either --chart, or --metric, or --x and --y, has to be given")
    }
    if metric != nil, x != nil || y != nil { throw ValidationError("--metric stands instead of --x and --y") }
    guard Gnuplot.Format(rawValue: URL(fileURLWithPath: output).pathExtension.lowercased()) != nil else {
      throw ValidationError("--output is \(output), expected a name that ends in .svg, .pdf or .png")
    }
  }

  func run() throws {
    let store = try store.open()
    if let chart {
      let record = try store.run(store.resolve(runs[0]))
      try draw(reported(chart, of: record))
      return print("chart \(chart) of \(record.id) drawn in \(output)")
    }
    let chosen = try runs.isEmpty ? selection.runs(store) : runs.map { try store.run(store.resolve($0)) }
    // The course of metrics is read only where it is needed.
    let records = try metric == nil ? chosen : chosen.map { try store.run($0.id) }
    let chart = try checkingArguments {
      try metric.map { try RunChart.metric(records, $0, logarithmic: (logX, logY)) }
        ?? RunChart.figure(
          records, x: x ?? "", y: y ?? "", group: group, style: style, logarithmic: (logX, logY))
    }
    try draw(chart)
    print("\(records.count) runs drawn in \(output)")
  }

  /// A chart of the report that a run left in its folder.
  private func reported(_ number: Int, of record: RunRecord) throws -> Chart {
    let path = "\(record.folder)/report.json"
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)) else {
      throw ValidationError("\(path) cannot be read: choose a run that finished and whose folder is still there")
    }
    let charts = try RunRecord.decoder.decode(Report.self, from: data).charts
    guard number <= charts.count else {
      throw ValidationError("--chart is \(number), the report of \(record.id) has \(charts.count) charts")
    }
    return charts[number - 1]
  }

  private func draw(_ chart: Chart) throws {
    guard let gnuplot = Gnuplot() else { throw PlotError.noGnuplot }
    let format = Gnuplot.Format(rawValue: URL(fileURLWithPath: output).pathExtension.lowercased()) ?? .svg
    try gnuplot.draw(chart, as: format).write(to: URL(fileURLWithPath: output), options: .atomic)
  }
}

extension Chart.Style: ExpressibleByArgument {}
