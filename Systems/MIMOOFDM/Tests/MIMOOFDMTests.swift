import Runs
import Chips
import MIMOOFDM
import Circuits
import Devices
import Foundation
import Reports
import Settings
import Substrates
import Tensors
import Testing

@Suite("MIMO-OFDM") struct MIMOOFDMTests {
  @Test(
    "bit error rates are those of the closed forms",
    arguments: [
      (Modulation.qpsk, MIMOOFDM.Channel.awgn, 1, 1, 10.0, 7.827e-4), (.qam16, .awgn, 1, 1, 10, 5.899e-2),
      (.qam64, .awgn, 1, 1, 20, 8.486e-3), (.qam256, .awgn, 1, 1, 20, 6.542e-2), (.qpsk, .flat, 4, 4, 10, 4.357e-2),
      (.qam16, .flat, 4, 4, 20, 1.858e-2), (.qam16, .flat, 4, 8, 10, 3.796e-3),
      (.qpsk, .exponential, 4, 4, 15, 1.510e-2),
    ] as [(Modulation, MIMOOFDM.Channel, Int, Int, Double, Double)])
  func bitErrorRate(
    modulation: Modulation, channel: MIMOOFDM.Channel, streams: Int, antennas: Int, ratio: Double, expected: Double
  ) throws {
    let report = try simulate {
      ($0.modulation, $0.channel, $0.streams, $0.antennas, $0.esN0_dB) = (modulation, channel, streams, antennas, ratio)
      $0.symbols = channel == .awgn ? 12_000 : 4000
    }
    let found = try value(report, "BER")
    #expect(abs(found.value - expected) <= 3 * found.uncertainty / 1.96)
    #expect(abs(found.value / expected - 1) < 0.1)
    #expect(abs(try value(report, "closed-form BER").value / expected - 1) < 1e-3)
  }

  /// ½·erfc(√γ), by hand: 3.872e-6 at 10 dB, 1.909e-4 at 8 dB.
  @Test("binary keying has its textbook bit error rate")
  func binary() throws {
    #expect(abs(Modulation.bpsk.bitErrorRateInNoise(10) / 3.872e-6 - 1) < 1e-3)
    let report = try simulate {
      ($0.modulation, $0.channel, $0.streams, $0.antennas) = (.bpsk, .awgn, 1, 1)
      ($0.esN0_dB, $0.symbols) = (8, 40_000)
    }
    let found = try value(report, "BER")
    #expect(abs(found.value - 1.909e-4) <= 3 * found.uncertainty / 1.96)
  }

  /// Specification: 1.706e-5 for QPSK, 4 streams, 8 antennas, zero forcing, 10 dB. Twenty million bits give some 350 errors,
  /// most of them alone; three standard errors, and they are no more than a fifth.
  @Test("a bit error rate of 1e-5 is found with its confidence interval")
  func rareErrors() throws {
    let report = try simulate {
      ($0.modulation, $0.channel, $0.antennas, $0.esN0_dB) = (.qpsk, .flat, 8, 10)
      ($0.symbols, $0.softBits) = (50_000, false)
    }
    let found = try value(report, "BER")
    #expect(abs(found.value - 1.706e-5) <= 3 * found.uncertainty / 1.96)
    #expect(found.uncertainty / 1.96 < 0.2 * 1.706e-5)
  }

  @Test("the unbiased minimum mean square error is never worse than zero forcing, and near its published rates")
  func detectors() throws {
    // Monte Carlo of the specification (± 5 %) plus ours: 10 % together.
    for (ratio, expected) in [(5.0, 1.55e-1), (10, 8.3e-2), (20, 1.3e-2)] {
      let forced = try value(
        simulate { ($0.esN0_dB, $0.symbols, $0.channel) = (ratio, 2000, .flat) }, "BER"
      ).value
      let least = try value(
        simulate {
          ($0.esN0_dB, $0.symbols, $0.channel, $0.detection) = (ratio, 2000, .flat, .minimumMeanSquareError)
        }, "BER"
      ).value
      #expect(least <= forced)
      #expect(abs(least / expected - 1) < 0.1)
    }
  }

