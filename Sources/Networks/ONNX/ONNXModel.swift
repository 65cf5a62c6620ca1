import Foundation
import Substrates
import SwiftProtobuf
import Tensors

/// A network in the ONNX format, as PyTorch, TensorFlow and scikit-learn export it.
///
///     let model = try ONNXModel(contentsOf: "digits.onnx")
///     var context = ForwardContext()
///     let network = try model.placed(on: Digital(), in: &context)
///     let scores = try network(["x": images], in: &context)
///
/// Products with constant matrices (`Conv`, `ConvTranspose`, `Gemm`, `MatMul`, `Einsum`, `LSTM`, `GRU`, `RNN`) are carried out
/// by the substrate. Everything else stays in digital logic: it is computed in single precision, counted at the width of the
/// substrate's logic, and named in `ONNXNetwork.placements`.
public struct ONNXModel: Sendable {
  /// Operators that are understood, of operator sets 7 to 22.
  public static let operators: [String] = (Array(ONNXOperators.all.keys) + ONNXLayers.kinds).sorted()

  /// An input that has to be given.
  public struct Input: Sendable, Equatable {
    public var name: String
    /// Extents; nothing where the model leaves one open.
    public var shape: [Int?]
  }

  public let inputs: [Input]
  public let outputs: [String]
  /// Number of constant numbers, weights mostly.
  public let parameters: Int
  let nodes: [ONNXNode]
  let constants: [String: ONNXValue]

  /// Reads a file and checks that every operator is known.
  ///
  /// - Parameter limit: largest file to read, in bytes.
  /// - Throws: `ONNXError`.
  public init(contentsOf path: String, limit: Int = 2 << 30) throws {
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe) else {
      throw ONNXError.unreadable(path: path)
    }
    guard data.count <= limit else {
      throw ONNXError.malformed(path: path, problem: "it is larger than \(limit) bytes")
    }
    let proto: Kirchhoff_Onnx_ModelProto
    do { proto = try Kirchhoff_Onnx_ModelProto(serializedBytes: data) } catch {
      throw ONNXError.malformed(path: path, problem: "it is no protocol buffer of a model")
    }
    let graph = proto.graph
    guard proto.hasGraph, !graph.output.isEmpty else {
      throw ONNXError.malformed(path: path, problem: "it holds no graph with outputs")
    }
    for node in graph.node {
      guard node.domain.isEmpty || node.domain == "ai.onnx", ONNXModel.operators.contains(node.opType) else {
        throw ONNXError.unsupportedOperator(
          node.domain.isEmpty ? node.opType : "\(node.domain).\(node.opType)", node: ONNXNode(node).name)
      }
    }
    var constants: [String: ONNXValue] = [:]
    var parameters = 0
    for tensor in graph.initializer {
      let value = try ONNXValue(tensor, path: path)
      if case .floats(let numbers) = value { parameters += numbers.count }
      constants[tensor.name] = value
    }
    self.parameters = parameters
    inputs = graph.input.filter { constants[$0.name] == nil }.map { input in
      Input(
        name: input.name,
        shape: input.type.tensorType.shape.dim.map { $0.dimValue > 0 ? Int($0.dimValue) : nil })
    }
    outputs = graph.output.map(\.name)
    var known = Set(inputs.map(\.name))
    nodes = try ONNXModel.folded(graph.node, &constants, &known, path: path)
    for name in outputs where constants[name] == nil && !known.contains(name) {
      throw ONNXError.malformed(path: path, problem: "its output \(name) is made by no node")
    }
    self.constants = constants
  }

  /// Computes nodes whose inputs are all constant: shapes, and weights that are transposed first.
  ///
  /// - Parameter known: names of the values that are there when a node runs.
  /// - Returns: the other nodes.
  private static func folded(
    _ protos: [Kirchhoff_Onnx_NodeProto], _ constants: inout [String: ONNXValue], _ known: inout Set<String>,
    path: String
  ) throws -> [ONNXNode] {
    var remaining: [ONNXNode] = []
    for proto in protos {
      let node = ONNXNode(proto)
      if let missing = node.inputs.first(where: { !$0.isEmpty && constants[$0] == nil && !known.contains($0) }) {
        throw node.invalid("its input \(missing) is made by no earlier node")
      }
      if node.kind == "Constant" {
        guard let name = node.outputs.first else { throw node.invalid("it has no output") }
        constants[name] = try constant(node, path: path)
      } else if let evaluate = ONNXOperators.all[node.kind],
        node.inputs.allSatisfy({ $0.isEmpty || constants[$0] != nil })
      {
        let values = node.inputs.map { constants[$0] }
        let results = try checked(node) { try evaluate(ONNXArguments(node: node, values: values)) }
        for (name, value) in zip(node.outputs, results) { constants[name] = value }
      } else {
        remaining.append(node)
        known.formUnion(node.outputs)
      }
    }
    return remaining
  }

  private static func constant(_ node: ONNXNode, path: String) throws -> ONNXValue {
    if let tensor = try node.tensor("value", path: path) { return tensor }
    if node.has("value_float") { return .floats(try Tensor(node.float("value_float", 0))) }
    if let list = node.floats("value_floats"), node.has("value_floats") { return .floats(try Tensor(list)) }
    if node.has("value_int") { return ONNXValue(integers: [node.integer("value_int", 0)], shape: []) }
    if let list = node.integers("value_ints") { return ONNXValue(integers: list) }
    throw ONNXError.unsupportedFeature("a constant of another kind than numbers", node: node.name)
  }

  /// Names the node in errors of the operations inside.
  static func checked<R>(_ node: ONNXNode, _ body: () throws -> R) throws -> R {
    do { return try body() } catch let error as TensorError { throw node.invalid(error.description) }
  }

  /// Programs the weights into a substrate.
  ///
  /// - Throws: `ONNXError`; what the substrate throws.
  public func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> ONNXNetwork {
    let layers = try nodes.map { node in
      try ONNXModel.checked(node) {
        try context.within(node.name) { try ONNXLayers.layer(node, constants, on: substrate, in: &$0) }
      }
    }
    return ONNXNetwork(model: self, layers: layers, logicBits: substrate.logicBits)
  }
}

