import Substrates
import Tensors

/// A node whose weights lie in a substrate.
protocol ONNXLayer: Sendable {
  var placements: [Placement] { get }
  mutating func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue]
}

enum ONNXLayers {
  /// Operators that can have weights and are nothing without them.
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
    case "Gemm", "MatMul":
      return try ONNXProduct(node, left: constant(0), right: constant(1), on: substrate, in: &context)
    case "Einsum":
      return try ONNXEinsum(node, left: constant(0), right: constant(1), on: substrate, in: &context)
    case "LSTM", "GRU", "RNN":
      guard let weights = try constant(1), let recurrent = try constant(2) else { return nil }
      return try ONNXRecurrent(node, weights, recurrent, bias: constant(3), on: substrate, in: &context)
    default: return nil
    }
  }
}

extension ForwardContext {
  /// A bias that may be computed, added in digital logic.
  fileprivate mutating func adding(_ bias: Tensor<Float>, to y: Tensor<Float>, bits: Int) throws -> Tensor<Float> {
    countLogic(.operation, y.count, bits: bits)
    return try y + bias
  }
}

/// `Gemm` and `MatMul` by a constant matrix, on either side.
private struct ONNXProduct: ONNXLayer {
  private var product: PlacedProduct
  /// Which input is computed.
  private let computed: Int
  /// Whether vectors stand in the columns of the input, and of the result.
  private let comesInColumns: Bool, goesInColumns: Bool
  /// Whether the constant is a vector, so that an axis is missing in the result.
  private let dropsAxis: Bool
  private let hasShift: Bool
  var placements: [Placement] { [product.placement] }

  /// Nothing where no input is constant, or the constant is a stack of matrices.
  init?(
    _ node: ONNXNode, left: Tensor<Float>?, right: Tensor<Float>?, on substrate: any Substrate,
    in context: inout ForwardContext
  ) throws {
    guard var weights = right ?? left, (1...2).contains(weights.rank) else { return nil }
    let isGemm = node.kind == "Gemm"
    let isRight = right != nil
    let turnsA = isGemm && node.integer("transA", 0) != 0
    let turnsB = isGemm && node.integer("transB", 0) != 0
    dropsAxis = weights.rank == 1
    guard !(isGemm && dropsAxis) else { return nil }
    if dropsAxis {
      weights = try weights.expanded(axis: 1)
    } else if isRight ? turnsB : !turnsA {
      // Stored as `[inputs, outputs]`: B as it is, A turned round, as y = A·b is b·Aᵀ.
      weights = try weights.transposed()
    }
    // The factor lies in the weights: nothing to multiply afterwards.
    let alpha = isGemm ? node.float("alpha", 1) : 1
    if alpha != 1 { weights = try weights * alpha }
    computed = isRight ? 0 : 1
    comesInColumns = isRight ? turnsA : !turnsB
    goesInColumns = !isRight && !dropsAxis
    hasShift = isGemm
    product = try PlacedProduct(weights, on: substrate, in: &context)
  }

  mutating func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue] {
    var x = try a.floats(computed)
    let isVector = x.rank < 2
    if comesInColumns, !isVector { x = try x.transposed() }
    var y = try product.forward(x, in: &context)
    if dropsAxis { y = try y.squeezed(axis: y.rank - 1) }
    if goesInColumns, !isVector { y = try y.transposed() }
    if hasShift, a.optional(2) != nil {
      let beta = a.node.float("beta", 1)
      let shift = try a.floats(2)
      if beta != 1 { context.countLogic(.operation, shift.count, bits: product.bits) }
      y = try context.adding(beta == 1 ? shift : shift * beta, to: y, bits: product.bits)
    }
    return [.floats(y)]
  }
}

/// `Einsum` of a computed and a constant tensor where it is one product with a matrix.
private struct ONNXEinsum: ONNXLayer {
  private var product: PlacedProduct
  private let computed: Int
  /// Axes of the input with those that are summed over at the end, how many these are, and the extents that replace them.
  private let order: [Int], summed: Int, extents: [Int]
  /// Axes of the result, among those that stay and those that replace.
  private let resultOrder: [Int]
  var placements: [Placement] { [product.placement] }