  @Test("zero forcing with as many antennas as streams loses a decade for every 10 dB")
  func diversity() throws {
    let rates = try [20.0, 30].map { ratio in
      try value(
        simulate { ($0.modulation, $0.channel, $0.esN0_dB, $0.symbols) = (.qpsk, .flat, ratio, 20_000) }, "BER"
      ).value
    }
    // −1.0 ± 0.1 in the specification; 8 million bits leave 2 % of error at 30 dB.
    #expect(abs(log10(rates[1] / rates[0]) + 1) < 0.1)
  }

  @Test("the transform's matrix is the fast Fourier transform, has an inverse and keeps lengths", arguments: [16, 64])
  func transform(order: Int) throws {
    var random = RandomStream(seed: 3)
    let carriers = Carriers(order: order, used: order)
    let analysis: Tensor<Double> = try carriers.analysis()
    let x: Tensor<Double> = try random.normal([5, 2 * order])
    let y = try matmul(x, analysis)
    let signal = try ComplexTensor(
      real: x.slice(0..<order, axis: 1), imaginary: x.slice(order..<2 * order, axis: 1))
    let reference = try signal.fourierTransformed(scaling: .unitary)
    // 64 products of numbers near 1, each rounded to 1e-16.
    #expect(try (y.slice(0..<order, axis: 1) - reference.real()).magnitude().max().item() < 1e-12)
    #expect(try (y.slice(order..<2 * order, axis: 1) - reference.imaginary()).magnitude().max().item() < 1e-12)
    #expect(try (matmul(y, carriers.synthesis()) - x).magnitude().max().item() < 1e-12)
    #expect(abs(try y.squared().sum().item() / x.squared().sum().item() - 1) < 1e-12)
  }

  @Test("with a prefix of taps − 1 every subcarrier is a product, with a shorter one it is not")
  func prefix() throws {
    var random = RandomStream(seed: 4)
    let (n, taps, streams, antennas, symbols) = (64, 8, 2, 3, 3)
    let carriers = Carriers(order: n, used: n)
    let x: Tensor<Double> = try random.normal([1, symbols, streams, 2, n])
    let h: Tensor<Double> = try random.normal([1, antennas, streams, taps, 2])
    let samples = try matmul(x.reshaped([symbols * streams, 2 * n]), carriers.synthesis()).reshaped(x.shape.map { $0 })
    let response: Tensor<Double> = try matmul(
      h.permuted([0, 1, 2, 4, 3]).reshaped([antennas * streams, 2 * taps]),
      carriers.response([Double](repeating: 1, count: taps)))
    func error(_ prefix: Int) throws -> Double {
      let received = try Waveform.received(samples, taps: h, prefix: prefix)
      let y = try matmul(received.reshaped([symbols * antennas, 2 * n]), carriers.analysis()).elements
      let (a, b) = (x.elements, response.elements)
      var worst = 0.0
      for s in 0..<symbols {
        for r in 0..<antennas {
          for k in 0..<n {
            var (re, im) = (0.0, 0.0)
            for t in 0..<streams {
              let (p, q) = ((s * streams + t) * 2 * n + k, (r * streams + t) * 2 * n + k)
              re += a[p] * b[q] - a[p + n] * b[q + n]
              im += a[p] * b[q + n] + a[p + n] * b[q]
            }
            let at = (s * antennas + r) * 2 * n + k
            worst = max(worst, abs(y[at] - re), abs(y[at + n] - im))
          }
        }
      }
      return worst
    }
    #expect(try error(taps - 1) < 1e-10)
    #expect(try error(taps - 2) > 1e-3)
    #expect(throws: ConfigurationError.self) { try simulate { $0.prefix = 3 } }
  }

  @Test("samples and subcarriers give the same rates where the prefix is long enough")
  func signals() throws {
    let rates = try [MIMOOFDM.Signal.samples, .subcarriers].map { signal in
      try value(simulate { ($0.signal, $0.symbols) = (signal, 1000) }, "BER")
    }
    let spread = (pow(rates[0].uncertainty, 2) + pow(rates[1].uncertainty, 2)).squareRoot() / 1.96
    #expect(abs(rates[0].value - rates[1].value) <= 3 * spread)
  }

