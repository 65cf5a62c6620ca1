import Substrates
import Tensors

/// A node whose weights lie in a substrate.
protocol ONNXLayer: Sendable {
  var operators: [any LinearOperator] { get }
  func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue]
}

enum ONNXLayers {
  /// Operators that can have weights.
  static let kinds = ["Constant", "Conv", "ConvTranspose", "LSTM", "GRU", "RNN"]

  /// The layer of a node; nothing where it multiplies by no constant.
  static func layer(
    _ node: ONNXNode, _ constants: [String: ONNXValue], on substrate: any Substrate, in context: inout ForwardContext
  ) throws -> (any ONNXLayer)? {
    func constant(_ place: Int) throws -> Tensor<Float>? {
      guard place < node.inputs.count, let value = constants[node.inputs[place]] else { return nil }
      return try ONNXArguments.floats(value)
    }
    switch node.kind {
    case "Conv":
      guard let weights = try constant(1) else { return nil }
      return try ONNXConvolution(node, weights, on: substrate, in: &context)
    case "ConvTranspose":
      guard let weights = try constant(1) else { return nil }
      return try ONNXTransposedConvolution(node, weights, on: substrate, in: &context)
    case "Gemm":
      guard var weights = try constant(1), node.integer("transA", 0) == 0 else { return nil }
      if node.integer("transB", 0) != 0 { weights = try weights.transposed() }
      return ONNXProduct(product: try substrate.linearOperator(weights, in: &context), hasShift: true)
    case "MatMul":
      guard let weights = try constant(1), weights.rank == 2 else { return nil }
      return ONNXProduct(product: try substrate.linearOperator(weights, in: &context), hasShift: false)
    case "LSTM", "GRU", "RNN":
      guard let weights = try constant(1), let recurrent = try constant(2) else { return nil }
      return try ONNXRecurrent(node, weights, recurrent, bias: constant(3), on: substrate, in: &context)
    default: return nil
    }
  }
}

/// `Gemm` and `MatMul` by a constant matrix.
private struct ONNXProduct: ONNXLayer {
  let product: any LinearOperator
  let hasShift: Bool
  var operators: [any LinearOperator] { [product] }

  func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue] {
    let x = try a.floats(0)
    guard x.rank >= 1, x.shape[x.rank - 1] == product.inputs else {
      throw a.node.invalid("its input has the shape \(x.shape), its matrix takes \(product.inputs) numbers")
    }
    let rows = try x.reshaped([nil, product.inputs])
    var y = try product.apply(rows, in: &context).reshaped(x.shape.dropLast().map { $0 } + [product.outputs])
    if hasShift {
      let alpha = a.node.float("alpha", 1)
      if alpha != 1 { y = try y * alpha }
      if a.optional(2) != nil { y = try y + a.floats(2) * a.node.float("beta", 1) }
    }
    return [.floats(y)]
  }
}

/// `Conv`.
private struct ONNXConvolution: ONNXLayer {
  private let weights: Tensor<Float>
  private let window: [Int]
  /// With the padding that is stated; padding that depends on the input is added before.
  private let convolution: any ConvolutionOperator
  private let isAutomatic: Bool
  var operators: [any LinearOperator] { (convolution as? any HoldsOperators)?.operators ?? [] }

  init(_ node: ONNXNode, _ weights: Tensor<Float>, on substrate: any Substrate, in context: inout ForwardContext) throws
  {
    guard weights.rank >= 3 else { throw node.invalid("its weights have the shape \(weights.shape)") }
    self.weights = weights
    window = Array(weights.shape[2...])
    isAutomatic = node.text("auto_pad", "NOTSET").hasPrefix("SAME")
    let extents = window.map { _ in 1 }
    let w = try ONNXOperators.WindowAttributes(node, extents: extents, window: window)
    let none = window.map { _ in 0 }
    convolution = try substrate.convolutionOperator(
      weights,
      ConvolutionGeometry(
        stride: w.stride, dilation: w.dilation, before: isAutomatic ? none : w.before,
        after: isAutomatic ? none : w.after,
        groups: node.integer("group", 1)), in: &context)
  }

