import Tensors

// Elements by their indices.
extension ONNXOperators {
  static let indexing: [String: Evaluate] = [
    "Gather": one { a in
      let (x, index) = (try a.tensor(0), try a.tensor(1))
      let axis = try a.node.axis(a.node.integer("axis", 0), rank: x.rank)
      let shape = Array(x.shape[..<axis]) + index.shape + Array(x.shape[(axis + 1)...])
      try a.node.checkedCount(shape)
      let rows = try Tensor(places(a.integers(1), extent: x.shape[axis], a.node).map { Int32($0) })
      return try x.moved { try $0.selecting(rows, axis: axis) }.reshaped(shape)
    },
    "GatherElements": one { a in
      let (x, index) = (try a.tensor(0), try a.tensor(1))
      let axis = try a.node.axis(a.node.integer("axis", 0), rank: x.rank)
      return try x.taking(elementPlaces(x.shape, index, axis, a.node), shape: index.shape)
    },
    "GatherND": one(evaluateGatherND),
    "Scatter": one(evaluateScatterElements), "ScatterElements": one(evaluateScatterElements),
    "ScatterND": one(evaluateScatterND),
    "TensorScatter": one(evaluateTensorScatter),
    "OneHot": one { a in
      let index = try a.doubles(0)
      let values = try a.tensor(2)
      let depth = try a.doubles(1).elements.first ?? 0
      let axis = a.node.integer("axis", -1)
      let place = axis < 0 ? axis &+ index.rank + 1 : axis
      guard values.count == 2, (0...index.rank).contains(place), (0...0x1p31).contains(depth) else {
        throw a.node.invalid("axis \(axis), depth \(depth) and \(values.count) values for the shape \(index.shape)")
      }
      var shape = index.shape
      shape.insert(Int(depth), at: place)
      try a.node.checkedCount(shape)
      let indices = index.elements
      let inner = shape[(place + 1)...].reduce(1, *)
      let positions = (0..<shape.reduce(1, *)).map { flat -> Int in
        let (column, rest) = (flat / inner % Int(depth), flat % inner)
        let wanted = indices[flat / (inner * Int(depth)) * inner + rest]
        return (wanted < 0 ? wanted + depth : wanted) == Double(column) ? 1 : 0
      }
      return try values.reshaped([2]).taking(positions, shape: shape)
    },
  ]

  /// Indices counted from the front, checked.
  static func places(_ index: [Int], extent: Int, _ node: ONNXNode) throws -> [Int] {
    try index.map { i in
      let place = i < 0 ? i &+ extent : i
      guard (0..<extent).contains(place) else { throw node.invalid("the index \(i) is outside the extent \(extent)") }
      return place
    }
  }

  /// Row-major positions in `shape` of elements whose index along one axis is given.
  private static func elementPlaces(
    _ shape: [Int], _ index: ONNXTensor, _ axis: Int, _ node: ONNXNode
  ) throws -> [Int] {
    guard index.rank == shape.count, shape.indices.allSatisfy({ $0 == axis || index.shape[$0] <= shape[$0] }) else {
      throw node.invalid("indices of shape \(index.shape) for the shape \(shape)")
    }
    var steps = rowMajorSteps(shape)
    let step = steps[axis]
    steps[axis] = 0
    let bases = stridedPositions(extents: index.shape, steps: steps)
    let found = try places(index.wholes().elements.map { Int($0) }, extent: shape[axis], node)
    return zip(bases, found).map { $0 + $1 * step }
  }

  /// Row-major positions of slices in `shape` that rows of an index name, and the shape that the rows have.
  private static func slicePlaces(
    _ shape: ArraySlice<Int>, _ index: ONNXTensor, _ node: ONNXNode
  ) throws -> (places: [Int], inner: Int, depth: Int) {
    guard let depth = index.shape.last, (1...Swift.max(1, shape.count)).contains(depth), !shape.isEmpty else {
      throw node.invalid("indices of shape \(index.shape) for the shape \(Array(shape))")
    }
    let extents = Array(shape.prefix(depth))
    let inner = shape.dropFirst(depth).reduce(1, *)
    let numbers = try index.wholes().elements.map { Int($0) }
    let found = try stride(from: 0, to: numbers.count, by: depth).map { start in
      try extents.indices.reduce(0) { place, axis in
        try place * extents[axis] + places([numbers[start + axis]], extent: extents[axis], node)[0]
      }
    }
    return (found, inner, depth)
  }

  private static func evaluateGatherND(_ a: ONNXArguments) throws -> ONNXTensor {
    let (x, index) = (try a.tensor(0), try a.tensor(1))
    let batches = a.node.integer("batch_dims", 0)
    guard batches >= 0, batches < Swift.min(x.rank, index.rank), x.shape[..<batches] == index.shape[..<batches] else {
      throw a.node.invalid("batch_dims is \(batches) for the shapes \(x.shape) and \(index.shape)")
    }
    let (slices, inner, depth) = try slicePlaces(x.shape[batches...], index, a.node)
    let each = x.shape[batches...].reduce(1, *)
    let perBatch = index.shape[batches...].dropLast().reduce(1, *)
    let shape = Array(index.shape.dropLast()) + x.shape[(batches + depth)...]
    try a.node.checkedCount(shape)
    let positions = slices.enumerated().flatMap { i, slice in
      let start = i / Swift.max(1, perBatch) * each + slice * inner
      return start..<start + inner
    }
    return try x.taking(positions, shape: shape)
  }

