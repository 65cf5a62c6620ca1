import Tensors

// Elements chosen by their values.
extension ONNXOperators {
  static let selection: [String: Evaluate] = [
    "NonZero": one { a in
      let x = try a.tensor(0)
      let isSet = try x.doubles().elements.map { $0 != 0 }
      let steps = rowMajorSteps(x.shape)
      let found = isSet.indices.filter { isSet[$0] }
      // A single number has one axis here.
      let axes = x.rank == 0 ? [0] : Array(x.shape.indices)
      let indices = axes.flatMap { axis in found.map { x.rank == 0 ? 0 : $0 / steps[axis] % x.shape[axis] } }
      return try ONNXTensor(wholes: indices, shape: [axes.count, found.count])
    },
    "Compress": one { a in
      var x = try a.tensor(0)
      let condition = try a.wholes(1).elements
      let axis = try a.node.has("axis") ? a.node.axis(a.node.integer("axis", 0), rank: x.rank) : 0
      if !a.node.has("axis") { x = try x.reshaped([x.count]) }
      guard condition.count <= x.shape[axis] else {
        throw a.node.invalid("\(condition.count) conditions for the extent \(x.shape[axis])")
      }
      let rows = try Tensor(condition.indices.filter { condition[$0] != 0 }.map { Int32($0) })
      return try x.moved { try $0.selecting(rows, axis: axis) }
    },
    "ArgMax": one { a in try extreme(a, isLarger: true) },
    "ArgMin": one { a in try extreme(a, isLarger: false) },
    "TopK": evaluateTopK,
    "Unique": evaluateUnique,
  ]

  /// Lines of a tensor along one axis: how many lie before and after it.
  struct Lines {
    let outer: Int, extent: Int, inner: Int
    init(_ shape: [Int], axis: Int) {
      (outer, extent) = (shape[..<axis].reduce(1, *), shape[axis])
      inner = shape[(axis + 1)...].reduce(1, *)
    }
    /// Row-major positions of the first element of every line.
    var starts: [Int] { (0..<outer).flatMap { o in (0..<inner).map { o * extent * inner + $0 } } }
  }

  /// Numbers as ones that compare as they do: whole ones of 64 bits would lose digits as real ones.
  enum Ordered {
    case reals([Double])
    case wholes([Int64])

    init(_ x: ONNXTensor) throws {
      if case .wholes(let numbers) = x.storage {
        let shift: Int64 = x.type == .uint64 ? .min : 0
        self = .wholes(numbers.elements.map { $0 &+ shift })
      } else {
        self = .reals(try x.doubles().elements)
      }
    }
    func isLess(_ i: Int, _ j: Int) -> Bool {
      switch self {
      case .reals(let x): x[i] < x[j]
      case .wholes(let x): x[i] < x[j]
      }
    }
    func isNaN(_ i: Int) -> Bool { if case .reals(let x) = self { x[i].isNaN } else { false } }
  }

  private static func extreme(_ a: ONNXArguments, isLarger: Bool) throws -> ONNXTensor {
    let x = try a.tensor(0)
    let axis = try a.node.axis(a.node.integer("axis", 0), rank: x.rank)
    let takesLast = a.node.flag("select_last_index")
    let lines = Lines(x.shape, axis: axis)
    guard lines.extent > 0 || x.count == 0 && lines.outer * lines.inner == 0 else {
      throw a.node.invalid("there is no largest of no numbers")
    }
    let order = try Ordered(x)
    let found = lines.starts.map { start -> Int in
      var best = 0
      for i in 1..<Swift.max(1, lines.extent) {
        let (p, q) = (start + i * lines.inner, start + best * lines.inner)
        // NaN is found first, as NumPy has it.
        if order.isNaN(q) { break }
        let isBetter = order.isNaN(p) || (isLarger ? order.isLess(q, p) : order.isLess(p, q))
        let isEqual = !order.isLess(p, q) && !order.isLess(q, p) && !order.isNaN(p)
        if isBetter || (takesLast && isEqual) { best = i }
      }
      return best
    }
    var shape = x.shape
    if a.node.flag("keepdims", true) { shape[axis] = 1 } else { shape.remove(at: axis) }
    return try ONNXTensor(wholes: found, shape: shape)
  }

