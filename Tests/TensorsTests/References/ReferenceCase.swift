import Foundation
import Networks
import Tensors

/// One operation as PyTorch computed it in double precision: `Tests/References/make_references.py` made the file.
struct ReferenceCase: Sendable {
  var inputs: [Tensor<Double>] = []
  var integers: [Tensor<Int32>] = []
  /// Gradients of Σ result·upstream, where they exist.
  var gradients: [Int: Tensor<Double>] = [:]
  var result: Tensor<Double>
  var upstream: Tensor<Double>

  static let all: [String: ReferenceCase] = {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("References/operations.safetensors").path
    guard let tensors = try? Safetensors.read(path).tensors else { return [:] }
    var cases: [String: ReferenceCase] = [:]
    for name in Set(tensors.keys.map { $0.split(separator: "/").dropLast().joined(separator: "/") }) {
      guard let y = try? tensors["\(name)/y"]?.doubles(), let g = try? tensors["\(name)/g"]?.doubles() else { continue }
      var one = ReferenceCase(result: y, upstream: g)
      for i in 0..<9 {
        if let x = try? tensors["\(name)/x\(i)"]?.doubles() { one.inputs.append(x) }
        if case .int32(let index)? = tensors["\(name)/i\(i)"] { one.integers.append(index) }
        if let d = try? tensors["\(name)/d\(i)"]?.doubles() { one.gradients[i] = d }
      }
      cases[name] = one
    }
    return cases
  }()
}

/// Largest distance between two tensors, relative to the larger of 1 and the largest reference.
func distance<S: TensorScalar>(_ found: Tensor<S>, _ expected: Tensor<Double>) -> Double {
  guard found.shape == expected.shape else { return .infinity }
  let reference = expected.elements
  let scale = max(1, reference.map(\.magnitude).max() ?? 1)
  return zip(found.elements, reference).map { Double($0) == $1 ? 0 : (Double($0) - $1).magnitude / scale }
    .reduce(0) { $1.isNaN ? .infinity : max($0, $1) }
}

extension Tensor where Element == Double {
  func cast<S: TensorScalar>(_ type: S.Type) throws -> Tensor<S> { try Tensor<S>(elements.map { S($0) }, shape: shape) }
}
