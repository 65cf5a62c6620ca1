import CKernels
import Foundation

/// Where tensors get their memory: from blocks that were freed before, because finding memory, and worse, fresh pages,
/// costs more than most operations do on them.
package enum Memory {
  /// Blocks from this size on are kept when freed, in bytes; `malloc` is as fast below.
  static let cachedFrom = 256
  /// Blocks from this size on lie on 64-byte borders, in bytes.
  static let alignedFrom = 4096
  /// Blocks from this size on ask for pages of `hugePage` bytes.
  static let hugeFrom = 4 << 20
  static let hugePage = 2 << 20
  /// At most so much freed memory is kept, in bytes.
  static let cacheLimit = 256 << 20
  /// From this size on the machine is asked first whether it has the memory, because Linux would promise it anyway.
  static let checkedFrom = 128 << 20

  private struct Cache {
    /// Freed blocks by class of size.
    var blocks = [[UInt]](repeating: [], count: Int.bitWidth * 8)
    var bytes = 0
  }
  private static let cache = Locked(Cache())
  private static let keepsFreed = kk_address_sanitizer() == 0

  /// Sizes are rounded up to eight steps an octave, so that blocks fit again: the size, and the number of its class.
  static func rounded(_ bytes: Int) -> (size: Int, number: Int) {
    let octave = Int.bitWidth - 1 - bytes.leadingZeroBitCount
    let step = 1 << (octave - 3)
    let steps = (bytes + step - 1) / step
    return (steps * step, octave * 8 + steps - 8)
  }

  static func allocate(_ bytes: Int) throws(TensorError) -> UnsafeMutableRawPointer {
    if bytes < cachedFrom {
      guard let p = malloc(max(bytes, 16)) else { throw .outOfMemory(bytes: bytes) }
      return p
    }
    guard bytes <= Int.max / 2 else { throw .outOfMemory(bytes: bytes) }
    let (size, number) = rounded(bytes)
    if keepsFreed {
      let found: UInt? = cache.withLock { cache in
        guard let block = cache.blocks[number].popLast() else { return nil }
        cache.bytes -= size
        return block
      }
      if let found, let p = UnsafeMutableRawPointer(bitPattern: found) { return p }
    }
    if size >= checkedFrom, size > availableMemory() {
      releaseCache()
      if size > availableMemory() { throw .outOfMemory(bytes: bytes) }
    }
    var p: UnsafeMutableRawPointer?
    if size < alignedFrom {
      guard let p = malloc(size) else { throw .outOfMemory(bytes: bytes) }
      return p
    }
    let isHuge = size >= hugeFrom
    guard posix_memalign(&p, isHuge ? hugePage : 64, size) == 0, let p else { throw .outOfMemory(bytes: bytes) }
    // Fewer, larger pages: products of large matrices then wait less for addresses. Only advice, so it may fail.
    if isHuge { madvise(p, size, MADV_HUGEPAGE) }
    return p
  }

  static func release(_ p: UnsafeMutableRawPointer, bytes: Int) {
    if bytes < cachedFrom || !keepsFreed { return free(p) }
    let (size, number) = rounded(bytes)
    let address = UInt(bitPattern: p)
    let kept = cache.withLock { cache in
      guard cache.bytes + size <= cacheLimit else { return false }
      cache.blocks[number].append(address)
      cache.bytes += size
      return true
    }
    if !kept { free(p) }
  }

  /// Gives cached blocks back to the system.
  static func releaseCache() {
    let blocks = cache.withLock { cache in
      let all = cache
      cache = Cache()
      return all.blocks
    }
    for p in blocks.joined() { free(UnsafeMutableRawPointer(bitPattern: p)) }
  }

  /// Memory that the machine can still give without swapping, in bytes.
  static func availableMemory() -> Int {
    guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }),
      let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return Int.max }
    return kilobytes * 1024
  }
}
