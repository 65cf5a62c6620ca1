import Foundation
import Tensors

// Many numbers to one, and lines of numbers to lines.
extension ONNXOperators {
  static let reductions: [String: Evaluate] = [
    "ReduceSum": reduction({ try $0.sum(axes: $1) }, { try $0.sum(axes: $1) }, whole: (0, { $0 &+ $1 })),
    "ReduceMean": reduction({ try $0.mean(axes: $1) }, { try $0.mean(axes: $1) }, whole: nil),
    "ReduceMax": reduction(
      nil, { try largest($0, $1, of: maximum, from: -.infinity) }, whole: (nil, { Swift.max($0, $1) })),
    "ReduceMin": reduction(
      nil, { try largest($0, $1, of: minimum, from: .infinity) }, whole: (nil, { Swift.min($0, $1) })),
    "ReduceProd": reduction(nil, { try largest($0, $1, of: { $0 * $1 }, from: 1) }, whole: (1, { $0 &* $1 })),
    "ReduceL1": reduction(nil, { try $0.magnitude().sum(axes: $1) }, whole: (0, { $0 &+ ($1 < 0 ? 0 &- $1 : $1) })),
    "ReduceL2": reduction(nil, { try $0.squared().sum(axes: $1).squareRoot() }, whole: nil),
    "ReduceSumSquare": reduction(nil, { try $0.squared().sum(axes: $1) }, whole: (0, { $0 &+ $1 &* $1 })),
    "ReduceLogSum": reduction(nil, { try log($0.sum(axes: $1)) }, whole: nil),
    "ReduceLogSumExp": reduction(nil, logSumExp, whole: nil),
    "CumSum": cumulative({ $0 + $1 }, whole: { $0 &+ $1 }, first: 0),
    "CumProd": cumulative({ $0 * $1 }, whole: { $0 &* $1 }, first: 1),
    "Softmax": softmax(takesLog: false),
    "LogSoftmax": softmax(takesLog: true),
    "Hardmax": one(evaluateHardmax),
  ]

  private typealias Doubles = @Sendable (Tensor<Double>, [Int]) throws -> Tensor<Double>

