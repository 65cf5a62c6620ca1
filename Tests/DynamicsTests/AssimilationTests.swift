import Dynamics
import Foundation
import Tensors
import Testing

@Suite("Assimilation") struct AssimilationTests {
  /// Reference check 1 of the specification.
  @Test("the conditional-Gaussian filter's worked example")
  func workedExample() throws {
    func one(_ x: Double) throws -> Tensor<Double> { try Tensor([x], shape: [1, 1]) }
    let c = try ConditionalGaussianCoefficients(f1: one(0.1), g1: one(2), f2: one(0.2), g2: one(0.9))
    var state = try ConditionalGaussianState(mean: one(1), covariance: one(0.5))
    let (s1, s2) = (try one(0.25), try one(0.09))
    state = try state.next(c, observed: one(2.5), noise1: s1, noise2: s2)
    #expect(abs(try state.mean.item() - 1.26) < 1e-14)
    #expect(abs(try state.covariance.item() - 0.135) < 1e-14)
    // Check 3: the covariance's course and its limit.
    var course: [Double] = []
    for _ in 0..<3 {
      state = try state.next(c, observed: one(0), noise1: s1, noise2: s2)
      course.append(try state.covariance.item())
    }
    for (found, expected) in zip(course, [0.1246044, 0.1237143, 0.1236335]) { #expect(abs(found - expected) < 1e-7) }
    let steady = try SteadyFilter(c, noise1: s1, noise2: s2)
    #expect(abs(try steady.covariance.item() - 0.1236254) < 1e-7)
    #expect(abs(try steady.gain.item() - 0.2988922) < 1e-7)
    #expect(abs(try steady.spectralRadius() - 0.3022157) < 1e-7)
  }

  private static func system(_ d1: Int, _ d: Int, seed: UInt64) throws -> (
    c: ConditionalGaussianCoefficients<Double>, u: Tensor<Double>, noise1: Tensor<Double>, noise2: Tensor<Double>
  ) {
    var random = RandomStream(seed: seed)
    let g2: Tensor<Double> = try random.normal([d, d], standardDeviation: 0.8 / Double(d).squareRoot())
    let c = try ConditionalGaussianCoefficients<Double>(
      f1: random.normal([d1, 1]), g1: random.normal([d1, d]), f2: random.normal([d, 1]), g2: g2)
    return (
      c, try random.normal([201, d1]), try Tensor.identity(d1) * 0.09, try Tensor.identity(d) * 0.04
    )
  }

  /// Check 2: u⁺ is an observation of z by G₁; update with it, then predict.
  @Test("it equals the textbook Kalman filter on a linear system")
  func equalsKalman() throws {
    let (c, u, s1, s2) = try Self.system(3, 5, seed: 4)
    let model = try LinearGaussianModel(transition: c.g2, noise: s2, observation: c.g1, observationNoise: s1)
    var state = try ConditionalGaussianState(mean: Tensor<Double>.zeros([5, 1]), covariance: Tensor.identity(5) * 0.01)
    var estimate = try GaussianEstimate(mean: Tensor.zeros([5]), covariance: Tensor.identity(5) * 0.01)
    for n in 1...200 {
      let observed = try u.at(n).expanded(axis: 1)
      state = try state.next(c, observed: observed, noise1: s1, noise2: s2)
      estimate = try model.predicted(model.updated(estimate, with: (observed - c.f1).reshaped([3])))
      estimate.mean = try estimate.mean + c.f2.reshaped([5])
      #expect(try (state.mean.reshaped([5]) - estimate.mean).magnitude().max().item() < 1e-11)
      #expect(try (state.covariance - estimate.covariance).magnitude().max().item() < 1e-12)
    }
    // Check (d): the steady recursion after 200 records.
    let steady = try SteadyFilter(c, noise1: s1, noise2: s2)
    var mean = try Tensor<Double>.zeros([5, 1])
    for n in 1...200 {
      mean = try matmul(steady.transition, mean) + matmul(steady.gain, u.at(n).expanded(axis: 1)) + steady.shift
    }
    #expect(try (mean - state.mean).norm().item() / state.mean.norm().item() < 1e-6)
  }

  /// Check 10.
  @Test("gradients through 20 steps are those of finite differences")
  func gradients() throws {
    let (c, u, s1, s2) = try Self.system(3, 5, seed: 7)
    func loss(_ p: [Tensor<Double>]) throws -> Tensor<Double> {
      let c = ConditionalGaussianCoefficients(f1: p[0], g1: p[1], f2: p[2], g2: p[3])
      var state = try ConditionalGaussianState(
        mean: Tensor<Double>.zeros([5, 1]), covariance: Tensor.identity(5) * 0.01)
      var sum = try Tensor<Double>(0)
      for n in 1...20 {
        state = try state.next(c, observed: u.at(n).expanded(axis: 1), noise1: s1, noise2: s2)
        sum = try sum + state.mean.squared().sum() + state.covariance.trace()
      }
      return sum
    }
    let points = [c.f1, c.g1, c.f2, c.g2]
    let (_, gradients) = try valueAndGradient(at: points, in: loss)
    for (k, point) in points.enumerated() {
      for i in [0, point.count / 2, point.count - 1] {
        func shifted(_ h: Double) throws -> Double {
          var elements = point.elements
          elements[i] += h
          var all = points
          all[k] = try Tensor(elements, shape: point.shape)
          return try loss(all).item()
        }
        let found = gradients[k].elements[i]
        let expected = try (shifted(1e-6) - shifted(-1e-6)) / 2e-6
        #expect(abs(found - expected) <= 1e-5 * max(1, abs(expected)))
      }
    }
  }

  /// Check 4: with G₁Δt, Σ₁√Δt, I + G₂Δt and Σ₂√Δt both filters come together at first order.
  @Test("in short steps it comes near the continuous filter")
  func continuous() throws {
    let (f1, g1, f2, g2, s1, s2) = (0.3, 1.2, 0.1, -0.7, 0.4, 0.5)
    func difference(_ dt: Double) throws -> Double {
      func one(_ x: Double) throws -> Tensor<Double> { try Tensor([x], shape: [1, 1]) }
      let c = try ConditionalGaussianCoefficients(
        f1: one(f1 * dt), g1: one(g1 * dt), f2: one(f2 * dt), g2: one(1 + g2 * dt))
      var state = try ConditionalGaussianState(mean: one(0), covariance: one(1))
      var (mu, r) = (0.0, 1.0)
      for n in 0..<Int((2 / dt).rounded()) {
        let du = dt * cos(Double(n) * dt)
        state = try state.next(c, observed: one(du), noise1: one(s1 * s1 * dt), noise2: one(s2 * s2 * dt))
        let gain = r * g1 / (s1 * s1)
        let next = mu + (f2 + g2 * mu) * dt + gain * (du - (f1 + g1 * mu) * dt)
        r += (2 * g2 * r + s2 * s2 - gain * g1 * r) * dt
        mu = next
      }
      return abs(try state.mean.item() - mu)
    }
    let (coarse, fine) = (try difference(0.01), try difference(0.005))
    #expect(abs(log2(coarse / fine) - 1) < 0.2)
  }

  @Test("the smoother gives the conditional means of the joint distribution")
  func smoother() throws {
    // Three times, two states: the joint normal distribution by hand.
    let a = try Tensor<Double>([[0.9, 0.2], [-0.1, 0.8]])
    let q = try Tensor<Double>([[0.1, 0.02], [0.02, 0.2]])
    let h = try Tensor<Double>([[1, 0.5]])
    let r = try Tensor<Double>([[0.3]])
    let model = try LinearGaussianModel(transition: a, noise: q, observation: h, observationNoise: r)
    let p0 = try Tensor<Double>.identity(2)
    let y = try Tensor<Double>([[1], [-0.5], [0.7]])
    let smoothed = try model.smoothed(y, from: GaussianEstimate(mean: Tensor.zeros([2]), covariance: p0))
    // Covariances of x_i with x_j: P_ii recursively, P_ij = A^(i−j)·P_jj.
    var variances = [p0]
    for _ in 1..<3 {
      variances.append(try matmul(matmul(a, variances[variances.count - 1]), a, transposingB: true) + q)
    }
    var joint = try Tensor<Double>.zeros([6, 6]).elements
    for j in 0..<3 {
      var block = variances[j]
      for i in j..<3 {
        for s in 0..<2 {
          for t in 0..<2 {
            joint[(2 * i + s) * 6 + 2 * j + t] = block.elements[s * 2 + t]
            joint[(2 * j + t) * 6 + 2 * i + s] = block.elements[s * 2 + t]
          }
        }
        block = try matmul(a, block)
      }
    }
    let p = try Tensor(joint, shape: [6, 6])
    let all = try Tensor((0..<18).map { $0 % 6 / 2 == $0 / 6 ? ($0 % 2 == 0 ? 1.0 : 0.5) : 0 }, shape: [3, 6])
    let cross = try matmul(all, p)
    let s = try matmul(cross, all, transposingB: true) + Tensor<Double>.identity(3) * 0.3
    let means = try matmul(cross, solve(s, y), transposingA: true).elements
    let covariance = try p - matmul(cross, solve(s, cross), transposingA: true)
    for t in 0..<3 {
      for i in 0..<2 { #expect(abs(smoothed[t].mean.elements[i] - means[2 * t + i]) < 1e-12) }
      #expect(abs(smoothed[t].covariance.elements[1] - covariance.elements[2 * t * 6 + 2 * t + 1]) < 1e-12)
    }
  }

  /// Truth, observations of everything with unit variance, and a filter's mean error from cycle 101 on: Lorenz96, F = 8,
  /// 0.05 between cycles (Sakov and Oke 2008).
  private func score(_ kind: EnsembleFilter.Kind, members: Int, inflation: Double, cycles: Int = 3000) throws -> Double
  {
    var random = RandomStream(seed: 12)
    let model = Lorenz96()
    var truth: Tensor<Double> = try random.normal([40, 1], mean: 8, standardDeviation: 0.01)
    try model.advance(&truth, step: 0.05, steps: 1000)
    var ensemble: Tensor<Double> = try truth + random.normal([40, members])
    let filter = try EnsembleFilter(
      variables: 40, members: members, observed: Array(0..<40), variance: 1, kind: kind, inflation: inflation)
    var sum = 0.0
    for cycle in 1...cycles {
      try model.advance(&truth, step: 0.05)
      try model.advance(&ensemble, step: 0.05)
      let noise: Tensor<Double> = try random.normal([40, 1])
      let mean = try filter.analyse(&ensemble, (truth + noise).elements, random: &random)
      let error = zip(mean, truth.elements).reduce(0) { $0 + pow($1.0 - $1.1, 2) }
      if cycle > 100 { sum += (error / 40).squareRoot() }
    }
    return sum / Double(cycles - 100)
  }

  /// Scores of the standard configuration as DAPPER's documentation lists them after Sakov and Oke (2008) and others; runs of
  /// 3,000 cycles scatter by some 0.005 to 0.01. DAPPER's localisation radius is the half-width over 1.82.
  @Test(
    "Lorenz96: mean errors are the published ones",
    arguments: [
      (EnsembleFilter.Kind.squareRoot, 40, 1.02, 0.18), (.perturbedObservations(halfWidth: nil), 40, 1.06, 0.22),
      (.localSquareRoot(halfWidth: 4 * 1.82), 7, 1.04, 0.22),
    ] as [(EnsembleFilter.Kind, Int, Double, Double)])
  func lorenz96(kind: EnsembleFilter.Kind, members: Int, inflation: Double, expected: Double) throws {
    #expect(abs(try score(kind, members: members, inflation: inflation) - expected) < 0.02)
  }

  @Test("tapered covariances rescue an ensemble that is too small")
  func localisation() throws {
    let plain = try score(.perturbedObservations(halfWidth: nil), members: 12, inflation: 1.06, cycles: 600)
    let tapered = try score(.perturbedObservations(halfWidth: 4), members: 12, inflation: 1.06, cycles: 600)
    #expect(tapered < 0.4 && plain > 1)
  }

  @Test(
    "square roots give the Kalman update of mean and covariance, well conditioned or not",
    arguments: [100.0, 0.5, 1e-3])
  func squareRootUpdate(variance: Double) throws {
    var random = RandomStream(seed: 31)
    let (n, members) = (6, 12)
    let observed = [0, 2, 5]
    let start: Tensor<Double> = try random.normal([n, members])
    let y = [0.3, -1, 2]
    let mean = try start.mean(axes: [1], keepingAxes: true)
    let a = try start - mean
    let p = try matmul(a, a, transposingB: true) * (1 / Double(members - 1))
    var h = [Double](repeating: 0, count: 3 * n)
    for (l, i) in observed.enumerated() { h[l * n + i] = 1 }
    let identity = try Tensor<Double>.identity(n)
    let model = try LinearGaussianModel(
      transition: identity, noise: identity, observation: Tensor(h, shape: [3, n]),
      observationNoise: Tensor.identity(3) * variance)
    let expected = try model.updated(
      GaussianEstimate(mean: mean.reshaped([n]), covariance: p), with: Tensor(y))
    // A taper so wide that it is 1 everywhere must give the same.
    for kind in [EnsembleFilter.Kind.squareRoot, .localSquareRoot(halfWidth: 1e6)] {
      var x = start
      let filter = try EnsembleFilter(
        variables: n, members: members, observed: observed, variance: variance, kind: kind)
      let found = try filter.analyse(&x, y, random: &random)
      // Wide tapers differ from 1 by 1e-11.
      for i in 0..<n { #expect(abs(found[i] - expected.mean.elements[i]) < 1e-8) }
      let b = try x - x.mean(axes: [1], keepingAxes: true)
      let covariance = try matmul(b, b, transposingB: true) * (1 / Double(members - 1))
      #expect(try (covariance - expected.covariance).magnitude().max().item() < 1e-8)
    }
  }

  /// Values of Gaspari and Cohn (1999), Eq. 4.10, by hand: 1 at 0; at 1, 1 − 5/3 + 5/8 + 1/2 − 1/4 = 5/24; 0 at 2.
  @Test("the taper has its values")
  func taper() {
    #expect(gaspariCohn(0, halfWidth: 3) == 1)
    #expect(abs(gaspariCohn(3, halfWidth: 3) - 5.0 / 24) < 1e-15)
    #expect(abs(gaspariCohn(3.0000001, halfWidth: 3) - 5.0 / 24) < 1e-6)
    #expect(gaspariCohn(6, halfWidth: 3) == 0)
  }
}
