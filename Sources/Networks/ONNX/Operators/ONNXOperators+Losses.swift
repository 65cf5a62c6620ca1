import Foundation
import Tensors

// What training minimises.
extension ONNXOperators {
  static let losses: [String: Evaluate] = [
    "NegativeLogLikelihoodLoss": { a in [.tensor(try loss(a, a.doubles(0)))] },
    "SoftmaxCrossEntropyLoss": { a in
      let x = try a.doubles(0)
      guard x.rank >= 2 else { throw a.node.invalid("its input has the shape \(x.shape)") }
      let logarithms = try x.logSoftmax(axis: 1)
      let type = try a.tensor(0).type
      return [.tensor(try loss(a, logarithms)), .tensor(try ONNXTensor(logarithms, as: type))]
    },
  ]

  /// - Parameter x: logarithms of probabilities, shape `[samples, classes, …]`.
  private static func loss(_ a: ONNXArguments, _ x: Tensor<Double>) throws -> ONNXTensor {
    let type = try a.tensor(0).type
    let labels = try a.integers(1)
    guard x.rank >= 2, try a.tensor(1).shape == [x.shape[0]] + x.shape[2...] else {
      throw a.node.invalid("labels of shape \(try a.tensor(1).shape) for scores of shape \(x.shape)")
    }
    let classes = x.shape[1]
    let inner = x.shape[2...].reduce(1, *)
    let weights = a.has(2) ? try a.doubles(2).elements : nil
    guard weights.map({ $0.count == classes }) ?? true else { throw a.node.invalid("weights for \(classes) classes") }
    let ignored = a.node.has("ignore_index") ? a.node.integer("ignore_index", 0) : nil
    let numbers = x.elements
    var (losses, total) = ([Double](), 0.0)
    for (i, label) in labels.enumerated() {
      if label == ignored { losses.append(0); continue }
      guard (0..<classes).contains(label) else {
        throw a.node.invalid("the label \(label) is outside \(classes) classes")
      }
      let weight = weights?[label] ?? 1
      losses.append(-weight * numbers[(i / inner * classes + label) * inner + i % inner])
      total += weight
    }
    switch try a.node.word("reduction", ["mean", "sum", "none"]) {
    case "none": return try ONNXTensor(Tensor(losses, shape: a.tensor(1).shape), as: type)
    case "sum": return try ONNXTensor(Tensor(losses.reduce(0, +)), as: type)
    default: return try ONNXTensor(Tensor(losses.reduce(0, +) / total), as: type)
    }
  }
}
