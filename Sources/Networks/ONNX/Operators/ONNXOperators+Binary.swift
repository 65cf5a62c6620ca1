import Foundation
import Tensors

// Functions of two numbers, or more.
extension ONNXOperators {
  /// A function of two whole numbers of 64 bits, with and without sign; nothing stands for an undefined result.
  struct WholeFunction: Sendable {
    let signed: @Sendable (Int64, Int64) -> Int64?
    let unsigned: @Sendable (UInt64, UInt64) -> UInt64?

    /// One that does the same to the bits of both.
    init(_ same: @escaping @Sendable (Int64, Int64) -> Int64) {
      signed = { same($0, $1) }
      unsigned = { UInt64(bitPattern: same(Int64(bitPattern: $0), Int64(bitPattern: $1))) }
    }
    init(
      _ signed: @escaping @Sendable (Int64, Int64) -> Int64?,
      _ unsigned: @escaping @Sendable (UInt64, UInt64) -> UInt64?
    ) { (self.signed, self.unsigned) = (signed, unsigned) }

    func callAsFunction(_ x: Int64, _ y: Int64, _ type: ONNXType) -> Int64? {
      type == .uint64
        ? unsigned(UInt64(bitPattern: x), UInt64(bitPattern: y)).map { Int64(bitPattern: $0) } : signed(x, y)
    }
  }

  /// Numbers of two tensors of one or other shape, in pairs.
  static func combined<X, Y, R>(
    _ x: [X], _ xShape: [Int], _ y: [Y], _ yShape: [Int], _ node: ONNXNode, _ function: (X, Y) throws -> R
  ) throws -> (elements: [R], shape: [Int]) {
    if xShape == yShape { return (try zip(x, y).map(function), xShape) }
    guard let shape = broadcastShape(xShape, yShape) else {
      throw node.invalid("the shapes \(xShape) and \(yShape) do not go together")
    }
    try node.checkedCount(shape)
    if y.count == 1, let only = y.first, shape == xShape { return (try x.map { try function($0, only) }, shape) }
    let (p, q) = (broadcastPositions(from: xShape, to: shape), broadcastPositions(from: yShape, to: shape))
    return (try zip(p, q).map { try function(x[$0], y[$1]) }, shape)
  }

  static func combined(
    _ x: ONNXTensor, _ y: ONNXTensor, _ node: ONNXNode, _ function: WholeFunction
  ) throws -> ONNXTensor {
    let (elements, shape) = try combined(
      x.wholes().elements, x.shape, y.wholes().elements, y.shape, node
    ) { (p, q) throws -> Int64 in
      guard let value = function(p, q, x.type) else { throw node.invalid("a division by zero, or a negative power") }
      return value
    }
    return try ONNXTensor(Tensor(elements, shape: shape), as: x.type)
  }

  private typealias Floats = @Sendable (Tensor<Float>, Tensor<Float>) throws -> Tensor<Float>
  private typealias Doubles = @Sendable (Tensor<Double>, Tensor<Double>) throws -> Tensor<Double>

  private static func pair(
    _ x: ONNXTensor, _ y: ONNXTensor, _ node: ONNXNode, _ floats: Floats, _ doubles: Doubles, _ whole: WholeFunction?
  ) throws -> ONNXTensor {
    guard x.type == y.type else { throw node.invalid("its inputs have the types \(x.type) and \(y.type)") }
    guard let shape = broadcastShape(x.shape, y.shape) else {
      throw node.invalid("the shapes \(x.shape) and \(y.shape) do not go together")
    }
    try node.checkedCount(shape)
    switch (x.storage, y.storage) {
    case (.floats(let p), .floats(let q)) where x.type == .float: return ONNXTensor(try floats(p, q))
    case (.wholes, .wholes):
      guard let whole, x.type != .bool else { throw ONNXTypeError(found: x.type, expected: "real numbers") }
      return try combined(x, y, node, whole)
    default: return try ONNXTensor(doubles(x.doubles(), y.doubles()), as: x.type)
    }
  }

  private static func binary(
    _ floats: @escaping Floats, _ doubles: @escaping Doubles, _ whole: WholeFunction? = nil
  ) -> Evaluate {
    one { a in try pair(a.tensor(0), a.tensor(1), a.node, floats, doubles, whole) }
  }

