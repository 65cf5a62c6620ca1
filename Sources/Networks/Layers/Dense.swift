import Substrates
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

  init(weight: Tensor<Float>, bias: Tensor<Float>?, activation: Activation) {
    (self.weight, self.bias, self.activation) = (weight, bias, activation)
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

  public func placed(on substrate: any Substrate, in context: inout ForwardContext) -> KeptDigital<Embedding> {
    keptDigital("rows of a table are looked up, one for each index, and never summed", on: substrate) { _, _, y in
      // A row out of memory, and into that of the next layer.
      DigitalWork(numbers: 2 * y.count)
    }
  }
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

  public func placed(on substrate: any Substrate, in context: inout ForwardContext) -> KeptDigital<Dropout> {
    keptDigital("no weights, and nothing to do outside training", on: substrate, operations: 0)
  }
}

/// Applies a function without parameters.
public struct Function: Layer {
  private let function: @Sendable (Tensor<Float>) throws -> Tensor<Float>
  /// Operations on single numbers for each number of the result, for the ledger.
  public let operations: Int

  /// - Parameter operations: on single numbers for each number of the result: 1 for an activation, 0 for a change of shape.
  public init(operations: Int = 1, _ function: @escaping @Sendable (Tensor<Float>) throws -> Tensor<Float>) {
    (self.operations, self.function) = (operations, function)
  }

  public func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> { try function(x) }

  public func placed(on substrate: any Substrate, in context: inout ForwardContext) -> KeptDigital<Function> {
    keptDigital("a function without weights", on: substrate, operations: operations)
  }
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

  public func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> PlacedParts<Sequential> {
    try placedByParts(on: substrate, in: &context) { copy, place in
      for i in copy.layers.indices { try place("\(i)", &copy.layers[i]) }
    }
  }
}
