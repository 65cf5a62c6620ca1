import Foundation
import Tensors

/// Fixed-point digital logic: numbers are rounded wherever they would be stored, sums are exact as in wide accumulators.
///
/// Every vector and matrix has one power of two as its scale (block floating point), so that the largest number fits.
/// Products round weights, inputs and outputs to `bits`. Least squares follow LDLᵀ of the normal equations in `solverBits`,
/// reciprocals by two Newton steps from a straight line, good to 2⁻¹⁶.
///
/// - Source: specification of MIMO-OFDM baseband processing, "Fixed-point digital mode" (A). We differ: transforms are
///   products with the matrix and not fast ones, which round once instead of in every stage.
public struct FixedPoint: Substrate, Codable, Equatable {
  /// Of samples and stored weights, sign included.
  public var bits = 12
  /// Of numbers in least squares, sign included.
  public var solverBits = 16
  public var logicBits: Int { bits }

  public init() {}

  /// - Throws: `TensorError.invalidArgument`.
  public func validate() throws(TensorError) {
    guard (2...24).contains(bits) else { throw .invalidArgument("bits", found: "\(bits)", expected: "2 to 24") }
    guard (4...24).contains(solverBits) else {
      throw .invalidArgument("solverBits", found: "\(solverBits)", expected: "4 to 24")
    }
  }

  public func matrix(_ weights: Tensor<Float>, in context: inout ForwardContext) throws -> any WritableMatrix {
    try validate()
    guard weights.rank == 2 else {
      throw TensorError.wrongShape(argument: "weights", found: weights.shape, expected: "[inputs, outputs]")
    }
    return FixedPointMatrix(weights: try Self.rounded(weights.detached(), bits: bits, rows: false), bits: bits)
  }

  public func solver(_ problem: LeastSquares, in context: inout ForwardContext) throws -> any LinearSolver {
    try validate()
    return FixedPointSolver(problem: problem, bits: solverBits)
  }

  /// Steps that round states and the outputs of every layer.
  public func integrator(_ loop: FeedbackLoop, steps: IntegrationSteps, in context: inout ForwardContext) throws
    -> any Integrator
  {
    try validate()
    return try FixedPointIntegrator(loop: loop, steps: steps, bits: bits)
  }

  public func memory(_ words: Tensor<Float>, _ match: Match, in context: inout ForwardContext) throws
    -> any AssociativeMemory
  {
    try DigitalMemory(words, match, bits: bits)
  }

  public func randomSource(in context: inout ForwardContext) throws -> any RandomSource { DigitalRandomSource() }

  /// - Parameter rows: whether every row of a matrix has a scale of its own.
  static func rounded(_ x: Tensor<Float>, bits: Int, rows: Bool) throws -> Tensor<Float> {
    guard x.count > 0 else { return x }
    let largest = try rows ? x.magnitude().max(axes: [1], keepingAxes: true) : x.magnitude().max()
    let steps = try Tensor(
      largest.elements.map { FixedPoint.step(largest: Double($0), bits: bits) }.map(Float.init), shape: largest.shape)
    return try (x / steps).rounded() * steps
  }

  /// Smallest difference of numbers whose largest has to fit: a power of two.
  static func step(largest: Double, bits: Int) -> Double {
    guard largest > 0, largest.isFinite else { return 1 }
    return exp2((log2(largest) + 1e-12).rounded(.up) - Double(bits - 1))
  }
}

private struct FixedPointMatrix: WritableMatrix {
  private(set) var weights: Tensor<Float>
  let bits: Int
  var inputs: Int { weights.shape[0] }
  var outputs: Int { weights.shape[1] }
  var domain: InputDomain { .signed }
  var inventory: Inventory { Inventory() }
  private var bytes: Int { (bits + 7) / 8 }

  init(weights: Tensor<Float>, bits: Int) { (self.weights, self.bits) = (weights, bits) }

  func apply(_ x: Tensor<Float>, from side: Side, in context: inout ForwardContext) throws -> Tensor<Float> {
    try checked(x, from: side)
    let (batch, transposed) = (x.shape[0], side == .columns)
    guard batch > 0 else { return try .zeros([0, transposed ? inputs : outputs]) }
    context.count(.integerLogic, .multiplyAccumulate, batch * inputs * outputs, bits: bits)
    context.count(.memory, .byte, bytes * (inputs * outputs + batch * (inputs + outputs)))
    let (weights, bits) = (weights, bits)
    return try withCustomGradient(of: [x]) {
      let y = try matmul(FixedPoint.rounded($0[0], bits: bits, rows: true), weights, transposingB: transposed)
      return try FixedPoint.rounded(y, bits: bits, rows: true)
    } gradient: { upstream, _ in
      [try matmul(upstream, weights, transposingB: !transposed)]
    }
  }

  func calibrate(_ x: Tensor<Float>, from side: Side, in context: inout ForwardContext) throws {
    try checked(x, from: side)
  }

  mutating func write(_ new: Tensor<Float>, in context: inout ForwardContext) throws -> Writing {
    guard new.shape == weights.shape else {
      throw TensorError.wrongShape(argument: "weights", found: new.shape, expected: "\(weights.shape)")
    }
    context.count(.memory, .byte, bytes * new.count)
    weights = try FixedPoint.rounded(new.detached(), bits: bits, rows: false)
    return Writing()
  }

  /// One pulse is one step of the stored numbers.
  mutating func pulse(_ counts: Tensor<Int32>, in context: inout ForwardContext) throws -> Writing {
    guard counts.shape == weights.shape else {
      throw TensorError.wrongShape(argument: "counts", found: counts.shape, expected: "\(weights.shape)")
    }
    context.count(.integerLogic, .operation, counts.count, bits: bits)
    let step = Float(FixedPoint.step(largest: Double(try weights.magnitude().max().item()), bits: bits))
    let moved = try weights + Tensor(counts.elements.map { Float($0) * step }, shape: counts.shape)
    weights = try FixedPoint.rounded(moved, bits: bits, rows: false)
    return Writing()
  }

  func readBack(in context: inout ForwardContext) throws -> Tensor<Float> { weights.detached() }
  func age(to seconds: Double) throws {}
}
