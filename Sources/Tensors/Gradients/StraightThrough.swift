import CKernels

/// Stand-in for the derivative of a step, used on the way back through a spike; x is the distance from the threshold.
public enum SurrogateGradient: Int32, Sendable, Codable, CaseIterable {
  /// `1/(1 + k|x|)²` (Zenke & Ganguli 2018).
  case fastSigmoid
  /// `(k/2)/(1 + (πkx/2)²)` (Fang et al. 2021).
  case arctangent
  /// `k·max(0, 1 − k|x|)` (Esser et al. 2016).
  case triangle
}

// Functions that have no useful derivative. Where the name ends in `StraightThrough` the gradient passes as if the
// function were the identity (Bengio et al. 2013); without it, it is 0.
extension Tensor where Element: TensorScalar {
  /// The nearest integer, half to even.
  public func rounded() throws(TensorError) -> Tensor { try detached().map(.round) }
  /// The largest integer not above.
  public func floored() throws(TensorError) -> Tensor { try detached().map(.floor) }
  /// The smallest integer not below.
  public func ceiled() throws(TensorError) -> Tensor { try detached().map(.ceil) }
  /// −1, 0 or 1.
  public func signs() throws(TensorError) -> Tensor { try detached().map(.sign) }
  /// 1 where the number reaches `threshold`, else 0.
  public func step(at threshold: Element = 0) throws(TensorError) -> Tensor {
    try detached().map(.step, parameter: Double(threshold))
  }

  public func roundedStraightThrough() throws(TensorError) -> Tensor { try rounded().recorded(from: self) { $0 } }
  public func signsStraightThrough() throws(TensorError) -> Tensor { try signs().recorded(from: self) { $0 } }
  public func clampedStraightThrough(to bounds: ClosedRange<Element>) throws(TensorError) -> Tensor {
    try clamp(bounds, gradientOutside: true)
  }
  public func stepStraightThrough(at threshold: Element = 0) throws(TensorError) -> Tensor {
    try step(at: threshold).recorded(from: self) { $0 }
  }

  /// 1 where the number reaches `threshold`, else 0; the gradient is that of a smooth stand-in.
  ///
  /// - Parameter steepness: k in `SurrogateGradient`, positive.
  public func spikes(
    at threshold: Element = 0, surrogate: SurrogateGradient = .fastSigmoid, steepness: Element = 10
  ) throws(TensorError) -> Tensor {
    guard steepness > 0
    else { throw .invalidArgument("steepness", found: "\(steepness)", expected: "a positive number") }
    let distance = try detached() - threshold
    return try distance.step().recorded(from: self) { upstream in
      let g = try upstream.laidOut(distance.body.layout)
      let d = try Tensor.uninitialized(g.shape, g.body.layout)
      if g.body.type == .float32 {
        kk_surrogate_f32(surrogate.rawValue, g.count, Float(steepness), g.body.f32, distance.body.f32, d.body.f32)
      } else {
        kk_surrogate_f64(surrogate.rawValue, g.count, Double(steepness), g.body.f64, distance.body.f64, d.body.f64)
      }
      return d
    }
  }
}
