import Tensors

// What operators without stored weights cost digital logic, and why they are there.
extension ONNXOperators {
  /// Those that only move numbers, or hold them.
  private static let moving: Set<String> = [
    "Constant", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Concat", "Split", "Slice", "Shape", "Size",
    "ConstantOfShape", "Expand", "Tile", "Pad", "Range", "Identity", "Dropout", "Cast", "Gather", "GatherElements",
    "GatherND",
  ]
  /// Operations for each number of the first input.
  private static let reducing: [String: Int] = [
    "ReduceSum": 1, "ReduceMean": 1, "ReduceMax": 1, "ReduceMin": 1, "ReduceProd": 1, "ReduceL1": 2, "ReduceL2": 2,
    "ArgMax": 1, "ArgMin": 1, "CumSum": 1, "GlobalAveragePool": 1, "GlobalMaxPool": 1,
    "Softmax": DigitalWork.softmax, "LogSoftmax": DigitalWork.softmax,
  ]
  private static let normalising: Set<String> = [
    "InstanceNormalization", "GroupNormalization", "LayerNormalization",
  ]
  private static let multiplying: Set<String> = ["MatMul", "Gemm", "Einsum"]

  /// - Parameter isConstant: whether any input is.
  static func reason(_ node: ONNXNode, isConstant: Bool) -> String {
    switch node.kind {
    case _ where multiplying.contains(node.kind) && !isConstant: "all its factors are computed"
    case "Einsum": "not one product with a constant matrix"
    case _ where multiplying.contains(node.kind): "its constant is not one matrix"
    case _ where moving.contains(node.kind): "only moves numbers"
    case _ where normalising.contains(node.kind): "statistics of computed numbers"
    case "MaxPool", "AveragePool", "Resize": "a window over one channel, without weights"
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
    case "MaxPool", "AveragePool":
      return DigitalWork(operations: made * (a.node.integers("kernel_shape") ?? []).reduce(1, *))
    case "Resize":
      // Four neighbours of each number, weighted.
      return DigitalWork(multiplyAccumulates: a.node.text("mode", "nearest") == "linear" ? 4 * made : 0)
    case "MatMul", "Gemm", "Einsum": return product(a, made)
    case "BatchNormalization": return DigitalWork(operations: 2 * made)
    case "ScatterElements", "ScatterND": return DigitalWork(operations: given(2))
    case "Max", "Min", "Sum", "Mean": return DigitalWork(operations: max(1, a.count - 1) * made)
    default: return DigitalWork(operations: made)
    }
  }

  private static func product(_ a: ONNXArguments, _ made: Int) -> DigitalWork {
    let shapes = (0..<min(2, a.count)).compactMap { try? a.tensor($0).shape }
    let numbers = shapes.map { $0.reduce(1, *) } + [made]
    switch a.node.kind {
    case "Einsum":
      // One product for each value of all letters together.
      let terms = a.node.text("equation", "").filter { $0 != " " }.prefix { $0 != "-" }.split(
        separator: ",", omittingEmptySubsequences: false)
      var extents: [Character: Int] = [:]
      for (term, shape) in zip(terms, shapes) { for (letter, extent) in zip(term, shape) { extents[letter] = extent } }
      return .product(extents.values.reduce(1, *), numbers)
    case "Gemm":
      let inner = shapes.first?[a.node.integer("transA", 0) == 0 ? 1 : 0] ?? 0
      var work = DigitalWork.product(made * inner, numbers)
      work.operations = a.has(2) ? made : 0
      return work
    default: return .product(made * (shapes.first?.last ?? 0), numbers)
    }
  }
}
