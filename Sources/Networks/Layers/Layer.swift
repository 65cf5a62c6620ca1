import Substrates
import Tensors

/// A part of a network: parameters, and what it does with an input.
///
/// Layers are values: a copy of a network is another network. `forward` may be `mutating` where a layer keeps something
/// from one call to the next, as batch normalisation does; most are not.
///
///     struct Scaled: Layer {
///       var factor = try! Tensor<Float>([1])
///       func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> { try x * factor }
///       mutating func visit(_ visitor: Visitor) throws { try visitor("factor", &factor) }
///       func placed(on substrate: any Substrate, in context: inout ForwardContext) -> some PlacedLayer {
///         keptDigital("a single factor, no sum of products", on: substrate)
///       }
///     }
public protocol Layer: Sendable {
  /// What the layer is on a substrate.
  associatedtype Placed: PlacedLayer
  /// The layer's result for a batch.
  mutating func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float>
  /// Shows every parameter, buffer and inner layer to `visitor`, each with a name, always in the same order.
  mutating func visit(_ visitor: Visitor) throws
  /// The layer with its products on a substrate, which stores the present weights now.
  ///
  /// Every layer says which of its products a substrate carries out, and what stays digital and why: `keptDigital` makes a
  /// layer without such products, `placedByParts` one that only holds others, as `Sequential` does.
  func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> Placed
}

/// What a forward pass needs besides the input, and what it leaves behind: see `Substrates`.
public typealias ForwardContext = Substrates.ForwardContext

/// Walks through the tensors of a layer. Made by the library; a layer only calls it.
public final class Visitor {
  /// What is done with each tensor.
  private let action: (_ name: String, _ tensor: inout Tensor<Float>, _ isTrained: Bool) throws -> Void
  private var path: [String] = []

  package init(_ action: @escaping (_ name: String, _ tensor: inout Tensor<Float>, _ isTrained: Bool) throws -> Void) {
    self.action = action
  }

  /// A parameter: trained, saved.
  public func callAsFunction(_ name: String, _ parameter: inout Tensor<Float>) throws {
    try action((path + [name]).joined(separator: "."), &parameter, true)
  }

  /// A parameter that may be absent.
  public func callAsFunction(_ name: String, _ parameter: inout Tensor<Float>?) throws {
    guard var present = parameter else { return }
    parameter = nil
    defer { parameter = present }
    try self(name, &present)
  }

  /// A buffer: not trained, but saved.
  public func callAsFunction(_ name: String, buffer: inout Tensor<Float>) throws {
    try action((path + [name]).joined(separator: "."), &buffer, false)
  }

  /// An inner layer.
  public func callAsFunction(_ name: String, _ layer: inout some Layer) throws {
    path.append(name)
    defer { path.removeLast() }
    try layer.visit(self)
  }

  /// An inner layer that may be absent.
  public func callAsFunction<L: Layer>(_ name: String, _ layer: inout L?) throws {
    guard var present = layer else { return }
    layer = nil
    defer { layer = present }
    try self(name, &present)
  }

  /// Everything that `body` shows, inside a name.
  func within(_ name: String, _ body: () throws -> Void) rethrows {
    path.append(name)
    defer { path.removeLast() }
    try body()
  }

  /// Inner layers in a list, named by their position.
  public func callAsFunction(_ name: String, _ layers: inout [some Layer]) throws {
    for i in layers.indices { try self("\(name).\(i)", &layers[i]) }
  }
}

extension Layer {
  /// Layers without parameters have nothing to show.
  public mutating func visit(_ visitor: Visitor) throws {}

  /// The result outside training.
  public func callAsFunction(_ x: Tensor<Float>) throws -> Tensor<Float> {
    var copy = self
    var context = ForwardContext()
    return try copy.forward(x, in: &context)
  }

  /// Parameters and buffers by name.
  public func state() throws -> [(name: String, tensor: Tensor<Float>)] {
    var copy = self
    var result: [(String, Tensor<Float>)] = []
    try copy.visit(Visitor { name, tensor, _ in result.append((name, tensor)) })
    return result
  }

  /// Number of trained numbers.
  public func parameterCount() throws -> Int {
    var copy = self
    var count = 0
    try copy.visit(Visitor { _, tensor, isTrained in count += isTrained ? tensor.count : 0 })
    return count
  }

  /// Replaces parameters and buffers by those of the same name.
  ///
  /// - Throws: `NetworkError` when one is missing, unknown, or of another shape; the layer is then unchanged.
  public mutating func load(_ tensors: [String: Tensor<Float>]) throws {
    var copy = self
    var unused = Set(tensors.keys)
    try copy.visit(
      Visitor { name, tensor, _ in
        guard let found = tensors[name] else {
          throw NetworkError.missingTensor(name: name, found: tensors.keys.sorted())
        }
        guard found.shape == tensor.shape else {
          throw NetworkError.wrongTensorShape(name: name, found: found.shape, expected: tensor.shape)
        }
        tensor = found
        unused.remove(name)
      })
    if let extra = unused.min() { throw NetworkError.unknownTensor(name: extra) }
    self = copy
  }
}

/// The value of a loss and its gradients with respect to every trained parameter of a model, in visiting order.
///
/// - Parameters:
///   - model: its buffers (such as running statistics) are updated.
///   - loss: computes one number with the model it is given.
public func valueAndGradient<Model: Layer>(
  of model: inout Model, in loss: (inout Model) throws -> Tensor<Float>
) throws -> (value: Float, gradients: [Tensor<Float>]) {
  var parameters: [Tensor<Float>] = []
  var followed = model
  try followed.visit(Visitor { _, tensor, isTrained in if isTrained { parameters.append(tensor) } })
  var buffers: [Tensor<Float>] = []
  let (value, gradients) = try valueAndGradient(at: parameters) { leaves in
    var next = leaves.makeIterator()
    try followed.visit(Visitor { _, tensor, isTrained in if isTrained, let leaf = next.next() { tensor = leaf } })
    let value = try loss(&followed)
    try followed.visit(Visitor { _, tensor, isTrained in if !isTrained { buffers.append(tensor.detached()) } })
    return value
  }
  var next = buffers.makeIterator()
  try model.visit(Visitor { _, tensor, isTrained in if !isTrained, let buffer = next.next() { tensor = buffer } })
  return (try value.item(), gradients)
}
