import Foundation
import Tensors

// Images in other sizes.
extension ONNXOperators {
  static let resizing: [String: Evaluate] = [
    "Resize": one(evaluateResize),
    "Upsample": one { a in
      let x = try a.tensor(0)
      guard let scales = try a.version < 9 ? a.node.floats("scales")?.map({ Double($0) }) : a.doubles(1).elements else {
        throw a.node.invalid("it has no scales")
      }
      let mode = try a.node.word("mode", ["nearest", "linear"])
      let resize = try ONNXResize(a.node, mode: mode, coordinates: "asymmetric", nearest: "floor")
      return try resize.result(x, axes: Array(0..<x.rank), scales: scales, sizes: nil, roi: [])
    },
  ]

  private static func evaluateResize(_ a: ONNXArguments) throws -> ONNXTensor {
    let x = try a.tensor(0)
    if a.version < 11 {
      let mode = try a.node.word("mode", ["nearest", "linear"])
      let resize = try ONNXResize(a.node, mode: mode, coordinates: "asymmetric", nearest: "floor")
      return try resize.result(x, axes: Array(0..<x.rank), scales: a.doubles(1).elements, sizes: nil, roi: [])
    }
    let axes = try a.node.axes(a.node.integers("axes") ?? Array(0..<x.rank), rank: x.rank)
    let scales = a.has(2) ? try a.doubles(2).elements : []
    let sizes = a.has(3) ? try a.integers(3) : []
    guard scales.isEmpty != sizes.isEmpty || x.rank == 0 else { throw a.node.invalid("it has to have scales or sizes") }
    let roi = a.has(1) ? try a.doubles(1).elements : []
    let resize = try ONNXResize(
      a.node, mode: a.node.word("mode", ["nearest", "linear", "cubic"]),
      coordinates: a.node.word("coordinate_transformation_mode", ["half_pixel"] + ONNXResize.coordinates),
      nearest: a.node.word("nearest_mode", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]))
    return try resize.result(x, axes: axes, scales: scales, sizes: sizes.isEmpty ? nil : sizes, roi: roi)
  }
}

/// Interpolation axis by axis: each result is a weighted sum along one axis after the other.
struct ONNXResize {
  static let coordinates = [
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize",
    "tf_half_pixel_for_nn",
  ]

  private let node: ONNXNode
  private let mode: String, coordinates: String, nearest: String
  private let isAntialiased: Bool, excludesOutside: Bool
  private let cubic: Double, outside: Double
  private let policy: String

  init(_ node: ONNXNode, mode: String, coordinates: String, nearest: String) throws {
    (self.node, self.mode, self.coordinates, self.nearest) = (node, mode, coordinates, nearest)
    isAntialiased = node.flag("antialias") && mode != "nearest"
    excludesOutside = node.flag("exclude_outside")
    (cubic, outside) = (Double(node.float("cubic_coeff_a", -0.75)), Double(node.float("extrapolation_value", 0)))
    policy = try node.word("keep_aspect_ratio_policy", ["stretch", "not_larger", "not_smaller"])
  }

  /// One axis that changes.
  private struct Axis {
    let axis: Int, extent: Int, size: Int
    let scale: Double
    /// First and last of the region, as parts of the extent.
    let region: (start: Double, end: Double)
  }

  func result(_ x: ONNXTensor, axes: [Int], scales: [Double], sizes: [Int]?, roi: [Double]) throws -> ONNXTensor {
    let usesRegion = coordinates == "tf_crop_and_resize"
    guard sizes?.count ?? scales.count == axes.count, !usesRegion || roi.count == 2 * axes.count else {
      throw node.invalid(
        "\(sizes?.count ?? scales.count) scales or sizes and \(roi.count) bounds for \(axes.count) axes")
    }
    let extents = axes.map { x.shape[$0] }
    let (factors, lengths) = try lengths(extents, scales, sizes)
    var shape = x.shape
    for (axis, length) in zip(axes, lengths) { shape[axis] = length }
    try node.checkedCount(shape)
    if x.count == 0 {
      guard shape.contains(0) else { throw node.invalid("its input of shape \(x.shape) has no numbers") }
      return try x.taking([], shape: shape)
    }
    let changed = axes.indices.map { i in
      Axis(
        axis: axes[i], extent: extents[i], size: lengths[i], scale: factors[i],
        region: usesRegion ? (roi[i], roi[i + axes.count]) : (0, 1))
    }.filter { $0.size != $0.extent || usesRegion || $0.scale != 1 }
    if mode == "nearest" && !usesRegion { return try picked(x, changed) }
    guard x.type.isReal || x.type.isWhole else { throw ONNXTypeError(found: x.type, expected: "numbers") }
    return try weighed(x, changed, shape)
  }

  private func lengths(
    _ extents: [Int], _ scales: [Double], _ sizes: [Int]?
  ) throws -> (scales: [Double], lengths: [Int]) {
    guard let sizes else {
      guard scales.allSatisfy({ $0 > 0 && $0 < 0x1p31 }) else { throw node.invalid("its scales are \(scales)") }
      return (scales, zip(extents, scales).map { Int((Double($0) * $1).rounded(.down)) })
    }
    guard sizes.allSatisfy({ (0...1 << 31).contains($0) }) else { throw node.invalid("its sizes are \(sizes)") }
    let ratios = zip(sizes, extents).map { Double($0) / Double(max(1, $1)) }
    guard policy != "stretch", let common = policy == "not_larger" ? ratios.min() : ratios.max() else {
      return (ratios, sizes)
    }
    let lengths = extents.map { Int((Double($0) * common).rounded(.toNearestOrAwayFromZero)) }
    return (extents.map { _ in common }, lengths)
  }