  func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue] {
    var x = try a.floats(0)
    guard x.rank == weights.rank else {
      throw a.node.invalid("its input has the shape \(x.shape), its weights \(weights.shape)")
    }
    if isAutomatic {
      let w = try ONNXOperators.WindowAttributes(a.node, extents: Array(x.shape[2...]), window: window)
      for i in window.indices where w.before[i] + w.after[i] > 0 {
        x = try x.padded(axis: i + 2, before: w.before[i], after: w.after[i], mode: .zeros)
      }
    }
    var y = try convolution.apply(x, in: &context)
    if a.optional(2) != nil {
      y = try y + a.floats(2).reshaped([weights.shape[0]] + window.map { _ in 1 })
    }
    return [.floats(y)]
  }
}

/// `ConvTranspose`: a convolution of the input spread out by zeros, with the window turned round.
private struct ONNXTransposedConvolution: ONNXLayer {
  private let convolution: any ConvolutionOperator
  private let window: [Int], stride: [Int], outputPadding: [Int]
  private let outputs: Int
  var operators: [any LinearOperator] { (convolution as? any HoldsOperators)?.operators ?? [] }

  init(_ node: ONNXNode, _ weights: Tensor<Float>, on substrate: any Substrate, in context: inout ForwardContext) throws
  {
    guard weights.rank >= 3 else { throw node.invalid("its weights have the shape \(weights.shape)") }
    guard node.text("auto_pad", "NOTSET") == "NOTSET", !node.has("output_shape") else {
      throw ONNXError.unsupportedFeature("padding that follows from the output's shape", node: node.name)
    }
    let window = Array(weights.shape[2...])
    self.window = window
    let w = try ONNXOperators.WindowAttributes(node, extents: window.map { _ in 1 }, window: window)
    let groups = node.integer("group", 1)
    guard groups >= 1, weights.shape[0] % groups == 0 else {
      throw node.invalid("\(groups) groups for \(weights.shape[0]) channels")
    }
    stride = w.stride
    outputPadding = node.integers("output_padding") ?? window.map { _ in 0 }
    outputs = weights.shape[1] * groups
    guard outputPadding.count == window.count, outputPadding.allSatisfy({ (0...1 << 20).contains($0) }) else {
      throw node.invalid("output_padding is \(outputPadding)")
    }
    // [channels, outputs/groups, …] to [outputs, channels/groups, …], the window reversed.
    let turned = try weights.reversed(axes: Array(2..<weights.rank))
    let parts = try turned.split(into: groups).map { try $0.transposed(0, 1) }
    let border = window.indices.map { w.dilation[$0] * (window[$0] - 1) }
    let (before, after) = (
      window.indices.map { border[$0] - w.before[$0] }, window.indices.map { border[$0] - w.after[$0] }
    )
    guard before.allSatisfy({ $0 >= 0 }), after.allSatisfy({ $0 >= 0 }) else {
      throw ONNXError.unsupportedFeature("padding wider than the window", node: node.name)
    }
    convolution = try substrate.convolutionOperator(
      Tensor.concatenate(parts, axis: 0),
      ConvolutionGeometry(
        stride: window.map { _ in 1 }, dilation: w.dilation, before: before, after: after, groups: groups),
      in: &context)
  }

  func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue] {
    var x = try a.floats(0)
    guard x.rank == window.count + 2 else { throw a.node.invalid("its input has the shape \(x.shape)") }
    for i in window.indices {
      let axis = i + 2
      let extent = x.shape[axis]
      if stride[i] > 1 {
        // Zeros after every element, then those after the last are taken off again.
        var shape = x.shape
        shape[axis] = extent * stride[i]
        x = try x.expanded(axis: axis + 1).padded(axis: axis + 1, before: 0, after: stride[i] - 1, mode: .zeros)
          .reshaped(shape.map { $0 }).slice(0..<(extent - 1) * stride[i] + 1, axis: axis)
      }
      if outputPadding[i] > 0 { x = try x.padded(axis: axis, before: 0, after: outputPadding[i], mode: .zeros) }
    }
    var y = try convolution.apply(x, in: &context)
    if a.optional(2) != nil { y = try y + a.floats(2).reshaped([outputs] + window.map { _ in 1 }) }
    return [.floats(y)]
  }
}
