import Foundation
import Reports
import Tensors

extension KoopmanStudy {
  /// Truth, what is known without a model, the filter's estimate and its error, over time on a line and at one time on the
  /// square; and errors over time.
  func pictures(
    _ found: Estimates, _ interpolated: Tensor<Float>, _ ensemble: Tensor<Float>?, _ records: FlowRecords,
    _ report: inout Report
  ) throws {
    let start = records.test.lowerBound + found.offset
    let count = found.hidden.shape[0]
    let truth = try SplitRecords(records.clean.slice(start..<start + count), records).hidden
    let simple = try interpolated.slice(found.offset..<found.offset + count)
    let difference = try (found.hidden - truth).magnitude()
    let name = "synthetic records of the true model"
    if c.data.flow.isSquare {
      let n = c.data.points
      let time = min(count - 1, c.settlingRecords + 30)
      func panel(_ title: String, _ x: Tensor<Float>) throws -> Chart.Panel {
        let row = try x.at(time).elements.map(Double.init)
        var panel = Chart.Panel(
          title, x: Chart.Axis("point along y"), y: Chart.Axis("point along x"),
          heatMap: (0..<n).map { i in Array(row[i * n..<(i + 1) * n]) }, equalAspect: true)
        (panel.colour, panel.palette) = (Chart.Axis("normalised vorticity"), .diverging)
        return panel
      }
      report.charts.insert(
        Chart(
          "Normalised vorticity at one time, \(name)",
          panels: [
            try panel("truth", truth), try panel("bilinear from \(c.data.observed.count) points", simple),
            try panel("filter", found.hidden), try panel("size of the filter's error", difference),
          ]), at: 0)
    } else {
      let shown = min(count, 150)
      func panel(_ title: String, _ x: Tensor<Float>) throws -> Chart.Panel {
        let rows = try (0..<shown).map { try x.at($0).elements.map(Double.init) }
        var panel = Chart.Panel(
          title, x: Chart.Axis("point that is not observed"), y: Chart.Axis("test record"), heatMap: rows)
        (panel.colour, panel.palette) = (Chart.Axis("normalised field"), .diverging)
        return panel
      }
      report.charts.insert(
        Chart(
          "Normalised field, \(name)",
          panels: [
            try panel("truth", truth), try panel("cubic spline through \(c.data.observed.count) points", simple),
            try panel("filter", found.hidden), try panel("size of the filter's error", difference),
          ]), at: 0)
    }
    func course(_ x: Tensor<Float>, offset: Int) throws -> [Double] {
      let part = try SplitRecords(
        records.clean.slice(records.test.lowerBound + offset..<records.test.lowerBound + offset + x.shape[0]), records
      ).hidden
      return try (x - part).squared().mean(axes: [1]).elements.prefix(200).map(Double.init)
    }
    func series(_ name: String, _ x: Tensor<Float>, offset: Int) throws -> Chart.Series {
      let y = try course(x, offset: offset)
      return Chart.Series(name, .line, x: y.indices.map { Double($0 + offset) }, y: y)
    }
    var all = [
      try series("filter", found.hidden, offset: found.offset), try series("interpolation", interpolated, offset: 0),
    ]
    if let ensemble { all.append(try series("ensemble with the true model", ensemble, offset: 0)) }
    report.charts.insert(
      Chart(
        "Error over time, \(name)", x: Chart.Axis("test record"),
        y: Chart.Axis("mean square error, hidden part", logarithmic: true), all), at: 1)
  }
}
