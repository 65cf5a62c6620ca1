/// What can go wrong with ONNX files. Every message says what to do.
public enum ONNXError: Error, Equatable, CustomStringConvertible {
  case unreadable(path: String)
  case malformed(path: String, problem: String)
  /// A tensor's numbers lie in a file that is not there.
  case missingExternalData(path: String, file: String, tensor: String)
  case unsupportedOperator(_ name: String, node: String)
  case unsupportedOperatorSet(domain: String, version: Int, accepted: ClosedRange<Int>)
  case unsupportedFeature(_ feature: String, node: String)
  /// A node that breaks the rules of its operator.
  case invalidNode(node: String, operator: String, problem: String)
  case missingInput(name: String, given: [String])
  case wrongInput(name: String, found: [Int], expected: String)
  case wrongInputType(name: String, found: ONNXType, expected: ONNXType)
  /// More numbers, or more work, than one model may ask for.
  case tooLarge(node: String, operator: String, problem: String)

  public var description: String {
    switch self {
    case .unreadable(let path): "\(path) cannot be read: check the name and its permissions"
    case .malformed(let path, let problem): "\(path) is not a valid ONNX file: \(problem): export it again"
    case .missingExternalData(let path, let file, let tensor):
      "\(path) keeps its weights in a file of their own: \(file), which cannot be read, has those of \(tensor): put it beside the model under that name, or export with external_data=False"
    case .unsupportedOperator(let name, let node):
      "the operator \(name) of node \(node) is not supported: export the model without it; docs/onnx.md lists those that are"
    case .unsupportedOperatorSet(let domain, let version, let accepted):
      "the model uses version \(version) of the operators \(domain.isEmpty ? "ai.onnx" : domain), versions \(accepted.lowerBound) to \(accepted.upperBound) are supported: convert it with onnx.version_converter, or export it with another opset_version"
    case .unsupportedFeature(let feature, let node):
      "node \(node) uses \(feature), which is not supported: export the model without it"
    case .invalidNode(let node, let name, let problem):
      "node \(node) (\(name)): \(problem): check the model with onnx.checker"
    case .missingInput(let name, let given):
      "the model's input `\(name)` is not given (given: \(given.joined(separator: ", "))): give it under that name"
    case .wrongInput(let name, let found, let expected):
      "input `\(name)` has shape \(found), the model expects \(expected): reshape it"
    case .wrongInputType(let name, let found, let expected):
      "input `\(name)` has numbers of type \(found), the model expects \(expected): convert it"
    case .tooLarge(let node, let name, let problem):
      "node \(node) (\(name)) \(problem): run the model on smaller inputs"
    }
  }
}