  /// Of any number of inputs.
  private static func variadic(
    _ floats: @escaping Floats, _ doubles: @escaping Doubles, _ whole: WholeFunction? = nil
  ) -> Evaluate {
    one { a in
      var result = try a.tensor(0)
      for place in 1..<Swift.max(1, a.count) {
        result = try pair(result, a.tensor(place), a.node, floats, doubles, whole)
      }
      return result
    }
  }

  static let binary: [String: Evaluate] = [
    "Add": binary({ try $0 + $1 }, { try $0 + $1 }, WholeFunction { $0 &+ $1 }),
    "Sub": binary({ try $0 - $1 }, { try $0 - $1 }, WholeFunction { $0 &- $1 }),
    "Mul": binary({ try $0 * $1 }, { try $0 * $1 }, WholeFunction { $0 &* $1 }),
    "Div": binary(
      { try $0 / $1 }, { try $0 / $1 },
      WholeFunction({ $1 == 0 ? nil : $0.dividedReportingOverflow(by: $1).partialValue }, { $1 == 0 ? nil : $0 / $1 })),
    "Mod": evaluateMod, "Pow": evaluatePow,
    "Max": variadic(
      { try compared($0, $1, maximum) }, { try compared($0, $1, maximum) },
      WholeFunction({ Swift.max($0, $1) }, { Swift.max($0, $1) })),
    "Min": variadic(
      { try compared($0, $1, minimum) }, { try compared($0, $1, minimum) },
      WholeFunction({ Swift.min($0, $1) }, { Swift.min($0, $1) })),
    "Sum": variadic({ try $0 + $1 }, { try $0 + $1 }),
    "Mean": one { a in
      var total = try a.tensor(0)
      let type = total.type
      // Rounded once, at the end.
      var sum = try total.doubles()
      for place in 1..<Swift.max(1, a.count) { sum = try sum + a.doubles(place) }
      total = try ONNXTensor(sum * (1 / Double(a.count)), as: type)
      return total
    },
    "PRelu": evaluatePRelu,
    "And": logic { $0 && $1 }, "Or": logic { $0 || $1 }, "Xor": logic { $0 != $1 },
    "BitwiseAnd": bits { $0 & $1 }, "BitwiseOr": bits { $0 | $1 }, "BitwiseXor": bits { $0 ^ $1 },
    "BitShift": one { a in
      let direction = try a.node.word("direction", ["", "LEFT", "RIGHT"])
      guard !direction.isEmpty else { throw a.node.invalid("it does not say its direction") }
      let (x, y) = (try a.tensor(0), try a.tensor(1))
      let bits = Int64(x.type.bits ?? 64)
      // By its width, or a negative number, nothing of a number stays but its sign.
      let function = WholeFunction(
        { value, count in
          let isOut = count < 0 || count >= bits
          if direction == "LEFT" { return isOut ? 0 : value << count }
          return isOut ? (value < 0 ? -1 : 0) : value >> count
        },
        { value, count in count >= 64 ? 0 : direction == "LEFT" ? value << count : value >> count })
      return try combined(x, y, a.node, function)
    },
  ]

  /// The larger or smaller of numbers, NaN where one is that.
  private static func compared<S: TensorScalar>(
    _ x: Tensor<S>, _ y: Tensor<S>, _ choose: (Double, Double) -> Double
  ) throws -> Tensor<S> {
    guard let shape = broadcastShape(x.shape, y.shape) else {
      throw TensorError.incompatibleShapes(operation: "compare", left: x.shape, right: y.shape)
    }
    let (p, q) = (try x.broadcast(to: shape).elements, try y.broadcast(to: shape).elements)
    return try Tensor(zip(p, q).map { S(choose(Double($0), Double($1))) }, shape: shape)
  }

  private static func logic(_ function: @escaping @Sendable (Bool, Bool) -> Bool) -> Evaluate {
    one { a in
      let (x, y) = (try a.tensor(0), try a.tensor(1))
      let (elements, shape) = try combined(
        x.wholes().elements, x.shape, y.wholes().elements, y.shape, a.node
      ) { function($0 != 0, $1 != 0) }
      return try ONNXTensor(truths: elements, shape: shape)
    }
  }

