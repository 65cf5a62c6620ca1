import CKernels
import Foundation
import Tensors

/// A network whose output drives its own input, as analog loops close it:
///
///     h₁ = clamp(x·W₁ + b₁ + e(t), 0, ceiling)    h₂ = clamp(h₁·W₂ + b₂ + e(t), 0, ceiling)
///     s = amplitude·(h₂·W₃ + b₃)                  dx = (a(t)·x + b(t)·s)·dt + c(t)·dW
public struct FeedbackNetwork: Sendable {
  /// Three, each `[inputs, outputs]`: states to hidden, hidden to hidden, hidden to states.
  public let weights: [Tensor<Float>]
  /// Three, each `[outputs]`.
  public let biases: [Tensor<Float>]
  public let amplitude: Float
  /// Largest output of a hidden neuron; infinite for none.
  public let ceiling: Float

  public var states: Int { weights[0].shape[0] }
  public var hidden: Int { weights[0].shape[1] }

  /// - Throws: `TensorError` for shapes that do not fit, more than 16 states or 64 hidden neurons.
  public init(weights: [Tensor<Float>], biases: [Tensor<Float>], amplitude: Float = 1, ceiling: Float = .infinity)
    throws(TensorError)
  {
    guard weights.count == 3, biases.count == 3, weights.allSatisfy({ $0.rank == 2 }) else {
      throw .invalidArgument(
        "weights, biases", found: "\(weights.count) and \(biases.count)", expected: "three matrices, three vectors")
    }
    let (n, h) = (weights[0].shape[0], weights[0].shape[1])
    guard (1...Int(KK_FEEDBACK_STATES)).contains(n), (1...Int(KK_FEEDBACK_HIDDEN)).contains(h) else {
      throw .wrongShape(
        argument: "weights[0]", found: weights[0].shape,
        expected: "[states, hidden], at most [\(KK_FEEDBACK_STATES), \(KK_FEEDBACK_HIDDEN)]")
    }
    for (i, shape) in [[n, h], [h, h], [h, n]].enumerated() {
      guard weights[i].shape == shape, biases[i].shape == [shape[1]] else {
        throw .incompatibleShapes(operation: "FeedbackNetwork", left: weights[i].shape, right: biases[i].shape)
      }
    }
    self.weights = try weights.map { w throws(TensorError) in try w.detached().rowMajor() }
    self.biases = try biases.map { b throws(TensorError) in try b.detached().rowMajor() }
    self.amplitude = amplitude
    self.ceiling = ceiling
  }
}

/// What drives a loop from outside while time runs from `start` to `end`, forwards or backwards. Slopes are per unit of time
/// that has passed.
public struct LoopSignals: Sendable {
  public var start: Double, end: Double
  /// a(t), b(t), and c(t) where there is noise.
  public var linear: @Sendable (Double) -> Double, gain: @Sendable (Double) -> Double
  public var noise: (@Sendable (Double) -> Double)?
  /// e(t): as many numbers as hidden neurons.
  public var injected: @Sendable (Double) -> [Float]

  public init(
    from start: Double, to end: Double, linear: @escaping @Sendable (Double) -> Double,
    gain: @escaping @Sendable (Double) -> Double, noise: (@Sendable (Double) -> Double)? = nil,
    injected: @escaping @Sendable (Double) -> [Float]
  ) {
    (self.start, self.end, self.linear, self.gain) = (start, end, linear, gain)
    (self.noise, self.injected) = (noise, injected)
  }
}

/// How a substrate that computes in steps integrates; loops in hardware have no steps.
public struct IntegrationSteps: Sendable, Codable, Equatable {
  public enum Method: String, Sendable, Codable, CaseIterable {
    /// With noise: Euler–Maruyama.
    case euler
    /// Trapezoidal predictor and corrector, second order.
    case heun
    /// Classic Runge–Kutta, fourth order.
    case rungeKutta4 = "rk4"

    /// Starting points x + reach·k of the previous stage, parts of the sum, and times within a step.
    var stages: (reach: [Float], share: [Float], time: [Double]) {
      switch self {
      case .euler: ([0], [1], [0])
      case .heun: ([0, 1], [0.5, 0.5], [0, 1])
      case .rungeKutta4: ([0, 0.5, 0.5, 1], [1 / 6, 1 / 3, 1 / 3, 1 / 6], [0, 0.5, 0.5, 1])
      }
    }
  }
  public var method: Method
  public var steps: Int

  public init(_ method: Method, _ steps: Int) { (self.method, self.steps) = (method, steps) }

  /// Evaluations of the network.
  public var evaluations: Int { steps * method.stages.reach.count }
}

/// Follows dx = (a·x + b·network(x))·dt + c·dW from a start to the end of its signals.
public protocol Integrator: Sendable {
  /// - Parameter x: shape `[samples, states]`.
  /// - Returns: states at the end, the same shape.
  /// - Throws: `TensorError.wrongShape`.
  func integrate(_ x: Tensor<Float>, _ signals: LoopSignals, in context: inout ForwardContext) throws -> Tensor<Float>
}

/// Steps in exact single precision.
struct DigitalIntegrator: Integrator {
  let network: FeedbackNetwork
  let steps: IntegrationSteps

