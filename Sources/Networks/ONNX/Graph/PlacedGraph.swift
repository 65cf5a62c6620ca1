import Substrates
import Tensors

/// A graph whose weights lie in a substrate.
struct PlacedGraph: Sendable {
  let graph: ONNXGraph
  /// One for each step; nothing for those that stay digital.
  private var layers: [(any ONNXLayer)?]
  /// Graphs inside, by step and attribute.
  private var inner: [[String: PlacedGraph]]
  /// The constants, at their places.
  private let start: [ONNXValue?]

  init(_ graph: ONNXGraph, on substrate: any Substrate, in context: inout ForwardContext) throws {
    self.graph = graph
    layers = []
    inner = []
    var start: [ONNXValue?] = Array(repeating: nil, count: graph.count)
    for (place, value) in graph.constants { start[place] = value }
    self.start = start
    for step in graph.steps {
      try ONNXModel.checked(step.node) {
        try context.within(step.node.name) { context in
          layers.append(
            try ONNXLayers.layer(step.node, step.inputs.map { $0.flatMap { start[$0] } }, on: substrate, in: &context))
          inner.append(try step.graphs.mapValues { try PlacedGraph($0, on: substrate, in: &context) })
        }
      }
    }
  }

  var placements: [Placement] {
    graph.steps.indices.flatMap { i -> [Placement] in
      let step = graph.steps[i]
      if let layer = layers[i] { return layer.placements.map { $0.inside(step.node.name) } }
      let isConstant = step.inputs.contains { $0.map { start[$0] != nil } ?? false }
      let own = Placement(step.node.name, staysDigital: ONNXOperators.reason(step.node, isConstant: isConstant))
      return [own]
        + inner[i].sorted { $0.key < $1.key }.flatMap { name, graph in
          graph.placements.map { $0.inside("\(step.node.name).\(name)") }
        }
    }
  }

  typealias Observer = (ONNXNode, [ONNXValue?]) throws -> Void

  /// - Parameters:
  ///   - inputs: for the formal inputs.
  ///   - captured: values of the graph around it, in the order of `graph.captures`.
  mutating func run(
    _ inputs: [ONNXValue], captured: [ONNXValue?], bits: Int, in context: inout ForwardContext, _ observe: Observer
  ) throws -> [ONNXValue] {
    var values = start
    for (place, value) in zip(graph.inputs, inputs) { values[place] = value }
    for (capture, value) in zip(graph.captures, captured) { values[capture.inner] = value }
    for i in graph.steps.indices {
      let step = graph.steps[i]
      let arguments = ONNXArguments(node: step.node, values: step.inputs.map { $0.flatMap { values[$0] } })
      let results = try ONNXModel.checked(step.node) {
        try context.within(step.node.name) {
          try apply(i, arguments, values, bits: bits, in: &$0)
        }
      }
      try step.node.checkOutputs(results.count)
      for (place, value) in zip(step.outputs, results) { if let place { values[place] = value } }
      try observe(step.node, results)
      for place in step.releases { values[place] = nil }
    }
    return try graph.outputs.map { place in
      guard let value = values[place] else { throw ONNXTypeError(found: .float, expected: "a value for each output") }
      return value
    }
  }

  private mutating func apply(
    _ i: Int, _ a: ONNXArguments, _ values: [ONNXValue?], bits: Int, in context: inout ForwardContext
  ) throws -> [ONNXValue?] {
    if let results = try layers[i]?.apply(a, in: &context) { return results }
    if !inner[i].isEmpty {
      var control = ONNXControl(a: a, graphs: inner[i], values: values, bits: bits)
      let results = try control.run(in: &context)
      inner[i] = control.graphs
      return results
    }
    guard let evaluate = ONNXOperators.evaluate(a.node) else { throw a.node.invalid("it has no graphs inside") }
    let results = try evaluate(a)
    ONNXOperators.work(a, results).count(bits: bits, in: &context)
    return results
  }
}
