/// How the numbers of a tensor lie in memory. It is not part of a tensor's value: every operation gives the same result
/// for both. Convolutions, and what stands between them, are fastest with the channels next to each other.
package enum Layout: Sendable {
  /// The last axis is contiguous.
  case rowMajor
  /// For `[batch, channels, …]`: as if it were `[batch, …, channels]`, row-major.
  case channelsLast
}

/// The memory of a tensor, its shape, and its place on the tape. Never changed once it is shared.
package final class Body: @unchecked Sendable {
  package let pointer: UnsafeMutableRawPointer
  package let type: ElementType
  package let layout: Layout
  package let shape: [Int]
  package let count: Int
  /// Keeps the memory where this body is another view of it.
  private let owner: Body?
  /// The gradient computation that follows this tensor, and its number there.
  @exclusivity(unchecked) package private(set) var tape: Tape?
  @exclusivity(unchecked) package private(set) var index: Int32 = -1

  /// Memory with undefined contents.
  package init(_ type: ElementType, _ shape: [Int], _ layout: Layout = .rowMajor) throws(TensorError) {
    var count = 1
    for extent in shape {
      guard extent >= 0
      else { throw .wrongShape(argument: "shape", found: shape, expected: "extents of 0 or more") }
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow, product <= Int.max / 16 else { throw .tooLarge(shape: shape) }
      count = product
    }
    self.type = type
    self.layout = layout
    self.shape = shape
    self.count = count
    owner = nil
    pointer = try Memory.allocate(count * type.size)
  }

  /// Another shape, or another place on a tape, for the same memory.
  package init(viewing other: Body, shape: [Int], tape: Tape? = nil, index: Int32 = -1) {
    pointer = other.pointer
    type = other.type
    layout = other.layout
    self.shape = shape
    count = other.count
    owner = other.owner ?? other
    self.tape = tape
    self.index = index
  }

  /// The same memory read as row-major with another shape, whatever its layout was.
  package init(relabelling other: Body, shape: [Int]) {
    pointer = other.pointer
    type = other.type
    layout = .rowMajor
    self.shape = shape
    count = other.count
    owner = other.owner ?? other
  }

  deinit {
    if owner == nil { Memory.release(pointer, bytes: count * type.size) }
  }

  /// Puts a fresh result on the tape.
  package func follow(_ tape: Tape, _ index: Int32) {
    self.tape = tape
    self.index = index
  }

  package var isView: Bool { owner != nil }
  package var f32: UnsafeMutablePointer<Float> { pointer.assumingMemoryBound(to: Float.self) }
  package var f64: UnsafeMutablePointer<Double> { pointer.assumingMemoryBound(to: Double.self) }
  package var i32: UnsafeMutablePointer<Int32> { pointer.assumingMemoryBound(to: Int32.self) }
}
