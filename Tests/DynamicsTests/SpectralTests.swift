import Dynamics
import Foundation
import Tensors
import Testing

/// Reference checks 5 to 8 of the specification of the conditional-Gaussian Koopman network.
@Suite("Spectral solvers") struct SpectralTests {
  @Test("Burgers: the Cole–Hopf solution, with an error of fourth order")
  func coleHopf() throws {
    let (nu, a, n) = (0.01, 0.9, 256)
    func exact(_ t: Double) throws -> Tensor<Double> {
      let e = a * exp(-4 * Double.pi * Double.pi * nu * t)
      return try Self.wave(n) { (x: Double) -> Double in
        let slope = 4 * Double.pi * nu * e * sin(x)
        return slope / (1 + e * cos(x))
      }
    }
    let errors = try [0.02, 0.01, 0.005].map { step in
      let line = try PeriodicLine.burgers(points: n, viscosity: nu, step: step)
      let end = try line.trajectory(from: exact(0), records: 1, stepsBetween: Int((1 / step).rounded())).at(1)
      return try (end - exact(1)).magnitude().max().item()
    }
    // 9.2e-9, 6.3e-10 and 4.1e-11 in the specification.
    #expect(errors[0] < 2e-8 && errors[2] < 1e-10)
    #expect(abs(log2(errors[0] / errors[1]) - 4) < 0.3)
  }

  @Test("Burgers: the mean stays, energy falls by what viscosity takes")
  func burgersBudget() throws {
    var random = RandomStream(seed: 3)
    let n = 256
    let start = try GaussianRandomField.line(1, points: n, using: &random).at(0)
    let line = try PeriodicLine.burgers(points: n, viscosity: 0.01, step: 1e-4)
    let path = try line.trajectory(from: start + 0.3, records: 2, stepsBetween: 1)
    let means = try (0..<3).map { try path.at($0).mean().item() }
    #expect(abs(means[2] - means[0]) < 1e-14)
    let energy = try (0..<3).map { try path.at($0).squared().mean().item() / 2 }
    // −ν⟨u_x²⟩ at the middle record, the derivative by the spectrum.
    let spectrum = try path.at(1).realFourierTransformed()
    let waves = try Tensor<Double>.range(n / 2 + 1) * (2 * Double.pi)
    let slope = try ComplexTensor(
      real: spectrum.imaginary() * waves * -1, imaginary: spectrum.real() * waves
    ).inverseRealFourierTransformed(last: n)
    let loss = try -0.01 * slope.squared().mean().item()
    // Central difference over two steps of 1e-4, and what the 2/3 rule cuts.
    #expect(abs((energy[2] - energy[0]) / 2e-4 / loss - 1) < 2e-3)
  }

  private static func wave(_ n: Int, _ f: (Double) -> Double) throws -> Tensor<Double> {
    try Tensor((0..<n).map { f(2 * Double.pi * Double($0) / Double(n)) })
  }

  @Test(
    "Kuramoto–Sivashinsky: small waves grow as α² − α⁴",
    arguments: [(1, 0.07491), (2, 0.21982), (3, 0.19520), (4, -0.39814)])
  func growth(wave k: Int, rate: Double) throws {
    let line = try PeriodicLine.kuramotoSivashinsky(points: 64, length: 22, step: 0.001)
    let start = try Self.wave(64) { 1e-8 * cos(Double(k) * $0) }
    let end = try line.trajectory(from: start, records: 1, stepsBetween: 1000).at(1)
    let found = try log(end.squared().sum().item() / start.squared().sum().item()) / 2
    // The specification's rates have five digits; Crank–Nicolson's error is (rate·step)²/12.
    #expect(abs(found - rate) < 1e-5)
  }

