import Substrates
import Tensors

/// A node whose weights lie in a substrate.
protocol ONNXLayer: Sendable {
  var placements: [Placement] { get }
  mutating func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue?]
}

enum ONNXLayers {
  /// The layer of a node; nothing where it multiplies by no constant.
  ///
  /// - Parameter constants: the inputs that are constant.
  static func layer(
    _ node: ONNXNode, _ constants: [ONNXValue?], on substrate: any Substrate, in context: inout ForwardContext
  ) throws -> (any ONNXLayer)? {
    func constant(_ place: Int) throws -> ONNXTensor? {
      guard place < constants.count, case .tensor(let value)? = constants[place] else { return nil }
      return value
    }
    /// Real weights. What is exact anyway is computed in the type that the model states.
    func weights(_ place: Int) throws -> Tensor<Float>? {
      guard let value = try constant(place), value.type.isReal, value.count > 0 else { return nil }
      return value.type == .float || !(substrate is Digital) ? try value.floats() : nil
    }
    switch node.fullKind {
    case "Conv":
      guard let w = try weights(1) else { return nil }
      return try ONNXConvolution(node, w, on: substrate, in: &context)
    case "ConvTranspose":
      guard let w = try weights(1) else { return nil }
      return try ONNXTransposedConvolution(node, w, on: substrate, in: &context)
    case "Gemm", "MatMul", "com.microsoft.FusedMatMul":
      return try ONNXProduct(node, left: weights(0), right: weights(1), on: substrate, in: &context)
    case "Einsum":
      return try ONNXEinsumLayer(node, left: weights(0), right: weights(1), on: substrate, in: &context)
    case "LSTM", "GRU", "RNN":
      guard ONNXRecurrent.takes(node), let w = try weights(1), let recurrent = try weights(2) else { return nil }
      return try ONNXRecurrent(node, w, recurrent, bias: weights(3), on: substrate, in: &context)
    default:
      // What is exact anyway is computed in whole numbers.
      return substrate is Digital ? nil : try ONNXQuantisedLayer(node, constants, on: substrate, in: &context)
    }
  }
}

extension ForwardContext {
  /// A bias that may be computed, added in digital logic.
  mutating func adding(_ bias: Tensor<Float>, to y: Tensor<Float>, bits: Int) throws -> Tensor<Float> {
    countLogic(.operation, y.count, bits: bits)
    return try y + bias
  }
}

extension ONNXArguments {
  /// Real numbers in single precision, and a result in the type that they came in.
  func result(_ y: Tensor<Float>, like place: Int) throws -> [ONNXValue?] {
    [.tensor(try ONNXTensor(y, as: tensor(place).type))]
  }
}

/// `Gemm` and `MatMul` by a constant matrix, or a stack of them, on either side.
struct ONNXProduct: ONNXLayer {
  private var stack: PlacedStack
  /// Which input is computed.
  private let computed: Int
  /// Whether vectors stand in the columns of the input, and of the result.
  private let comesInColumns: Bool, goesInColumns: Bool
  /// Whether the constant is a vector, so that an axis is missing in the result.
  private let dropsAxis: Bool
  private let isGemm: Bool
  var placements: [Placement] { stack.placements }

  /// Nothing where no input is constant.
  init?(
    _ node: ONNXNode, left: Tensor<Float>?, right: Tensor<Float>?, on substrate: any Substrate,
    in context: inout ForwardContext
  ) throws {
    guard var weights = right ?? left, weights.rank >= 1 else { return nil }
    isGemm = node.kind == "Gemm"
    guard !node.flag("transBatchA"), !node.flag("transBatchB"), !isGemm || weights.rank == 2 else { return nil }
    let isRight = right != nil
    let (turnsA, turnsB) = (node.flag("transA"), node.flag("transB"))
    dropsAxis = weights.rank == 1
    if dropsAxis {
      weights = try weights.expanded(axis: 1)
    } else if isRight ? turnsB : !turnsA {
      // Stored as `[inputs, outputs]`: B as it is, A turned round, as y = A·b is b·Aᵀ.
      weights = try weights.transposed()
    }
    // The factor lies in the weights: nothing to multiply afterwards.
    let alpha = node.float("alpha", 1)
    if alpha != 1 { weights = try weights * alpha }
    computed = isRight ? 0 : 1
    comesInColumns = isRight ? turnsA : !turnsB
    goesInColumns = !isRight && !dropsAxis
    stack = try PlacedStack(weights, on: substrate, in: &context)
  }

  mutating func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue?] {
    var x = try a.floats(computed)
    let isVector = x.rank < 2
    guard x.rank > 0, !isGemm || x.rank == 2 else { throw a.node.invalid("its input has the shape \(x.shape)") }
    if isVector { x = try x.expanded(axis: 0) } else if comesInColumns { x = try x.transposed() }
    guard x.shape.last == stack.inputs else {
      throw a.node.invalid(
        "its input has the shape \(try a.tensor(computed).shape), its weights \(stack.inputs) inputs")
    }
    var y = try stack.forward(x, a.node, in: &context)
    if goesInColumns, !isVector { y = try y.transposed() }
    if dropsAxis { y = try y.squeezed(axis: y.rank - 1) }
    if isVector { y = try y.squeezed(axis: dropsAxis ? y.rank - 1 : y.rank - 2) }
    if isGemm, a.has(2) {
      let beta = a.node.float("beta", 1)
      let shift = try a.floats(2)
      guard broadcastShape(shift.shape, y.shape) == y.shape else {
        throw a.node.invalid("a shift of shape \(shift.shape) for a product of shape \(y.shape)")
      }
      if beta != 1 { context.countLogic(.operation, shift.count, bits: stack.bits) }
      y = try context.adding(beta == 1 ? shift : shift * beta, to: y, bits: stack.bits)
    }
    return try a.result(y, like: computed)
  }
}

