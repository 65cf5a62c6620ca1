import CKernels

/// What lies outside an image that is sampled.
public enum OutsideImage: Int32, Sendable, Codable { case zeros, nearestEdge }

/// Bilinear samples of images at given points, with gradients to both (spatial transformer: Jaderberg et al. 2015).
///
/// - Parameters:
///   - image: shape `[batch, channels, height, width]`.
///   - grid: shape `[batch, rows, columns, 2]`: x, then y, from −1 (left, top) to 1 (right, bottom).
///   - alignCorners: whether ±1 are the centres of the outermost pixels (else their outer edges).
/// - Returns: shape `[batch, channels, rows, columns]`.
public func gridSample<E: TensorScalar>(
  _ image: Tensor<E>, at grid: Tensor<E>, outside: OutsideImage = .zeros, alignCorners: Bool = false
) throws(TensorError) -> Tensor<E> {
  guard image.rank == 4, image.shape[2] > 0, image.shape[3] > 0
  else { throw .wrongShape(argument: "image", found: image.shape, expected: "[batch, channels, height, width]") }
  guard grid.rank == 4, grid.shape[0] == image.shape[0], grid.shape[3] == 2
  else { throw .wrongShape(argument: "grid", found: grid.shape, expected: "[\(image.shape[0]), rows, columns, 2]") }
  let (channels, height, width) = (image.shape[1], image.shape[2], image.shape[3])
  guard height * width <= Int(Int32.max) else { throw .tooLarge(shape: image.shape) }
  let rows = grid.shape[1]
  let columns = grid.shape[2]
  let samples = image.shape[0]
  let x = try image.body.in(.rowMajor)
  let points = try grid.body.in(.rowMajor)
  let y = try Tensor<E>.uninitialized([samples, channels, rows, columns])
  let border = outside.rawValue
  let corners: Int32 = alignCorners ? 1 : 0
  let result = rows * columns * channels
  let packed = try packedChannels(x, samples, channels, height * width)
  let packedPlane = packed.count / max(1, samples)
  parallelFor(samples * rows, grain: max(1, elementwiseGrain / 4 / max(1, columns * channels))) { part in
    for i in part {
      let n = i / rows
      let r = i % rows
      if x.type == .float32 {
        kk_grid_sample_f32(
          border, corners, columns, channels, height, width, rows * columns, packed.f32 + n * packedPlane,
          points.f32 + i * columns * 2, y.body.f32 + n * result + r * columns)
      } else {
        kk_grid_sample_f64(
          border, corners, columns, channels, height, width, rows * columns, packed.f64 + n * packedPlane,
          points.f64 + i * columns * 2, y.body.f64 + n * result + r * columns)
      }
    }
  }
  return try y.recorded(from: [image, grid]) { upstream, needed in
    let g = try upstream.body.in(.rowMajor)
    let dImage = needed[0] ? try Tensor<E>.zeros(x.shape) : nil
    let dGrid = needed[1] ? try Tensor<E>.zeros(points.shape) : nil
    gridSampleGradient(
      x, points, g, image: dImage?.body, grid: dGrid?.body, border: border, corners: corners)
    return [dImage, dGrid]
  }
}

/// Adds the gradients to those of image and grid, which are followed where they are there.
private func gridSampleGradient(
  _ x: Body, _ points: Body, _ g: Body, image: Body?, grid: Body?, border: Int32, corners: Int32
) {
  let (channels, height, width) = (x.shape[1], x.shape[2], x.shape[3])
  let (rows, columns) = (points.shape[1], points.shape[2])
  let (plane, result) = (height * width * channels, rows * columns * channels)
  // Rows of one image add to the same pixels, so samples are shared out, not rows.
  parallelFor(x.shape[0]) { part in
    for n in part {
      for r in 0..<rows {
        let i = n * rows + r
        let from = n * result + r * columns
        if x.type == .float32 {
          kk_grid_sample_gradient_f32(
            border, corners, columns, channels, height, width, rows * columns, x.f32 + n * plane,
            points.f32 + i * columns * 2, g.f32 + from, image.map { $0.f32 + n * plane },
            grid.map { $0.f32 + i * columns * 2 })
        } else {
          kk_grid_sample_gradient_f64(
            border, corners, columns, channels, height, width, rows * columns, x.f64 + n * plane,
            points.f64 + i * columns * 2, g.f64 + from, image.map { $0.f64 + n * plane },
            grid.map { $0.f64 + i * columns * 2 })
        }
      }
    }
  }
}