  init?(
    _ node: ONNXNode, left: Tensor<Float>?, right: Tensor<Float>?, on substrate: any Substrate,
    in context: inout ForwardContext
  ) throws {
    let sides = node.text("equation", "").filter { $0 != " " }.components(between: "->")
    guard node.inputs.count == 2, sides.count == 2, let weights = right ?? left else { return nil }
    let terms = sides[0].components(between: ",").map { Array($0) }
    let result = Array(sides[1])
    guard terms.count == 2 else { return nil }
    computed = right != nil ? 0 : 1
    let (x, w) = (terms[computed], terms[1 - computed])
    let sums = x.filter { w.contains($0) }
    let stays = x.filter { !w.contains($0) }
    let made = w.filter { !x.contains($0) }
    // Each letter once; what both have is summed over, everything else is in the result.
    guard (x + w).allSatisfy(\.isLetter), Set(x).count == x.count, Set(w).count == w.count, w.count == weights.rank,
      !sums.isEmpty, Set(result) == Set(stays + made), result.count == stays.count + made.count
    else { return nil }
    func place(_ letters: [Character], _ letter: Character) -> Int { letters.firstIndex(of: letter) ?? 0 }
    order = (stays + sums).map { place(x, $0) }
    summed = sums.count
    extents = made.map { weights.shape[place(w, $0)] }
    resultOrder = result.map { place(stays + made, $0) }
    let inputs = sums.reduce(1) { $0 * weights.shape[place(w, $1)] }
    let matrix = try weights.permuted((sums + made).map { place(w, $0) }).reshaped([inputs, extents.reduce(1, *)])
    product = try PlacedProduct(matrix, on: substrate, in: &context)
  }

  mutating func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue] {
    var x = try a.floats(computed)
    guard x.rank == order.count else {
      throw a.node.invalid("its input has the shape \(x.shape), its equation \(order.count) letters for it")
    }
    x = try x.permuted(order)
    let stays = x.shape.dropLast(summed).map { Optional($0) }
    x = try x.reshaped(stays + [x.shape.suffix(summed).reduce(1, *)])
    let y = try product.forward(x, in: &context).reshaped(stays + extents)
    return [.floats(try y.permuted(resultOrder))]
  }
}

extension StringProtocol where SubSequence == Substring {
  fileprivate func components(between separator: String) -> [Substring] {
    split(separator: separator, omittingEmptySubsequences: false)
  }
}

/// `Conv`.
private struct ONNXConvolution: ONNXLayer {
  private let window: [Int]
  /// With the padding that is stated; padding that depends on the input is added before.
  private var kernels: PlacedKernels
  private let isAutomatic: Bool
  var placements: [Placement] { [kernels.placement] }

  init(_ node: ONNXNode, _ weights: Tensor<Float>, on substrate: any Substrate, in context: inout ForwardContext) throws
  {
    guard weights.rank >= 3 else { throw node.invalid("its weights have the shape \(weights.shape)") }
    window = Array(weights.shape[2...])
    isAutomatic = node.text("auto_pad", "NOTSET").hasPrefix("SAME")
    let extents = window.map { _ in 1 }
    let w = try ONNXOperators.WindowAttributes(node, extents: extents, window: window)
    let none = window.map { _ in 0 }
    kernels = try PlacedKernels(
      weights,
      ConvolutionGeometry(
        stride: w.stride, dilation: w.dilation, before: isAutomatic ? none : w.before,
        after: isAutomatic ? none : w.after,
        groups: node.integer("group", 1)), on: substrate, in: &context)
  }

  mutating func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue] {
    var x = try a.floats(0)
    guard x.rank == window.count + 2 else {
      throw a.node.invalid("its input has the shape \(x.shape), its weights \(kernels.weight.shape)")
    }
    if isAutomatic {
      let w = try ONNXOperators.WindowAttributes(a.node, extents: Array(x.shape[2...]), window: window)
      for i in window.indices where w.before[i] + w.after[i] > 0 {
        x = try x.padded(axis: i + 2, before: w.before[i], after: w.after[i], mode: .zeros)
      }
    }
    var y = try kernels.forward(x, in: &context)
    if a.optional(2) != nil {
      let bias = try a.floats(2).reshaped([kernels.weight.shape[0]] + window.map { _ in 1 })
      y = try context.adding(bias, to: y, bits: kernels.bits)
    }
    return [.floats(y)]
  }
}

/// `ConvTranspose`.
private struct ONNXTransposedConvolution: ONNXLayer {
  private var kernels: PlacedKernels
  private let rank: Int, outputs: Int
  var placements: [Placement] { [kernels.placement] }

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
    kernels = try PlacedKernels(
      weights,
      ConvolutionGeometry(stride: w.stride, dilation: w.dilation, before: w.before, after: w.after, groups: groups),
      transposedWith: outputPadding, on: substrate, in: &context)
  }

  mutating func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue] {
    let x = try a.floats(0)
    guard x.rank == rank else { throw a.node.invalid("its input has the shape \(x.shape)") }
    var y = try kernels.forward(x, in: &context)
    if a.optional(2) != nil {
      let bias = try a.floats(2).reshaped([outputs] + Array(repeating: 1, count: rank - 2))
      y = try context.adding(bias, to: y, bits: kernels.bits)
    }
    return [.floats(y)]
  }
}
