import Substrates
import Tensors

extension NeuralField {
  /// The field of a loop: what trains is what substrates integrate.
  ///
  /// - Throws: `NeuralFieldError` for what the compiled loops do not differentiate; `TensorError` for sizes beyond theirs.
  public init(_ loop: FeedbackLoop) throws {
    for (l, layer) in loop.layers.enumerated() where layer.injected != nil {
      throw NeuralFieldError.injected(layer: l)
    }
    guard let last = loop.layers.last, last.activation == .identity else { throw NeuralFieldError.activatedOutput }
    weights = try loop.layers.map { try Self.numbers($0.weights) }
    biases = try loop.layers.map { try Self.numbers($0.bias) }
    activations = loop.layers.map(\.activation)
    try check()
  }

  /// The loop around the present weights, for substrates.
  ///
  /// - Throws: `TensorError` where weights and biases do not fit together.
  public var loop: FeedbackLoop {
    get throws(TensorError) {
      try check()
      var layers: [FeedbackLoop.Layer] = []
      for (l, activation) in activations.enumerated() {
        layers.append(
          FeedbackLoop.Layer(
            try Self.floats(weights[l]), bias: try Self.floats(biases[l]), activation: activation))
      }
      return try FeedbackLoop(layers, drives: sizes[0] - sizes[sizes.count - 1])
    }
  }

  private static func numbers(_ x: Tensor<Float>) throws(TensorError) -> Tensor<Scalar> {
    try Tensor(x.elements.map { Scalar($0) }, shape: x.shape)
  }

  private static func floats(_ x: Tensor<Scalar>) throws(TensorError) -> Tensor<Float> {
    try Tensor(x.detached().elements.map { Float($0) }, shape: x.shape)
  }

  /// Trajectories of the loop under the signals that substrates get, by classic Runge–Kutta steps.
  ///
  /// - Parameter start: shape `[batch, states]`.
  /// - Returns: shape `[steps + 1, batch, states]`, the start included.
  /// - Throws: `NeuralFieldError` for noise, injected signals, and a(t) or b(t) other than 0 and 1; `TensorError`.
  public func trajectory(from start: Tensor<Scalar>, _ signals: LoopSignals, steps: Int) throws -> Tensor<Scalar> {
    guard steps >= 1 else {
      throw TensorError.invalidArgument("steps", found: "\(steps)", expected: "1 or more")
    }
    guard signals.noise == nil else { throw NeuralFieldError.noise }
    guard signals.injected.isEmpty else { throw NeuralFieldError.injectedSignals }
    let drives = sizes[0] - sizes[sizes.count - 1]
    let batch = start.shape.first ?? 0
    var numbers: [Scalar] = []
    for half in 0...2 * steps {
      let time = signals.time(after: Double(half), of: 2 * steps)
      let (a, b) = (signals.linear(time), signals.gain(time))
      guard a == 0, b == 1 else { throw NeuralFieldError.gains(a: a, b: b, time: time) }
      let u = try signals.driven(drives, samples: batch, at: time).map { Scalar($0) }
      for _ in 0..<(u.count == drives ? batch : 1) { numbers += u }
    }
    let drive = try drives > 0 ? Tensor(numbers, shape: [2 * steps + 1, batch, drives]) : nil
    return try trajectory(from: start, step: Scalar(signals.span / Double(steps)), steps: steps, drive: drive)
  }
}

/// What the compiled loops do not train. Every message says what to do.
public enum NeuralFieldError: Error, Equatable, CustomStringConvertible {
  case injected(layer: Int)
  case activatedOutput
  case noise
  case injectedSignals
  case gains(a: Double, b: Double, time: Double)

  public var description: String {
    switch self {
    case .injected(let layer):
      "layer \(layer) has injected signals, which a neural field does not train: make them drives u(t), or train with "
        + "`rungeKutta4` and tensor operations"
    case .activatedOutput:
      "the last layer has an activation, which a neural field does not train: add a layer without one behind it"
    case .noise: "`signals.noise` is set, and a neural field has no noise: leave it out while training"
    case .injectedSignals: "`signals.injected` is set, and a neural field takes none: make them drives u(t)"
    case .gains(let a, let b, let time):
      "at time \(time) a(t) is \(a) and b(t) is \(b); a neural field has 0 and 1: put constants into the weights, or train with "
        + "`rungeKutta4` and tensor operations"
    }
  }
}
