import Foundation
import Substrates
import Tensors
import Testing

@Suite("Quantiser") struct QuantiserTests {
  /// Signal to rounding noise of a uniform signal over the whole range: (range²/3)/(step²/12), 20·log₁₀(2ᵇ − 2) dB for signed
  /// numbers, 20·log₁₀(2ᵇ − 1) for those from 0 on: 6.02·b dB less what a missing level costs.
  @Test("rounding noise follows 6.02 dB for each bit", arguments: [2, 3, 4, 6, 8, 10, 12])
  func law(bits: Int) throws {
    var random = RandomStream(seed: 3)
    let n = 200_000
    for isSigned in [true, false] {
      let quantiser = try Quantiser(bits: bits, isSigned: isSigned)
      let x: Tensor<Float> = try random.uniform([n], in: (isSigned ? -3 : 0)...3)
      let noise = Double(try (quantiser.rounded(x, range: 3) - x).squared().mean().item())
      let signal = Double(try (isSigned ? x : x - 1.5).squared().mean().item())
      let steps = pow(2, Double(bits)) - (isSigned ? 2 : 1)
      // Two mean squares of n uniform numbers err by √(0.8/n) each: 0.009 dB; four of them.
      #expect(abs(10 * log10(signal / noise) - 20 * log10(steps)) < 0.04)
      #expect(abs(20 * log10(steps) - 6.02 * Double(bits)) < (bits < 4 ? 6.1 : 1.2))
    }
  }

  @Test("the number of levels is what is said, 0 is one of them, and the ends are taken beyond")
  func levels() throws {
    for bits in 1...6 {
      for isSigned in [true, false] {
        let quantiser = try Quantiser(bits: bits, isSigned: isSigned)
        let x = try Tensor<Float>((0...4000).map { Float($0) / 1000 - 2 })
        let values = Set(try quantiser.rounded(x, range: 1).elements)
        #expect(values.count == quantiser.levels)
        #expect(values.max() == 1 && values.min() == (isSigned ? -1 : 0))
        #expect(values.contains(0) == (bits > 1 || !isSigned))
      }
    }
  }

  @Test("one bit compares; 0 bits are ideal; a range of 0 gives 0 and nothing that is no number")
  func edges() throws {
    let x = try Tensor<Float>([-0.2, 0, 0.3])
    #expect(try Quantiser(bits: 1).rounded(x, range: 2).elements == [-2, 2, 2])
    #expect(try Quantiser(bits: 0).rounded(x, range: 0.1) == x)
    for bits in [1, 2, 8, 30] {
      #expect(try Quantiser(bits: bits).rounded(x, range: 0).elements.allSatisfy { $0 == 0 })
      #expect(try Quantiser(bits: bits).rounded(0.7, range: 0) == 0)
    }
    for bits in [-1, 31] { #expect(throws: TensorError.self) { try Quantiser(bits: bits) } }
  }

  @Test("one number is rounded as a tensor is")
  func single() throws {
    for bits in [1, 2, 5, 9] {
      let quantiser = try Quantiser(bits: bits)
      for i in -30...30 {
        let x = Double(i) / 16
        let expected = try quantiser.rounded(Tensor([Float(x)]), range: 1.5).elements[0]
        // Halves of a step are even in both; single precision beside double.
        #expect(abs(quantiser.rounded(x, range: 1.5) - Double(expected)) < 1e-6 || isHalf(x / 1.5 / quantiser.step))
      }
    }
  }

  private func isHalf(_ x: Double) -> Bool { abs(x - x.rounded(.down) - 0.5) < 1e-6 }
}
