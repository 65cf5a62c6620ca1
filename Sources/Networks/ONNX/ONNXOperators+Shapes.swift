import Tensors

extension ONNXOperators {
  /// Applies to numbers of either kind by moving floats; whole numbers travel as single precision only below 2²⁴, so they
  /// are moved through their positions instead.
  static func moved(
    _ value: ONNXValue, _ node: ONNXNode, _ move: (Tensor<Float>) throws -> Tensor<Float>
  ) throws -> ONNXValue {
    switch value {
    case .floats(let tensor): return .floats(try move(tensor))
    case .integers(let x):
      // Position −1 stands for a zero that was not there before.
      guard x.elements.count < 1 << 24 else {
        throw node.invalid("\(x.elements.count) whole numbers are too many to move")
      }
      let positions = try Tensor((0..<x.elements.count).map { Float($0 + 1) }, shape: x.shape)
      let result = try move(positions)
      return ONNXValue(integers: result.elements.map { $0 == 0 ? 0 : x.elements[Int($0) - 1] }, shape: result.shape)
    }
  }

  static let shapes: [String: Evaluate] = [
    "Reshape": evaluateReshape,
    "Flatten": evaluateFlatten,
    "Transpose": evaluateTranspose,
    "Squeeze": evaluateSqueeze,
    "Unsqueeze": evaluateUnsqueeze,
    "Concat": evaluateConcat,
    "Split": evaluateSplit,
    "Slice": evaluateSlice,
    "Shape": evaluateShape,
    "Size": { a in [ONNXValue(integers: [try a.value(0).shape.reduce(1, *)], shape: [])] },
    "ConstantOfShape": evaluateConstantOfShape,
    "Expand": evaluateExpand,
    "Tile": evaluateTile,
    "Pad": evaluatePad,
    "Range": evaluateRange,
  ]

  private static func evaluateReshape(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.value(0)
    guard let wanted = try a.list(1, attribute: "shape") else { throw a.node.invalid("the shape is missing") }
    var shape: [Int?] = []
    for (i, extent) in wanted.enumerated() {
      if extent == 0, a.node.integer("allowzero", 0) == 0 {
        guard i < x.shape.count else { throw a.node.invalid("extent \(i) is to be kept, but there is none") }
        shape.append(x.shape[i])
      } else {
        shape.append(extent < 0 ? nil : extent)
      }
    }
    return [try moved(x, a.node) { [shape] in try $0.reshaped(shape) }]
  }

  private static func evaluateFlatten(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.floats(0)
    let axis = a.node.integer("axis", 1)
    let place = axis < 0 ? axis + x.rank : axis
    guard (0...x.rank).contains(place) else { throw a.node.invalid("axis \(axis) is outside the rank \(x.rank)") }
    return [.floats(try x.reshaped([x.shape[..<place].reduce(1, *), x.shape[place...].reduce(1, *)]))]
  }

  private static func evaluateTranspose(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.value(0)
    let order = a.node.integers("perm") ?? Array((0..<x.shape.count).reversed())
    return [try moved(x, a.node) { try $0.permuted(order) }]
  }

