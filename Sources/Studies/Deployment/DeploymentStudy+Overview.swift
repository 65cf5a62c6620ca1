import Reports
import Settings

extension DeploymentStudy {
  private typealias Cost = KeyPath<DeployedLayer, Double>

  /// All at one glance: samples with both answers, and error, energy and latency of each layer.
  ///
  /// - Parameters:
  ///   - chip: what came of the first programming draw.
  ///   - logic: what the digital side computes with.
  func overview(_ title: String, _ exact: Outcome, _ chip: Outcome, _ layers: [DeployedLayer], logic: String) throws
    -> Chart
  {
    let stored = layers.filter(\.isStored)
    let names = stored.map(\.name)
    // Names that do not fit below bars are given by the table of layers; numbers stand for them.
    let isShort = names.count <= 8 && names.allSatisfy { $0.count <= 12 }
    let errors = stored.map { meanAndSpread($0.errors.filter(\.isFinite).map { 100 * $0 }) }
    var error = Chart.Panel(
      "Error of each layer", x: Chart.Axis(isShort ? "" : "layer with stored weights"),
      y: Chart.Axis("relative error", unit: "%"),
      series: [
        Chart.Series(
          place, .bars, x: stored.indices.map { Double($0 + 1) }, y: errors.map(\.mean),
          lower: errors.map { $0.mean - $0.spread }, upper: errors.map { $0.mean + $0.spread })
      ])
    if isShort { error.names = names }
    // What is not in a layer with weights is one bar more, so that the bars add up to the inference.
    let rest = layers.filter { !$0.isStored }
    func costs(_ title: String, _ axis: String, _ unit: String, _ ours: Cost, _ digital: Cost) -> Chart.Panel {
      func sums(_ cost: Cost) -> [Double] {
        stored.map { $0[keyPath: cost] } + (rest.isEmpty ? [] : [rest.reduce(0) { $0 + $1[keyPath: cost] }])
      }
      let (a, b) = (sums(ours), sums(digital))
      let (factor, sign) = Quantity.prefix(for: (a + b).max() ?? 0, unit: unit)
      func bars(_ name: String, _ values: [Double]) -> Chart.Series {
        Chart.Series(name, .bars, x: values.indices.map { Double($0 + 1) }, y: values.map { $0 / factor })
      }
      var panel = Chart.Panel(
        title, x: error.x, y: Chart.Axis(axis, unit: sign + unit),
        series: [bars(place, a), bars("digital, \(logic)", b)])
      if isShort { panel.names = names + (rest.isEmpty ? [] : ["other"]) }
      return panel
    }
    var panels = [
      error, costs("Energy of each layer", "energy", "J", \.energy_J, \.digitalEnergy_J),
      costs("Latency of each layer", "latency", "s", \.latency_s, \.digitalLatency_s),
    ]
    for i in panels.indices { panels[i].hasOwnRanges = true }
    if let answers = try answers(exact, chip) { panels.insert(answers, at: 0) }
    return Chart(title, panels: panels)
  }

  /// Samples with both answers; first those whose answers differ, then other wrong ones, then the first of the set. Nothing
  /// where samples are no pictures.
  private func answers(_ exact: Outcome, _ chip: Outcome) throws -> Chart.Panel? {
    func rank(_ i: Int) -> Int { exact.classes[i] != chip.classes[i] ? 0 : chip.classes[i] != labels[i] ? 1 : 2 }
    let captions = labels.indices.map { "\(labels[$0]): \(exact.classes[$0])/\(chip.classes[$0])" }
    // Long numbers of classes need larger pictures to stand below.
    let count = captions.allSatisfy { $0.count <= 7 } ? 15 : 6
    let chosen = Array(labels.indices.sorted { (rank($0), $0) < (rank($1), $1) }.prefix(count))
    guard let pictures = try set.pictures(chosen) else { return nil }
    return Chart.Panel(
      "Samples",
      exhibits: try zip(chosen, pictures).map { i, picture in
        try Chart.Exhibit(picture, caption: captions[i], isMarked: chip.classes[i] != labels[i])
      }, note: "class: exact/\(place), in colour where wrong; different and wrong answers first")
  }
}
