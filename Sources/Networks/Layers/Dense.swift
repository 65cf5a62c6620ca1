import Tensors

/// `activation(x·weight + bias)`.
public struct Dense: Layer {
  /// Shape `[inputs, outputs]`.
  public var weight: Tensor<Float>
  /// Shape `[outputs]`.
  public var bias: Tensor<Float>?
  public var activation: Activation

  /// Weights uniform within ±1/√inputs, as is the bias (the default of PyTorch: He et al. 2015 with a = √5).
  public init(
    _ inputs: Int, _ outputs: Int, activation: Activation = .identity, bias: Bool = true,
    using random: inout RandomStream
  ) throws {
    guard inputs > 0, outputs > 0 else {
      throw NetworkError.invalidSetting("inputs, outputs", found: "\(inputs), \(outputs)", expected: "1 or more")
    }
    let bound = 1 / Float(inputs).squareRoot()
    weight = try random.uniform([inputs, outputs], in: -bound...bound)
    self.bias = bias ? try random.uniform([outputs], in: -bound...bound) : nil
    self.activation = activation
  }

  public func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try linear(x, weight, bias: bias, activation: activation)
  }

  public mutating func visit(_ visitor: Visitor) throws {
    try visitor("weight", &weight)
    try visitor("bias", &bias)
  }
}

/// Rows of a table, by index.
public struct Embedding: Layer {
  /// Shape `[entries, width]`.
  public var table: Tensor<Float>

  /// Entries are standard normal.
  public init(entries: Int, width: Int, using random: inout RandomStream) throws {
    table = try random.normal([entries, width])
  }

  /// - Parameter indices: any shape; the result has one more axis of extent `width`.
  public func callAsFunction(_ indices: Tensor<Int32>) throws -> Tensor<Float> {
    try table.selecting(indices.flattened()).reshaped(indices.shape.map { $0 } + [table.shape[1]])
  }

  /// Indices given as numbers; each must be a whole number.
  public func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    let indices = try x.elements.map { value in
      guard let index = Int32(exactly: value) else {
        throw NetworkError.invalidSetting("x", found: "\(value)", expected: "whole numbers")
      }
      return index
    }
    return try self(Tensor(indices, shape: x.shape))
  }

  public mutating func visit(_ visitor: Visitor) throws { try visitor("table", &table) }
}

/// Sets a random fraction of the numbers to 0 in training and scales the rest up, so that sums keep their mean
/// (Srivastava et al. 2014).
public struct Dropout: Layer {
  /// Fraction dropped, in 0..<1.
  public var rate: Float

  public init(_ rate: Float) throws {
    guard (0..<1).contains(rate) else {
      throw NetworkError.invalidSetting("rate", found: "\(rate)", expected: "0 up to below 1")
    }
    self.rate = rate
  }

  public func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    if !context.isTraining || rate == 0 { return x }
    let keep = try context.random.bernoulli(Tensor<Float>(repeating: 1 - rate, shape: x.shape))
    return try x * (keep * (1 / (1 - rate)))
  }
}

/// Applies a function without parameters.
public struct Function: Layer {
  private let function: (Tensor<Float>) throws -> Tensor<Float>

  public init(_ function: @escaping (Tensor<Float>) throws -> Tensor<Float>) { self.function = function }

  public func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> { try function(x) }
}

/// Layers one after the other.
public struct Sequential: Layer {
  public var layers: [any Layer]

  public init(_ layers: any Layer...) { self.layers = layers }
  public init(_ layers: [any Layer]) { self.layers = layers }

  public mutating func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    var y = x
    for i in layers.indices { y = try layers[i].forward(y, in: &context) }
    return y
  }

  public mutating func visit(_ visitor: Visitor) throws {
    for i in layers.indices { try visitor("\(i)", &layers[i]) }
  }
}
