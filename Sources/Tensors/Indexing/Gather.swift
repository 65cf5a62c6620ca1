import CKernels

extension Tensor<Int32> {
  /// Every index lies in `0..<extent`.
  package func checkIndices(below extent: Int, _ argument: String) throws(TensorError) {
    for i in 0..<count where pointer[i] < 0 || pointer[i] >= extent {
      throw .indexOutOfRange(argument: argument, found: Int(pointer[i]), valid: 0..<Swift.max(0, extent))
    }
  }
}

extension Tensor {
  /// Whole slices: `result[…, i, …] = self[…, index[i], …]` along `axis`. With `axis` 0 this is an embedding.
  ///
  /// - Parameter index: shape `[n]`.
  /// - Throws: `TensorError.indexOutOfRange` for an index outside the axis.
  public func selecting(_ index: Tensor<Int32>, axis: Int = 0) throws(TensorError) -> Tensor {
    let axis = try resolved(axis: axis, rank: rank)
    guard index.rank == 1 else { throw .wrongShape(argument: "index", found: index.shape, expected: "one axis") }
    let (outer, rows, inner) = shape.split(at: axis)
    try index.checkIndices(below: rows, "index")
    var shape = self.shape
    shape[axis] = index.count
    let x = try rowMajor().body
    let y = try Tensor.uninitialized(shape)
    if x.type.size == 4 {
      kk_select_rows_w32(
        outer, index.count, inner, rows, index.pointer, x.pointer.assumingMemoryBound(to: UInt32.self),
        y.body.pointer.assumingMemoryBound(to: UInt32.self))
    } else {
      kk_select_rows_w64(
        outer, index.count, inner, rows, index.pointer, x.pointer.assumingMemoryBound(to: UInt64.self),
        y.body.pointer.assumingMemoryBound(to: UInt64.self))
    }
    let before = self.shape
    return y.recorded(from: self) { try $0.addedRows(index, into: before, axis: axis) }
  }

  /// Zeros of `shape` with these slices added at `index` along `axis`.
  fileprivate func addedRows(_ index: Tensor<Int32>, into shape: [Int], axis: Int) throws(TensorError) -> Tensor {
    let (outer, rows, inner) = shape.split(at: axis)
    let x = try rowMajor().body
    let y = try Tensor.uninitialized(shape)
    y.body.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: y.count * y.body.type.size)
    if x.type == .float32 {
      kk_add_rows_f32(outer, index.count, inner, rows, index.pointer, x.f32, y.body.f32)
    } else {
      kk_add_rows_f64(outer, index.count, inner, rows, index.pointer, x.f64, y.body.f64)
    }
    return y
  }

  /// Single elements: `result[o, i, j] = self[o, index[o, i, j], j]`, the axis in the middle.
  ///
  /// - Parameter index: the shape of self except along `axis`.
  public func gathered(_ index: Tensor<Int32>, axis: Int) throws(TensorError) -> Tensor {
    let axis = try resolved(axis: axis, rank: rank)
    var expected = shape
    if index.rank == rank { expected[axis] = index.shape[axis] }
    guard index.shape == expected
    else { throw .incompatibleShapes(operation: "gathered", left: shape, right: index.shape) }
    let (outer, rows, inner) = shape.split(at: axis)
    try index.checkIndices(below: rows, "index")
    let n = index.shape[axis]
    let x = try rowMajor().body
    let y = try Tensor.uninitialized(index.shape)
    if x.type.size == 4 {
      kk_gather_w32(
        outer, n, inner, rows, index.pointer, x.pointer.assumingMemoryBound(to: UInt32.self),
        y.body.pointer.assumingMemoryBound(to: UInt32.self))
    } else {
      kk_gather_w64(
        outer, n, inner, rows, index.pointer, x.pointer.assumingMemoryBound(to: UInt64.self),
        y.body.pointer.assumingMemoryBound(to: UInt64.self))
    }
    let before = shape
    return y.recorded(from: self) { try $0.scatterAdded(index, into: before, axis: axis) }
  }

  fileprivate func scatterAdded(_ index: Tensor<Int32>, into shape: [Int], axis: Int) throws(TensorError) -> Tensor {
    let (outer, rows, inner) = shape.split(at: axis)
    let x = try rowMajor().body
    let y = try Tensor.uninitialized(shape)
    y.body.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: y.count * y.body.type.size)
    if x.type == .float32 {
      kk_scatter_add_f32(outer, index.shape[axis], inner, rows, index.pointer, x.f32, y.body.f32)
    } else {
      kk_scatter_add_f64(outer, index.shape[axis], inner, rows, index.pointer, x.f64, y.body.f64)
    }
    return y
  }
}

extension Tensor where Element: TensorScalar {
  /// Zeros of `extent` along `axis`, to which every element is added at its index; the opposite of `gathered`.
  ///
  /// - Parameter index: the shape of self.
  public func scatterAdded(_ index: Tensor<Int32>, axis: Int, extent: Int) throws(TensorError) -> Tensor {
    let axis = try resolved(axis: axis, rank: rank)
    guard index.shape == shape
    else { throw .incompatibleShapes(operation: "scatterAdded", left: shape, right: index.shape) }
    try index.checkIndices(below: extent, "index")
    var shape = self.shape
    shape[axis] = extent
    return try scatterAdded(index, into: shape, axis: axis).recorded(from: self) { try $0.gathered(index, axis: axis) }
  }

  /// Zeros of `extent` along `axis`, to which whole slices are added; the opposite of `selecting`.
  ///
  /// - Parameter index: shape `[shape[axis]]`.
  public func addedRows(_ index: Tensor<Int32>, axis: Int = 0, extent: Int) throws(TensorError) -> Tensor {
    let axis = try resolved(axis: axis, rank: rank)
    guard index.shape == [shape[axis]]
    else { throw .wrongShape(argument: "index", found: index.shape, expected: "[\(shape[axis])]") }
    try index.checkIndices(below: extent, "index")
    var shape = self.shape
    shape[axis] = extent
    return try addedRows(index, into: shape, axis: axis).recorded(from: self) { try $0.selecting(index, axis: axis) }
  }
}
