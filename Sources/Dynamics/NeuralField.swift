import CKernels
import Substrates
import Tensors

/// A vector field that is a small network: `dx/dt = W·f(… f([x, u]·W + b) …) + b`, with an optional drive u(t) and f = tanh
/// where nothing else is asked for. It is the trained side of a `FeedbackLoop`, which substrates integrate.
///
/// Whole trajectories and their gradients run in one compiled loop without touching memory management: this is the fast
/// way for the tiny networks of neural ordinary differential equations (Chen et al. 2018). For any other field see
/// `rungeKutta4`.
///
///     var random = RandomStream(seed: 1)
///     var field = try NeuralField<Float>([2, 14, 14, 1], using: &random)      // state 1, drive 1
///     let (loss, gradients) = try valueAndGradient(at: field.parameters) { parameters in
///       field.parameters = parameters
///       return try (field.trajectory(from: start, step: 0.004, steps: 499, drive: drive) - target).squared().mean()
///     }
public struct NeuralField<Scalar: TensorScalar>: Sendable {
  /// Of each layer, `[inputs, outputs]`.
  public var weights: [Tensor<Scalar>]
  /// Of each layer, `[outputs]`.
  public var biases: [Tensor<Scalar>]
  /// Of each layer; the last one has none.
  public let activations: [FeedbackLoop.Activation]

  /// Most layers, and most states, that the compiled loops take.
  static var layerLimit: Int { Int(KK_MAX_LAYERS) }
  static var stateLimit: Int { 256 }

  /// Weights and biases uniform within ±1/√inputs.
  ///
  /// - Parameters:
  ///   - sizes: state plus drive, hidden layers, state; 2 to 9 numbers, the last at most 256.
  ///   - activation: of the hidden layers.
  public init(_ sizes: [Int], activation: FeedbackLoop.Activation = .tanh, using random: inout RandomStream)
    throws(TensorError)
  {
    guard sizes.count >= 2, sizes.allSatisfy({ $0 > 0 }) else {
      throw .invalidArgument("sizes", found: "\(sizes)", expected: "two or more positive numbers")
    }
    (weights, biases) = ([], [])
    activations = Self.hidden(activation, layers: sizes.count - 1)
    for (inputs, outputs) in zip(sizes, sizes.dropFirst()) {
      let bound = 1 / Scalar(inputs).squareRoot()
      weights.append(try random.uniform([inputs, outputs], in: -bound...bound))
      biases.append(try random.uniform([outputs], in: -bound...bound))
    }
  }

  /// - Parameters:
  ///   - parameters: weight and bias of each layer in turn.
  ///   - activation: of the hidden layers.
  public init(parameters: [Tensor<Scalar>], activation: FeedbackLoop.Activation = .tanh) throws(TensorError) {
    (weights, biases) = ([], [])
    activations = Self.hidden(activation, layers: parameters.count / 2)
    guard parameters.count >= 2, parameters.count.isMultiple(of: 2) else {
      throw .invalidArgument(
        "parameters", found: "\(parameters.count) tensors", expected: "a weight and a bias for each layer")
    }
    self.parameters = parameters
    try check()
  }

  private static func hidden(_ activation: FeedbackLoop.Activation, layers: Int) -> [FeedbackLoop.Activation] {
    [FeedbackLoop.Activation](repeating: activation, count: max(0, layers - 1)) + [.identity]
  }

  /// Weight and bias of each layer in turn.
  public var parameters: [Tensor<Scalar>] {
    get { zip(weights, biases).flatMap { [$0, $1] } }
    set {
      weights = stride(from: 0, to: newValue.count, by: 2).map { newValue[$0] }
      biases = stride(from: 1, to: newValue.count, by: 2).map { newValue[$0] }
    }
  }

  /// Extents from input to output.
  package var sizes: [Int] { (weights.first.map { [$0.shape[0]] } ?? []) + biases.map(\.count) }

