import Tensors

/// A rule that moves parameters along their gradients. What it remembers belongs to one model.
public protocol Optimiser {
  var learningRate: Float { get set }
  /// Moves `parameters` in place, one gradient for each, always in the same order and number type.
  mutating func update<E: TensorScalar>(_ parameters: inout [Tensor<E>], along gradients: [Tensor<E>]) throws
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
      try update(&parameters, along: gradients)
    } catch {
      try putBack(&model, parameters)
      throw error
    }
    try putBack(&model, parameters)
  }
}

/// One gradient for each parameter.
private func check<E: TensorScalar>(_ parameters: [Tensor<E>], _ gradients: [Tensor<E>]) throws {
  guard gradients.count == parameters.count else {
    throw NetworkError.invalidSetting(
      "gradients", found: "\(gradients.count)", expected: "one for each of \(parameters.count) parameters")
  }
}

/// One remembered tensor for each parameter, of whatever number type the parameters have.
private struct Memory {
  private var bodies: [Body] = []

  /// Starts with zeros where nothing of these shapes is remembered yet.
  mutating func prepare<E: TensorScalar>(for parameters: [Tensor<E>]) throws {
    let fits = zip(bodies, parameters).allSatisfy { $0.shape == $1.shape && $0.type == $1.body.type }
    if bodies.count == parameters.count && fits { return }
    bodies = try parameters.map { try Tensor<E>.zeros($0.shape).body }
  }

  /// Changes one of them in place.
  mutating func change<E: TensorScalar>(_ i: Int, _ action: (inout Tensor<E>) throws -> Void) throws {
    var tensor = Tensor<E>(body: bodies[i])
    // Let go here, so that the tensor is the only one to hold the memory.
    bodies[i] = try Tensor<E>.zeros([0]).body
    defer { bodies[i] = tensor.body }
    try action(&tensor)
  }

  mutating func visit(_ name: String, _ visitor: Visitor) throws {
    for i in bodies.indices {
      try change(i) { (tensor: inout Tensor<Float>) in try visitor("\(name).\(i)", buffer: &tensor) }
    }
  }
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
  private var velocities = Memory()

  public init(learningRate: Float, momentum: Float = 0, nesterov: Bool = false, weightDecay: Float = 0) {
    (self.learningRate, self.momentum, self.nesterov, self.weightDecay) = (
      learningRate, momentum, nesterov, weightDecay
    )
  }

  public mutating func update<E: TensorScalar>(_ parameters: inout [Tensor<E>], along gradients: [Tensor<E>]) throws {
    try check(parameters, gradients)
    if momentum != 0 { try velocities.prepare(for: parameters) }
    func descend(_ p: inout Tensor<E>, _ g: Tensor<E>, _ velocity: inout Tensor<E>?) throws {
      try p.descend(
        g, rate: Double(learningRate), momentum: Double(momentum), decay: Double(weightDecay), nesterov: nesterov,
        velocity: &velocity)
    }
    for i in parameters.indices {
      var velocity: Tensor<E>?
      if momentum == 0 {
        try descend(&parameters[i], gradients[i], &velocity)
        continue
      }
      let hole = try Tensor<E>.zeros([0])
      try velocities.change(i) { (remembered: inout Tensor<E>) in
        velocity = remembered
        remembered = hole
        defer { remembered = velocity ?? hole }
        try descend(&parameters[i], gradients[i], &velocity)
      }
    }
  }

  public mutating func visit(_ visitor: Visitor, parameters: [Tensor<Float>]) throws {
    if momentum != 0 { try velocities.prepare(for: parameters) }
    try velocities.visit("velocity", visitor)
  }
}

/// Adam (Kingma & Ba 2015); `AdamW` decouples the weight decay.
public struct Adam: Optimiser {
  public var learningRate: Float
  public var beta1: Float, beta2: Float, epsilon: Float
  public var weightDecay: Float
  /// Decay acts on the parameters themselves instead of through the gradient (Loshchilov & Hutter 2019).
  public var decoupledDecay: Bool
  private var first = Memory()
  private var second = Memory()
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

  private mutating func prepare<E: TensorScalar>(_ parameters: [Tensor<E>]) throws {
    if steps.isEmpty { steps = [try Tensor([0])] }
    try first.prepare(for: parameters)
    try second.prepare(for: parameters)
  }

  public mutating func update<E: TensorScalar>(_ parameters: inout [Tensor<E>], along gradients: [Tensor<E>]) throws {
    try check(parameters, gradients)
    try prepare(parameters)
    steps[0] = try steps[0] + 1
    let t = Double(try steps[0].item())
    let bias = (1 - power(Double(beta1), t), 1 - power(Double(beta2), t))
    for i in parameters.indices {
      try first.change(i) { (m: inout Tensor<E>) in
        try second.change(i) { (v: inout Tensor<E>) in
          try parameters[i].adapt(
            gradients[i], rate: Double(learningRate), beta1: Double(beta1), beta2: Double(beta2),
            epsilon: Double(epsilon), decay: Double(weightDecay), decoupled: decoupledDecay, bias: bias, first: &m,
            second: &v)
        }
      }
    }
  }

  public mutating func visit(_ visitor: Visitor, parameters: [Tensor<Float>]) throws {
    try prepare(parameters)
    try visitor("steps", buffer: &steps[0])
    try first.visit("first", visitor)
    try second.visit("second", visitor)
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

  public mutating func update<E: TensorScalar>(_ parameters: inout [Tensor<E>], along gradients: [Tensor<E>]) throws {
    try adam.update(&parameters, along: gradients)
  }

  public mutating func visit(_ visitor: Visitor, parameters: [Tensor<Float>]) throws {
    try adam.visit(visitor, parameters: parameters)
  }
}
