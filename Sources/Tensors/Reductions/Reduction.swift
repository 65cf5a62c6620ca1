import CKernels

/// Ways to reduce that the kernels know; the raw value is the kernel's number.
package enum Reduction: Int32 { case sum, product, maximum, minimum }

/// `axis` counted from the end where negative.
/// - Throws: `TensorError.invalidArgument` when the tensor has no such axis.
package func resolved(axis: Int, rank: Int, _ argument: String = "axis") throws(TensorError) -> Int {
  let result = axis < 0 ? axis + rank : axis
  guard result >= 0, result < rank
  else { throw .invalidArgument(argument, found: "\(axis)", expected: "an axis of a tensor of rank \(rank)") }
  return result
}

extension Array where Element == Int {
  /// Products of the extents before, at and after an axis.
  package func split(at axis: Int) -> (outer: Int, n: Int, inner: Int) {
    (self[..<axis].reduce(1, *), self[axis], self[(axis + 1)...].reduce(1, *))
  }
}

extension Tensor where Element: TensorScalar {
  /// Reduces the given axes to extent 1, without a tape.
  package func reduced(_ reduction: Reduction, axes: [Int]) throws(TensorError) -> Tensor {
    var x = try rowMajor().body
    // Neighbouring axes are reduced in one go.
    var axes = axes.sorted()
    while let last = axes.popLast() {
      var first = last
      while let next = axes.last, next == first - 1 { first = axes.removeLast() }
      let outer = x.shape[..<first].reduce(1, *)
      let n = x.shape[first...last].reduce(1, *)
      let inner = x.shape[(last + 1)...].reduce(1, *)
      var shape = x.shape
      for axis in first...last { shape[axis] = 1 }
      let y = try Tensor.uninitialized(shape).body
      if n == 0 {
        guard reduction == .sum || reduction == .product
        else { throw .wrongShape(argument: "self", found: self.shape, expected: "at least one element to choose from") }
        let neutral: Element = reduction == .sum ? 0 : 1
        Tensor(body: y).pointer.update(repeating: neutral, count: y.count)
      } else {
        reduceInto(reduction, outer, n, inner, x, y)
      }
      x = y
    }
    return Tensor(body: x)
  }

  private func reduceInto(_ reduction: Reduction, _ outer: Int, _ n: Int, _ inner: Int, _ x: Body, _ y: Body) {
    parallelFor(outer, grain: Swift.max(1, elementwiseGrain / (n * Swift.max(1, inner)))) { part in
      let o = part.lowerBound
      if x.type == .float32 {
        kk_reduce_f32(reduction.rawValue, part.count, n, inner, x.f32 + o * n * inner, y.f32 + o * inner)
      } else {
        kk_reduce_f64(reduction.rawValue, part.count, n, inner, x.f64 + o * n * inner, y.f64 + o * inner)
      }
    }
  }

  private func resolve(_ axes: [Int]?) throws(TensorError) -> [Int] {
    guard let axes else { return Array(0..<rank) }
    var result: [Int] = []
    for axis in axes {
      let axis = try resolved(axis: axis, rank: rank, "axes")
      if result.contains(axis) {
        throw .invalidArgument("axes", found: "\(axes)", expected: "each axis once")
      }
      result.append(axis)
    }
    return result
  }

  private func kept(_ axes: [Int], _ keep: Bool) -> [Int] {
    keep
      ? shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
      : shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
  }

  /// Sum over `axes` (all by default); they stay with extent 1 where `keepingAxes`.
  public func sum(axes: [Int]? = nil, keepingAxes: Bool = false) throws(TensorError) -> Tensor {
    let axes = try resolve(axes)
    let y = try reduced(.sum, axes: axes)
    let wide = y.shape
    let shape = shape
    return try y.viewed(kept(axes, keepingAxes)).recorded(from: self) { try $0.viewed(wide).stretched(to: shape) }
  }

  /// Mean over `axes` (all by default).
  public func mean(axes: [Int]? = nil, keepingAxes: Bool = false) throws(TensorError) -> Tensor {
    let n = try resolve(axes).reduce(1) { $0 * shape[$1] }
    return try sum(axes: axes, keepingAxes: keepingAxes) * (1 / Element(n))
  }

