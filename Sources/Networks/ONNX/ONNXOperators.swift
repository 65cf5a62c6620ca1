import Foundation
import Tensors

/// Operators without weights, by name.
enum ONNXOperators {
  typealias Evaluate = @Sendable (ONNXArguments) throws -> [ONNXValue]

  static let all: [String: Evaluate] = elementwise.merging(shapes) { $1 }.merging(reductions) { $1 }.merging(pooling) {
    $1
  }
  .merging(indexing) { $1 }

  private static func unary(_ function: @escaping @Sendable (Tensor<Float>) throws -> Tensor<Float>) -> Evaluate {
    { [.floats(try function($0.floats(0)))] }
  }

  private static func unary(
    _ function: @escaping @Sendable (Tensor<Float>, ONNXNode) throws -> Tensor<Float>
  ) -> Evaluate {
    { [.floats(try function($0.floats(0), $0.node))] }
  }

  private static func binary(
    _ floats: @escaping @Sendable (Tensor<Float>, Tensor<Float>) throws -> Tensor<Float>,
    _ whole: @escaping @Sendable (Int, Int) -> Int?
  ) -> Evaluate {
    { a in
      if case .integers(let x) = try a.value(0), case .integers(let y) = try a.value(1) {
        return [.integers(try combine(x, y, a.node, whole))]
      }
      return [.floats(try floats(a.floats(0), a.floats(1)))]
    }
  }

  /// Whole numbers with broadcasting; nothing stands for an undefined result.
  static func combine(
    _ x: ONNXValue.Integers, _ y: ONNXValue.Integers, _ node: ONNXNode, _ function: (Int, Int) -> Int?
  ) throws -> ONNXValue.Integers {
    let rank = Swift.max(x.shape.count, y.shape.count)
    let (p, q) = (
      Array(repeating: 1, count: rank - x.shape.count) + x.shape,
      Array(repeating: 1, count: rank - y.shape.count) + y.shape
    )
    var shape: [Int] = []
    for (m, n) in zip(p, q) {
      guard m == n || m == 1 || n == 1 else {
        throw node.invalid("shapes \(x.shape) and \(y.shape) do not go together")
      }
      shape.append(m == 1 ? n : m)
    }
    guard shape.reduce(1.0, { $0 * Double($1) }) < 0x1p26 else {
      throw node.invalid("\(shape) are too many whole numbers")
    }
    let elements = try (0..<shape.reduce(1, *)).map { flat in
      var (rest, i, j, u, v) = (flat, 0, 0, 1, 1)
      for axis in (0..<rank).reversed() {
        let c = rest % shape[axis]
        rest /= shape[axis]
        i += p[axis] == 1 ? 0 : c * u
        j += q[axis] == 1 ? 0 : c * v
        u *= p[axis]
        v *= q[axis]
      }
      guard let value = function(x.elements[i], y.elements[j]) else {
        throw node.invalid("a division by zero, or an overflow")
      }
      return value
    }
    return ONNXValue.Integers(shape: shape, elements: elements)
  }

  /// Truth values of comparisons.
  private static func comparison(
    _ floats: @escaping @Sendable (Tensor<Float>, Tensor<Float>) throws -> Tensor<Float>,
    _ whole: @escaping @Sendable (Int, Int) -> Bool
  ) -> Evaluate {
    { a in
      if case .integers(let x) = try a.value(0), case .integers(let y) = try a.value(1) {
        return [.integers(try combine(x, y, a.node) { whole($0, $1) ? 1 : 0 })]
      }
      return [truth(try floats(a.floats(0), a.floats(1)))]
    }
  }

  private static func truth(_ mask: Tensor<Float>) -> ONNXValue {
    ONNXValue(integers: mask.elements.map { $0 != 0 ? 1 : 0 }, shape: mask.shape)
  }

