import Foundation
import Tensors

/// A graph whose values have places instead of names: the constants and the order of the work are known.
struct ONNXGraph: Sendable {
  /// A node with the places of its values.
  struct Step: Sendable {
    let node: ONNXNode
    let inputs: [Int?]
    let outputs: [Int?]
    /// Places whose values nobody needs afterwards.
    var releases: [Int] = []
    /// Graphs inside.
    var graphs: [String: ONNXGraph] = [:]
  }

  /// A formal input of a graph inside another one, or of the model.
  var inputs: [Int] = []
  var outputs: [Int] = []
  var steps: [Step] = []
  var constants: [Int: ONNXValue] = [:]
  /// Values of the graph around it: their places there, and here.
  var captures: [(outer: Int, inner: Int)] = []
  var count = 0
}

/// Makes a graph from a file's: gives places to names, leaves out nodes that nothing depends on, puts functions of the model in
/// place of their calls, and computes what is constant.
final class ONNXGraphBuilder {
  /// What is the same for all graphs of a model.
  struct Setting {
    let path: String
    let files: ONNXExternalFiles
    let functions: [ONNXFunction.Key: ONNXFunction]
  }

  private let setting: Setting
  private let parent: ONNXGraphBuilder?
  private var versions: [String: Int]
  private(set) var graph = ONNXGraph()
  /// Places by name; inner scopes last.
  private var scopes: [[String: Int]] = [[:]]
  private let depth: Int
  /// Real numbers among constants of a rank of 1 or more, and small whole ones.
  private(set) var parameters = 0

  init(_ setting: Setting, versions: [String: Int], parent: ONNXGraphBuilder? = nil) {
    (self.setting, self.versions, self.parent) = (setting, versions, parent)
    depth = (parent?.depth ?? 0) + 1
  }

  // MARK: names

  private func newPlace(_ name: String) -> Int {
    graph.count += 1
    scopes[scopes.count - 1][name] = graph.count - 1
    return graph.count - 1
  }

  /// The place of a name; one of the graph around it becomes a capture.
  private func place(_ name: String) -> Int? {
    for scope in scopes.reversed() { if let place = scope[name] { return place } }
    guard let outer = parent?.place(name), let parent else { return nil }
    graph.count += 1
    scopes[0][name] = graph.count - 1
    if let constant = parent.graph.constants[outer] {
      graph.constants[graph.count - 1] = constant
    } else {
      graph.captures.append((outer, graph.count - 1))
    }
    return graph.count - 1
  }

  func constant(_ name: String) -> ONNXValue? { place(name).flatMap { graph.constants[$0] } }
  func hasPlace(_ name: String) -> Bool { place(name) != nil }

  // MARK: parts

  func addConstants(of proto: Kirchhoff_Onnx_GraphProto) throws {
    for tensor in proto.initializer {
      let value = try ONNXTensor(tensor, setting.files)
      count(value)
      graph.constants[newPlace(tensor.name)] = .tensor(value)
    }
    for sparse in proto.sparseInitializer {
      let value = try ONNXTensor(sparse: sparse, setting.files)
      count(value)
      graph.constants[newPlace(sparse.values.name)] = .tensor(value)
    }
  }

  private func count(_ value: ONNXTensor) {
    let isWeight = value.type.isReal || (value.type.isWhole && (value.type.bits ?? 64) <= 8)
    if value.rank > 0 && isWeight { parameters += value.count }
  }

  func addInput(_ name: String) { graph.inputs.append(newPlace(name)) }

  /// Nodes that outputs, or nodes after them, depend on, in their order.
  private static func living(
    _ nodes: [Kirchhoff_Onnx_NodeProto], outputs: [String]
  ) -> [Kirchhoff_Onnx_NodeProto] {
    var needed = Set(outputs)
    var kept: [Kirchhoff_Onnx_NodeProto] = []
    for node in nodes.reversed() where node.output.contains(where: { needed.contains($0) }) {
      kept.append(node)
      ONNXFunction.names(of: node) { needed.insert($0) }
    }
    return kept.reversed()
  }

