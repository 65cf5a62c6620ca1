import Substrates
import Tensors

/// Nodes with graphs inside: `If`, `Loop`, `Scan`, `SequenceMap`.
struct ONNXControl {
  static let kinds = ["If", "Loop", "Scan", "SequenceMap"]
  /// Rounds that one loop may make.
  static let rounds = 1 << 20

  let a: ONNXArguments
  var graphs: [String: PlacedGraph]
  /// Those of the graph around it.
  let values: [ONNXValue?]
  let bits: Int

  private var node: ONNXNode { a.node }

  mutating func run(in context: inout ForwardContext) throws -> [ONNXValue?] {
    switch node.kind {
    case "If": return try call(truth(a.tensor(0)) ? "then_branch" : "else_branch", [], in: &context)
    case "Loop": return try loop(in: &context)
    case "Scan": return try scan(in: &context)
    default: return try map(in: &context)
    }
  }

  private func truth(_ tensor: ONNXTensor) throws -> Bool {
    guard tensor.count == 1, let first = try tensor.wholes().elements.first else {
      throw node.invalid("its condition has the shape \(tensor.shape)")
    }
    return first != 0
  }

  private mutating func call(
    _ name: String, _ inputs: [ONNXValue], in context: inout ForwardContext
  ) throws -> [ONNXValue] {
    guard var graph = graphs[name] else { throw node.invalid("it has no \(name)") }
    guard graph.graph.inputs.count == inputs.count else {
      throw node.invalid("\(name) has \(graph.graph.inputs.count) inputs, expected \(inputs.count)")
    }
    let captured = graph.graph.captures.map { values[$0.outer] }
    let results = try graph.run(inputs, captured: captured, bits: bits, in: &context) { _, _ in }
    graphs[name] = graph
    return results
  }

  private mutating func loop(in context: inout ForwardContext) throws -> [ONNXValue?] {
    let limit = a.has(0) ? try a.integer(0) : nil
    var goesOn = a.has(1) ? try truth(a.tensor(1)) : true
    var carried = try (2..<Swift.max(2, a.count)).map { try a.value($0) }
    let count = carried.count
    var collected: [[ONNXTensor]] = []
    var round = 0
    while goesOn && limit.map({ round < $0 }) ?? true {
      guard round < Self.rounds else { throw node.tooLarge("makes more than \(Self.rounds) rounds") }
      let inputs: [ONNXValue] = [
        .tensor(try ONNXTensor(wholes: [round], shape: [])), .tensor(try ONNXTensor(truths: [goesOn], shape: [])),
      ]
      let results = try call("body", inputs + carried, in: &context)
      guard results.count > count, case .tensor(let condition) = results[0] else {
        throw node.invalid("its body has \(results.count) outputs, expected \(1 + count) or more")
      }
      goesOn = try truth(condition)
      carried = Array(results[1..<1 + count])
      let made = try results[(1 + count)...].map { value in
        guard case .tensor(let tensor) = value else { throw node.invalid("its body collects what is no tensor") }
        return tensor
      }
      if collected.isEmpty { collected = made.map { _ in [] } }
      for i in made.indices { collected[i].append(made[i]) }
      round += 1
    }
    if collected.isEmpty, let body = graphs["body"] {
      // No round: nothing says what the results would have been made of.
      collected = Array(repeating: [], count: Swift.max(0, body.graph.outputs.count - 1 - count))
    }
    return try carried + collected.map { .tensor(try Self.stacked($0, axis: 0)) }
  }

  /// Tensors of one shape along a new axis.
  static func stacked(_ parts: [ONNXTensor], axis: Int) throws -> ONNXTensor {
    guard let first = parts.first else { return ONNXTensor(try Tensor<Float>.zeros([0])) }
    var shape = first.shape
    shape.insert(1, at: Swift.min(axis, shape.count))
    return try ONNXTensor.concatenated(parts.map { try $0.reshaped(shape) }, axis: axis)
  }

  /// One scan over the slices of some inputs; in version 8 one for each sample.
  private mutating func scan(in context: inout ForwardContext) throws -> [ONNXValue?] {
    guard node.version >= 9 else { return try batchScan(in: &context) }
    return try scan(a.values.enumerated().map { try a.value($0.offset) }, in: &context)
  }

