import Foundation

extension ONNXValue {
  /// What a file of a value may hold.
  public enum Kind: Sendable { case tensor, sequence, optional }

  /// Reads a value from a file of its own (`.pb`), as the test data of models come in the format.
  ///
  /// - Throws: `ONNXError`.
  public init(contentsOf path: String, as kind: Kind = .tensor) throws {
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)) else { throw ONNXError.unreadable(path: path) }
    let files = ONNXExternalFiles(path: path, limit: 2 << 30)
    do {
      switch kind {
      case .tensor: self = .tensor(try ONNXTensor(Kirchhoff_Onnx_TensorProto(serializedBytes: data), files))
      case .sequence: self = try ONNXValue(Kirchhoff_Onnx_SequenceProto(serializedBytes: data), files)
      case .optional: self = try ONNXValue(Kirchhoff_Onnx_OptionalProto(serializedBytes: data), files)
      }
    } catch let error as ONNXError {
      throw error
    } catch { throw ONNXError.malformed(path: path, problem: "it is no protocol buffer of a value") }
  }

  private init(_ proto: Kirchhoff_Onnx_SequenceProto, _ files: ONNXExternalFiles) throws {
    let tensors = try proto.tensorValues.map { ONNXValue.tensor(try ONNXTensor($0, files)) }
    let sequences = try proto.sequenceValues.map { try ONNXValue($0, files) }
    self = .sequence(tensors + sequences + (try proto.optionalValues.map { try ONNXValue($0, files) }))
  }

  private init(_ proto: Kirchhoff_Onnx_OptionalProto, _ files: ONNXExternalFiles) throws {
    if proto.hasTensorValue {
      self = .optional(.tensor(try ONNXTensor(proto.tensorValue, files)))
    } else if proto.hasSequenceValue {
      self = .optional(try ONNXValue(proto.sequenceValue, files))
    } else {
      self = .optional(proto.hasOptionalValue ? try ONNXValue(proto.optionalValue, files) : nil)
    }
  }
}
