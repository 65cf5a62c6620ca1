import Tensors

/// A rule that moves parameters along their gradients. What it remembers belongs to one model.
public protocol Optimiser {
  var learningRate: Float { get set }
  /// Moves `parameters` in place, one gradient for each, always in the same order.
  mutating func update(_ parameters: inout [Tensor<Float>], along gradients: [Tensor<Float>]) throws
  /// Shows what is remembered, for checkpoints; `parameters` say what it belongs to.
  mutating func visit(_ visitor: Visitor, parameters: [Tensor<Float>]) throws
}

extension Optimiser {
  /// Moves the parameters of a model; gradients are those of `valueAndGradient(of:)`.
  public mutating func update(_ model: inout some Layer, along gradients: [Tensor<Float>]) throws {
    var parameters: [Tensor<Float>] = []
    // Taken out of the model, so that they are changed in place and not copied.
    let hole = try Tensor<Float>.zeros([0])
    try model.visit(
      Visitor { _, tensor, isTrained in
        guard isTrained else { return }
        parameters.append(tensor)
        tensor = hole
      })
    func putBack(_ model: inout some Layer, _ parameters: [Tensor<Float>]) throws {
      var next = parameters.makeIterator()
      try model.visit(Visitor { _, tensor, isTrained in if isTrained, let moved = next.next() { tensor = moved } })
    }
    do {
      guard gradients.count == parameters.count else {
        throw NetworkError.invalidSetting(
          "gradients", found: "\(gradients.count)", expected: "one for each of \(parameters.count) parameters")
      }
      try update(&parameters, along: gradients)
    } catch {
      try putBack(&model, parameters)
      throw error
    }
    try putBack(&model, parameters)
  }
}

/// Makes sure that there is one remembered tensor for each parameter.
private func prepare(_ memory: inout [Tensor<Float>], for parameters: [Tensor<Float>]) throws {
  if memory.count == parameters.count && zip(memory, parameters).allSatisfy({ $0.shape == $1.shape }) { return }
  memory = try parameters.map { try Tensor.zeros($0.shape) }
}

/// Stochastic gradient descent, with momentum and weight decay where asked.
///
///     v ← momentum·v + g + decay·p        p ← p − rate·v
public struct SGD: Optimiser {
  public var learningRate: Float
  public var momentum: Float
  /// Look ahead along the velocity (Sutskever et al. 2013).
  public var nesterov: Bool
  public var weightDecay: Float
  private var velocities: [Tensor<Float>] = []

  public init(learningRate: Float, momentum: Float = 0, nesterov: Bool = false, weightDecay: Float = 0) {
    (self.learningRate, self.momentum, self.nesterov, self.weightDecay) = (
      learningRate, momentum, nesterov, weightDecay
    )
  }

  public mutating func update(_ parameters: inout [Tensor<Float>], along gradients: [Tensor<Float>]) throws {
    if momentum != 0 { try prepare(&velocities, for: parameters) }
    let hole = try Tensor<Float>.zeros([0])
    for i in parameters.indices {
      var velocity: Tensor<Float>?
      if momentum != 0 { swapOut(&velocities[i], hole, into: &velocity) }
      try parameters[i].descend(
        gradients[i], rate: Double(learningRate), momentum: Double(momentum), decay: Double(weightDecay),
        nesterov: nesterov, velocity: &velocity)
      if let velocity { velocities[i] = velocity }
    }
  }

  public mutating func visit(_ visitor: Visitor, parameters: [Tensor<Float>]) throws {
    if momentum != 0 { try prepare(&velocities, for: parameters) }
    for i in velocities.indices { try visitor("velocity.\(i)", buffer: &velocities[i]) }
  }
}

private func swapOut(_ tensor: inout Tensor<Float>, _ hole: Tensor<Float>, into place: inout Tensor<Float>?) {
  place = tensor
  tensor = hole
}

/// Adam (Kingma & Ba 2015); `AdamW` decouples the weight decay.
public struct Adam: Optimiser {
  public var learningRate: Float
  public var beta1: Float, beta2: Float, epsilon: Float
  public var weightDecay: Float
  /// Decay acts on the parameters themselves instead of through the gradient (Loshchilov & Hutter 2019).
  public var decoupledDecay: Bool
  private var first: [Tensor<Float>] = [], second: [Tensor<Float>] = []
  /// Updates so far, as a tensor so that checkpoints keep it.
  private var steps: [Tensor<Float>] = []

  public init(
    learningRate: Float = 0.001, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8,
    weightDecay: Float = 0,
    decoupledDecay: Bool = false
  ) {
    (self.learningRate, self.beta1, self.beta2, self.epsilon) = (learningRate, beta1, beta2, epsilon)
    (self.weightDecay, self.decoupledDecay) = (weightDecay, decoupledDecay)
  }

  private mutating func prepare(_ parameters: [Tensor<Float>]) throws {
    if steps.isEmpty { steps = [try Tensor([0])] }
    try Networks.prepare(&first, for: parameters)
    try Networks.prepare(&second, for: parameters)
  }

  public mutating func update(_ parameters: inout [Tensor<Float>], along gradients: [Tensor<Float>]) throws {
    try prepare(parameters)
    steps[0] = try steps[0] + 1
    let t = Double(try steps[0].item())
    let bias = (1 - power(Double(beta1), t), 1 - power(Double(beta2), t))
    for i in parameters.indices {
      try parameters[i].adapt(
        gradients[i], rate: Double(learningRate), beta1: Double(beta1), beta2: Double(beta2), epsilon: Double(epsilon),
        decay: Double(weightDecay), decoupled: decoupledDecay, bias: bias, first: &first[i], second: &second[i])
    }
  }

  public mutating func visit(_ visitor: Visitor, parameters: [Tensor<Float>]) throws {
    try prepare(parameters)
    try visitor("steps", buffer: &steps[0])
    for i in first.indices {
      try visitor("first.\(i)", buffer: &first[i])
      try visitor("second.\(i)", buffer: &second[i])
    }
  }
}

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
public struct AdamW: Optimiser {
  private var adam: Adam

  public init(
    learningRate: Float = 0.001, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8,
    weightDecay: Float = 0.01
  ) {
    adam = Adam(
      learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay,
      decoupledDecay: true)
  }

  public var learningRate: Float {
    get { adam.learningRate }
    set { adam.learningRate = newValue }
  }

  public mutating func update(_ parameters: inout [Tensor<Float>], along gradients: [Tensor<Float>]) throws {
    try adam.update(&parameters, along: gradients)
  }

  public mutating func visit(_ visitor: Visitor, parameters: [Tensor<Float>]) throws {
    try adam.visit(visitor, parameters: parameters)
  }
}
