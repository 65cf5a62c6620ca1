import Tensors

// Elements in other places.
extension ONNXOperators {
  static let moves: [String: Evaluate] = [
    "Transpose": one { a in
      let x = try a.tensor(0)
      let order = a.node.integers("perm") ?? Array((0..<x.rank).reversed())
      let places = try a.node.axes(order, rank: x.rank)
      guard places.count == x.rank else { throw a.node.invalid("perm is \(order) for the rank \(x.rank)") }
      return try x.permuted(places)
    },
    "Concat": one { a in
      let parts = try (0..<a.count).map(a.tensor)
      guard a.node.has("axis") else { throw a.node.invalid("it has no axis") }
      let axis = try a.node.axis(a.node.integer("axis", 0), rank: parts.first?.rank ?? 0)
      return try ONNXTensor.concatenated(parts, axis: axis)
    },
    "Split": evaluateSplit,
    "Slice": one(evaluateSlice),
    "Expand": one { a in
      let x = try a.tensor(0)
      guard let shape = broadcastShape(x.shape, try a.integers(1)) else {
        throw a.node.invalid("\(x.shape) does not expand to \(try a.integers(1))")
      }
      try a.node.checkedCount(shape)
      return shape == x.shape ? x : try x.taking(broadcastPositions(from: x.shape, to: shape), shape: shape)
    },
    "Tile": one { a in
      let x = try a.tensor(0)
      let repeats = try a.integers(1)
      guard repeats.count == x.rank, repeats.allSatisfy({ $0 >= 0 }) else {
        throw a.node.invalid("its repeats are \(repeats) for the shape \(x.shape)")
      }
      try a.node.checkedCount(zip(x.shape, repeats).map { Int(Swift.min(0x1p40, Double($0) * Double($1))) })
      return try taken(x, shape: zip(x.shape, repeats).map { $0 * $1 }) { axis, i in i % x.shape[axis] }
    },
    "Pad": one(evaluatePad),
    "DepthToSpace": one(evaluateDepthToSpace),
    "SpaceToDepth": one(evaluateSpaceToDepth),
    "Trilu": one { a in
      let x = try a.tensor(0)
      guard x.rank >= 2 else { throw a.node.invalid("its input has the shape \(x.shape)") }
      let shift = a.has(1) ? try a.integer(1) : 0
      let upper = a.node.flag("upper", true)
      let (rows, columns) = (x.shape[x.rank - 2], x.shape[x.rank - 1])
      let positions = (0..<x.count).map { place -> Int in
        let (row, column) = (place / columns % rows, place % columns)
        let distance = (column - row).subtractingReportingOverflow(shift).partialValue
        return (upper ? distance >= 0 : distance <= 0) ? place : -1
      }
      return try x.taking(positions, shape: x.shape)
    },
    "ReverseSequence": one(evaluateReverseSequence),
    "CenterCropPad": one(evaluateCenterCropPad),
  ]

  /// Each index of the result from an index along the same axis; −1 stands for nothing.
  static func taken(_ x: ONNXTensor, shape: [Int], _ index: (_ axis: Int, _ i: Int) -> Int) throws -> ONNXTensor {
    let steps = rowMajorSteps(x.shape)
    var positions = [0]
    for (axis, extent) in shape.enumerated() {
      let offsets = (0..<extent).map { i -> Int in
        let from = index(axis, i)
        return from < 0 ? -1 : from * steps[axis]
      }
      var next: [Int] = []
      next.reserveCapacity(positions.count * extent)
      for base in positions {
        for offset in offsets { next.append(base < 0 || offset < 0 ? -1 : base + offset) }
      }
      positions = next
    }
    return try x.taking(positions, shape: shape)
  }

  private static let evaluateSplit: Evaluate = { a in
    let x = try a.tensor(0)
    let axis = try a.node.axis(a.node.integer("axis", 0), rank: x.rank)
    let extent = x.shape[axis]
    var lengths: [Int]
    if let given = try a.list(1, attribute: "split") {
      lengths = given
    } else {
      let parts = a.node.integer("num_outputs", a.node.outputs.count)
      guard parts >= 1, parts == a.node.outputs.count else {
        throw a.node.invalid("num_outputs is \(parts), and it has \(a.node.outputs.count) outputs")
      }
      // The last one is smaller where the others do not fill the axis.
      let length = (extent + parts - 1) / parts
      guard a.node.has("num_outputs") || extent % parts == 0 else {
        throw a.node.invalid("the extent \(extent) does not split into \(parts) equal parts")
      }
      lengths = (0..<parts).map { Swift.max(0, Swift.min(length, extent - $0 * length)) }
    }
    guard lengths.allSatisfy({ $0 >= 0 && $0 <= extent }), lengths.reduce(0, &+) == extent,
      lengths.count == a.node.outputs.count
    else { throw a.node.invalid("parts of \(lengths) for the extent \(extent)") }
    var start = 0
    return try lengths.map { length in
      defer { start += length }
      return .tensor(try x.slice(start..<start + length, axis: axis))
    }
  }

