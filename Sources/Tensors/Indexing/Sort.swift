extension Tensor where Element: TensorScalar {
  /// The positions that sort each line along `axis`, of which the first `keeping` are returned. Equal elements keep
  /// their order; NaN comes last.
  private func order(axis: Int, descending: Bool, keeping: Int) throws(TensorError) -> Tensor<Int32> {
    let (outer, n, inner) = shape.split(at: axis)
    guard n <= Int(Int32.max) else { throw .tooLarge(shape: shape) }
    let x = try rowMajor()
    var kept = shape
    kept[axis] = keeping
    let y = try Tensor<Int32>.uninitialized(kept)
    var line = [(value: Element, index: Int32)](repeating: (0, 0), count: n)
    for o in 0..<outer {
      for j in 0..<inner {
        for i in 0..<n { line[i] = (x.pointer[(o * n + i) * inner + j], Int32(i)) }
        line.sort { a, b in
          if a.value == b.value { return a.index < b.index }
          if a.value.isNaN || b.value.isNaN {
            return a.value.isNaN == b.value.isNaN ? a.index < b.index : b.value.isNaN
          }
          return descending ? a.value > b.value : a.value < b.value
        }
        for i in 0..<keeping { y.pointer[(o * keeping + i) * inner + j] = line[i].index }
      }
    }
    return y
  }

  /// Sorted along an axis, with where each element came from. The sort is stable; NaN comes last.
  public func sorted(
    axis: Int = -1, descending: Bool = false
  ) throws(TensorError) -> (values: Tensor, indices: Tensor<Int32>) {
    let axis = try resolved(axis: axis, rank: rank)
    let indices = try order(axis: axis, descending: descending, keeping: shape[axis])
    return (try gathered(indices, axis: axis), indices)
  }

  /// The `k` largest elements along an axis, largest first, with where they came from.
  public func topK(_ k: Int, axis: Int = -1) throws(TensorError) -> (values: Tensor, indices: Tensor<Int32>) {
    let axis = try resolved(axis: axis, rank: rank)
    guard k >= 1, k <= shape[axis]
    else { throw .invalidArgument("k", found: "\(k)", expected: "1...\(shape[axis])") }
    let indices = try order(axis: axis, descending: true, keeping: k)
    return (try gathered(indices, axis: axis), indices)
  }
}
