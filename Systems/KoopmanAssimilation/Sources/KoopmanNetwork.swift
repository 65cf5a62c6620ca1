import Dynamics
import Foundation
import Networks
import Reports
import Substrates
import Tensors

/// What a network is made of.
public struct KoopmanShape: Codable, Sendable {
  /// Length of z, for encoders of dense layers; convolutions give a 16th of the points.
  public var latent = 40
  /// Widths of the encoder's dense layers; the decoder has them in reverse. Not used where there are channels.
  public var widths = [128, 128]
  /// Channels of the encoder's convolutions before the last, seven of them, the fourth and fifth with stride 2; none for dense
  /// layers.
  public var channels: [Int] = []
  /// Whether convolutions go round the periodic domain; published ones pad with zeros.
  public var isCircular = false
  /// Widths of the network from what is observed to the coefficients; none for coefficients that are constants.
  public var coefficientWidths = [64, 128, 64]
  public init() {}
}

/// The discrete-time conditional-Gaussian Koopman network (Chen et al., arXiv 2507.08749): an encoder of what is not observed,
/// a system that is linear in the code, and a decoder.
///
///     u₁⁺ = F₁(u₁) + G₁(u₁)·z      z⁺ = F₂(u₁) + G₂(u₁)·z      z = E(u₂)
package struct KoopmanNetwork: Layer {
  package let observed: Int, latent: Int
  package var encoder: Sequential, decoder: Sequential
  /// All layers but the last of the network of coefficients; empty for constants.
  package var trunk: Sequential
  /// The last layer: from features, `[features, entries]`, and the bias, `[entries]`, which for constants is all there is.
  /// Entries are F₁, G₁, F₂, G₂, each row-major.
  package var weight: Tensor<Float>?
  package var bias: Tensor<Float>

  package init(_ shape: KoopmanShape, _ data: FlowData, using random: inout RandomStream) throws {
    observed = data.observed.count
    let hidden = data.hidden.count
    if shape.channels.isEmpty {
      latent = shape.latent
      encoder = try .perceptron([hidden] + shape.widths + [latent], using: &random)
      decoder = try .perceptron([latent] + shape.widths.reversed() + [hidden], using: &random)
    } else {
      let side = data.points / 4
      latent = side * side
      let channels = [1] + shape.channels + [1]
      encoder = try Self.convolutions(channels, side: data.points, shape.isCircular, transposed: false, using: &random)
      decoder = try Self.convolutions(
        channels.reversed(), side: side, shape.isCircular, transposed: true, using: &random)
    }
    let (m, n) = (observed, latent)
    let entries = m + m * n + n + n * n
    if shape.coefficientWidths.isEmpty {
      trunk = Sequential()
      // As published: uniform from 0, over the root of the number of entries.
      bias = try Tensor.concatenate(
        [m, m * n, n, n * n].map { count in
          try random.uniform([count], in: 0...1 / Float(count).squareRoot())
        })
    } else {
      let widths = [m] + shape.coefficientWidths
      trunk = try .perceptron(widths, using: &random, activatingLast: true)
      let last = try Dense(widths[widths.count - 1], entries, using: &random)
      (weight, bias) = (last.weight, try last.bias ?? .zeros([entries]))
    }
  }

  /// Windows of 3 × 3, and of 4 × 4 with stride 2 in the fourth and fifth layer (from the code's side for decoders).
  private static func convolutions(
    _ channels: [Int], side: Int, _ isCircular: Bool, transposed: Bool, using random: inout RandomStream
  ) throws -> Sequential {
    let count = channels.count - 1
    var layers: [any Layer] = [Function(operations: 0) { try $0.reshaped([nil, 1, side, side]) }]
    for i in 0..<count {
      let isStep = transposed ? i == count - 4 || i == count - 5 : i == 3 || i == 4
      let (window, stride) = isStep ? ([4, 4], 2) : ([3, 3], 1)
      if isCircular {
        layers.append(
          Function(operations: 0) {
            try $0.padded(axis: 2, before: 1, after: 1, mode: .circular)
              .padded(axis: 3, before: 1, after: 1, mode: .circular)
          })
      }
      if transposed {
        // What comes from the margin on the other side is cut off again.
        layers.append(
          try TransposedConvolution(
            channels[i], channels[i + 1], window: window, stride: Window([stride]),
            padding: Window([isCircular ? 1 + stride : 1]), using: &random))
      } else {
        layers.append(
          try Convolution(
            channels[i], channels[i + 1], window: window, stride: Window([stride]),
            padding: Window([isCircular ? 0 : 1]),
            using: &random))
      }
      let isLast = i + 1 == count
      layers.append(Function(operations: isLast ? 0 : 2) { try isLast ? $0.flattened(from: 1) : silu($0) })
    }
    return Sequential(layers)
  }

  package mutating func visit(_ visitor: Visitor) throws {
    try visitor("encoder", &encoder)
    try visitor("decoder", &decoder)
    try visitor("trunk", &trunk)
    try visitor("weight", &weight)
    try visitor("bias", &bias)
  }

  /// Encoder, decoder and features; `PlacedKoopman` also puts the latent system onto a substrate.
  package func placed(on substrate: any Substrate, in context: inout ForwardContext) throws
    -> PlacedParts<KoopmanNetwork>
  {
    try placedByParts(on: substrate, in: &context) { copy, place in
      try place("encoder", &copy.encoder)
      try place("decoder", &copy.decoder)
      try place("trunk", &copy.trunk)
      place.keepsDigital("weight", "the autoencoder does not use the latent system")
    }
  }

  /// Codes of states: the network as an autoencoder.
  package mutating func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try decoder.forward(encoder.forward(x, in: &context), in: &context)
  }

  /// Coefficients at observed states, shape `[batch, d₁]`; without a batch where they are constants.
  package func coefficients(_ u: Tensor<Float>) throws -> ConditionalGaussianCoefficients<Float> {
    var entries = bias
    if let weight { entries = try linear(trunk(u), weight, bias: bias) }
    let (m, n) = (observed, latent)
    let batch = Array(entries.shape.dropLast()).map { Optional($0) }
    var start = 0
    func part(_ rows: Int, _ columns: Int) throws -> Tensor<Float> {
      defer { start += rows * columns }
      return try entries.slice(start..<start + rows * columns, axis: -1).reshaped(batch + [rows, columns])
    }
    return ConditionalGaussianCoefficients(
      f1: try part(m, 1), g1: try part(m, n), f2: try part(n, 1), g2: try part(n, n))
  }

  /// What follows on observed states and codes, both `[batch, …]`.
  package func next(_ u: Tensor<Float>, _ z: Tensor<Float>) throws -> (observed: Tensor<Float>, code: Tensor<Float>) {
    let c = try coefficients(u)
    if weight == nil {
      // One matrix for the whole batch.
      func rows(_ f: Tensor<Float>, _ g: Tensor<Float>) throws -> Tensor<Float> {
        try linear(z, g, bias: f.reshaped([f.count]), transposingWeight: true)
      }
      return (try rows(c.f1, c.g1), try rows(c.f2, c.g2))
    }
    let column = try z.expanded(axis: 2)
    return (
      try (c.f1 + matmul(c.g1, column)).squeezed(axis: 2), try (c.f2 + matmul(c.g2, column)).squeezed(axis: 2)
    )
  }
}

extension Sequential {
  /// Dense layers with SiLU between them.
  static func perceptron(
    _ widths: [Int], using random: inout RandomStream, activatingLast: Bool = false
  ) throws -> Sequential {
    var layers: [any Layer] = []
    for i in 0..<widths.count - 1 {
      layers.append(try Dense(widths[i], widths[i + 1], using: &random))
      if activatingLast || i + 2 < widths.count { layers.append(Function(operations: 2) { try silu($0) }) }
    }
    return Sequential(layers)
  }
}

/// The observed and the other part of records.
package struct SplitRecords {
  /// Shapes `[records, d₁]`, `[records, d₂]`.
  package let observed: Tensor<Float>, hidden: Tensor<Float>

  /// - Parameter records: shape `[records, size]`.
  package init(_ records: Tensor<Float>, _ flow: FlowRecords) throws {
    observed = try records.selecting(flow.observed, axis: 1)
    hidden = flow.data.flow.isSquare ? records : try records.selecting(flow.hidden, axis: 1)
  }
}