  /// Mean squared distance from the mean; divided by `n − correction`.
  public func variance(
    axes: [Int]? = nil, keepingAxes: Bool = false, correction: Int = 0
  ) throws(TensorError) -> Tensor {
    let n = try resolve(axes).reduce(1) { $0 * shape[$1] }
    let distance = try self - mean(axes: axes, keepingAxes: true)
    return try distance.squared().sum(axes: axes, keepingAxes: keepingAxes) * (1 / Element(n - correction))
  }

  /// Product over `axes` (all by default); the gradient divides by the elements, so none may be 0.
  public func product(axes: [Int]? = nil, keepingAxes: Bool = false) throws(TensorError) -> Tensor {
    let axes = try resolve(axes)
    let y = try reduced(.product, axes: axes)
    let plain = detached()
    return try y.viewed(kept(axes, keepingAxes)).recorded(from: self) {
      try $0.viewed(y.shape) * y.detached() / plain
    }
  }

  /// Largest element over `axes` (all by default); equal ones share the gradient.
  public func max(axes: [Int]? = nil, keepingAxes: Bool = false) throws(TensorError) -> Tensor {
    try extreme(.maximum, axes, keepingAxes)
  }

  /// Smallest element over `axes` (all by default); equal ones share the gradient.
  public func min(axes: [Int]? = nil, keepingAxes: Bool = false) throws(TensorError) -> Tensor {
    try extreme(.minimum, axes, keepingAxes)
  }

  private func extreme(_ reduction: Reduction, _ axes: [Int]?, _ keep: Bool) throws(TensorError) -> Tensor {
    let axes = try resolve(axes)
    let y = try reduced(reduction, axes: axes)
    let plain = detached()
    let wide = Tensor(body: Body(viewing: y.body, shape: y.shape))
    return try y.viewed(kept(axes, keep)).recorded(from: self) {
      let mask = try plain .== wide
      return try mask * ($0.viewed(wide.shape) / mask.sum(axes: axes, keepingAxes: true))
    }
  }

  /// `√Σx²` over all elements; the gradient at the origin is 0.
  public func norm() throws(TensorError) -> Tensor {
    let y = try squared().detached().sum().squareRoot()
    let plain = detached()
    let length = try y.item()
    return y.recorded(from: self) { try length == 0 ? Tensor.zeros(plain.shape) : plain * $0 / length }
  }

  /// `ln Σ exp(x)` along an axis, without overflow.
  public func logSumExp(axis: Int = -1, keepingAxes: Bool = false) throws(TensorError) -> Tensor {
    let axis = try resolved(axis: axis, rank: rank)
    var top = try detached().max(axes: [axis], keepingAxes: true)
    // A row of −∞ stays −∞ instead of becoming NaN.
    top = try Tensor.select(top .== -Element.infinity, Tensor(0), top)
    let sum = try log(exp(self - top).sum(axes: [axis], keepingAxes: true)) + top
    return keepingAxes ? sum : try sum.reshaped(kept([axis], false))
  }

  private func argument(_ largest: Int32, _ axis: Int) throws(TensorError) -> Tensor<Int32> {
    let axis = try resolved(axis: axis, rank: rank)
    let x = try rowMajor()
    let (outer, n, inner) = shape.split(at: axis)
    guard n > 0, n <= Int(Int32.max)
    else {
      throw .wrongShape(argument: "self", found: shape, expected: "1 to \(Int32.max) elements along axis \(axis)")
    }
    let y = try Tensor<Int32>.uninitialized(kept([axis], false))
    if body.type == .float32 {
      kk_argument_f32(largest, outer, n, inner, x.body.f32, y.pointer)
    } else {
      kk_argument_f64(largest, outer, n, inner, x.body.f64, y.pointer)
    }
    return y
  }

  /// Position of the largest element along an axis, the first of equal ones.
  public func indexOfMax(axis: Int = -1) throws(TensorError) -> Tensor<Int32> { try argument(1, axis) }
  /// Position of the smallest element along an axis, the first of equal ones.
  public func indexOfMin(axis: Int = -1) throws(TensorError) -> Tensor<Int32> { try argument(0, axis) }

  /// Whether no element is NaN or infinite.
  public var isFinite: Bool {
    body.type == .float32 ? kk_all_finite_f32(count, body.f32) == 1 : kk_all_finite_f64(count, body.f64) == 1
  }
}
