import CKernels

extension Tensor where Element == Float {
  /// The same numbers in Double; gradients flow back.
  public func converted() throws(TensorError) -> Tensor<Double> {
    let x = try rowMajor()
    let y = try Tensor<Double>.uninitialized(shape)
    kk_convert_f32_f64(count, x.pointer, y.pointer)
    guard let tape = body.tape else { return y }
    let index = body.index
    tape.record(y.body) { $1.add(try Tensor<Double>(body: $0).converted().body, to: index) }
    return y
  }
}

extension Tensor where Element == Double {
  /// The nearest numbers in Float; gradients flow back.
  public func converted() throws(TensorError) -> Tensor<Float> {
    let x = try rowMajor()
    let y = try Tensor<Float>.uninitialized(shape)
    kk_convert_f64_f32(count, x.pointer, y.pointer)
    guard let tape = body.tape else { return y }
    let index = body.index
    tape.record(y.body) { $1.add(try Tensor<Float>(body: $0).converted().body, to: index) }
    return y
  }
}

extension Tensor where Element == Int32 {
  /// The same numbers in a type to compute with; above 2²⁴ `Float` rounds.
  public func converted<S: TensorScalar>() throws(TensorError) -> Tensor<S> {
    let x = try rowMajor()
    let y = try Tensor<S>.uninitialized(shape)
    if y.body.type == .float32 {
      kk_convert_i32_f32(count, x.pointer, y.body.f32)
    } else {
      kk_convert_i32_f64(count, x.pointer, y.body.f64)
    }
    return y
  }

  /// 1 at each index along a new last axis of extent `classes`, else 0.
  public func oneHot<S: TensorScalar>(_ classes: Int) throws(TensorError) -> Tensor<S> {
    try checkIndices(below: classes, "self")
    let y = try Tensor<S>.zeros(shape + [classes])
    let x = try rowMajor()
    for i in 0..<count { y.pointer[i * classes + Int(x.pointer[i])] = 1 }
    return y
  }
}
