import Tensors

extension Substrate {
  /// Stores the kernels of a transposed convolution, shape `[channels, outputs/groups, window…]`: a convolution of the input
  /// spread out by zeros, with the window turned round.
  ///
  /// - Parameters:
  ///   - geometry: of the transposed convolution: its stride spreads the input, its borders are taken off the result.
  ///   - outputPadding: zeros after the spread input, one number for each spatial axis.
  /// - Throws: `TensorError.wrongShape`; `.invalidArgument` for borders wider than the window.
  public func transposedConvolution(
    _ weights: Tensor<Float>, _ geometry: ConvolutionGeometry, outputPadding: [Int], in context: inout ForwardContext
  ) throws -> any ConvolutionOperator {
    let g = geometry
    let spatial = weights.rank - 2
    guard spatial >= 1, g.groups >= 1, weights.shape[0] % g.groups == 0,
      [g.stride, g.dilation, g.before, g.after, outputPadding].allSatisfy({ $0.count == spatial })
    else {
      throw TensorError.wrongShape(
        argument: "weights", found: weights.shape,
        expected: "[channels, outputs/groups, window…], as the geometry has it")
    }
    let border = (0..<spatial).map { (axis: Int) -> Int in g.dilation[axis] * (weights.shape[axis + 2] - 1) }
    let before = zip(border, g.before).map(-)
    let after = zip(border, g.after).map(-)
    guard (before + after).allSatisfy({ $0 >= 0 }) else {
      throw TensorError.invalidArgument(
        "geometry", found: "borders \(g.before) and \(g.after)", expected: "at most \(border), what the window reaches")
    }
    let product = try convolution(
      SpreadConvolution.turned(weights.detached(), groups: g.groups),
      ConvolutionGeometry(
        stride: g.stride.map { _ in 1 }, dilation: g.dilation, before: before, after: after, groups: g.groups),
      in: &context)
    return SpreadConvolution(
      convolution: product, groups: g.groups, stride: g.stride, outputPadding: outputPadding)
  }
}

/// A convolution of an input with zeros between its elements.
struct SpreadConvolution: ConvolutionOperator {
  private var convolution: any ConvolutionOperator
  private let groups: Int
  private let stride: [Int], outputPadding: [Int]
  var inventory: Inventory { convolution.inventory }

  init(convolution: any ConvolutionOperator, groups: Int, stride: [Int], outputPadding: [Int]) {
    (self.convolution, self.groups) = (convolution, groups)
    (self.stride, self.outputPadding) = (stride, outputPadding)
  }

  /// `[channels, outputs/groups, …]` as `[outputs, channels/groups, …]`, the window reversed.
  static func turned(_ weights: Tensor<Float>, groups: Int) throws -> Tensor<Float> {
    let parts = try weights.reversed(axes: Array(2..<weights.rank)).split(into: groups).map { try $0.transposed(0, 1) }
    return try Tensor.concatenate(parts, axis: 0)
  }

  func apply(_ x: Tensor<Float>, shadow: Tensor<Float>?, in context: inout ForwardContext) throws -> Tensor<Float> {
    try convolution.apply(
      spread(x), shadow: shadow.map { try Self.turned($0, groups: groups) }, in: &context)
  }

  mutating func calibrate(_ x: Tensor<Float>, in context: inout ForwardContext) throws {
    try convolution.calibrate(spread(x), in: &context)
  }

  mutating func write(_ weights: Tensor<Float>, in context: inout ForwardContext) throws {
    try convolution.write(Self.turned(weights.detached(), groups: groups), in: &context)
  }

  private func spread(_ x: Tensor<Float>) throws -> Tensor<Float> {
    guard x.rank == stride.count + 2 else {
      throw TensorError.wrongShape(
        argument: "x", found: x.shape, expected: "[batch, channels] and \(stride.count) spatial extents")
    }
    var x = x
    for (i, stride) in stride.enumerated() {
      let axis = i + 2
      let extent = x.shape[axis]
      if stride > 1 {
        // Zeros after every element, then those after the last are taken off again.
        var shape = x.shape
        shape[axis] = extent * stride
        x = try x.expanded(axis: axis + 1).padded(axis: axis + 1, before: 0, after: stride - 1, mode: .zeros)
          .reshaped(shape.map { $0 }).slice(0..<(extent - 1) * stride + 1, axis: axis)
      }
      if outputPadding[i] > 0 { x = try x.padded(axis: axis, before: 0, after: outputPadding[i], mode: .zeros) }
    }
    return x
  }
}
