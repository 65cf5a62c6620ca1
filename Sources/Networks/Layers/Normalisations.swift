import Substrates
import Tensors

/// Batch normalisation (Ioffe & Szegedy 2015): the batch's statistics in training, running averages of them outside.
public struct BatchNorm: Layer {
  /// Shape `[channels]` each.
  public var scale: Tensor<Float>, shift: Tensor<Float>
  /// Running averages, shape `[channels]` each; the variance is the unbiased one.
  public var runningMean: Tensor<Float>, runningVariance: Tensor<Float>
  /// Share of a new batch in the running averages.
  public var momentum: Float
  public var epsilon: Float
  /// `.identity` or `.relu`, applied in the same pass.
  public var activation: Activation

  public init(_ channels: Int, activation: Activation = .identity, momentum: Float = 0.1, epsilon: Float = 1e-5) throws
  {
    (scale, shift) = (try .ones([channels]), try .zeros([channels]))
    (runningMean, runningVariance) = (try .zeros([channels]), try .ones([channels]))
    (self.momentum, self.epsilon, self.activation) = (momentum, epsilon, activation)
  }

  public mutating func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try forward(x, adding: nil, in: &context)
  }

  /// The same with a residual added before the activation.
  public mutating func forward(
    _ x: Tensor<Float>, adding residual: Tensor<Float>?, in context: inout ForwardContext
  ) throws -> Tensor<Float> {
    if !context.isTraining {
      return try batchNormalisation(
        x, scale: scale, shift: shift, statistics: BatchStatistics(mean: runningMean, variance: runningVariance),
        epsilon: epsilon, adding: residual, activation: activation)
    }
    let (y, statistics) = try batchNormalisation(
      x, scale: scale, shift: shift, epsilon: epsilon, adding: residual, activation: activation)
    let n = Float(x.count / scale.count)
    runningMean = try runningMean * (1 - momentum) + statistics.mean * momentum
    runningVariance = try runningVariance * (1 - momentum) + statistics.variance * (momentum * n / (n - 1))
    return y
  }

  public mutating func visit(_ visitor: Visitor) throws {
    try visitor("scale", &scale)
    try visitor("shift", &shift)
    try visitor("runningMean", buffer: &runningMean)
    try visitor("runningVariance", buffer: &runningVariance)
  }

  public func placed(on substrate: any Substrate, in context: inout ForwardContext) -> KeptDigital<BatchNorm> {
    keptDigital(
      "one factor and one shift for each channel, no sum of products", on: substrate,
      operations: activation == .identity ? 2 : 3)
  }
}

/// Layer normalisation over the last axis (Ba et al. 2016).
public struct LayerNorm: Layer {
  /// Shape `[width]` each.
  public var scale: Tensor<Float>, shift: Tensor<Float>
  public var epsilon: Float

  public init(_ width: Int, epsilon: Float = 1e-5) throws {
    (scale, shift) = (try .ones([width]), try .zeros([width]))
    self.epsilon = epsilon
  }

  public func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try x.rowNormalised(epsilon: epsilon) * scale + shift
  }

  public mutating func visit(_ visitor: Visitor) throws {
    try visitor("scale", &scale)
    try visitor("shift", &shift)
  }

  public func placed(on substrate: any Substrate, in context: inout ForwardContext) -> KeptDigital<LayerNorm> {
    keptDigital(
      "statistics of computed numbers, no product with stored weights", on: substrate,
      operations: DigitalWork.normalisation)
  }
}

/// Group normalisation (Wu & He 2018). With as many groups as channels it is instance normalisation.
public struct GroupNorm: Layer {
  /// Shape `[channels]` each.
  public var scale: Tensor<Float>, shift: Tensor<Float>
  public var groups: Int
  public var epsilon: Float

  public init(_ channels: Int, groups: Int, epsilon: Float = 1e-5) throws {
    guard groups > 0, channels % groups == 0 else {
      throw NetworkError.invalidSetting("groups", found: "\(groups)", expected: "a divisor of \(channels)")
    }
    (scale, shift) = (try .ones([channels]), try .zeros([channels]))
    (self.groups, self.epsilon) = (groups, epsilon)
  }

  public func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    let wide: [Int?] = [scale.count] + [Int?](repeating: 1, count: max(0, x.rank - 2))
    return try x.groupNormalised(groups: groups, epsilon: epsilon) * scale.reshaped(wide) + shift.reshaped(wide)
  }

  public mutating func visit(_ visitor: Visitor) throws {
    try visitor("scale", &scale)
    try visitor("shift", &shift)
  }

  public func placed(on substrate: any Substrate, in context: inout ForwardContext) -> KeptDigital<GroupNorm> {
    keptDigital(
      "statistics of computed numbers, no product with stored weights", on: substrate,
      operations: DigitalWork.normalisation)
  }
}
