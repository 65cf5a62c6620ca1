/// What one gradient computation recorded: for every followed result, how to pass its gradient on.
///
/// Entries are appended as operations run, so that going backwards through them meets every result after all its uses.
package final class Tape: @unchecked Sendable {
  /// Adds its share to the gradients of an operation's inputs, given the gradient of its result.
  package typealias Pullback = (Body, Gradients) throws -> Void

  // Guarded by the lock: a function may use several threads.
  private let lock = Locked(())
  @exclusivity(unchecked) private var pullbacks: ContiguousArray<Pullback?> = []
  @exclusivity(unchecked) private var recording = true

  package init() {}

  package var isRecording: Bool { lock.withLock { _ in recording } }

  /// Puts `result` on the tape; a leaf has no pullback.
  package func record(_ result: Body, _ pullback: Pullback?) {
    let index = lock.withLock { _ -> Int32 in
      guard recording else { return -1 }
      pullbacks.append(pullback)
      return Int32(pullbacks.count - 1)
    }
    if index >= 0 { result.follow(self, index) }
  }

  /// Ends recording and lets go of everything that was kept.
  package func close() {
    lock.withLock { _ in
      recording = false
      pullbacks = []
    }
  }

  /// Ends recording. Gradients of `result`, one number, with respect to `leaves`; nil where it does not depend on one.
  package func gradients(of result: Body, at leaves: [Body]) throws -> [Body?] {
    lock.withLock { _ in recording = false }
    guard result.tape === self else { return leaves.map { _ in nil } }
    let gradients = Gradients(count: Int(result.index) + 1)
    let seed = try Body(result.type, result.shape)
    if seed.type == .float32 { seed.f32[0] = 1 } else { seed.f64[0] = 1 }
    gradients.add(seed, to: result.index)
    for i in stride(from: Int(result.index), through: 0, by: -1) {
      // Let go of what an operation kept as soon as it is done.
      guard let pullback = pullbacks[i] else { continue }
      pullbacks[i] = nil
      if let gradient = gradients.take(i) { try pullback(gradient, gradients) }
    }
    if let failure = gradients.failure { throw failure }
    return leaves.map { $0.index <= result.index ? gradients.take(Int($0.index)) : nil }
  }
}

/// Gradients on their way back, by number on the tape.
package final class Gradients {
  // Touched by one thread, in methods that do not call each other while they change it.
  @exclusivity(unchecked) private var slots: ContiguousArray<Body?>
  private(set) var failure: TensorError?

  init(count: Int) { slots = ContiguousArray(repeating: nil, count: count) }

  package func take(_ index: Int) -> Body? {
    defer { slots[index] = nil }
    return slots[index]
  }

  /// The sum collected so far, if no one else sees it: an operation may add to it in place.
  package func exclusive(_ index: Int32) -> Body? {
    let i = Int(index)
    guard slots[i] != nil, isKnownUniquelyReferenced(&slots[i]), let body = slots[i], !body.isView else { return nil }
    return body
  }

  package func add(_ gradient: Body, to index: Int32) {
    guard index >= 0 else { return }
    let i = Int(index)
    guard let before = slots[i] else {
      slots[i] = gradient
      return
    }
    if before.layout == gradient.layout, let mine = exclusive(index) {
      accumulate(gradient, into: mine)
      return
    }
    do {
      let sum = try Body(before.type, before.shape, gradient.layout)
      let same = try before.in(gradient.layout)
      sum.pointer.copyMemory(from: same.pointer, byteCount: sum.count * sum.type.size)
      accumulate(gradient, into: sum)
      slots[i] = sum
    } catch { failure = error }
  }
}
