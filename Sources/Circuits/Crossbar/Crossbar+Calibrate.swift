import Substrates
import Tensors

extension Crossbar {
  /// Sets the range of every converter to the one with the least mean square error of rounding and clipping for these inputs.
  ///
  /// Reads are those of the cells as they are, without noise. Twenty ranges from the largest current down to a tenth of it are
  /// tried. Nothing happens where converters are ideal or their ranging is not `calibrated`.
  public mutating func calibrate(_ x: Tensor<Float>, from side: Side, in context: inout ForwardContext) throws {
    try checked(x, from: side)
    guard macro.output.ranging == .calibrated, macro.output.bits > 0, x.shape[0] > 0 else { return }
    // Enough vectors for the range of a converter; more would only take time.
    let some = try x.slice(0..<Swift.min(x.shape[0], 4096))
    let voltages = try signals(some, from: side).voltages
    let converter = try Quantiser(bits: macro.output.bits)
    var quiet = ForwardContext()
    for i in tiles.indices {
      let part = try voltages.slice(side == .rows ? tiles[i].rows : tiles[i].columns, axis: 1)
      let ranges = try tiles[i].views.enumerated().map { reading, view in
        var still = view
        (still.variance, still.sharedVariance) = (nil, nil)
        let current = try current(tiles[i], still, part, part.squared(), side, &quiet)
        return try Self.range(current, converter) ?? tiles[i].mostCurrent(reading, side)
      }
      tiles[i].setRanges(ranges, side)
    }
  }

  /// The best of the ranges that are tried; none where no current flows, which says nothing about later inputs.
  private static func range(_ current: Tensor<Float>, _ converter: Quantiser) throws -> Float? {
    let top = try current.magnitude().max().item()
    guard top > 0 else { return nil }
    var best = (range: top, error: Float.infinity)
    for i in 0..<20 {
      let range = top * Float(1 - 0.9 * Double(i) / 19)
      let error = try (converter.rounded(current, range: range) - current).squared().sum().item()
      if error < best.error { best = (range, error) }
    }
    return best.range
  }
}
