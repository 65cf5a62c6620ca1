// docs/tensors.md shows exactly the part between the rules.
// ---
import Tensors

/// The nearest multiples of `step`, with a gradient as if nothing had been rounded.
func quantised(_ x: Tensor<Float>, step: Float) throws -> Tensor<Float> {
  try withCustomGradient(of: [x]) {
    try ($0[0] / step).rounded() * step
  } gradient: { upstream, _ in
    [upstream]
  }
}
// ---
