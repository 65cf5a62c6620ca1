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
public protocol ConvolutionOperator: HasInventory {
  /// - Parameters:
  ///   - x: shape `[batch, channels, extents…]`.
  ///   - shadow: the kernels that were written, in the shape they were given in: gradients go to them and to `x`, as in
  ///     `StoredMatrix.apply(_:from:shadow:in:)`; with nil to `x` alone.
  /// - Returns: shape `[batch, outputs, extents…]`.
  func apply(_ x: Tensor<Float>, shadow: Tensor<Float>?, in context: inout ForwardContext) throws -> Tensor<Float>
  /// Sets the ranges of converters from typical inputs; nothing where there are none.
  mutating func calibrate(_ x: Tensor<Float>, in context: inout ForwardContext) throws
  /// Writes other kernels of the same shape.
  mutating func write(_ weights: Tensor<Float>, in context: inout ForwardContext) throws
}

extension ConvolutionOperator {
  public func apply(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try apply(x, shadow: nil, in: &context)
  }
}

extension Substrate {
  /// Stores the kernels of a convolution, shape `[outputs, channels/groups, window…]`.
  ///
  /// Every position of the window is one vector for a matrix of shape `[channels/groups·window, outputs/groups]`, one
  /// matrix for each group.
  public func convolution(
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
    var matrices: [any WritableMatrix] = []
    for group in try UnfoldedConvolution.matrices(weights.detached(), groups: geometry.groups) {
      matrices.append(try matrix(group, in: &context))
    }
    return UnfoldedConvolution(matrices: matrices, window: Array(weights.shape[2...]), geometry: geometry)
  }
}

/// A convolution as products of its unfolded input.
struct UnfoldedConvolution: ConvolutionOperator {
  private var matrices: [any WritableMatrix]
  private let window: [Int]
  private let geometry: ConvolutionGeometry
  var inventory: Inventory { matrices.reduce(Inventory()) { $0 + $1.inventory } }

  init(matrices: [any WritableMatrix], window: [Int], geometry: ConvolutionGeometry) {
    (self.matrices, self.window, self.geometry) = (matrices, window, geometry)
  }

  /// Kernels as matrices `[channels/groups·window, outputs/groups]`, one for each group.
  static func matrices(_ weights: Tensor<Float>, groups: Int) throws -> [Tensor<Float>] {
    try weights.reshaped([weights.shape[0], nil]).split(into: groups).map { try $0.transposed() }
  }

  func apply(_ x: Tensor<Float>, shadow: Tensor<Float>?, in context: inout ForwardContext) throws -> Tensor<Float> {
    let (rows, batch, result) = try unfolded(x)
    let weights = try shadow.map { try Self.matrices($0, groups: geometry.groups) }
    var parts: [Tensor<Float>] = []
    for (group, product) in matrices.enumerated() {
      let y =
        if let weights { try product.apply(rows[group], shadow: weights[group], in: &context) } else {
          try product.apply(rows[group], in: &context)
        }
      parts.append(try y.reshaped([batch, nil, product.outputs]).permuted([0, 2, 1]))
    }
    let shape: [Int?] = [batch, nil] + result.map { Optional($0) }
    return try Tensor.concatenate(parts, axis: 1).reshaped(shape)
  }

  mutating func calibrate(_ x: Tensor<Float>, in context: inout ForwardContext) throws {
    let rows = try unfolded(x).rows
    for group in matrices.indices { try matrices[group].calibrate(rows[group], from: .rows, in: &context) }
  }

  mutating func write(_ weights: Tensor<Float>, in context: inout ForwardContext) throws {
    let parts = try Self.matrices(weights.detached(), groups: geometry.groups)
    for group in matrices.indices { try matrices[group].write(parts[group], in: &context) }
  }

