/// Sums of products in index notation, for the cases that are one sum or matrix products in a row.
///
///     try einsum("bij,bjk->bik", a, b)     // batched product
///     try einsum("ij->ji", a)              // transpose
///     try einsum("i,j->ij", u, v)          // outer product
///
/// - Parameters:
///   - equation: a letter for each axis, operands separated by commas, then `->` and the axes of the result. A letter
///     stands once in each operand; letters missing from the result are summed over.
///   - operands: as many tensors; axes with the same letter have the same extent.
/// - Throws: `TensorError` when the equation is malformed or the extents disagree.
public func einsum<Scalar: TensorScalar>(
  _ equation: String, _ operands: Tensor<Scalar>...
) throws(TensorError) -> Tensor<Scalar> {
  let sides = equation.replacing(" ", with: "").split(separator: "->", omittingEmptySubsequences: false)
  func malformed(_ expected: String) -> TensorError {
    .invalidArgument("equation", found: "\"\(equation)\"", expected: expected)
  }
  guard sides.count == 2 else { throw malformed("operands, an arrow `->`, and the axes of the result") }
  let terms = sides[0].split(separator: ",", omittingEmptySubsequences: false).map { Array($0) }
  let output = Array(sides[1])
  guard terms.count == operands.count, !terms.isEmpty else { throw malformed("\(operands.count) operands") }
  var extents: [Character: Int] = [:]
  for (term, operand) in zip(terms, operands) {
    guard term.allSatisfy(\.isLetter), Set(term).count == term.count else {
      throw malformed("each letter once in an operand")
    }
    guard term.count == operand.rank else {
      throw malformed("\(operand.rank) letters for an operand of shape \(operand.shape)")
    }
    for (letter, extent) in zip(term, operand.shape) {
      if let known = extents[letter], known != extent {
        throw .incompatibleShapes(operation: "einsum, axis \(letter)", left: [known], right: [extent])
      }
      extents[letter] = extent
    }
  }
  guard Set(output).count == output.count, output.allSatisfy({ extents[$0] != nil })
  else { throw malformed("every letter of the result once, and in an operand") }
  var labels = terms[0]
  var value = operands[0]
  for i in 1..<max(1, terms.count) where i < terms.count {
    let needed = Set(output).union(terms[(i + 1)...].joined())
    (labels, value) = try contract(labels, value, terms[i], operands[i], needed)
  }
  (labels, value) = try summing(labels, value, keeping: Set(output))
  var order: [Int] = []
  for letter in output { if let i = labels.firstIndex(of: letter) { order.append(i) } }
  return try value.permuted(order)
}

/// Sums over the axes that nothing needs any more.
private func summing<Scalar: TensorScalar>(
  _ labels: [Character], _ value: Tensor<Scalar>, keeping: Set<Character>
) throws(TensorError) -> ([Character], Tensor<Scalar>) {
  let axes = labels.indices.filter { !keeping.contains(labels[$0]) }
  return axes.isEmpty ? (labels, value) : (labels.filter(keeping.contains), try value.sum(axes: axes))
}

/// One pair: axes shared and needed are a batch, shared and not needed are multiplied out.
private func contract<Scalar: TensorScalar>(
  _ la: [Character], _ a: Tensor<Scalar>, _ lb: [Character], _ b: Tensor<Scalar>, _ needed: Set<Character>
) throws(TensorError) -> ([Character], Tensor<Scalar>) {
  let (la, a) = try summing(la, a, keeping: needed.union(lb))
  let (lb, b) = try summing(lb, b, keeping: needed.union(la))
  let shared = la.filter(lb.contains)
  let batch = shared.filter(needed.contains)
  let inner = shared.filter { !needed.contains($0) }
  let left = la.filter { !lb.contains($0) }
  let right = lb.filter { !la.contains($0) }
  func arranged(_ labels: [Character], _ value: Tensor<Scalar>, _ groups: [[Character]]) throws(TensorError) -> Tensor<
    Scalar
  > {
    var order: [Int] = []
    for letter in groups.joined() { if let i = labels.firstIndex(of: letter) { order.append(i) } }
    let moved = try value.permuted(order)
    var shape: [Int?] = []
    var at = 0
    for group in groups {
      shape.append(moved.shape[at..<at + group.count].reduce(1, *))
      at += group.count
    }
    return try moved.reshaped(shape)
  }
  let extent = { (letter: Character) -> Int in
    la.firstIndex(of: letter).map { a.shape[$0] } ?? lb.firstIndex(of: letter).map { b.shape[$0] } ?? 1
  }
  let y = try matmul(arranged(la, a, [batch, left, inner]), arranged(lb, b, [batch, inner, right]))
  let labels = batch + left + right
  return (labels, try y.reshaped(labels.map(extent)))
}
