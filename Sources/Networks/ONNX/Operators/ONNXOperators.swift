import Tensors

/// What operators compute where no stored weight takes part: in the types that the model states.
enum ONNXOperators {
  typealias Evaluate = @Sendable (ONNXArguments) throws -> [ONNXValue?]

  private static let standard: [String: Evaluate] = [
    unary, binary, comparisons, casts, shapes, moves, indexing, selection, reductions, products,
    pooling, convolutions, recurrent, resizing, normalisation, quantised, losses, attention,
    sequences, strings,
  ].reduce(into: [:]) { all, family in all.merge(family) { first, _ in first } }

  private static let byDomain: [String: [String: Evaluate]] = ["": standard, "com.microsoft": microsoft]

  /// Those that give other numbers each time.
  static let drawing: Set<String> = [
    "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial",
  ]

  /// What a node computes; nothing where it needs graphs inside.
  static func evaluate(_ node: ONNXNode) -> Evaluate? { byDomain[node.domain]?[node.kind] }

  static func isKnown(_ node: ONNXNode) -> Bool {
    evaluate(node) != nil || (node.domain.isEmpty && ONNXControl.kinds.contains(node.kind))
  }

  /// All that are understood; those of other domains with their domain before a dot.
  static let names: [String] = byDomain.flatMap { domain, family in
    (family.keys + (domain.isEmpty ? ONNXControl.kinds : [])).map { domain.isEmpty ? $0 : "\(domain).\($0)" }
  }.sorted()

  /// One result that is a tensor.
  static func one(_ function: @escaping @Sendable (ONNXArguments) throws -> ONNXTensor) -> Evaluate {
    { [.tensor(try function($0))] }
  }
}
