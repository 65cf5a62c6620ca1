import CKernels

extension Body {
  /// Numbers between neighbouring channels' pixels: the product of the extents after the second axis.
  private var spatialCount: Int { shape.dropFirst(2).reduce(1, *) }

  /// The same numbers in another layout; itself where nothing has to move.
  package func `in`(_ wanted: Layout) throws(TensorError) -> Body {
    guard layout != wanted, shape.count > 2 else { return self }
    let result = try Body(type, shape, wanted)
    let channels = shape[1]
    let pixels = spatialCount
    let (rows, columns) = wanted == .channelsLast ? (channels, pixels) : (pixels, channels)
    let sample = rows * columns
    guard sample > 0 else { return result }
    if rows == 1 || columns == 1 {
      result.pointer.copyMemory(from: pointer, byteCount: count * type.size)
      return result
    }
    nonisolated(unsafe) let from = pointer
    nonisolated(unsafe) let to = result.pointer
    let size = type.size
    parallelFor(shape[0], grain: max(1, 32768 / sample)) { samples in
      for n in samples {
        let x = from + n * sample * size
        let y = to + n * sample * size
        if size == 4 {
          kk_transpose_w32(
            rows, columns, x.assumingMemoryBound(to: UInt32.self), columns, y.assumingMemoryBound(to: UInt32.self), rows
          )
        } else {
          kk_transpose_w64(
            rows, columns, x.assumingMemoryBound(to: UInt64.self), columns, y.assumingMemoryBound(to: UInt64.self), rows
          )
        }
      }
    }
    return result
  }
}

extension Tensor {
  /// The same tensor with its last axis contiguous. Still followed by the same tape.
  package func rowMajor() throws(TensorError) -> Tensor { try laidOut(.rowMajor) }

  package func laidOut(_ layout: Layout) throws(TensorError) -> Tensor {
    let moved = try body.in(layout)
    if moved === body { return self }
    if let tape = body.tape { moved.follow(tape, body.index) }
    return Tensor(body: moved)
  }
}
