import CKernels
import COpenBLAS
import Foundation

/// How many threads tensor operations use.
///
/// Our loops, OpenBLAS and oneDNN all draw on one pool, the OpenMP runtime that oneDNN brings, so they never compete for
/// cores. By default it has a thread for every core; `OMP_NUM_THREADS` changes that for the process.
public enum Parallelism {
  /// Threads that an operation started here may use.
  public static var threads: Int { max(1, Int(OpenMP.shared.maximumThreads())) }

  /// Runs `body` with operations limited to `threads` threads (at least 1), on the calling thread only.
  public static func withThreads<R, E: Error>(_ threads: Int, _ body: () throws(E) -> R) throws(E) -> R {
    let before = OpenMP.shared.maximumThreads()
    OpenMP.shared.setThreads(Int32(clamping: max(1, threads)))
    defer { OpenMP.shared.setThreads(before) }
    return try body()
  }
}

/// OpenBLAS comes in flavours. Where it is not the one on the OpenMP pool it keeps to one thread, because a second pool
/// would compete with ours.
enum OneThreadPool {
  static let isKept: Bool = {
    let onOpenMP = openblas_get_parallel() == OPENBLAS_OPENMP
    if !onOpenMP { openblas_set_num_threads(1) }
    return onOpenMP
  }()
}

/// The few entry points of the OpenMP runtime that are needed. oneDNN has loaded it, so it is found by name.
struct OpenMP: Sendable {
  typealias Work = @convention(c) (UnsafeMutableRawPointer?) -> Void
  typealias Parallel = @convention(c) (Work, UnsafeMutableRawPointer?, UInt32, UInt32) -> Void
  typealias Get = @convention(c) () -> Int32
  typealias Set = @convention(c) (Int32) -> Void

  let parallel: Parallel?
  let thread: Get
  let inParallel: Get
  let maximumThreads: Get
  let setThreads: Set

  static let shared = OpenMP()

  private init() {
    func find<T>(_ name: String, as type: T.Type) -> T? {
      dlsym(UnsafeMutableRawPointer(bitPattern: 0), name).map { unsafeBitCast($0, to: type) }
    }
    let sanitized = kk_thread_sanitizer() == 1
    parallel = sanitized ? nil : find("GOMP_parallel", as: Parallel.self)
    thread = find("omp_get_thread_num", as: Get.self) ?? { 0 }
    inParallel = find("omp_in_parallel", as: Get.self) ?? { 0 }
    maximumThreads = find("omp_get_max_threads", as: Get.self) ?? { 1 }
    setThreads = find("omp_set_num_threads", as: Set.self) ?? { _ in }
  }
}

/// Splits `0..<count` into one range for each thread and runs them side by side; `grain` is the least work worth a thread.
///
/// `body` must write only what its own range names: how the work is split never changes a result.
package func parallelFor(_ count: Int, grain: Int = 1, _ body: (Range<Int>) -> Void) {
  if count < 2 * grain || count < 2 { return count > 0 ? body(0..<count) : () }
  let threads = min(Parallelism.threads, count / max(1, grain))
  guard threads > 1, OpenMP.shared.inParallel() == 0 else { return count > 0 ? body(0..<count) : () }
  withoutActuallyEscaping(body) { body in
    let share: (Int) -> Range<Int> = { count * $0 / threads..<count * ($0 + 1) / threads }
    guard let parallel = OpenMP.shared.parallel else {
      // Only under the thread sanitizer, which follows Dispatch but not OpenMP.
      nonisolated(unsafe) let work = body
      nonisolated(unsafe) let part = share
      DispatchQueue.concurrentPerform(iterations: threads) { work(part($0)) }
      return
    }
    var run: (Int) -> Void = { body(share($0)) }
    withUnsafeMutablePointer(to: &run) { pointer in
      parallel(
        { $0?.assumingMemoryBound(to: ((Int) -> Void).self).pointee(Int(OpenMP.shared.thread())) },
        UnsafeMutableRawPointer(pointer), UInt32(threads), 0)
    }
  }
}
