import Substrates
import Tensors

/// What became of one part of a network when it was placed on a substrate.
public struct Placement: Sendable, Equatable {
  /// Where it is: names of layers joined by dots, or of a node; empty for a layer by itself.
  public var name: String
  /// Shapes of what the substrate stores of it: matrices `[inputs, outputs]`, kernels `[outputs, channels, window…]`. Biases
  /// and activations that follow a stored product are digital logic, and counted.
  public var stored: [[Int]]
  /// The parts that hold it; none where it is numbers in memory.
  public var inventory: Inventory
  /// Why none of it is stored in the substrate; nil where something is.
  public var staysDigital: String?

  /// Something that a substrate stores.
  public init(_ name: String = "", stored: [[Int]], inventory: Inventory) {
    (self.name, self.stored, self.inventory) = (name, stored, inventory)
  }

  /// Something that stays in digital logic.
  public init(_ name: String = "", staysDigital reason: String) {
    (self.name, stored, inventory, staysDigital) = (name, [], Inventory(), reason)
  }

  /// The same inside a layer of that name.
  package func inside(_ outer: String) -> Placement {
    var result = self
    result.name = name.isEmpty || outer.isEmpty ? outer + name : "\(outer).\(name)"
    return result
  }
}

/// A layer on a substrate. It has the parameters of the exact layer, under the same names, and trains as that one does: values
/// come from the hardware, gradients go to the parameters as if they were stored exactly.
///
/// A forward pass in training writes the present weights first, so that whatever writing draws is fresh; outside training
/// they are written when they are not those that were written last. While `ForwardContext.isCalibrating` is set, converters'
/// ranges are set from what comes in before it is computed with.
public protocol PlacedLayer: Layer, HasInventory {
  /// What lies where, and what stays digital and why.
  var placements: [Placement] { get }
}

extension PlacedLayer {
  public var inventory: Inventory { placements.reduce(Inventory()) { $0 + $1.inventory } }
}

/// Work of digital logic and of the memory next to it.
struct DigitalWork: Sendable {
  /// Operations on single numbers.
  var operations = 0
  var multiplyAccumulates = 0
  /// Numbers in or out of memory.
  var numbers = 0

  /// - Parameter bits: width of the numbers.
  func count(bits: Int, in context: inout ForwardContext) {
    context.countLogic(.operation, operations, bits: bits)
    context.countLogic(.multiplyAccumulate, multiplyAccumulates, bits: bits)
    context.count(.memory, .byte, numbers * ((bits + 7) / 8))
  }

  /// Products of two computed tensors, as a substrate's digital logic counts those with stored ones.
  static func product(_ multiplyAccumulates: Int, _ numbers: [Int]) -> DigitalWork {
    DigitalWork(multiplyAccumulates: multiplyAccumulates, numbers: numbers.reduce(0, +))
  }

  static func + (a: DigitalWork, b: DigitalWork) -> DigitalWork {
    DigitalWork(
      operations: a.operations + b.operations, multiplyAccumulates: a.multiplyAccumulates + b.multiplyAccumulates,
      numbers: a.numbers + b.numbers)
  }

  /// Of the softmax of each number: maximum, difference, exponential, sum, quotient.
  static let softmax = 5
  /// Of normalising each number: sum, deviation, square, sum of squares, quotient, scale and shift.
  static let normalisation = 7
}

/// A layer that stays in digital logic, for a reason that it states, and whose work is counted.
public struct KeptDigital<Inner: Layer>: PlacedLayer {
  public private(set) var inner: Inner
  public let reason: String
  private let bits: Int
  private let work: @Sendable (Inner, _ x: Tensor<Float>, _ y: Tensor<Float>) -> DigitalWork

  init(
    _ inner: Inner, _ reason: String, bits: Int,
    work: @escaping @Sendable (Inner, _ x: Tensor<Float>, _ y: Tensor<Float>) -> DigitalWork
  ) {
    (self.inner, self.reason, self.bits, self.work) = (inner, reason, bits, work)
  }

  public var placements: [Placement] { [Placement(staysDigital: reason)] }

  public mutating func forward(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    let y = try inner.forward(x, in: &context)
    work(inner, x, y).count(bits: bits, in: &context)
    return y
  }

  public mutating func visit(_ visitor: Visitor) throws { try inner.visit(visitor) }

  public func placed(on substrate: any Substrate, in context: inout ForwardContext) -> KeptDigital {
    KeptDigital(inner, reason, bits: substrate.logicBits, work: work)
  }
}

extension Layer {
  /// This layer in digital logic beside a substrate, with its work in the ledger.
  ///
  /// - Parameters:
  ///   - reason: why none of its numbers lie in the substrate, as reports say it: "no product with stored weights".
  ///   - operations: on single numbers (a sum, a product, an activation) for each number of the result.
  public func keptDigital(
    _ reason: String, on substrate: any Substrate, operations: Int = 1
  ) -> KeptDigital<Self> {
    keptDigital(reason, on: substrate) { _, _, y in DigitalWork(operations: operations * y.count) }
  }

  func keptDigital(
    _ reason: String, on substrate: any Substrate,
    work: @escaping @Sendable (Self, _ x: Tensor<Float>, _ y: Tensor<Float>) -> DigitalWork
  ) -> KeptDigital<Self> {
    KeptDigital(self, reason, bits: substrate.logicBits, work: work)
  }
}
