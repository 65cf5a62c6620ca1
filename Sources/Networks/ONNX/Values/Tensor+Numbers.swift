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

  /// A function of the numbers of two tensors of one shape.
  @inline(__always)
  func eachPair(_ other: Tensor<Float>, _ function: (Float, Float) -> Float) throws -> Tensor<Float> {
    let (x, y) = (try rowMajor(), try other.rowMajor())
    let result = try Tensor.uninitialized(shape)
    for i in 0..<count { result.pointer[i] = function(x.pointer[i], y.pointer[i]) }
    withExtendedLifetime((x, y)) {}
    return result
  }
}
