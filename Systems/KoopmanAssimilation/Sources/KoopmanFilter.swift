import Dynamics
import Foundation
import Networks
import Substrates
import Tensors

/// A trained network whose products a substrate carries out.
///
/// With φ the features that the coefficients are linear in (1 for constants), both rows of the latent system are one product
/// with a fixed matrix: F + G·z = M·vec([φ; 1]⊗[z; 1]). The outer product is made in digital logic. Layers of encoder,
/// decoder and features are placed as they are.
package struct PlacedKoopman {
  package let observed: Int, latent: Int
  private var encoder: any Layer, decoder: any Layer
  /// None for constant coefficients.
  private var trunk: (any Layer)?
  private var products: any WritableMatrix
  let logicBits: Int

  /// - Parameter layers: carries out encoder, decoder and features; the substrate of the latent products unless it is given.
  package init(
    _ network: KoopmanNetwork, on substrate: any Substrate, layers: (any Substrate)? = nil,
    in context: inout ForwardContext
  ) throws {
    let layers = layers ?? substrate
    (observed, latent) = (network.observed, network.latent)
    encoder = try network.encoder.placed(on: layers, in: &context)
    decoder = try network.decoder.placed(on: layers, in: &context)
    trunk = network.weight == nil ? nil : try network.trunk.placed(on: layers, in: &context)
    products = try substrate.matrix(Self.matrix(network), in: &context)
    logicBits = substrate.logicBits
  }

  /// Sets the ranges of converters from records, `[records, d₁]` and `[records, d₂]`.
  package mutating func calibrate(observed u: Tensor<Float>, hidden v: Tensor<Float>, in context: inout ForwardContext)
    throws
  {
    context.isCalibrating = true
    defer { context.isCalibrating = false }
    let z = try encoder.forward(v, in: &context)
    _ = try decoder.forward(z, in: &context)
    var x = try Tensor.concatenate([z, .ones([z.shape[0], 1])], axis: 1)
    if let features = try trunk?.forward(u, in: &context) {
      let phi = try Tensor.concatenate([features, .ones([u.shape[0], 1])], axis: 1)
      x = try (phi.expanded(axis: 2) * x.expanded(axis: 1)).reshaped([z.shape[0], nil])
    }
    try products.calibrate(x, from: .rows, in: &context)
  }

  /// M for row vectors, `[(features + 1)·(d + 1), d + d₁]`; rows of z⁺ come first. Without features, `[d + 1, d + d₁]`.
  static func matrix(_ network: KoopmanNetwork) throws -> Tensor<Float> {
    let (m, n) = (network.observed, network.latent)
    let constant = try network.bias.detached().expanded(axis: 0)
    let table = try network.weight.map { try Tensor.concatenate([$0.detached(), constant]) } ?? constant
    let features = table.shape[0]
    var start = 0
    func part(_ rows: Int, _ columns: Int) throws -> Tensor<Float> {
      defer { start += rows * columns }
      return try table.slice(start..<start + rows * columns, axis: 1).reshaped([features, rows, columns])
    }
    let (f1, g1, f2, g2) = (try part(m, 1), try part(m, n), try part(n, 1), try part(n, n))
    let rows = try Tensor.concatenate(
      [Tensor.concatenate([g2, f2], axis: 2), Tensor.concatenate([g1, f1], axis: 2)], axis: 1)
    return try rows.permuted([0, 2, 1]).reshaped([features * (n + 1), n + m])
  }

  private func run(_ layer: any Layer, _ x: Tensor<Float>, _ context: inout ForwardContext) throws -> Tensor<Float> {
    var layer = layer
    return try layer.forward(x, in: &context)
  }

  package func encode(_ v: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try run(encoder, v, &context)
  }

  package func decode(_ z: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try run(decoder, z, &context)
  }

  /// φ of observed states with a last 1, `[batch, features + 1]`; nothing for constant coefficients.
  package func features(_ u: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float>? {
    guard let trunk else { return nil }
    return try Tensor.concatenate([run(trunk, u, &context), .ones([u.shape[0], 1])], axis: 1)
  }

  /// What follows on codes `[batch, d]`, with the features of what was observed.
  package func next(_ features: Tensor<Float>?, _ z: Tensor<Float>, in context: inout ForwardContext) throws -> (
    observed: Tensor<Float>, code: Tensor<Float>
  ) {
    let batch = z.shape[0]
    var x = try Tensor.concatenate([z, .ones([batch, 1])], axis: 1)
    if let features {
      x = try (features.expanded(axis: 2) * x.expanded(axis: 1)).reshaped([batch, nil])
      context.countLogic(.operation, x.count, bits: logicBits)
    }
    let y = try products.apply(x, in: &context)
    return (try y.slice(latent..<latent + observed, axis: 1), try y.slice(0..<latent, axis: 1))
  }

  /// G₁ and G₂ of constant coefficients as the instrument of write–verify reads them from the substrate: what a chip can measure of
  /// itself.
  func measuredCoefficients(in context: inout ForwardContext) throws -> ConditionalGaussianCoefficients<Double> {
    // Rows are z and a last 1, columns z⁺ and then u⁺.
    let rows: Tensor<Double> = try products.readBack(in: &context).transposed().rowMajor().converted()
    func parts(_ range: Range<Int>) throws -> (f: Tensor<Double>, g: Tensor<Double>) {
      let own = try rows.slice(range)
      return (try own.slice(latent..<latent + 1, axis: 1), try own.slice(0..<latent, axis: 1))
    }
    let (first, second) = (try parts(latent..<latent + observed), try parts(0..<latent))
    return ConditionalGaussianCoefficients(f1: first.f, g1: first.g, f2: second.f, g2: second.g)
  }
}

/// Runs filters over records.
package struct KoopmanFilter {
  package let model: KoopmanModel

  package init(model: KoopmanModel) { self.model = model }

  /// Gains K of every step, `[d, d₁]`, in exact arithmetic: they depend on what was observed and not on z. One for all steps
  /// once they have settled, where coefficients are constants.
  ///
  /// - Parameter u: observed records in order, `[records, d₁]`.
  package func gains(_ u: Tensor<Float>) throws -> [Tensor<Float>] {
    let (noise1, noise2) = (try model.noise1(), try model.noise2())
    var state = try model.start(batch: [])
    return try (0..<u.shape[0] - 1).map { n in
      let all = try model.network.coefficients(u.slice(n..<n + 1))
      let c = model.network.weight == nil ? all : try all.first()
      let cross = try matmul(c.g1, state.covariance)
      let s = try matmul(cross, c.g1, transposingB: true) + noise1
      let gain = try solve(s, matmul(cross, c.g2, transposingB: true)).transposed().rowMajor()
      state = try state.next(c, observed: .zeros([model.network.observed, 1]), noise1: noise1, noise2: noise2)
      return gain
    }
  }

  /// The filter of constant coefficients once it has settled.
  package func steady() throws -> SteadyFilter {
    let c = try model.network.coefficients(.zeros([1, model.network.observed]))
    return try SteadyFilter(
      ConditionalGaussianCoefficients(
        f1: c.f1.converted(), g1: c.g1.converted(), f2: c.f2.converted(), g2: c.g2.converted()),
      noise1: model.noise1().converted(), noise2: model.noise2().converted())
  }

  /// Posterior means of the code at records 1, 2, …: shape `[records − 1, d]`.
  ///
  /// - Parameters:
  ///   - placed: carries out the products.
  ///   - gains: of every step; products with them are made in digital logic.
  package func means(
    _ u: Tensor<Float>, on placed: PlacedKoopman, gains: [Tensor<Float>], in context: inout ForwardContext
  ) throws -> Tensor<Float> {
    var mean = try Tensor<Float>.zeros([1, placed.latent])
    var means: [Tensor<Float>] = []
    let features = try placed.features(u.slice(0..<u.shape[0] - 1), in: &context)
    for n in 0..<u.shape[0] - 1 {
      let forecast = try placed.next(features?.slice(n..<n + 1), mean, in: &context)
      let innovation = try u.slice(n + 1..<n + 2) - forecast.observed
      mean = try forecast.code + matmul(innovation, gains[n], transposingB: true)
      context.countLogic(.multiplyAccumulate, gains[n].count, bits: placed.logicBits)
      means.append(mean)
    }
    return try Tensor.concatenate(means)
  }

  /// The settled filter as one product: [μ, u⁺, 1] times `[d + d₁ + 1, d]`.
  package static func steadyMatrix(_ filter: SteadyFilter) throws -> Tensor<Float> {
    try Tensor.concatenate(
      [filter.transition.transposed(), filter.gain.transposed(), filter.shift.transposed()], axis: 0
    ).converted()
  }

  /// The same means by the settled filter on a substrate. Constant coefficients need no record before the first, so there is
  /// one for every record.
  package static func means(_ u: Tensor<Float>, steady product: any StoredMatrix, in context: inout ForwardContext)
    throws
    -> Tensor<Float>
  {
    var mean = try Tensor<Float>.zeros([1, product.outputs])
    let one = try Tensor<Float>.ones([1, 1])
    return try Tensor.concatenate(
      (0..<u.shape[0]).map { n in
        mean = try product.apply(Tensor.concatenate([mean, u.slice(n..<n + 1), one], axis: 1), in: &context)
        return mean
      })
  }

  /// Largest magnitude of the eigenvalues that a substrate gives the settled filter: errors die out below 1.
  package static func spectralRadius(of product: any StoredMatrix, in context: inout ForwardContext) throws -> Double {
    let d = product.outputs
    let rows = try Tensor<Float>.identity(product.inputs).slice(0..<d)
    let matrix = try product.apply(rows, in: &context)
    return try eigenvalues(matrix.converted() as Tensor<Double>).values.magnitude().max().item()
  }
}

extension ConditionalGaussianCoefficients<Float> {
  /// Those of a batch of one.
  fileprivate func first() throws -> ConditionalGaussianCoefficients {
    ConditionalGaussianCoefficients(f1: try f1.at(0), g1: try g1.at(0), f2: try f2.at(0), g2: try g2.at(0))
  }
}
