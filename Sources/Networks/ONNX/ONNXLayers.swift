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

/// `ConvTranspose`.
private struct ONNXTransposedConvolution: ONNXLayer {
  private let convolution: any ConvolutionOperator
  private let rank: Int, outputs: Int
  var operators: [any LinearOperator] { (convolution as? any HoldsOperators)?.operators ?? [] }

  init(_ node: ONNXNode, _ weights: Tensor<Float>, on substrate: any Substrate, in context: inout ForwardContext) throws
  {
    guard weights.rank >= 3 else { throw node.invalid("its weights have the shape \(weights.shape)") }
    guard node.text("auto_pad", "NOTSET") == "NOTSET", !node.has("output_shape") else {
      throw ONNXError.unsupportedFeature("padding that follows from the output's shape", node: node.name)
    }
    let window = Array(weights.shape[2...])
    let w = try ONNXOperators.WindowAttributes(node, extents: window.map { _ in 1 }, window: window)
    let groups = node.integer("group", 1)
    guard groups >= 1, weights.shape[0] % groups == 0 else {
      throw node.invalid("\(groups) groups for \(weights.shape[0]) channels")
    }
    let outputPadding = node.integers("output_padding") ?? window.map { _ in 0 }
    (rank, outputs) = (weights.rank, weights.shape[1] * groups)
    guard outputPadding.count == window.count, outputPadding.allSatisfy({ (0...1 << 20).contains($0) }) else {
      throw node.invalid("output_padding is \(outputPadding)")
    }
    let border = window.indices.map { w.dilation[$0] * (window[$0] - 1) }
    guard window.indices.allSatisfy({ w.before[$0] <= border[$0] && w.after[$0] <= border[$0] }) else {
      throw ONNXError.unsupportedFeature("padding wider than the window", node: node.name)
    }
    convolution = try substrate.transposedConvolutionOperator(
      weights,
      ConvolutionGeometry(stride: w.stride, dilation: w.dilation, before: w.before, after: w.after, groups: groups),
      outputPadding: outputPadding, in: &context)
  }

  func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue] {
    let x = try a.floats(0)
    guard x.rank == rank else { throw a.node.invalid("its input has the shape \(x.shape)") }
    var y = try convolution.apply(x, in: &context)
    if a.optional(2) != nil { y = try y + a.floats(2).reshaped([outputs] + Array(repeating: 1, count: rank - 2)) }
    return [.floats(y)]
  }
}
