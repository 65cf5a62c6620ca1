import Foundation
import Tensors

// Real numbers as whole ones with a scale and a zero point.
extension ONNXOperators {
  static let quantised: [String: Evaluate] = [
    "QuantizeLinear": one { a in
      let type = try quantisedType(a)
      let scale = try ONNXScale(a, input: a.tensor(0).shape)
      return try scale.quantised(
        a.doubles(0), as: type, from: a.tensor(0).type, precision: a.node.type("precision", a.tensor(1).type),
        saturates: a.node.flag("saturate", true))
    },
    "DequantizeLinear": one { a in
      let x = try a.tensor(0)
      let real = try ONNXScale(a, input: x.shape).real(x.doubles())
      return try ONNXTensor(real, as: a.node.type("output_dtype", a.tensor(1).type))
    },
    "DynamicQuantizeLinear": { a in
      let x = try a.floats(0)
      let numbers = x.elements
      let (low, high) = (numbers.reduce(Float(0), Swift.min), numbers.reduce(Float(0), Swift.max))
      let scale = (high == low ? 1 : high - low) / 255
      let zero = Swift.min(255, Swift.max(0, (0 - low / scale).rounded(.toNearestOrEven)))
      let whole = numbers.map { Int(Swift.min(255, Swift.max(0, ($0 / scale).rounded(.toNearestOrEven) + zero))) }
      return [
        .tensor(try ONNXTensor(wholes: whole, shape: x.shape, as: .uint8)), .tensor(ONNXTensor(try Tensor(scale))),
        .tensor(try ONNXTensor(wholes: [Int(zero)], shape: [], as: .uint8)),
      ]
    },
    "MatMulInteger": one { a in
      let y = try wholeProduct(
        shifted(a.tensor(0), a.optional(2), axis: -2, a.node), shifted(a.tensor(1), a.optional(3), axis: -1, a.node),
        a.node, as: .int32)
      return y
    },
    "ConvInteger": one { a in
      let (x, w) = (
        try shifted(a.tensor(0), a.optional(2), axis: 0, a.node),
        try shifted(a.tensor(1), a.optional(3), axis: 0, a.node)
      )
      // Sums of products of 8-bit numbers are exact in double precision.
      let y = try ONNXConvolutionShape(a.node, x.shape, w.shape).result(x.doubles(), w.doubles(), bias: nil)
      return try ONNXTensor(Tensor(y.elements.map { Int64($0) }, shape: y.shape), as: .int32)
    },
    "QLinearMatMul": one { a in
      let (x, w) = (try part(a, 0, axis: -2), try part(a, 3, axis: -1))
      try checkProduct(x.shape, w.shape, a.node)
      return try requantised(matmul(x, w), a, 6)
    },
    "QLinearConv": one { a in
      let (x, w) = (try part(a, 0, axis: 1), try part(a, 3, axis: 0))
      // The bias counts in steps of both scales.
      let bias = a.has(8) ? try a.doubles(8) * a.doubles(1) * a.doubles(4) : nil
      return try requantised(ONNXConvolutionShape(a.node, x.shape, w.shape).result(x, w, bias: bias), a, 6)
    },
  ]

