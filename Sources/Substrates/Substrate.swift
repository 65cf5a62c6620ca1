import Tensors

/// What carries out a computation: exact arithmetic, rounded logic, or arrays of cells.
///
/// Everything that it makes has an inventory of parts, and adds to the ledger of the context that it is used in. Draws are
/// taken from the context too.
public protocol Substrate: Sendable {
  /// Whether results are those of single precision: a model that knows a faster exact algorithm may take it then.
  var isExact: Bool { get }
  /// Bits of the numbers that logic beside the primitives works on, for the ledger: 32 for floating point.
  var logicBits: Int { get }
  /// Stores a matrix, shape `[inputs, outputs]`.
  func matrix(_ weights: Tensor<Float>, in context: inout ForwardContext) throws -> any WritableMatrix
  /// Stores the kernels of a convolution, shape `[outputs, channels/groups, window…]`; by unfolding, unless a substrate
  /// has something better.
  func convolution(_ weights: Tensor<Float>, _ geometry: ConvolutionGeometry, in context: inout ForwardContext) throws
    -> any ConvolutionOperator
  /// Stores the matrices of least-squares problems.
  func solver(_ problem: LeastSquares, in context: inout ForwardContext) throws -> any LinearSolver
  /// Closes a loop around a network.
  ///
  /// - Parameter steps: for substrates that compute in steps.
  func integrator(_ loop: FeedbackLoop, steps: IntegrationSteps, in context: inout ForwardContext) throws
    -> any Integrator
  /// Stores words, shape `[words, width]`.
  func memory(_ words: Tensor<Float>, _ match: Match, in context: inout ForwardContext) throws -> any AssociativeMemory
  /// Something that draws.
  func randomSource(in context: inout ForwardContext) throws -> any RandomSource
}

extension Substrate {
  public var isExact: Bool { false }
}

extension ForwardContext {
  /// Logic beside the primitives of a substrate: operations on single numbers, in its precision.
  public mutating func countLogic(_ event: Event, _ amount: Int, on substrate: any Substrate) {
    countLogic(event, amount, bits: substrate.logicBits)
  }

  /// The same for a known width: 32 bits are floating point, fewer are integers.
  public mutating func countLogic(_ event: Event, _ amount: Int, bits: Int) {
    count(bits >= 32 ? .floatLogic : .integerLogic, event, amount, bits: bits)
  }
}

/// Exact single-precision arithmetic on the processor.
public struct Digital: Substrate {
  /// What one pulse changes a weight by, in weight units; exact learning by pulses.
  public var pulseStep: Float = 0.01
  public var isExact: Bool { true }
  public var logicBits: Int { 32 }

  public init() {}

  public func matrix(_ weights: Tensor<Float>, in context: inout ForwardContext) throws -> any WritableMatrix {
    guard weights.rank == 2 else {
      throw TensorError.wrongShape(argument: "weights", found: weights.shape, expected: "[inputs, outputs]")
    }
    return DigitalMatrix(weights: weights, pulseStep: pulseStep)
  }

  public func solver(_ problem: LeastSquares, in context: inout ForwardContext) throws -> any LinearSolver {
    DigitalSolver(problem: problem)
  }

  public func integrator(_ loop: FeedbackLoop, steps: IntegrationSteps, in context: inout ForwardContext) throws
    -> any Integrator
  {
    try DigitalIntegrator(loop: loop, steps: steps)
  }

  public func memory(_ words: Tensor<Float>, _ match: Match, in context: inout ForwardContext) throws
    -> any AssociativeMemory
  {
    try DigitalMemory(words, match)
  }

  public func randomSource(in context: inout ForwardContext) throws -> any RandomSource { DigitalRandomSource() }
}

struct DigitalMatrix: WritableMatrix {
  private(set) var weights: Tensor<Float>
  let pulseStep: Float
  var inputs: Int { weights.shape[0] }
  var outputs: Int { weights.shape[1] }
  var domain: InputDomain { .signed }
  var inventory: Inventory { Inventory() }