  private static let elementwise: [String: Evaluate] = [
    "Relu": unary { try relu($0) }, "Sigmoid": unary { try sigmoid($0) }, "Tanh": unary { try tanh($0) },
    "Exp": unary { try exp($0) }, "Log": unary { try log($0) }, "Sqrt": unary { try $0.squareRoot() },
    "Abs": unary { try $0.magnitude() }, "Neg": unary { try $0.negated() }, "Reciprocal": unary { try $0.reciprocal() },
    "Floor": unary { try $0.floored() }, "Ceil": unary { try $0.ceiled() }, "Round": unary { try $0.rounded() },
    "Sin": unary { try sin($0) }, "Cos": unary { try cos($0) }, "Erf": unary { try erf($0) },
    "Sign": unary { try $0.signs() }, "Softplus": unary { try softplus($0) }, "Softsign": unary { try softsign($0) },
    "Mish": unary { try mish($0) }, "HardSwish": unary { try hardSwish($0) },
    "Gelu": unary { x, node in try node.text("approximate", "none") == "tanh" ? geluTanh(x) : gelu(x) },
    "HardSigmoid": unary { x, node in try (x * node.float("alpha", 0.2) + node.float("beta", 0.5)).clamped(to: 0...1) },
    "LeakyRelu": unary { x, node in try leakyRelu(x, slope: node.float("alpha", 0.01)) },
    "Elu": unary { x, node in try elu(x, scale: node.float("alpha", 1)) },
    "Celu": unary { x, node in try celu(x, scale: node.float("alpha", 1)) },
    "Selu": unary { x, node in
      let (alpha, gamma) = (node.float("alpha", 1.673_263_2), node.float("gamma", 1.050_701))
      return try elu(x, scale: alpha) * gamma
    },
    "ThresholdedRelu": unary { x, node in try x * (x .> node.float("alpha", 1)) },
    "PRelu": evaluatePRelu,
    "Clip": evaluateClip,
    "Add": binary({ try $0 + $1 }, { sum($0.addingReportingOverflow($1)) }),
    "Sub": binary({ try $0 - $1 }, { sum($0.subtractingReportingOverflow($1)) }),
    "Mul": binary({ try $0 * $1 }, { sum($0.multipliedReportingOverflow(by: $1)) }),
    "Div": binary({ try $0 / $1 }, { $1 == 0 ? nil : sum($0.dividedReportingOverflow(by: $1)) }),
    "Pow": binary({ try Tensor.power($0, $1) }, { Int(exactly: pow(Double($0), Double($1))) }),
    "Mod": binary(
      { x, y in try x - (x / y).floored() * y },
      { $1 == 0 ? nil : $1 == -1 ? 0 : (($0 % $1) + $1) % $1 }),
    "Max": variadic { try Tensor.maximum($0, $1) }, "Min": variadic { try Tensor.minimum($0, $1) },
    "Sum": variadic { try $0 + $1 },
    "Mean": evaluateMean,
    "Equal": comparison({ try $0 .== $1 }, ==), "Less": comparison({ try $0 .< $1 }, <),
    "LessOrEqual": comparison({ try $0 .<= $1 }, <=), "Greater": comparison({ try $0 .> $1 }, >),
    "GreaterOrEqual": comparison({ try $0 .>= $1 }, >=),
    "And": { [.integers(try combine($0.integers(0), $0.integers(1), $0.node) { $0 & $1 })] },
    "Or": { [.integers(try combine($0.integers(0), $0.integers(1), $0.node) { $0 | $1 })] },
    "Not": evaluateNot,
    "Where": evaluateWhere,
    "Identity": { [try $0.value(0)] },
    "Dropout": { a in
      [try a.value(0)]
        + (a.node.outputs.count > 1
          ? [ONNXValue(integers: Array(repeating: 1, count: try a.floats(0).count), shape: try a.value(0).shape)] : [])
    },
    "Cast": evaluateCast,
  ]

  private static func sum(_ result: (partialValue: Int, overflow: Bool)) -> Int? {
    result.overflow ? nil : result.partialValue
  }

