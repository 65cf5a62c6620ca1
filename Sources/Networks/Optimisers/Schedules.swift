import Foundation
import Tensors

func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

/// How the learning rate changes with the number of updates made so far.
public indirect enum LearningRateSchedule: Sendable, Codable {
  case constant
  /// Times `factor` every `every` steps.
  case stepwise(every: Int, factor: Float)
  /// Times `factor` each step.
  case exponential(factor: Float)
  /// Half a cosine down to `floor` times the rate over `steps` (Loshchilov & Hutter 2017), then constant.
  case cosine(steps: Int, floor: Float)
  /// A straight line up from 0 over `steps`, then `next`, which counts from there.
  case warmup(steps: Int, next: LearningRateSchedule)

  /// The factor on the base rate at a step, counted from 0.
  public func factor(at step: Int) -> Float {
    switch self {
    case .constant: return 1
    case .stepwise(let every, let factor): return Float(power(Double(factor), Double(step / max(1, every))))
    case .exponential(let factor): return Float(power(Double(factor), Double(step)))
    case .cosine(let steps, let floor):
      let share = Double(min(step, steps)) / Double(max(1, steps))
      return floor + (1 - floor) * Float(0.5 * (1 + Foundation.cos(Double.pi * share)))
    case .warmup(let steps, let next):
      return step < steps ? Float(step + 1) / Float(steps) : next.factor(at: step - steps)
    }
  }
}

/// Scales gradients down so that their common length is at most `limit`.
/// - Returns: the length before.
@discardableResult
public func clip<E: TensorScalar>(_ gradients: inout [Tensor<E>], norm limit: Double) throws(TensorError) -> Double {
  guard limit > 0 else { throw .invalidArgument("limit", found: "\(limit)", expected: "a positive number") }
  let length = gradients.reduce(0) { $0 + $1.squaredNorm }.squareRoot()
  if length > limit {
    for i in gradients.indices { gradients[i] = try gradients[i] * E(limit / length) }
  }
  return length
}

/// Limits every element of every gradient to ±`limit`.
public func clip<E: TensorScalar>(_ gradients: inout [Tensor<E>], value limit: E) throws(TensorError) {
  guard limit > 0 else { throw .invalidArgument("limit", found: "\(limit)", expected: "a positive number") }
  for i in gradients.indices { gradients[i] = try gradients[i].clamped(to: -limit...limit) }
}

/// A moving average of a model's parameters and buffers, often better than the model itself (Polyak & Juditsky 1992).
public struct MovingAverage<Model: Layer> {
  /// The averaged model.
  public private(set) var model: Model
  /// Share of the past in each update.
  public let decay: Float

  public init(of model: Model, decay: Float) throws {
    guard (0...1).contains(decay) else {
      throw NetworkError.invalidSetting("decay", found: "\(decay)", expected: "0...1")
    }
    (self.model, self.decay) = (model, decay)
  }

  public mutating func update(with other: Model) throws {
    var next = try other.state().makeIterator()
    let decay = decay
    try model.visit(
      Visitor { _, tensor, _ in
        guard let new = next.next()?.tensor else { return }
        try tensor.add(new - tensor, scaledBy: 1 - decay)
      })
  }

  mutating func visit(_ visitor: Visitor) throws { try visitor("average", &model) }
}
