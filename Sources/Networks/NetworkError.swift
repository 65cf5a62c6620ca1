import Settings
/// What can go wrong with models, training and files. Every message says what to do.
public enum NetworkError: SettingError, Equatable, CustomStringConvertible {
  /// A file or dictionary lacks a tensor that the model has.
  case missingTensor(name: String, found: [String])
  /// A file or dictionary has a tensor that the model lacks.
  case unknownTensor(name: String)
  case wrongTensorShape(name: String, found: [Int], expected: [Int])
  /// A setting is outside what is accepted.
  case invalidSetting(_ name: String, found: String, expected: String)
  /// The loss stopped being a finite number.
  case lossNotFinite(epoch: Int, step: Int, value: Float)
  /// A file cannot be opened, read or written.
  case file(path: String, problem: String)
  /// A file is not what its format demands.
  case malformed(path: String, problem: String)

  public var description: String {
    switch self {
    case .missingTensor(let name, let found):
      "no tensor `\(name)` among \(found.prefix(12).joined(separator: ", "))\(found.count > 12 ? ", …" : ""): check that the file belongs to this model"
    case .unknownTensor(let name):
      "the model has no tensor `\(name)`: check that the file belongs to this model, or remove the tensor"
    case .wrongTensorShape(let name, let found, let expected):
      "tensor `\(name)` has shape \(found), the model's has \(expected): check that the file belongs to this model"
    case .invalidSetting(let name, let found, let expected): "`\(name)` is \(found), expected \(expected): change it"
    case .lossNotFinite(let epoch, let step, let value):
      "the loss became \(value) in epoch \(epoch), step \(step): lower the learning rate, or clip gradients"
    case .file(let path, let problem): "\(path): \(problem): check the path and its permissions"
    case .malformed(let path, let problem): "\(path): \(problem): write the file again"
    }
  }
}
