import Tensors

extension ONNXOperators {
  private static func reduction(
    _ function: @escaping @Sendable (Tensor<Float>, [Int], Bool) throws -> Tensor<Float>
  ) -> Evaluate {
    { a in
      let x = try a.floats(0)
      let given = try a.list(1, attribute: "axes") ?? []
      if given.isEmpty, a.node.integer("noop_with_empty_axes", 0) != 0 { return [.floats(x)] }
      let axes = try given.isEmpty ? Array(0..<x.rank) : given.map { try a.node.axis($0, rank: x.rank) }
      return [.floats(try function(x, axes, a.node.integer("keepdims", 1) != 0))]
    }
  }

  private static func extreme(_ function: @escaping @Sendable (Tensor<Float>, Int) throws -> Tensor<Int32>) -> Evaluate
  {
    { a in
      let x = try a.floats(0)
      let axis = try a.node.axis(a.node.integer("axis", 0), rank: x.rank)
      let index = try function(x, axis)
      var shape = x.shape
      if a.node.integer("keepdims", 1) != 0 { shape[axis] = 1 } else { shape.remove(at: axis) }
      return [ONNXValue(integers: index.elements.map(Int.init), shape: shape)]
    }
  }

  private static func normalised(_ function: @escaping @Sendable (Tensor<Float>, Int) throws -> Tensor<Float>)
    -> Evaluate
  {
    { a in
      let x = try a.floats(0)
      return [.floats(try function(x, a.node.axis(a.node.integer("axis", -1), rank: x.rank)))]
    }
  }

  /// One number for each channel, to go with `[batch, channels, extents…]`.
  private static func perChannel(_ x: Tensor<Float>, rank: Int) throws -> Tensor<Float> {
    try x.reshaped([x.count] + Array(repeating: 1, count: rank - 2))
  }

  static let reductions: [String: Evaluate] = [
    "ReduceSum": reduction { try $0.sum(axes: $1, keepingAxes: $2) },
    "ReduceMean": reduction { try $0.mean(axes: $1, keepingAxes: $2) },
    "ReduceMax": reduction { try $0.max(axes: $1, keepingAxes: $2) },
    "ReduceMin": reduction { try $0.min(axes: $1, keepingAxes: $2) },
    "ReduceProd": reduction { try $0.product(axes: $1, keepingAxes: $2) },
    "ReduceL2": reduction { try $0.squared().sum(axes: $1, keepingAxes: $2).squareRoot() },
    "ReduceL1": reduction { try $0.magnitude().sum(axes: $1, keepingAxes: $2) },
    "ArgMax": extreme { try $0.indexOfMax(axis: $1) }, "ArgMin": extreme { try $0.indexOfMin(axis: $1) },
    "Softmax": normalised { try $0.softmax(axis: $1) }, "LogSoftmax": normalised { try $0.logSoftmax(axis: $1) },
    "CumSum": evaluateCumSum,
    "MatMul": { a in [.floats(try matmul(a.floats(0), a.floats(1)))] },
    "Gemm": evaluateGemm,
    "Einsum": evaluateEinsum,
    "BatchNormalization": evaluateBatchNormalization,
    "InstanceNormalization": evaluateInstanceNormalization,
    "GroupNormalization": evaluateGroupNormalization,
    "LayerNormalization": evaluateLayerNormalization,
  ]

  private static func evaluateCumSum(_ a: ONNXArguments) throws -> [ONNXValue] {
    guard a.node.integer("exclusive", 0) == 0 else {
      throw ONNXError.unsupportedFeature("an exclusive sum", node: a.node.name)
    }
    let x = try a.floats(0)
    let axis = try a.node.axis(a.integers(1).elements.first ?? 0, rank: x.rank)
    return [.floats(try x.cumulativeSum(axis: axis, reversed: a.node.integer("reverse", 0) != 0))]
  }

  private static func evaluateGemm(_ a: ONNXArguments) throws -> [ONNXValue] {
    let product = try matmul(
      a.floats(0), a.floats(1), transposingA: a.node.integer("transA", 0) != 0,
      transposingB: a.node.integer("transB", 0) != 0)
    var y = try product * a.node.float("alpha", 1)
    if a.optional(2) != nil { y = try y + a.floats(2) * a.node.float("beta", 1) }
    return [.floats(y)]
  }

  private static func evaluateEinsum(_ a: ONNXArguments) throws -> [ONNXValue] {
    let equation = a.node.text("equation", "")
    switch a.count {
    case 1: return [.floats(try einsum(equation, a.floats(0)))]
    case 2: return [.floats(try einsum(equation, a.floats(0), a.floats(1)))]
    default: throw ONNXError.unsupportedFeature("more than two operands", node: a.node.name)
    }
  }

  private static func evaluateBatchNormalization(_ a: ONNXArguments) throws -> [ONNXValue] {
    guard a.node.integer("training_mode", 0) == 0 else {
      throw ONNXError.unsupportedFeature("batch statistics of training", node: a.node.name)
    }
    let x = try a.floats(0)
    guard x.rank >= 2 else { throw a.node.invalid("its input has the shape \(x.shape)") }
    // One factor and one shift for each channel, which also serve inputs without extents.
    let factor = try a.floats(1) * (a.floats(4) + a.node.float("epsilon", 1e-5)).reciprocalSquareRoot()
    let shift = try a.floats(2) - a.floats(3) * factor
    return [.floats(try x * perChannel(factor, rank: x.rank) + perChannel(shift, rank: x.rank))]
  }

  private static func evaluateInstanceNormalization(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.floats(0)
    guard x.rank >= 3 else { throw a.node.invalid("its input has the shape \(x.shape)") }
    let y = try x.groupNormalised(groups: x.shape[1], epsilon: a.node.float("epsilon", 1e-5))
    return [.floats(try y * perChannel(a.floats(1), rank: x.rank) + perChannel(a.floats(2), rank: x.rank))]
  }

  private static func evaluateGroupNormalization(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.floats(0)
    guard x.rank >= 3 else { throw a.node.invalid("its input has the shape \(x.shape)") }
    let y = try x.groupNormalised(groups: a.node.integer("num_groups", 1), epsilon: a.node.float("epsilon", 1e-5))
    guard try a.floats(1).count == x.shape[1] else {
      throw ONNXError.unsupportedFeature("one scale for each group (operator set 18)", node: a.node.name)
    }
    return [.floats(try y * perChannel(a.floats(1), rank: x.rank) + perChannel(a.floats(2), rank: x.rank))]
  }

  private static func evaluateLayerNormalization(_ a: ONNXArguments) throws -> [ONNXValue] {
    let x = try a.floats(0)
    let axis = try a.node.axis(a.node.integer("axis", -1), rank: x.rank)
    var y = try x.rowNormalised(axes: x.rank - axis, epsilon: a.node.float("epsilon", 1e-5)) * a.floats(1)
    if a.optional(2) != nil { y = try y + a.floats(2) }
    return [.floats(y)]
  }
}