  /// Operators of onnxruntime for quantised models.
  static let microsoft: [String: Evaluate] = [
    "QLinearAdd": one { a in try requantised(part(a, 0) + part(a, 3), a, 6) },
    "QLinearMul": one { a in try requantised(part(a, 0) * part(a, 3), a, 6) },
    "QLinearSigmoid": one { a in
      let x = try part(a, 0)
      return try requantised(Tensor(x.elements.map(sigmoid), shape: x.shape), a, 3)
    },
    "QLinearLeakyRelu": one { a in
      let (x, slope) = (try part(a, 0), Double(a.node.float("alpha", 0.01)))
      return try requantised(Tensor(x.elements.map { $0 < 0 ? slope * $0 : $0 }, shape: x.shape), a, 3)
    },
    "QLinearSoftmax": one { a in
      let x = try part(a, 0)
      let axis = try a.node.axis(a.node.integer("axis", -1), rank: x.rank)
      guard a.node.integer("opset", 13) >= 13 else {
        let flat = try x.reshaped([x.shape[..<axis].reduce(1, *), x.shape[axis...].reduce(1, *)])
        return try requantised(flat.softmax(axis: 1).reshaped(x.shape), a, 3)
      }
      return try requantised(x.softmax(axis: axis), a, 3)
    },
    "QLinearConcat": one { a in
      let parts = try stride(from: 2, to: a.count, by: 3).map { try part(a, $0) }
      guard let first = parts.first else { throw a.node.invalid("it joins nothing") }
      let axis = try a.node.axis(a.node.integer("axis", 0), rank: first.rank)
      return try requantised(.concatenate(parts, axis: axis), a, 0, like: 2)
    },
    "QLinearWhere": one { a in
      let (x, y) = (try part(a, 1), try part(a, 4))
      guard let both = broadcastShape(x.shape, y.shape), let shape = broadcastShape(both, try a.tensor(0).shape) else {
        throw a.node.invalid("its shapes do not go together")
      }
      try a.node.checkedCount(shape)
      let (c, p, q) = (
        try a.tensor(0).doubles().broadcast(to: shape), try x.broadcast(to: shape), try y.broadcast(to: shape)
      )
      let chosen = zip(c.elements, zip(p.elements, q.elements)).map { $0 != 0 ? $1.0 : $1.1 }
      return try requantised(Tensor(chosen, shape: shape), a, 7, like: 1)
    },
    "QLinearGlobalAveragePool": one { a in
      guard !a.node.flag("channels_last") else { throw a.node.unsupported("channels at the end") }
      let x = try part(a, 0)
      return try requantised(x.mean(axes: Array(2..<Swift.max(2, x.rank)), keepingAxes: true), a, 3)
    },
    "QLinearAveragePool": one { a in
      guard !a.node.flag("channels_last") else { throw a.node.unsupported("channels at the end") }
      let real = ONNXArguments(node: a.node, values: [.tensor(ONNXTensor(try part(a, 0)))])
      return try requantised(evaluateAveragePool(real).doubles(), a, 3)
    },
    "QGemm": one { a in
      var (x, w) = (try part(a, 0), try part(a, 3, axis: a.node.flag("transB") ? 0 : -1))
      guard x.rank == 2, w.rank == 2 else { throw a.node.invalid("it multiplies the shapes \(x.shape) and \(w.shape)") }
      if a.node.flag("transA") { x = try x.transposed() }
      if a.node.flag("transB") { w = try w.transposed() }
      try checkProduct(x.shape, w.shape, a.node)
      var y = try matmul(x, w) * Double(a.node.float("alpha", 1))
      if a.has(6) { y = try y + a.doubles(6) * a.doubles(1) * a.doubles(4) * Double(a.node.float("alpha", 1)) }
      return a.has(7) ? try requantised(y, a, 7) : try ONNXTensor(y, as: .float)
    },
    "Gelu": one { a in try mapped(a.tensor(0)) { 0.5 * $0 * (1 + Foundation.erf($0 / 2.0.squareRoot())) } },
    "FusedMatMul": one { a in
      guard !a.node.flag("transBatchA"), !a.node.flag("transBatchB") else { throw a.node.unsupported("turned stacks") }
      var (x, y) = (try a.doubles(0), try a.doubles(1))
      if a.node.flag("transA"), x.rank > 1 { x = try x.transposed() }
      if a.node.flag("transB"), y.rank > 1 { y = try y.transposed() }
      try checkProduct(x.shape, y.shape, a.node)
      return try ONNXTensor(matmul(x, y) * Double(a.node.float("alpha", 1)), as: a.tensor(0).type)
    },
  ]

  /// Of the zero point, or stated, or 8 bits without sign.
  private static func quantisedType(_ a: ONNXArguments) throws -> ONNXType {
    let stated = try a.node.integer("output_dtype", 0) == 0 ? nil : a.node.type("output_dtype", .uint8)
    let type = try a.optional(2)?.type ?? stated ?? .uint8
    guard stated == nil || stated == type else {
      throw a.node.invalid("output_dtype is \(stated ?? type), its zero point \(type)")
    }
    return type
  }

  /// Whole numbers less their zero point: one, or one for each row or column.
  static func shifted(_ x: ONNXTensor, _ zero: ONNXTensor?, axis: Int, _ node: ONNXNode) throws -> ONNXTensor {
    guard let zero, zero.count > 0 else { return try ONNXTensor(x.wholes(), as: .int64) }
    let shape = try spread(zero.shape, over: x.shape, axis: axis, node)
    let (elements, _) = try combined(x.wholes().elements, x.shape, zero.wholes().elements, shape, node) { $0 - $1 }
    return try ONNXTensor(Tensor(elements, shape: x.shape), as: .int64)
  }

  /// The shape of parameters along one axis, so that they broadcast.
  private static func spread(_ own: [Int], over shape: [Int], axis: Int, _ node: ONNXNode) throws -> [Int] {
    if own.reduce(1, *) == 1 { return shape.map { _ in 1 } }
    let place = axis < 0 ? axis + shape.count : axis
    var wide = shape.map { _ in 1 }
    if own.count == 1, shape.indices.contains(place), own[0] == shape[place] {
      wide[place] = own[0]
    } else if own.count == shape.count, broadcastShape(own, shape) == shape {
      wide = own
    } else {
      throw node.invalid("scales or zero points of shape \(own) for numbers of shape \(shape)")
    }
    return wide
  }

