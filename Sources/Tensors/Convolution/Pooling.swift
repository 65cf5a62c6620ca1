import CKernels

/// The extents of a pooling, checked, in the form the kernels take.
private struct PoolGeometry {
  var pool: kk_pool
  var result: [Int]

  init(_ x: [Int], _ window: Window, _ stride: Window?, _ padding: Window) throws(TensorError) {
    let spatial = x.count - 2
    guard (1...3).contains(spatial), x.allSatisfy({ $0 > 0 }) else {
      throw .wrongShape(argument: "x", found: x, expected: "[batch, channels] and 1 to 3 spatial extents, all above 0")
    }
    let window = try window.resolved(spatial, atLeast: 1, "window")
    let stride = try stride?.resolved(spatial, atLeast: 1, "stride") ?? window
    let padding = try padding.resolved(spatial, atLeast: 0, "padding")
    func three(_ values: [Int], _ fill: Int) -> (Int, Int, Int) {
      let all = Array(repeating: fill, count: 3 - spatial) + values
      return (all[0], all[1], all[2])
    }
    var out: [Int] = []
    for i in 0..<spatial {
      let room = x[i + 2] + 2 * padding[i] - window[i]
      guard room >= 0, 2 * padding[i] <= window[i] else {
        throw .invalidArgument(
          "window, padding", found: "\(window), \(padding)",
          expected: "a window within the padded input \(Array(x[2...])), and padding of at most half of it")
      }
      out.append(room / stride[i] + 1)
    }
    pool = kk_pool(
      channels: x[1], in: three(Array(x[2...]), 1), out: three(out, 1), window: three(window, 1),
      stride: three(stride, 1), padding: three(padding, 0))
    result = [x[0], x[1]] + out
  }
}

extension Tensor where Element: TensorScalar {
  /// Largest element in each window.
  ///
  /// - Parameters:
  ///   - window: extents for each spatial axis, or one for all.
  ///   - stride: the window by default.
  ///   - padding: at both ends, at most half the window; padding is never the largest.
  /// - Returns: extents `(n + 2·padding − window)/stride + 1`.
  public func maxPooled(_ window: Window, stride: Window? = nil, padding: Window = 0) throws(TensorError) -> Tensor {
    let geometry = try PoolGeometry(shape, window, stride, padding)
    let x = try body.in(.channelsLast)
    let y = try Tensor.uninitialized(geometry.result, .channelsLast)
    let positions = try Tensor<Int32>.uninitialized(geometry.result)
    let perInput = x.count / shape[0]
    let perResult = y.count / shape[0]
    forEachSample(shape[0], perInput) { n in
      withUnsafePointer(to: geometry.pool) { pool in
        let at = positions.pointer + n * perResult
        if x.type == .float32 {
          kk_max_pool_f32(pool, x.f32 + n * perInput, y.body.f32 + n * perResult, at)
        } else {
          kk_max_pool_f64(pool, x.f64 + n * perInput, y.body.f64 + n * perResult, at)
        }
      }
    }
    let shape = shape
    return y.recorded(from: self) { upstream in
      let g = try upstream.body.in(.channelsLast)
      let d = try Tensor.zeroed(shape, .channelsLast)
      forEachSample(shape[0], perInput) { n in
        withUnsafePointer(to: geometry.pool) { pool in
          let at = positions.pointer + n * perResult
          if g.type == .float32 {
            kk_max_pool_gradient_f32(pool, g.f32 + n * perResult, at, d.body.f32 + n * perInput)
          } else {
            kk_max_pool_gradient_f64(pool, g.f64 + n * perResult, at, d.body.f64 + n * perInput)
          }
        }
      }
      return d
    }
  }

  /// Mean over each window; zeros of the padding count where `countingPadding`.
  public func averagePooled(
    _ window: Window, stride: Window? = nil, padding: Window = 0, countingPadding: Bool = true
  ) throws(TensorError) -> Tensor {
    let geometry = try PoolGeometry(shape, window, stride, padding)
    let x = try body.in(.channelsLast)
    let y = try Tensor.uninitialized(geometry.result, .channelsLast)
    let perInput = x.count / shape[0]
    let perResult = y.count / shape[0]
    let counting: Int32 = countingPadding ? 1 : 0
    forEachSample(shape[0], perInput) { n in
      withUnsafePointer(to: geometry.pool) { pool in
        if x.type == .float32 {
          kk_average_pool_f32(pool, counting, x.f32 + n * perInput, y.body.f32 + n * perResult)
        } else {
          kk_average_pool_f64(pool, counting, x.f64 + n * perInput, y.body.f64 + n * perResult)
        }
      }
    }
    let shape = shape
    return y.recorded(from: self) { upstream in
      let g = try upstream.body.in(.channelsLast)
      let d = try Tensor.zeroed(shape, .channelsLast)
      forEachSample(shape[0], perInput) { n in
        withUnsafePointer(to: geometry.pool) { pool in
          if g.type == .float32 {
            kk_average_pool_gradient_f32(pool, counting, g.f32 + n * perResult, d.body.f32 + n * perInput)
          } else {
            kk_average_pool_gradient_f64(pool, counting, g.f64 + n * perResult, d.body.f64 + n * perInput)
          }
        }
      }
      return d
    }
  }

  /// Mean over all spatial positions: shape `[batch, channels]`.
  public func globalAveragePooled() throws(TensorError) -> Tensor {
    guard rank >= 3 else {
      throw .wrongShape(argument: "x", found: shape, expected: "[batch, channels] and spatial extents")
    }
    let pixels = shape[2...].reduce(1, *)
    let channels = shape[1]
    let samples = shape[0]
    guard pixels > 0 else { throw .wrongShape(argument: "x", found: shape, expected: "at least one pixel") }
    let x = try body.in(.channelsLast)
    let flat = Tensor(body: Body(relabelling: x, shape: [samples, pixels, channels]))
    let y = try flat.reduced(.sum, axes: [1]).viewed([samples, channels]).scaled(1 / Element(pixels), plus: 0)
    let shape = shape
    return y.recorded(from: self) { g in
      let d = try Tensor.uninitialized(shape, .channelsLast)
      let share = try g.scaled(1 / Element(pixels), plus: 0).viewed([samples, 1, channels])
      applyBinary(.add, share.body, try Tensor(0).body, Body(relabelling: d.body, shape: [samples, pixels, channels]))
      return d
    }
  }

  static func zeroed(_ shape: [Int], _ layout: Layout) throws(TensorError) -> Tensor {
    let y = try uninitialized(shape, layout)
    y.pointer.update(repeating: 0, count: y.count)
    return y
  }
}

private func forEachSample(_ samples: Int, _ work: Int, _ body: (Int) -> Void) {
  parallelFor(samples, grain: max(1, elementwiseGrain / 2 / max(1, work))) { for n in $0 { body(n) } }
}
