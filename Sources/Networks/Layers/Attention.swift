import Tensors

/// Scaled dot-product attention (Vaswani et al. 2017): `softmax(q·kᵀ/√d)·v`.
///
/// - Parameters:
///   - query: shape `[…, queries, d]`.
///   - key: shape `[…, keys, d]`.
///   - value: shape `[…, keys, width]`.
///   - mask: broadcasts to `[…, queries, keys]`; where it is 0 a query does not see a key.
/// - Returns: shape `[…, queries, width]`.
public func attention<E: TensorScalar>(
  _ query: Tensor<E>, _ key: Tensor<E>, _ value: Tensor<E>, mask: Tensor<E>? = nil
) throws(TensorError) -> Tensor<E> {
  guard let d = query.shape.last, d > 0
  else { throw .wrongShape(argument: "query", found: query.shape, expected: "[…, queries, d]") }
  var scores = try matmul(query, key, transposingB: true) * (1 / E(d).squareRoot())
  if let mask { scores = try scores.filled(with: -.infinity, where: mask .== 0) }
  return try matmul(scores.softmax(), value)
}

/// The mask under which position i sees positions up to i: shape `[count, count]`.
public func causalMask(_ count: Int) throws(TensorError) -> Tensor<Float> {
  try Tensor.ones([count, count]).lowerTriangle()
}

/// Self-attention with several heads (Vaswani et al. 2017).
public struct MultiHeadAttention: Layer {
  /// Queries, keys and values in one product: `[width, 3·width]`.
  public var projection: Dense
  /// `[width, width]`.
  public var output: Dense
  public var heads: Int
  /// Broadcasts to `[batch, heads, positions, positions]`; see `attention`.
  public var mask: Tensor<Float>?

  public init(_ width: Int, heads: Int, mask: Tensor<Float>? = nil, using random: inout RandomStream) throws {
    guard heads > 0, width % heads == 0 else {
      throw NetworkError.invalidSetting("heads", found: "\(heads)", expected: "a divisor of \(width)")
    }
    projection = try Dense(width, 3 * width, using: &random)
    output = try Dense(width, width, using: &random)
    (self.heads, self.mask) = (heads, mask)
  }

  /// - Parameter x: shape `[batch, positions, width]`.
  public func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    guard x.rank == 3
    else { throw TensorError.wrongShape(argument: "x", found: x.shape, expected: "[batch, positions, width]") }
    let (batch, positions, width) = (x.shape[0], x.shape[1], x.shape[2])
    let parts = try projection.forward(x, in: &context)
      .reshaped([batch, positions, 3, heads, width / heads]).permuted([2, 0, 3, 1, 4])
    let mixed = try attention(parts.at(0), parts.at(1), parts.at(2), mask: mask)
    return try output.forward(mixed.permuted([0, 2, 1, 3]).reshaped([batch, positions, width]), in: &context)
  }

  public mutating func visit(_ visitor: Visitor) throws {
    try visitor("projection", &projection)
    try visitor("output", &output)
  }
}