  /// Where an element of the result lies along an axis of the input.
  private func origin(_ i: Int, _ a: Axis) -> Double {
    let (place, extent, size) = (Double(i), Double(a.extent), a.scale * Double(a.extent))
    switch coordinates {
    case "align_corners": return size == 1 ? 0 : place * (extent - 1) / (size - 1)
    case "asymmetric": return place / a.scale
    case "tf_half_pixel_for_nn": return (place + 0.5) / a.scale
    case "pytorch_half_pixel": return a.size > 1 ? (place + 0.5) / a.scale - 0.5 : 0
    case "half_pixel_symmetric":
      let offset = extent / 2 * (1 - Double(a.size) / size)
      return offset + (place + 0.5) / a.scale - 0.5
    case "tf_crop_and_resize":
      let (start, end) = a.region
      if size == 1 { return 0.5 * (start + end) * (extent - 1) }
      return start * (extent - 1) + place * (end - start) * (extent - 1) / (size - 1)
    default: return (place + 0.5) / a.scale - 0.5
    }
  }

  private func nearestPlace(_ x: Double) -> Double {
    switch nearest {
    case "floor": x.rounded(.down)
    case "ceil": x.rounded(.up)
    case "round_prefer_ceil": (x + 0.5).rounded(.down)
    default: (x - 0.5).rounded(.up)
    }
  }

  private func picked(_ x: ONNXTensor, _ axes: [Axis]) throws -> ONNXTensor {
    var x = x
    for a in axes {
      let places = (0..<a.size).map { Int32(min(Double(a.extent - 1), max(0, nearestPlace(origin($0, a))))) }
      x = try x.moved { try $0.selecting(Tensor(places), axis: a.axis) }
    }
    return x
  }

  /// Places and weights of what an element of the result is made of; nothing where it lies outside of the input.
  private func weights(_ i: Int, _ a: Axis) -> [(place: Int, weight: Double)]? {
    let x = origin(i, a)
    if coordinates == "tf_crop_and_resize", x < 0 || x > Double(a.extent - 1) { return nil }
    if mode == "nearest" { return [(Int(min(Double(a.extent - 1), max(0, nearestPlace(x)))), 1)] }
    let base = x.rounded(.down)
    let narrowing = isAntialiased ? min(a.scale, 1) : 1
    let reach = (mode == "linear" ? 1 : 2) / narrowing
    let isLinear = mode == "linear"
    var all: [(place: Int, weight: Double)] = []
    let (first, last) = (Int((base - reach).rounded(.down)), Int((base + reach + 1).rounded(.up)))
    for place in first...last {
      let distance = (Double(place) - x) * narrowing
      let weight = isLinear ? max(0, 1 - abs(distance)) : cubicKernel(distance)
      if weight != 0 { all.append((place, weight)) }
    }
    if excludesOutside { all = all.filter { (0..<a.extent).contains($0.place) } }
    let sum = all.reduce(0) { $0 + $1.weight }
    let divisor = isAntialiased || excludesOutside ? sum : 1
    return all.map { (min(a.extent - 1, max(0, $0.place)), $0.weight / divisor) }
  }

  private func cubicKernel(_ x: Double) -> Double {
    let t = abs(x)
    if t <= 1 { return ((cubic + 2) * t - (cubic + 3)) * t * t + 1 }
    return t < 2 ? ((cubic * t - 5 * cubic) * t + 8 * cubic) * t - 4 * cubic : 0
  }

  private func weighed(_ x: ONNXTensor, _ axes: [Axis], _ shape: [Int]) throws -> ONNXTensor {
    var (numbers, extents) = (try x.doubles().elements, x.shape)
    var isOutside = Array(repeating: false, count: shape.reduce(1, *))
    let steps = rowMajorSteps(shape)
    for a in axes {
      let lines = ONNXOperators.Lines(extents, axis: a.axis)
      try node.checkWork([lines.outer, lines.inner, a.size, a.extent])
      extents[a.axis] = a.size
      var next = Array(repeating: 0.0, count: lines.outer * a.size * lines.inner)
      for i in 0..<a.size {
        guard let weights = weights(i, a) else {
          for place in isOutside.indices where place / steps[a.axis] % shape[a.axis] == i { isOutside[place] = true }
          continue
        }
        for outer in 0..<lines.outer {
          let to = (outer * a.size + i) * lines.inner
          for (place, weight) in weights {
            let from = (outer * lines.extent + place) * lines.inner
            for inner in 0..<lines.inner { next[to + inner] += weight * numbers[from + inner] }
          }
        }
      }
      numbers = next
    }
    for place in isOutside.indices where isOutside[place] { numbers[place] = outside }
    if x.type.isReal { return try ONNXTensor(Tensor(numbers, shape: shape), as: x.type) }
    let limits = x.type.limits
    // Whole numbers are cut off within their range.
    let whole = numbers.map { x.type.truncated(min(limits.upperBound, max(limits.lowerBound, $0))) }
    return try ONNXTensor(Tensor(whole, shape: shape), as: x.type)
  }
}
