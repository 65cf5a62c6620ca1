import Circuits
import Settings
import Tensors

/// Several pairs of cells in parallel for each weight: their errors average, each pair takes two columns more.
///
/// - Source: several devices for one weight, as in Boybat et al., Nature Communications 9, 2514 (2018); there pulses go to one
///   device after the other, here every pair is written with the whole weight.
struct ParallelPairs: WeightMapping {
  static let kind = "parallel-pairs"
  /// Pairs for each weight.
  var pairs = 2
  /// How one pair holds it.
  var pair = DifferentialMapping()

  init() {}

  /// All currents of a weight add before one converter; the sum stands for `pairs` times the weight.
  var readings: [MappedReading] {
    let planes = Array(0..<2 * pairs)
    return [MappedReading(planes: planes, signs: planes.map { $0 % 2 == 0 ? 1 : -1 }, factor: 1 / Float(pairs))]
  }

  func validate() throws(CircuitError) {
    try SettingCheck<CircuitError>("mapping.").within(pairs, 1...16, "pairs")
    try pair.validate()
  }

  func normalised(_ weights: Tensor<Float>) throws -> (values: Tensor<Float>, scale: Tensor<Float>) {
    try pair.normalised(weights)
  }

  func targets(_ values: Tensor<Float>, window: ClosedRange<Float>) throws -> [Tensor<Float>] {
    let one = try pair.targets(values, window: window)
    return (0..<pairs).flatMap { _ in one }
  }

  func unit(_ window: ClosedRange<Float>) -> Float { pair.unit(window) }

  func pulses(_ counts: Tensor<Int32>) throws -> [Tensor<Int32>?] {
    let one = pair.pulses(counts)
    return (0..<pairs).flatMap { _ in one }
  }
}