  private static func variadic(_ function: @escaping @Sendable (Tensor<Float>, Tensor<Float>) throws -> Tensor<Float>)
    -> Evaluate
  {
    { a in
      var result = try a.floats(0)
      for place in 1..<Swift.max(1, a.count) { result = try function(result, a.floats(place)) }
      return [.floats(result)]
    }
  }

  private static func evaluatePRelu(_ a: ONNXArguments) throws -> [ONNXValue] {
    let (x, slope) = (try a.floats(0), try a.floats(1))
    return [.floats(try relu(x) - relu(x.negated()) * slope)]
  }

  private static func evaluateClip(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.floats(0)
    let low = try a.optional(1).map { try ONNXArguments.floats($0).item() } ?? a.node.float("min", -.infinity)
    let high = try a.optional(2).map { try ONNXArguments.floats($0).item() } ?? a.node.float("max", .infinity)
    if case .integers(let whole) = try a.value(0) {
      return [
        .integers(
          ONNXValue.Integers(
            shape: whole.shape,
            elements: whole.elements.map { Int(exactly: Swift.min(high, Swift.max(low, Float($0)))) ?? $0 }))
      ]
    }
    guard low <= high else { throw a.node.invalid("its bounds \(low) and \(high) are the wrong way round") }
    return [.floats(try x.clamped(to: low...high))]
  }

  private static func evaluateMean(_ a: ONNXArguments) throws -> [ONNXValue] {
    var total = try a.floats(0)
    for place in 1..<Swift.max(1, a.count) { total = try total + a.floats(place) }
    return [.floats(try total * (1 / Float(a.count)))]
  }

  private static func evaluateNot(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.integers(0)
    return [ONNXValue(integers: x.elements.map { $0 == 0 ? 1 : 0 }, shape: x.shape)]
  }

  private static func evaluateWhere(_ a: ONNXArguments) throws -> [ONNXValue] {
    let mask = try Tensor(a.integers(0).elements.map { Float($0) }, shape: a.integers(0).shape)
    if case .integers(let x) = try a.value(1), case .integers(let y) = try a.value(2) {
      let condition = try a.integers(0)
      // x and y in turn where the condition holds, through codes that broadcast.
      let wide = try combine(condition, x, a.node) { _, value in value }
      let other = try combine(condition, y, a.node) { _, value in value }
      let choice = try combine(
        condition, ONNXValue.Integers(shape: wide.shape, elements: wide.elements.map { _ in 1 }), a.node
      ) { c, _ in c }
      guard wide.shape == other.shape, choice.shape == wide.shape else {
        throw a.node.invalid("its shapes do not go together")
      }
      return [
        ONNXValue(
          integers: choice.elements.indices.map { choice.elements[$0] != 0 ? wide.elements[$0] : other.elements[$0] },
          shape: wide.shape)
      ]
    }
    return [.floats(try Tensor.select(mask, a.floats(1), a.floats(2)))]
  }

  private static func evaluateCast(_ a: ONNXArguments) throws -> [ONNXValue] {
    // Single, double and half precision; everything else is whole numbers or truth values.
    let target = a.node.integer("to", 1)
    switch (try a.value(0), [1, 10, 11, 16].contains(target)) {
    case (.floats(let x), true): return [.floats(x)]
    case (.integers, true): return [.floats(try a.floats(0))]
    case (.integers(let x), false):
      return [.integers(target == 9 ? .init(shape: x.shape, elements: x.elements.map { $0 != 0 ? 1 : 0 }) : x)]
    case (.floats(let x), false):
      let whole = try x.elements.map { value -> Int in
        if target == 9 { return value != 0 ? 1 : 0 }
        guard let number = Int(exactly: value.rounded(.towardZero)) else {
          throw a.node.invalid("\(value) is no whole number")
        }
        return number
      }
      return [ONNXValue(integers: whole, shape: x.shape)]
    }
  }
}
