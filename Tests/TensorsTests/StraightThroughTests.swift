import Foundation
import Tensors
import Testing

@Suite("Straight-through and custom gradients") struct StraightThroughTests {
  private let x = try! Tensor<Double>([-1.6, -0.4, 0, 0.3, 0.5, 2.5])
  private let upstream = try! Tensor<Double>([1, 2, 3, 4, 5, 6])

  private func gradient(_ f: (Tensor<Double>) throws -> Tensor<Double>) throws -> [Double] {
    try valueAndGradient(at: x) { try (f($0) * upstream).sum() }.gradient.elements
  }

  @Test("values are those of the hard functions")
  func values() throws {
    #expect(try x.roundedStraightThrough().elements == [-2, 0, 0, 0, 0, 2])
    #expect(try x.signsStraightThrough().elements == [-1, -1, 0, 1, 1, 1])
    #expect(try x.clampedStraightThrough(to: -1...1).elements == [-1, -0.4, 0, 0.3, 0.5, 1])
    #expect(try x.stepStraightThrough(at: 0.3).elements == [0, 0, 0, 1, 1, 1])
    #expect(try x.spikes().elements == [0, 0, 1, 1, 1, 1])
  }

  @Test("gradients pass straight through, or stop without it")
  func gradients() throws {
    let through = upstream.elements
    #expect(try gradient { try $0.roundedStraightThrough() } == through)
    #expect(try gradient { try $0.signsStraightThrough() } == through)
    #expect(try gradient { try $0.clampedStraightThrough(to: -1...1) } == through)
    #expect(try gradient { try $0.stepStraightThrough() } == through)
    #expect(try gradient { try $0.clamped(to: -1...1) } == [0, 2, 3, 4, 5, 0])
    #expect(try gradient { try $0.rounded() } == [0, 0, 0, 0, 0, 0])
  }

  @Test("spikes have the stand-in's gradient", arguments: SurrogateGradient.allCases)
  func surrogates(shape: SurrogateGradient) throws {
    let k = 3.0
    let threshold = 0.2
    let found = try gradient { try $0.spikes(at: threshold, surrogate: shape, steepness: k) }
    for (i, value) in x.elements.enumerated() {
      let d = value - threshold
      let slope =
        switch shape {
        case .fastSigmoid: 1 / pow(1 + k * d.magnitude, 2)
        case .arctangent: k / 2 / (1 + pow(Double.pi / 2 * k * d, 2))
        case .triangle: k * max(0, 1 - k * d.magnitude)
        }
      // A handful of roundings.
      #expect((found[i] - upstream.elements[i] * slope).magnitude <= 1e-14)
    }
  }

  @Test("a custom gradient takes the place of the function's own")
  func custom() throws {
    let found = try gradient { x in
      try withCustomGradient(of: [x]) {
        try $0[0].squared()
      } gradient: { g, inputs in
        [try g * inputs[0] * 10]
      }
    }
    #expect(found == zip(x.elements, upstream.elements).map { $1 * $0 * 10 })
  }

  @Test("detached tensors stop gradients; a number that does not depend on a point has gradient zero")
  func detached() throws {
    #expect(try gradient { try $0 * $0.detached() } == zip(x.elements, upstream.elements).map { $1 * $0 })
    let (_, gradients) = try valueAndGradient(at: x, upstream) { a, _ in try a.sum() }
    #expect(gradients.1.elements == [0, 0, 0, 0, 0, 0])
  }

  @Test("a tensor used many times collects every share")
  func accumulation() throws {
    // d/dx Σ (x + x·x + exp(x)) = 1 + 2x + exp(x)
    let found = try valueAndGradient(at: x) { try ($0 + $0 * $0 + exp($0)).sum() }.gradient.elements
    for (g, v) in zip(found, x.elements) { #expect((g - (1 + 2 * v + Foundation.exp(v))).magnitude < 1e-12) }
  }
}