  private mutating func scan(_ inputs: [ONNXValue], in context: inout ForwardContext)
    throws -> [ONNXValue]
  {
    let scanned = node.integer("num_scan_inputs", 0)
    guard (1...Swift.max(1, inputs.count)).contains(scanned), let body = graphs["body"] else {
      throw node.invalid("num_scan_inputs is \(scanned) for \(inputs.count) inputs")
    }
    var states = Array(inputs.dropLast(scanned))
    let results = body.graph.outputs.count - states.count
    guard results >= 0 else { throw node.invalid("its body has \(body.graph.outputs.count) outputs") }
    func list(_ name: String, _ count: Int) throws -> [Int] {
      let values = node.integers(name) ?? Array(repeating: 0, count: count)
      guard values.count == count else { throw node.invalid("\(name) is \(values)") }
      return values
    }
    let directions = try list(node.version < 9 ? "directions" : "scan_input_directions", scanned)
    let axes = try list("scan_input_axes", scanned)
    let slices = try zip(inputs.suffix(scanned), zip(axes, directions)).map { value, way -> [ONNXTensor] in
      guard case .tensor(let tensor) = value else { throw node.invalid("it scans what is no tensor") }
      let axis = try node.axis(way.0, rank: tensor.rank)
      var shape = tensor.shape
      shape.remove(at: axis)
      let all = try (0..<tensor.shape[axis]).map { try tensor.slice($0..<$0 + 1, axis: axis).reshaped(shape) }
      return way.1 == 0 ? all : all.reversed()
    }
    let rounds = slices.first?.count ?? 0
    guard slices.allSatisfy({ $0.count == rounds }) else { throw node.invalid("its inputs have different lengths") }
    var collected: [[ONNXTensor]] = Array(repeating: [], count: results)
    for round in 0..<rounds {
      let made = try call("body", states + slices.map { .tensor($0[round]) }, in: &context)
      states = Array(made.prefix(states.count))
      for i in 0..<results {
        guard case .tensor(let tensor) = made[states.count + i] else {
          throw node.invalid("it collects what is no tensor")
        }
        collected[i].append(tensor)
      }
    }
    let (ways, places) = (try list("scan_output_directions", results), try list("scan_output_axes", results))
    return try states
      + collected.indices.map { i in
        let parts = ways[i] == 0 ? collected[i] : collected[i].reversed()
        let axis = places[i] < 0 ? places[i] &+ (parts.first?.rank ?? 0) + 1 : places[i]
        guard (0...(parts.first?.rank ?? 0)).contains(axis) else { throw node.invalid("scan_output_axes is \(places)") }
        return .tensor(try Self.stacked(parts, axis: axis))
      }
  }

  private mutating func batchScan(in context: inout ForwardContext) throws
    -> [ONNXValue]
  {
    guard !a.has(0) else { throw node.unsupported("sequences of different lengths") }
    let tensors = try (1..<Swift.max(1, a.count)).map { try a.tensor($0) }
    guard let samples = tensors.first?.shape.first, tensors.allSatisfy({ $0.shape.first == samples }) else {
      throw node.invalid("its inputs have different numbers of samples")
    }
    var all: [[ONNXTensor]] = []
    for sample in 0..<samples {
      let own = try tensors.map {
        ONNXValue.tensor(try $0.slice(sample..<sample + 1, axis: 0).reshaped(Array($0.shape.dropFirst())))
      }
      all.append(
        try scan(own, in: &context).map { value in
          guard case .tensor(let tensor) = value else { throw node.invalid("it collects what is no tensor") }
          return tensor
        })
    }
    return try (all.first ?? []).indices.map { i in .tensor(try Self.stacked(all.map { $0[i] }, axis: 0)) }
  }

  /// The body for each element of a sequence, with the elements of others, or the same values each time.
  private mutating func map(in context: inout ForwardContext) throws -> [ONNXValue?] {
    guard case .sequence(let first) = try a.value(0), let body = graphs["body"] else {
      throw node.invalid("its first input has to be a sequence")
    }
    var collected: [[ONNXValue]] = Array(repeating: [], count: body.graph.outputs.count)
    for i in first.indices {
      let inputs = try a.values.indices.map { place -> ONNXValue in
        let value = try a.value(place)
        guard case .sequence(let elements) = value else { return value }
        guard elements.count == first.count else { throw node.invalid("its sequences have different lengths") }
        return elements[i]
      }
      for (place, value) in try call("body", inputs, in: &context).enumerated() {
        collected[place].append(value)
      }
    }
    return collected.map { .sequence($0) }
  }
}
