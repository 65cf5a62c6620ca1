import Tensors

extension ONNXOperators {
  /// How a window moves, from a node's attributes.
  struct WindowAttributes {
    var window: [Int], stride: [Int], dilation: [Int], before: [Int], after: [Int]

    /// - Parameter window: extents of the window; the attribute `kernel_shape` where missing.
    init(_ node: ONNXNode, extents: [Int], window given: [Int]? = nil) throws {
      let spatial = extents.count
      func list(_ name: String, _ standard: Int) throws -> [Int] {
        let values = node.integers(name) ?? Array(repeating: standard, count: spatial)
        guard values.count == spatial, values.allSatisfy({ (1...1 << 20).contains($0) }) else {
          throw node.invalid("\(name) is \(values) for \(spatial) extents")
        }
        return values
      }
      guard let window = given ?? node.integers("kernel_shape"), window.count == spatial,
        window.allSatisfy({ (1...1 << 20).contains($0) })
      else {
        throw node.invalid("kernel_shape does not fit \(spatial) extents")
      }
      self.window = window
      stride = try list("strides", 1)
      dilation = try list("dilations", 1)
      let automatic = node.text("auto_pad", "NOTSET")
      switch automatic {
      case "NOTSET", "VALID":
        let pads = automatic == "VALID" ? nil : node.integers("pads")
        let all = pads ?? Array(repeating: 0, count: 2 * spatial)
        guard all.count == 2 * spatial, all.allSatisfy({ (0...1 << 20).contains($0) }) else {
          throw node.invalid("pads is \(all) for \(spatial) extents")
        }
        (before, after) = (Array(all[..<spatial]), Array(all[spatial...]))
      case "SAME_UPPER", "SAME_LOWER":
        let total = (0..<spatial).map { [stride, dilation] i in
          let result = (extents[i] + stride[i] - 1) / stride[i]
          return Swift.max(0, (result - 1) * stride[i] + (window[i] - 1) * dilation[i] + 1 - extents[i])
        }
        let (small, large) = (total.map { $0 / 2 }, total.map { $0 - $0 / 2 })
        (before, after) = automatic == "SAME_UPPER" ? (small, large) : (large, small)
      default: throw node.invalid("auto_pad is \(automatic)")
      }
    }

    /// Lets the last window hang over the end where `ceil_mode` asks for it.
    mutating func hangOver(_ extents: [Int]) {
      for i in extents.indices {
        let room = extents[i] + before[i] + after[i] - window[i]
        let missing = (stride[i] - room % stride[i]) % stride[i]
        // A window that would begin in the padding is left out.
        let last = (room + missing) / stride[i] * stride[i]
        if room >= 0, missing > 0, last < extents[i] + before[i] { after[i] += missing }
      }
    }
  }

  private static func padded(_ x: Tensor<Float>, _ w: WindowAttributes) throws -> Tensor<Float> {
    var y = x
    for i in w.window.indices where w.before[i] > 0 || w.after[i] > 0 {
      y = try y.padded(axis: i + 2, before: w.before[i], after: w.after[i], mode: .zeros)
    }
    return y
  }

  static let pooling: [String: Evaluate] = [
    "MaxPool": evaluateMaxPool,
    "AveragePool": evaluateAveragePool,
    "GlobalAveragePool": evaluateGlobalAveragePool,
    "GlobalMaxPool": evaluateGlobalMaxPool,
    "Resize": evaluateResize,
  ]

  static let indexing: [String: Evaluate] = [
    "Gather": evaluateGather,
    "GatherElements": evaluateGatherElements,
    "GatherND": evaluateGatherND,
    "ScatterElements": evaluateScatterElements,
    "ScatterND": evaluateScatterND,
  ]

  /// Indices counted from the front, checked.
  private static func places(_ index: [Int], extent: Int, _ node: ONNXNode) throws -> [Int] {
    try index.map { i in
      let place = i < 0 ? i + extent : i
      guard (0..<extent).contains(place) else { throw node.invalid("the index \(i) is outside the extent \(extent)") }
      return place
    }
  }

