import CKernels
import COneDNN

/// How a convolution window moves: one number for each spatial axis, or one for all.
public struct Window: Sendable, Codable, Equatable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
  package var extents: [Int]

  public init(_ extents: [Int]) { self.extents = extents }
  public init(integerLiteral value: Int) { extents = [value] }
  public init(arrayLiteral elements: Int...) { extents = elements }

  /// One number for each of `axes` axes, none below `least`.
  package func resolved(_ axes: Int, atLeast least: Int, _ argument: String) throws(TensorError) -> [Int] {
    let result = extents.count == 1 ? Array(repeating: extents[0], count: axes) : extents
    guard result.count == axes, result.allSatisfy({ $0 >= least && $0 <= Int(Int32.max) }) else {
      throw .invalidArgument(argument, found: "\(extents)", expected: "one number or \(axes), each \(least) or more")
    }
    return result
  }
}

/// The extents that a convolution is made of, checked.
private struct Geometry {
  var spatial: Int
  var stride: [Int], padding: [Int], dilation: [Int], groups: Int

  init(
    _ x: [Int], _ weight: [Int], _ stride: Window, _ padding: Window, _ dilation: Window, _ groups: Int
  ) throws(TensorError) {
    spatial = x.count - 2
    guard (1...3).contains(spatial)
    else { throw .wrongShape(argument: "x", found: x, expected: "[batch, channels] and 1 to 3 spatial extents") }
    guard weight.count == x.count
    else { throw .wrongShape(argument: "weight", found: weight, expected: "rank \(x.count), as the input") }
    guard x.allSatisfy({ $0 > 0 }) else { throw .wrongShape(argument: "x", found: x, expected: "extents above 0") }
    guard weight.allSatisfy({ $0 > 0 })
    else { throw .wrongShape(argument: "weight", found: weight, expected: "extents above 0") }
    self.stride = try stride.resolved(spatial, atLeast: 1, "stride")
    self.padding = try padding.resolved(spatial, atLeast: 0, "padding")
    self.dilation = try dilation.resolved(spatial, atLeast: 1, "dilation")
    self.groups = groups
    guard groups >= 1, weight[0] % groups == 0 else {
      throw .invalidArgument(
        "groups", found: "\(groups)", expected: "a divisor of the \(weight[0]) filters of the weight")
    }
  }

  func key(
    _ kind: ConvolutionKey.Kind, _ source: [Int], _ weight: [Int], _ result: [Int], bias: Bool, relu: Bool = false
  ) -> ConvolutionKey {
    ConvolutionKey(
      kind: kind, source: source, result: result, weight: weight, stride: stride, padding: padding, dilation: dilation,
      groups: groups, bias: bias, relu: relu, threads: Parallelism.threads)
  }

  /// y = source ∗ weight.
  func forward(_ x: Body, _ weight: Body, _ bias: Body?, _ result: [Int], relu: Bool = false) throws(TensorError)
    -> Body
  {
    let primitive = try ConvolutionPrimitive.of(
      key(.forward, x.shape, weight.shape, result, bias: bias != nil, relu: relu))
    let y = try Body(.float32, result, .channelsLast)
    var arguments: Arguments = [
      (Int32(DNNL_ARG_SRC), primitive.sourceMemory, try x.in(.channelsLast)),
      (Int32(DNNL_ARG_DST), primitive.resultMemory, y),
    ]
    if let bias { arguments.append((Int32(DNNL_ARG_BIAS), primitive.biasMemory, bias)) }
    try run(primitive, arguments, reading: weight)
    return y
  }

  /// The gradient of the source; also a transposed convolution.
  func backwardData(_ g: Body, _ weight: Body, _ source: [Int]) throws(TensorError) -> Body {
    let primitive = try ConvolutionPrimitive.of(key(.backwardData, source, weight.shape, g.shape, bias: false))
    let d = try Body(.float32, source, .channelsLast)
    try run(
      primitive,
      [
        (Int32(DNNL_ARG_DIFF_DST), primitive.resultMemory, try g.in(.channelsLast)),
        (Int32(DNNL_ARG_DIFF_SRC), primitive.sourceMemory, d),
      ], reading: weight)
    return d
  }

  /// The gradients of weight and bias.
  func backwardWeights(
    _ x: Body, _ g: Body, _ weight: [Int], bias: Bool
  ) throws(TensorError) -> (weight: Body, bias: Body?) {
    let primitive = try ConvolutionPrimitive.of(key(.backwardWeights, x.shape, weight, g.shape, bias: bias))
    let d = try Body(.float32, weight)
    let b = bias ? try Body(.float32, [weight[0]]) : nil
    var arguments: Arguments = [
      (Int32(DNNL_ARG_SRC), primitive.sourceMemory, try x.in(.channelsLast)),
      (Int32(DNNL_ARG_DIFF_DST), primitive.resultMemory, try g.in(.channelsLast)),
    ]
    if let b { arguments.append((Int32(DNNL_ARG_DIFF_BIAS), primitive.biasMemory, b)) }
    try run(primitive, arguments, writing: d)
    return (d, b)
  }

