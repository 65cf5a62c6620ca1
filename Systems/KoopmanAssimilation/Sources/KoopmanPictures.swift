import Reports
import Tensors

extension KoopmanStudy {
  /// Truth, what is known without a model, the filter's estimate and its error, over time on a line and at one time on the
  /// square; and errors over time.
  func pictures(
    _ found: Estimates, _ interpolated: Tensor<Float>, _ ensemble: Tensor<Float>?, _ records: FlowRecords,
    _ report: inout Report
  ) throws {
    let count = found.hidden.shape[0]
    let truth = try hidden(records, found.offset, count)
    let simple = try interpolated.slice(found.offset..<found.offset + count)
    let isSquare = c.data.flow.isSquare
    let (n, time) = (c.data.points, min(count - 1, c.settlingRecords + 30))
    func shown(_ x: Tensor<Float>) throws -> Tensor<Float> {
      isSquare ? try x.at(time).reshaped([n, n]) : try x.slice(0..<min(count, 150))
    }
    let method = isSquare ? "bilinear from" : "cubic spline through"
    let maps = try Chart.maps(
      "\(isSquare ? "Normalised vorticity at one time" : "Normalised field"), \(data)",
      x: Chart.Axis(isSquare ? "point along y" : "point that is not observed"),
      y: Chart.Axis(isSquare ? "point along x" : "test record"),
      [
        ("truth", shown(truth)), ("\(method) \(c.data.observed.count) points", shown(simple)),
        ("filter", shown(found.hidden)), ("size of the filter's error", shown((found.hidden - truth).magnitude())),
      ], colour: Chart.Axis(isSquare ? "normalised vorticity" : "normalised field"), palette: .diverging,
      equalAspect: isSquare)
    report.charts.insert(maps, at: 0)
    func series(_ name: String, _ x: Tensor<Float>, offset: Int) throws -> Chart.Series {
      let errors = try (x - hidden(records, offset, x.shape[0])).squared().mean(axes: [1])
      let y = errors.elements.prefix(200).map(Double.init)
      return Chart.Series(name, .line, x: y.indices.map { Double($0 + offset) }, y: y)
    }
    var all = [
      try series("filter", found.hidden, offset: found.offset), try series("interpolation", interpolated, offset: 0),
    ]
    if let ensemble { all.append(try series("ensemble with the true model", ensemble, offset: 0)) }
    report.charts.insert(
      Chart(
        "Error over time, \(data)", x: Chart.Axis("test record"),
        y: Chart.Axis("mean square error, hidden part", logarithmic: true), all), at: 1)
  }

  /// The truth of the hidden part at some test records.
  private func hidden(_ records: FlowRecords, _ offset: Int, _ count: Int) throws -> Tensor<Float> {
    let first = records.test.lowerBound + offset
    return try SplitRecords(records.clean.slice(first..<first + count), records).hidden
  }
}