  /// `x` with numbers put at places, or joined with what is there, in their order.
  static func scattered(
    _ x: ONNXTensor, _ updates: ONNXTensor, at places: [Int], _ reduction: String, _ node: ONNXNode
  ) throws -> ONNXTensor {
    guard x.type == updates.type else { throw node.invalid("its inputs have the types \(x.type) and \(updates.type)") }
    if reduction == "none" {
      var from = Array(0..<x.count)
      for (i, place) in places.enumerated() { from[place] = x.count + i }
      return try ONNXTensor.concatenated([x.reshaped([x.count]), updates.reshaped([updates.count])], axis: 0)
        .taking(from, shape: x.shape)
    }
    if x.type.isReal {
      var numbers = try x.doubles().elements
      let function: (Double, Double) -> Double =
        switch reduction {
        case "add": { $0 + $1 }
        case "mul": { $0 * $1 }
        case "max": maximum
        default: minimum
        }
      for (place, update) in zip(places, try updates.doubles().elements) {
        numbers[place] = x.type.rounded(function(numbers[place], update))
      }
      return try ONNXTensor(Tensor(numbers, shape: x.shape), as: x.type)
    }
    var numbers = try x.wholes().elements
    let isOdd = x.type == .uint64
    func isLess(_ p: Int64, _ q: Int64) -> Bool { isOdd ? UInt64(bitPattern: p) < UInt64(bitPattern: q) : p < q }
    for (place, update) in zip(places, try updates.wholes().elements) {
      let old = numbers[place]
      switch reduction {
      case "add": numbers[place] = old &+ update
      case "mul": numbers[place] = old &* update
      case "max": numbers[place] = isLess(old, update) ? update : old
      default: numbers[place] = isLess(update, old) ? update : old
      }
    }
    return try ONNXTensor(Tensor(numbers, shape: x.shape), as: x.type)
  }

  private static let joining = ["none", "add", "mul", "max", "min"]

  private static func evaluateScatterElements(_ a: ONNXArguments) throws -> ONNXTensor {
    let (x, index, updates) = (try a.tensor(0), try a.tensor(1), try a.tensor(2))
    let axis = try a.node.axis(a.node.integer("axis", 0), rank: x.rank)
    guard updates.shape == index.shape else {
      throw a.node.invalid("updates of shape \(updates.shape) for indices of shape \(index.shape)")
    }
    let places = try elementPlaces(x.shape, index, axis, a.node)
    return try scattered(x, updates, at: places, a.node.word("reduction", joining), a.node)
  }

  private static func evaluateScatterND(_ a: ONNXArguments) throws -> ONNXTensor {
    let (x, index, updates) = (try a.tensor(0), try a.tensor(1), try a.tensor(2))
    let (slices, inner, depth) = try slicePlaces(x.shape[...], index, a.node)
    guard updates.shape == Array(index.shape.dropLast()) + x.shape[depth...] else {
      throw a.node.invalid("updates of shape \(updates.shape) for indices of shape \(index.shape)")
    }
    let places = slices.flatMap { $0 * inner..<$0 * inner + inner }
    return try scattered(x, updates, at: places, a.node.word("reduction", joining), a.node)
  }

  /// New keys and values written into a cache of them.
  private static func evaluateTensorScatter(_ a: ONNXArguments) throws -> ONNXTensor {
    let (x, updates) = (try a.tensor(0), try a.tensor(1))
    let axis = try a.node.axis(a.node.integer("axis", -2), rank: x.rank)
    let isCircular = try a.node.word("mode", ["linear", "circular"]) == "circular"
    guard axis > 0, updates.rank == x.rank,
      x.shape.indices.allSatisfy({ $0 == axis ? updates.shape[$0] <= x.shape[$0] : updates.shape[$0] == x.shape[$0] })
    else { throw a.node.invalid("updates of shape \(updates.shape) for the shape \(x.shape)") }
    let starts = a.has(2) ? try a.integers(2) : Array(repeating: 0, count: x.shape[0])
    guard starts.count == x.shape[0] else { throw a.node.invalid("\(starts.count) indices for \(x.shape[0]) samples") }
    let steps = rowMajorSteps(x.shape)
    let own = rowMajorSteps(updates.shape)
    let places = try (0..<updates.count).map { flat -> Int in
      var place = 0
      for i in x.shape.indices {
        var index = flat / own[i] % updates.shape[i]
        if i == axis {
          index = index &+ starts[flat / own[0]]
          if isCircular { index = (index % x.shape[i] + x.shape[i]) % x.shape[i] }
          guard (0..<x.shape[i]).contains(index) else { throw a.node.invalid("it writes beyond the end of its cache") }
        }
        place += index * steps[i]
      }
      return place
    }
    return try scattered(x, updates, at: places, "none", a.node)
  }
}
