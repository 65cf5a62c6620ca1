import Devices
import Substrates
import Tensors

/// Computation on simulated in-memory arrays of one device.
public struct Analog: Substrate {
  public let macro: Macro
  public let device: any DeviceModel
  public var logicBits: Int { macro.logicBits }

  /// - Throws: `CircuitError.invalidSetting` for a macro that cannot be built, `DeviceError` for such a device.
  public init(_ macro: Macro = Macro(), device: any DeviceModel = RRAM()) throws {
    try macro.validate()
    try device.validate()
    self.macro = macro
    self.device = try device.prepared()
  }

  public func matrix(_ weights: Tensor<Float>, in context: inout ForwardContext) throws -> any WritableMatrix {
    try Crossbar(weights: weights, macro: macro, device: device, in: &context)
  }

  public func memory(_ words: Tensor<Float>, _ match: Match, in context: inout ForwardContext) throws
    -> any AssociativeMemory
  {
    try ContentAddressableArray(words, match, macro: macro, device: device, in: &context)
  }

  public func randomSource(in context: inout ForwardContext) throws -> any RandomSource {
    try FormedCells(macro: macro, device: device, in: &context)
  }

  public func solver(_ problem: LeastSquares, in context: inout ForwardContext) throws -> any LinearSolver {
    try ClosedLoopSolver(problem, macro: macro, device: device, in: &context)
  }

  public func integrator(_ loop: FeedbackLoop, steps: IntegrationSteps, in context: inout ForwardContext) throws
    -> any Integrator
  {
    try ClosedLoopIntegrator(loop, macro: macro, device: device, in: &context)
  }
}
