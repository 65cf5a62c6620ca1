import Tensors

// Lists of values, and values that may be absent.
extension ONNXOperators {
  static let sequences: [String: Evaluate] = [
    "SequenceConstruct": { a in [.sequence(try a.values.indices.map(a.value))] },
    "SequenceEmpty": { _ in [.sequence([])] },
    "SequenceLength": { a in [.tensor(try ONNXTensor(wholes: [sequence(a).count], shape: []))] },
    "SequenceAt": { a in
      let all = try sequence(a)
      return [all[try place(a, 1, count: all.count)]]
    },
    "SequenceInsert": { a in
      var all = try sequence(a)
      all.insert(try a.value(1), at: a.has(2) ? try place(a, 2, count: all.count + 1, from: all.count) : all.count)
      return [.sequence(all)]
    },
    "SequenceErase": { a in
      var all = try sequence(a)
      guard !all.isEmpty else { throw a.node.invalid("an empty sequence has nothing to erase") }
      all.remove(at: a.has(1) ? try place(a, 1, count: all.count) : all.count - 1)
      return [.sequence(all)]
    },
    "ConcatFromSequence": one { a in
      let parts = try sequence(a).map { value in
        guard case .tensor(let tensor) = value else { throw a.node.invalid("its sequence holds what is no tensor") }
        return tensor
      }
      guard let first = parts.first, a.node.has("axis") else {
        throw a.node.invalid("it joins nothing, or has no axis")
      }
      let axis = a.node.integer("axis", 0)
      guard a.node.flag("new_axis") else {
        return try ONNXTensor.concatenated(parts, axis: a.node.axis(axis, rank: first.rank))
      }
      return try ONNXControl.stacked(parts, axis: a.node.axis(axis, rank: first.rank + 1))
    },
    "SplitToSequence": evaluateSplitToSequence,
    "Optional": { a in [.optional(a.has(0) ? try a.value(0) : nil)] },
    "OptionalHasElement": { a in
      var isThere = a.has(0)
      if isThere, case .optional(let value) = try a.value(0) { isThere = value != nil }
      return [.tensor(try ONNXTensor(truths: [isThere], shape: []))]
    },
    "OptionalGetElement": { a in
      guard case .optional(let value) = try a.value(0) else { return [try a.value(0)] }
      guard let value else { throw a.node.invalid("its input is absent") }
      return [value]
    },
  ]

  private static func sequence(_ a: ONNXArguments) throws -> [ONNXValue] {
    guard case .sequence(let all) = try a.value(0) else { throw a.node.invalid("its first input has to be a sequence") }
    return all
  }

  /// A place counted from the front, checked.
  private static func place(_ a: ONNXArguments, _ input: Int, count: Int, from length: Int? = nil) throws -> Int {
    let stated = try a.integer(input)
    let place = stated < 0 ? stated &+ (length ?? count) : stated
    guard (0..<count).contains(place) else { throw a.node.invalid("the place \(stated) is outside of \(count)") }
    return place
  }

  private static let evaluateSplitToSequence: Evaluate = { a in
    let x = try a.tensor(0)
    let axis = try a.node.axis(a.node.integer("axis", 0), rank: x.rank)
    let extent = x.shape[axis]
    guard a.has(1) else {
      let shape = a.node.flag("keepdims", true) ? nil : x.shape.indices.filter { $0 != axis }.map { x.shape[$0] }
      return [
        .sequence(
          try (0..<extent).map { i in
            let part = try x.slice(i..<i + 1, axis: axis)
            return .tensor(try shape.map { try part.reshaped($0) } ?? part)
          })
      ]
    }
    var lengths = try a.integers(1)
    if try a.tensor(1).rank == 0, let each = lengths.first {
      guard each >= 1 else { throw a.node.invalid("parts of \(each)") }
      // The last one is smaller where the others do not fill the axis.
      lengths = stride(from: 0, to: extent, by: each).map { Swift.min(each, extent - $0) }
    }
    guard lengths.allSatisfy({ (0...extent).contains($0) }), lengths.reduce(0, &+) == extent else {
      throw a.node.invalid("parts of \(lengths) for the extent \(extent)")
    }
    var start = 0
    return [
      .sequence(
        try lengths.map { length in
          defer { start += length }
          return .tensor(try x.slice(start..<start + length, axis: axis))
        })
    ]
  }
}
