import Devices
import Substrates
import Tensors
struct ClosedLoopIntegrator: Integrator { var inventory: Inventory { Inventory() }
 init(_ p: FeedbackLoop, macro: Macro, device: any DeviceModel, in context: inout ForwardContext) throws {}
 func integrate(_ x: Tensor<Float>, _ s: LoopSignals, readAt: [Double], in context: inout ForwardContext) throws -> Tensor<Float> { throw CircuitError.weightsNotFinite } }
