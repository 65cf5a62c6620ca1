import Foundation
import Networks
import Substrates
import Tensors
import Testing

/// One layer of a kind, with an input for it.
private struct Example: Sendable, CustomTestStringConvertible {
  let layer: any Layer
  let x: Tensor<Float>
  /// Shapes of what arrays hold of it.
  let stored: [[Int]]
  var name: String { "\(type(of: layer))" }
  var testDescription: String { name }

  /// Every layer type there is.
  static let all: [Example] = {
    var random = RandomStream(seed: 5)
    func example(_ shape: [Int], _ stored: [[Int]] = [], _ layer: (inout RandomStream) throws -> any Layer) -> Example {
      guard let layer = try? layer(&random), let x: Tensor<Float> = try? random.normal(shape) else {
        preconditionFailure("an example cannot be made")
      }
      return Example(layer: layer, x: x, stored: stored)
    }
    return [
      example([3, 6], [[6, 4]]) { try Dense(6, 4, activation: .tanh, using: &$0) },
      example([2, 4, 9, 7], [[6, 2, 3, 3]]) {
        try Convolution(4, 6, window: [3, 3], stride: 2, padding: 1, groups: 2, activation: .relu, using: &$0)
      },
      example([2, 4, 5, 3], [[4, 3, 3, 2]]) {
        try TransposedConvolution(
          4, 6, window: [3, 2], stride: 2, padding: [1, 0], outputPadding: [1, 0], groups: 2, using: &$0)
      },
      example([2, 5, 3], [[3, 16], [4, 16]]) { try LSTM(3, 4, using: &$0) },
      example([2, 5, 8], [[8, 24], [8, 8]]) {
        try MultiHeadAttention(8, heads: 2, mask: causalMask(5), using: &$0)
      },
      example([3, 6], [[6, 4], [4, 2]]) {
        Sequential(
          try Dense(6, 4, using: &$0), Sequential(try Dropout(0.5), try Dense(4, 2, using: &$0)))
      },
      Example(
        layer: try! Embedding(entries: 4, width: 3, using: &random), x: try! Tensor([0, 3, 2], shape: [3]), stored: []),
      example([3, 6]) { _ in try Dropout(0.5) },
      example([3, 6]) { _ in Function { try silu($0) } },
      example([3, 6]) { _ in try BatchNorm(6, activation: .relu) },
      example([3, 6]) { _ in try LayerNorm(6) },
      example([3, 6, 4]) { _ in try GroupNorm(6, groups: 2) },
      example([3, 16]) { try FourierOperator(points: 16, modes: 4, width: 4, using: &$0) },
    ]
  }()
}

@Suite("Placed layers") struct PlacementTests {
  /// Sums of up to some hundred products in another order, in single precision.
  private let rounding: Float = 1e-4

  @Test("a network gives the same on a digital substrate as by itself")
  func placed() throws {
    var random = RandomStream(seed: 1)
    let network = Sequential(
      try Convolution(2, 6, window: [3, 3], stride: 2, padding: 1, groups: 2, activation: .relu, using: &random),
      try TransposedConvolution(
        6, 4, window: [4, 3], stride: [2, 1], padding: [1, 0], outputPadding: [1, 0], using: &random),
      try TransposedConvolution(4, 2, window: [3, 3], stride: 2, dilation: 2, groups: 2, using: &random),
      Function { try silu($0).flattened(from: 1) },
      try Dense(2 * 37 * 19, 5, activation: .tanh, using: &random))
    var context = ForwardContext()
    let x: Tensor<Float> = try random.normal([3, 2, 16, 12])
    let expected = try network(x)
    var placed = try network.placed(on: Digital(), in: &context)
    let found = try placed.forward(x, in: &context)
    #expect(try (found - expected).magnitude().max().item() < rounding)
    #expect(context.activity.total(.floatLogic, .multiplyAccumulate) > 0)
  }

  @Test(
    "every layer type reads stored matrices or says why not, and gives what it gives by itself",
    arguments: Example.all)
  fileprivate func places(example: Example) throws {
    var context = ForwardContext()
    var layer: any PlacedLayer = try example.layer.placed(on: ArraySubstrate(), in: &context)
    context.activity = Activity()
    let found = try layer.forward(example.x, in: &context)
    let alone = try example.layer(example.x)
    let distance: Float = try (found - alone).magnitude().max().item()
    #expect(distance < rounding)
    let held: [[Int]] = layer.placements.filter { $0.staysDigital == nil }.flatMap { $0.stored }
    #expect(held == example.stored)
    for placement in layer.placements {
      if let reason = placement.staysDigital {
        #expect(!reason.isEmpty && placement.stored.isEmpty && placement.inventory == Inventory())
      } else {
        // A group of a convolution has its own matrix: cells are as many as weights.
        let weights: Int = placement.stored.map { $0.reduce(1, *) }.reduce(0, +)
        #expect(placement.inventory.count(.testCell) == weights)
        let isRead = context.activity.entries.contains { $0.key.part == .testCell && $0.key.scope == placement.name }
        #expect(isRead)
      }
    }
    #expect(!layer.placements.isEmpty)
    // Logic is counted at the substrate's width and never as floating point.
    #expect(context.activity.total(.floatLogic, .operation) == 0)
    #expect(context.activity.total(.floatLogic, .multiplyAccumulate) == 0)
    let silent = example.layer is Dropout || example.layer is Embedding
    let works = context.activity.total(.integerLogic, .operation) > 0
    #expect(works != silent)
    let isNarrow = context.activity.entries.allSatisfy { $0.key.part != .integerLogic || $0.key.bits == 8 }
    #expect(isNarrow)
    // The same parameters under the same names, and on another substrate once more.
    let before: [(name: String, tensor: Tensor<Float>)] = try example.layer.state()
    let after: [(name: String, tensor: Tensor<Float>)] = try layer.state()
    #expect(before.map { $0.name } == after.map { $0.name })
    #expect(before.map { $0.tensor } == after.map { $0.tensor })
    var again: any PlacedLayer = try layer.placed(on: Digital(), in: &context)
    #expect(again.placements.map { $0.name } == layer.placements.map { $0.name })
    let repeated = try again.forward(example.x, in: &context)
    let change: Float = try (repeated - found).magnitude().max().item()
    #expect(change < rounding)
  }

