import Networks
import Substrates
import Tensors
import Testing

@Suite("Intermediate results of ONNX networks") struct ONNXObservationTests {
  private static let first: [Float] = [1, -1, 2, 0.5]
  private static let second: [Float] = [1, 3]

  /// `x` times a matrix, ReLU, times a matrix; with a node that gives whole numbers on the way. It ends where `output` is made.
  private func model(output: String) throws -> ONNXModel {
    var builder = ONNXBuilder()
    builder.input("x")
    builder.constant("w1", try Tensor(Self.first, shape: [2, 2]))
    builder.constant("w2", try Tensor(Self.second, shape: [2, 1]))
    builder.node("MatMul", "first", ["x", "w1"], ["a"])
    if output != "a" { builder.node("Relu", "rectifier", ["a"], ["b"]) }
    if output == "c" {
      builder.node("Shape", "shape", ["b"], ["s"])
      builder.node("Reshape", "same", ["b", "s"], ["d"])
      builder.node("MatMul", "second", ["d", "w2"], ["c"])
    }
    builder.output(output)
    return try builder.model()
  }

  private func observed(on substrate: any Substrate, _ x: Tensor<Float>, in context: inout ForwardContext) throws
    -> (nodes: [String], results: [[Tensor<Float>]], output: Tensor<Float>?)
  {
    let network = try model(output: "c").placed(on: substrate, in: &context)
    var nodes: [String] = []
    var results: [[Tensor<Float>]] = []
    let outputs = try network(["x": x], in: &context) {
      nodes.append($0)
      results.append($1)
    }
    return (nodes, results, outputs["c"])
  }

  @Test("are those by hand, in the order of the graph, without whole numbers")
  func byHand() throws {
    var context = ForwardContext()
    let (nodes, results, output) = try observed(on: Digital(), Tensor([1, 2, -3, 1], shape: [2, 2]), in: &context)
    #expect(nodes == ["first", "rectifier", "shape", "same", "second"])
    // [1, 2]·[[1, −1], [2, 0.5]] = [5, 0] and [−3, 1]·… = [−1, 3.5]; all sums are exact in binary.
    #expect(results[0].map(\.elements) == [[5, 0, -1, 3.5]])
    #expect(results[1].map(\.elements) == [[5, 0, 0, 3.5]])
    #expect(results[2].isEmpty)
    #expect(results[4].map(\.elements) == [[5, 10.5]])
    #expect(output?.elements == [5, 10.5])
  }

  @Test("equal the outputs of the network cut at that node", arguments: ["a", "b", "c"])
  func cut(output: String) throws {
    var random = RandomStream(seed: 3)
    let x: Tensor<Float> = try random.normal([4, 2])
    // The same seed gives the same writing noise up to the cut; reads have none.
    let substrate = ArraySubstrate(writeNoise: 0.1)
    var (whole, short) = (ForwardContext(random: RandomStream(seed: 8)), ForwardContext(random: RandomStream(seed: 8)))
    let (nodes, results, _) = try observed(on: substrate, x, in: &whole)
    let alone = try model(output: output).placed(on: substrate, in: &short)(["x": x], in: &short)
    let place = try #require(nodes.firstIndex(of: ["a": "first", "b": "rectifier", "c": "second"][output] ?? ""))
    #expect(results[place].first?.elements == alone[output]?.elements)
  }

  @Test("change neither the outputs nor the ledger, and an error of the observer ends the computation")
  func observing() throws {
    struct Enough: Error {}
    var random = RandomStream(seed: 4)
    let x: Tensor<Float> = try random.normal([4, 2])
    var (with, without) = (ForwardContext(random: RandomStream(seed: 1)), ForwardContext(random: RandomStream(seed: 1)))
    let substrate = ArraySubstrate(writeNoise: 0.1, readNoise: 0.1)
    let (_, _, output) = try observed(on: substrate, x, in: &with)
    let network = try model(output: "c").placed(on: substrate, in: &without)
    #expect(try network(["x": x], in: &without)["c"]?.elements == output?.elements)
    #expect(with.activity == without.activity)
    var count = 0
    #expect(throws: Enough.self) {
      try network(["x": x], in: &without) { _, _ in
        count += 1
        if count == 2 { throw Enough() }
      }
    }
    #expect(count == 2)
  }
}
