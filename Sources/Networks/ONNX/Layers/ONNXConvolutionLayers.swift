import Substrates
import Tensors

/// `Conv`.
struct ONNXConvolution: ONNXLayer {
  private let weights: [Int]
  /// With the padding that is stated; padding that depends on the input is added before.
  private var kernels: PlacedKernels
  private let isAutomatic: Bool
  var placements: [Placement] { [kernels.placement] }

  /// Nothing for more axes than substrates take.
  init?(_ node: ONNXNode, _ w: Tensor<Float>, on substrate: any Substrate, in context: inout ForwardContext) throws {
    guard w.rank >= 3 else { throw node.invalid("its weights have the shape \(w.shape)") }
    guard w.rank <= 5 else { return nil }
    weights = w.shape
    let window = Array(w.shape[2...])
    let windows = try ONNXWindows(node, extents: window, window: window)
    isAutomatic = windows.isAutomatic
    let none = window.map { _ in 0 }
    let groups = node.integer("group", 1)
    guard groups >= 1, w.shape[0] % groups == 0 else {
      throw node.invalid("\(groups) groups for weights of shape \(w.shape)")
    }
    kernels = try PlacedKernels(
      w,
      ConvolutionGeometry(
        stride: windows.stride, dilation: windows.dilation, before: isAutomatic ? none : windows.before,
        after: isAutomatic ? none : windows.after, groups: groups), on: substrate, in: &context)
  }

  mutating func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue?] {
    var x = try a.floats(0)
    let shape = try ONNXConvolutionShape(a.node, x.shape, weights)
    if isAutomatic {
      let w = shape.windows
      for i in w.window.indices where w.before[i] + w.after[i] > 0 {
        x = try x.padded(axis: i + 2, before: w.before[i], after: w.after[i], mode: .zeros)
      }
    }
    var y = try kernels.forward(x, in: &context)
    if a.has(2) {
      let bias = try a.floats(2).reshaped([weights[0]] + weights[2...].map { _ in 1 })
      y = try context.adding(bias, to: y, bits: kernels.bits)
    }
    return try a.result(y, like: 0)
  }
}

/// `ConvTranspose`.
struct ONNXTransposedConvolution: ONNXLayer {
  private let weights: [Int]
  private var kernels: PlacedKernels
  /// Whether what lies beyond the result is left out by the substrate, and not cut off afterwards.
  private let isTrimmed: Bool
  var placements: [Placement] { [kernels.placement] }

  init?(_ node: ONNXNode, _ w: Tensor<Float>, on substrate: any Substrate, in context: inout ForwardContext) throws {
    guard w.rank >= 3 else { throw node.invalid("its weights have the shape \(w.shape)") }
    guard w.rank <= 5 else { return nil }
    weights = w.shape
    let window = Array(w.shape[2...])
    let windows = try ONNXWindows(node, extents: window, window: window)
    let groups = node.integer("group", 1)
    guard groups >= 1, w.shape[0] % groups == 0 else {
      throw node.invalid("\(groups) groups for weights of shape \(w.shape)")
    }
    let extra = node.integers("output_padding") ?? window.map { _ in 0 }
    let border = window.indices.map { windows.dilation[$0] * (window[$0] - 1) }
    let isWithin = window.indices.allSatisfy { windows.before[$0] <= border[$0] && windows.after[$0] <= border[$0] }
    isTrimmed =
      isWithin && !windows.isAutomatic && (node.integers("output_shape") ?? []).isEmpty && extra.count == window.count
      && extra.indices.allSatisfy { (0..<windows.stride[$0]).contains(extra[$0]) }
    let none = window.map { _ in 0 }
    kernels = try PlacedKernels(
      w,
      ConvolutionGeometry(
        stride: windows.stride, dilation: windows.dilation, before: isTrimmed ? windows.before : none,
        after: isTrimmed ? windows.after : none, groups: groups),
      transposedWith: isTrimmed ? extra : none, on: substrate, in: &context)
  }

  mutating func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue?] {
    let x = try a.floats(0)
    let shape = try ONNXTransposedShape(a.node, x.shape, weights)
    var y = try kernels.forward(x, in: &context)
    if !isTrimmed { y = try shape.trimmed(y) }
    if a.has(2) {
      let bias = try a.floats(2).reshaped([y.shape[1]] + weights[2...].map { _ in 1 })
      y = try context.adding(bias, to: y, bits: kernels.bits)
    }
    return try a.result(y, like: 0)
  }
}
