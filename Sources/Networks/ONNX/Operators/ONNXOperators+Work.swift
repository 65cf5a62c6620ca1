import Tensors

// What operators without stored weights cost digital logic, and why they are there.
extension ONNXOperators {
  /// Those that only move numbers, or hold them.
  private static let moving: Set<String> = [
    "Constant", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Concat", "Split", "Slice", "Shape", "Size",
    "ConstantOfShape", "Expand", "Tile", "Pad", "Range", "Identity", "Dropout", "Cast", "CastLike", "BitCast", "Gather",
    "GatherElements", "GatherND", "DepthToSpace", "SpaceToDepth", "Trilu", "ReverseSequence", "CenterCropPad",
    "EyeLike",
    "TensorScatter", "Scatter", "SequenceConstruct", "SequenceEmpty", "SequenceLength", "SequenceAt", "SequenceInsert",
    "SequenceErase", "ConcatFromSequence", "SplitToSequence", "Optional", "OptionalHasElement", "OptionalGetElement",
    "MaxUnpool", "Compress", "OneHot", "NonZero", "QLinearConcat", "QLinearWhere", "If", "Loop", "Scan", "SequenceMap",
  ]
  /// Operations for each number of the first input.
  private static let reducing: [String: Int] = [
    "ReduceSum": 1, "ReduceMean": 1, "ReduceMax": 1, "ReduceMin": 1, "ReduceProd": 1, "ReduceL1": 2, "ReduceL2": 2,
    "ReduceSumSquare": 2, "ReduceLogSum": 1, "ReduceLogSumExp": 2, "ArgMax": 1, "ArgMin": 1, "CumSum": 1, "CumProd": 1,
    "GlobalAveragePool": 1, "GlobalMaxPool": 1, "GlobalLpPool": 2, "TopK": 1, "Unique": 1,
    "QLinearGlobalAveragePool": 1,
    "NegativeLogLikelihoodLoss": 1, "SoftmaxCrossEntropyLoss": DigitalWork.softmax,
    "Softmax": DigitalWork.softmax, "LogSoftmax": DigitalWork.softmax, "Hardmax": 1,
    "QLinearSoftmax": DigitalWork.softmax,
  ]
  private static let normalising: Set<String> = [
    "InstanceNormalization", "GroupNormalization", "LayerNormalization", "RMSNormalization",
    "MeanVarianceNormalization",
    "LpNormalization", "LRN",
  ]
  private static let windows: Set<String> = ["MaxPool", "AveragePool", "LpPool", "QLinearAveragePool"]
  private static let multiplying: Set<String> = [
    "MatMul", "Gemm", "Einsum", "FusedMatMul", "QLinearMatMul", "QGemm", "MatMulInteger",
  ]
  private static let convolving: Set<String> = ["Conv", "ConvTranspose", "QLinearConv", "ConvInteger"]
  private static let attending: Set<String> = ["Attention", "LinearAttention"]
  private static let recurring: Set<String> = ["LSTM", "GRU", "RNN"]

  /// - Parameter isConstant: whether any input is.
  static func reason(_ node: ONNXNode, isConstant: Bool) -> String {
    switch node.kind {
    case _ where multiplying.contains(node.kind) && !isConstant: "all its factors are computed"
    case "Einsum": "no product with a constant matrix"
    case _ where multiplying.contains(node.kind): "its constant is no matrix of real numbers"
    case _ where convolving.contains(node.kind) && !isConstant: "its weights are computed"
    case _ where convolving.contains(node.kind): "its constant is no set of kernels for up to three axes"
    case _ where attending.contains(node.kind): "all its factors are computed"
    case _ where recurring.contains(node.kind): "its cell has options that only logic has, or computed weights"
    case "CausalConvWithState": "a short window over one channel"
    case _ where moving.contains(node.kind): "only moves numbers"
    case _ where normalising.contains(node.kind): "statistics of computed numbers"
    case _ where windows.contains(node.kind), "Resize", "Upsample": "a window over one channel, without weights"
    case "BatchNormalization": "one factor and one shift for each channel, no sum of products"
    case _ where reducing[node.kind] != nil: "sums or compares computed numbers"
    default: "works on single numbers"
    }
  }