  /// - Parameter outputs: names that have to be there afterwards.
  func addNodes(_ nodes: [Kirchhoff_Onnx_NodeProto], outputs: [String]) throws {
    for proto in Self.living(nodes, outputs: outputs) { try add(proto) }
    for name in outputs where !hasPlace(name) {
      throw ONNXError.malformed(path: setting.path, problem: "its output \(name) is made by no node")
    }
  }

  func finish(outputs: [String]) -> ONNXGraph {
    graph.outputs = outputs.compactMap(place)
    graph.findReleases()
    return graph
  }

  private func add(_ proto: Kirchhoff_Onnx_NodeProto) throws {
    let domain = proto.domain == "ai.onnx" ? "" : proto.domain
    let key = ONNXFunction.Key(domain: domain, name: proto.opType, overload: proto.overload)
    if let function = setting.functions[key] { return try call(function, proto) }
    guard let version = versions[domain] else {
      throw ONNXError.malformed(
        path: setting.path,
        problem:
          "node \(ONNXNode.name(proto)) is of the operators \(domain.isEmpty ? "ai.onnx" : domain), for which it names no version"
      )
    }
    let node = try ONNXNode(proto, version: version, setting.files)
    try ONNXSchema.check(node)
    for (i, name) in node.inputs.enumerated() where !name.isEmpty && !hasPlace(name) {
      throw node.invalid("its input \(i), \(name), is made by no earlier node")
    }
    if try isFolded(node) { return }
    if node.kind == "If", try isDecided(node) { return }
    var step = ONNXGraph.Step(
      node: node, inputs: node.inputs.map { $0.isEmpty ? nil : place($0) },
      outputs: node.outputs.map { $0.isEmpty ? nil : newPlace($0) })
    for (attribute, inner) in node.graphProtos { step.graphs[attribute] = try makeGraph(inner, node) }
    graph.steps.append(step)
  }

  private func makeGraph(_ proto: Kirchhoff_Onnx_GraphProto, _ node: ONNXNode) throws -> ONNXGraph {
    guard depth < 32 else { throw node.tooLarge("lies in graphs inside graphs, 32 deep") }
    let builder = ONNXGraphBuilder(setting, versions: versions, parent: self)
    try builder.addConstants(of: proto)
    for input in proto.input { builder.addInput(input.name) }
    let outputs = proto.output.map(\.name)
    try builder.addNodes(proto.node, outputs: outputs)
    parameters += builder.parameters
    return builder.finish(outputs: outputs)
  }

  /// Computes a node whose inputs are all constant: shapes, and weights that are transposed first.
  private func isFolded(_ node: ONNXNode) throws -> Bool {
    let values = node.inputs.map { $0.isEmpty ? nil : constant($0) }
    guard let evaluate = ONNXOperators.evaluate(node), !ONNXOperators.drawing.contains(node.kind),
      zip(node.inputs, values).allSatisfy({ $0.isEmpty || $1 != nil })
    else { return false }
    // What is large and made of little is made when it is needed.
    let results = try ONNXModel.checked(node) { try evaluate(ONNXArguments(node: node, values: values)) }
    try node.checkOutputs(results.count)
    if node.kind == "Constant", case .tensor(let value)? = results.first { count(value) }
    for (name, value) in zip(node.outputs, results) where !name.isEmpty { graph.constants[newPlace(name)] = value }
    return true
  }

  /// Puts the branch of a constant condition in place of the node.
  private func isDecided(_ node: ONNXNode) throws -> Bool {
    guard let name = node.inputs.first, case .tensor(let condition)? = constant(name), condition.count == 1,
      let decided = try condition.wholes().elements.first
    else { return false }
    let wanted = decided != 0 ? "then_branch" : "else_branch"
    guard let branch = node.graphProtos.first(where: { $0.attribute == wanted })?.graph else {
      throw node.invalid("it has no \(wanted)")
    }
    guard branch.output.count == node.outputs.count else {
      throw node.invalid("\(wanted) has \(branch.output.count) outputs, the node \(node.outputs.count)")
    }
    guard scopes.count < 32 else { throw node.tooLarge("lies in graphs inside graphs, 32 deep") }
    scopes.append([:])
    try addConstants(of: branch)
    let outputs = branch.output.map(\.name)
    try addNodes(branch.node, outputs: outputs)
    let places = outputs.map(place)
    scopes.removeLast()
    for (name, place) in zip(node.outputs, places) where !name.isEmpty { scopes[scopes.count - 1][name] = place }
    return true
  }

