import Tensors

// Convolutions with computed weights, and those of whole numbers; those with constant weights are layers.
extension ONNXOperators {
  static let convolutions: [String: Evaluate] = [
    "Conv": one { a in
      let (x, w) = (try a.tensor(0), try a.tensor(1))
      guard x.type == w.type, x.type.isReal else { throw a.node.invalid("its inputs are \(x.type) and \(w.type)") }
      let convolution = try ONNXConvolutionShape(a.node, x.shape, w.shape)
      if x.type == .float, (3...5).contains(x.rank) {
        return ONNXTensor(try convolution.result(x.floats(), w.floats(), bias: a.has(2) ? a.floats(2) : nil))
      }
      return try ONNXTensor(
        convolution.result(x.doubles(), w.doubles(), bias: a.has(2) ? a.doubles(2) : nil), as: x.type)
    },
    "ConvTranspose": one { a in
      let (x, w) = (try a.tensor(0), try a.tensor(1))
      guard x.type == w.type, x.type.isReal else { throw a.node.invalid("its inputs are \(x.type) and \(w.type)") }
      let shape = try ONNXTransposedShape(a.node, x.shape, w.shape)
      return try ONNXTensor(shape.result(x.doubles(), w.doubles(), bias: a.has(2) ? a.doubles(2) : nil), as: x.type)
    },
  ]
}

/// The geometry of `Conv` for an input of known shape.
struct ONNXConvolutionShape {
  let windows: ONNXWindows
  let groups: Int
  private let x: [Int], w: [Int], places: [Int]

  init(_ node: ONNXNode, _ x: [Int], _ w: [Int]) throws {
    groups = node.integer("group", 1)
    guard x.count == w.count, x.count >= 3, groups >= 1, w[0] % groups == 0,
      Double(w[1]) * Double(groups) == Double(x[1])
    else {
      throw node.invalid("weights of shape \(w) in \(groups) groups for an input of shape \(x)")
    }
    (self.x, self.w) = (x, w)
    windows = try ONNXWindows(node, extents: Array(x[2...]), window: Array(w[2...]))
    places = try windows.places(Array(x[2...]), node)
    try node.checkedCount([x[0], w[0]] + places)
    try node.checkWork([x[0], w[0]] + places + w.dropFirst())
  }

  func result(_ x: Tensor<Float>, _ w: Tensor<Float>, bias: Tensor<Float>?) throws -> Tensor<Float> {
    var padded = x
    for i in windows.window.indices where windows.before[i] + windows.after[i] > 0 {
      padded = try padded.padded(axis: i + 2, before: windows.before[i], after: windows.after[i], mode: .zeros)
    }
    return try convolution(
      padded, w, bias: bias, stride: Window(windows.stride), dilation: Window(windows.dilation), groups: groups)
  }

  /// By unfolding: a column for each place of the window, and one product for each group.
  func result(_ x: Tensor<Double>, _ w: Tensor<Double>, bias: Tensor<Double>?) throws -> Tensor<Double> {
    let (samples, channels, made) = (self.x[0], self.w[1], places.reduce(1, *))
    let extents = Array(self.x[2...])
    let (each, size) = (extents.reduce(1, *), windows.window.reduce(1, *))
    let steps = rowMajorSteps(extents)
    // Where each element of the window lies in one image, for each place; −1 in the padding.
    var inImage = [0]
    for axis in extents.indices {
      let offsets = (0..<windows.window[axis]).map { k in
        (0..<places[axis]).map { place -> Int in
          let i = place * windows.stride[axis] - windows.before[axis] + k * windows.dilation[axis]
          return (0..<extents[axis]).contains(i) ? i * steps[axis] : -1
        }
      }
      // Rows: elements of the window so far; columns: places so far.
      let (rows, columns) = (windows.window[..<axis].reduce(1, *), places[..<axis].reduce(1, *))
      var next: [Int] = []
      for row in 0..<rows {
        for own in offsets {
          for column in 0..<columns {
            let base = inImage[row * columns + column]
            for offset in own { next.append(base < 0 || offset < 0 ? -1 : base + offset) }
          }
        }
      }
      inImage = next
    }
    var results: [Tensor<Double>] = []
    let outputs = self.w[0] / groups
    for sample in 0..<samples {
      for group in 0..<groups {
        let start = (sample * self.x[1] + group * channels) * each
        let positions = (0..<channels).flatMap { c in inImage.map { $0 < 0 ? -1 : start + c * each + $0 } }
        let columns = try x.taking(positions, shape: [channels * size, made])
        let kernels = try w.slice(group * outputs..<(group + 1) * outputs).reshaped([outputs, channels * size])
        results.append(try matmul(kernels, columns))
      }
    }
    let all = try results.isEmpty ? Tensor<Double>.zeros([0]) : Tensor.concatenate(results)
    let y = try all.reshaped([samples, self.w[0]] + places)
    guard let bias else { return y }
    return try y + bias.reshaped([self.w[0]] + places.map { _ in 1 })
  }
}