  @Test("the list of layer types above is complete")
  func complete() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Sources/Networks")
    let files = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
    var declared: Set<String> = []
    for case let file as URL in files where file.pathExtension == "swift" {
      let text = try String(contentsOf: file, encoding: .utf8)
      for match in text.matches(of: /(?m)^ *(?:\w+ )*(?:struct|class|enum) (\w+)(?:<[^>]*>)?: (?:\w+, )*Layer\b/) {
        declared.insert(String(match.1))
      }
    }
    #expect(declared == Set(Example.all.map(\.name)))
  }

  @Test("digital work of attention and of an LSTM is what their equations say")
  func work() throws {
    var random = RandomStream(seed: 6)
    var context = ForwardContext()
    let (batch, positions, width, heads) = (2, 5, 8, 2)
    var attention = try MultiHeadAttention(width, heads: heads, using: &random)
      .placed(on: ArraySubstrate(), in: &context)
    context.activity = Activity()
    _ = try attention.forward(random.normal([batch, positions, width]), in: &context)
    // q·kᵀ and softmax·v of every head; a scale and the five steps of a softmax for each score.
    let scores = batch * heads * positions * positions
    let scored = context.activity.filtered { $0.scope == "scores" }
    #expect(scored.total(.integerLogic, .multiplyAccumulate) == Double(2 * scores * width / heads))
    #expect(scored.total(.integerLogic, .operation) == Double(6 * scores))
    // One bias for each number of queries, keys, values and results.
    let biases = context.activity.total(.integerLogic, .operation) - Double(6 * scores)
    #expect(biases == Double(4 * batch * positions * width))
    // Each cell is read for each position.
    #expect(context.activity.total(.testCell, .testRead) == Double(batch * positions * 4 * width * width))

    let (steps, inputs, hidden) = (3, 2, 4)
    var lstm = try LSTM(inputs, hidden, using: &random).placed(on: ArraySubstrate(), in: &context)
    context.activity = Activity()
    _ = try lstm.forward(random.normal([batch, steps, inputs]), in: &context)
    // Four sums of both products, five activations, three products and a sum.
    #expect(
      context.activity.filtered { $0.scope == "gates" }.total(.integerLogic, .operation)
        == Double(13 * batch * steps * hidden))
    #expect(
      context.activity.total(.testCell, .testRead) == Double(batch * steps * 4 * hidden * (inputs + hidden)))
  }

  @Test("the ledger has the names of layers as scopes, writing included")
  func scopes() throws {
    var random = RandomStream(seed: 7)
    let network = Sequential(
      try Dense(3, 4, using: &random), Sequential(Function { try relu($0) }, try LSTM(4, 2, using: &random)))
    var context = ForwardContext()
    var placed = try network.placed(on: ArraySubstrate(), in: &context)
    #expect(context.activity.scopes == ["0", "1.1.input", "1.1.recurrent"])
    _ = try placed.forward(random.normal([2, 5, 3]), in: &context)
    #expect(context.activity.scopes == ["0", "1.0", "1.1.gates", "1.1.input", "1.1.recurrent"])
    #expect(placed.placements.map(\.name) == ["0", "1.0", "1.1.input", "1.1.recurrent", "1.1.gates"])
    #expect(context.scope == "")
  }

  /// A layer of someone who holds others.
  private struct Residual: Layer {
    var inner: any Layer

    mutating func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
      try inner.forward(x, in: &context) + x
    }
    mutating func visit(_ visitor: Visitor) throws { try visitor("inner", &inner) }
    func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> PlacedParts<Residual> {
      try placedByParts(on: substrate, in: &context) { copy, place in
        try place("inner", &copy.inner)
        place.keepsDigital("sum", "both are computed")
      }
    }
  }

  @Test("layers that hold others pass placing on, once and again")
  func parts() throws {
    var random = RandomStream(seed: 8)
    let layer = Residual(inner: try Dense(3, 3, using: &random))
    let x: Tensor<Float> = try random.normal([2, 3])
    var context = ForwardContext()
    var placed = try layer.placed(on: ArraySubstrate(), in: &context).placed(on: ArraySubstrate(), in: &context)
    context.activity = Activity()
    #expect(try (placed.forward(x, in: &context) - layer(x)).magnitude().max().item() < rounding)
    #expect(context.activity.scopes == ["inner"])
    #expect(placed.placements.map(\.name) == ["inner", "sum"])
    #expect(placed.inventory.count(.testCell) == 9)
    #expect(try placed.state().map(\.name) == ["inner.weight", "inner.bias"])
  }

  @Test("an input of the wrong width is an error", arguments: [[3, 5], [], [0]])
  func wrongShape(shape: [Int]) throws {
    var random = RandomStream(seed: 9)
    var context = ForwardContext()
    var placed = try Dense(6, 4, using: &random).placed(on: ArraySubstrate(), in: &context)
    #expect(throws: TensorError.wrongShape(argument: "x", found: shape, expected: "[…, 6]")) {
      try placed.forward(.zeros(shape), in: &context)
    }
    #expect(try placed.forward(.zeros([0, 6]), in: &context).shape == [0, 4])
  }
}