/// Images with four channels next to each other, so that a neighbour is one load: `[sample, pack, pixel, 4]`.
private func packedChannels(_ x: Body, _ samples: Int, _ channels: Int, _ pixels: Int) throws(TensorError) -> Body {
  let packs = (channels + 3) / 4
  let y = try Body(x.type, [samples, packs, pixels, 4])
  parallelFor(samples * packs, grain: max(1, elementwiseGrain / (4 * pixels))) { part in
    for i in part {
      let (n, pack) = (i / packs, i % packs)
      let from = (n * channels + 4 * pack) * pixels
      let here = min(4, channels - 4 * pack)
      if x.type == .float32 {
        kk_pack_channels_f32(pixels, here, x.f32 + from, y.f32 + i * pixels * 4)
      } else {
        kk_pack_channels_f64(pixels, here, x.f64 + from, y.f64 + i * pixels * 4)
      }
    }
  }
  return y
}

/// How to fill in pixels between given ones.
public enum Interpolation: Sendable, Codable { case nearest, bilinear }

extension Tensor where Element: TensorScalar {
  /// Images at another size, larger or smaller.
  ///
  /// - Parameters:
  ///   - height, width: of the result.
  ///   - alignCorners: for `.bilinear`, whether the centres of the corner pixels stay where they are.
  /// - Returns: shape `[batch, channels, height, width]`.
  public func resized(
    height: Int, width: Int, by interpolation: Interpolation = .nearest, alignCorners: Bool = false
  ) throws(TensorError) -> Tensor {
    guard rank == 4, shape[2] > 0, shape[3] > 0
    else { throw .wrongShape(argument: "self", found: shape, expected: "[batch, channels, height, width]") }
    guard height > 0, width > 0
    else { throw .invalidArgument("height, width", found: "\(height), \(width)", expected: "1 or more") }
    if interpolation == .nearest {
      func source(_ from: Int, _ to: Int) throws(TensorError) -> Tensor<Int32> {
        try Tensor<Int32>((0..<to).map { Int32($0 * from / to) })
      }
      return try selecting(source(shape[2], height), axis: 2).selecting(source(shape[3], width), axis: 3)
    }
    // Bilinear resizing is a product with one sparse row of weights for each side.
    return try matmul(
      matmul(Tensor.resizing(shape[2], height, alignCorners), self), Tensor.resizing(shape[3], width, alignCorners),
      transposingB: true)
  }

  /// The weights of `from` pixels in each of `to` pixels.
  private static func resizing(_ from: Int, _ to: Int, _ alignCorners: Bool) throws(TensorError) -> Tensor {
    let y = try zeros([to, from])
    for i in 0..<to {
      let position =
        alignCorners
        ? (to == 1 ? 0 : Double(i) * Double(from - 1) / Double(to - 1))
        : Swift.max(0, (Double(i) + 0.5) * Double(from) / Double(to) - 0.5)
      let low = Swift.min(Int(position), from - 1)
      let high = Swift.min(low + 1, from - 1)
      let share = Element(position - Double(low))
      y.pointer[i * from + low] += 1 - share
      y.pointer[i * from + high] += share
    }
    return y
  }
}

extension Tensor where Element: TensorScalar {
  /// Means over windows that are chosen so that the result has the given extents; windows may overlap by a pixel where
  /// the extents do not divide.
  ///
  /// - Returns: shape `[batch, channels, height, width]`.
  public func averagePooled(toHeight height: Int, width: Int) throws(TensorError) -> Tensor {
    guard rank == 4, shape[2] > 0, shape[3] > 0
    else { throw .wrongShape(argument: "self", found: shape, expected: "[batch, channels, height, width]") }
    guard (1...shape[2]).contains(height), (1...shape[3]).contains(width) else {
      throw .invalidArgument(
        "height, width", found: "\(height), \(width)",
        expected: "1 to the extents of the image \(shape[2]), \(shape[3])")
    }
    return try matmul(
      matmul(Tensor.windowMeans(shape[2], height), self), Tensor.windowMeans(shape[3], width), transposingB: true)
  }

  /// The weights of `from` pixels in the means of `to` windows.
  private static func windowMeans(_ from: Int, _ to: Int) throws(TensorError) -> Tensor {
    let y = try zeros([to, from])
    for i in 0..<to {
      let first = i * from / to
      let last = ((i + 1) * from + to - 1) / to
      for j in first..<last { y.pointer[i * from + j] = 1 / Element(last - first) }
    }
    return y
  }
}
