import Tensors

/// What any tensor can do, whatever its elements are.
protocol MovableNumbers: Sendable {
  var shape: [Int] { get }
  func reshaped(_ shape: [Int?]) throws(TensorError) -> Self
  func permuted(_ order: [Int]) throws(TensorError) -> Self
  func slice(_ range: Range<Int>, axis: Int) throws(TensorError) -> Self
  func selecting(_ index: Tensor<Int32>, axis: Int) throws(TensorError) -> Self
  func taking(_ positions: [Int], shape: [Int]) throws(TensorError) -> Self
}

extension Tensor: MovableNumbers {
  /// Elements by their row-major positions; position −1 gives a zero.
  func taking(_ positions: [Int], shape: [Int]) throws(TensorError) -> Tensor {
    let source = try rowMajor()
    let result = try Tensor.uninitialized(shape)
    let size = body.type.size
    result.body.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: result.count * size)
    precondition(positions.count == result.count)
    if size == 4 {
      let (from, to) = (
        source.body.pointer.assumingMemoryBound(to: UInt32.self),
        result.body.pointer.assumingMemoryBound(to: UInt32.self)
      )
      for (i, place) in positions.enumerated() where place >= 0 { to[i] = from[place] }
    } else {
      let (from, to) = (
        source.body.pointer.assumingMemoryBound(to: UInt64.self),
        result.body.pointer.assumingMemoryBound(to: UInt64.self)
      )
      for (i, place) in positions.enumerated() where place >= 0 { to[i] = from[place] }
    }
    return result
  }
}

extension ONNXTensor {
  /// The same elements elsewhere.
  func moved(_ move: (any MovableNumbers) throws -> any MovableNumbers) throws -> ONNXTensor {
    var result = self
    switch storage {
    case .floats(let x): if let y = try move(x) as? Tensor<Float> { result.storage = .floats(y) }
    case .doubles(let x): if let y = try move(x) as? Tensor<Double> { result.storage = .doubles(y) }
    case .wholes(let x): if let y = try move(x) as? Tensor<Int64> { result.storage = .wholes(y) }
    case .strings(let x, let table): if let y = try move(x) as? Tensor<Int64> { result.storage = .strings(y, table) }
    }
    return result
  }

  func reshaped(_ shape: [Int]) throws -> ONNXTensor { try moved { try $0.reshaped(shape) } }
  func permuted(_ order: [Int]) throws -> ONNXTensor { try moved { try $0.permuted(order) } }
  func slice(_ range: Range<Int>, axis: Int) throws -> ONNXTensor { try moved { try $0.slice(range, axis: axis) } }

  /// Elements by their row-major positions; position −1 gives zero, or an empty string.
  func taking(_ positions: [Int], shape: [Int]) throws -> ONNXTensor {
    if case .strings(let x, let table) = storage, positions.contains(-1) {
      // The empty string is the first one of its table.
      let shifted = try Tensor(x.elements.map { $0 + 1 }, shape: x.shape).taking(positions, shape: shape)
      var result = self
      result.storage = .strings(shifted, [""] + table)
      return result
    }
    return try moved { try $0.taking(positions, shape: shape) }
  }

  /// Elements of equal type side by side.
  static func concatenated(_ parts: [ONNXTensor], axis: Int) throws -> ONNXTensor {
    guard let first = parts.first else { throw ONNXTypeError(found: .float, expected: "at least one tensor") }
    if let other = parts.first(where: { $0.type != first.type }) {
      throw ONNXTypeError(found: other.type, expected: "\(first.type) as its other inputs")
    }
    var result = first
    switch first.storage {
    case .floats: result.storage = .floats(try .concatenate(parts.map { try $0.floats() }, axis: axis))
    case .doubles: result.storage = .doubles(try .concatenate(parts.map { try $0.doubles() }, axis: axis))
    case .wholes: result.storage = .wholes(try .concatenate(parts.map { try $0.wholes() }, axis: axis))
    case .strings:
      let texts = try parts.flatMap { try $0.strings() }
      var start = 0
      let positions = try parts.map { part in
        defer { start += part.count }
        return try Tensor((start..<start + part.count).map { Int64($0) }, shape: part.shape)
      }
      result.storage = .strings(try .concatenate(positions, axis: axis), texts)
    }
    return result
  }
}

/// Positions of the elements of one shape in another that it was broadcast from, row-major.
func broadcastPositions(from shape: [Int], to target: [Int]) -> [Int] {
  let padded = Array(repeating: 1, count: target.count - shape.count) + shape
  var steps = rowMajorSteps(padded)
  for i in padded.indices where padded[i] == 1 { steps[i] = 0 }
  return stridedPositions(extents: target, steps: steps)
}

/// `start + Σ steps·index` for every index in `extents`, row-major.
func stridedPositions(extents: [Int], steps: [Int], start: Int = 0) -> [Int] {
  var positions = [start]
  for (extent, step) in zip(extents, steps) {
    var next: [Int] = []
    next.reserveCapacity(positions.count * extent)
    for base in positions { for i in 0..<extent { next.append(base + i * step) } }
    positions = next
  }
  return positions
}

/// The shape that two shapes broadcast to; none where they do not go together.
func broadcastShape(_ a: [Int], _ b: [Int]) -> [Int]? {
  let rank = max(a.count, b.count)
  let (p, q) = (
    Array(repeating: 1, count: rank - a.count) + a, Array(repeating: 1, count: rank - b.count) + b
  )
  var shape: [Int] = []
  for (m, n) in zip(p, q) {
    guard m == n || m == 1 || n == 1 else { return nil }
    shape.append(m == 1 ? n : m)
  }
  return shape
}
