import Tensors

/// How a convolution moves over its input.
public struct ConvolutionGeometry: Sendable, Equatable {
  /// One number for each spatial axis.
  public var stride: [Int], dilation: [Int]
  /// Zeros before and after each spatial axis.
  public var before: [Int], after: [Int]
  public var groups: Int

  public init(stride: [Int], dilation: [Int], before: [Int], after: [Int], groups: Int = 1) {
    (self.stride, self.dilation, self.before, self.after, self.groups) = (stride, dilation, before, after, groups)
  }
}

/// A convolution that something carries out.
public protocol ConvolutionOperator: Sendable {
  /// - Parameter x: shape `[batch, channels, extents…]`.
  /// - Returns: shape `[batch, outputs, extents…]`.
  func apply(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float>
}

extension Substrate {
  /// Stores the kernels of a convolution, shape `[outputs, channels/groups, window…]`.
  ///
  /// Every position of the window is one vector for a matrix of shape `[channels/groups·window, outputs/groups]`, one
  /// matrix for each group.
  public func convolutionOperator(
    _ weights: Tensor<Float>, _ geometry: ConvolutionGeometry, in context: inout ForwardContext
  ) throws -> any ConvolutionOperator {
    let spatial = weights.rank - 2
    let outputs = weights.shape.first ?? 0
    guard spatial >= 1, geometry.groups >= 1, outputs % geometry.groups == 0,
      [geometry.stride, geometry.dilation, geometry.before, geometry.after].allSatisfy({ $0.count == spatial })
    else {
      throw TensorError.wrongShape(
        argument: "weights", found: weights.shape,
        expected: "[outputs, channels/groups, window…], as the geometry has it")
    }
    let rows = try weights.reshaped([outputs, nil])
    var operators: [any LinearOperator] = []
    for group in try rows.split(into: geometry.groups) {
      operators.append(try linearOperator(group.transposed(), in: &context))
    }
    return UnfoldedConvolution(operators: operators, window: Array(weights.shape[2...]), geometry: geometry)
  }
}

/// Something that multiplies by stored matrices, which can be counted.
package protocol HoldsOperators {
  var operators: [any LinearOperator] { get }
}

/// A convolution as products of its unfolded input.
struct UnfoldedConvolution: ConvolutionOperator, HoldsOperators {
  package let operators: [any LinearOperator]
  let window: [Int]
  let geometry: ConvolutionGeometry

  func apply(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    let g = geometry
    let spatial = window.count
    let taps = window.reduce(1, *)
    guard x.rank == spatial + 2, x.shape[1] * taps == operators.reduce(0, { $0 + $1.inputs }) else {
      throw TensorError.wrongShape(
        argument: "x", found: x.shape,
        expected: "[batch, \(operators.reduce(0) { $0 + $1.inputs } / taps) channels, \(spatial) extents]")
    }
    var padded = x
    for axis in 0..<spatial where g.before[axis] > 0 || g.after[axis] > 0 {
      padded = try padded.padded(axis: axis + 2, before: g.before[axis], after: g.after[axis], mode: .zeros)
    }
    let extents = Array(padded.shape[2...])
    let reach = (0..<spatial).map { (axis: Int) -> Int in g.dilation[axis] * (window[axis] - 1) + 1 }
    let result = (0..<spatial).map { (axis: Int) -> Int in (extents[axis] - reach[axis]) / g.stride[axis] + 1 }
    guard zip(extents, reach).allSatisfy({ $0 >= $1 }) else {
      throw TensorError.wrongShape(argument: "x", found: x.shape, expected: "extents that hold the window \(window)")
    }
    // For every position of the result and tap of the window, where it lies in the flattened extents.
    let positions = result.reduce(1, *)
    var index = [Int32](repeating: 0, count: positions * taps)
    for p in 0..<positions {
      for t in 0..<taps {
        var (place, tap, scale, flat) = (p, t, 1, 0)
        for axis in (0..<spatial).reversed() {
          let coordinate = place % result[axis] * g.stride[axis] + tap % window[axis] * g.dilation[axis]
          flat += coordinate * scale
          place /= result[axis]
          tap /= window[axis]
          scale *= extents[axis]
        }
        index[p * taps + t] = Int32(flat)
      }
    }
    let (batch, channels) = (x.shape[0], x.shape[1])
    let flat: [Int?] = [batch, channels, extents.reduce(1, *)]
    let unfolded = try padded.reshaped(flat).selecting(Tensor(index), axis: 2)
      .reshaped([batch, operators.count, channels / operators.count, positions, taps]).permuted([1, 0, 3, 2, 4])
    var parts: [Tensor<Float>] = []
    for (group, product) in operators.enumerated() {
      let rows = try unfolded.at(group).reshaped([batch * positions, product.inputs])
      parts.append(
        try product.apply(rows, in: &context).reshaped([batch, positions, product.outputs]).permuted([0, 2, 1]))
    }
    let shape: [Int?] = [batch, nil] + result.map { Optional($0) }
    return try Tensor.concatenate(parts, axis: 1).reshaped(shape)
  }
}

extension Digital {
  /// Through the convolution of `Tensors`, which needs no unfolding.
  public func convolutionOperator(
    _ weights: Tensor<Float>, _ geometry: ConvolutionGeometry, in context: inout ForwardContext
  ) throws -> any ConvolutionOperator {
    DigitalConvolution(weights: weights, geometry: geometry)
  }
}

struct DigitalConvolution: ConvolutionOperator {
  let weights: Tensor<Float>
  let geometry: ConvolutionGeometry

  func apply(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    let g = geometry
    var padded = x
    let isSymmetric = g.before == g.after
    if !isSymmetric {
      for axis in g.before.indices {
        padded = try padded.padded(axis: axis + 2, before: g.before[axis], after: g.after[axis], mode: .zeros)
      }
    }
    let y = try convolution(
      padded, weights, stride: Window(g.stride), padding: isSymmetric ? Window(g.before) : 0,
      dilation: Window(g.dilation), groups: g.groups)
    context.activity.digitalOperations += y.count * weights.count / weights.shape[0]
    context.activity.bytesMoved += 4 * (x.count + y.count + weights.count)
    return y
  }
}
