import Tensors

/// How stored words are compared with a query.
public enum Match: String, Sendable, Codable, CaseIterable {
  /// Words and queries of −1 and 1: the score is the number of places that agree.
  case binary
  /// Words of −1, 0 and 1, where 0 is "don't care"; queries of −1 and 1: agreements less disagreements, over places that care.
  case ternary
  /// Ternary words, real queries: the score is the sum of query × word.
  case product
  /// Real words and queries in 0...1: the score is minus the sum of squared differences.
  case distance
}

/// Stored words, each compared with a query at once.
public protocol AssociativeMemory: HasInventory {
  var match: Match { get }
  /// Words stored.
  var words: Int { get }
  /// Places of a word.
  var width: Int { get }
  /// - Parameter query: shape `[batch, width]`.
  /// - Returns: shape `[batch, words]`, in the units of `match`.
  /// - Throws: `TensorError.wrongShape`; `.invalidArgument` for numbers that a query cannot have.
  func scores(_ query: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float>
  /// The word with the highest score, as a winner-take-all circuit or a digital comparison finds it; the first of equal ones.
  ///
  /// - Returns: shape `[batch]`.
  func best(_ query: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Int32>
  /// Replaces all words.
  ///
  /// - Parameter words: shape `[words, width]`.
  mutating func store(_ words: Tensor<Float>, in context: inout ForwardContext) throws
}

extension Match {
  /// - Throws: `TensorError.wrongShape`, `.invalidArgument`.
  package func check(_ x: Tensor<Float>, width: Int, isQuery: Bool) throws(TensorError) {
    let name = isQuery ? "query" : "words"
    guard x.rank == 2, x.shape[1] == width, width > 0 else {
      throw .wrongShape(argument: name, found: x.shape, expected: "[\(isQuery ? "batch" : "words"), \(width)]")
    }
    let (allowed, text): ((Float) -> Bool, String) =
      switch (self, isQuery) {
      case (.binary, _), (.ternary, true): ({ $0 == 1 || $0 == -1 }, "−1 or 1")
      case (.ternary, false), (.product, false): ({ $0 == 0 || $0 == 1 || $0 == -1 }, "−1, 0 (don't care) or 1")
      case (.product, true): ({ $0.isFinite }, "finite numbers")
      case (.distance, _): ({ (0...1).contains($0) }, "0 to 1")
      }
    if let wrong = x.elements.first(where: { !allowed($0) }) {
      throw .invalidArgument(name, found: "\(wrong)", expected: text)
    }
  }
}