  @Test("Kuramoto–Sivashinsky: the mean stays, CNAB2 has second order, ETDRK4 fourth")
  func order() throws {
    let settle = try PeriodicLine.kuramotoSivashinsky(points: 64, length: 22, step: 0.025)
    let first = try Self.published()
    let start = try settle.trajectory(from: first, records: 1, stepsBetween: 20_000).at(1)
    #expect(abs(try start.mean().item() - first.mean().item()) < 1e-12)
    func end(_ scheme: SpectralScheme, _ step: Double) throws -> Tensor<Double> {
      try PeriodicLine.kuramotoSivashinsky(points: 64, length: 22, step: step, scheme: scheme)
        .trajectory(from: start, records: 1, stepsBetween: Int((2 / step).rounded())).at(1)
    }
    let reference = try end(.exponentialRungeKutta4, 0.001)
    for (scheme, steps, order) in [
      (SpectralScheme.crankNicolsonAdamsBashforth, [0.04, 0.02, 0.01], 2.0),
      (.exponentialRungeKutta4, [0.05, 0.025, 0.0125], 4),
    ] {
      let errors = try steps.map { try (end(scheme, $0) - reference).magnitude().max().item() }
      // Nearly stiff waves bring the exponential scheme's fourth order only in short steps, where it comes from below (3.6 found).
      #expect(abs(log2(errors[1] / errors[2]) - order) < 0.5)
      if order == 2 { #expect(errors[0] < 5e-3) }
    }
  }

  /// The published initial field, cos(x/16) and sin(x/16) on a length of 22: not periodic, and with the mean 0.1415.
  private static func published() throws -> Tensor<Double> {
    try wave(64) {
      let x = $0 * 22 / (2 * Double.pi) / 16
      return 0.1 * cos(x) * (1 + 2 * sin(x))
    }
  }

  /// Over 2,000 time units the specification found: mean 0.1415, deviation 1.19, kurtosis 2.19, autocorrelation 0.972 at lag
  /// 1. Some hundred independent times leave 3 % of the deviation.
  @Test("Kuramoto–Sivashinsky: statistics of the attractor")
  func statistics() throws {
    let line = try PeriodicLine.kuramotoSivashinsky(points: 64, length: 22, step: 0.025)
    let records = try line.trajectory(from: Self.published(), records: 2200, stepsBetween: 40).slice(200..<2201)
    let mean = try records.mean().item()
    #expect(abs(mean - 0.1415) < 1e-3)
    let path = try records - mean
    let deviation = try path.squared().mean().squareRoot().item()
    #expect(abs(deviation / 1.19 - 1) < 0.05)
    #expect(abs(try path.squared().squared().mean().item() / pow(deviation, 4) - 2.19) < 0.2)
    let persistence = try (path.slice(1..<2001) - path.slice(0..<2000)).squared().mean().item()
    // 0.972 in the specification; the difference's mean square is 2·(1 − r)·variance.
    #expect(abs(1 - persistence / (2 * deviation * deviation) - 0.972) < 0.006)
  }

  @Test("Navier–Stokes: Taylor–Green decays as its closed form says")
  func taylorGreen() throws {
    let n = 32
    let row = try Self.wave(n) { cos($0) }
    let start = try row.expanded(axis: 1) * row
    for (scheme, tolerance) in [
      (SpectralScheme.exponentialRungeKutta4, 1e-12), (.crankNicolsonAdamsBashforth, 1e-8), (.crankNicolsonEuler, 1e-8),
    ] {
      let flow = try PeriodicVorticity(points: n, viscosity: 1e-3, step: 0.01, scheme: scheme)
      let end = try flow.trajectory(from: start, records: 1, stepsBetween: 100).at(1)
      // e^(−8π²ν) = 0.924080; the specification's Crank–Nicolson solver is off by 4e-9.
      let exact = try start * exp(-8 * Double.pi * Double.pi * 1e-3)
      #expect(try (end - exact).magnitude().max().item() < tolerance)
    }
  }

  @Test("Navier–Stokes: without viscosity energy and enstrophy stay")
  func conservation() throws {
    let n = 64
    var random = RandomStream(seed: 6)
    let draws: Tensor<Double> = try random.normal([9, 9])
    let d = draws.elements
    var values = [Double](repeating: 0, count: n * n)
    for i in 0..<n * n {
      for a in 1...4 {
        for b in 1...4 {
          let cycles = Double(a * (i / n) + b * (i % n)) / Double(n)
          values[i] += d[a * 9 + b] * sin(2 * Double.pi * cycles + d[(a + 4) * 9 + b + 4])
        }
      }
    }
    let start = try Tensor(values, shape: [n, n])
    let flow = try PeriodicVorticity(points: n, length: 2 * .pi, viscosity: 0, step: 1e-3)
    let end = try flow.trajectory(from: start, records: 1, stepsBetween: 20).at(1)
    let enstrophy = (try start.squared().mean().item(), try end.squared().mean().item())
    // The operator conserves to rounding; twenty steps of fourth order lose (slope·step)⁴.
    #expect(abs(enstrophy.1 / enstrophy.0 - 1) < 1e-9)
    func energy(_ w: Tensor<Double>) throws -> Double {
      let spectrum = try w.realFourierTransformed(axes: 2).squaredMagnitude().elements
      let half = n / 2 + 1
      var sum = 0.0
      for (at, power) in spectrum.enumerated() where at > 0 {
        let x = at / half <= n / 2 ? at / half : at / half - n
        let y = at % half
        let copies = y == 0 || 2 * y == n ? 1.0 : 2.0
        sum += copies * power / Double(x * x + y * y)
      }
      return sum
    }
    #expect(abs(try energy(end) / energy(start) - 1) < 1e-9)
  }

  /// 0.1·(sin 2π(x + y) + cos 2π(x + y)).
  private static func diagonalForcing(_ n: Int) throws -> Tensor<Double> {
    try Tensor(
      (0..<n * n).map { i in
        let s = 2 * Double.pi * Double(i / n + i % n) / Double(n)
        return 0.1 * (sin(s) + cos(s))
      }, shape: [n, n])
  }

  /// Forcing along one direction balances viscosity: amplitude 0.1·√2/(8π²ν) = 1.7911.
  @Test("Navier–Stokes: forcing and viscosity balance in the laminar state")
  func laminar() throws {
    let n = 32
    let forcing = try Self.diagonalForcing(n)
    let steady = try forcing * (1 / (8 * Double.pi * Double.pi * 1e-3))
    #expect(abs(try steady.max().item() - 1.7911) < 2e-3)
    let flow = try PeriodicVorticity(points: n, viscosity: 1e-3, step: 0.01, forcing: forcing)
    let end = try flow.trajectory(from: steady, records: 1, stepsBetween: 50).at(1)
    #expect(try (end - steady).magnitude().max().item() < 1e-10)
  }

  /// The laminar state is unstable. In time units 60 to 120 the specification found: deviation of the vorticity 0.97, largest
  /// 2.1, deviation of the fluctuation 0.60, persistence error over 0.1 time units 3.5e-4.
  @Test("Navier–Stokes: the forced flow settles to the specification's statistics")
  func turbulence() throws {
    let n = 64
    let forcing = try Self.diagonalForcing(n)
    var random = RandomStream(seed: 12)
    let flow = try PeriodicVorticity(
      points: n, viscosity: 1e-3, step: 0.01, scheme: .crankNicolsonAdamsBashforth, forcing: forcing)
    let start = try GaussianRandomField.square(points: n, using: &random)
    let path = try flow.trajectory(from: start, records: 2400, stepsBetween: 10, stride: 2)
    let settled = try path.slice(600..<2401)
    let deviation = try settled.squared().mean().squareRoot().item()
    // The flow wanders over tens of time units: 180 of them leave some per cent, the specification's 60 more.
    #expect(abs(deviation / 0.97 - 1) < 0.1)
    #expect(abs(try settled.magnitude().max().item() / 2.1 - 1) < 0.25)
    let fluctuation = try (settled - settled.mean(axes: [0], keepingAxes: true)).squared().mean().squareRoot().item()
    #expect(abs(fluctuation / 0.60 - 1) < 0.35)
    let persistence = try (settled.slice(1..<1801) - settled.slice(0..<1800)).squared().mean().item()
    #expect(abs(persistence / 3.5e-4 - 1) < 0.35)
  }

  @Test("Gaussian random fields have the variance of their eigenvalues")
  func randomField() throws {
    var random = RandomStream(seed: 9)
    let fields = try GaussianRandomField.line(10_000, points: 16, using: &random)
    let expected = GaussianRandomField.deviations(512).reduce(0) { $0 + $1 * $1 }
    // 3 % in the specification; 16 points that depend on each other make it some 1 %.
    #expect(abs(try fields.squared().mean().item() / expected - 1) < 0.03)
  }

  @Test("the example in the docs is the one compiled here, and is chaotic")
  func example() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    func file(_ path: String) throws -> String {
      try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }
    let parts = try file("Tests/DynamicsTests/ChaoticExample.swift").components(separatedBy: "// ---\n")
    #expect(try file("docs/dynamics.md").contains("```swift\n\(#require(parts.dropFirst().first))```"))
    let records = try chaoticRecords(300)
    #expect(records.shape == [301, 64])
    // The attractor's deviation is 1.19.
    #expect(try records.slice(100..<301).variance().squareRoot().item() > 0.9)
  }

  @Test("impossible settings are errors that say so")
  func errors() throws {
    #expect(throws: TensorError.self) { try PeriodicLine.burgers(points: 7, viscosity: 0.1, step: 0.1) }
    #expect(throws: TensorError.self) { try PeriodicLine.burgers(points: 8, viscosity: -1, step: 0.1) }
    #expect(throws: TensorError.self) { try PeriodicVorticity(points: 16, viscosity: 0.1, step: 0) }
    let line = try PeriodicLine.burgers(points: 8, viscosity: 0, step: 10)
    #expect(throws: TensorError.self) { try line.trajectory(from: Tensor.zeros([9]), records: 1, stepsBetween: 1) }
    #expect(throws: TensorError.self) {
      try line.trajectory(from: Self.wave(8) { 1e3 * sin($0) }, records: 100, stepsBetween: 10)
    }
  }
}
