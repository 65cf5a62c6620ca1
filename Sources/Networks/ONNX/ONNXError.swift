/// What can go wrong with ONNX files. Every message says what to do.
public enum ONNXError: Error, Equatable, CustomStringConvertible {
  case unreadable(path: String)
  case malformed(path: String, problem: String)
  case unsupportedOperator(_ name: String, node: String)
  case unsupportedFeature(_ feature: String, node: String)
  /// A node that breaks the rules of its operator.
  case invalidNode(node: String, operator: String, problem: String)
  case missingInput(name: String, given: [String])
  case wrongInput(name: String, found: [Int], expected: String)

  public var description: String {
    switch self {
    case .unreadable(let path): "\(path) cannot be read: check the name and its permissions"
    case .malformed(let path, let problem): "\(path) is not a valid ONNX file: \(problem): export it again"
    case .unsupportedOperator(let name, let node):
      "the operator \(name) of node \(node) is not supported: export the model without it; supported are \(ONNXModel.operators.joined(separator: ", "))"
    case .unsupportedFeature(let feature, let node):
      "node \(node) uses \(feature), which is not supported: export the model without it"
    case .invalidNode(let node, let name, let problem):
      "node \(node) (\(name)): \(problem): check the model with onnx.checker"
    case .missingInput(let name, let given):
      "the model's input `\(name)` is not given (given: \(given.joined(separator: ", "))): give it under that name"
    case .wrongInput(let name, let found, let expected):
      "input `\(name)` has shape \(found), the model expects \(expected): reshape it"
    }
  }
}