  func apply(_ x: Tensor<Float>, from side: Side, in context: inout ForwardContext) throws -> Tensor<Float> {
    try checked(x, from: side)
    context.count(.floatLogic, .multiplyAccumulate, x.shape[0] * inputs * outputs, bits: 32)
    // Weights are fetched once for the batch, values go in and out once.
    context.count(.memory, .byte, 4 * (inputs * outputs + x.shape[0] * (inputs + outputs)))
    return try matmul(x, weights, transposingB: side == .columns)
  }

  func calibrate(_ x: Tensor<Float>, from side: Side, in context: inout ForwardContext) throws {
    try checked(x, from: side)
  }

  mutating func write(_ new: Tensor<Float>, in context: inout ForwardContext) throws -> Writing {
    guard new.shape == weights.shape else {
      throw TensorError.wrongShape(argument: "weights", found: new.shape, expected: "\(weights.shape)")
    }
    context.count(.memory, .byte, 4 * new.count)
    weights = new.detached()
    return Writing()
  }

  mutating func pulse(_ counts: Tensor<Int32>, in context: inout ForwardContext) throws -> Writing {
    guard counts.shape == weights.shape else {
      throw TensorError.wrongShape(argument: "counts", found: counts.shape, expected: "\(weights.shape)")
    }
    context.count(.floatLogic, .operation, counts.count, bits: 32)
    weights = try weights + Tensor(counts.elements.map { Float($0) * pulseStep }, shape: counts.shape)
    return Writing()
  }

  func readBack(in context: inout ForwardContext) throws -> Tensor<Float> { weights.detached() }
  func age(to seconds: Double) throws {}
}

struct DigitalMemory: AssociativeMemory {
  let match: Match
  private var stored: Tensor<Float>
  /// Width of its numbers, for the ledger.
  private let bits: Int
  var words: Int { stored.shape[0] }
  var width: Int { stored.shape[1] }
  var inventory: Inventory { Inventory() }

  init(_ words: Tensor<Float>, _ match: Match, bits: Int = 32) throws(TensorError) {
    try match.check(words, width: words.shape.last ?? 0, isQuery: false)
    (stored, self.match, self.bits) = (words.detached(), match, bits)
  }

  func scores(_ query: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try match.check(query, width: width, isQuery: true)
    context.countLogic(.multiplyAccumulate, query.shape[0] * words * width, bits: bits)
    context.count(.memory, .byte, (bits + 7) / 8 * (stored.count + query.count))
    let product = try matmul(query, stored, transposingB: true)
    switch match {
    case .ternary, .product: return product
    case .binary: return try (product + Float(width)) * 0.5
    case .distance:
      let own = try query.squared().sum(axes: [1], keepingAxes: true)
      return try product * 2 - own - stored.squared().sum(axes: [1])
    }
  }

  func best(_ query: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Int32> {
    context.countLogic(.operation, (query.shape.first ?? 0) * words, bits: bits)
    return try scores(query, in: &context).indexOfMax(axis: 1)
  }

  mutating func store(_ words: Tensor<Float>, in context: inout ForwardContext) throws {
    try match.check(words, width: width, isQuery: false)
    context.count(.memory, .byte, 4 * words.count)
    stored = words.detached()
  }
}

/// Standard normal weights and pseudorandom bits.
struct DigitalRandomSource: RandomSource {
  var inventory: Inventory { Inventory() }

  func matrix(_ inputs: Int, _ outputs: Int, in context: inout ForwardContext) throws -> any StoredMatrix {
    try Digital().matrix(context.random.normal([inputs, outputs]), in: &context)
  }

  func bits(_ probability: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try checkProbabilities(probability)
    context.count(.integerLogic, .operation, probability.count, bits: 32)
    return try context.random.bernoulli(probability.detached())
  }
}
