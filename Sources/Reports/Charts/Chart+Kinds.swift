import Tensors

extension Chart {
  /// Maps of one quantity side by side, with one scale of colours.
  ///
  /// - Parameters:
  ///   - maps: values with the shape `[rows, columns]`, the first row below; all are held against the same colours.
  ///   - colour: what the values are, with their unit.
  ///   - columns: positions of the first and last column; numbers from 0 where nothing is said.
  ///   - rows: positions of the first and last row; numbers from 0 where nothing is said.
  ///   - equalAspect: whether a unit is as long on both axes.
  /// - Throws: `TensorError.wrongShape` where a map is no matrix.
  public static func maps(
    _ title: String, x: Axis, y: Axis, _ maps: [(name: String, values: Tensor<Float>)], colour: Axis = Axis(""),
    palette: Palette = .sequential, columns: ClosedRange<Double>? = nil, rows: ClosedRange<Double>? = nil,
    equalAspect: Bool = true
  ) throws -> Chart {
    Chart(
      title,
      panels: try maps.map { name, values in
        guard values.rank == 2 else {
          throw TensorError.wrongShape(argument: "values of \(name)", found: values.shape, expected: "[rows, columns]")
        }
        let numbers = values.elements.map(Double.init)
        let width = values.shape[1]
        var panel = Panel(
          name, x: x, y: y,
          heatMap: (0..<values.shape[0]).map { Array(numbers[$0 * width..<($0 + 1) * width]) }, equalAspect: equalAspect
        )
        (panel.colour, panel.palette, panel.columns, panel.rows) = (colour, palette, columns, rows)
        return panel
      })
  }

  /// The plane of two quantities that move: paths with a point where they begin, over arrows of the vector field.
  ///
  /// - Parameters:
  ///   - paths: what was visited, in order.
  ///   - field: the derivatives of both quantities over the plane; none without it.
  ///   - speed: what the length of the field's vectors is, with its unit.
  ///   - equalAspect: whether a unit is as long on both axes; right where both are the same quantity.
  public static func phasePortrait(
    _ title: String, x: Axis, y: Axis, _ paths: [(name: String, x: [Double], y: [Double])],
    field: VectorField? = nil, speed: Axis = Axis("speed"), equalAspect: Bool = true
  ) -> Chart {
    var panel = Panel(
      x: x, y: y, series: paths.map { Series($0.name, .line, x: $0.x, y: $0.y) }, equalAspect: equalAspect)
    let starts = paths.filter { !$0.x.isEmpty && !$0.y.isEmpty }
    if !starts.isEmpty {
      panel.series.append(Series("start", .scatter, x: starts.map { $0.x[0] }, y: starts.map { $0.y[0] }))
    }
    (panel.field, panel.colour, panel.palette) = (field, speed, .grey)
    return Chart(title, panels: [panel])
  }
}

extension Chart.VectorField {
  /// The vectors in the middle of the cells of a grid.
  ///
  /// - Parameters:
  ///   - x: part of the first axis, in its unit.
  ///   - y: part of the second axis, in its unit.
  ///   - arrows: how many along each axis, 1 or more.
  ///   - vector: components along both axes at a point.
  public init(
    x: ClosedRange<Double>, y: ClosedRange<Double>, arrows: Int = 18,
    _ vector: (Double, Double) throws -> (Double, Double)
  ) rethrows {
    func middles(_ range: ClosedRange<Double>) -> [Double] {
      (0..<arrows).map {
        range.lowerBound + (Double($0) + 0.5) / Double(arrows) * (range.upperBound - range.lowerBound)
      }
    }
    self.init(x: [], y: [], alongX: [], alongY: [])
    for b in middles(y) {
      for a in middles(x) {
        let components = try vector(a, b)
        self.x.append(a)
        self.y.append(b)
        alongX.append(components.0)
        alongY.append(components.1)
      }
    }
  }
}
