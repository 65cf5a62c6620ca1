import Tensors

/// How one memristive technology stores a conductance and returns it (siemens; any shape, which is kept).
public protocol DeviceModel: Sendable {
  /// The conductances that write–verify can reach, in siemens.
  var window: ClosedRange<Float> { get }
  /// Programming pulses that one write–verify of one cell takes on average.
  var pulsesPerWrite: Float { get }
  /// Conductances after write–verify towards `target`, in siemens.
  func programmed(_ target: Tensor<Float>, using random: inout RandomStream) throws -> Tensor<Float>
  /// Mean conductances `age` seconds after programming, in siemens.
  func aged(_ stored: Tensor<Float>, age: Double) throws -> Tensor<Float>
  /// Variance of one read of a cell around its mean, in siemens².
  func readVariance(_ stored: Tensor<Float>) throws -> Tensor<Float>
}
