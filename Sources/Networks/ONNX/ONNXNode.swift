import Foundation
import Tensors

/// One node of a graph with its attributes and the values it is given.
struct ONNXNode: Sendable {
  let name: String
  let kind: String
  let inputs: [String]
  let outputs: [String]
  private let attributes: [String: Kirchhoff_Onnx_AttributeProto]

  init(_ proto: Kirchhoff_Onnx_NodeProto) {
    name = proto.name.isEmpty ? "making \(proto.output.first ?? "nothing")" : proto.name
    kind = proto.opType
    inputs = proto.input
    outputs = proto.output
    attributes = Dictionary(proto.attribute.map { ($0.name, $0) }) { first, _ in first }
  }

  func invalid(_ problem: String) -> ONNXError { .invalidNode(node: name, operator: kind, problem: problem) }

  func has(_ attribute: String) -> Bool { attributes[attribute] != nil }
  func integer(_ attribute: String, _ standard: Int) -> Int { attributes[attribute].map { Int($0.i) } ?? standard }
  func float(_ attribute: String, _ standard: Float) -> Float { attributes[attribute]?.f ?? standard }
  func integers(_ attribute: String) -> [Int]? { attributes[attribute].map { $0.ints.map(Int.init) } }
  func text(_ attribute: String, _ standard: String) -> String {
    attributes[attribute].map { String(decoding: $0.s, as: UTF8.self) } ?? standard
  }
  func texts(_ attribute: String) -> [String]? {
    attributes[attribute].map { $0.strings.map { String(decoding: $0, as: UTF8.self) } }
  }
  func floats(_ attribute: String) -> [Float]? { attributes[attribute]?.floats }
  func tensor(_ attribute: String, path: String) throws -> ONNXValue? {
    guard let found = attributes[attribute], found.hasT else { return nil }
    return try ONNXValue(found.t, path: path)
  }

  /// An axis counted from the front.
  func axis(_ axis: Int, rank: Int) throws -> Int {
    let resolved = axis < 0 ? axis + rank : axis
    guard (0..<rank).contains(resolved) else { throw invalid("axis \(axis) is outside the rank \(rank)") }
    return resolved
  }
}

/// The values that a node is given.
struct ONNXArguments {
  let node: ONNXNode
  let values: [ONNXValue?]

  var count: Int { values.count }

  func value(_ place: Int) throws -> ONNXValue {
    guard place < values.count, let value = values[place] else { throw node.invalid("input \(place) is missing") }
    return value
  }

  func optional(_ place: Int) -> ONNXValue? { place < values.count ? values[place] : nil }

  /// Numbers; whole ones become real.
  func floats(_ place: Int) throws -> Tensor<Float> { try ONNXArguments.floats(value(place)) }

  static func floats(_ value: ONNXValue) throws -> Tensor<Float> {
    switch value {
    case .floats(let tensor): tensor
    case .integers(let integers): try Tensor(integers.elements.map { Float($0) }, shape: integers.shape)
    }
  }

  func integers(_ place: Int) throws -> ONNXValue.Integers {
    guard case .integers(let integers) = try value(place) else {
      throw node.invalid("input \(place) has to be whole numbers")
    }
    return integers
  }

  /// Whole numbers from an input, or from the attribute that older versions of the operator have instead.
  func list(_ place: Int, attribute: String) throws -> [Int]? {
    if optional(place) != nil { return try integers(place).elements }
    return node.integers(attribute)
  }
}