  private static let evaluateTopK: Evaluate = { a in
    let x = try a.tensor(0)
    let axis = try a.node.axis(a.node.integer("axis", -1), rank: x.rank)
    let k = a.version < 10 ? a.node.integer("k", -1) : try a.integer(1)
    let lines = Lines(x.shape, axis: axis)
    guard (0...lines.extent).contains(k) else { throw a.node.invalid("\(k) of \(lines.extent) numbers") }
    let takesLargest = a.node.flag("largest", true)
    let order = try Ordered(x)
    // NaN counts as larger than all, and of equal numbers the first comes first.
    func comesBefore(_ i: Int, _ j: Int) -> Bool {
      if order.isNaN(i) || order.isNaN(j) {
        return order.isNaN(i) == order.isNaN(j) ? i < j : order.isNaN(i) == takesLargest
      }
      if takesLargest ? order.isLess(j, i) : order.isLess(i, j) { return true }
      return (takesLargest ? order.isLess(i, j) : order.isLess(j, i)) ? false : i < j
    }
    var shape = x.shape
    shape[axis] = k
    var positions = Array(repeating: 0, count: shape.reduce(1, *))
    var indices = positions
    for (line, start) in lines.starts.enumerated() {
      let line = line / Swift.max(1, lines.inner) * k * lines.inner + line % Swift.max(1, lines.inner)
      let all = (0..<lines.extent).map { start + $0 * lines.inner }.sorted(by: comesBefore).prefix(k)
      for (rank, place) in all.enumerated() {
        positions[line + rank * lines.inner] = place
        indices[line + rank * lines.inner] = (place - start) / lines.inner
      }
    }
    return [.tensor(try x.taking(positions, shape: shape)), .tensor(try ONNXTensor(wholes: indices, shape: shape))]
  }

  private static let evaluateUnique: Evaluate = { a in
    let x = try a.tensor(0)
    let axis = try a.node.has("axis") ? a.node.axis(a.node.integer("axis", 0), rank: x.rank) : nil
    // Slices along the axis, or numbers, as rows.
    let rows = axis.map { x.shape[$0] } ?? x.count
    let order = axis.map { axis in [axis] + x.shape.indices.filter { $0 != axis } }
    let flat = try order.map { try x.permuted($0) } ?? x
    let width = rows == 0 ? 0 : x.count / rows
    let texts = x.type == .string ? try flat.strings() : []
    let numbers = x.type == .string ? nil : try Ordered(flat)
    func compare(_ i: Int, _ j: Int) -> Int {
      for column in 0..<width {
        let (p, q) = (i * width + column, j * width + column)
        if let numbers {
          if numbers.isLess(p, q) { return -1 }
          if numbers.isLess(q, p) { return 1 }
        } else if texts[p] != texts[q] {
          return texts[p] < texts[q] ? -1 : 1
        }
      }
      return 0
    }
    let sorted = (0..<rows).sorted { i, j in
      let order = compare(i, j)
      return order == 0 ? i < j : order < 0
    }
    // Groups of equal rows, each with its first row first.
    var groups: [[Int]] = []
    for row in sorted {
      if let last = groups.last, compare(last[0], row) == 0 {
        groups[groups.count - 1].append(row)
      } else {
        groups.append([row])
      }
    }
    if !a.node.flag("sorted", true) { groups.sort { $0[0] < $1[0] } }
    var inverse = Array(repeating: 0, count: rows)
    for (i, group) in groups.enumerated() { for row in group { inverse[row] = i } }
    let firsts = groups.map { $0[0] }
    let rowsOnly = try Tensor(firsts.map { Int32($0) })
    let kept =
      try axis.map { axis in try x.moved { try $0.selecting(rowsOnly, axis: axis) } }
      ?? x.reshaped([x.count]).taking(firsts, shape: [firsts.count])
    return [
      .tensor(kept), .tensor(try ONNXTensor(wholes: firsts)), .tensor(try ONNXTensor(wholes: inverse)),
      .tensor(try ONNXTensor(wholes: groups.map(\.count))),
    ]
  }
}