  /// The specification's worked example, 8 digits.
  private static let channel: [(Double, Double)] = [(1, 0.5), (0.3, -0.2), (0, -0.4), (0.8, 0.1)]

  @Test("detection gives the worked example's numbers")
  func workedExample() throws {
    let h = try Tensor(Self.channel.flatMap { [Float($0.0), Float($0.1)] }, shape: [1, 2, 2, 2, 1])
    let y = try Tensor<Float>([1, -1, 0.5, 0.25], shape: [1, 2, 2, 1])
    func close(_ found: [Float], _ expected: [Double]) -> Bool {
      // Single precision, some ten operations.
      zip(found, expected).allSatisfy { abs(Double($0) - $1) < 2e-6 * (1 + abs($1)) }
    }
    let forced = try ComplexSystems(h).solved(y)
    #expect(close(forced.x.elements, [0.15140222, -0.92634864, 1.11921178, 0.24829964]))
    #expect(close(forced.inverseDiagonal.elements.map { 1 / (0.1 * $0) }, [13.76025641, 7.61205674]))
    let least = try ComplexSystems(h, ridge: 0.1).solved(y)
    #expect(close(least.x.elements, [0.15549413, -0.86328035, 0.99343469, 0.20847731]))
    let bias = least.inverseDiagonal.elements.map { 1 - 0.1 * $0 }
    #expect(close(bias, [0.93242724, 0.88405129]))
    #expect(close(bias.map { $0 / (1 - $0) }, [13.79886364, 7.62450331]))
  }

  @Test("errors after detection have the variance 1/γ for each stream", arguments: [Float(0), 0.1])
  func postDetection(ridge: Float) throws {
    // 10⁵ symbols: the variance of a complex normal sample is known to 0.3 %, 2 % are six of that.
    let count = 100_000
    var random = RandomStream(seed: 5)
    let h = try Tensor(
      Self.channel.flatMap {
        [Float](repeating: Float($0.0), count: count) + [Float](repeating: Float($0.1), count: count)
      },
      shape: [1, 2, 2, 2, count])
    let signs: Tensor<Float> = try random.bernoulli(Tensor(repeating: 0.5, shape: [2, 2, count]))
    let x = try (signs * 2 - 1) * Float(0.5).squareRoot()
    var y: [Float] = try random.normal([2, 2, count], standardDeviation: Float(0.05).squareRoot()).elements
    let sent = x.elements
    for r in 0..<2 {
      for t in 0..<2 {
        let (a, b) = (Float(Self.channel[r * 2 + t].0), Float(Self.channel[r * 2 + t].1))
        for k in 0..<count {
          let (p, q) = (sent[t * 2 * count + k], sent[t * 2 * count + count + k])
          y[r * 2 * count + k] += a * p - b * q
          y[r * 2 * count + count + k] += a * q + b * p
        }
      }
    }
    let found = try ComplexSystems(h, ridge: ridge).solved(Tensor(y, shape: [1, 2, 2, count]))
    for t in 0..<2 {
      let g = found.inverseDiagonal.elements[t * count]
      let bias = 1 - ridge * g
      let estimate = try found.x.at(0).at(t) * (1 / bias)
      let variance = try Double((estimate - x.at(t)).squared().sum().item()) / Double(count)
      let ratio = Double(1 / (0.1 * g) - (ridge > 0 ? 1 : 0))
      #expect(abs(variance * ratio - 1) < 0.02)
    }
  }

  @Test("mapping and demapping are inverses, neighbours differ in one bit, soft bits agree with hard ones")
  func mapping() {
    for modulation in [Modulation.bpsk, .qpsk, .qam16, .qam64, .qam256] {
      var energy: Float = 0
      for label in 0..<modulation.levels {
        let amplitude = modulation.amplitude(of: label)
        energy += amplitude * amplitude
        #expect(modulation.label(at: amplitude) == label)
        let level = modulation.level(of: label)
        if level + 1 < modulation.levels {
          let next = modulation.label(at: amplitude + 2 * modulation.halfStep)
          #expect((next ^ label).nonzeroBitCount == 1)
        }
        for offset in [-0.9, -0.3, 0.4, 0.9] as [Float] {
          let x = amplitude + offset * modulation.halfStep
          let hard = modulation.label(at: x)
          for (bit, value) in modulation.softBits(at: x, ratio: 10).enumerated() {
            #expect((value < 0) == (hard >> bit & 1 == 1))
          }
        }
      }
      #expect(abs(energy / Float(modulation.levels) * Float(modulation.axes) - 1) < 1e-5)
    }
  }

