import Tensors

/// Randomness that hardware has by itself: arrays as they were formed, and bits of a given probability.
public protocol RandomSource: HasInventory {
  /// A matrix of random weights that nobody chose, and that stays as it is.
  ///
  /// - Returns: weights in units in which their standard deviation is 1. Whether their mean is 0 depends on the source.
  func matrix(_ inputs: Int, _ outputs: Int, in context: inout ForwardContext) throws -> any StoredMatrix
  /// Bits, 0 or 1, each 1 with the probability at its place.
  ///
  /// - Throws: `TensorError.invalidArgument` for numbers that are no probabilities.
  func bits(_ probability: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float>
}

/// - Throws: `TensorError.invalidArgument`.
package func checkProbabilities(_ p: Tensor<Float>) throws(TensorError) {
  if let wrong = p.elements.first(where: { !(0...1).contains($0) }) {
    throw .invalidArgument("probability", found: "\(wrong)", expected: "0 to 1")
  }
}
