import Foundation
import Tensors
import Testing

@Suite("Fourier transforms") struct FourierTests {
  /// Even and odd lengths, products of small primes, and primes for which libraries have no shortcut.
  private static let lengths = [1, 2, 3, 4, 5, 7, 8, 11, 12, 30, 49, 97, 128]

  /// The sum that defines the transform.
  private func sum(_ x: [(re: Double, im: Double)]) -> [(re: Double, im: Double)] {
    x.indices.map { k in
      x.indices.reduce((re: 0, im: 0)) { sum, j in
        let angle = -2 * Double.pi * Double(j * k % x.count) / Double(x.count)
        return (
          sum.re + x[j].re * cos(angle) - x[j].im * sin(angle), sum.im + x[j].re * sin(angle) + x[j].im * cos(angle)
        )
      }
    }
  }

  @Test("any length: the sum that defines them, and back", arguments: lengths)
  func anyLength(n: Int) throws {
    var random = RandomStream(seed: 11)
    let pairs: Tensor<Double> = try random.normal([2, n, 2])
    let spectra = try ComplexTensor(pairs: pairs).fourierTransformed()
    let reals: Tensor<Double> = try pairs.at(0, axis: -1)
    let halves = try reals.realFourierTransformed()
    // n terms of size 1, each with a rotation that is rounded a few times.
    let bound = 1e-14 * Double(n)
    for row in 0..<2 {
      let numbers = try pairs.at(row).elements
      let exact = sum((0..<n).map { (numbers[2 * $0], numbers[2 * $0 + 1]) })
      let exactReal = sum((0..<n).map { (numbers[2 * $0], 0) })
      let (found, half) = (try spectra.interleaved.at(row).elements, try halves.interleaved.at(row).elements)
      for k in 0..<n { #expect(hypot(found[2 * k] - exact[k].re, found[2 * k + 1] - exact[k].im) <= bound) }
      for k in 0...n / 2 { #expect(hypot(half[2 * k] - exactReal[k].re, half[2 * k + 1] - exactReal[k].im) <= bound) }
    }
    #expect(try (spectra.inverseFourierTransformed().interleaved - pairs).magnitude().max().item() <= bound)
    #expect(try (halves.inverseRealFourierTransformed(last: n) - reals).magnitude().max().item() <= bound)
  }

  @Test("Float agrees with Double over three axes", arguments: [[4, 6, 5], [3, 1, 8]])
  func threeAxes(shape: [Int]) throws {
    var random = RandomStream(seed: 12)
    let x: Tensor<Float> = try random.normal([2] + shape)
    let wide = try Tensor<Double>(x.elements.map(Double.init), shape: x.shape)
    let (single, double) = (try x.realFourierTransformed(axes: 3), try wide.realFourierTransformed(axes: 3))
    // 120 numbers of size 1 in single precision.
    for (a, b) in zip(single.interleaved.elements, double.interleaved.elements) { #expect(abs(Double(a) - b) <= 1e-5) }
    let back = try single.inverseRealFourierTransformed(last: shape[2], axes: 3)
    #expect(try (back - x).magnitude().max().item() <= 1e-6)
  }

  @Test("threads that share a plan do not disturb each other", arguments: [96, 97])
  func threads(n: Int) async throws {
    var random = RandomStream(seed: 13)
    let x: Tensor<Double> = try random.normal([20, n, 2])
    let alone = try ComplexTensor(pairs: x).fourierTransformed().interleaved
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 { group.addTask { try ComplexTensor(pairs: x).fourierTransformed().interleaved == alone } }
      for try await same in group { #expect(same) }
    }
  }
}