  static func work(_ a: ONNXArguments, _ results: [ONNXValue?]) -> DigitalWork {
    let kind = a.node.kind
    func count(_ value: ONNXValue?) -> Int { if case .tensor(let tensor)? = value { tensor.count } else { 0 } }
    func given(_ place: Int) -> Int { place < a.count ? count(a.values[place]) : 0 }
    let made = count(results.first.flatMap { $0 })
    switch kind {
    case _ where moving.contains(kind): return DigitalWork()
    case _ where reducing[kind] != nil: return DigitalWork(operations: (reducing[kind] ?? 1) * given(0))
    case _ where normalising.contains(kind): return DigitalWork(operations: DigitalWork.normalisation * given(0))
    case _ where windows.contains(kind):
      let window = (a.node.integers("kernel_shape") ?? []).reduce(1.0) { $0 * Double($1) }
      return DigitalWork(operations: Int(min(0x1p60, Double(made) * window)))
    case "Resize", "Upsample":
      // Two or four neighbours along each axis of an image, weighted.
      let neighbours = ["linear": 4, "cubic": 16][a.node.text("mode", "nearest")] ?? 0
      return DigitalWork(multiplyAccumulates: neighbours * made)
    case _ where multiplying.contains(kind) || convolving.contains(kind) || attending.contains(kind):
      return product(a, made)
    case _ where recurring.contains(kind): return recurrence(a)
    case "CausalConvWithState": return DigitalWork(multiplyAccumulates: made * (shape(a, 1).last ?? 0))
    case "BatchNormalization": return DigitalWork(operations: 2 * made)
    case "ScatterElements", "ScatterND": return DigitalWork(operations: given(2))
    case "Max", "Min", "Sum", "Mean": return DigitalWork(operations: max(1, a.count - 1) * made)
    default: return DigitalWork(operations: made)
    }
  }

  private static func shape(_ a: ONNXArguments, _ place: Int) -> [Int] { (try? a.tensor(place).shape) ?? [] }

  /// One product of all gates with inputs and states for each step.
  private static func recurrence(_ a: ONNXArguments) -> DigitalWork {
    let (x, w, r) = (shape(a, 0), shape(a, 1), shape(a, 2))
    guard x.count == 3, w.count == 3, r.count == 3 else { return DigitalWork() }
    let each = w[0] * w[1] * (w[2] + r[2])
    return DigitalWork(operations: 5 * x[0] * x[1] * w[0] * w[1], multiplyAccumulates: x[0] * x[1] * each)
  }

  private static func product(_ a: ONNXArguments, _ made: Int) -> DigitalWork {
    let isQuantised = a.node.kind.hasPrefix("Q")
    let shapes = [shape(a, 0), shape(a, isQuantised ? 3 : 1)]
    let numbers = shapes.map { $0.reduce(1, *) } + [made]
    switch a.node.kind {
    case "Einsum":
      // One product for each value of all letters together.
      let terms = a.node.text("equation", "").filter { $0 != " " }.prefix { $0 != "-" }.split(
        separator: ",", omittingEmptySubsequences: false)
      var extents: [Character: Int] = [:]
      for (term, shape) in zip(terms, shapes) { for (letter, extent) in zip(term, shape) { extents[letter] = extent } }
      return .product(extents.values.reduce(1, *), numbers)
    case "Gemm", "QGemm":
      let inner = shapes[0].count == 2 ? shapes[0][a.node.flag("transA") ? 0 : 1] : 0
      var work = DigitalWork.product(made * inner, numbers)
      work.operations = a.has(isQuantised ? 6 : 2) ? made : 0
      return work
    case "Conv", "QLinearConv", "ConvInteger": return .product(made * shapes[1].dropFirst().reduce(1, *), numbers)
    case "ConvTranspose": return .product(shapes[0].reduce(1, *) * shapes[1].dropFirst().reduce(1, *), numbers)
    case "Attention", "LinearAttention":
      // Scores and their weighted sums: each query with each key.
      let keys = shapes[1].count > 2 ? shapes[1][shapes[1].count - 2] : 0
      return .product(2 * keys * shapes[0].reduce(1, *), numbers)
    default: return .product(made * (shapes[0].last ?? 0), numbers)
    }
  }
}
