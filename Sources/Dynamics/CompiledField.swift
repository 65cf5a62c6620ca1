import CKernels
import Substrates
import Tensors

/// The weights of a field in the orders that the loops read.
final class CompiledField: @unchecked Sendable {
  let type: ElementType
  let sizes: [Int]
  /// Numbers in a vector.
  let lanes: Int
  private let rows: [Body], columns: [Body], biases: [Body]
  /// The kernels' numbers of the activations, and the largest outputs.
  private let activations: [Int32], ceilings: [Double]

  init<Scalar: TensorScalar>(
    _ weights: [Tensor<Scalar>], _ biases: [Tensor<Scalar>], _ activations: [FeedbackLoop.Activation], _ sizes: [Int]
  ) throws(TensorError) {
    let type = Scalar._elementType.type
    let lanes = Int(KK_LANE_BYTES) / type.size
    func padded(_ x: Tensor<Scalar>, axis: Int) throws(TensorError) -> Body {
      let rest = (lanes - x.shape[axis] % lanes) % lanes
      return try x.detached().padded(axis: axis, before: 0, after: rest, mode: .zeros).rowMajor().body
    }
    var rows: [Body] = []
    var columns: [Body] = []
    var shifts: [Body] = []
    for (weight, bias) in zip(weights, biases) {
      rows.append(try weight.detached().transposed().body)
      columns.append(try padded(weight, axis: 1))
      shifts.append(try padded(bias, axis: 0))
    }
    self.activations = activations.map(\.code.number)
    ceilings = activations.map { Double($0.code.ceiling) }
    (self.type, self.sizes, self.lanes) = (type, sizes, lanes)
    (self.rows, self.columns, self.biases) = (rows, columns, shifts)
  }

  var layers: Int { rows.count }
  var states: Int { sizes[sizes.count - 1] }
  var drives: Int { sizes[0] - states }
  /// Room for the widest layer, in whole vectors.
  var room: Int { ((sizes.max() ?? 0) + lanes - 1) / lanes * lanes }

  /// The kernels' view of the field, valid while the closure runs.
  func with32<R>(_ body: (UnsafePointer<kk_field_f32>) -> R) -> R {
    var field = kk_field_f32()
    field.layers = Int32(layers)
    fill(&field.size, sizes)
    fill(&field.weight, rows.map { UnsafePointer($0.f32) })
    fill(&field.transposed, columns.map { UnsafePointer($0.f32) })
    fill(&field.bias, biases.map { UnsafePointer($0.f32) })
    fill(&field.activation, activations)
    fill(&field.ceiling, ceilings.map(Float.init))
    return withExtendedLifetime(self) { body(&field) }
  }

  func with64<R>(_ body: (UnsafePointer<kk_field_f64>) -> R) -> R {
    var field = kk_field_f64()
    field.layers = Int32(layers)
    fill(&field.size, sizes)
    fill(&field.weight, rows.map { UnsafePointer($0.f64) })
    fill(&field.transposed, columns.map { UnsafePointer($0.f64) })
    fill(&field.bias, biases.map { UnsafePointer($0.f64) })
    fill(&field.activation, activations)
    fill(&field.ceiling, ceilings)
    return withExtendedLifetime(self) { body(&field) }
  }

  /// Writes the first elements of a C array, which Swift sees as a tuple.
  private func fill<T, E>(_ array: inout T, _ values: [E]) {
    withUnsafeMutableBytes(of: &array) { bytes in
      for (i, value) in values.enumerated() {
        bytes.storeBytes(of: value, toByteOffset: i * MemoryLayout<E>.stride, as: E.self)
      }
    }
  }
}
