import Tensors

/// What a forward pass needs besides the input, and what it leaves behind.
public struct ForwardContext: Sendable {
  /// Whether layers behave as in training: dropout drops, batch normalisation uses the batch.
  public var isTraining: Bool
  /// Where random layers and noisy arrays draw from.
  public var random: RandomStream
  /// What the hardware did so far.
  public var activity = Activity()

  public init(isTraining: Bool = false, random: RandomStream = RandomStream(seed: 0)) {
    self.isTraining = isTraining
    self.random = random
  }
}