  /// - Parameters:
  ///   - whole: for whole numbers: where it starts, and its step; whole numbers go through `doubles` where it is missing.
  private static func reduction(
    _ floats: (@Sendable (Tensor<Float>, [Int]) throws -> Tensor<Float>)?, _ doubles: @escaping Doubles,
    whole: (start: Int64?, step: @Sendable (Int64, Int64) -> Int64)?
  ) -> Evaluate {
    one { a in
      let x = try a.tensor(0)
      var axes = try a.list(1, attribute: "axes").map { try a.node.axes($0, rank: x.rank) } ?? []
      // Without axes each number is a sum of its own, or all are one.
      if axes.isEmpty && !a.node.flag("noop_with_empty_axes") { axes = Array(0..<x.rank) }
      axes.sort()
      let kept = x.shape.indices.map { axes.contains($0) ? 1 : x.shape[$0] }
      let shape =
        a.node.flag("keepdims", true) ? kept : x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] }
      let result: ONNXTensor
      if case .wholes(let numbers) = x.storage {
        result = try reducedWhole(x, numbers, axes, kept, whole, doubles, a.node)
      } else if x.type == .float, let floats {
        result = ONNXTensor(
          axes.isEmpty ? try floats(x.floats().reshaped(x.shape + [1]), [x.rank]) : try floats(x.floats(), axes))
      } else if axes.isEmpty {
        result = try ONNXTensor(doubles(x.doubles().reshaped(x.shape + [1]), [x.rank]), as: x.type)
      } else {
        result = try ONNXTensor(doubles(x.doubles(), axes), as: x.type)
      }
      return try result.reshaped(shape)
    }
  }

  private static func reducedWhole(
    _ x: ONNXTensor, _ numbers: Tensor<Int64>, _ axes: [Int], _ kept: [Int],
    _ whole: (start: Int64?, step: @Sendable (Int64, Int64) -> Int64)?, _ doubles: Doubles, _ node: ONNXNode
  ) throws -> ONNXTensor {
    guard let whole else {
      let real = try doubles(
        axes.isEmpty ? x.doubles().reshaped(x.shape + [1]) : x.doubles(), axes.isEmpty ? [x.rank] : axes)
      return try ONNXTensor(Tensor(real.elements.map(x.type.truncated), shape: kept), as: x.type)
    }
    let count = kept.reduce(1, *)
    let isLargest = whole.start == nil && whole.step(0, 1) == 1
    guard let start = whole.start ?? numbers.elements.first ?? x.type.extreme(isLargest: !isLargest) else {
      throw node.invalid("there is no largest of no numbers")
    }
    let shift: Int64 = x.type == .uint64 && whole.start == nil ? .min : 0
    var results = Array(repeating: start, count: count)
    var isSet = Array(repeating: whole.start != nil, count: count)
    let places = broadcastPositions(from: kept, to: x.shape)
    for (place, number) in zip(places, numbers.elements) {
      results[place] = isSet[place] ? whole.step(results[place] &+ shift, number &+ shift) &- shift : number
      if !isSet[place] && axes.isEmpty { results[place] = number }
      isSet[place] = true
    }
    return try ONNXTensor(Tensor(results, shape: kept), as: x.type)
  }

  /// Joined one by one, from what is there when there are no numbers.
  private static func largest(
    _ x: Tensor<Double>, _ axes: [Int], of join: (Double, Double) -> Double, from start: Double
  ) throws -> Tensor<Double> {
    let kept = x.shape.indices.map { axes.contains($0) ? 1 : x.shape[$0] }
    var results = Array(repeating: start, count: kept.reduce(1, *))
    for (place, number) in zip(broadcastPositions(from: kept, to: x.shape), x.elements) {
      results[place] = join(results[place], number)
    }
    return try Tensor(results, shape: kept)
  }

  private static func logSumExp(_ x: Tensor<Double>, _ axes: [Int]) throws -> Tensor<Double> {
    let peak = try largest(x, axes, of: maximum, from: -.infinity)
    // Infinite ones are their own result; none leaves −∞.
    let shift = try Tensor(peak.elements.map { $0.isFinite ? $0 : 0 }, shape: peak.shape)
    let sum = try exp(x - shift).sum(axes: axes).reshaped(peak.shape.map { $0 })
    return try log(sum) + shift
  }

  private static func cumulative(
    _ real: @escaping @Sendable (Double, Double) -> Double, whole: @escaping @Sendable (Int64, Int64) -> Int64,
    first: Int64
  ) -> Evaluate {
    one { a in
      let x = try a.tensor(0)
      let axis = try a.node.axis(a.integer(1), rank: x.rank)
      let (isExclusive, isReversed) = (a.node.flag("exclusive"), a.node.flag("reverse"))
      let lines = Lines(x.shape, axis: axis)
      func accumulated<T>(_ numbers: [T], _ start: T, _ join: (T, T) -> T) -> [T] {
        var results = numbers
        for line in lines.starts {
          var sum = start
          for step in 0..<lines.extent {
            let place = line + (isReversed ? lines.extent - 1 - step : step) * lines.inner
            let next = join(sum, numbers[place])
            results[place] = isExclusive ? sum : next
            sum = next
          }
        }
        return results
      }
      if x.type.isReal {
        let sums = try accumulated(x.doubles().elements, Double(first)) { x.type.rounded(real($0, $1)) }
        return try ONNXTensor(Tensor(sums, shape: x.shape), as: x.type)
      }
      return try ONNXTensor(Tensor(accumulated(x.wholes().elements, first, whole), shape: x.shape), as: x.type)
    }
  }

  /// Before version 13 the axes from the stated one on are one; since then the stated one alone.
  private static func line(_ a: ONNXArguments) throws -> (shape: [Int], axis: Int) {
    let x = try a.tensor(0)
    guard a.version < 13 else {
      let axis = try a.node.axis(a.node.integer("axis", -1), rank: Swift.max(1, x.rank))
      return (x.rank == 0 ? [1] : x.shape, axis)
    }
    let stated = a.node.integer("axis", 1)
    let axis = stated == x.rank ? x.rank : try a.node.axis(stated, rank: Swift.max(1, x.rank))
    return ([x.shape[..<axis].reduce(1, *), x.shape[axis...].reduce(1, *)], 1)
  }

  private static func softmax(takesLog: Bool) -> Evaluate {
    one { a in
      let (shape, axis) = try line(a)
      let x = try a.tensor(0)
      if x.type == .float {
        let numbers = try x.floats().reshaped(shape)
        return ONNXTensor(
          try (takesLog ? numbers.logSoftmax(axis: axis) : numbers.softmax(axis: axis)).reshaped(x.shape))
      }
      guard x.type.isReal else { throw ONNXTypeError(found: x.type, expected: "real numbers") }
      let numbers = try x.doubles().reshaped(shape)
      let result = try takesLog ? numbers.logSoftmax(axis: axis) : numbers.softmax(axis: axis)
      return try ONNXTensor(result.reshaped(x.shape), as: x.type)
    }
  }

  private static func evaluateHardmax(_ a: ONNXArguments) throws -> ONNXTensor {
    let (shape, axis) = try line(a)
    let x = try a.tensor(0)
    let numbers = try x.doubles().elements
    var results = Array(repeating: 0.0, count: numbers.count)
    let lines = Lines(shape, axis: axis)
    for start in lines.starts where lines.extent > 0 {
      let best = (0..<lines.extent).max { numbers[start + $0 * lines.inner] < numbers[start + $1 * lines.inner] } ?? 0
      let peak = numbers[start + best * lines.inner]
      let first = (0..<lines.extent).first { numbers[start + $0 * lines.inner] == peak } ?? best
      results[start + first * lines.inner] = 1
    }
    return try ONNXTensor(Tensor(results, shape: x.shape), as: x.type)
  }
}