  private static func evaluateMaxPool(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.floats(0)
    guard x.rank >= 3 else { throw a.node.invalid("its input has the shape \(x.shape)") }
    var w = try WindowAttributes(a.node, extents: Array(x.shape[2...]))
    guard w.dilation.allSatisfy({ $0 == 1 }), a.node.outputs.count == 1 else {
      throw ONNXError.unsupportedFeature("dilated windows, or the positions of maxima", node: a.node.name)
    }
    if a.node.integer("ceil_mode", 0) != 0 { w.hangOver(Array(x.shape[2...])) }
    if w.before == w.after, zip(w.before, w.window).allSatisfy({ 2 * $0 <= $1 }) {
      return [.floats(try x.maxPooled(Window(w.window), stride: Window(w.stride), padding: Window(w.before)))]
    }
    // Below everything there is, so that padding is never the largest.
    let floor = try x.min().item() - 1
    let shifted = try padded(x - floor, w)
    return [.floats(try shifted.maxPooled(Window(w.window), stride: Window(w.stride)) + floor)]
  }

  private static func evaluateAveragePool(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.floats(0)
    guard x.rank >= 3 else { throw a.node.invalid("its input has the shape \(x.shape)") }
    let extents = Array(x.shape[2...])
    var w = try WindowAttributes(a.node, extents: extents)
    guard w.dilation.allSatisfy({ $0 == 1 }) else {
      throw ONNXError.unsupportedFeature("dilated windows", node: a.node.name)
    }
    let countsPadding = a.node.integer("count_include_pad", 0) != 0
    let stated = w
    if a.node.integer("ceil_mode", 0) != 0 { w.hangOver(extents) }
    let window = Window(w.window)
    let stride = Window(w.stride)
    let means = try padded(x, w).averagePooled(window, stride: stride)
    // What share of each window counts: all of it, but for padding, or what hangs over beyond the stated padding.
    var counted = try Tensor<Float>.ones([1, 1] + extents)
    if countsPadding {
      counted = try .ones([1, 1] + extents.indices.map { extents[$0] + stated.before[$0] + stated.after[$0] })
      for i in extents.indices where w.after[i] > stated.after[i] {
        counted = try counted.padded(axis: i + 2, before: 0, after: w.after[i] - stated.after[i], mode: .zeros)
      }
    } else {
      counted = try padded(counted, w)
    }
    return [.floats(try means / counted.averagePooled(window, stride: stride))]
  }

  private static func evaluateGlobalAveragePool(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.floats(0)
    return [.floats(try x.mean(axes: Array(2..<Swift.max(2, x.rank)), keepingAxes: true))]
  }

  private static func evaluateGlobalMaxPool(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.floats(0)
    return [.floats(try x.max(axes: Array(2..<Swift.max(2, x.rank)), keepingAxes: true))]
  }

  private static func evaluateResize(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.floats(0)
    let node = a.node
    guard x.rank == 4 else { throw ONNXError.unsupportedFeature("another rank than 4", node: node.name) }
    var size: [Int]
    if a.optional(3) != nil {
      size = try a.integers(3).elements
    } else {
      let scales = try a.floats(a.count > 2 ? 2 : 1).elements
      guard scales.count == 4 else { throw node.invalid("\(scales.count) scales for 4 axes") }
      guard scales.allSatisfy({ $0 > 0 && $0 < 1000 }) else { throw node.invalid("its scales are \(scales)") }
      size = zip(x.shape, scales).map { Int((Float($0) * $1).rounded(.down)) }
      for (axis, scale) in scales.enumerated() where Float(size[axis]) != Float(x.shape[axis]) * scale {
        throw ONNXError.unsupportedFeature("a scale (\(scale)) that gives no whole extent", node: node.name)
      }
    }
    guard size.count == 4, size[0] == x.shape[0], size[1] == x.shape[1], size.allSatisfy({ $0 < 1 << 20 }) else {
      throw node.invalid("only height and width can change")
    }
    let (mode, transform) = (node.text("mode", "nearest"), node.text("coordinate_transformation_mode", "half_pixel"))
    switch (mode, transform) {
    case ("nearest", "asymmetric") where node.text("nearest_mode", "round_prefer_floor") == "floor":
      return [.floats(try x.resized(height: size[2], width: size[3], by: .nearest))]
    case ("linear", "half_pixel"), ("linear", "pytorch_half_pixel"):
      return [.floats(try x.resized(height: size[2], width: size[3], by: .bilinear))]
    case ("linear", "align_corners"):
      return [.floats(try x.resized(height: size[2], width: size[3], by: .bilinear, alignCorners: true))]
    default: throw ONNXError.unsupportedFeature("resizing by \(mode) with \(transform) coordinates", node: node.name)
    }
  }

