import Foundation
import Tensors

// Products of computed matrices; those with constant ones are layers.
extension ONNXOperators {
  static let products: [String: Evaluate] = [
    "MatMul": one { a in
      let (x, y) = (try a.tensor(0), try a.tensor(1))
      guard x.type == y.type, x.rank > 0, y.rank > 0 else {
        throw a.node.invalid("it multiplies \(x.type) of shape \(x.shape) by \(y.type) of shape \(y.shape)")
      }
      if x.type.isWhole { return try wholeProduct(x, y, a.node) }
      try checkProduct(x.shape, y.shape, a.node)
      if x.type == .float { return ONNXTensor(try matmul(x.floats(), y.floats())) }
      return try ONNXTensor(matmul(x.doubles(), y.doubles()), as: x.type)
    },
    "Gemm": one { a in
      let types = try (0..<a.count).filter(a.has).map { try a.tensor($0).type }
      guard let type = types.first, Set(types).count == 1 else {
        throw a.node.invalid("its inputs have the types \(types)")
      }
      if type.isWhole {
        let real = try gemm(a) { try $0.doubles() }
        return try made(real.elements, shape: real.shape, as: type)
      }
      if type == .float { return ONNXTensor(try gemm(a) { try $0.floats() }) }
      return try ONNXTensor(gemm(a) { try $0.doubles() }, as: type)
    },
    "Einsum": one { a in
      let equation = a.node.text("equation", "")
      let inputs = try (0..<a.count).map(a.tensor)
      guard let type = inputs.first?.type, inputs.allSatisfy({ $0.type == type }) else {
        throw a.node.invalid("its inputs have the types \(inputs.map(\.type))")
      }
      let einsum = try ONNXEinsum(equation, inputs.map(\.shape), a.node)
      if type == .float { return ONNXTensor(try einsum.result(inputs.map { try $0.floats() })) }
      let real = try einsum.result(inputs.map { try $0.doubles() })
      return type.isReal ? try ONNXTensor(real, as: type) : try made(real.elements, shape: real.shape, as: type)
    },
    "Det": one { a in
      let x = try a.tensor(0)
      guard x.rank >= 2, x.shape[x.rank - 1] == x.shape[x.rank - 2] else {
        throw a.node.invalid("its input has the shape \(x.shape)")
      }
      let n = x.shape[x.rank - 1]
      let numbers = try x.doubles().elements
      let results = stride(from: 0, to: numbers.count, by: Swift.max(1, n * n)).map {
        determinant(Array(numbers[$0..<$0 + n * n]), n)
      }
      return try ONNXTensor(Tensor(results, shape: Array(x.shape.dropLast(2))), as: x.type)
    },
  ]

  /// By elimination with the largest pivot of each column.
  private static func determinant(_ matrix: [Double], _ n: Int) -> Double {
    var m = matrix
    var result = 1.0
    for column in 0..<n {
      let pivot = (column..<n).max { abs(m[$0 * n + column]) < abs(m[$1 * n + column]) } ?? column
      if pivot != column {
        for j in 0..<n { m.swapAt(pivot * n + j, column * n + j) }
        result = -result
      }
      result *= m[column * n + column]
      if result == 0 { return 0 }
      for row in (column + 1)..<Swift.max(column + 1, n) {
        let factor = m[row * n + column] / m[column * n + column]
        for j in column..<n { m[row * n + j] -= factor * m[column * n + j] }
      }
    }
    return result
  }

  static func checkProduct(_ x: [Int], _ y: [Int], _ node: ONNXNode) throws {
    let (p, q) = (x.count == 1 ? [1] + x : x, y.count == 1 ? y + [1] : y)
    guard p[p.count - 1] == q[q.count - 2], let stack = broadcastShape(Array(p.dropLast(2)), Array(q.dropLast(2)))
    else {
      throw node.invalid("the shapes \(x) and \(y) have no product")
    }
    try node.checkedCount(stack + [p[p.count - 2], q[q.count - 1]])
    try node.checkWork(stack + [p[p.count - 2], q[q.count - 1], p[p.count - 1]])
  }

