import Foundation
import Tensors

// One number for each window over one channel.
extension ONNXOperators {
  static let pooling: [String: Evaluate] = [
    "MaxPool": evaluateMaxPool,
    "AveragePool": one(evaluateAveragePool),
    "LpPool": one(evaluateLpPool),
    "GlobalAveragePool": one { a in
      try global(a, { try $0.mean(axes: $1, keepingAxes: true) }, { try $0.mean(axes: $1, keepingAxes: true) })
    },
    "GlobalMaxPool": one { a in
      try global(a, { try $0.max(axes: $1, keepingAxes: true) }, { try $0.max(axes: $1, keepingAxes: true) })
    },
    "GlobalLpPool": one { a in
      let p = Double(a.node.integer("p", 2))
      return try global(a, nil) { x, axes in
        let powers = try Tensor(x.elements.map { pow(abs($0), p) }, shape: x.shape)
        let sums = try powers.sum(axes: axes, keepingAxes: true)
        return try Tensor(sums.elements.map { pow($0, 1 / p) }, shape: sums.shape)
      }
    },
    "MaxUnpool": one(evaluateMaxUnpool),
  ]

  private static func global(
    _ a: ONNXArguments, _ floats: ((Tensor<Float>, [Int]) throws -> Tensor<Float>)?,
    _ doubles: (Tensor<Double>, [Int]) throws -> Tensor<Double>
  ) throws -> ONNXTensor {
    let x = try a.tensor(0)
    guard x.type.isReal, x.rank >= 2 else { throw a.node.invalid("its input is \(x.type) of shape \(x.shape)") }
    let axes = Array(2..<Swift.max(2, x.rank))
    if axes.isEmpty { return x }
    if x.type == .float, let floats { return ONNXTensor(try floats(x.floats(), axes)) }
    return try ONNXTensor(doubles(x.doubles(), axes), as: x.type)
  }

  /// The input, its windows, and how many places they have.
  private static func pool(_ a: ONNXArguments) throws -> (x: ONNXTensor, windows: ONNXWindows, places: [Int]) {
    let x = try a.tensor(0)
    guard x.rank >= 3, x.count > 0 else { throw a.node.invalid("its input has the shape \(x.shape)") }
    let extents = Array(x.shape[2...])
    let windows = try ONNXWindows(a.node, extents: extents)
    let places = try windows.places(extents, a.node)
    try a.node.checkedCount(Array(x.shape[..<2]) + places)
    // Only what lies inside of the input is looked at.
    try a.node.checkWork(Array(x.shape[..<2]) + places + zip(windows.window, extents).map { Swift.min($0, $1) })
    return (x, windows, places)
  }

  private static let evaluateMaxPool: Evaluate = { a in
    let (x, windows, places) = try pool(a)
    let extents = Array(x.shape[2...])
    let wantsPlaces = a.node.outputs.count > 1
    if x.type == .float, windows.isPlain, !wantsPlaces {
      let y = try x.floats().maxPooled(
        Window(windows.window), stride: Window(windows.stride), padding: Window(windows.before))
      return [.tensor(ONNXTensor(y))]
    }
    let order = try Ordered(x)
    let (images, each, made) = (x.shape[0] * x.shape[1], extents.reduce(1, *), places.reduce(1, *))
    var best = Array(repeating: 0, count: images * made)
    var isEmpty = false
    windows.forEachPlace(extents, places) { place, elements in
      guard let first = elements.first else { isEmpty = true; return }
      for image in 0..<images {
        var found = image * each + first
        for element in elements.dropFirst()
        where order.isLess(found, image * each + element) || order.isNaN(image * each + element) {
          if order.isNaN(found) { break }
          found = image * each + element
        }
        best[image * made + place] = found
      }
    }
    guard !isEmpty else { throw a.node.invalid("a window lies in the padding alone") }
    let shape = Array(x.shape[..<2]) + places
    let values = try x.taking(best, shape: shape)
    guard wantsPlaces else { return [.tensor(values)] }
    // Column-major places within an image where that is asked for.
    let isColumnMajor = a.node.flag("storage_order")
    let steps = rowMajorSteps(extents)
    var columnSteps = extents.map { _ in 1 }
    for i in extents.indices.dropFirst() { columnSteps[i] = columnSteps[i - 1] * extents[i - 1] }
    let indices = best.map { place -> Int in
      guard isColumnMajor else { return place }
      let inside = place % each
      return place - inside + extents.indices.reduce(0) { $0 + inside / steps[$1] % extents[$1] * columnSteps[$1] }
    }
    return [.tensor(values), .tensor(try ONNXTensor(wholes: indices, shape: shape))]
  }

