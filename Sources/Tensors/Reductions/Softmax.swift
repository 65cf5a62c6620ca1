import CKernels

extension Tensor where Element: TensorScalar {
  private func softmax(_ logarithm: Int32, _ axis: Int) throws(TensorError) -> Tensor {
    let axis = try resolved(axis: axis, rank: rank)
    let (outer, n, inner) = shape.split(at: axis)
    let x = try rowMajor().body
    let y = try Tensor.uninitialized(shape)
    guard count > 0 else { return y }
    let grain = Swift.max(1, elementwiseGrain / 4 / (n * inner))
    parallelFor(outer, grain: grain) { part in
      let at = part.lowerBound * n * inner
      if x.type == .float32 {
        kk_softmax_f32(logarithm, part.count, n, inner, x.f32 + at, y.body.f32 + at)
      } else {
        kk_softmax_f64(logarithm, part.count, n, inner, x.f64 + at, y.body.f64 + at)
      }
    }
    let kept = Body(viewing: y.body, shape: shape)
    return y.recorded(from: self) { upstream in
      let g = try upstream.rowMajor().body
      let d = try Tensor.uninitialized(kept.shape)
      parallelFor(outer, grain: grain) { part in
        let at = part.lowerBound * n * inner
        if g.type == .float32 {
          kk_softmax_gradient_f32(logarithm, part.count, n, inner, g.f32 + at, kept.f32 + at, d.body.f32 + at)
        } else {
          kk_softmax_gradient_f64(logarithm, part.count, n, inner, g.f64 + at, kept.f64 + at, d.body.f64 + at)
        }
      }
      return d
    }
  }

  /// `exp(x)/Σ exp(x)` along an axis.
  public func softmax(axis: Int = -1) throws(TensorError) -> Tensor { try softmax(0, axis) }
  /// Logarithm of `softmax`, exact for very unlikely entries.
  public func logSoftmax(axis: Int = -1) throws(TensorError) -> Tensor { try softmax(1, axis) }

  /// Running sum along an axis, from its end where `reversed`.
  public func cumulativeSum(axis: Int = -1, reversed: Bool = false) throws(TensorError) -> Tensor {
    let axis = try resolved(axis: axis, rank: rank)
    let (outer, n, inner) = shape.split(at: axis)
    let x = try rowMajor().body
    let y = try Tensor.uninitialized(shape)
    if x.type == .float32 {
      kk_cumulative_sum_f32(reversed ? 1 : 0, outer, n, inner, x.f32, y.body.f32)
    } else {
      kk_cumulative_sum_f64(reversed ? 1 : 0, outer, n, inner, x.f64, y.body.f64)
    }
    return y.recorded(from: self) { try $0.cumulativeSum(axis: axis, reversed: !reversed) }
  }
}
