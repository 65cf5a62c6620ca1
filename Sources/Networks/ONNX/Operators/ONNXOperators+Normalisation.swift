import Foundation
import Tensors

// Numbers relative to others of their tensor.
extension ONNXOperators {
  static let normalisation: [String: Evaluate] = [
    "BatchNormalization": evaluateBatchNormalization,
    "InstanceNormalization": one { a in
      let x = try a.doubles(0)
      guard x.rank >= 3 else { throw a.node.invalid("its input has the shape \(x.shape)") }
      let y = try standardised(x, Array(2..<x.rank), epsilon(a)).y
      return try ONNXTensor(channels(a.doubles(1), x, a) * y + channels(a.doubles(2), x, a), as: a.tensor(0).type)
    },
    "GroupNormalization": one(evaluateGroupNormalization),
    "LayerNormalization": evaluateLayerNormalization,
    "RMSNormalization": one { a in
      let x = try a.doubles(0)
      let axis = try a.node.axis(a.node.integer("axis", -1), rank: x.rank)
      let squares = try x.squared().mean(axes: Array(axis..<x.rank), keepingAxes: true)
      let y = try x / (squares + epsilon(a)).squareRoot()
      return try ONNXTensor(ONNXTensor(y, as: a.tensor(0).type).doubles() * a.doubles(1), as: a.tensor(0).type)
    },
    "MeanVarianceNormalization": one { a in
      let x = try a.doubles(0)
      let axes = try a.node.axes(a.node.integers("axes") ?? [0, 2, 3], rank: x.rank)
      let centred = try x - x.mean(axes: axes, keepingAxes: true)
      let deviation = try centred.squared().mean(axes: axes, keepingAxes: true).squareRoot()
      return try ONNXTensor(centred / (deviation + 1e-9), as: a.tensor(0).type)
    },
    "LRN": one(evaluateLRN),
    "LpNormalization": one { a in
      let x = try a.doubles(0)
      let axis = try a.node.axis(a.node.integer("axis", -1), rank: x.rank)
      let p = a.node.integer("p", 2)
      guard p == 1 || p == 2 else { throw a.node.invalid("p is \(p), expected 1 or 2") }
      let norm =
        try p == 1
        ? x.magnitude().sum(axes: [axis], keepingAxes: true)
        : x.squared().sum(axes: [axis], keepingAxes: true).squareRoot()
      let places = broadcastPositions(from: norm.shape, to: x.shape)
      let norms = norm.elements
      // What has no length stays zero.
      let y = zip(x.elements, places).map { norms[$1] == 0 ? 0 : $0 / norms[$1] }
      return try ONNXTensor(Tensor(y, shape: x.shape), as: a.tensor(0).type)
    },
  ]

  private static func epsilon(_ a: ONNXArguments) -> Double { Double(a.node.float("epsilon", 1e-5)) }

  /// One number for each channel, so that it broadcasts.
  private static func channels(_ t: Tensor<Double>, _ x: Tensor<Double>, _ a: ONNXArguments) throws -> Tensor<Double> {
    guard x.rank >= 2, t.shape == [x.shape[1]] else {
      throw a.node.invalid("parameters of shape \(t.shape) for an input of shape \(x.shape)")
    }
    return try t.reshaped([t.count] + x.shape[2...].map { _ in 1 })
  }

  /// Without mean and with variance 1 over axes; the mean and the inverse deviation.
  private static func standardised(
    _ x: Tensor<Double>, _ axes: [Int], _ epsilon: Double
  ) throws -> (y: Tensor<Double>, mean: Tensor<Double>, inverse: Tensor<Double>) {
    let mean = try x.mean(axes: axes, keepingAxes: true)
    let centred = try x - mean
    let inverse = try (centred.squared().mean(axes: axes, keepingAxes: true) + epsilon).squareRoot().reciprocal()
    return (try centred * inverse, mean, inverse)
  }

  private static let evaluateBatchNormalization: Evaluate = { a in
    let x = try a.tensor(0)
    let isTraining = a.node.flag("training_mode")
    guard x.type.isReal, x.rank >= 2 else { throw a.node.invalid("its input is \(x.type) of shape \(x.shape)") }
    guard a.node.flag("spatial", true) else { throw a.node.unsupported("spatial = 0") }
    guard isTraining || a.node.outputs.dropFirst().allSatisfy(\.isEmpty) else {
      throw a.node.unsupported("statistics of training")
    }
    let numbers = try x.doubles()
    let (scale, shift) = (try channels(a.doubles(1), numbers, a), try channels(a.doubles(2), numbers, a))
    let (mean, variance) = (try channels(a.doubles(3), numbers, a), try channels(a.doubles(4), numbers, a))
    guard isTraining else {
      // One factor and one shift for each channel.
      let factor = try scale / (variance + epsilon(a)).squareRoot()
      let offset = try shift - mean * factor
      if x.type == .float { return [.tensor(ONNXTensor(try x.floats() * factor.converted() + offset.converted()))] }
      return [.tensor(try ONNXTensor(numbers * factor + offset, as: x.type))]
    }
    let axes = [0] + (2..<Swift.max(2, x.rank))
    let own = try numbers.mean(axes: axes, keepingAxes: true)
    let spread = try (numbers - own).squared().mean(axes: axes, keepingAxes: true)
    let y = try (numbers - own) / (spread + epsilon(a)).squareRoot() * scale + shift
    let momentum = Double(a.node.float("momentum", 0.9))
    func running(_ old: Tensor<Double>, _ new: Tensor<Double>, _ place: Int) throws -> ONNXValue {
      let flat = try old.reshaped([x.shape[1]]) * momentum + new.reshaped([x.shape[1]]) * (1 - momentum)
      return .tensor(try ONNXTensor(flat, as: a.tensor(place).type))
    }
    return [.tensor(try ONNXTensor(y, as: x.type)), try running(mean, own, 3), try running(variance, spread, 4)]
  }

