import Tensors

/// Convolution over 1 to 3 spatial axes; their number is that of `window`'s extents.
public struct Convolution: Layer {
  /// Shape `[outputs, inputs / groups, …]`.
  public var weight: Tensor<Float>
  /// Shape `[outputs]`.
  public var bias: Tensor<Float>?
  public var stride: Window, padding: Window, dilation: Window
  public var groups: Int
  public var activation: Activation

  /// Weights and bias uniform within ±1/√(inputs / groups · window size), as in PyTorch.
  ///
  /// - Parameter window: extents of the kernel, one for each spatial axis: `[3, 3]` for images.
  public init(
    _ inputs: Int, _ outputs: Int, window: [Int], stride: Window = 1, padding: Window = 0, dilation: Window = 1,
    groups: Int = 1, bias: Bool = true, activation: Activation = .identity, using random: inout RandomStream
  ) throws {
    guard inputs > 0, outputs > 0, groups > 0, inputs % groups == 0, outputs % groups == 0,
      window.allSatisfy({ $0 > 0 })
    else {
      throw NetworkError.invalidSetting(
        "inputs, outputs, groups, window", found: "\(inputs), \(outputs), \(groups), \(window)",
        expected: "positive numbers, inputs and outputs divisible by groups")
    }
    let bound = 1 / Float(inputs / groups * window.reduce(1, *)).squareRoot()
    weight = try random.uniform([outputs, inputs / groups] + window, in: -bound...bound)
    self.bias = bias ? try random.uniform([outputs], in: -bound...bound) : nil
    (self.stride, self.padding, self.dilation, self.groups) = (stride, padding, dilation, groups)
    self.activation = activation
  }

  public func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try convolution(
      x, weight, bias: bias, stride: stride, padding: padding, dilation: dilation, groups: groups,
      activation: activation)
  }

  public mutating func visit(_ visitor: Visitor) throws {
    try visitor("weight", &weight)
    try visitor("bias", &bias)
  }
}

/// The transpose of a convolution: makes images larger.
public struct TransposedConvolution: Layer {
  /// Shape `[inputs, outputs / groups, …]`.
  public var weight: Tensor<Float>
  /// Shape `[outputs]`.
  public var bias: Tensor<Float>?
  public var stride: Window, padding: Window, outputPadding: Window, dilation: Window
  public var groups: Int

  /// Weights and bias uniform within ±1/√(outputs / groups · window size), as in PyTorch.
  public init(
    _ inputs: Int, _ outputs: Int, window: [Int], stride: Window = 1, padding: Window = 0, outputPadding: Window = 0,
    dilation: Window = 1, groups: Int = 1, bias: Bool = true, using random: inout RandomStream
  ) throws {
    guard inputs > 0, outputs > 0, groups > 0, inputs % groups == 0, outputs % groups == 0,
      window.allSatisfy({ $0 > 0 })
    else {
      throw NetworkError.invalidSetting(
        "inputs, outputs, groups, window", found: "\(inputs), \(outputs), \(groups), \(window)",
        expected: "positive numbers, inputs and outputs divisible by groups")
    }
    let bound = 1 / Float(outputs / groups * window.reduce(1, *)).squareRoot()
    weight = try random.uniform([inputs, outputs / groups] + window, in: -bound...bound)
    self.bias = bias ? try random.uniform([outputs], in: -bound...bound) : nil
    (self.stride, self.padding, self.outputPadding) = (stride, padding, outputPadding)
    (self.dilation, self.groups) = (dilation, groups)
  }

  public func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try transposedConvolution(
      x, weight, bias: bias, stride: stride, padding: padding, outputPadding: outputPadding, dilation: dilation,
      groups: groups)
  }

  public mutating func visit(_ visitor: Visitor) throws {
    try visitor("weight", &weight)
    try visitor("bias", &bias)
  }
}