  private static func evaluateSlice(_ a: ONNXArguments) throws -> ONNXTensor {
    var x = try a.tensor(0)
    let isOld = a.version < 10
    guard let starts = isOld ? a.node.integers("starts") : try a.integers(1),
      let ends = isOld ? a.node.integers("ends") : try a.integers(2)
    else { throw a.node.invalid("it has no starts or no ends") }
    let given = isOld ? a.node.integers("axes") : a.has(3) ? try a.integers(3) : nil
    let axes = try a.node.axes(given ?? Array(starts.indices), rank: x.rank)
    let steps = a.has(4) && !isOld ? try a.integers(4) : starts.map { _ in 1 }
    guard starts.count == axes.count, ends.count == axes.count, steps.count == axes.count, !steps.contains(0) else {
      throw a.node.invalid("starts \(starts), ends \(ends), axes \(axes) and steps \(steps)")
    }
    for (i, axis) in axes.enumerated() {
      let extent = x.shape[axis]
      func clamped(_ value: Int, _ range: ClosedRange<Int>) -> Int {
        Swift.min(range.upperBound, Swift.max(range.lowerBound, value < 0 ? value &+ extent : value))
      }
      let step = steps[i]
      let start = clamped(starts[i], step > 0 ? 0...extent : -1...Swift.max(-1, extent - 1))
      // Far below nothing stands for the first element where steps go down.
      let end = clamped(
        ends[i] < 0 && ends[i] < -extent ? -extent - 1 : ends[i], step > 0 ? 0...extent : -1...Swift.max(-1, extent - 1)
      )
      let first = starts[i] < -extent ? (step > 0 ? 0 : -1) : start
      if step == 1 {
        x = try x.slice(first..<Swift.max(first, end), axis: axis)
      } else if step > 0 || (first >= 0 && step > Int.min) {
        let indices = stride(from: first, to: end, by: step).filter { $0 >= 0 && $0 < extent }.map { Int32($0) }
        x = try x.moved { try $0.selecting(Tensor(indices), axis: axis) }
      } else {
        x = try x.slice(0..<0, axis: axis)
      }
    }
    return x
  }

  private static func evaluatePad(_ a: ONNXArguments) throws -> ONNXTensor {
    let x = try a.tensor(0)
    let isOld = a.version < 11
    guard let pads = isOld ? a.node.integers("pads") : try a.integers(1) else { throw a.node.invalid("it has no pads") }
    let given = a.has(3) ? try a.integers(3) : Array(0..<x.rank)
    let axes = try a.node.axes(given, rank: x.rank)
    guard pads.count == 2 * axes.count else { throw a.node.invalid("\(pads.count) pads for \(axes.count) axes") }
    let mode = try a.node.word("mode", ["constant", "reflect", "edge", "wrap"])
    var (before, after) = (x.shape.map { _ in 0 }, x.shape.map { _ in 0 })
    for (i, axis) in axes.enumerated() { (before[axis], after[axis]) = (pads[i], pads[i + axes.count]) }
    guard pads.allSatisfy({ abs(Double($0)) < 0x1p32 }) else { throw a.node.tooLarge("pads by \(pads)") }
    let shape = x.shape.indices.map { x.shape[$0] + before[$0] + after[$0] }
    try a.node.checkedCount(shape)
    for axis in x.shape.indices where mode != "constant" && shape[axis] > 0 {
      guard x.shape[axis] > 0 else { throw a.node.invalid("an axis of extent 0 cannot be continued") }
      guard mode != "reflect" || x.shape[axis] > 1 || (before[axis] <= 0 && after[axis] <= 0) else {
        throw a.node.invalid("an axis of extent 1 has no reflection")
      }
    }
    let result = try taken(x, shape: shape) { axis, i in
      let (place, extent) = (i - before[axis], x.shape[axis])
      if (0..<extent).contains(place) { return place }
      switch mode {
      case "edge": return place < 0 ? 0 : extent - 1
      case "wrap": return (place % extent + extent) % extent
      case "reflect":
        let period = 2 * extent - 2
        let folded = (place % period + period) % period
        return folded < extent ? folded : period - folded
      default: return -1
      }
    }
    guard mode == "constant" else { return result }
    let filling: ONNXTensor? =
      isOld ? try made([Double(a.node.float("value", 0))], shape: [1], as: x.type) : try a.optional(2)
    guard let filling, filling.count == 1 else { return result }
    // The position after the last one of x.
    let all = try ONNXTensor.concatenated([x.reshaped([x.count]), filling.reshaped([1])], axis: 0)
    let places = try taken(
      ONNXTensor(wholes: Array(1...Swift.max(1, x.count)).prefix(x.count).map { $0 }, shape: x.shape), shape: shape
    ) { axis, i in
      let place = i - before[axis]
      return (0..<x.shape[axis]).contains(place) ? place : -1
    }
    return try all.taking(places.wholes().elements.map { $0 == 0 ? x.count : Int($0) - 1 }, shape: shape)
  }

