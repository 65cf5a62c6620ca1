import Tensors

/// What a forward pass needs besides the input, and what it leaves behind.
public struct ForwardContext: Sendable {
  /// Whether layers behave as in training: dropout drops, batch normalisation uses the batch.
  public var isTraining: Bool
  /// Whether placed matrices set the ranges of their converters from what they see, see `StoredMatrix.calibrate`.
  public var isCalibrating = false
  /// Where random layers and noisy arrays draw from.
  public var random: RandomStream
  /// What the hardware did so far.
  public var activity = Activity()
  /// Where in a model the computation is: names of layers, joined by dots.
  public var scope = ""

  public init(isTraining: Bool = false, random: RandomStream = RandomStream(seed: 0)) {
    self.isTraining = isTraining
    self.random = random
  }

  /// Adds to the ledger, under the present scope.
  public mutating func count(_ part: Part, _ event: Event, _ amount: Double, bits: Int = 0) {
    activity.add(part, event, amount, bits: bits, scope: scope)
  }

  /// Adds to the ledger, under the present scope.
  public mutating func count(_ part: Part, _ event: Event, _ amount: Int, bits: Int = 0) {
    count(part, event, Double(amount), bits: bits)
  }

  /// Runs `body` inside a scope below the present one.
  public mutating func within<R>(_ name: String, _ body: (inout ForwardContext) throws -> R) rethrows -> R {
    let outer = scope
    scope = outer.isEmpty ? name : "\(outer).\(name)"
    defer { scope = outer }
    return try body(&self)
  }

  /// A stream of its own for something that is made now: no two that are made share one.
  public mutating func stream(_ name: String) -> RandomStream { random.split("\(name) \(random.next())") }
}
