extension Tensor {
  /// Copies a block: `count` positions of `axis` from `from` on in self, to `to` on in `result`.
  private func copyBlock(axis: Int, from: Int, count: Int, into result: Tensor, at to: Int) {
    let (outer, n, inner) = shape.split(at: axis)
    let size = body.type.size
    let m = result.shape[axis]
    for o in 0..<outer {
      (result.body.pointer + (o * m + to) * inner * size)
        .copyMemory(from: body.pointer + (o * n + from) * inner * size, byteCount: count * inner * size)
    }
  }

  /// Positions `range` along an axis.
  /// - Throws: `TensorError.indexOutOfRange` when the range leaves the tensor.
  public func slice(_ range: Range<Int>, axis: Int = 0) throws(TensorError) -> Tensor {
    let axis = try resolved(axis: axis, rank: rank)
    guard range.lowerBound >= 0, range.upperBound <= shape[axis] else {
      throw .indexOutOfRange(
        argument: "range", found: range.lowerBound < 0 ? range.lowerBound : range.upperBound,
        valid: 0..<shape[axis] + 1)
    }
    var shape = self.shape
    let extent = shape[axis]
    shape[axis] = range.count
    let y = try Tensor.uninitialized(shape)
    try rowMajor().copyBlock(axis: axis, from: range.lowerBound, count: range.count, into: y, at: 0)
    return y.recorded(from: self) {
      try $0.padded(axis: axis, before: range.lowerBound, after: extent - range.upperBound)
    }
  }

  /// One position along an axis, which disappears.
  public func at(_ position: Int, axis: Int = 0) throws(TensorError) -> Tensor {
    let axis = try resolved(axis: axis, rank: rank)
    guard position >= 0, position < shape[axis]
    else { throw .indexOutOfRange(argument: "position", found: position, valid: 0..<shape[axis]) }
    return try slice(position..<position + 1, axis: axis).squeezed(axis: axis)
  }

