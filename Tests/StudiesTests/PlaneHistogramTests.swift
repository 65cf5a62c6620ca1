import Foundation
import Studies
import Tensors
import Testing

@Suite("Histograms in the plane") struct PlaneHistogramTests {
  @Test("shares, divergence and distance are those by hand")
  func hand() throws {
    let a = try PlaneHistogram(Tensor([[-0.5, -0.5], [0.5, 0.5], [0.5, 0.5], [2, 0]]), bins: 2, reach: 1)
    // A point outside counts in no bin, and among all.
    #expect(a.shares == [0.25, 0, 0, 0.5])
    let b = try PlaneHistogram(Tensor([[-0.5, -0.5], [0.5, 0.5]]), bins: 2, reach: 1)
    // Renormalised: 1/3 and 2/3 against 1/2 and 1/2; floors change the ninth digit.
    let expected = log(2.0 / 3) / 3 + log(4.0 / 3) * 2 / 3
    #expect(abs(a.divergence(from: b) - expected) < 1e-7)
    #expect(abs(a.distance(to: b) - 0.25) < 1e-12)
    #expect(a.divergence(from: a) == 0)
  }

  @Test("normalised records have mean 0 and deviation 1 at each place, and come back")
  func normaliser() throws {
    let records = try Tensor<Double>([[1, 10], [3, 10], [5, 10]])
    let own = try Normaliser(records)
    let found = try own.normalised(records)
    #expect(try found.mean(axes: [0]).magnitude().max().item() < 1e-12)
    #expect(try (own.restored(found) - records).magnitude().max().item() < 1e-12)
    // The place where nothing happens is not divided by zero.
    let numbers = found.elements
    #expect(numbers.allSatisfy { $0.isFinite })
  }
}