  func check() throws(TensorError) {
    guard weights.count == biases.count, weights.count == activations.count,
      (1...Self.layerLimit).contains(weights.count)
    else {
      throw .invalidArgument("parameters", found: "\(weights.count) layers", expected: "1 to \(Self.layerLimit)")
    }
    var inputs = weights[0].shape.first ?? 0
    for (weight, bias) in zip(weights, biases) {
      guard weight.rank == 2, weight.shape[0] == inputs, bias.shape == [weight.shape[1]], inputs > 0,
        weight.shape[1] > 0
      else { throw .incompatibleShapes(operation: "NeuralField", left: weight.shape, right: bias.shape) }
      inputs = weight.shape[1]
    }
    guard inputs <= Self.stateLimit, inputs <= weights[0].shape[0] else {
      throw .invalidArgument(
        "parameters", found: "\(inputs) states, \(weights[0].shape[0]) inputs",
        expected: "at most \(Self.stateLimit) states, and no fewer inputs than states")
    }
  }

  /// The slope at `x`, made of ordinary tensor operations.
  ///
  /// - Parameters:
  ///   - x: shape `[batch, states]`.
  ///   - drive: shape `[batch, drives]`, or nil without a drive.
  public func callAsFunction(_ x: Tensor<Scalar>, drive: Tensor<Scalar>? = nil) throws(TensorError) -> Tensor<Scalar> {
    var y = try drive.map { drive throws(TensorError) in try Tensor.concatenate([x, drive], axis: 1) } ?? x
    for l in weights.indices {
      y = try activations[l](linear(y, weights[l], bias: biases[l]))
    }
    return y
  }

  /// Trajectories by classic Runge–Kutta steps of fourth order. Gradients flow to start, drive, weights and biases.
  ///
  /// - Parameters:
  ///   - start: shape `[batch, states]`.
  ///   - step: in units of time.
  ///   - steps: their number.
  ///   - drive: at the start, middle and end of each step: shape `[2·steps + 1, batch, drives]`; nil without a drive.
  /// - Returns: shape `[steps + 1, batch, states]`, the start included.
  public func trajectory(
    from start: Tensor<Scalar>, step: Scalar, steps: Int, drive: Tensor<Scalar>? = nil
  ) throws(TensorError) -> Tensor<Scalar> {
    try check()
    let sizes = sizes
    let states = sizes[sizes.count - 1]
    let drives = sizes[0] - states
    guard start.rank == 2, start.shape[1] == states
    else { throw .wrongShape(argument: "start", found: start.shape, expected: "[batch, \(states)]") }
    guard steps >= 0 else { throw .invalidArgument("steps", found: "\(steps)", expected: "0 or more") }
    let batch = start.shape[0]
    if drives > 0 || drive != nil {
      guard let drive, drive.shape == [2 * steps + 1, batch, drives] else {
        throw .wrongShape(
          argument: "drive", found: drive?.shape ?? [], expected: "[\(2 * steps + 1), \(batch), \(drives)]")
      }
    }
    let field = try CompiledField(weights, biases, activations, sizes)
    let followed = [start] + (drive.map { [$0] } ?? []) + parameters
    let run = TrajectoryRun(field: field, step: Double(step), steps: steps, batch: batch)
    let from = try start.rowMajor().body
    let u = try drive?.rowMajor().body
    let y = try Body(from.type, [steps + 1, batch, states])
    if !followed.contains(where: { $0.body.tape?.isRecording == true }) {
      try run.forward(from, u, y)
      return Tensor(body: y)
    }
    let kept = try run.forwardKeeping(from, u, y)
    let layers = weights.count
    let hasDrive = drive != nil
    return try Tensor(body: y).recorded(from: followed) { upstream, needed in
      let result = try run.backward(upstream.rowMajor().body, kept, driveNeeded: hasDrive && needed[1])
      let ends = [result.start] + (hasDrive ? [result.drive] : [])
      let inner = (0..<layers).flatMap { [result.weights[$0], result.biases[$0]] as [Body?] }
      return (ends + inner).map { $0.map { Tensor(body: $0) } }
    }
  }
}
