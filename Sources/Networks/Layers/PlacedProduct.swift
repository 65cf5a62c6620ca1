import Substrates
import Tensors

/// A product with stored weights and what follows it in digital logic: `activation(x·weight + bias)`. Dense layers, recurrent
/// cells and nodes of ONNX graphs are made of it.
struct PlacedProduct: Sendable {
  /// As trained, `[inputs, outputs]`; written to the substrate when they have changed.
  var weight: Tensor<Float>
  /// Shape `[outputs]`.
  var bias: Tensor<Float>?
  let activation: Activation
  /// Of digital logic.
  let bits: Int
  private var matrix: any WritableMatrix
  private var written: Tensor<Float>

  var placement: Placement { Placement(stored: [written.shape], inventory: matrix.inventory) }

  init(
    _ weight: Tensor<Float>, bias: Tensor<Float>? = nil, activation: Activation = .identity,
    on substrate: any Substrate, in context: inout ForwardContext
  ) throws {
    written = weight.detached()
    (self.weight, self.bias) = (written, bias?.detached())
    (self.activation, bits) = (activation, substrate.logicBits)
    matrix = try substrate.matrix(written, in: &context)
  }

  /// - Parameter x: shape `[…, inputs]`.
  mutating func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try prepare(in: &context)
    if context.isCalibrating { try calibrate(x, in: &context) }
    return try apply(x, in: &context)
  }

  /// Writes the weights where they are to be written: once before products that follow one another.
  mutating func prepare(in context: inout ForwardContext) throws {
    let present = weight.detached()
    if context.isTraining || !present.isSame(as: written) { try matrix.write(present, in: &context) }
    written = present
  }

  mutating func calibrate(_ x: Tensor<Float>, in context: inout ForwardContext) throws {
    try matrix.calibrate(rows(x).detached(), from: .rows, in: &context)
  }

  func apply(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    let rows = try rows(x)
    let y =
      context.isTraining || weight.isFollowed
      ? try matrix.apply(rows, shadow: weight, in: &context) : try matrix.apply(rows, in: &context)
    return try context.finished(y, bias: bias, activation, bits: bits)
      .reshaped(x.shape.dropLast().map { $0 } + [written.shape[1]])
  }

  private func rows(_ x: Tensor<Float>) throws -> Tensor<Float> {
    guard let last = x.shape.last, last == written.shape[0] else {
      throw TensorError.wrongShape(argument: "x", found: x.shape, expected: "[…, \(written.shape[0])]")
    }
    return x.rank == 2 ? x : try x.reshaped([x.shape.dropLast().reduce(1, *), last])
  }
}

/// A convolution with stored kernels, transposed or not, and what follows it in digital logic. Layers and nodes of ONNX graphs
/// are made of it.
struct PlacedKernels: Sendable {
  /// As trained; written to the substrate when they have changed.
  var weight: Tensor<Float>
  /// Shape `[outputs]`.
  var bias: Tensor<Float>?
  let activation: Activation
  /// Of digital logic.
  let bits: Int
  private var convolution: any ConvolutionOperator
  private var written: Tensor<Float>

  var placement: Placement { Placement(stored: [written.shape], inventory: convolution.inventory) }

  /// - Parameter outputPadding: zeros after each axis of a transposed convolution; nil for one that is not transposed.
  init(
    _ weight: Tensor<Float>, _ geometry: ConvolutionGeometry, transposedWith outputPadding: [Int]? = nil,
    bias: Tensor<Float>? = nil, activation: Activation = .identity, on substrate: any Substrate,
    in context: inout ForwardContext
  ) throws {
    written = weight.detached()
    (self.weight, self.bias) = (written, bias?.detached())
    (self.activation, bits) = (activation, substrate.logicBits)
    convolution =
      if let outputPadding {
        try substrate.transposedConvolution(written, geometry, outputPadding: outputPadding, in: &context)
      } else {
        try substrate.convolution(written, geometry, in: &context)
      }
  }

  /// - Parameter x: shape `[batch, channels, extents…]`.
  mutating func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    let present = weight.detached()
    if context.isTraining || !present.isSame(as: written) { try convolution.write(present, in: &context) }
    written = present
    if context.isCalibrating { try convolution.calibrate(x.detached(), in: &context) }
    let isFollowed = context.isTraining || weight.isFollowed
    let y = try convolution.apply(x, shadow: isFollowed ? weight : nil, in: &context)
    let channels = try bias.map { try $0.reshaped([$0.count] + [Int?](repeating: 1, count: weight.rank - 2)) }
    return try context.finished(y, bias: channels, activation, bits: bits)
  }
}

extension ForwardContext {
  /// Bias and activation, in digital logic.
  ///
  /// - Parameter bias: broadcasts to `y`.
  mutating func finished(
    _ y: Tensor<Float>, bias: Tensor<Float>?, _ activation: Activation, bits: Int
  ) throws -> Tensor<Float> {
    var y = y
    if let bias {
      y = try y + bias
      countLogic(.operation, y.count, bits: bits)
    }
    if activation != .identity { countLogic(.operation, y.count, bits: bits) }
    return try activation.applied(to: y)
  }
}

extension Activation {
  func applied(to x: Tensor<Float>) throws -> Tensor<Float> {
    switch self {
    case .identity: x
    case .relu: try Tensors.relu(x)
    case .tanh: try Tensors.tanh(x)
    case .sigmoid: try Tensors.sigmoid(x)
    }
  }
}

extension Tensor<Float> {
  /// Whether a gradient computation follows this tensor now.
  var isFollowed: Bool { body.tape?.isRecording ?? false }

  /// Whether both hold the same numbers; at once where they share memory.
  func isSame(as other: Tensor) -> Bool {
    (body.pointer == other.body.pointer && body.layout == other.body.layout && shape == other.shape) || self == other
  }
}
