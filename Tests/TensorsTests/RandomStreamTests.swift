import CKernels
import Tensors
import Testing

@Suite("Random streams") struct RandomStreamTests {
  @Test("Philox4x32-10 gives the published words for key 0 and counter 0")
  func knownAnswer() {
    // Random123's known-answer file: philox4x32 10, all zero. Words of one block are 16 apart.
    var words = [UInt32](repeating: 0, count: 64)
    kk_random_words(0, 0, 64, &words)
    #expect([words[0], words[16], words[32], words[48]] == [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8])
  }

  @Test("the same seed gives the same numbers at any thread count, another seed or name does not")
  func reproducible() throws {
    func draw(_ seed: UInt64, _ threads: Int) throws -> Tensor<Float> {
      try Parallelism.withThreads(threads) {
        var random = RandomStream(seed: seed)
        return try random.normal([300_001])
      }
    }
    let first = try draw(7, 1)
    #expect(try first == draw(7, 2))
    #expect(try first != draw(8, 1))
    var left = RandomStream(seed: 7).split("left")
    var right = RandomStream(seed: 7).split("right")
    var again = RandomStream(seed: 7).split("left")
    let a: Tensor<Double> = try left.uniform([100])
    let b: Tensor<Double> = try right.uniform([100])
    let c: Tensor<Double> = try again.uniform([100])
    #expect(a != b)
    #expect(a == c)
  }

  @Test("a draw goes on where the one before ended")
  func continues() throws {
    var random = RandomStream(seed: 1)
    let a: Tensor<Float> = try random.normal([64])
    let b: Tensor<Float> = try random.normal([64])
    var other = RandomStream(seed: 1)
    let both: Tensor<Float> = try other.normal([128])
    #expect(try both.slice(0..<64) == a)
    #expect(try both.slice(64..<128) == b)
  }

  // For n draws the mean has the standard error 1/√n, the variance √(2/n), the fourth moment √(96/n); five of each.
  @Test("normal numbers have the moments of the normal distribution")
  func normalMoments() throws {
    let n = 1 << 20
    func check<S: TensorScalar>(_ x: Tensor<S>) throws {
      let values = x.elements.map { Double($0) }
      let count = Double(n)
      let mean = values.reduce(0, +) / count
      let variance = values.reduce(0) { $0 + $1 * $1 } / count
      let fourth = values.reduce(0) { $0 + $1 * $1 * $1 * $1 } / count
      #expect(mean.magnitude < 5 / count.squareRoot())
      #expect((variance - 1).magnitude < 5 * (2 / count).squareRoot())
      #expect((fourth - 3).magnitude < 5 * (96 / count).squareRoot())
      // Neighbours, and the two numbers of one Box–Muller pair (16 apart), are not correlated.
      for lag in [1, 16] {
        let product = (0..<n - lag).reduce(0) { $0 + values[$1] * values[$1 + lag] } / count
        #expect(product.magnitude < 5 / count.squareRoot(), "lag \(lag)")
      }
    }
    var random = RandomStream(seed: 11)
    try check(try random.normal([n]) as Tensor<Float>)
    try check(try random.normal([n]) as Tensor<Double>)
  }

  // The largest distance between the empirical and the true distribution function exceeds 1.95/√n with p = 0.001
  // (Kolmogorov).
  @Test("uniform numbers fill their interval evenly")
  func uniformDistribution() throws {
    let n = 100_000
    var random = RandomStream(seed: 12)
    let x: Tensor<Float> = try random.uniform([n], in: -2...3)
    let sorted = x.elements.sorted()
    let distance =
      sorted.enumerated().map { (Double($0.element + 2) / 5 - Double($0.offset) / Double(n)).magnitude }.max() ?? 1
    #expect(distance < 1.95 / Double(n).squareRoot())
    #expect(sorted[0] >= -2 && sorted[n - 1] <= 3)
  }

  @Test("Bernoulli draws hit with their probability")
  func bernoulli() throws {
    let n = 1 << 18
    var random = RandomStream(seed: 13)
    for p in [0, 0.1, 0.5, 1] as [Float] {
      let hits = try random.bernoulli(Tensor<Float>(repeating: p, shape: [n])).mean().item()
      // Five standard errors √(p(1 − p)/n).
      #expect((hits - p).magnitude <= 5 * (p * (1 - p) / Float(n)).squareRoot())
    }
  }

  @Test("a permutation names every number once")
  func permutation() throws {
    var random = RandomStream(seed: 14)
    let order = try random.permutation(1000).elements
    #expect(order.sorted() == (0..<1000).map { Int32($0) })
    #expect(order != order.sorted())
  }
}