  /// `count` zeros at both ends of an axis, with no checks and any element type.
  func padded(axis: Int, before: Int, after: Int) throws(TensorError) -> Tensor {
    if before == 0 && after == 0 { return self }
    var shape = self.shape
    shape[axis] += before + after
    let y = try Tensor.uninitialized(shape)
    y.body.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: y.count * y.body.type.size)
    try rowMajor().copyBlock(axis: axis, from: 0, count: self.shape[axis], into: y, at: before)
    let extent = self.shape[axis]
    return y.recorded(from: self) { try $0.slice(before..<before + extent, axis: axis) }
  }

  /// Tensors side by side along an axis; all other extents agree.
  public static func concatenate(_ parts: [Tensor], axis: Int = 0) throws(TensorError) -> Tensor {
    guard let first = parts.first
    else { throw .invalidArgument("parts", found: "no tensor", expected: "at least one") }
    let axis = try resolved(axis: axis, rank: first.rank)
    var shape = first.shape
    shape[axis] = 0
    for part in parts {
      var other = part.shape
      guard other.count == shape.count else {
        throw .incompatibleShapes(operation: "concatenate", left: first.shape, right: part.shape)
      }
      shape[axis] += other[axis]
      other[axis] = shape[axis]
      guard other == shape else {
        throw .incompatibleShapes(operation: "concatenate", left: first.shape, right: part.shape)
      }
    }
    // Channels of images stay next to each other.
    let channelsLast = axis == 1 && shape.count > 2 && parts.contains { $0.body.layout == .channelsLast }
    let y = try uninitialized(shape, channelsLast ? .channelsLast : .rowMajor)
    var start = 0
    var starts: [Int] = []
    for part in parts {
      let extent = part.shape[axis]
      starts.append(start)
      if channelsLast {
        interleave(try part.body.in(.channelsLast), channels: extent, into: y.body, at: start)
      } else {
        try part.rowMajor().copyBlock(axis: axis, from: 0, count: extent, into: y, at: start)
      }
      start += extent
    }
    let extents = parts.map { $0.shape[axis] }
    return try y.recorded(from: parts) { upstream, needed in
      try zip(extents, zip(starts, needed)).map { extent, rest in
        guard rest.1 else { return nil }
        if channelsLast && upstream.body.layout == .channelsLast {
          return try deinterleave(upstream.body, channels: extent, from: rest.0)
        }
        return try upstream.slice(rest.0..<rest.0 + extent, axis: axis)
      }
    }
  }

  private static func interleave(_ x: Body, channels: Int, into y: Body, at start: Int) {
    let size = x.type.size
    let all = y.shape[1]
    nonisolated(unsafe) let from = x.pointer
    nonisolated(unsafe) let to = y.pointer + start * size
    parallelFor(y.count / Swift.max(1, all), grain: Swift.max(1, elementwiseGrain / Swift.max(1, channels))) { pixels in
      for p in pixels {
        (to + p * all * size).copyMemory(from: from + p * channels * size, byteCount: channels * size)
      }
    }
  }

  private static func deinterleave(_ x: Body, channels: Int, from start: Int) throws(TensorError) -> Tensor {
    var shape = x.shape
    let all = shape[1]
    let size = x.type.size
    shape[1] = channels
    let y = try uninitialized(shape, .channelsLast)
    nonisolated(unsafe) let from = x.pointer + start * size
    nonisolated(unsafe) let to = y.body.pointer
    parallelFor(y.count / Swift.max(1, channels), grain: Swift.max(1, elementwiseGrain / Swift.max(1, channels))) {
      pixels in
      for p in pixels {
        (to + p * channels * size).copyMemory(from: from + p * all * size, byteCount: channels * size)
      }
    }
    return y
  }

  /// Tensors of one shape along a new axis.
  public static func stack(_ parts: [Tensor], axis: Int = 0) throws(TensorError) -> Tensor {
    var expanded: [Tensor] = []
    for part in parts { expanded.append(try part.expanded(axis: axis)) }
    guard let first = parts.first
    else { throw .invalidArgument("parts", found: "no tensor", expected: "at least one") }
    return try concatenate(expanded, axis: try resolved(axis: axis, rank: first.rank + 1))
  }

  /// Equal parts along an axis.
  public func split(into parts: Int, axis: Int = 0) throws(TensorError) -> [Tensor] {
    let axis = try resolved(axis: axis, rank: rank)
    guard parts > 0, shape[axis] % parts == 0
    else { throw .invalidArgument("parts", found: "\(parts)", expected: "a divisor of \(shape[axis])") }
    let n = shape[axis] / parts
    var result: [Tensor] = []
    for i in 0..<parts { result.append(try slice(i * n..<(i + 1) * n, axis: axis)) }
    return result
  }
}

/// What stands beyond the edge of a padded tensor.
public enum PaddingMode: Sendable, Codable {
  /// Zeros.
  case zeros
  /// The elements inside, mirrored without repeating the edge.
  case reflect
  /// The edge, repeated.
  case edge
  /// The other end.
  case circular
}

extension Tensor {
  /// Wider at both ends of an axis.
  ///
  /// - Throws: `TensorError.invalidArgument` when a width is negative, or wider than `mode` can fill.
  public func padded(
    axis: Int, before: Int, after: Int, mode: PaddingMode
  ) throws(TensorError) -> Tensor {
    let axis = try resolved(axis: axis, rank: rank)
    let n = shape[axis]
    let widest = mode == .reflect ? n - 1 : mode == .circular ? n : mode == .edge && n == 0 ? 0 : Int.max / 4
    guard before >= 0, after >= 0, before <= widest, after <= widest else {
      throw .invalidArgument("before, after", found: "\(before), \(after)", expected: "0...\(widest) in mode \(mode)")
    }
    if mode == .zeros { return try padded(axis: axis, before: before, after: after) }
    let index = (-before..<n + after).map { i -> Int32 in
      switch mode {
      case .reflect: Int32(i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i)
      case .circular: Int32((i + n) % n)
      case .edge, .zeros: Int32(Swift.min(Swift.max(i, 0), n - 1))
      }
    }
    return try selecting(Tensor<Int32>(index), axis: axis)
  }
}
