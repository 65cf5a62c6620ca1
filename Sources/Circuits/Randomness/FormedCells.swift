import Devices
import Foundation
import Substrates
import Tensors

/// Randomness of cells: weights as forming left them, and bits from comparing a noisy cell with a threshold.
///
///     bit = 1 where z < Φ⁻¹(p), z the noise of a read in its standard deviations
///
/// The threshold comes from an input converter that reaches from −4 to 4 standard deviations; with b bits the probability is
/// off by at most half a step, 0.4·4/(2ᵇ⁻¹ − 1), in the middle. Probabilities of 0 and 1 put it beyond what noise reaches.
public struct FormedCells: RandomSource {
  private let macro: Macro
  private let device: any DeviceModel
  /// Whether reads fluctuate, without which there are no bits.
  private let isNoisy: Bool
  private let conductance_S: Double

  init(macro: Macro, device: any DeviceModel, in context: inout ForwardContext) throws {
    (self.macro, self.device) = (macro, device)
    var stream = context.stream("cells for bits")
    let cell = try device.formed([1], using: &stream)
    conductance_S = Double(try cell.conductance(at: macro.age_s).item())
    isNoisy = try cell.readVariance(at: macro.age_s, duration: macro.readTime_s)?.item() ?? 0 > 0
  }

  /// One cell, one threshold converter and one comparator, for bits.
  public var inventory: Inventory {
    var inventory = Inventory()
    inventory.add(.cell, 1)
    inventory.add(.inputConverter, 1, bits: macro.input.bits)
    inventory.add(.comparator, 1)
    return inventory
  }

  public func matrix(_ inputs: Int, _ outputs: Int, in context: inout ForwardContext) throws -> any StoredMatrix {
    try Crossbar(formed: inputs, outputs, macro: macro, device: device, in: &context)
  }

  public func bits(_ probability: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try checkProbabilities(probability)
    guard isNoisy else {
      throw CircuitError.unsupported(
        "drawing bits from cells whose reads do not fluctuate", remedy: "set readNoise of the device above 0")
    }
    let reach = 4.0
    let converter = try Quantiser(bits: macro.input.bits)
    let draws: Tensor<Float> = try context.random.normal([probability.count])
    let bits = zip(probability.elements, draws.elements).map { p, z -> Float in
      if p <= 0 || p >= 1 { return p }
      return Double(z) < converter.rounded(normalQuantile(Double(p)), range: reach) ? 1 : 0
    }
    let volts = Double(macro.readVoltage_V)
    context.count(.cell, .read, probability.count)
    context.count(.cell, .joule, Double(probability.count) * volts * volts * conductance_S * macro.readTime_s)
    context.count(.inputConverter, .conversion, probability.count, bits: macro.input.bits)
    context.count(.comparator, .decision, probability.count)
    context.count(.array, .step, probability.count)
    return try Tensor(bits, shape: probability.shape)
  }
}

/// The x below which a standard normal number lies with probability p, by Newton's steps on the complementary error function.
func normalQuantile(_ p: Double) -> Double {
  // Rational start, good to 4.5e-4 (Abramowitz and Stegun 26.2.23), for the smaller tail.
  let tail = min(p, 1 - p)
  let t = (-2 * log(tail)).squareRoot()
  var x = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
  for _ in 0..<3 {
    let error = 0.5 * erfc(x / 2.0.squareRoot()) - tail
    x += error / (exp(-x * x / 2) / (2 * Double.pi).squareRoot())
  }
  return p < 0.5 ? -x : x
}
