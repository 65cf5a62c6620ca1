import Tensors

extension Substrate {
  /// Stores the kernels of a transposed convolution, shape `[channels, outputs/groups, window…]`: a convolution of the input
  /// spread out by zeros, with the window turned round.
  ///
  /// - Parameters:
  ///   - geometry: of the transposed convolution: its stride spreads the input, its borders are taken off the result.
  ///   - outputPadding: zeros after the spread input, one number for each spatial axis.
  /// - Throws: `TensorError.wrongShape`; `.invalidArgument` for borders wider than the window.
  public func transposedConvolutionOperator(
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
    // [channels, outputs/groups, …] to [outputs, channels/groups, …], the window reversed.
    let turned = try weights.reversed(axes: Array(2..<weights.rank))
    let parts = try turned.split(into: g.groups).map { try $0.transposed(0, 1) }
    let product = try convolutionOperator(
      Tensor.concatenate(parts, axis: 0),
      ConvolutionGeometry(
        stride: g.stride.map { _ in 1 }, dilation: g.dilation, before: before, after: after, groups: g.groups),
      in: &context)
    return SpreadConvolution(convolution: product, stride: g.stride, outputPadding: outputPadding)
  }
}

/// A convolution of an input with zeros between its elements.
struct SpreadConvolution: ConvolutionOperator, HoldsOperators {
  let convolution: any ConvolutionOperator
  let stride: [Int], outputPadding: [Int]
  package var operators: [any LinearOperator] { (convolution as? any HoldsOperators)?.operators ?? [] }

  func apply(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
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
    return try convolution.apply(x, in: &context)
  }
}
