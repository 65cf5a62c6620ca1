import Devices
import Substrates
struct ClosedLoopSolver: LinearSolver { var inventory: Inventory { Inventory() }
 init(_ p: LeastSquares, macro: Macro, device: any DeviceModel, in context: inout ForwardContext) throws {}
 func solve(_ y: Tensor<Float>, in context: inout ForwardContext) throws -> Settled { throw CircuitError.weightsNotFinite } }
import Tensors
