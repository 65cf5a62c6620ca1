import Substrates
import Tensors

extension Layer {
  public func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> any Layer { self }
}

extension Dense {
  public func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> any Layer {
    PlacedDense(
      product: try substrate.linearOperator(weight.detached(), in: &context), bias: bias?.detached(),
      activation: activation)
  }
}

extension Convolution {
  public func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> any Layer {
    let axes = weight.rank - 2
    let geometry = try ConvolutionGeometry(axes, stride, padding, dilation, groups)
    return PlacedConvolution(
      product: try substrate.convolutionOperator(weight.detached(), geometry, in: &context),
      bias: try bias?.detached().asChannels(axes), activation: activation)
  }
}

extension TransposedConvolution {
  public func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> any Layer {
    let axes = weight.rank - 2
    let geometry = try ConvolutionGeometry(axes, stride, padding, dilation, groups)
    return PlacedConvolution(
      product: try substrate.transposedConvolutionOperator(
        weight.detached(), geometry, outputPadding: outputPadding.resolved(axes, atLeast: 0, "outputPadding"),
        in: &context), bias: try bias?.detached().asChannels(axes), activation: .identity)
  }
}

extension Sequential {
  public func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> any Layer {
    var placed: [any Layer] = []
    for layer in layers { placed.append(try layer.placed(on: substrate, in: &context)) }
    return Sequential(placed)
  }
}

/// A dense layer whose product a substrate carries out; the bias is added in digital logic.
struct PlacedDense: Layer {
  let product: any LinearOperator
  let bias: Tensor<Float>?
  let activation: Activation

  func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    guard x.rank >= 1, x.shape[x.rank - 1] == product.inputs else {
      throw TensorError.wrongShape(argument: "x", found: x.shape, expected: "[…, \(product.inputs)]")
    }
    var y = try product.apply(x.reshaped([nil, product.inputs]), in: &context)
    if let bias { y = try y + bias }
    return try activation.applied(to: y).reshaped(x.shape.dropLast().map { $0 } + [product.outputs])
  }
}

/// A convolution, transposed or not, whose products a substrate carries out.
struct PlacedConvolution: Layer {
  let product: any ConvolutionOperator
  /// Shape `[outputs, 1, …]`.
  let bias: Tensor<Float>?
  let activation: Activation

  func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    var y = try product.apply(x, in: &context)
    if let bias { y = try y + bias }
    return try activation.applied(to: y)
  }
}

extension ConvolutionGeometry {
  fileprivate init(_ axes: Int, _ stride: Window, _ padding: Window, _ dilation: Window, _ groups: Int) throws {
    let border = try padding.resolved(axes, atLeast: 0, "padding")
    self.init(
      stride: try stride.resolved(axes, atLeast: 1, "stride"),
      dilation: try dilation.resolved(axes, atLeast: 1, "dilation"), before: border, after: border, groups: groups)
  }
}

extension Activation {
  fileprivate func applied(to x: Tensor<Float>) throws -> Tensor<Float> {
    switch self {
    case .identity: x
    case .relu: try Tensors.relu(x)
    case .tanh: try Tensors.tanh(x)
    case .sigmoid: try Tensors.sigmoid(x)
    }
  }
}

extension Tensor<Float> {
  /// One number for each channel, so that it broadcasts over `axes` spatial axes.
  fileprivate func asChannels(_ axes: Int) throws -> Tensor { try reshaped([count] + Array(repeating: 1, count: axes)) }
}
