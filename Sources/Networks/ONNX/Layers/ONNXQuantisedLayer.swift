import Substrates
import Tensors

/// `QLinearConv`, `QLinearMatMul`, `QGemm`, `ConvInteger` and `MatMulInteger` with constant weights: what the whole numbers stand for
/// is stored, and what comes out is rounded to the steps of the result.
struct ONNXQuantisedLayer: ONNXLayer {
  private var inner: any ONNXLayer
  /// Where weights, the bias and the scale of the result stand.
  private let places: Places
  private let bits: Int
  var placements: [Placement] { inner.placements }

  private struct Places {
    let weight: Int, bias: Int?, result: Int?
    /// Whether inputs have scales, or zero points only.
    let isScaled: Bool
  }

  private static func places(_ node: ONNXNode) -> Places? {
    switch node.kind {
    case "QLinearConv": Places(weight: 3, bias: 8, result: 6, isScaled: true)
    case "QLinearMatMul": Places(weight: 3, bias: nil, result: 6, isScaled: true)
    case "QGemm": Places(weight: 3, bias: 6, result: 7, isScaled: true)
    case "ConvInteger", "MatMulInteger": Places(weight: 1, bias: nil, result: nil, isScaled: false)
    default: nil
    }
  }

  /// Nothing where the node is none of these, or its weights are computed.
  init?(
    _ node: ONNXNode, _ constants: [ONNXValue?], on substrate: any Substrate, in context: inout ForwardContext
  ) throws {
    guard let places = Self.places(node) else { return nil }
    let needed = places.isScaled ? places.weight..<places.weight + 3 : 1..<2
    let hasZero = !places.isScaled && node.inputs.count > 3
    guard needed.allSatisfy({ node.inputs[$0].isEmpty || constants[$0] != nil }), !hasZero || constants[3] != nil else {
      return nil
    }
    let stored = ONNXArguments(node: node, values: constants)
    let isConvolution = node.kind.hasSuffix("Conv") || node.kind == "ConvInteger"
    let axis = isConvolution || node.flag("transB") ? 0 : -1
    let weights =
      try places.isScaled
      ? ONNXOperators.part(stored, places.weight, axis: axis)
      : ONNXOperators.shifted(stored.tensor(1), stored.optional(3), axis: axis, node).doubles()
    let real: Tensor<Float> = try weights.converted()
    let layer: (any ONNXLayer)? =
      isConvolution
      ? try ONNXConvolution(node, real, on: substrate, in: &context)
      : try ONNXProduct(node, left: nil, right: real, on: substrate, in: &context)
    guard let layer else { return nil }
    (inner, self.places, bits) = (layer, places, substrate.logicBits)
  }

  mutating func apply(_ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue?] {
    let x =
      try places.isScaled
      ? ONNXOperators.part(a, 0) : ONNXOperators.shifted(a.tensor(0), a.optional(2), axis: -2, a.node).doubles()
    context.countLogic(.operation, 2 * x.count, bits: bits)
    let real = ONNXArguments(node: a.node, values: [.tensor(ONNXTensor(try x.converted() as Tensor<Float>))])
    guard case .tensor(let product)? = try inner.apply(real, in: &context).first ?? nil else {
      throw a.node.invalid("its product gives nothing")
    }
    var y = try product.doubles()
    if let place = places.bias, a.has(place) {
      var bias = try a.doubles(place) * a.doubles(1) * a.doubles(places.weight + 1)
      if a.node.kind == "QLinearConv" { bias = try bias.reshaped([bias.count] + y.shape[2...].map { _ in 1 }) }
      y = try y + bias
      context.countLogic(.operation, y.count, bits: bits)
    }
    context.countLogic(.operation, 2 * y.count, bits: bits)
    guard let place = places.result else {
      let whole = y.elements.map { ONNXType.int32.truncated($0.rounded(.toNearestOrEven)) }
      return [.tensor(try ONNXTensor(Tensor(whole, shape: y.shape), as: .int32))]
    }
    guard a.has(place) else { return [.tensor(ONNXTensor(try y.converted() as Tensor<Float>))] }
    return [.tensor(try ONNXOperators.requantised(y, a, place))]
  }
}
