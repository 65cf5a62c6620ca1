import Tensors

// Shapes as numbers, and tensors made of them.
extension ONNXOperators {
  static let shapes: [String: Evaluate] = [
    "Constant": one(evaluateConstant),
    "Shape": one { a in
      let shape = try a.tensor(0).shape
      func bound(_ attribute: String, _ standard: Int) -> Int {
        let value = a.node.integer(attribute, standard)
        return Swift.min(shape.count, Swift.max(0, value < 0 ? value &+ shape.count : value))
      }
      let (start, end) = (bound("start", 0), bound("end", shape.count))
      return try ONNXTensor(wholes: start < end ? Array(shape[start..<end]) : [])
    },
    "Size": one { a in try ONNXTensor(wholes: [a.tensor(0).count], shape: []) },
    "ConstantOfShape": one { a in
      let shape = try a.integers(0)
      let count = try a.node.checkedCount(shape)
      let value = try a.node.tensor("value") ?? ONNXTensor(Tensor([Float(0)]))
      guard value.count == 1 else { throw a.node.invalid("its value has \(value.count) numbers") }
      return try value.reshaped([1]).taking(Array(repeating: 0, count: count), shape: shape)
    },
    "Range": one(evaluateRange),
    "EyeLike": one { a in
      let x = try a.tensor(0)
      guard x.rank == 2 else { throw a.node.invalid("its input has the shape \(x.shape)") }
      let shift = a.node.integer("k", 0)
      let ones = stridedPositions(extents: x.shape, steps: [x.shape[1], 1]).map { place in
        let (row, column) = (place / Swift.max(1, x.shape[1]), place % Swift.max(1, x.shape[1]))
        return column.subtractingReportingOverflow(row).partialValue == shift ? 1.0 : 0
      }
      return try made(ones, shape: x.shape, as: a.node.type("dtype", x.type))
    },
    "Identity": { [try $0.value(0)] },
    "Dropout": evaluateDropout,
    "Reshape": one(evaluateReshape),
    "Flatten": one { a in
      let x = try a.tensor(0)
      let axis = a.node.integer("axis", 1)
      let place = axis < 0 ? axis &+ x.rank : axis
      guard (0...x.rank).contains(place) else { throw a.node.invalid("axis \(axis) is outside the rank \(x.rank)") }
      return try x.reshaped([x.shape[..<place].reduce(1, *), x.shape[place...].reduce(1, *)])
    },
    "Squeeze": one { a in
      let x = try a.tensor(0)
      let given = try a.list(1, attribute: "axes")
      let axes = try given.map { try a.node.axes($0, rank: x.rank) } ?? x.shape.indices.filter { x.shape[$0] == 1 }
      if let wide = axes.first(where: { x.shape[$0] != 1 }) {
        throw a.node.invalid("axis \(wide) has the extent \(x.shape[wide])")
      }
      return try x.reshaped(x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] })
    },
    "Unsqueeze": one { a in
      let x = try a.tensor(0)
      guard let given = try a.list(1, attribute: "axes") else { throw a.node.invalid("it has no axes") }
      let axes = try a.node.axes(given, rank: x.rank + given.count)
      var rest = x.shape[...]
      return try x.reshaped((0..<x.rank + axes.count).map { axes.contains($0) ? 1 : rest.removeFirst() })
    },
  ]

  /// Numbers of any type from doubles that it holds.
  static func made(_ numbers: [Double], shape: [Int], as type: ONNXType) throws -> ONNXTensor {
    if type.isReal { return try ONNXTensor(Tensor(numbers, shape: shape), as: type) }
    return try ONNXTensor(Tensor(numbers.map(type.truncated), shape: shape), as: type)
  }

  private static func evaluateConstant(_ a: ONNXArguments) throws -> ONNXTensor {
    let node = a.node
    guard node.attributeNames.count == 1 else {
      throw node.invalid("it has the attributes \(node.attributeNames), expected one value")
    }
    if let tensor = try node.tensor("value") ?? node.tensor("sparse_value") { return tensor }
    if node.has("value_float") { return ONNXTensor(try Tensor(node.float("value_float", 0))) }
    if let list = node.floats("value_floats") { return ONNXTensor(try Tensor(list)) }
    if node.has("value_int") { return try ONNXTensor(wholes: [node.integer("value_int", 0)], shape: []) }
    if node.has("value_ints"), let list = node.integers("value_ints") { return try ONNXTensor(wholes: list) }
    if node.has("value_string") { return try ONNXTensor(strings: [node.text("value_string", "")], shape: []) }
    if let list = node.texts("value_strings") { return try ONNXTensor(strings: list, shape: [list.count]) }
    throw node.invalid("it has no value")
  }

  private static func evaluateRange(_ a: ONNXArguments) throws -> ONNXTensor {
    let type = try a.tensor(0).type
    try a.checkSameTypes(0..<3)
    if type.isWhole {
      let (start, limit, delta) = (try a.integer(0), try a.integer(1), try a.integer(2))
      guard delta != 0 else { throw a.node.invalid("its step is 0") }
      let span = Double(limit) - Double(start)
      let count = try a.node.checkedCount([Int(Swift.min(0x1p40, Swift.max(0, (span / Double(delta)).rounded(.up))))])
      return try ONNXTensor(wholes: (0..<count).map { start &+ $0 &* delta }, as: type)
    }
    let (start, limit, delta) = (try a.number(0), try a.number(1), try a.number(2))
    let steps = ((limit - start) / delta).rounded(.up)
    guard delta != 0, steps.isFinite else { throw a.node.invalid("it goes from \(start) to \(limit) by \(delta)") }
    let count = try a.node.checkedCount([Int(Swift.min(0x1p40, Swift.max(0, steps)))])
    if type == .float {
      let (first, step) = (Float(start), Float(delta))
      return ONNXTensor(try Tensor((0..<count).map { first + Float($0) * step }))
    }
    return try ONNXTensor(Tensor((0..<count).map { start + Double($0) * delta }), as: type)
  }

  /// Off, as in inference. Where a model trains, the mask is drawn from its seed.
  private static func evaluateDropout(_ a: ONNXArguments) throws -> [ONNXValue?] {
    let x = try a.tensor(0)
    let trains = a.version >= 12 && a.has(2) ? try a.wholes(2).elements.first == 1 : false
    let ratio = a.version >= 12 && a.has(1) ? try a.number(1) : 0.5
    if trains && ratio > 0 { throw a.node.unsupported("training, in which numbers are dropped") }
    let mask = try ONNXTensor(truths: Array(repeating: true, count: x.count), shape: x.shape)
    // Before version 10 the mask had the type of the input.
    return [
      .tensor(x),
      .tensor(a.version < 10 ? try made(Array(repeating: 1, count: x.count), shape: x.shape, as: x.type) : mask),
    ]
  }

  private static func evaluateReshape(_ a: ONNXArguments) throws -> ONNXTensor {
    let x = try a.tensor(0)
    var shape = try a.integers(1)
    let keepsZeros = a.node.flag("allowzero")
    for (i, extent) in shape.enumerated() where extent == 0 && !keepsZeros {
      guard i < x.rank else { throw a.node.invalid("extent \(i) of \(shape) is to be that of \(x.shape)") }
      shape[i] = x.shape[i]
    }
    guard shape.allSatisfy({ $0 >= -1 }), shape.count(where: { $0 == -1 }) <= 1 else {
      throw a.node.invalid("its shape is \(shape)")
    }
    let known = shape.filter { $0 != -1 }.reduce(1.0) { $0 * Double($1) }
    if let open = shape.firstIndex(of: -1) {
      guard known > 0, known <= Double(x.count) || x.count == 0, x.count % Int(known) == 0 else {
        throw a.node.invalid("\(x.shape) cannot become \(shape)")
      }
      shape[open] = x.count / Int(known)
    }
    guard shape.reduce(1.0, { $0 * Double($1) }) == Double(x.count) else {
      throw a.node.invalid("\(x.shape) cannot become \(shape)")
    }
    return try x.reshaped(shape)
  }
}
