import Foundation
import Substrates
import Tensors

/// The Fourier neural operator in one dimension (Li et al. 2021): pointwise layers and products of the lowest modes.
public struct FourierOperator: Layer {
  private var lift: Dense, project: Dense, last: Dense
  private var pointwise: [Dense]
  /// Real and imaginary parts of each layer's products, `[modes, width, width]`.
  private var real: [Tensor<Float>], imaginary: [Tensor<Float>]
  /// Transform of the lowest modes, `[2·modes, points]`, and back.
  private let analysis: Tensor<Float>, synthesis: Tensor<Float>
  private let modes: Int, width: Int
  private let grid: Tensor<Float>

  /// - Parameters:
  ///   - points: of the line, on a periodic grid.
  ///   - modes: waves that are mixed, from the constant on; at most half the points.
  ///   - width: channels.
  public init(points n: Int, modes: Int, width: Int, layers: Int = 4, using random: inout RandomStream) throws {
    (self.modes, self.width) = (modes, width)
    lift = try Dense(2, width, using: &random)
    project = try Dense(width, 128, using: &random)
    last = try Dense(128, 1, using: &random)
    pointwise = try (0..<layers).map { _ in try Dense(width, width, using: &random) }
    func weights() throws -> [Tensor<Float>] {
      try (0..<layers).map { _ in try random.uniform([modes, width, width], in: 0...1 / Float(width * width)) }
    }
    (real, imaginary) = (try weights(), try weights())
    func wave(_ k: Int, _ i: Int, _ f: (Double) -> Double) -> Float {
      Float(f(2 * .pi * Double(k * i % n) / Double(n)))
    }
    analysis = try Tensor(
      (0..<2 * modes).flatMap { r in
        (0..<n).map { r < modes ? wave(r, $0, cos) : -wave(r - modes, $0, sin) }
      }, shape: [2 * modes, n])
    synthesis = try Tensor(
      (0..<n).flatMap { i in
        (0..<2 * modes).map { r in
          let k = r % modes
          let share = (k == 0 ? 1 : 2) / Float(n)
          return share * (r < modes ? wave(k, i, cos) : -wave(k, i, sin))
        }
      }, shape: [n, 2 * modes])
    grid = try Tensor((0..<n).map { Float($0) / Float(n) }, shape: [1, n, 1])
  }

  public mutating func visit(_ visitor: Visitor) throws {
    try visitor("lift", &lift)
    try visitor("pointwise", &pointwise)
    for i in real.indices {
      try visitor("real.\(i)", &real[i])
      try visitor("imaginary.\(i)", &imaginary[i])
    }
    try visitor("project", &project)
    try visitor("last", &last)
  }

  public func placed(on substrate: any Substrate, in context: inout ForwardContext) -> KeptDigital<FourierOperator> {
    // Products, each with a sum, for each point: dense layers, both transforms, and the mixing of modes.
    let points = grid.shape[1]
    let layer = width * width + 4 * modes * width + 4 * modes * width * width / points
    let products = 2 * width + pointwise.count * layer + width * 128 + 128
    return keptDigital(
      "a published method to compare with, always in software", on: substrate, operations: 2 * products)
  }

  /// - Parameter x: shape `[batch, points]`.
  public func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    let (batch, n) = (x.shape[0], x.shape[1])
    let place = try grid.broadcast(to: [batch, n, 1])
    var h = try lift.forward(Tensor.concatenate([x.expanded(axis: 2), place], axis: 2), in: &context)
    for i in pointwise.indices {
      // [batch, 2·modes, width] to [2, modes, batch, width].
      let spectrum = try matmul(analysis, h).reshaped([batch, 2, modes, width]).permuted([1, 2, 0, 3])
      let (re, im) = (try spectrum.at(0), try spectrum.at(1))
      let mixed = try Tensor.stack([
        matmul(re, real[i]) - matmul(im, imaginary[i]), matmul(re, imaginary[i]) + matmul(im, real[i]),
      ])
      let wide = try matmul(synthesis, mixed.permuted([2, 0, 1, 3]).reshaped([batch, 2 * modes, width]))
      let sum = try wide + pointwise[i].forward(h, in: &context)
      h = i + 1 < pointwise.count ? try gelu(sum) : sum
    }
    return try last.forward(gelu(project.forward(h, in: &context)), in: &context).reshaped([batch, n])
  }
}