  /// Three inputs: whole numbers, their scale and their zero point, as real numbers.
  static func part(_ a: ONNXArguments, _ place: Int, axis: Int = 0) throws -> Tensor<Double> {
    let x = try a.doubles(place)
    func parameter(_ place: Int) throws -> Tensor<Double> {
      let p = try a.doubles(place)
      return try p.reshaped(spread(p.shape, over: x.shape, axis: axis, a.node).map { $0 })
    }
    let centred = a.has(place + 2) ? try x - parameter(place + 2) : x
    return try centred * parameter(place + 1)
  }

  /// Real numbers in the scale and zero point at two places.
  static func requantised(
    _ y: Tensor<Double>, _ a: ONNXArguments, _ place: Int, like other: Int = 0
  ) throws -> ONNXTensor {
    let type = a.has(place + 1) ? try a.tensor(place + 1).type : try a.tensor(other).type
    let (scale, zero) = (try a.number(place), a.has(place + 1) ? try a.number(place + 1) : 0)
    let limits = type.limits
    let whole = y.elements.map { value -> Int64 in
      let steps = (value / scale).rounded(.toNearestOrEven) + zero
      return steps.isNaN ? 0 : Int64(Swift.min(limits.upperBound, Swift.max(limits.lowerBound, steps)))
    }
    return try ONNXTensor(Tensor(whole, shape: y.shape), as: type)
  }
}

/// The scale and zero point of `QuantizeLinear` and `DequantizeLinear`: for all, for each place along an axis, or for blocks of them.
struct ONNXScale {
  private let scale: [Double], zero: [Double]?
  private let node: ONNXNode

  init(_ a: ONNXArguments, input shape: [Int]) throws {
    node = a.node
    let own = try a.tensor(1).shape
    let block = a.node.integer("block_size", 0)
    let places: [Int]
    if own.reduce(1, *) == 1 && block == 0 {
      places = Array(repeating: 0, count: shape.reduce(1, *))
    } else {
      let axis = try a.node.axis(a.node.integer("axis", 1), rank: shape.count)
      var wide = shape.map { _ in 1 }
      if block > 0 {
        guard own.count == shape.count,
          own.indices.allSatisfy({ $0 == axis ? own[$0] == (shape[$0] + block - 1) / block : own[$0] == shape[$0] })
        else { throw a.node.invalid("scales of shape \(own) for blocks of \(block) of the shape \(shape)") }
        wide = own
      } else {
        guard own.count == 1, own[0] == shape[axis] else {
          throw a.node.invalid("scales of shape \(own) for axis \(axis) of the shape \(shape)")
        }
        wide[axis] = own[0]
      }
      let (steps, all) = (rowMajorSteps(wide), rowMajorSteps(shape))
      places = (0..<shape.reduce(1, *)).map { place in
        shape.indices.reduce(0) { sum, i in
          let index = place / all[i] % shape[i]
          return sum + (wide[i] == 1 ? 0 : (i == axis && block > 0 ? index / block : index)) * steps[i]
        }
      }
    }
    let scales = try a.doubles(1).elements
    scale = places.map { scales[$0] }
    guard let points = try a.optional(2) else { zero = nil; return }
    guard points.count == scales.count else {
      throw a.node.invalid("\(points.count) zero points for \(scales.count) scales")
    }
    let numbers = try points.doubles().elements
    zero = places.map { numbers[$0] }
  }

  func real(_ x: Tensor<Double>) throws -> Tensor<Double> {
    let centred = zero.map { zero in zip(x.elements, zero).map { $0 - $1 } } ?? x.elements
    return try Tensor(zip(centred, scale).map { $0 * $1 }, shape: x.shape)
  }

  /// - Parameter precision: of the quotients, single precision or less.
  func quantised(
    _ x: Tensor<Double>, as type: ONNXType, from source: ONNXType, precision: ONNXType, saturates: Bool
  ) throws -> ONNXTensor {
    let quotients = zip(x.elements, scale).map { precision.rounded($0 / $1) }
    if type.isReal {
      let shifted = zero.map { zero in zip(quotients, zero).map { $0 + $1 } } ?? quotients
      return try ONNXTensor(
        exact: Tensor(shifted.map { type.rounded($0, saturates: saturates) }, shape: x.shape), as: type)
    }
    guard type.isWhole else { throw node.unsupported("the type \(type)") }
    let limits = type.limits
    let whole = quotients.enumerated().map { i, quotient -> Int64 in
      let steps = quotient.rounded(.toNearestOrEven) + (zero?[i] ?? 0)
      return steps.isNaN ? 0 : Int64(min(limits.upperBound, max(limits.lowerBound, steps)))
    }
    return try ONNXTensor(Tensor(whole, shape: x.shape), as: type)
  }
}
