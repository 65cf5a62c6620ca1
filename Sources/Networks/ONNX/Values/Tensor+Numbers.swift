import Tensors

extension Tensor<Float> {
  /// A function of each number, in vectors where the compiler finds them; the layout in memory stays.
  @inline(__always)
  func eachNumber(_ function: (Float) -> Float) throws -> Tensor<Float> {
    let result = try Tensor.uninitialized(shape, body.layout)
    let (from, to) = (pointer, result.pointer)
    for i in 0..<count { to[i] = function(from[i]) }
    withExtendedLifetime(body) {}
    return result
  }
}