/// The geometry of `ConvTranspose` for an input of known shape: everything, then what is cut off or added at the ends.
struct ONNXTransposedShape {
  let windows: ONNXWindows
  let groups: Int
  /// Cut off at both ends of what the windows cover; zeros are added where negative.
  let before: [Int], after: [Int]
  private let x: [Int], w: [Int]
  /// What the windows cover.
  private let covered: [Int]

  init(_ node: ONNXNode, _ x: [Int], _ w: [Int]) throws {
    groups = node.integer("group", 1)
    guard x.count == w.count, x.count >= 3, groups >= 1, x[1] == w[0], x[1] % groups == 0 else {
      throw node.invalid("weights of shape \(w) in \(groups) groups for an input of shape \(x)")
    }
    let spatial = x.count - 2
    let windows = try ONNXWindows(node, extents: Array(x[2...]), window: Array(w[2...]))
    self.windows = windows
    covered = (0..<spatial).map {
      Swift.max(0, x[$0 + 2] - 1) * windows.stride[$0] + windows.dilation[$0] * (windows.window[$0] - 1) + 1
    }
    let extra = node.integers("output_padding") ?? Array(repeating: 0, count: spatial)
    guard extra.count == spatial, extra.allSatisfy({ (0...1 << 31).contains($0) }) else {
      throw node.invalid("output_padding is \(extra)")
    }
    var wanted = node.integers("output_shape") ?? []
    if wanted.count == x.count { wanted = Array(wanted[2...]) }
    if wanted.isEmpty && windows.isAutomatic { wanted = (0..<spatial).map { x[$0 + 2] * windows.stride[$0] } }
    guard wanted.isEmpty || wanted.count == spatial, wanted.allSatisfy({ (1...1 << 31).contains($0) }) else {
      throw node.invalid("output_shape is \(wanted)")
    }
    if wanted.isEmpty {
      (before, after) = (windows.before, (0..<spatial).map { windows.after[$0] - extra[$0] })
    } else {
      let total = (0..<spatial).map { [covered] in covered[$0] + extra[$0] - wanted[$0] }
      let isUpper = node.text("auto_pad", "NOTSET") == "SAME_UPPER"
      let start = total.map { $0 < 0 ? 0 : isUpper ? $0 / 2 : $0 - $0 / 2 }
      before = start
      after = (0..<spatial).map { total[$0] - start[$0] - extra[$0] }
    }
    (self.x, self.w) = (x, w)
    let result = zip(covered, zip(before, after)).map { $0 - $1.0 - $1.1 }
    guard result.allSatisfy({ $0 > 0 }) else { throw node.invalid("its result would have the extents \(result)") }
    try node.checkedCount([x[0], w[1], groups] + covered)
    try node.checkedCount([x[0], w[1], groups] + result)
    try node.checkWork(x + w.dropFirst())
  }

  /// Cuts the ends off, or adds zeros.
  func trimmed<S: TensorScalar>(_ y: Tensor<S>) throws -> Tensor<S> {
    var y = y
    for i in before.indices {
      if before[i] < 0 || after[i] < 0 {
        y = try y.padded(axis: i + 2, before: Swift.max(0, -before[i]), after: Swift.max(0, -after[i]), mode: .zeros)
      }
      let (start, cut) = (Swift.max(0, before[i]), Swift.max(0, after[i]))
      if start > 0 || cut > 0 { y = try y.slice(start..<y.shape[i + 2] - cut, axis: i + 2) }
    }
    return y
  }

  func result(_ x: Tensor<Double>, _ w: Tensor<Double>, bias: Tensor<Double>?) throws -> Tensor<Double> {
    let (samples, channels, outputs) = (self.x[0], self.x[1] / groups, self.w[1])
    let (extents, size) = (Array(self.x[2...]), windows.window.reduce(1, *))
    let (each, made) = (extents.reduce(1, *), covered.reduce(1, *))
    let steps = rowMajorSteps(covered)
    let targets = stridedPositions(extents: extents, steps: zip(steps, windows.stride).map { $0 * $1 })
    let spread = stridedPositions(extents: windows.window, steps: zip(steps, windows.dilation).map { $0 * $1 })
    var results = [Double](repeating: 0, count: samples * groups * outputs * made)
    for sample in 0..<samples {
      for group in 0..<groups {
        let images = try x.reshaped([samples * groups, channels, each]).at(sample * groups + group)
        let kernels = try w.slice(group * channels..<(group + 1) * channels).reshaped([channels, outputs * size])
        let parts = try matmul(kernels.transposed(), images).elements
        for output in 0..<outputs {
          let start = ((sample * groups + group) * outputs + output) * made
          for k in 0..<size {
            for p in 0..<each { results[start + targets[p] + spread[k]] += parts[((output * size) + k) * each + p] }
          }
        }
      }
    }
    let y = try trimmed(Tensor(results, shape: [samples, groups * outputs] + covered))
    guard let bias else { return y }
    return try y + bias.reshaped([groups * outputs] + extents.map { _ in 1 })
  }
}