  private static func evaluateGroupNormalization(_ a: ONNXArguments) throws -> ONNXTensor {
    let x = try a.doubles(0)
    let type = try a.tensor(0).type
    let groups = a.node.integer("num_groups", 0)
    guard x.rank >= 2, groups >= 1, x.shape[1] % groups == 0 else {
      throw a.node.invalid("\(groups) groups for the shape \(x.shape)")
    }
    let split = [x.shape[0], groups, x.shape[1] / groups] + x.shape[2...]
    let grouped = try standardised(x.reshaped(split), Array(2..<split.count), epsilon(a)).y
    let (scale, shift) = (try a.doubles(1), try a.doubles(2))
    // Before version 21 there is one scale for each group.
    if a.version < 21 {
      guard scale.shape == [groups], shift.shape == [groups] else {
        throw a.node.invalid("scales of shape \(scale.shape) for \(groups) groups")
      }
      let wide: [Int?] = [groups] + split[2...].map { _ in 1 }
      return try ONNXTensor((grouped * scale.reshaped(wide) + shift.reshaped(wide)).reshaped(x.shape), as: type)
    }
    let y = try grouped.reshaped(x.shape)
    return try ONNXTensor(y * channels(scale, x, a) + channels(shift, x, a), as: type)
  }

  private static let evaluateLayerNormalization: Evaluate = { a in
    let x = try a.tensor(0)
    let axis = try a.node.axis(a.node.integer("axis", -1), rank: x.rank)
    guard x.type.isReal else { throw ONNXTypeError(found: x.type, expected: "real numbers") }
    if x.type == .float, a.node.outputs.dropFirst().allSatisfy(\.isEmpty), axis < x.rank {
      var y = try x.floats().rowNormalised(axes: x.rank - axis, epsilon: Float(epsilon(a))) * a.floats(1)
      if a.has(2) { y = try y + a.floats(2) }
      return [.tensor(ONNXTensor(y))]
    }
    let (y, mean, inverse) = try standardised(x.doubles(), Array(axis..<x.rank), epsilon(a))
    // Standardised in at least single precision, then in the type of the input.
    let plain = try ONNXTensor(y, as: x.type).doubles()
    var result = try plain * a.doubles(1)
    if a.has(2) { result = try result + a.doubles(2) }
    let stash: ONNXType = x.type == .double ? .double : .float
    return [
      .tensor(try ONNXTensor(result, as: x.type)), .tensor(try ONNXTensor(mean, as: stash)),
      .tensor(try ONNXTensor(inverse, as: stash)),
    ]
  }

  /// Over neighbouring channels.
  private static func evaluateLRN(_ a: ONNXArguments) throws -> ONNXTensor {
    let x = try a.doubles(0)
    let size = a.node.integer("size", 0)
    guard x.rank >= 3, size >= 1 else { throw a.node.invalid("size is \(size) for the shape \(x.shape)") }
    let (alpha, beta) = (Double(a.node.float("alpha", 1e-4)), Double(a.node.float("beta", 0.75)))
    let bias = Double(a.node.float("bias", 1))
    let lines = Lines(x.shape, axis: 1)
    let numbers = x.elements
    var results = numbers
    let (below, above) = ((size - 1) / 2, size - 1 - (size - 1) / 2)
    try a.node.checkWork([numbers.count, Swift.min(size, lines.extent)])
    for start in lines.starts {
      for c in 0..<lines.extent {
        var sum = 0.0
        for other in Swift.max(
          0, c - below)...Swift.min(lines.extent - 1, above >= lines.extent ? lines.extent - 1 : c + above)
        {
          let value = numbers[start + other * lines.inner]
          sum += value * value
        }
        let place = start + c * lines.inner
        results[place] = numbers[place] / pow(bias + alpha / Double(size) * sum, beta)
      }
    }
    return try ONNXTensor(Tensor(results, shape: x.shape), as: a.tensor(0).type)
  }
}
