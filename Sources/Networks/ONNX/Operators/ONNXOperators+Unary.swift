import Foundation
import Tensors

// Functions of single numbers.
extension ONNXOperators {
  private typealias Engine = @Sendable (Tensor<Float>, ONNXNode) throws -> Tensor<Float>
  private typealias Scalar = @Sendable (Double) -> Double

  /// - Parameters:
  ///   - engine: for single precision, where tensors have it.
  ///   - scalar: the same function, for all other types; made of the node once.
  ///   - whole: for whole numbers, where the operator takes them.
  private static func function(
    _ engine: Engine?, _ scalar: @escaping @Sendable (ONNXNode) -> Scalar,
    whole: (@Sendable (Int64) -> Int64)? = nil
  ) -> Evaluate {
    one { a throws -> ONNXTensor in
      let x = try a.tensor(0)
      if case .floats(let numbers) = x.storage, x.type == .float, let engine {
        return ONNXTensor(try engine(numbers, a.node))
      }
      if x.type.isReal { return try mapped(x, scalar(a.node)) }
      guard let whole, x.type.isWhole else { throw ONNXTypeError(found: x.type, expected: "real numbers") }
      let numbers = try x.wholes()
      return try ONNXTensor(Tensor(numbers.elements.map(whole), shape: numbers.shape), as: x.type)
    }
  }

  private static func plain(
    _ engine: (@Sendable (Tensor<Float>) throws -> Tensor<Float>)?, _ scalar: @escaping Scalar,
    whole: (@Sendable (Int64) -> Int64)? = nil
  ) -> Evaluate {
    guard let engine else { return function(nil, { _ in scalar }, whole: whole) }
    let wide: Engine = { x, _ in try engine(x) }
    return function(wide, { _ in scalar }, whole: whole)
  }

  /// Real numbers one by one, in double precision.
  static func mapped(_ x: ONNXTensor, _ scalar: (Double) -> Double) throws -> ONNXTensor {
    if x.type == .float {
      let numbers = try x.floats()
      return ONNXTensor(try Tensor(numbers.elements.map { Float(scalar(Double($0))) }, shape: x.shape))
    }
    let numbers = try x.doubles()
    return try ONNXTensor(Tensor(numbers.elements.map(scalar), shape: x.shape), as: x.type)
  }

