import Devices
import Substrates
import Tensors

/// Products on simulated in-memory arrays.
public struct Analog: Substrate {
  public var macro: Macro
  /// Takes the place of `macro.device` where it is given.
  public var device: (any DeviceModel)?

  /// - Throws: `CircuitError.invalidSetting` for a macro that cannot be built.
  public init(_ macro: Macro = Macro(), device: (any DeviceModel)? = nil) throws(CircuitError) {
    try macro.validate()
    self.macro = macro
    self.device = device
  }

  public func linearOperator(_ weights: Tensor<Float>, in context: inout ForwardContext) throws -> any LinearOperator {
    try Crossbar(weights: weights, macro: macro, device: device, in: &context)
  }

  public func linearSolver(_ problem: ComplexSystems, in context: inout ForwardContext) throws -> any LinearSolver {
    try ClosedLoopSolver(problem, macro: macro, device: device, in: &context)
  }

  public func integrator(
    _ network: FeedbackNetwork, steps: IntegrationSteps, in context: inout ForwardContext
  ) throws -> any Integrator {
    try ClosedLoopIntegrator(network, macro: macro, device: device, in: &context)
  }
}