  func integrate(_ x: Tensor<Float>, _ signals: LoopSignals, in context: inout ForwardContext) throws -> Tensor<Float> {
    let n = network.hidden
    let (reach, share, times) = steps.method.stages
    guard steps.steps >= 1 else {
      throw TensorError.invalidArgument("steps", found: "\(steps.steps)", expected: "1 or more")
    }
    let lanes = try x.asLanes(states: network.states)
    let h = abs(signals.end - signals.start) / Double(steps.steps)
    let sign = signals.end < signals.start ? -1.0 : 1.0
    var (a, b, c): ([Float], [Float], [Float]) = ([], [], [])
    var (p1, p2): ([Float], [Float]) = ([], [])
    let (b1, b2) = (network.biases[0].elements, network.biases[1].elements)
    for k in 0..<steps.steps {
      for node in times {
        let t = signals.start + sign * h * (Double(k) + node)
        a.append(Float(signals.linear(t) * h))
        b.append(Float(signals.gain(t) * h))
        let e = try signals.checked(signals.injected(t), hidden: n)
        for j in 0..<n {
          p1.append(b1[j] + e[j])
          p2.append(b2[j] + e[j])
        }
      }
      if let noise = signals.noise { c.append(Float(noise(signals.start + sign * h * Double(k)) * h.squareRoot())) }
    }
    let w = try network.rows()
    let samples = x.shape[0]
    let units = (samples + 15) / 16
    let blocks = kk_feedback_blocks(network.states, steps.steps)
    let (key, block) = context.random.reserve(signals.noise == nil ? 0 : blocks * UInt64(units))
    let hasNoise = signals.noise != nil
    try lanes.forEachPart { part, count, first in
      w.withField(ceiling: network.ceiling) { field in
        kk_feedback_steps(
          field, count, steps.steps, reach.count, reach, share, p1, p2, a, b, hasNoise ? c : nil, key,
          block + UInt64(first / 16) * blocks, part)
      }
    }
    let products = network.weights.reduce(0) { $0 + $1.count }
    context.activity.digitalOperations += samples * steps.evaluations * products
    return try lanes.rows()
  }
}

extension Substrate {
  public func integrator(
    _ network: FeedbackNetwork, steps: IntegrationSteps, in context: inout ForwardContext
  ) throws -> any Integrator {
    DigitalIntegrator(network: network, steps: steps)
  }
}

extension LoopSignals {
  package func checked(_ e: [Float], hidden: Int) throws(TensorError) -> [Float] {
    guard e.count == hidden else {
      throw .wrongShape(argument: "signals.injected", found: [e.count], expected: "[\(hidden)]")
    }
    return e
  }
}

/// Weights in the order of the loops, amplitude included: each matrix as rows of its outputs.
package struct FeedbackRows: Sendable {
  package var states: Int, hidden: Int
  package var w1: [Float], w2: [Float], w3: [Float], b3: [Float]

  package init(states: Int, hidden: Int, w1: [Float], w2: [Float], w3: [Float], b3: [Float]) {
    (self.states, self.hidden, self.w1, self.w2, self.w3, self.b3) = (states, hidden, w1, w2, w3, b3)
  }

  /// The kernels' view, valid while the closure runs.
  package func withField<R>(ceiling: Float, _ body: (UnsafePointer<kk_feedback>) throws -> R) rethrows -> R {
    try w1.withUnsafeBufferPointer { w1 in
      try w2.withUnsafeBufferPointer { w2 in
        try w3.withUnsafeBufferPointer { w3 in
          try b3.withUnsafeBufferPointer { b3 in
            var field = kk_feedback(
              states: states, hidden: hidden, w1: w1.baseAddress, w2: w2.baseAddress, w3: w3.baseAddress,
              p3: b3.baseAddress, ceiling: min(ceiling, 3e38))
            return try body(&field)
          }
        }
      }
    }
  }
}

extension FeedbackNetwork {
  package func rows() throws(TensorError) -> FeedbackRows {
    FeedbackRows(
      states: states, hidden: hidden, w1: try weights[0].transposed().elements,
      w2: try weights[1].transposed().elements, w3: try (weights[2].transposed() * amplitude).elements,
      b3: try (biases[2] * amplitude).elements)
  }
}

/// Samples in the lanes of vectors, `[states, samples]`, cut into parts that threads share.
package struct Lanes {
  private var numbers: Tensor<Float>
  private let states: Int, samples: Int
  /// Samples of one part: whole vectors, small enough for many parts.
  private static let part = 256

  fileprivate init(_ x: Tensor<Float>, states: Int) throws {
    guard x.rank == 2, x.shape[1] == states else {
      throw TensorError.wrongShape(argument: "x", found: x.shape, expected: "[samples, \(states)]")
    }
    (self.states, samples) = (states, x.shape[0])
    numbers = try x.detached().transposed().copied()
  }

  /// Runs `body` on a copy of each part, its number of samples and its first one, side by side.
  package func forEachPart(_ body: (UnsafeMutablePointer<Float>?, Int, Int) -> Void) throws {
    let parts = (samples + Self.part - 1) / Self.part
    nonisolated(unsafe) let body = body
    let all = numbers.body.f32
    parallelFor(parts) { range in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: states * Self.part) { room in
        for p in range {
          let first = p * Self.part
          let count = min(Self.part, samples - first)
          for s in 0..<states {
            for i in 0..<count { room[s * count + i] = all[s * samples + first + i] }
          }
          body(room.baseAddress, count, first)
          for s in 0..<states {
            for i in 0..<count { all[s * samples + first + i] = room[s * count + i] }
          }
        }
      }
    }
  }

  /// Back as `[samples, states]`.
  package func rows() throws -> Tensor<Float> { try numbers.transposed().rowMajor() }
}

extension Tensor<Float> {
  package func asLanes(states: Int) throws -> Lanes { try Lanes(self, states: states) }
}
