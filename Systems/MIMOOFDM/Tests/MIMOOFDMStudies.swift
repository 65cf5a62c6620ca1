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

/// What takes many channels: error floors on arrays and losses from bits to bits.
@Suite("MIMO-OFDM on many channels") struct MIMOOFDMStudies {
  /// The specification's law (noise Nt·σ_E² with σ_E² = 4σ²·w_max²: 1.07e-3, 2.76e-3, 9.4e-3) holds for equal copies whose
  /// errors keep the complex structure. In a circuit the four real blocks and both copies are programmed each for itself:
  /// near-singular matrices are more frequent, and some loops are not stable. Expected are values of a separate simulation
  /// in NumPy (38,400 channels, three seeds, ± 5 %): `solve(H + E, y)`, and random bits where H₂ᵀH₁ has an eigenvalue with
  /// negative real part; with complex errors in one copy it gives the law's figures.
  @Test(
    "matrix errors leave the floor of zero forcing that independent errors make",
    arguments: [(Float(0.005), 1.54e-3), (0.01, 4.68e-3), (0.02, 1.68e-2)])
  func matrixErrors(sigma: Float, expected: Double) throws {
    var macro = Macro.laws
    (macro.amplifier.gain, macro.amplifier.timeout_s) = (1e9, 1)
    var context = ForwardContext(random: RandomStream(seed: 21))
    let (blocks, n) = (600, 64)
    let h: Tensor<Float> = try context.random.normal([blocks, 4, 4, 2, n], standardDeviation: Float(0.5).squareRoot())
    let sides = 4
    let signs: Tensor<Float> = try context.random.bernoulli(Tensor(repeating: 0.5, shape: [blocks, sides, 4, 2, n]))
    let x = try (signs * 2 - 1) * Float(0.5).squareRoot()
    let noise: Tensor<Float> = try context.random.normal(
      [blocks, sides, 4, 2, n], standardDeviation: Float(0.0005).squareRoot())
    // y = H·x on [blocks, sides, receive, transmit, n].
    let (hRe, hIm) = (try h.slice(0..<1, axis: 3), try h.slice(1..<2, axis: 3))
    let (xRe, xIm) = (try x.slice(0..<1, axis: 3), try x.slice(1..<2, axis: 3))
    func product(_ a: Tensor<Float>, _ b: Tensor<Float>) throws -> Tensor<Float> {
      try (a.reshaped([blocks, 1, 4, 4, n]) * b.reshaped([blocks, sides, 1, 4, n])).sum(axes: [3])
    }
    let re = try product(hRe, xRe) - product(hIm, xIm)
    let im = try product(hRe, xIm) + product(hIm, xRe)
    let y = try Tensor.stack([re, im], axis: 3) + noise
    let detector = Detector(
      substrate: try Analog(macro, device: UnclampedCell(sigma: sigma)), gradientSteps: nil, logicBits: 16)
    let found = try detector.detect(
      ComplexSystems(h), y.reshaped([blocks * sides, 4, 2, n]), diagonals: false, in: &context
    ).x.elements
    let sent = x.elements
    let errors = zip(found, sent).count { ($0 < 0) != ($1 < 0) }
    // 38,400 channels: errors come in groups where channels fade, which leaves some 4 %; 15 % in the specification.
    #expect(abs(Double(errors) / Double(sent.count) / expected - 1) < 0.15)
  }

  /// The specification's own law: both copies alike, errors complex, noise Nt·σ_E² with σ_E² = 4σ²·w_max².
  @Test(
    "matrix errors that both copies share leave the floor of the law",
    arguments: [(Float(0.005), 1.07e-3), (0.01, 2.76e-3), (0.02, 9.4e-3)])
  func sharedMatrixErrors(sigma: Float, expected: Double) throws {
    var context = ForwardContext(random: RandomStream(seed: 22))
    let (blocks, n) = (800, 64)
    let h: Tensor<Float> = try context.random.normal([blocks, 4, 4, 2, n], standardDeviation: Float(0.5).squareRoot())
    // Largest element of each matrix; a difference of two cells has √2·σ in both parts.
    let largest = try h.magnitude().max(axes: [1, 2, 3], keepingAxes: true)
    let stored = try h + largest * context.random.normal(h.shape, standardDeviation: sigma * Float(2).squareRoot())
    let signs: Tensor<Float> = try context.random.bernoulli(Tensor(repeating: 0.5, shape: [blocks, 4, 2, n]))
    let x = try (signs * 2 - 1) * Float(0.5).squareRoot()
    let noise: Tensor<Float> = try context.random.normal(
      [blocks, 4, 2, n], standardDeviation: Float(0.0005).squareRoot())
    let (xRe, xIm) = (try x.slice(0..<1, axis: 2), try x.slice(1..<2, axis: 2))
    let (hRe, hIm) = (try h.slice(0..<1, axis: 3), try h.slice(1..<2, axis: 3))
    func product(_ a: Tensor<Float>, _ b: Tensor<Float>) throws -> Tensor<Float> {
      try (a.reshaped([blocks, 4, 4, n]) * b.reshaped([blocks, 1, 4, n])).sum(axes: [2])
    }
    let y =
      try Tensor.stack(
        [product(hRe, xRe) - product(hIm, xIm), product(hRe, xIm) + product(hIm, xRe)], axis: 2) + noise
    var macro = Macro.laws
    (macro.amplifier.gain, macro.amplifier.timeout_s) = (1e9, 1)
    let detector = Detector(substrate: try Analog(macro, device: IdealDevice()), gradientSteps: nil, logicBits: 16)
    let found = try detector.detect(ComplexSystems(stored), y, diagonals: false, in: &context).x.elements
    let errors = zip(found, x.elements).count { ($0 < 0) != ($1 < 0) }
    // 51,200 channels whose errors come in groups leave some 4 %; 15 % in the specification.
    #expect(abs(Double(errors) / Double(x.count) / expected - 1) < 0.15)
  }

  /// The specification wants at most 1 dB with 8-bit converters; that is not reached (see the system's README). Programming
  /// errors alone add noise of 4·(2·0.75·(2σ)²) for both transforms, twice because training suffers as well, and 0.75·Nt·σ_E²
  /// of the detectors: 2.1e-3 on 7.4e-3, 1.1 dB; half a decibel more for the spread of 1,600 symbols.
  @Test("programming errors cost what their noise says from bits to bits")
  func endToEnd() throws {
    var analog = SubstrateChoice(.analog)
    analog.device = analog.device.changing(RRAM.self) {
      ($0.writeResidue, $0.levels, $0.readNoise) = (0.005, 0, 0)
    }
    analog.macro = .laws
    func ratio(_ substrate: SubstrateChoice) throws -> Double {
      let points = [22.0, 24, 26, 28]
      let rates = try points.map { point in
        try value(
          simulate(substrate) {
            ($0.detection, $0.signal, $0.estimation) = (.minimumMeanSquareError, .samples, .leastSquares)
            ($0.esN0_dB, $0.coherence, $0.symbols) = (point, 4, 1600)
          }, "BER"
        ).value
      }
      let i = try #require(rates.indices.dropLast().first { rates[$0] >= 1e-2 && rates[$0 + 1] < 1e-2 })
      return points[i] + 2 * log(rates[i] / 1e-2) / log(rates[i] / rates[i + 1])
    }
    // The same random channels on both sides, so that their spread is common.
    let loss = try ratio(analog) - ratio(SubstrateChoice())
    #expect(loss > 0.3 && loss < 1.6)
  }
}
