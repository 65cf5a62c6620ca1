import Substrates
import Tensors

/// A layer whose inner layers were placed one by one; it has no products of its own.
public struct PlacedParts<Whole: Layer>: PlacedLayer {
  /// The layer, with placed layers in place of its own.
  public private(set) var whole: Whole
  public let placements: [Placement]

  fileprivate init(_ whole: Whole, _ placements: [Placement]) { (self.whole, self.placements) = (whole, placements) }

  public mutating func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try whole.forward(x, in: &context)
  }

  public mutating func visit(_ visitor: Visitor) throws { try whole.visit(visitor) }

  /// The present weights on another substrate.
  public func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> Whole.Placed {
    try whole.placed(on: substrate, in: &context)
  }
}

/// Places the inner layers of a layer: see `Layer.placedByParts`.
public struct PartPlacer {
  let substrate: any Substrate
  fileprivate(set) var context: ForwardContext
  fileprivate(set) var placements: [Placement] = []

  /// Puts an inner layer on the substrate.
  ///
  /// - Parameter name: that of the inner layer in `visit`; what it does is in the ledger under it.
  public mutating func callAsFunction(_ name: String, _ part: inout any Layer) throws {
    let bare: any Layer = (part as? PlacedPart)?.layer ?? part
    let substrate = substrate
    let layer: any PlacedLayer = try context.within(name) { try bare.placed(on: substrate, in: &$0) }
    placements += layer.placements.map { $0.inside(name) }
    part = PlacedPart(name: name, layer: layer)
  }

  /// The same for each layer of a sequence.
  public mutating func callAsFunction(_ name: String, _ part: inout Sequential) throws {
    for i in part.layers.indices { try self("\(name).\(i)", &part.layers[i]) }
  }

  /// Says that a part stays as it is. Whoever computes with it counts its work.
  public mutating func keepsDigital(_ name: String, _ reason: String) {
    placements.append(Placement(name, staysDigital: reason))
  }
}

extension Layer {
  /// This layer with its inner layers, each kept as `any Layer` or `Sequential`, on a substrate:
  ///
  ///     func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> some PlacedLayer {
  ///       try placedByParts(on: substrate, in: &context) { copy, place in
  ///         try place("first", &copy.first)
  ///         try place("second", &copy.second)
  ///       }
  ///     }
  public func placedByParts(
    on substrate: any Substrate, in context: inout ForwardContext,
    _ replace: (inout Self, inout PartPlacer) throws -> Void
  ) throws -> PlacedParts<Self> {
    var copy = self
    var placer = PartPlacer(substrate: substrate, context: context)
    try replace(&copy, &placer)
    context = placer.context
    return PlacedParts(copy, placer.placements)
  }
}

/// A placed layer that writes to the ledger under its name.
struct PlacedPart: PlacedLayer {
  let name: String
  var layer: any PlacedLayer
  var placements: [Placement] { layer.placements }

  mutating func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try context.within(name) { try layer.forward(x, in: &$0) }
  }

  mutating func visit(_ visitor: Visitor) throws { try layer.visit(visitor) }

  func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> PlacedPart {
    PlacedPart(name: name, layer: try layer.placed(on: substrate, in: &context))
  }
}
