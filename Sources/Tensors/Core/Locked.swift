import Foundation

/// A value that only one thread at a time may touch.
///
/// A POSIX lock, and not `Synchronization.Mutex`, because the thread sanitizer knows it.
package final class Locked<Value>: @unchecked Sendable {
  // The lock is the guard: the compiler's own checks would cost more than it does.
  @exclusivity(unchecked) private var value: Value
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  package init(_ value: Value) {
    self.value = value
    mutex = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  package func withLock<R>(_ body: (inout Value) throws -> R) rethrows -> R {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}
