import Substrates
import Tensors

/// A model whose weights lie in a substrate.
public struct ONNXNetwork: HasInventory {
  public let model: ONNXModel
  private var graph: PlacedGraph
  private let logicBits: Int

  init(model: ONNXModel, graph: PlacedGraph, logicBits: Int) {
    (self.model, self.graph, self.logicBits) = (model, graph, logicBits)
  }

  /// What lies where, by the names of nodes, and which nodes stay digital and why.
  public var placements: [Placement] { graph.placements }

  public var inventory: Inventory { placements.reduce(Inventory()) { $0 + $1.inventory } }

  /// Sets the ranges of converters from typical inputs, layer by layer, each with what the layers before it give.
  public mutating func calibrate(
    _ inputs: [String: Tensor<Float>], integers: [String: Tensor<Int32>] = [:], in context: inout ForwardContext
  ) throws {
    try calibrate(model.values(inputs, integers), in: &context)
  }

  /// Sets the ranges of converters from typical inputs of any type.
  public mutating func calibrate(_ inputs: [String: ONNXValue], in context: inout ForwardContext) throws {
    let before = context.isCalibrating
    defer { context.isCalibrating = before }
    context.isCalibrating = true
    _ = try run(inputs, in: &context) { _, _ in }
  }

  /// The outputs by name, in the types that the model gives them.
  ///
  /// - Parameter inputs: by name, in the types and shapes of the model's inputs.
  public func callAsFunction(
    _ inputs: [String: ONNXValue], in context: inout ForwardContext
  ) throws -> [String: ONNXValue] {
    var copy = self
    return try copy.run(inputs, in: &context) { _, _ in }
  }

  /// The outputs by name, in single precision; strings and sequences are left out.
  ///
  /// - Parameter inputs: by name, in the shapes of the model's inputs; made double precision or half where the model wants that.
  ///   Whole numbers are given as such in `integers`.
  public func callAsFunction(
    _ inputs: [String: Tensor<Float>], integers: [String: Tensor<Int32>] = [:], in context: inout ForwardContext
  ) throws -> [String: Tensor<Float>] {
    try floats(callAsFunction(model.values(inputs, integers), in: &context))
  }

  /// The outputs by name, and on the way what every node gives: for the error of each layer, or to see where numbers get large.
  ///
  ///     var largest: [String: Float] = [:]
  ///     let scores = try network(["x": images], in: &context) { node, results in
  ///       largest[node] = try results.first?.max().item()
  ///     }
  ///
  /// - Parameters:
  ///   - inputs: by name, in the shapes of the model's inputs. Whole numbers are given as such in `integers`.
  ///   - observe: told the name of each node and its outputs, in the order of the graph; outputs that are whole numbers, such
  ///     as shapes, are left out, and so are nodes of graphs inside, which are parts of theirs. What it throws ends the computation.
  public func callAsFunction(
    _ inputs: [String: Tensor<Float>], integers: [String: Tensor<Int32>] = [:], in context: inout ForwardContext,
    observing observe: (_ node: String, _ results: [Tensor<Float>]) throws -> Void
  ) throws -> [String: Tensor<Float>] {
    var copy = self
    let results = try copy.run(model.values(inputs, integers), in: &context) { node, results in
      let real = results.compactMap { value -> ONNXTensor? in
        if case .tensor(let tensor)? = value, tensor.type.isReal { tensor } else { nil }
      }
      try observe(node.name, real.map { try $0.floats() })
    }
    return try floats(results)
  }

  private func floats(_ results: [String: ONNXValue]) throws -> [String: Tensor<Float>] {
    try results.compactMapValues { value in
      guard case .tensor(let tensor) = value, tensor.type != .string else { return nil }
      return try tensor.floats()
    }
  }

  private mutating func run(
    _ inputs: [String: ONNXValue], in context: inout ForwardContext, observe: (ONNXNode, [ONNXValue?]) throws -> Void
  ) throws -> [String: ONNXValue] {
    let results = try graph.run(model.checked(inputs), captured: [], bits: logicBits, in: &context, observe)
    return Dictionary(zip(model.outputs, results)) { first, _ in first }
  }
}

extension ONNXModel {
  /// Numbers in the types of the inputs.
  fileprivate func values(
    _ floats: [String: Tensor<Float>], _ integers: [String: Tensor<Int32>]
  ) throws -> [String: ONNXValue] {
    var values: [String: ONNXValue] = [:]
    for (name, tensor) in floats {
      let type = inputs.first { $0.name == name }?.type ?? .float
      values[name] = .tensor(try converted(tensor, to: type) ?? ONNXTensor(tensor))
    }
    for (name, tensor) in integers {
      let type = inputs.first { $0.name == name }?.type ?? .int64
      let wide = try Tensor(tensor.elements.map { Int64($0) }, shape: tensor.shape)
      values[name] = .tensor(try type.isWhole || type == .bool ? ONNXTensor(wide, as: type) : ONNXTensor(tensor))
    }
    return values
  }

  /// Whole numbers below 2²⁴ are those that single precision has all of.
  private func converted(_ tensor: Tensor<Float>, to type: ONNXType) throws -> ONNXTensor? {
    if type.isReal { return try ONNXTensor(tensor, as: type) }
    guard type.isWhole, tensor.elements.allSatisfy({ $0 == $0.rounded() && abs($0) < 0x1p24 }) else { return nil }
    return try ONNXTensor(Tensor(tensor.elements.map { Int64($0) }, shape: tensor.shape), as: type)
  }

  /// The inputs in their order, checked.
  fileprivate func checked(_ given: [String: ONNXValue]) throws -> [ONNXValue] {
    try inputs.map { input in
      guard let value = given[input.name] else {
        throw ONNXError.missingInput(name: input.name, given: given.keys.sorted())
      }
      guard case .tensor(let tensor) = value, let type = input.type else { return value }
      guard tensor.type == type else {
        throw ONNXError.wrongInputType(name: input.name, found: tensor.type, expected: type)
      }
      let fits =
        input.hasOpenRank
        || (tensor.rank == input.shape.count && zip(tensor.shape, input.shape).allSatisfy { $1 == nil || $0 == $1 })
      guard fits else {
        throw ONNXError.wrongInput(
          name: input.name, found: tensor.shape,
          expected: "[\(input.shape.map { $0.map(String.init) ?? "any" }.joined(separator: ", "))]")
      }
      return value
    }
  }
}
