import Foundation
import Tensors

/// The write end of the pipe that the signal handler has; signal handlers may touch nothing but such numbers.
nonisolated(unsafe) private var stopSignalPipe: Int32 = -1

/// Ctrl-C and the termination signal, told to whoever asks. A signal is never lost: the handler is in place when asking returns,
/// which sources of libdispatch do not promise.
enum StopSignals {
  private static let listeners = Locked<[@Sendable () -> Void]>([])

  private static let isListening: Bool = {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return false }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    stopSignalPipe = ends[1]
    let source = ends[0]
    Thread.detachNewThread {
      var byte: UInt8 = 0
      while true {
        let count = read(source, &byte, 1)
        if count == 1 { for listener in listeners.withLock({ $0 }) { listener() } }
        if count == 0 || (count < 0 && errno != EINTR) { return }
      }
    }
    for number in [SIGINT, SIGTERM] {
      signal(number) { _ in
        let before = errno
        var byte: UInt8 = 1
        _ = write(stopSignalPipe, &byte, 1)
        errno = before
      }
    }
    return true
  }()

  /// Calls `listener` at each of these signals, on a thread of its own.
  static func listen(_ listener: @escaping @Sendable () -> Void) {
    listeners.withLock { $0.append(listener) }
    _ = isListening
  }
}
