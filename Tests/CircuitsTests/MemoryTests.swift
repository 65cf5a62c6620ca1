import Circuits
import Devices
import Foundation
import Substrates
import Tensors
import Testing

@Suite("Associative memories and random sources") struct MemoryTests {
  private func signs(_ shape: [Int], seed: UInt64, zeros: Float = 0) throws -> Tensor<Float> {
    var random = RandomStream(seed: seed)
    let u: Tensor<Float> = try random.uniform(shape, in: -1...1)
    return try u.signs() * (u.magnitude() .> zeros)
  }

  private func ideal() throws -> Analog {
    var macro = Macro()
    (macro.input.bits, macro.output.bits) = (0, 0)
    return try Analog(macro, device: IdealDevice())
  }

  @Test("scores are what they are defined as, in logic and on ideal cells", arguments: Match.allCases)
  func scores(match: Match) throws {
    var random = RandomStream(seed: 2)
    let words: Tensor<Float> =
      switch match {
      case .binary: try signs([12, 40], seed: 1)
      case .ternary, .product: try signs([12, 40], seed: 1, zeros: 0.4)
      case .distance: try random.uniform([12, 40], in: 0...1)
      }
    let query: Tensor<Float> =
      switch match {
      case .binary, .ternary: try signs([5, 40], seed: 3)
      case .product: try random.normal([5, 40])
      case .distance: try random.uniform([5, 40], in: 0...1)
      }
    let (w, q) = (words.elements, query.elements)
    let expected = (0..<5 * 12).map { i -> Float in
      let (a, b) = (i / 12 * 40, i % 12 * 40)
      return (0..<40).reduce(0) { sum, k in
        switch match {
        case .binary: sum + (w[b + k] == q[a + k] ? 1 : 0)
        case .ternary, .product: sum + w[b + k] * q[a + k]
        case .distance: sum - (w[b + k] - q[a + k]) * (w[b + k] - q[a + k])
        }
      }
    }
    for substrate in [Digital() as any Substrate, try ideal()] {
      var context = ForwardContext()
      var memory = try substrate.memory(words, match, in: &context)
      let found = try memory.scores(query, in: &context)
      #expect(found.shape == [5, 12])
      // Sums of 40 products in single precision, of cells that are differences.
      #expect(zip(found.elements, expected).allSatisfy { abs($0 - $1) < 1e-3 })
      let best = try memory.best(query, in: &context).elements
      for b in 0..<5 {
        let row = Array(expected[b * 12..<(b + 1) * 12])
        #expect(row[Int(best[b])] >= (row.max() ?? 0) - 1e-3)
      }
      let turned = try Tensor.concatenate([words.slice(1..<12), words.slice(0..<1)], axis: 0)
      try memory.store(turned, in: &context)
      let again = try memory.scores(query, in: &context)
      #expect(try again.at(0).elements[11] - found.at(0).elements[0] < 1e-3)
    }
  }

  @Test("a noisy array of ternary words still finds nearly all: as the specification of semantic memory has it")
  func noisy() throws {
    // Ten lines of 64 places, 40 % of them "don't care", queries with noise of unit variance: nearly 1 with 15 % spread.
    let words = try signs([10, 64], seed: 5, zeros: 0.4)
    var device = RRAM().withoutFaults
    (device.lowest_S, device.highest_S, device.relativeResidue, device.readNoise) = (0.1e-6, 12.3e-6, 0.15, 0.02)
    var context = ForwardContext(random: RandomStream(seed: 6))
    let memory = try Analog(Macro(), device: device).memory(words, .product, in: &context)
    let labels = (0..<2000).map { Int32($0 % 10) }
    let query = try words.selecting(Tensor(labels)) + context.random.normal([2000, 64])
    let found = try memory.best(query, in: &context).elements
    let right = Double(zip(found, labels).count { $0 == $1 }) / 2000
    #expect(right > 0.985)
    #expect(context.activity.total(.comparator, .decision) == 2000 * 9)
    #expect(context.activity.total(.outputConverter, .conversion) == 0)
  }

  @Test("words and queries that the match does not know are refused")
  func refusals() throws {
    var context = ForwardContext()
    for substrate in [Digital() as any Substrate, try ideal()] {
      #expect(throws: TensorError.self) { try substrate.memory(Tensor([[0.5, 1]]), .ternary, in: &context) }
      let memory = try substrate.memory(Tensor([[0, 1]]), .ternary, in: &context)
      #expect(throws: TensorError.self) { try memory.scores(Tensor([[0, 1]]), in: &context) }
      #expect(throws: TensorError.self) { try memory.scores(Tensor([[1, 1, 1]]), in: &context) }
    }
  }

  @Test("formed cells are random weights of unit deviation that stay")
  func formed() throws {
    var context = ForwardContext(random: RandomStream(seed: 4))
    for substrate in [Digital() as any Substrate, try Analog(Macro(), device: RRAM().withoutFaults)] {
      let source = try substrate.randomSource(in: &context)
      let matrix = try source.matrix(200, 150, in: &context)
      let unit = try Tensor<Float>.identity(200)
      let w = try matrix.apply(unit, in: &context)
      // 30,000 numbers: the mean errs by 0.006, the deviation by 0.4 %; five of each (and 8-bit reads).
      #expect(abs(try w.mean().item()) < 0.03)
      #expect(abs(try w.variance().squareRoot().item() - 1) < 0.03)
      #expect(try Arrays.difference(matrix.apply(unit, in: &context), w) < 0.05)
      let other = try source.matrix(200, 150, in: &context).apply(unit, in: &context)
      #expect(abs(try (other * w).mean().item()) < 0.03)
    }
  }

  @Test("bits have their probabilities")
  func bits() throws {
    var context = ForwardContext(random: RandomStream(seed: 9))
    let n = 40_000
    for substrate in [Digital() as any Substrate, try Analog()] {
      let source = try substrate.randomSource(in: &context)
      for p in [0, 0.02, 0.3, 0.5, 0.9, 1] as [Float] {
        let bits = try source.bits(Tensor(repeating: p, shape: [n]), in: &context)
        #expect(bits.elements.allSatisfy { $0 == 0 || $0 == 1 })
        // √(p·q/n) five times, and half a step of a threshold of 8 bits over ±4 deviations: 0.4·4/127/2.
        let bound = 5 * (p * (1 - p) / Float(n)).squareRoot() + (p > 0 && p < 1 ? 0.0063 : 0)
        #expect(abs(try bits.mean().item() - p) <= bound)
      }
      #expect(throws: TensorError.self) { try source.bits(Tensor([1.5]), in: &context) }
    }
    let quiet = try Analog(Macro(), device: IdealDevice()).randomSource(in: &context)
    #expect(throws: CircuitError.self) { try quiet.bits(Tensor([0.5]), in: &context) }
  }
}
