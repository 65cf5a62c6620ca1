extension Tensor {
  /// The same memory with another shape of equal count; not recorded.
  package func viewed(_ shape: [Int]) throws(TensorError) -> Tensor {
    Tensor(body: Body(viewing: try rowMajor().body, shape: shape))
  }

  /// The same numbers in another shape. One extent may be nil: it becomes whatever makes the count fit.
  /// - Throws: `TensorError.wrongShape` when the counts differ.
  public func reshaped(_ shape: [Int?]) throws(TensorError) -> Tensor {
    let open = shape.count { $0 == nil }
    let known = Tensor.product(shape.map { $0 ?? 1 })
    let filled = shape.map { $0 ?? (known ?? 0 == 0 ? 0 : count / (known ?? 1)) }
    guard open <= 1, filled.allSatisfy({ $0 >= 0 }), Tensor.product(filled) == count else {
      let extents = shape.map { $0.map(String.init) ?? "any" }.joined(separator: ", ")
      throw .wrongShape(argument: "self", found: self.shape, expected: "the element count of [\(extents)]")
    }
    let before = self.shape
    return try viewed(filled).recorded(from: self) { try $0.viewed(before) }
  }

  /// nil where the product of the extents cannot be represented.
  private static func product(_ extents: [Int]) -> Int? {
    var result = 1
    for extent in extents {
      let (product, overflow) = result.multipliedReportingOverflow(by: extent)
      if overflow { return nil }
      result = product
    }
    return result
  }

  /// The axes from `first` on as one.
  public func flattened(from first: Int = 0) throws(TensorError) -> Tensor {
    guard first >= 0, first <= rank
    else { throw .invalidArgument("first", found: "\(first)", expected: "0...\(rank)") }
    return try reshaped(shape[..<first].map { $0 } + [shape[first...].reduce(1, *)])
  }

  /// With another axis of extent 1 before `axis`.
  public func expanded(axis: Int) throws(TensorError) -> Tensor {
    let axis = try resolved(axis: axis, rank: rank + 1)
    var shape: [Int?] = self.shape
    shape.insert(1, at: axis)
    return try reshaped(shape)
  }

  /// Without an axis of extent 1.
  public func squeezed(axis: Int) throws(TensorError) -> Tensor {
    let axis = try resolved(axis: axis, rank: rank)
    guard shape[axis] == 1
    else { throw .wrongShape(argument: "self", found: shape, expected: "extent 1 along axis \(axis)") }
    var shape: [Int?] = self.shape
    shape.remove(at: axis)
    return try reshaped(shape)
  }
}

extension Tensor where Element: TensorScalar {
  /// Copies along axes of extent 1, as an elementwise operation would.
  /// - Throws: `TensorError.incompatibleShapes` when an extent other than 1 would have to change.
  public func broadcast(to shape: [Int]) throws(TensorError) -> Tensor {
    if shape == self.shape { return self }
    guard try broadcastShape(self.shape, shape, "broadcast") == shape
    else { throw .incompatibleShapes(operation: "broadcast", left: self.shape, right: shape) }
    let before = self.shape
    return try stretched(to: shape).recorded(from: self) { try $0.summed(to: before) }
  }

  /// `broadcast` without a tape and without checks.
  package func stretched(to shape: [Int]) throws(TensorError) -> Tensor {
    if shape == self.shape { return self.detached() }
    let y = try Tensor.uninitialized(shape)
    applyBinary(.add, try rowMajor().body, try Tensor(0).body, y.body)
    return y
  }
}
