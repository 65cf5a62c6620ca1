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

  init(projection: Dense, output: Dense, heads: Int, mask: Tensor<Float>?) {
    (self.projection, self.output, self.heads, self.mask) = (projection, output, heads, mask)
  }

  /// - Parameter x: shape `[batch, positions, width]`.
  public func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try Self.check(x)
    let mixed = try Self.mixed(projection.forward(x, in: &context), heads: heads, mask: mask)
    return try output.forward(mixed, in: &context)
  }

  static func check(_ x: Tensor<Float>) throws(TensorError) {
    guard x.rank == 3 else {
      throw .wrongShape(argument: "x", found: x.shape, expected: "[batch, positions, width]")
    }
  }

  /// Values mixed by the attention of each head.
  ///
  /// - Parameter projected: queries, keys and values side by side, `[batch, positions, 3·width]`.
  /// - Returns: shape `[batch, positions, width]`.
  static func mixed(_ projected: Tensor<Float>, heads: Int, mask: Tensor<Float>?) throws -> Tensor<Float> {
    let (batch, positions, width) = (projected.shape[0], projected.shape[1], projected.shape[2] / 3)
    let parts = try projected.reshaped([batch, positions, 3, heads, width / heads]).permuted([2, 0, 3, 1, 4])
    return try attention(parts.at(0), parts.at(1), parts.at(2), mask: mask)
      .permuted([0, 2, 1, 3]).reshaped([batch, positions, width])
  }

  public mutating func visit(_ visitor: Visitor) throws {
    try visitor("projection", &projection)
    try visitor("output", &output)
  }
}
