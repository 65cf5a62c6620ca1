import Tensors

/// How a window moves over the axes after the first two: from a node's attributes.
struct ONNXWindows {
  var window: [Int], stride: [Int], dilation: [Int], before: [Int], after: [Int]
  /// Whether the padding follows from the extents of the input.
  let isAutomatic: Bool
  private let takesCeiling: Bool

  /// - Parameters:
  ///   - extents: of the input.
  ///   - given: extents of the window; the attribute `kernel_shape` where missing.
  init(_ node: ONNXNode, extents: [Int], window given: [Int]? = nil) throws {
    let spatial = extents.count
    func list(_ name: String, _ standard: Int) throws -> [Int] {
      let values = node.integers(name) ?? []
      if values.isEmpty { return Array(repeating: standard, count: spatial) }
      guard values.count == spatial, values.allSatisfy({ (1...1 << 31).contains($0) }) else {
        throw node.invalid("\(name) is \(values) for \(spatial) extents")
      }
      return values
    }
    let stated = node.integers("kernel_shape")
    guard let window = given ?? stated, stated == nil || stated == [] || stated == window, window.count == spatial,
      spatial > 0, window.allSatisfy({ (1...1 << 31).contains($0) })
    else { throw node.invalid("kernel_shape is \(stated ?? []) for \(spatial) extents, or weights of \(given ?? [])") }
    self.window = window
    (stride, dilation) = (try list("strides", 1), try list("dilations", 1))
    let automatic = try node.word("auto_pad", ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"])
    isAutomatic = automatic.hasPrefix("SAME")
    takesCeiling = node.flag("ceil_mode") && !isAutomatic
    guard isAutomatic else {
      let pads = automatic == "VALID" ? nil : node.integers("pads")
      let all = pads ?? Array(repeating: 0, count: 2 * spatial)
      guard all.count == 2 * spatial, all.allSatisfy({ (0...1 << 31).contains($0) }) else {
        throw node.invalid("pads is \(all) for \(spatial) extents")
      }
      (before, after) = (Array(all[..<spatial]), Array(all[spatial...]))
      return
    }
    let total = (0..<spatial).map { [stride, dilation] i in
      let result = (extents[i] + stride[i] - 1) / stride[i]
      return max(0, (result - 1) * stride[i] + (window[i] - 1) * dilation[i] + 1 - extents[i])
    }
    let (small, large) = (total.map { $0 / 2 }, total.map { $0 - $0 / 2 })
    (before, after) = automatic == "SAME_UPPER" ? (small, large) : (large, small)
  }

  /// How many places the window has along each axis.
  func places(_ extents: [Int], _ node: ONNXNode) throws -> [Int] {
    try extents.indices.map { i in
      let room = extents[i] + before[i] + after[i] - dilation[i] * (window[i] - 1) - 1
      guard room >= 0 else { throw node.invalid("a window of \(window) does not fit into \(extents) with its padding") }
      let count = (takesCeiling ? (room + stride[i] - 1) / stride[i] : room / stride[i]) + 1
      // A window that would begin behind the input is left out.
      return takesCeiling && (count - 1) * stride[i] >= extents[i] + before[i] ? count - 1 : count
    }
  }

  /// Where the elements of a window lie along one axis, for each of its places: inside the input only.
  func inside(_ axis: Int, _ extent: Int, places: Int) -> [[Int]] {
    (0..<places).map { place in
      let start = place * stride[axis] - before[axis]
      // The first element of the window that lies inside.
      let first = start >= 0 ? start : start + (-start + dilation[axis] - 1) / dilation[axis] * dilation[axis]
      let end = min(extent, start + dilation[axis] * (window[axis] - 1) + 1)
      return first < end ? Array(Swift.stride(from: first, to: end, by: dilation[axis])) : []
    }
  }

  /// How many elements of a window lie inside of the input and its padding.
  func padded(_ axis: Int, _ extent: Int, places: Int) -> [Int] {
    (0..<places).map { place in
      let start = place * stride[axis] - before[axis]
      let end = min(extent + after[axis], start + dilation[axis] * (window[axis] - 1) + 1)
      return max(0, (end - start + dilation[axis] - 1) / dilation[axis])
    }
  }

  /// Whether every window lies on the grid that tensors' own pooling has.
  var isPlain: Bool {
    !takesCeiling && dilation.allSatisfy { $0 == 1 } && before == after && (1...3).contains(window.count)
      && zip(before, window).allSatisfy { 2 * $0 <= $1 }
  }
}

extension ONNXWindows {
  /// Calls `body` for each place of the window over one image with the row-major places of its elements inside.
  func forEachPlace(_ extents: [Int], _ places: [Int], _ body: (_ place: Int, _ elements: [Int]) -> Void) {
    let steps = rowMajorSteps(extents)
    let axes = extents.indices.map { axis in
      inside(axis, extents[axis], places: places[axis]).map { $0.map { $0 * steps[axis] } }
    }
    let counts = rowMajorSteps(places)
    for place in 0..<places.reduce(1, *) {
      var elements = [0]
      for axis in extents.indices {
        let offsets = axes[axis][place / counts[axis] % places[axis]]
        elements =
          elements.count == 1
          ? offsets.map { $0 + elements[0] } : elements.flatMap { base in offsets.map { base + $0 } }
      }
      body(place, elements)
    }
  }
}