  private typealias Arguments = [(Int32, dnnl_memory_desc_t, Body)]

  private func run(
    _ primitive: ConvolutionPrimitive, _ arguments: Arguments, reading: Body? = nil, writing: Body? = nil
  ) throws(TensorError) {
    let engine = try ConvolutionPrimitive.engine.get()
    var all = arguments
    let plain = try (reading ?? writing)?.in(.rowMajor)
    var moved = plain
    if let plain, primitive.reordersWeight {
      let packed = try bytes(primitive.weightMemory)
      if reading != nil {
        try engine.reorder(primitive.plainWeight, plain.pointer, primitive.weightMemory, packed.pointer)
      }
      moved = packed
    }
    if let moved {
      all.append((Int32(writing == nil ? DNNL_ARG_WEIGHTS : DNNL_ARG_DIFF_WEIGHTS), primitive.weightMemory, moved))
    }
    all.append((Int32(DNNL_ARG_SCRATCHPAD), primitive.scratchMemory, try bytes(primitive.scratchMemory)))
    try engine.execute(primitive.primitive, all.map { ($0.0, $0.1, $0.2.pointer) })
    withExtendedLifetime(all) {}
    if let writing, let moved, moved !== writing {
      try engine.reorder(primitive.weightMemory, moved.pointer, primitive.plainWeight, writing.pointer)
    }
  }

  /// Memory as large as oneDNN says.
  private func bytes(_ memory: dnnl_memory_desc_t) throws(TensorError) -> Body {
    let size = withUnsafePointer(to: memory) { dnnl_memory_desc_get_size($0) }
    // A whole number of lines, on a 64-byte border.
    return try Body(.float32, [max(1024, (Int(size) + 3) / 4)])
  }
}

/// `activation(x ∗ weight + bias)` over 1 to 3 spatial axes (cross-correlation, as every framework has it).
///
/// - Parameters:
///   - x: shape `[batch, inputs, …]`.
///   - weight: shape `[outputs, inputs / groups, …]`.
///   - bias: shape `[outputs]`, or nil.
///   - stride, padding, dilation: for each spatial axis, or one for all; zeros are padded at both ends.
/// - Returns: shape `[batch, outputs, …]` with extents `(n + 2·padding − dilation·(k − 1) − 1)/stride + 1`.
/// - Throws: `TensorError` when the extents do not fit.
/// - Note: `Float` only, as oneDNN is.
public func convolution(
  _ x: Tensor<Float>, _ weight: Tensor<Float>, bias: Tensor<Float>? = nil, stride: Window = 1, padding: Window = 0,
  dilation: Window = 1, groups: Int = 1, activation: Activation = .identity
) throws(TensorError) -> Tensor<Float> {
  let geometry = try Geometry(x.shape, weight.shape, stride, padding, dilation, groups)
  guard x.shape[1] == weight.shape[1] * groups else {
    throw .incompatibleShapes(operation: "convolution", left: x.shape, right: weight.shape)
  }
  if let bias, bias.shape != [weight.shape[0]] {
    throw .wrongShape(argument: "bias", found: bias.shape, expected: "[\(weight.shape[0])], one for each output")
  }
  var result = [x.shape[0], weight.shape[0]]
  for i in 0..<geometry.spatial {
    let reach = geometry.dilation[i] * (weight.shape[i + 2] - 1) + 1
    let room = x.shape[i + 2] + 2 * geometry.padding[i] - reach
    guard room >= 0
    else {
      throw .wrongShape(
        argument: "weight", found: weight.shape, expected: "windows no larger than the padded input \(x.shape)")
    }
    result.append(room / geometry.stride[i] + 1)
  }
  let input = try x.body.in(.channelsLast)
  let w = weight.body
  let y = try geometry.forward(input, w, bias?.body, result, relu: activation == .relu)
  let plain = Tensor<Float>(body: y)
  let inputs = [x, weight] + (bias.map { [$0] } ?? [])
  let output = activation == .relu ? Body(viewing: y, shape: y.shape) : nil
  let recorded = try plain.recorded(from: inputs) { upstream, needed in
    var g = try upstream.body.in(.channelsLast)
    if let output {
      let d = try Body(.float32, g.shape, .channelsLast)
      parallelFor(g.count, grain: elementwiseGrain) {
        let at = $0.lowerBound
        kk_unary_gradient_f32(
          UnaryFunction.relu.rawValue, $0.count, 0, g.f32 + at, output.f32 + at, output.f32 + at, d.f32 + at)
      }
      g = d
    }
    let dx = needed[0] ? try geometry.backwardData(g, w, input.shape) : nil
    let biasNeeded = needed.count > 2 && needed[2]
    let rest = needed[1] || biasNeeded ? try geometry.backwardWeights(input, g, w.shape, bias: biasNeeded) : nil
    return [dx, rest?.weight, rest?.bias].prefix(needed.count).map { $0.map { Tensor(body: $0) } }
  }
  switch activation {
  case .identity, .relu: return recorded
  case .tanh: return try tanh(recorded)
  case .sigmoid: return try sigmoid(recorded)
  }
}

