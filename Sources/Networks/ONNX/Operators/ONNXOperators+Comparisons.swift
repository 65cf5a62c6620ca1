import Tensors

// Truth values, and choices by them.
extension ONNXOperators {
  static let comparisons: [String: Evaluate] = [
    "Equal": one { a in
      let (x, y) = (try a.tensor(0), try a.tensor(1))
      guard x.type == .string || y.type == .string else { return try compare(x, y, a.node, { $0 == $1 }, { $0 == $1 }) }
      let (truths, shape) = try combined(x.strings(), x.shape, y.strings(), y.shape, a.node) { $0 == $1 }
      return try ONNXTensor(truths: truths, shape: shape)
    },
    "Less": comparison({ $0 < $1 }, { $0 < $1 }), "LessOrEqual": comparison({ $0 <= $1 }, { $0 <= $1 }),
    "Greater": comparison({ $0 > $1 }, { $0 > $1 }), "GreaterOrEqual": comparison({ $0 >= $1 }, { $0 >= $1 }),
    "Where": one { a in
      let (condition, x, y) = (try a.tensor(0), try a.tensor(1), try a.tensor(2))
      guard let both = broadcastShape(x.shape, y.shape), let shape = broadcastShape(both, condition.shape) else {
        throw a.node.invalid("the shapes \(condition.shape), \(x.shape) and \(y.shape) do not go together")
      }
      let count = try a.node.checkedCount(shape)
      let truths = try condition.wholes().elements
      if x.type == .float, y.type == .float, condition.shape == shape {
        let mask = try Tensor(truths.map { Float($0) }, shape: shape)
        return ONNXTensor(try Tensor.select(mask, x.floats(), y.floats()))
      }
      let c = broadcastPositions(from: condition.shape, to: shape)
      let (p, q) = (broadcastPositions(from: x.shape, to: shape), broadcastPositions(from: y.shape, to: shape))
      let all = try ONNXTensor.concatenated([x.reshaped([x.count]), y.reshaped([y.count])], axis: 0)
      return try all.taking((0..<count).map { truths[c[$0]] != 0 ? p[$0] : x.count + q[$0] }, shape: shape)
    },
    "Clip": one { a in
      let x = try a.tensor(0)
      guard x.type.isReal || x.type.isWhole else { throw ONNXTypeError(found: x.type, expected: "numbers") }
      if x.type.isWhole { return try clipWhole(a, x) }
      let isOld = a.version < 11
      let low = isOld ? Double(a.node.float("min", -.infinity)) : a.has(1) ? try a.number(1) : -.infinity
      let high = isOld ? Double(a.node.float("max", .infinity)) : a.has(2) ? try a.number(2) : .infinity
      if x.type == .float, low <= high {
        let (low, high) = (Float(low), Float(high))
        return ONNXTensor(try x.floats().eachNumber { $0 < low ? low : $0 > high ? high : $0 })
      }
      // Bounds the wrong way round give the upper one.
      return try mapped(x) { minimum(maximum($0, low), high) }
    },
  ]

  private static func clipWhole(_ a: ONNXArguments, _ x: ONNXTensor) throws -> ONNXTensor {
    func bound(_ place: Int) throws -> Int64? {
      guard a.has(place) else { return nil }
      guard let only = try a.wholes(place).elements.first, try a.tensor(place).count == 1 else {
        throw a.node.invalid("input \(place) has to be one number")
      }
      return only
    }
    let (low, high) = (try bound(1), try bound(2))
    let isUnsigned = x.type == .uint64
    func isLess(_ p: Int64, _ q: Int64) -> Bool {
      isUnsigned ? UInt64(bitPattern: p) < UInt64(bitPattern: q) : p < q
    }
    let clipped = try x.wholes().elements.map { value -> Int64 in
      var value = value
      if let low, isLess(value, low) { value = low }
      if let high, isLess(high, value) { value = high }
      return value
    }
    return try ONNXTensor(Tensor(clipped, shape: x.shape), as: x.type)
  }

  /// Orders, with and without sign, come from the same comparison of doubles where those are exact.
  private static func comparison(
    _ real: @escaping @Sendable (Double, Double) -> Bool, _ whole: @escaping @Sendable (Int64, Int64) -> Bool
  ) -> Evaluate {
    one { a in try compare(a.tensor(0), a.tensor(1), a.node, real, whole) }
  }

  private static func compare(
    _ x: ONNXTensor, _ y: ONNXTensor, _ node: ONNXNode, _ real: (Double, Double) -> Bool,
    _ whole: (Int64, Int64) -> Bool
  ) throws -> ONNXTensor {
    guard x.type == y.type else { throw node.invalid("its inputs have the types \(x.type) and \(y.type)") }
    guard case .wholes(let p) = x.storage, case .wholes(let q) = y.storage else {
      let (truths, shape) = try combined(x.doubles().elements, x.shape, y.doubles().elements, y.shape, node, real)
      return try ONNXTensor(truths: truths, shape: shape)
    }
    // Numbers without sign are in order again when half of the range is taken off.
    let shift: Int64 = x.type == .uint64 ? .min : 0
    let (truths, shape) = try combined(p.elements, x.shape, q.elements, y.shape, node) {
      whole($0 &+ shift, $1 &+ shift)
    }
    return try ONNXTensor(truths: truths, shape: shape)
  }
}