/// Matrices of one shape on a substrate, stacked along axes that broadcast as those of `MatMul`.
struct PlacedStack: Sendable {
  private var matrices: [PlacedProduct]
  /// Extents before the last two.
  private let extents: [Int]
  let inputs: Int, outputs: Int
  let bits: Int

  var placements: [Placement] {
    matrices.count == 1
      ? [matrices[0].placement] : matrices.enumerated().map { $1.placement.inside("\($0)") }
  }

  /// - Parameter weights: shape `[…, inputs, outputs]`.
  init(_ weights: Tensor<Float>, on substrate: any Substrate, in context: inout ForwardContext) throws {
    extents = Array(weights.shape.dropLast(2))
    (inputs, outputs) = (weights.shape[weights.rank - 2], weights.shape[weights.rank - 1])
    bits = substrate.logicBits
    let flat = try weights.reshaped([extents.reduce(1, *), inputs, outputs])
    matrices = []
    for i in 0..<flat.shape[0] {
      let matrix = try flat.at(i)
      matrices.append(
        flat.shape[0] == 1
          ? try PlacedProduct(matrix, on: substrate, in: &context)
          : try context.within("\(i)") { try PlacedProduct(matrix, on: substrate, in: &$0) })
    }
  }

  /// - Parameter x: shape `[…, rows, inputs]`.
  mutating func forward(_ x: Tensor<Float>, _ node: ONNXNode, in context: inout ForwardContext) throws -> Tensor<Float>
  {
    let own = Array(x.shape.dropLast(2))
    guard let stack = broadcastShape(own, extents) else {
      throw node.invalid("stacks of \(own) and \(extents) do not go together")
    }
    let rows = x.shape[x.rank - 2]
    try node.checkedCount(stack + [rows, outputs])
    if matrices.count == 1 {
      return try matrices[0].forward(x, in: &context).reshaped(stack + [rows, outputs])
    }
    let (from, which) = (broadcastPositions(from: own, to: stack), broadcastPositions(from: extents, to: stack))
    let flat = try x.reshaped([own.reduce(1, *), rows, inputs])
    var parts: [Tensor<Float>?] = Array(repeating: nil, count: from.count)
    for i in matrices.indices {
      let places = which.indices.filter { which[$0] == i }
      if places.isEmpty { continue }
      let given = try flat.selecting(Tensor(places.map { Int32(from[$0]) }))
      let made = try context.within("\(i)") { try matrices[i].forward(given, in: &$0) }
      for (j, place) in places.enumerated() { parts[place] = try made.at(j) }
    }
    let all = parts.compactMap { $0 }
    if all.isEmpty { return try .zeros(stack + [rows, outputs]) }
    return try Tensor.stack(all).reshaped(stack + [rows, outputs])
  }
}

/// `Einsum` of a computed and a constant tensor where it is products with matrices.
private struct ONNXEinsumLayer: ONNXLayer {
  private var stack: PlacedStack
  private let computed: Int
  /// Axes of the input: those of the stack, those that stay, those that are summed over.
  private let order: [Int], stacked: Int, summed: Int
  /// Extents that replace those that are summed over.
  private let extents: [Int]
  /// Axes of the result, among those of the stack, those that stay and those that replace.
  private let resultOrder: [Int]
  var placements: [Placement] { stack.placements }

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
    let batch = x.filter { w.contains($0) && result.contains($0) }
    let sums = x.filter { w.contains($0) && !result.contains($0) }
    let stays = x.filter { !w.contains($0) }
    let made = w.filter { !x.contains($0) }
    // Each letter once; what both have is summed over, or counts a stack; everything else is in the result.
    guard (x + w).allSatisfy(\.isLetter), Set(x).count == x.count, Set(w).count == w.count, w.count == weights.rank,
      !sums.isEmpty, Set(result) == Set(batch + stays + made), result.count == batch.count + stays.count + made.count
    else { return nil }
    func place(_ letters: [Character], _ letter: Character) -> Int { letters.firstIndex(of: letter) ?? 0 }
    func extent(_ letters: [Character]) -> [Int] { letters.map { weights.shape[place(w, $0)] } }
    order = (batch + stays + sums).map { place(x, $0) }
    (stacked, summed) = (batch.count, sums.count)
    extents = extent(made)
    resultOrder = result.map { place(batch + stays + made, $0) }
    let matrices = try weights.permuted((batch + sums + made).map { place(w, $0) })
      .reshaped(extent(batch) + [extent(sums).reduce(1, *), extents.reduce(1, *)])
    stack = try PlacedStack(matrices, on: substrate, in: &context)
  }

  mutating func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue?] {
    var x = try a.floats(computed)
    guard x.rank == order.count else {
      throw a.node.invalid("its input has the shape \(x.shape), its equation \(order.count) letters for it")
    }
    x = try x.permuted(order)
    let batch = Array(x.shape.prefix(stacked))
    let stays = Array(x.shape.dropFirst(stacked).dropLast(summed))
    let inputs = x.shape.suffix(summed).reduce(1, *)
    guard inputs == stack.inputs else {
      throw a.node.invalid("its input has the shape \(try a.tensor(computed).shape)")
    }
    x = try x.reshaped(batch + [stays.reduce(1, *), inputs])
    let y = try stack.forward(x, a.node, in: &context).reshaped(batch + stays + extents)
    return try a.result(y.permuted(resultOrder), like: computed)
  }
}

extension StringProtocol where SubSequence == Substring {
  fileprivate func components(between separator: String) -> [Substring] {
    split(separator: separator, omittingEmptySubsequences: false)
  }
}
