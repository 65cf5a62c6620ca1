import Networks
import Substrates
import Tensors

/// Stored matrices that count their reads, need calibration where that is asked for, and add noise when written and read:
/// what arrays do, without their physics.
struct ArraySubstrate: Substrate {
  var logicBits = 8
  /// Standard deviations, in weight units and in units of the result.
  var writeNoise: Float = 0
  var readNoise: Float = 0
  /// Whether a product before calibration is an error.
  var needsCalibration = false

  func matrix(_ weights: Tensor<Float>, in context: inout ForwardContext) throws -> any WritableMatrix {
    var matrix = ArrayMatrix(stored: weights, settings: self)
    try matrix.write(weights, in: &context)
    return matrix
  }

  func solver(_ problem: LeastSquares, in context: inout ForwardContext) throws -> any LinearSolver {
    try Digital().solver(problem, in: &context)
  }
  func integrator(_ loop: FeedbackLoop, steps: IntegrationSteps, in context: inout ForwardContext) throws
    -> any Integrator
  { try Digital().integrator(loop, steps: steps, in: &context) }
  func memory(_ words: Tensor<Float>, _ match: Match, in context: inout ForwardContext) throws
    -> any AssociativeMemory
  { try Digital().memory(words, match, in: &context) }
  func randomSource(in context: inout ForwardContext) throws -> any RandomSource {
    try Digital().randomSource(in: &context)
  }
}

extension Part {
  static let testCell: Part = "test cell"
  /// One for each vector that a matrix was calibrated with: what tests see of calibration.
  static let calibrationVector: Part = "calibration vector"
}

extension Event {
  static let testRead: Event = "test read"
  static let testWrite: Event = "test write"
}

struct ArrayMatrix: WritableMatrix {
  private(set) var stored: Tensor<Float>
  let settings: ArraySubstrate
  private var calibrationVectors = 0
  var inputs: Int { stored.shape[0] }
  var outputs: Int { stored.shape[1] }
  var domain: InputDomain { .signed }

  init(stored: Tensor<Float>, settings: ArraySubstrate) { (self.stored, self.settings) = (stored, settings) }

  var inventory: Inventory {
    var inventory = Inventory()
    inventory.add(.testCell, stored.count)
    inventory.add(.calibrationVector, calibrationVectors)
    return inventory
  }

  func apply(_ x: Tensor<Float>, from side: Side, in context: inout ForwardContext) throws -> Tensor<Float> {
    try checked(x, from: side)
    if settings.needsCalibration, calibrationVectors == 0 {
      throw TensorError.invalidArgument("x", found: "a product", expected: "calibration before it")
    }
    context.count(.testCell, .testRead, x.shape[0] * stored.count)
    let y = try matmul(x, stored, transposingB: side == .columns)
    return settings.readNoise == 0
      ? y : try y + context.random.normal(y.shape, standardDeviation: settings.readNoise)
  }

  mutating func calibrate(_ x: Tensor<Float>, from side: Side, in context: inout ForwardContext) throws {
    try checked(x, from: side)
    calibrationVectors = x.shape[0]
  }

  @discardableResult
  mutating func write(_ weights: Tensor<Float>, in context: inout ForwardContext) throws -> Writing {
    context.count(.testCell, .testWrite, weights.count)
    stored = weights.detached()
    if settings.writeNoise > 0 {
      stored = try stored + context.random.normal(stored.shape, standardDeviation: settings.writeNoise)
    }
    return Writing()
  }

  mutating func pulse(_ counts: Tensor<Int32>, in context: inout ForwardContext) throws -> Writing { Writing() }
  func readBack(in context: inout ForwardContext) throws -> Tensor<Float> { stored }
  func age(to seconds: Double) throws {}
}