  private static func evaluateGather(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.value(0)
    let index = try a.integers(1)
    let axis = try a.node.axis(a.node.integer("axis", 0), rank: x.shape.count)
    let shape = Array(x.shape[..<axis]) + index.shape + Array(x.shape[(axis + 1)...])
    let positions = try places(index.elements, extent: x.shape[axis], a.node)
    let rows = try Tensor(positions.map { Int32($0) })
    return [try moved(x, a.node) { try $0.selecting(rows, axis: axis).reshaped(shape.map { $0 }) }]
  }

  private static func evaluateGatherElements(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.floats(0)
    let index = try a.integers(1)
    let axis = try a.node.axis(a.node.integer("axis", 0), rank: x.rank)
    let positions = try places(index.elements, extent: x.shape[axis], a.node)
    return [.floats(try x.gathered(Tensor(positions.map { Int32($0) }, shape: index.shape), axis: axis))]
  }

  private static func evaluateGatherND(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.floats(0)
    let index = try a.integers(1)
    guard a.node.integer("batch_dims", 0) == 0, let depth = index.shape.last, (1...x.rank).contains(depth) else {
      throw ONNXError.unsupportedFeature("batches of indices", node: a.node.name)
    }
    let rest = Array(x.shape[depth...])
    let inner = rest.reduce(1, *)
    let flat = try stride(from: 0, to: index.elements.count, by: depth).map { start in
      try (0..<depth).reduce(0) { place, axis in
        try place * x.shape[axis] + places([index.elements[start + axis]], extent: x.shape[axis], a.node)[0]
      }
    }
    let shape: [Int?] = (index.shape.dropLast() + rest).map { Optional($0) }
    let rows = try x.reshaped([x.shape[..<depth].reduce(1, *), inner])
    return [.floats(try rows.selecting(Tensor(flat.map { Int32($0) })).reshaped(shape))]
  }

  private static func evaluateScatterElements(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.floats(0)
    let index = try a.integers(1)
    let updates = try a.floats(2)
    let axis = try a.node.axis(a.node.integer("axis", 0), rank: x.rank)
    let others = x.shape.indices.allSatisfy { $0 == axis || x.shape[$0] == index.shape[$0] }
    guard a.node.text("reduction", "none") == "add", index.shape == updates.shape, index.shape.count == x.rank, others
    else {
      throw ONNXError.unsupportedFeature("scattering other than adding whole slices", node: a.node.name)
    }
    let positions = try places(index.elements, extent: x.shape[axis], a.node)
    let added = try updates.scatterAdded(
      Tensor(positions.map { Int32($0) }, shape: index.shape), axis: axis, extent: x.shape[axis])
    return [.floats(try x + added)]
  }

  private static func evaluateScatterND(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.floats(0)
    let index = try a.integers(1)
    guard a.node.text("reduction", "none") == "add", let depth = index.shape.last, depth == 1, x.rank >= 1 else {
      throw ONNXError.unsupportedFeature("scattering other than adding to rows", node: a.node.name)
    }
    let positions = try places(index.elements, extent: x.shape.first ?? 0, a.node)
    let rows = try a.floats(2).reshaped([positions.count] + x.shape.dropFirst().map { $0 })
    return [.floats(try x + rows.addedRows(Tensor(positions.map { Int32($0) }), axis: 0, extent: x.shape[0]))]
  }
}