  private static func evaluateSqueeze(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.value(0)
    let axes =
      try a.list(1, attribute: "axes")?.map { try a.node.axis($0, rank: x.shape.count) }
      ?? x.shape.indices.filter { x.shape[$0] == 1 }
    for axis in axes where x.shape[axis] != 1 { throw a.node.invalid("axis \(axis) has the extent \(x.shape[axis])") }
    return [try moved(x, a.node) { try $0.reshaped(x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] }) }]
  }

  private static func evaluateUnsqueeze(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.value(0)
    guard let given = try a.list(1, attribute: "axes") else { throw a.node.invalid("the axes are missing") }
    let rank = x.shape.count + given.count
    let axes = Set(try given.map { try a.node.axis($0, rank: rank) })
    guard axes.count == given.count else { throw a.node.invalid("an axis is given twice") }
    var rest = x.shape[...]
    let shape = (0..<rank).map { axes.contains($0) ? 1 : rest.removeFirst() }
    return [try moved(x, a.node) { try $0.reshaped(shape) }]
  }

  private static func evaluateConcat(_ a: ONNXArguments) throws -> [ONNXValue] {
    let values = try (0..<a.count).map(a.value)
    let axis = try a.node.axis(a.node.integer("axis", 0), rank: values.first?.shape.count ?? 0)
    if case .integers = values.first {
      let lists = try (0..<a.count).map(a.integers)
      guard lists.allSatisfy({ $0.shape.count == 1 }) else {
        throw a.node.invalid("whole numbers can only be joined along one axis")
      }
      return [ONNXValue(integers: lists.flatMap(\.elements))]
    }
    return [.floats(try Tensor.concatenate((0..<a.count).map(a.floats), axis: axis))]
  }

  private static func evaluateSplit(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.value(0)
    let axis = try a.node.axis(a.node.integer("axis", 0), rank: x.shape.count)
    let parts = a.node.outputs.count
    let extent = x.shape[axis]
    // Without sizes the parts are equal but for the last.
    let size = (extent + parts - 1) / Swift.max(1, parts)
    let sizes = try a.list(1, attribute: "split") ?? (0..<parts).map { Swift.min(size, extent - $0 * size) }
    guard sizes.count == parts, sizes.allSatisfy({ (0...extent).contains($0) }), sizes.reduce(0, +) == extent else {
      throw a.node.invalid("the sizes \(sizes) do not make up \(extent)")
    }
    var start = 0
    return try sizes.map { size in
      defer { start += size }
      return try moved(x, a.node) { try $0.slice(start..<start + size, axis: axis) }
    }
  }

  private static func evaluateSlice(_ a: ONNXArguments) throws -> [ONNXValue] {
    var x = try a.value(0)
    guard let starts = try a.list(1, attribute: "starts"), let ends = try a.list(2, attribute: "ends"),
      starts.count == ends.count
    else { throw a.node.invalid("starts and ends are missing, or of different lengths") }
    let axes = try a.list(3, attribute: "axes") ?? Array(starts.indices)
    let steps = try a.optional(4).map { _ in try a.integers(4).elements } ?? starts.map { _ in 1 }
    guard axes.count == starts.count, steps.count == starts.count else {
      throw a.node.invalid("its lists have different lengths")
    }
    for i in starts.indices {
      let axis = try a.node.axis(axes[i], rank: x.shape.count)
      let (extent, step) = (x.shape[axis], steps[i])
      guard step != 0 else { throw a.node.invalid("a step is 0") }
      func place(_ value: Int, _ low: Int, _ high: Int) -> Int {
        Swift.min(high, Swift.max(low, value < 0 ? value + extent : value))
      }
      // Ends such as the smallest integer mean "to the end"; adding to them must not overflow.
      let start = step > 0 ? place(starts[i], 0, extent) : place(Swift.max(starts[i], -extent - 1), -1, extent - 1)
      let end =
        step > 0
        ? place(Swift.max(ends[i], -extent - 1), 0, extent) : (ends[i] < -extent ? -1 : place(ends[i], -1, extent - 1))
      let index = Array(stride(from: start, to: end, by: step))
      x = try moved(x, a.node) { tensor in
        if step == 1 { return try tensor.slice(start..<Swift.max(start, end), axis: axis) }
        return try tensor.selecting(Tensor(index.map { Int32($0) }), axis: axis)
      }
    }
    return [x]
  }

  private static func evaluateShape(_ a: ONNXArguments) throws -> [ONNXValue] {
    let shape = try a.value(0).shape
    let start = a.node.integer("start", 0)
    let end = a.node.integer("end", shape.count)
    let (first, last) = (start < 0 ? start + shape.count : start, end < 0 ? end + shape.count : end)
    let (low, high) = (Swift.max(0, Swift.min(shape.count, first)), Swift.max(0, Swift.min(shape.count, last)))
    return [ONNXValue(integers: low < high ? Array(shape[low..<high]) : [])]
  }

  private static func evaluateConstantOfShape(_ a: ONNXArguments) throws -> [ONNXValue] {
    let shape = try a.integers(0).elements
    guard shape.allSatisfy({ $0 >= 0 }) else { throw a.node.invalid("the shape \(shape) has a negative extent") }
    switch try a.node.tensor("value", path: a.node.name) {
    case .integers(let one)?:
      guard shape.reduce(1.0, { $0 * Double($1) }) < 1e8 else { throw a.node.invalid("the shape \(shape) is absurd") }
      return [ONNXValue(integers: Array(repeating: one.elements.first ?? 0, count: shape.reduce(1, *)), shape: shape)]
    case .floats(let one)?: return [.floats(try Tensor(repeating: one.elements.first ?? 0, shape: shape))]
    case nil: return [.floats(try .zeros(shape))]
    }
  }

  private static func evaluateExpand(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.value(0)
    let wanted = try a.integers(1).elements
    let rank = Swift.max(x.shape.count, wanted.count)
    let (p, q) = (
      Array(repeating: 1, count: rank - x.shape.count) + x.shape,
      Array(repeating: 1, count: rank - wanted.count) + wanted
    )
    let shape = zip(p, q).map { $0 == 1 ? $1 : $0 }
    return [try moved(x, a.node) { try $0.broadcast(to: shape) }]
  }

  private static func evaluateTile(_ a: ONNXArguments) throws -> [ONNXValue] {
    let times = try a.integers(1).elements
    var x = try a.floats(0)
    guard times.count == x.rank, times.allSatisfy({ $0 >= 1 }),
      times.reduce(Double(x.count), { $0 * Double($1) }) < 0x1p31
    else { throw a.node.invalid("repeats \(times) for rank \(x.rank)") }
    for (axis, count) in times.enumerated() where count > 1 {
      x = try Tensor.concatenate(Array(repeating: x, count: count), axis: axis)
    }
    return [.floats(x)]
  }

  private static func evaluatePad(_ a: ONNXArguments) throws -> [ONNXValue] {
    var x = try a.floats(0)
    guard let pads = try a.list(1, attribute: "pads") else { throw a.node.invalid("the widths are missing") }
    let axes =
      try a.optional(3).map { _ in try a.integers(3).elements.map { try a.node.axis($0, rank: x.rank) } }
      ?? Array(0..<x.rank)
    guard pads.count == 2 * axes.count else { throw a.node.invalid("\(pads.count) widths for \(axes.count) axes") }
    let fill = try a.optional(2).map { try ONNXArguments.floats($0).item() } ?? a.node.float("value", 0)
    let modes: [String: PaddingMode] = ["constant": .zeros, "reflect": .reflect, "edge": .edge, "wrap": .circular]
    guard let mode = modes[a.node.text("mode", "constant")] else { throw a.node.invalid("its mode is unknown") }
    // Another constant than zero: move it to zero and back.
    if fill != 0, mode == .zeros { x = try x - fill }
    for (i, axis) in axes.enumerated() {
      let (before, after) = (pads[i], pads[i + axes.count])
      let extent = x.shape[axis]
      guard (-extent...1 << 31).contains(before), (-extent...1 << 31).contains(after),
        Swift.max(0, -before) <= extent + Swift.min(0, after)
      else { throw a.node.invalid("it widens the extent \(extent) by \(before) and \(after)") }
      if before < 0 || after < 0 {
        x = try x.slice(Swift.max(0, -before)..<extent + Swift.min(0, after), axis: axis)
      }
      if before > 0 || after > 0 {
        x = try x.padded(axis: axis, before: Swift.max(0, before), after: Swift.max(0, after), mode: mode)
      }
    }
    return [.floats(fill != 0 && mode == .zeros ? try x + fill : x)]
  }

  private static func evaluateRange(_ a: ONNXArguments) throws -> [ONNXValue] {
    func check(_ steps: Double) throws {
      // A step of zero gives infinity or no number.
      guard steps < 0x1p24 else { throw a.node.invalid("it has \(steps) steps") }
    }
    if case .integers = try a.value(0) {
      let (first, last, step) = (
        try a.integers(0).elements.first ?? 0, try a.integers(1).elements.first ?? 0,
        try a.integers(2).elements.first ?? 0
      )
      try check((Double(last) - Double(first)) / Double(step))
      guard step != 0 else { throw a.node.invalid("its step is 0") }
      return [ONNXValue(integers: Array(stride(from: first, to: last, by: step)))]
    }
    let (first, last, step) = (try a.floats(0).item(), try a.floats(1).item(), try a.floats(2).item())
    try check(Double((last - first) / step))
    guard step != 0 else { throw a.node.invalid("its step is 0") }
    return [.floats(try Tensor(Array(stride(from: first, to: last, by: step))))]
  }
}