/// A model whose weights lie in a substrate.
public struct ONNXNetwork: HasInventory {
  public let model: ONNXModel
  /// One for each node; nothing for those that stay digital.
  private var layers: [(any ONNXLayer)?]
  private let logicBits: Int

  fileprivate init(model: ONNXModel, layers: [(any ONNXLayer)?], logicBits: Int) {
    (self.model, self.layers, self.logicBits) = (model, layers, logicBits)
  }

  /// What lies where, by the names of nodes, and which nodes stay digital and why.
  public var placements: [Placement] {
    zip(model.nodes, layers).flatMap { node, layer in
      if let layer { return layer.placements.map { $0.inside(node.name) } }
      let isConstant = node.inputs.contains { model.constants[$0] != nil }
      return [Placement(node.name, staysDigital: ONNXOperators.reason(node, isConstant: isConstant))]
    }
  }

  public var inventory: Inventory { placements.reduce(Inventory()) { $0 + $1.inventory } }

  /// Sets the ranges of converters from typical inputs, layer by layer, each with what the layers before it give.
  public mutating func calibrate(
    _ inputs: [String: Tensor<Float>], integers: [String: Tensor<Int32>] = [:], in context: inout ForwardContext
  ) throws {
    let before = context.isCalibrating
    defer { context.isCalibrating = before }
    context.isCalibrating = true
    _ = try run(inputs, integers: integers, in: &context) { _, _ in }
  }

  /// The outputs by name.
  ///
  /// - Parameter inputs: by name, in the shapes of the model's inputs. Whole numbers are given as such in `integers`.
  public func callAsFunction(
    _ inputs: [String: Tensor<Float>], integers: [String: Tensor<Int32>] = [:], in context: inout ForwardContext
  ) throws -> [String: Tensor<Float>] {
    var copy = self
    return try copy.run(inputs, integers: integers, in: &context) { _, _ in }
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
  ///     as shapes, are left out. What it throws ends the computation.
  public func callAsFunction(
    _ inputs: [String: Tensor<Float>], integers: [String: Tensor<Int32>] = [:], in context: inout ForwardContext,
    observing observe: (_ node: String, _ results: [Tensor<Float>]) throws -> Void
  ) throws -> [String: Tensor<Float>] {
    var copy = self
    return try copy.run(inputs, integers: integers, in: &context) { node, results in
      try observe(
        node.name, results.compactMap { if case .floats(let tensor) = $0 { tensor } else { nil } })
    }
  }

  private mutating func run(
    _ inputs: [String: Tensor<Float>], integers: [String: Tensor<Int32>], in context: inout ForwardContext,
    observe: (ONNXNode, [ONNXValue]) throws -> Void
  ) throws -> [String: Tensor<Float>] {
    var values = try given(inputs, integers)
    for (i, node) in model.nodes.enumerated() {
      let arguments = ONNXArguments(node: node, values: node.inputs.map { values[$0] })
      let results = try ONNXModel.checked(node) {
        try context.within(node.name) { try apply(i, arguments, in: &$0) }
      }
      for (name, value) in zip(node.outputs, results) where !name.isEmpty { values[name] = value }
      try observe(node, results)
    }
    var results: [String: Tensor<Float>] = [:]
    for name in model.outputs {
      guard let value = values[name] else { continue }
      results[name] = try ONNXArguments.floats(value)
    }
    return results
  }

  private mutating func apply(_ i: Int, _ a: ONNXArguments, in context: inout ForwardContext) throws -> [ONNXValue] {
    if let results = try layers[i]?.apply(a, in: &context) { return results }
    guard let evaluate = ONNXOperators.all[a.node.kind] else {
      throw a.node.invalid("its weights are not constant, so that no array can hold them")
    }
    let results = try evaluate(a)
    ONNXOperators.work(a, results).count(bits: logicBits, in: &context)
    return results
  }

  /// Constants and inputs by name, checked.
  private func given(
    _ inputs: [String: Tensor<Float>], _ integers: [String: Tensor<Int32>]
  ) throws -> [String: ONNXValue] {
    var values = model.constants
    for input in model.inputs {
      let value: ONNXValue
      if let tensor = inputs[input.name] {
        value = .floats(tensor)
      } else if let tensor = integers[input.name] {
        value = ONNXValue(integers: tensor.elements.map(Int.init), shape: tensor.shape)
      } else {
        throw ONNXError.missingInput(name: input.name, given: (Array(inputs.keys) + Array(integers.keys)).sorted())
      }
      let fits =
        input.shape.isEmpty
        || (value.shape.count == input.shape.count
          && zip(value.shape, input.shape).allSatisfy { $1 == nil || $0 == $1 })
      guard fits else {
        throw ONNXError.wrongInput(
          name: input.name, found: value.shape,
          expected: "[\(input.shape.map { $0.map(String.init) ?? "any" }.joined(separator: ", "))]")
      }
      values[input.name] = value
    }
    return values
  }
}