  /// Soft bits of binary keying are 4√γ… in closed form: L = 4·γ·x. Their mutual information at 0 dB is 0.7207 bit (capacity of
  /// the binary-input channel at Es/N0 = 0 dB, noise N0/2 on the axis).
  @Test("soft bits carry the information of the binary channel")
  func softBits() throws {
    #expect(abs(Modulation.bpsk.softBits(at: 0.3, ratio: 2)[0] + 4 * 2 * 0.3) < 1e-5)
    let report = try simulate {
      ($0.modulation, $0.channel, $0.streams, $0.antennas, $0.esN0_dB) = (.bpsk, .awgn, 1, 1, 0)
      $0.symbols = 4000
    }
    // 2·10⁵ bits whose information has a spread below 1: five standard errors.
    #expect(abs(try value(report, "mutual information of soft bits").value - 0.7207) < 0.006)
  }

  @Test("channel estimates have the mean square errors of their formulas")
  func estimation() throws {
    let noise = 0.01 / 4
    let carriers = Carriers(order: 64, used: 64)
    var c = MIMOOFDM.Configuration()
    c.usedSubcarriers = 64
    let powers = (0..<8).map { exp(-Double($0) / 2) }
    let total = powers.reduce(0, +)
    let wiener = try carriers.smoothing(taps: 8, powers: powers.map { $0 / total }, error: noise).meanSquareError
    // The specification's formula, (1/N)·tr(R − R(R + σ²I)⁻¹R), has these eigenvalues N·p_l for N subcarriers.
    let formula = powers.reduce(0) { sum, p in
      let eigenvalue = 64 * p / total
      return sum + (eigenvalue - eigenvalue * eigenvalue / (eigenvalue + noise)) / 64
    }
    #expect(abs(wiener / formula - 1) < 1e-9)
    for (estimation, expected) in [
      (Estimation.leastSquares, noise), (.window, noise * 8 / 64), (.minimumMeanSquareError, formula),
    ] {
      let report = try simulate {
        ($0.estimation, $0.usedSubcarriers, $0.symbols) = (estimation, 64, 1500)
      }
      // 24,000 links of at least 8 free numbers: 0.3 % standard error; 5 % in the specification.
      let found = try value(report, "mean square error of the channel estimate").value
      #expect(abs(found / expected - 1) < 0.05)
    }
  }

  /// Law of the specification: programming noise alone gives an error vector magnitude of twice σ.
  @Test("the error of the transform is twice the programming error", arguments: [Float(0.005), 0.01, 0.02])
  func errorVectorMagnitude(sigma: Float) throws {
    // 64² pairs in eight programmings: the mean is known to 1 %; 3 % in the specification.
    let found = try transformError(UnclampedCell(sigma: sigma), programmings: 8)
    #expect(abs(found / (2 * Double(sigma)) - 1) < 0.03)
  }

  @Test("conductance levels err by the law 1/(√6·(2^b − 1))", arguments: [4, 5, 6, 7, 8])
  func quantisation(bits: Int) throws {
    let found = try transformError(UnclampedCell(levels: 1 << bits), programmings: 1)
    // 30 % in the specification: the law takes rounding errors for uniform.
    #expect(abs(found * 6.0.squareRoot() * Double((1 << bits) - 1) - 1) < 0.3)
  }

  private func transformError(_ cell: UnclampedCell, programmings: Int) throws -> Double {
    let matrix: Tensor<Float> = try Carriers(order: 64, used: 64).analysis()
    var (error, power) = (0.0, 0.0)
    for p in 0..<programmings {
      var context = ForwardContext(random: RandomStream(seed: UInt64(p)))
      let array = try Analog(.laws, device: cell).matrix(matrix, in: &context)
      let x: Tensor<Float> = try context.random.normal([1000, 128])
      let exact = try matmul(x, matrix)
      error += Double(try (array.apply(x, in: &context) - exact).squared().sum().item())
      power += Double(try exact.squared().sum().item())
    }
    return (error / power).squareRoot()
  }