  private static func bits(_ function: @escaping @Sendable (Int64, Int64) -> Int64) -> Evaluate {
    one { a in
      let (x, y) = (try a.tensor(0), try a.tensor(1))
      guard x.type == y.type else { throw a.node.invalid("its inputs have the types \(x.type) and \(y.type)") }
      return try combined(x, y, a.node, WholeFunction(function))
    }
  }

  /// `fmod`: the sign of the dividend; else that of the divisor.
  private static let evaluateMod = one { a in
    let takesDividend = a.node.flag("fmod")
    func remainder(_ x: Double, _ y: Double) -> Double {
      let r = Foundation.fmod(x, y)
      if takesDividend { return r }
      if r == 0 { return Double(signOf: y, magnitudeOf: 0) }
      return (r < 0) == (y < 0) ? r : r + y
    }
    let (x, y) = (try a.tensor(0), try a.tensor(1))
    guard x.type == y.type else { throw a.node.invalid("its inputs have the types \(x.type) and \(y.type)") }
    if x.type.isReal {
      let (elements, shape) = try combined(
        x.doubles().elements, x.shape, y.doubles().elements, y.shape, a.node, remainder)
      return try ONNXTensor(Tensor(elements, shape: shape), as: x.type)
    }
    let function = WholeFunction(
      { x, y in
        guard y != 0 else { return nil }
        let r = y == -1 ? 0 : x % y
        return takesDividend || r == 0 || (r < 0) == (y < 0) ? r : r + y
      }, { $1 == 0 ? nil : $0 % $1 })
    return try combined(x, y, a.node, function)
  }

  /// The result has the type of the base.
  private static let evaluatePow = one { a in
    let (x, y) = (try a.tensor(0), try a.tensor(1))
    if x.type.isWhole && y.type.isWhole {
      let (elements, shape) = try combined(
        x.wholes().elements, x.shape, y.wholes().elements, y.shape, a.node
      ) { (base, exponent) throws -> Int64 in
        if exponent < 0 && y.type != .uint64 {
          // The reciprocal, cut off: only that of ±1 is not 0.
          guard base != 0 else { throw a.node.invalid("a negative power of zero") }
          return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0
        }
        return whole(base, toThe: UInt64(bitPattern: exponent))
      }
      return try ONNXTensor(Tensor(elements, shape: shape), as: x.type)
    }
    guard (x.type.isReal || x.type.isWhole) && (y.type.isReal || y.type.isWhole) else {
      throw ONNXTypeError(found: x.type.isReal ? y.type : x.type, expected: "numbers")
    }
    if x.type == .float, y.type == .float, y.count == 1, y.shape.count <= x.shape.count, try y.floats().item() == 2 {
      return ONNXTensor(try x.floats().squared())
    }
    let (elements, shape) = try combined(
      x.doubles().elements, x.shape, y.doubles().elements, y.shape, a.node, Foundation.pow)
    if x.type.isReal { return try ONNXTensor(Tensor(elements, shape: shape), as: x.type) }
    return try ONNXTensor(Tensor(elements.map(x.type.truncated), shape: shape), as: x.type)
  }

  /// By squaring; wraps.
  private static func whole(_ base: Int64, toThe exponent: UInt64) -> Int64 {
    var (result, factor, rest): (Int64, Int64, UInt64) = (1, base, exponent)
    while rest > 0 {
      if rest & 1 == 1 { result = result &* factor }
      factor = factor &* factor
      rest >>= 1
    }
    return result
  }

  private static let evaluatePRelu = one { a in
    let (x, slope) = (try a.tensor(0), try a.tensor(1))
    guard broadcastShape(x.shape, slope.shape) == x.shape else {
      throw a.node.invalid("slopes of shape \(slope.shape) for an input of shape \(x.shape)")
    }
    if x.type.isWhole {
      let (elements, shape) = try combined(
        x.wholes().elements, x.shape, slope.wholes().elements, slope.shape, a.node
      ) { $0 < 0 ? $0 &* $1 : $0 }
      return try ONNXTensor(Tensor(elements, shape: shape), as: x.type)
    }
    let (elements, shape) = try combined(
      x.doubles().elements, x.shape, slope.doubles().elements, slope.shape, a.node
    ) { $0 < 0 ? $0 * $1 : $0 }
    return try ONNXTensor(Tensor(elements, shape: shape), as: x.type)
  }
}