  /// Windows as rows for each group, and the extents of the result.
  private func unfolded(_ x: Tensor<Float>) throws -> (rows: [Tensor<Float>], batch: Int, result: [Int]) {
    let g = geometry
    let spatial = window.count
    let taps = window.reduce(1, *)
    let channels = matrices.reduce(0) { $0 + $1.inputs } / taps
    guard x.rank == spatial + 2, x.shape[1] == channels else {
      throw TensorError.wrongShape(
        argument: "x", found: x.shape, expected: "[batch, \(channels) channels, \(spatial) extents]")
    }
    var padded = x
    for axis in 0..<spatial where g.before[axis] > 0 || g.after[axis] > 0 {
      padded = try padded.padded(axis: axis + 2, before: g.before[axis], after: g.after[axis], mode: .zeros)
    }
    let extents = Array(padded.shape[2...])
    let reach = (0..<spatial).map { (axis: Int) -> Int in g.dilation[axis] * (window[axis] - 1) + 1 }
    guard zip(extents, reach).allSatisfy({ $0 >= $1 }) else {
      throw TensorError.wrongShape(argument: "x", found: x.shape, expected: "extents that hold the window \(window)")
    }
    let result = (0..<spatial).map { (axis: Int) -> Int in (extents[axis] - reach[axis]) / g.stride[axis] + 1 }
    let (batch, groups, positions) = (x.shape[0], matrices.count, result.reduce(1, *))
    let flat: [Int?] = [batch, channels, extents.reduce(1, *)]
    let windows = try padded.reshaped(flat).selecting(Tensor(places(extents, result)), axis: 2)
      .reshaped([batch, groups, channels / groups, positions, taps]).permuted([1, 0, 3, 2, 4])
    let rows = try (0..<groups).map {
      try windows.at($0).reshaped([batch * positions, channels / groups * taps])
    }
    return (rows, batch, result)
  }

  /// For every position of the result and tap of the window, where it lies in the flattened extents.
  private func places(_ extents: [Int], _ result: [Int]) -> [Int32] {
    let (positions, taps) = (result.reduce(1, *), window.reduce(1, *))
    var index = [Int32](repeating: 0, count: positions * taps)
    for p in 0..<positions {
      for t in 0..<taps {
        var (place, tap, scale, flat) = (p, t, 1, 0)
        for axis in window.indices.reversed() {
          let coordinate =
            place % result[axis] * geometry.stride[axis] + tap % window[axis] * geometry.dilation[axis]
          flat += coordinate * scale
          place /= result[axis]
          tap /= window[axis]
          scale *= extents[axis]
        }
        index[p * taps + t] = Int32(flat)
      }
    }
    return index
  }
}

extension Digital {
  /// Through the convolution of `Tensors`, which needs no unfolding.
  public func convolution(
    _ weights: Tensor<Float>, _ geometry: ConvolutionGeometry, in context: inout ForwardContext
  ) throws -> any ConvolutionOperator {
    DigitalConvolution(weights: weights.detached(), geometry: geometry)
  }
}

struct DigitalConvolution: ConvolutionOperator {
  private var weights: Tensor<Float>
  private let geometry: ConvolutionGeometry
  var inventory: Inventory { Inventory() }

  init(weights: Tensor<Float>, geometry: ConvolutionGeometry) { (self.weights, self.geometry) = (weights, geometry) }

  func apply(_ x: Tensor<Float>, shadow: Tensor<Float>?, in context: inout ForwardContext) throws -> Tensor<Float> {
    let g = geometry
    var padded = x
    let isSymmetric = g.before == g.after
    if !isSymmetric {
      for axis in g.before.indices {
        padded = try padded.padded(axis: axis + 2, before: g.before[axis], after: g.after[axis], mode: .zeros)
      }
    }
    let y = try Tensors.convolution(
      padded, shadow ?? weights, stride: Window(g.stride), padding: isSymmetric ? Window(g.before) : 0,
      dilation: Window(g.dilation), groups: g.groups)
    context.count(.floatLogic, .multiplyAccumulate, y.count * weights.count / weights.shape[0], bits: 32)
    context.count(.memory, .byte, 4 * (x.count + y.count + weights.count))
    return y
  }

  func calibrate(_ x: Tensor<Float>, in context: inout ForwardContext) {}

  mutating func write(_ weights: Tensor<Float>, in context: inout ForwardContext) throws {
    guard weights.shape == self.weights.shape else {
      throw TensorError.wrongShape(argument: "weights", found: weights.shape, expected: "\(self.weights.shape)")
    }
    context.count(.memory, .byte, 4 * weights.count)
    self.weights = weights.detached()
  }
}