  /// Puts the nodes of a function in place of its call.
  private func call(_ function: ONNXFunction, _ proto: Kirchhoff_Onnx_NodeProto) throws {
    let name = ONNXNode.name(proto)
    guard scopes.count < 32 else {
      throw ONNXError.tooLarge(node: name, operator: proto.opType, problem: "calls functions 32 deep")
    }
    var scope: [String: Int] = [:]
    for (i, formal) in function.proto.input.enumerated() where i < proto.input.count && !proto.input[i].isEmpty {
      guard let place = place(proto.input[i]) else {
        throw ONNXError.invalidNode(
          node: name, operator: proto.opType, problem: "its input \(i), \(proto.input[i]), is made by no earlier node")
      }
      scope[formal] = place
    }
    // A function sees nothing but its inputs.
    let (outerScopes, outerVersions) = (scopes, versions)
    scopes = Array(repeating: [:], count: outerScopes.count) + [scope]
    versions = function.versions
    let needed = zip(function.proto.output, proto.output).filter { !$1.isEmpty }
    try addNodes(function.nodes(for: proto), outputs: needed.map(\.0))
    let places = needed.map { place($0.0) }
    (scopes, versions) = (outerScopes, outerVersions)
    for (pair, place) in zip(needed, places) { scopes[scopes.count - 1][pair.1] = place }
  }
}

extension ONNXGraph {
  /// Places a value is not needed after, for each step.
  fileprivate mutating func findReleases() {
    var seen = Set(outputs).union(constants.keys)
    for i in steps.indices.reversed() {
      let used =
        steps[i].inputs.compactMap { $0 } + steps[i].outputs.compactMap { $0 }
        + steps[i].graphs.values.flatMap { $0.captures.map(\.outer) }
      steps[i].releases = used.filter { seen.insert($0).inserted }
    }
  }
}

/// A function of a model: nodes that a call stands for.
struct ONNXFunction: Sendable {
  struct Key: Hashable, Sendable {
    var domain: String, name: String, overload: String
  }
  let proto: Kirchhoff_Onnx_FunctionProto
  let versions: [String: Int]

  /// Its nodes, with the attributes of a call in place of references to them.
  func nodes(for call: Kirchhoff_Onnx_NodeProto) -> [Kirchhoff_Onnx_NodeProto] {
    var given = Dictionary(proto.attributeProto.map { ($0.name, $0) }) { first, _ in first }
    for attribute in call.attribute { given[attribute.name] = attribute }
    return proto.node.map { Self.resolved($0, given) }
  }

  private static func resolved(
    _ node: Kirchhoff_Onnx_NodeProto, _ given: [String: Kirchhoff_Onnx_AttributeProto]
  ) -> Kirchhoff_Onnx_NodeProto {
    var result = node
    result.attribute = node.attribute.compactMap { attribute in
      if !attribute.refAttrName.isEmpty {
        // One that the call leaves out is left out inside.
        guard var value = given[attribute.refAttrName] else { return nil }
        value.name = attribute.name
        return value
      }
      guard attribute.hasG else { return attribute }
      var inner = attribute
      inner.g.node = attribute.g.node.map { resolved($0, given) }
      return inner
    }
    return result
  }

  /// Names that a node needs, those that graphs inside take from around them included.
  static func names(of node: Kirchhoff_Onnx_NodeProto, _ found: (String) -> Void) {
    node.input.filter { !$0.isEmpty }.forEach(found)
    for attribute in node.attribute where attribute.hasG {
      for inner in attribute.g.node { names(of: inner, found) }
      for output in attribute.g.output { found(output.name) }
    }
  }
}