  static func evaluateAveragePool(_ a: ONNXArguments) throws -> ONNXTensor {
    let (x, windows, places) = try pool(a)
    guard x.type.isReal else { throw ONNXTypeError(found: x.type, expected: "real numbers") }
    let countsPadding = a.node.flag("count_include_pad")
    if x.type == .float, windows.isPlain, windows.before.allSatisfy({ $0 == 0 }) {
      return ONNXTensor(try x.floats().averagePooled(Window(windows.window), stride: Window(windows.stride)))
    }
    let extents = Array(x.shape[2...])
    let counts = extents.indices.map { windows.padded($0, extents[$0], places: places[$0]) }
    let steps = rowMajorSteps(places)
    return try pooled(x, windows, places) { numbers, place in
      let divisor =
        countsPadding
        ? extents.indices.reduce(1) { $0 * counts[$1][place / steps[$1] % places[$1]] } : numbers.count
      return numbers.reduce(0, +) / Double(divisor)
    }
  }

  private static func evaluateLpPool(_ a: ONNXArguments) throws -> ONNXTensor {
    let (x, windows, places) = try pool(a)
    let p = Double(a.node.integer("p", 2))
    return try pooled(x, windows, places) { numbers, _ in pow(numbers.reduce(0) { $0 + pow(abs($1), p) }, 1 / p) }
  }

  private static func pooled(
    _ x: ONNXTensor, _ windows: ONNXWindows, _ places: [Int], _ function: (_ numbers: [Double], _ place: Int) -> Double
  ) throws -> ONNXTensor {
    let extents = Array(x.shape[2...])
    let numbers = try x.doubles().elements
    let (images, each, made) = (x.shape[0] * x.shape[1], extents.reduce(1, *), places.reduce(1, *))
    var results = Array(repeating: 0.0, count: images * made)
    windows.forEachPlace(extents, places) { place, elements in
      for image in 0..<images {
        results[image * made + place] = function(elements.map { numbers[image * each + $0] }, place)
      }
    }
    return try ONNXTensor(Tensor(results, shape: Array(x.shape[..<2]) + places), as: x.type)
  }

  private static func evaluateMaxUnpool(_ a: ONNXArguments) throws -> ONNXTensor {
    let x = try a.tensor(0)
    let indices = try a.integers(1)
    guard x.rank >= 3, indices.count == x.count else {
      throw a.node.invalid("\(indices.count) indices for the shape \(x.shape)")
    }
    let windows = try ONNXWindows(a.node, extents: Array(x.shape[2...]))
    let natural = x.shape[2...].enumerated().map { i, n in
      (n - 1) * windows.stride[i] - windows.before[i] - windows.after[i] + windows.window[i]
    }
    // Indices are those of the tensor before pooling, which may have been larger than what follows from the windows.
    let inner = Array(x.shape[..<2]) + natural
    let shape = a.has(2) ? try a.integers(2) : inner
    guard shape.count == x.rank else { throw a.node.invalid("output_shape is \(shape)") }
    let count = try a.node.checkedCount(shape)
    let innerCount = try a.node.checkedCount(inner)
    var from = Array(repeating: -1, count: count)
    let (steps, wide) = (rowMajorSteps(inner), rowMajorSteps(shape))
    for (i, index) in indices.enumerated() {
      guard (0..<innerCount).contains(index) else { throw a.node.invalid("the index \(index) is outside \(inner)") }
      let place = inner.indices.reduce(0) { $0 + index / steps[$1] % inner[$1] * wide[$1] }
      guard place < count else { throw a.node.invalid("the index \(index) is outside \(shape)") }
      from[place] = i
    }
    return try x.taking(from, shape: shape)
  }
}