  /// In whole numbers, wrapping at 64 bits, then at those of the type.
  static func wholeProduct(_ x: ONNXTensor, _ y: ONNXTensor, _ node: ONNXNode, as type: ONNXType? = nil) throws
    -> ONNXTensor
  {
    try checkProduct(x.shape, y.shape, node)
    let (p, q) = (x.rank == 1 ? [1] + x.shape : x.shape, y.rank == 1 ? y.shape + [1] : y.shape)
    let (m, k, n) = (p[p.count - 2], p[p.count - 1], q[q.count - 1])
    let stack = broadcastShape(Array(p.dropLast(2)), Array(q.dropLast(2))) ?? []
    let left = broadcastPositions(from: Array(p.dropLast(2)), to: stack)
    let right = broadcastPositions(from: Array(q.dropLast(2)), to: stack)
    let (a, b) = (try x.wholes().elements, try y.wholes().elements)
    var results = [Int64](repeating: 0, count: left.count * m * n)
    for (s, (l, r)) in zip(left, right).enumerated() {
      for i in 0..<m {
        for inner in 0..<k {
          let factor = a[l * m * k + i * k + inner]
          if factor == 0 { continue }
          for j in 0..<n { results[(s * m + i) * n + j] &+= factor &* b[r * k * n + inner * n + j] }
        }
      }
    }
    var shape = stack + [m, n]
    if y.rank == 1 { shape.removeLast() }
    if x.rank == 1 { shape.remove(at: shape.count - (y.rank == 1 ? 1 : 2)) }
    return try ONNXTensor(Tensor(results, shape: shape), as: type ?? x.type)
  }

  private static func gemm<S: TensorScalar>(
    _ a: ONNXArguments, _ numbers: (ONNXTensor) throws -> Tensor<S>
  ) throws -> Tensor<S> {
    var (x, y) = (try numbers(a.tensor(0)), try numbers(a.tensor(1)))
    guard x.rank == 2, y.rank == 2 else { throw a.node.invalid("it multiplies the shapes \(x.shape) and \(y.shape)") }
    if a.node.flag("transA") { x = try x.transposed() }
    if a.node.flag("transB") { y = try y.transposed() }
    try checkProduct(x.shape, y.shape, a.node)
    var result = try matmul(x, y)
    let alpha = S(a.node.float("alpha", 1))
    if alpha != 1 { result = try result * alpha }
    guard a.has(2) else { return result }
    let beta = S(a.node.float("beta", 1))
    let shift = try numbers(a.tensor(2))
    guard broadcastShape(shift.shape, result.shape) == result.shape else {
      throw a.node.invalid("a shift of shape \(shift.shape) for a product of shape \(result.shape)")
    }
    return try result + (beta == 1 ? shift : shift * beta)
  }
}

/// Einstein's summation over any number of tensors, with dots for axes without letters and letters that a term has twice.
struct ONNXEinsum {
  /// Letters of each input and of the result; axes under dots have letters of their own.
  private let terms: [[Int]]
  private let made: [Int]
  private let extents: [Int: Int]

  init(_ equation: String, _ shapes: [[Int]], _ node: ONNXNode) throws {
    let text = equation.filter { $0 != " " }
    let sides = text.components(separatedBy: "->")
    let words = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard sides.count <= 2, words.count == shapes.count else {
      throw node.invalid("the equation \(equation) for \(shapes.count) inputs")
    }
    func letters(_ word: String, dots: Int) throws -> [Int] {
      let parts = word.components(separatedBy: "...")
      guard parts.count <= 2, parts.joined().allSatisfy({ $0.isLetter && $0.isASCII }) else {
        throw node.invalid("the equation \(equation)")
      }
      func codes(_ part: String) -> [Int] { part.unicodeScalars.map { Int($0.value) } }
      // Axes under dots count from the back, as they broadcast.
      return codes(parts[0]) + (parts.count == 2 ? (0..<dots).map { $0 - dots } + codes(parts[1]) : [])
    }
    var terms: [[Int]] = []
    var widest = 0
    for (word, shape) in zip(words, shapes) {
      let dots = shape.count - word.count(where: { $0 != "." })
      guard dots >= 0, word.contains("...") || dots == 0 else {
        throw node.invalid("the letters \(word) for the shape \(shape)")
      }
      widest = max(widest, dots)
      terms.append(try letters(word, dots: dots))
    }
    var extents: [Int: Int] = [:]
    for (term, shape) in zip(terms, shapes) {
      for (letter, extent) in zip(term, shape) {
        let known = extents[letter] ?? 1
        guard known == extent || known == 1 || extent == 1 else {
          throw node.invalid("the equation \(equation) for the shapes \(shapes)")
        }
        extents[letter] = max(known, extent)
        if extent == 0 || known == 0 && extents[letter] != nil && known != 1 { extents[letter] = 0 }
      }
    }
    if sides.count == 2 {
      made = try letters(sides[1], dots: widest)
    } else {
      // Letters that stand there once, in the order of the alphabet, after the dots.
      let all = terms.flatMap { $0 }.filter { $0 > 0 }
      made = (-widest..<0).map { $0 } + Set(all).filter { letter in all.count(where: { $0 == letter }) == 1 }.sorted()
    }
    guard Set(made).count == made.count, made.allSatisfy({ extents[$0] != nil }) else {
      throw node.invalid("the equation \(equation)")
    }
    (self.terms, self.extents) = (terms, extents)
    try node.checkedCount(made.map { extents[$0] ?? 1 })
    try node.checkWork(extents.values.map { $0 })
  }

