import Tensors

/// From which side of a matrix inputs come.
public enum Side: Sendable {
  /// Inputs at the rows: x·W.
  case rows
  /// Inputs at the columns: x·Wᵀ through the same cells.
  case columns
}

/// What inputs a stored matrix takes. What lies outside is refused.
public enum InputDomain: String, Sendable, Codable, CaseIterable {
  /// Any finite number.
  case signed
  /// 0 and above.
  case unsigned
  /// 0 or 1.
  case binary
  /// 0 and above, as light and not as a voltage: there is no input converter.
  case light
}

/// A matrix that something holds and multiplies by: numbers in memory, or an array of cells.
public protocol StoredMatrix: HasInventory {
  /// Length of the vectors it takes from the rows.
  var inputs: Int { get }
  /// Length of the vectors it gives to the columns.
  var outputs: Int { get }
  var domain: InputDomain { get }
  /// Products of a batch of row vectors with the matrix or its transpose.
  ///
  /// - Parameter x: shape `[batch, inputs]` from the rows, `[batch, outputs]` from the columns; dimensionless.
  /// - Returns: shape `[batch, outputs]` from the rows, `[batch, inputs]` from the columns; gradients are those of the product
  ///   with what is stored.
  /// - Throws: `TensorError.wrongShape`; `.invalidArgument` for inputs outside the domain.
  func apply(_ x: Tensor<Float>, from side: Side, in context: inout ForwardContext) throws -> Tensor<Float>
  /// Sets the ranges of converters from typical inputs; nothing where there are none.
  mutating func calibrate(_ x: Tensor<Float>, from side: Side, in context: inout ForwardContext) throws
}

/// A stored matrix that can change: learning in place, tracked pulses, ageing.
public protocol WritableMatrix: StoredMatrix {
  /// Writes another matrix of the same shape, `[inputs, outputs]`, dimensionless.
  @discardableResult mutating func write(_ weights: Tensor<Float>, in context: inout ForwardContext) throws -> Writing
  /// Gives each weight a number of identical pulses: positive ones raise it, negative ones lower it.
  ///
  /// - Throws: what the device throws that cannot be pulsed, or not in that direction.
  @discardableResult mutating func pulse(_ counts: Tensor<Int32>, in context: inout ForwardContext) throws -> Writing
  /// The matrix as the instrument of write–verify reads it, `[inputs, outputs]`, in weight units.
  func readBack(in context: inout ForwardContext) throws -> Tensor<Float>
  /// Lets time pass.
  ///
  /// - Parameter seconds: since the matrix was made; not before the present.
  mutating func age(to seconds: Double) throws
}

/// What writing took.
public struct Writing: Sendable, Equatable {
  /// Over all cells.
  public var pulses = 0.0
  /// What the cells took, in joules, as far as the device knows.
  public var energy_J = 0.0
  /// Seconds, cells of one row together.
  public var seconds = 0.0
  /// Cells that did not come within the tolerance.
  public var unreached = 0

  public init(pulses: Double = 0, energy_J: Double = 0, seconds: Double = 0, unreached: Int = 0) {
    (self.pulses, self.energy_J, self.seconds, self.unreached) = (pulses, energy_J, seconds, unreached)
  }

  public static func += (a: inout Writing, b: Writing) {
    a.pulses += b.pulses
    a.energy_J += b.energy_J
    a.seconds += b.seconds
    a.unreached += b.unreached
  }
}

extension StoredMatrix {
  /// Products from the rows.
  public func apply(_ x: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try apply(x, from: .rows, in: &context)
  }

  /// The same for hardware-aware training: the value comes from what is stored, gradients go to the input and to the weights
  /// that were written, as if they were stored exactly.
  ///
  /// - Parameter weights: shape `[inputs, outputs]`; whoever trains writes them before (`WritableMatrix.write`).
  public func apply(
    _ x: Tensor<Float>, from side: Side = .rows, shadow weights: Tensor<Float>, in context: inout ForwardContext
  ) throws -> Tensor<Float> {
    guard weights.shape == [inputs, outputs] else {
      throw TensorError.wrongShape(argument: "weights", found: weights.shape, expected: "[\(inputs), \(outputs)]")
    }
    let value = try apply(x.detached(), from: side, in: &context)
    return try withCustomGradient(of: [x, weights]) { _ in
      value
    } gradient: { upstream, inputs in
      let (x, w) = (inputs[0], inputs[1])
      return switch side {
      case .rows: [try matmul(upstream, w, transposingB: true), try matmul(x, upstream, transposingA: true)]
      case .columns: [try matmul(upstream, w), try matmul(upstream, x, transposingA: true)]
      }
    }
  }

  /// - Throws: `TensorError.wrongShape` for anything but vectors of the right length.
  package func checked(_ x: Tensor<Float>, from side: Side) throws(TensorError) {
    let length = side == .rows ? inputs : outputs
    guard x.rank == 2, x.shape[1] == length else {
      throw .wrongShape(argument: "x", found: x.shape, expected: "[batch, \(length)]")
    }
  }
}
