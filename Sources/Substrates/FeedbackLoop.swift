import Tensors

/// A network whose output drives its own input, as analog loops close it; one description for training through a solver, for
/// steps and for circuits:
///
///     h₀ = [x, u(t)]    h_l = activation_l(h_{l−1}·W_l + b_l + e_l(t))    dx = (a(t)·x + b(t)·h_L)·dt + c(t)·dW
///
/// x are the states, u drives from outside, e signals injected before a layer's activation.
public struct FeedbackLoop: Sendable {
  public struct Layer: Sendable {
    /// Shape `[inputs, outputs]`.
    public var weights: Tensor<Float>
    /// Shape `[outputs]`.
    public var bias: Tensor<Float>
    public var activation: Activation
    /// Which of `LoopSignals.injected` is added; none is.
    public var injected: Int?

    public init(
      _ weights: Tensor<Float>, bias: Tensor<Float>, activation: Activation = .identity, injected: Int? = nil
    ) {
      (self.weights, self.bias, self.activation, self.injected) = (weights, bias, activation, injected)
    }
  }

  /// Activations that hardware has.
  public enum Activation: Sendable, Equatable {
    case identity
    case tanh
    case sigmoid
    /// 0 below 0, `ceiling` above it; infinite for none.
    case rectifier(ceiling: Float = .infinity)
  }

  public let layers: [Layer]
  /// Numbers that come from outside beside the states.
  public let drives: Int

  /// Kinds of signals that are injected: one more than the largest number of a layer.
  public var injections: Int { layers.reduce(0) { max($0, $1.injected.map { $0 + 1 } ?? 0) } }
  public var states: Int { layers[layers.count - 1].weights.shape[1] }
  /// Extents from the first layer's input to the last one's output.
  public var sizes: [Int] { [layers[0].weights.shape[0]] + layers.map { $0.weights.shape[1] } }

  /// - Throws: `TensorError` for shapes that do not fit, and ceilings that are not above 0.
  public init(_ layers: [Layer], drives: Int = 0) throws(TensorError) {
    guard let last = layers.last, drives >= 0 else {
      throw .invalidArgument(
        "layers, drives", found: "\(layers.count), \(drives)", expected: "one layer or more, no negative number")
    }
    var expected = (last.weights.shape.last ?? 0) + drives
    var checked: [Layer] = []
    for layer in layers {
      guard layer.weights.rank == 2, layer.weights.shape[0] == expected, layer.weights.count > 0 else {
        throw .wrongShape(argument: "weights", found: layer.weights.shape, expected: "[\(expected), outputs]")
      }
      expected = layer.weights.shape[1]
      guard layer.bias.shape == [expected] else {
        throw .wrongShape(argument: "bias", found: layer.bias.shape, expected: "[\(expected)]")
      }
      guard layer.injected ?? 0 >= 0 else {
        throw .invalidArgument("injected", found: "\(layer.injected ?? 0)", expected: "0 or more")
      }
      if case .rectifier(let ceiling) = layer.activation, !(ceiling > 0) {
        throw .invalidArgument("activation", found: "a rectifier's ceiling of \(ceiling)", expected: "above 0")
      }
      var own = layer
      own.weights = try layer.weights.detached().rowMajor()
      own.bias = try layer.bias.detached().rowMajor()
      checked.append(own)
    }
    (self.layers, self.drives) = (checked, drives)
  }
}

/// What drives a loop from outside while time runs from `start` to `end`, forwards or backwards. Slopes are per unit of time
/// that has passed.
public struct LoopSignals: Sendable {
  public var start: Double, end: Double
  /// a(t), b(t), and c(t) where there is noise.
  public var linear: @Sendable (Double) -> Double, gain: @Sendable (Double) -> Double
  public var noise: (@Sendable (Double) -> Double)?
  /// u(t): as many numbers as drives, the same for all samples, or `[samples, drives]`, row-major; the same choice at all times.
  public var drive: (@Sendable (Double) -> [Float])?
  /// e(t) of each kind: as many numbers as the outputs of the layers that it is injected to.
  public var injected: [@Sendable (Double) -> [Float]]

  public init(
    from start: Double, to end: Double, linear: @escaping @Sendable (Double) -> Double = { _ in 0 },
    gain: @escaping @Sendable (Double) -> Double = { _ in 1 }, noise: (@Sendable (Double) -> Double)? = nil,
    drive: (@Sendable (Double) -> [Float])? = nil, injected: [@Sendable (Double) -> [Float]] = []
  ) {
    (self.start, self.end, self.linear, self.gain) = (start, end, linear, gain)
    (self.noise, self.drive, self.injected) = (noise, drive, injected)
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
    package var stages: (reach: [Float], share: [Float], time: [Double]) {
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

/// Follows a `FeedbackLoop` from a start to the end of its signals.
public protocol Integrator: HasInventory {
  /// - Parameters:
  ///   - x: shape `[samples, states]`.
  ///   - times: when states are read, in the order in which time runs, within the run; a substrate that computes in steps reads
  ///     the nearest step.
  /// - Returns: shape `[times, samples, states]`.
  /// - Throws: `TensorError.wrongShape` for states, drives and injected signals that are too many or too few;
  ///   `.invalidArgument` for no times, times outside the run or not in its order.
  func integrate(
    _ x: Tensor<Float>, _ signals: LoopSignals, readAt times: [Double], in context: inout ForwardContext
  ) throws -> Tensor<Float>
}

extension Integrator {
  /// The states at the end, shape `[samples, states]`.
  public func integrate(_ x: Tensor<Float>, _ signals: LoopSignals, in context: inout ForwardContext) throws
    -> Tensor<Float>
  {
    try integrate(x, signals, readAt: [signals.end], in: &context).at(0)
  }
}