  func result<S: TensorScalar>(_ inputs: [Tensor<S>]) throws -> Tensor<S> {
    var (letters, value) = try simplified(terms[0], inputs[0], needed: needed(after: 0))
    for i in 1..<max(1, inputs.count) {
      let next = try simplified(terms[i], inputs[i], needed: Set(letters).union(needed(after: i)))
      (letters, value) = try product(letters, value, next.letters, next.value, kept: needed(after: i))
    }
    let summed = letters.indices.filter { !made.contains(letters[$0]) }
    if !summed.isEmpty {
      value = try value.sum(axes: summed)
      letters = letters.filter { made.contains($0) }
    }
    // Letters that only single extents had are stretched.
    value = try value.permuted(made.compactMap { letters.firstIndex(of: $0) })
    return try value.broadcast(to: made.map { extents[$0] ?? 1 })
  }

  private func needed(after i: Int) -> Set<Int> { Set(made).union(terms[(i + 1)...].flatMap { $0 }) }

  /// Diagonals for letters that stand twice, sums over those that nobody else has.
  private func simplified<S: TensorScalar>(
    _ term: [Int], _ x: Tensor<S>, needed: Set<Int>
  ) throws -> (letters: [Int], value: Tensor<S>) {
    var (letters, value) = (term, x)
    while let first = letters.indices.first(where: { letters[($0 + 1)...].contains(letters[$0]) }),
      let second = letters[(first + 1)...].firstIndex(of: letters[first])
    {
      let steps = rowMajorSteps(value.shape)
      var (shape, strides) = (value.shape, steps)
      strides[first] += steps[second]
      shape.remove(at: second)
      strides.remove(at: second)
      letters.remove(at: second)
      value = try value.taking(stridedPositions(extents: shape, steps: strides), shape: shape)
    }
    let summed = letters.indices.filter { !needed.contains(letters[$0]) }
    if !summed.isEmpty { value = try value.sum(axes: summed) }
    return (letters.filter { needed.contains($0) }, value)
  }

  /// Two terms as one product of stacks of matrices: letters of both that stay, of one, of the other, and those summed over.
  private func product<S: TensorScalar>(
    _ p: [Int], _ x: Tensor<S>, _ q: [Int], _ y: Tensor<S>, kept: Set<Int>
  ) throws -> (letters: [Int], value: Tensor<S>) {
    let both = p.filter { q.contains($0) }
    let (stack, summed) = (both.filter { kept.contains($0) }, both.filter { !kept.contains($0) })
    let (left, right) = (p.filter { !both.contains($0) }, q.filter { !both.contains($0) })
    func arranged(_ z: Tensor<S>, _ letters: [Int], _ order: [[Int]]) throws -> Tensor<S> {
      let wide = try z.broadcast(to: zip(letters, z.shape).map { both.contains($0) ? extents[$0] ?? $1 : $1 })
      let places = order.flatMap { $0 }.compactMap { letters.firstIndex(of: $0) }
      let groups = order.map { $0.reduce(1) { $0 * (letters.firstIndex(of: $1).map { wide.shape[$0] } ?? 1) } }
      return try wide.permuted(places).reshaped(groups)
    }
    let value = try matmul(arranged(x, p, [stack, left, summed]), arranged(y, q, [stack, summed, right]))
    func own(_ letters: [Int], _ all: [Int], _ z: Tensor<S>) -> [Int] {
      letters.map { letter in all.firstIndex(of: letter).map { z.shape[$0] } ?? 1 }
    }
    let shape = stack.map { extents[$0] ?? 1 } + own(left, p, x) + own(right, q, y)
    return (stack + left + right, try value.reshaped(shape))
  }
}