  @Test("the detector gives the same solutions in logic as a complex problem and as real ones, and counts both")
  func realAndComplex() throws {
    var context = ForwardContext(random: RandomStream(seed: 8))
    let systems = try ComplexSystems(context.random.normal([2, 6, 3, 2, 5]), ridge: 0.1)
    let y: Tensor<Float> = try context.random.normal([4, 6, 2, 5])
    let exact = try Detector(substrate: Digital(), gradientSteps: nil, logicBits: 16)
      .detect(systems, y, diagonals: true, in: &context)
    // HᴴH is 6·6 complex products, its factors 27/6; Hᴴy 18 and triangles 9 for each side; L⁻¹ 4·27/6 real ones and 9 squares.
    let factors = 2 * 4 * (36 + 4), solutions = 4 * 4 * 27, diagonals = 2 * (18 + 9)
    let products = 5 * (factors + solutions + diagonals)
    #expect(context.activity.total(.floatLogic, .multiplyAccumulate) == Double(products))
    context.activity = Activity()
    var rounded = FixedPoint()
    rounded.solverBits = 24
    let real = try Detector(substrate: rounded, gradientSteps: nil, logicBits: 24)
      .detect(systems, y, diagonals: true, in: &context)
    // 2⁻²³ and reciprocals good to 2⁻¹⁶, times condition numbers of some ten.
    #expect(try (real.x - exact.x).magnitude().max().item() < 1e-3)
    #expect(real.inverseDiagonal?.elements == exact.inverseDiagonal?.elements)
    // What is found beyond the solution is logic too: factors and L⁻¹ of both blocks.
    let stacked = 2 * 5 * (252 + 36 + 2 * 108), beyond = 5 * (factors + diagonals)
    #expect(context.activity.total(.integerLogic, .multiplyAccumulate) == Double(stacked + beyond))
  }

  @Test("arrays and digital baseband are charged alike: transforms, factors, diagonals, memory, writing")
  func costs() throws {
    let report = try simulate(SubstrateChoice(.analog)) {
      ($0.signal, $0.symbols, $0.coherence) = (.samples, 8, 4)
      $0.detection = .minimumMeanSquareError
    }
    for name in ["latency of one symbol", "energy of one symbol", "area of cells and output converters"] {
      #expect(try value(report, name).value > 0)
    }
    // 4 transforms of 4·32·6 products; for each of 52 carriers a quarter of 4·(40 + 10) + 42 + 16 and 4·(16 + 16), in rounded numbers.
    let transforms = 4.0 * 4 * 32 * 6
    let detector = 52.0 * (258.0 / 4 + 128)
    let small = MIMOOFDM.Configuration()
    let ledger = MIMOOFDM.digitalBaseband(small, bits: 12, solverBits: 16)
    #expect(ledger.transforms.total(.integerLogic, .multiplyAccumulate) == transforms)
    #expect(ledger.rest.total(.integerLogic, .multiplyAccumulate) == detector)
    // In two bytes each: 64 complex numbers come and go in each of six stages; for each carrier and a quarter of its symbols the
    // matrix (32) comes in, factors (16) go out and come in again, diagonals (4) go out; for each symbol matrix, factors and right
    // side (8) come in, and the solution (8) goes out.
    let (stages, each) = (2 * 4 * 64 * 6 * 4, (32 + 16 + 16 + 4) / 4 + 32 + 16 + 8 + 8)
    #expect(ledger.transforms.total(.memory, .byte) == Double(stages))
    #expect(ledger.rest.total(.memory, .byte) == Double(2 * 52 * each))
    // Without the updates of the channel arrays cost less than with them.
    let (without, with) = (
      try value(report, "energy gain over digital baseband").value,
      try value(report, "energy gain, channel updates included").value
    )
    #expect(without > with)
  }
}
