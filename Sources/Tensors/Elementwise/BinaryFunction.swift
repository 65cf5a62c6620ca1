import CKernels

/// Functions of two numbers that the kernels know; the raw value is the kernel's number.
package enum BinaryFunction: Int32 {
  case add, subtract, multiply, divide, maximum, minimum, pow, atan2
  case less, lessOrEqual, greater, greaterOrEqual, equal, notEqual
}

/// The shape that two shapes broadcast to, as in NumPy: aligned at the end, an extent of 1 stretches.
package func broadcastShape(_ a: [Int], _ b: [Int], _ operation: String) throws(TensorError) -> [Int] {
  if a == b { return a }
  let rank = max(a.count, b.count)
  var result = [Int](repeating: 1, count: rank)
  for i in 0..<rank {
    let x = i < rank - a.count ? 1 : a[i - rank + a.count]
    let y = i < rank - b.count ? 1 : b[i - rank + b.count]
    guard x == y || x == 1 || y == 1 else { throw .incompatibleShapes(operation: operation, left: a, right: b) }
    result[i] = x == 1 ? y : x
  }
  return result
}

/// How to walk an operand through a broadcast result: the result's extents, merged where both operands allow it, and
/// each operand's step along them.
struct BroadcastWalk {
  var extents: [Int] = []
  var stepsA: [Int] = []
  var stepsB: [Int] = []

  init(_ a: [Int], _ b: [Int], result: [Int]) {
    func steps(_ shape: [Int]) -> [Int] {
      var steps = [Int](repeating: 0, count: result.count)
      var step = 1
      for i in stride(from: shape.count - 1, through: 0, by: -1) {
        steps[i + result.count - shape.count] = shape[i] == 1 ? 0 : step
        step *= shape[i]
      }
      return steps
    }
    let a = steps(a)
    let b = steps(b)
    for i in result.indices where result[i] != 1 {
      if let last = extents.indices.last, stepsA[last] == a[i] * result[i], stepsB[last] == b[i] * result[i] {
        extents[last] *= result[i]
        stepsA[last] = a[i]
        stepsB[last] = b[i]
      } else {
        extents.append(result[i])
        stepsA.append(a[i])
        stepsB.append(b[i])
      }
    }
    if extents.isEmpty { (extents, stepsA, stepsB) = ([1], [0], [0]) }
  }

  /// Offsets of both operands at the start of inner row `row`.
  func offsets(_ row: Int) -> (Int, Int) {
    var rest = row
    var a = 0
    var b = 0
    for i in stride(from: extents.count - 2, through: 0, by: -1) {
      let position = rest % extents[i]
      rest /= extents[i]
      a += position * stepsA[i]
      b += position * stepsB[i]
    }
    return (a, b)
  }
}

/// y = function(a, b), elementwise, for shapes that broadcast to that of `y`; row-major, or all of one shape and layout.
package func applyBinary(_ function: BinaryFunction, _ a: Body, _ b: Body, _ y: Body) {
  var (a, b) = (a, b)
  func run(_ n: Int, _ ia: Int, _ sa: Int, _ ib: Int, _ sb: Int, _ iy: Int) {
    if y.type == .float32 {
      kk_binary_f32(function.rawValue, n, a.f32 + ia, sa, b.f32 + ib, sb, y.f32 + iy)
    } else {
      kk_binary_f64(function.rawValue, n, a.f64 + ia, sa, b.f64 + ib, sb, y.f64 + iy)
    }
  }
  guard y.count > 0 else { return }
  let sameA = a.count == y.count
  let sameB = b.count == y.count
  if (sameA || a.count == 1) && (sameB || b.count == 1) {
    let sa = sameA ? 1 : 0
    let sb = sameB ? 1 : 0
    parallelFor(y.count, grain: elementwiseGrain) {
      run($0.count, $0.lowerBound * sa, sa, $0.lowerBound * sb, sb, $0.lowerBound)
    }
    return
  }
  let walk = BroadcastWalk(a.shape, b.shape, result: y.shape)
  if walk.extents.count == 2, walk.extents[1] < 64, let tiled = tiledRows(walk, a, b) {
    let period = tiled.body.count
    if tiled.isLeft { a = tiled.body } else { b = tiled.body }
    parallelFor((y.count + period - 1) / period, grain: max(1, elementwiseGrain / period)) { part in
      for at in stride(from: part.lowerBound * period, to: min(y.count, part.upperBound * period), by: period) {
        let n = min(period, y.count - at)
        tiled.isLeft ? run(n, 0, 1, at, 1, at) : run(n, at, 1, 0, 1, at)
      }
    }
    return
  }
  let inner = walk.extents[walk.extents.count - 1]
  let sa = walk.stepsA[walk.extents.count - 1]
  let sb = walk.stepsB[walk.extents.count - 1]
  parallelFor(y.count / inner, grain: max(1, elementwiseGrain / inner)) { rows in
    for row in rows {
      let (ia, ib) = walk.offsets(row)
      run(inner, ia, sa, ib, sb, row * inner)
    }
  }
}

/// A short row that meets every row of the other operand, repeated until a loop over it is worth starting; nil where the
/// operands do not lie so.
private func tiledRows(_ walk: BroadcastWalk, _ a: Body, _ b: Body) -> (body: Body, isLeft: Bool)? {
  let width = walk.extents[1]
  let repeats = 512 / width
  let isLeft = walk.stepsA == [0, 1] && walk.stepsB == [width, 1]
  guard isLeft || (walk.stepsB == [0, 1] && walk.stepsA == [width, 1]), walk.extents[0] > repeats else { return nil }
  let row = isLeft ? a : b
  let bytes = width * row.type.size
  guard let tiled = try? Body(row.type, [repeats * width]) else { return nil }
  for i in 0..<repeats { (tiled.pointer + i * bytes).copyMemory(from: row.pointer, byteCount: bytes) }
  return (tiled, isLeft)
}

extension Tensor where Element: TensorScalar {
  /// Element by element, without a tape.
  package static func combine(
    _ function: BinaryFunction, _ a: Tensor, _ b: Tensor, _ operation: String
  ) throws(TensorError) -> Tensor {
    if a.shape == b.shape {
      let layout = a.body.layout == b.body.layout ? a.body.layout : .channelsLast
      let y = try uninitialized(a.shape, layout)
      applyBinary(function, try a.body.in(layout), try b.body.in(layout), y.body)
      return y
    }
    // One number goes with any layout of the other side.
    let layout: Layout =
      a.count == 1 && a.rank <= b.rank ? b.body.layout : b.count == 1 && b.rank <= a.rank ? a.body.layout : .rowMajor
    let y = try uninitialized(try broadcastShape(a.shape, b.shape, operation), layout)
    applyBinary(
      function, a.count == 1 ? a.body : try a.body.in(layout), b.count == 1 ? b.body : try b.body.in(layout), y.body)
    return y
  }

  /// The sum of a gradient over the axes along which an operand was stretched to reach it.
  package func summed(to shape: [Int]) throws(TensorError) -> Tensor {
    if self.shape == shape { return self }
    let added = rank - shape.count
    let axes = (0..<rank).filter { $0 < added || (shape[$0 - added] == 1 && self.shape[$0] != 1) }
    return try reduced(.sum, axes: axes).viewed(shape)
  }
}