  static func sigmoid(_ x: Double) -> Double { x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)) }
  static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
  /// The largest of numbers, NaN where one is that, as NumPy has it.
  static func maximum(_ x: Double, _ y: Double) -> Double { x.isNaN || y.isNaN ? .nan : max(x, y) }
  static func minimum(_ x: Double, _ y: Double) -> Double { x.isNaN || y.isNaN ? .nan : min(x, y) }

  static let unary: [String: Evaluate] = plainUnary.merging(unaryWithAttributes) { first, _ in first }

  private static let plainUnary: [String: Evaluate] = [
    "Relu": plain({ try Tensors.relu($0) }, { maximum($0, 0) }, whole: { Swift.max($0, 0) }),
    "Sigmoid": plain({ try Tensors.sigmoid($0) }, sigmoid),
    "Tanh": plain({ try Tensors.tanh($0) }, { Foundation.tanh($0) }),
    "Exp": plain({ try Tensors.exp($0) }, { Foundation.exp($0) }),
    "Log": plain({ try Tensors.log($0) }, { Foundation.log($0) }),
    "Sqrt": plain({ try $0.squareRoot() }, { $0.squareRoot() }),
    "Abs": plain({ try $0.magnitude() }, { Swift.abs($0) }, whole: { $0 < 0 ? 0 &- $0 : $0 }),
    "Neg": plain({ try $0.negated() }, { -$0 }, whole: { 0 &- $0 }),
    "Sign": plain(nil, { $0.isNaN ? .nan : $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }, whole: { $0.signum() }),
    "Reciprocal": plain({ try $0.reciprocal() }) { 1 / $0 },
    "Floor": plain({ try $0.floored() }) { $0.rounded(.down) },
    "Ceil": plain({ try $0.ceiled() }) { $0.rounded(.up) },
    "Round": plain({ try $0.eachNumber { $0.rounded(.toNearestOrEven) } }) { $0.rounded(.toNearestOrEven) },
    "Sin": plain({ try Tensors.sin($0) }, { Foundation.sin($0) }),
    "Cos": plain({ try Tensors.cos($0) }, { Foundation.cos($0) }),
    "Tan": plain(nil, { Foundation.tan($0) }), "Asin": plain(nil, { Foundation.asin($0) }),
    "Acos": plain(nil, { Foundation.acos($0) }),
    "Atan": plain(nil, { Foundation.atan($0) }), "Sinh": plain(nil, { Foundation.sinh($0) }),
    "Cosh": plain(nil, { Foundation.cosh($0) }),
    "Asinh": plain(nil, { Foundation.asinh($0) }), "Acosh": plain(nil, { Foundation.acosh($0) }),
    "Atanh": plain(nil, { Foundation.atanh($0) }),
    "Erf": plain({ try Tensors.erf($0) }, { Foundation.erf($0) }),
    "Softplus": plain({ try Tensors.softplus($0) }, softplus),
    "Softsign": plain({ try Tensors.softsign($0) }) { $0 / (1 + Swift.abs($0)) },
    "Mish": plain({ try Tensors.mish($0) }) { $0 * Foundation.tanh(softplus($0)) },
    "HardSwish": plain({ try $0.eachNumber { $0 * Swift.min(1, Swift.max(0, $0 / 6 + 0.5)) } }) {
      $0 * maximum(0, minimum(1, $0 / 6 + 0.5))
    },
    "IsNaN": { a in [try truths(a.tensor(0)) { $0.isNaN }] },
    "BitwiseNot": one { a in
      let x = try a.tensor(0)
      return try ONNXTensor(Tensor(x.wholes().elements.map { ~$0 }, shape: x.shape), as: x.type)
    },
    "Not": one { a in
      let x = try a.tensor(0)
      return try ONNXTensor(truths: x.wholes().elements.map { $0 == 0 }, shape: x.shape)
    },
  ]

  private static let unaryWithAttributes: [String: Evaluate] = [
    "Gelu": evaluateGelu,
    "HardSigmoid": function({ x, node in
      let (alpha, beta) = (node.float("alpha", 0.2), node.float("beta", 0.5))
      return try x.eachNumber { $0.isNaN ? $0 : Swift.min(1, Swift.max(0, alpha * $0 + beta)) }
    }) { node in
      let (alpha, beta) = (Double(node.float("alpha", 0.2)), Double(node.float("beta", 0.5)))
      return { maximum(0, minimum(1, alpha * $0 + beta)) }
    },
    "LeakyRelu": function({ x, node in try Tensors.leakyRelu(x, slope: node.float("alpha", 0.01)) }) { node in
      let alpha = Double(node.float("alpha", 0.01))
      return { $0 < 0 ? alpha * $0 : $0 }
    },
    "Elu": function(nil) { node in
      let alpha = Double(node.float("alpha", 1))
      return { $0 < 0 ? alpha * expm1($0) : $0 }
    },
    "Celu": function(nil) { node in
      let alpha = Double(node.float("alpha", 1))
      return { maximum(0, $0) + minimum(0, alpha * expm1($0 / alpha)) }
    },
    "Selu": function(nil) { node in
      let alpha = Double(node.float("alpha", 1.673_263_192_176_818_8))
      let gamma = Double(node.float("gamma", 1.050_701_022_148_132_3))
      return { $0 <= 0 ? gamma * alpha * expm1($0) : gamma * $0 }
    },
    "ThresholdedRelu": function(nil) { node in
      let alpha = Double(node.float("alpha", 1))
      return { $0 > alpha ? $0 : $0.isNaN ? $0 : 0 }
    },
    "Shrink": evaluateShrink,
    "Swish": function(nil) { node in
      let alpha = Double(node.float("alpha", 1))
      return { $0 * sigmoid(alpha * $0) }
    },
    "IsInf": { a in
      let (positive, negative) = (a.node.flag("detect_positive", true), a.node.flag("detect_negative", true))
      return [try truths(a.tensor(0)) { $0.isInfinite && ($0 > 0 ? positive : negative) }]
    },
  ]

  private static func truths(_ x: ONNXTensor, _ isTrue: (Double) -> Bool) throws -> ONNXValue {
    .tensor(try ONNXTensor(truths: x.doubles().elements.map(isTrue), shape: x.shape))
  }

  private static let evaluateGelu = function({ x, node in
    try node.word("approximate", ["none", "tanh"]) == "tanh" ? geluTanh(x) : gelu(x)
  }) { node in
    if node.text("approximate", "none") == "tanh" {
      return { 0.5 * $0 * (1 + Foundation.tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
    }
    return { 0.5 * $0 * (1 + Foundation.erf($0 / 2.0.squareRoot())) }
  }

  /// `Shrink` takes whole numbers too; the result is cut off.
  private static let evaluateShrink = one { a in
    let x = try a.tensor(0)
    let (bias, lambda) = (Double(a.node.float("bias", 0)), Double(a.node.float("lambd", 0.5)))
    func shrunk(_ x: Double) -> Double { x < -lambda ? x + bias : x > lambda ? x - bias : 0 }
    if x.type.isReal { return try mapped(x, shrunk) }
    let whole = try x.doubles().elements.map { x.type.truncated(shrunk($0)) }
    return try ONNXTensor(Tensor(whole, shape: x.shape), as: x.type)
  }
}
