import Tensors

// Losses are means over all numbers, or over samples where there are classes, and differentiable in their first argument.

/// `mean((prediction − target)²)`.
public func meanSquaredError<E: TensorScalar>(_ prediction: Tensor<E>, _ target: Tensor<E>) throws(TensorError)
  -> Tensor<E>
{
  try checkSame(prediction, target, "meanSquaredError")
  return try (prediction - target).squared().mean()
}

/// `mean(|prediction − target|)`.
public func meanAbsoluteError<E: TensorScalar>(_ prediction: Tensor<E>, _ target: Tensor<E>) throws(TensorError)
  -> Tensor<E>
{
  try checkSame(prediction, target, "meanAbsoluteError")
  return try (prediction - target).magnitude().mean()
}

/// Huber's loss (1964): quadratic within `delta` of the target, linear beyond.
public func huberLoss<E: TensorScalar>(
  _ prediction: Tensor<E>, _ target: Tensor<E>, delta: E = 1
) throws(TensorError) -> Tensor<E> {
  try checkSame(prediction, target, "huberLoss")
  guard delta > 0 else { throw .invalidArgument("delta", found: "\(delta)", expected: "a positive number") }
  let distance = try (prediction - target).magnitude()
  // |d|·m − m²/2 with m = min(|d|, δ).
  let inner = try distance.clamped(to: 0...delta)
  return try (distance * inner - inner.squared() * 0.5).mean()
}

/// `−log softmax(logits)[label]`, mean over samples.
///
/// - Parameters:
///   - logits: shape `[samples, classes]`.
///   - labels: shape `[samples]`.
///   - smoothing: share of the target spread over all classes (Szegedy et al. 2016), in 0..<1.
public func crossEntropy<E: TensorScalar>(
  _ logits: Tensor<E>, _ labels: Tensor<Int32>, smoothing: E = 0
) throws(TensorError) -> Tensor<E> {
  guard logits.rank == 2, labels.shape == [logits.shape[0]]
  else { throw .incompatibleShapes(operation: "crossEntropy", left: logits.shape, right: labels.shape) }
  guard smoothing >= 0, smoothing < 1
  else { throw .invalidArgument("smoothing", found: "\(smoothing)", expected: "0 up to below 1") }
  let logarithms = try logits.logSoftmax()
  let hard = try logarithms.gathered(labels.reshaped([nil, 1]), axis: 1).mean()
  if smoothing == 0 { return try hard.negated() }
  return try (hard * (1 - smoothing) + logarithms.mean() * smoothing).negated()
}

/// `−log p[label]` for log-probabilities, mean over samples.
public func negativeLogLikelihood<E: TensorScalar>(
  _ logProbabilities: Tensor<E>, _ labels: Tensor<Int32>
) throws(TensorError) -> Tensor<E> {
  guard logProbabilities.rank == 2, labels.shape == [logProbabilities.shape[0]]
  else {
    throw .incompatibleShapes(operation: "negativeLogLikelihood", left: logProbabilities.shape, right: labels.shape)
  }
  return try logProbabilities.gathered(labels.reshaped([nil, 1]), axis: 1).mean().negated()
}

/// `−t·log σ(x) − (1 − t)·log(1 − σ(x))` for logits x, mean over all numbers, without overflow.
public func binaryCrossEntropy<E: TensorScalar>(logits: Tensor<E>, _ target: Tensor<E>) throws(TensorError) -> Tensor<E>
{
  try checkSame(logits, target, "binaryCrossEntropy")
  return try (softplus(logits) - logits * target).mean()
}

/// `−t·log p − (1 − t)·log(1 − p)` for probabilities p, mean over all numbers; logarithms stop at −100, as in PyTorch, so
/// that certainty in the wrong costs a finite amount. Where logits are at hand, `binaryCrossEntropy(logits:)` is exact.
public func binaryCrossEntropy<E: TensorScalar>(
  probabilities p: Tensor<E>, _ target: Tensor<E>
) throws(TensorError) -> Tensor<E> {
  try checkSame(p, target, "binaryCrossEntropy")
  let floor = try Tensor<E>(-100)
  return try (target * Tensor.maximum(log(p), floor) + (1 - target) * Tensor.maximum(log1p(p.negated()), floor))
    .mean().negated()
}

/// `Σ p·(log p − log q)` over the last axis, mean over the others; p given as probabilities, q as logarithms.
public func klDivergence<E: TensorScalar>(logarithmOf q: Tensor<E>, from p: Tensor<E>) throws(TensorError) -> Tensor<E>
{
  try checkSame(q, p, "klDivergence")
  let entropy = try Tensor.select(p .> 0, p * log(Tensor.maximum(p, Tensor(E.leastNormalMagnitude))), Tensor(0))
  return try (entropy - p * q).sum(axes: [-1]).mean()
}

/// `mean(max(0, 1 − target·score))` for targets of ±1.
public func hingeLoss<E: TensorScalar>(_ score: Tensor<E>, _ target: Tensor<E>) throws(TensorError) -> Tensor<E> {
  try checkSame(score, target, "hingeLoss")
  return try relu(1 - score * target).mean()
}

/// Share of samples whose largest logit is at their label.
public func accuracy<E: TensorScalar>(_ logits: Tensor<E>, _ labels: Tensor<Int32>) throws(TensorError) -> Double {
  guard logits.rank == 2, labels.shape == [logits.shape[0]]
  else { throw .incompatibleShapes(operation: "accuracy", left: logits.shape, right: labels.shape) }
  let hits = zip(try logits.indexOfMax(axis: 1).elements, labels.elements).count { $0 == $1 }
  return Double(hits) / Double(max(1, labels.count))
}

private func checkSame<E: TensorScalar>(_ a: Tensor<E>, _ b: Tensor<E>, _ operation: String) throws(TensorError) {
  // A loss that broadcasts hides a forgotten axis.
  if a.shape != b.shape { throw .incompatibleShapes(operation: operation, left: a.shape, right: b.shape) }
}
