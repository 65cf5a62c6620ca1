import Substrates
import Tensors

extension Dense {
  public func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> some PlacedLayer {
    try PlacedDense(self, on: substrate, in: &context)
  }
}

/// A dense layer whose product a substrate carries out.
struct PlacedDense: PlacedLayer {
  var product: PlacedProduct
  var placements: [Placement] { [product.placement] }

  init(_ layer: Dense, on substrate: any Substrate, in context: inout ForwardContext) throws {
    product = try PlacedProduct(
      layer.weight, bias: layer.bias, activation: layer.activation, on: substrate, in: &context)
  }

  /// The exact layer with the present weights.
  var layer: Dense { Dense(weight: product.weight, bias: product.bias, activation: product.activation) }

  mutating func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try product.forward(x, in: &context)
  }

  mutating func visit(_ visitor: Visitor) throws {
    try visitor("weight", &product.weight)
    try visitor("bias", &product.bias)
  }

  func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> PlacedDense {
    try PlacedDense(layer, on: substrate, in: &context)
  }
}

extension Convolution {
  public func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> some PlacedLayer {
    let geometry = try ConvolutionGeometry(weight.rank - 2, stride, padding, dilation, groups)
    return try PlacedConvolution(
      PlacedKernels(weight, geometry, bias: bias, activation: activation, on: substrate, in: &context), geometry, nil)
  }
}

extension TransposedConvolution {
  public func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> some PlacedLayer {
    let axes = weight.rank - 2
    let geometry = try ConvolutionGeometry(axes, stride, padding, dilation, groups)
    let outputPadding = try outputPadding.resolved(axes, atLeast: 0, "outputPadding")
    return try PlacedConvolution(
      PlacedKernels(weight, geometry, transposedWith: outputPadding, bias: bias, on: substrate, in: &context), geometry,
      outputPadding)
  }
}

/// A convolution, transposed or not, whose products a substrate carries out.
struct PlacedConvolution: PlacedLayer {
  var kernels: PlacedKernels
  private let geometry: ConvolutionGeometry
  /// Nil for a convolution that is not transposed.
  private let outputPadding: [Int]?
  var placements: [Placement] { [kernels.placement] }

  init(_ kernels: PlacedKernels, _ geometry: ConvolutionGeometry, _ outputPadding: [Int]?) {
    (self.kernels, self.geometry, self.outputPadding) = (kernels, geometry, outputPadding)
  }

  mutating func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try kernels.forward(x, in: &context)
  }

  mutating func visit(_ visitor: Visitor) throws {
    try visitor("weight", &kernels.weight)
    try visitor("bias", &kernels.bias)
  }

  func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> PlacedConvolution {
    PlacedConvolution(
      try PlacedKernels(
        kernels.weight, geometry, transposedWith: outputPadding, bias: kernels.bias, activation: kernels.activation,
        on: substrate, in: &context), geometry, outputPadding)
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

extension LSTM {
  public func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> some PlacedLayer {
    try PlacedLSTM(self, on: substrate, in: &context)
  }
}

/// An LSTM with both products in a substrate.
struct PlacedLSTM: PlacedLayer {
  var recurrence: PlacedRecurrent
  private let width: Int
  var placements: [Placement] { recurrence.placements }

  init(_ layer: LSTM, on substrate: any Substrate, in context: inout ForwardContext) throws {
    func product(_ dense: Dense, _ name: String) throws -> PlacedProduct {
      try context.within(name) {
        try PlacedProduct(dense.weight, bias: dense.bias, activation: dense.activation, on: substrate, in: &$0)
      }
    }
    recurrence = PlacedRecurrent(
      cell: LSTM.cell, input: try product(layer.input, "input"), recurrent: try product(layer.recurrent, "recurrent"))
    width = layer.width
  }

  mutating func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    let zero = try LSTM.start(x, width: width)
    let states = try recurrence.run(x, stepsAlong: 1, state: zero, memory: zero, in: &context).states
    return try Tensor.stack(states, axis: 1)
  }

  mutating func visit(_ visitor: Visitor) throws {
    try visitor("input.weight", &recurrence.input.weight)
    try visitor("input.bias", &recurrence.input.bias)
    try visitor("recurrent.weight", &recurrence.recurrent.weight)
    try visitor("recurrent.bias", &recurrence.recurrent.bias)
  }

  func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> PlacedLSTM {
    func dense(_ p: PlacedProduct) -> Dense { Dense(weight: p.weight, bias: p.bias, activation: p.activation) }
    let layer = LSTM(input: dense(recurrence.input), recurrent: dense(recurrence.recurrent), width: width)
    return try PlacedLSTM(layer, on: substrate, in: &context)
  }
}

extension MultiHeadAttention {
  public func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> some PlacedLayer {
    try PlacedAttention(self, on: substrate, in: &context)
  }
}

/// Self-attention with projection and output in a substrate.
struct PlacedAttention: PlacedLayer {
  private var projection: PlacedDense, output: PlacedDense
  private let heads: Int
  private let mask: Tensor<Float>?

  var placements: [Placement] {
    projection.placements.map { $0.inside("projection") } + output.placements.map { $0.inside("output") } + [
      Placement("scores", staysDigital: "queries, keys and values are all computed, and softmax has no weights")
    ]
  }

  init(_ layer: MultiHeadAttention, on substrate: any Substrate, in context: inout ForwardContext) throws {
    projection = try context.within("projection") { try PlacedDense(layer.projection, on: substrate, in: &$0) }
    output = try context.within("output") { try PlacedDense(layer.output, on: substrate, in: &$0) }
    (heads, mask) = (layer.heads, layer.mask)
  }

  mutating func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try MultiHeadAttention.check(x)
    let projected = try context.within("projection") { try projection.forward(x, in: &$0) }
    let mixed = try MultiHeadAttention.mixed(projected, heads: heads, mask: mask)
    let (batch, positions, width) = (x.shape[0], x.shape[1], x.shape[2])
    let scores = batch * heads * positions * positions
    // Both products have as many multiply–accumulates; scores are scaled, masked and made a softmax.
    var work = DigitalWork.product(
      2 * batch * positions * positions * width, [4 * batch * positions * width, 2 * scores])
    work.operations = scores * (DigitalWork.softmax + (mask == nil ? 1 : 2))
    context.within("scores") { work.count(bits: projection.product.bits, in: &$0) }
    return try context.within("output") { try output.forward(mixed, in: &$0) }
  }

  mutating func visit(_ visitor: Visitor) throws {
    try visitor("projection", &projection)
    try visitor("output", &output)
  }

  func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> PlacedAttention {
    let layer = MultiHeadAttention(projection: projection.layer, output: output.layer, heads: heads, mask: mask)
    return try PlacedAttention(layer, on: substrate, in: &context)
  }
}
