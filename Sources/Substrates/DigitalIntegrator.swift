import Tensors

/// Steps in exact single precision.
struct DigitalIntegrator: Integrator {
  let loop: FeedbackLoop
  let steps: IntegrationSteps
  var inventory: Inventory { Inventory() }

  init(loop: FeedbackLoop, steps: IntegrationSteps) throws(TensorError) {
    guard steps.steps >= 1 else {
      throw .invalidArgument("steps", found: "\(steps.steps)", expected: "1 or more")
    }
    (self.loop, self.steps) = (loop, steps)
  }

  func integrate(
    _ x: Tensor<Float>, _ signals: LoopSignals, readAt times: [Double], in context: inout ForwardContext
  ) throws -> Tensor<Float> {
    throw TensorError.invalidArgument("loop", found: "", expected: "")
  }
}