  private static func evaluateDepthToSpace(_ a: ONNXArguments) throws -> ONNXTensor {
    let x = try a.tensor(0)
    let block = a.node.integer("blocksize", 0)
    guard x.rank == 4, (1...1 << 15).contains(block), x.shape[1] % (block * block) == 0 else {
      throw a.node.invalid("blocks of \(block) for the shape \(x.shape)")
    }
    let (n, c, h, w) = (x.shape[0], x.shape[1] / (block * block), x.shape[2], x.shape[3])
    let isDepthFirst = try a.node.word("mode", ["DCR", "CRD"]) == "DCR"
    let split = isDepthFirst ? [n, block, block, c, h, w] : [n, c, block, block, h, w]
    let order = isDepthFirst ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3]
    return try x.reshaped(split).permuted(order).reshaped([n, c, h * block, w * block])
  }

  private static func evaluateSpaceToDepth(_ a: ONNXArguments) throws -> ONNXTensor {
    let x = try a.tensor(0)
    let block = a.node.integer("blocksize", 0)
    guard x.rank == 4, (1...1 << 15).contains(block), x.shape[2] % block == 0, x.shape[3] % block == 0 else {
      throw a.node.invalid("blocks of \(block) for the shape \(x.shape)")
    }
    let (n, c, h, w) = (x.shape[0], x.shape[1], x.shape[2] / block, x.shape[3] / block)
    let isDepthFirst = try a.node.word("mode", ["DCR", "CRD"]) == "DCR"
    return try x.reshaped([n, c, h, block, w, block]).permuted(isDepthFirst ? [0, 3, 5, 1, 2, 4] : [0, 1, 3, 5, 2, 4])
      .reshaped([n, c * block * block, h, w])
  }

  private static func evaluateReverseSequence(_ a: ONNXArguments) throws -> ONNXTensor {
    let x = try a.tensor(0)
    let lengths = try a.integers(1)
    let batch = try a.node.axis(a.node.integer("batch_axis", 1), rank: x.rank)
    let time = try a.node.axis(a.node.integer("time_axis", 0), rank: x.rank)
    guard batch != time, lengths.count == x.shape[batch], lengths.allSatisfy({ (0...x.shape[time]).contains($0) })
    else {
      throw a.node.invalid("lengths \(lengths) for the shape \(x.shape)")
    }
    let steps = rowMajorSteps(x.shape)
    let positions = (0..<x.count).map { place -> Int in
      let (b, t) = (place / steps[batch] % x.shape[batch], place / steps[time] % x.shape[time])
      return t < lengths[b] ? place + (lengths[b] - 1 - 2 * t) * steps[time] : place
    }
    return try x.taking(positions, shape: x.shape)
  }

  private static func evaluateCenterCropPad(_ a: ONNXArguments) throws -> ONNXTensor {
    let x = try a.tensor(0)
    let axes = try a.node.axes(a.node.integers("axes") ?? Array(0..<x.rank), rank: x.rank)
    let extents = try a.integers(1)
    guard extents.count == axes.count else { throw a.node.invalid("\(extents.count) extents for \(axes.count) axes") }
    var shape = x.shape
    for (axis, extent) in zip(axes, extents) { shape[axis] = extent }
    try a.node.checkedCount(shape)
    return try taken(x, shape: shape) { axis, i in
      // What is odd is cut off, or added, at the end.
      let missing = shape[axis] - x.shape[axis]
      let place = missing >= 0 ? i - missing / 2 : i + (-missing) / 2
      return (0..<x.shape[axis]).contains(place) ? place : -1
    }
  }
}