/// The transpose of `convolution`: spreads each input over a window, which makes images larger.
///
/// - Parameters:
///   - x: shape `[batch, inputs, …]`.
///   - weight: shape `[inputs, outputs / groups, …]`.
///   - outputPadding: extra extent at the far end, below the stride.
/// - Returns: extents `(n − 1)·stride − 2·padding + dilation·(k − 1) + 1 + outputPadding`.
/// - Throws: `TensorError` when the extents do not fit.
public func transposedConvolution(
  _ x: Tensor<Float>, _ weight: Tensor<Float>, bias: Tensor<Float>? = nil, stride: Window = 1, padding: Window = 0,
  outputPadding: Window = 0, dilation: Window = 1, groups: Int = 1
) throws(TensorError) -> Tensor<Float> {
  let geometry = try Geometry(x.shape, weight.shape, stride, padding, dilation, groups)
  let extra = try outputPadding.resolved(geometry.spatial, atLeast: 0, "outputPadding")
  guard x.shape[1] == weight.shape[0]
  else { throw .incompatibleShapes(operation: "transposedConvolution", left: x.shape, right: weight.shape) }
  let outputs = weight.shape[1] * groups
  if let bias, bias.shape != [outputs] {
    throw .wrongShape(argument: "bias", found: bias.shape, expected: "[\(outputs)], one for each output")
  }
  var result = [x.shape[0], outputs]
  for i in 0..<geometry.spatial {
    guard extra[i] < geometry.stride[i] else {
      throw .invalidArgument("outputPadding", found: "\(extra)", expected: "less than the stride \(geometry.stride)")
    }
    let extent =
      (x.shape[i + 2] - 1) * geometry.stride[i] - 2 * geometry.padding[i]
      + geometry.dilation[i] * (weight.shape[i + 2] - 1) + 1 + extra[i]
    guard extent > 0 else {
      throw .invalidArgument(
        "padding", found: "\(geometry.padding)", expected: "less, so that some of the result is left")
    }
    result.append(extent)
  }
  let input = try x.body.in(.channelsLast)
  let w = weight.body
  let y = Tensor<Float>(body: try geometry.backwardData(input, w, result))
  let recorded = try y.recorded(from: [x, weight]) { upstream, needed in
    let g = try upstream.body.in(.channelsLast)
    let dx = needed[0] ? try geometry.forward(g, w, nil, input.shape) : nil
    let dw = needed[1] ? try geometry.backwardWeights(g, input, w.shape, bias: false).weight : nil
    return [dx, dw].map { $0.map { Tensor(body: $0) } }
  }
  return try bias.map { bias throws(TensorError) in try recorded.addingToChannels(bias) } ?? recorded
}

extension Tensor where Element: TensorScalar {
  /// `x[n, c, …] + bias[c]`, keeping the layout.
  func addingToChannels(_ bias: Tensor) throws(TensorError) -> Tensor {
    let x = try body.in(.channelsLast)
    let y = try Tensor.uninitialized(shape, .channelsLast)
    let channels = shape[1]
    let rows = count / channels
    parallelFor(rows, grain: Swift.max(1, elementwiseGrain / channels)) {
      let at = $0.lowerBound * channels
      if x.type == .float32 {
        kk_bias_activation_f32(-1, $0.count, channels, bias.body.f32, x.f32 + at, y.body.f32 + at)
      } else {
        kk_bias_activation_f64(-1, $0.count, channels, bias.body.f64, x.f64 + at, y.body.f64 + at)
      }
    }
    return try y.recorded(
      from: self, { $0 },
      and: bias,
      { g in
        let flat = Body(relabelling: try g.body.in(.channelsLast), shape: [rows, channels])
        let d = try Tensor.uninitialized([channels])
        if flat.type == .float32 {
          kk_reduce_f32(Reduction.sum.rawValue, 1, rows, channels, flat.f32, d.body.f32)
        } else {
          kk_reduce_f64(Reduction.sum.rawValue, 1, rows, channels, flat.f64, d.body.f64)
        }
        return d
      })
  }
}
