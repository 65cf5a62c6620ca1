import CKernels

/// y += x, same shape and layout.
package func accumulate(_ x: Body, into y: Body) {
  parallelFor(y.count, grain: elementwiseGrain) { part in
    let at = part.lowerBound
    if y.type == .float32 {
      kk_axpy_f32(part.count, 1, x.f32 + at, y.f32 + at)
    } else {
      kk_axpy_f64(part.count, 1, x.f64 + at, y.f64 + at)
    }
  }
}
