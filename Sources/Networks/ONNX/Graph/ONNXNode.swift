import Foundation
import Tensors

/// One node of a graph with its attributes.
struct ONNXNode: Sendable {
  let name: String
  let domain: String
  let kind: String
  let inputs: [String]
  let outputs: [String]
  /// Of the operators of its domain.
  let version: Int
  private let attributes: [String: Kirchhoff_Onnx_AttributeProto]
  private let files: ONNXExternalFiles

  /// - Parameter version: of the operators of its domain.
  init(_ proto: Kirchhoff_Onnx_NodeProto, version: Int, _ files: ONNXExternalFiles) throws {
    name = ONNXNode.name(proto)
    domain = proto.domain == "ai.onnx" ? "" : proto.domain
    kind = proto.opType
    // Inputs that are left out at the end are not there.
    inputs = Array(proto.input.reversed().drop { $0.isEmpty }.reversed())
    outputs = proto.output
    self.version = version
    self.files = files
    attributes = Dictionary(proto.attribute.map { ($0.name, $0) }) { first, _ in first }
    guard attributes.count == proto.attribute.count else { throw invalid("an attribute stands there twice") }
  }

  static func name(_ proto: Kirchhoff_Onnx_NodeProto) -> String {
    proto.name.isEmpty ? "making \(proto.output.first { !$0.isEmpty } ?? "nothing")" : proto.name
  }

  /// With the domain where it is not the standard one.
  var fullKind: String { domain.isEmpty ? kind : "\(domain).\(kind)" }
  var attributeNames: [String] { attributes.keys.sorted() }

  func invalid(_ problem: String) -> ONNXError { .invalidNode(node: name, operator: fullKind, problem: problem) }
  func unsupported(_ feature: String) -> ONNXError { .unsupportedFeature(feature, node: "\(name) (\(fullKind))") }
  func tooLarge(_ problem: String) -> ONNXError { .tooLarge(node: name, operator: fullKind, problem: problem) }

  /// Checks that an attribute holds what its operator expects; files of early versions of the format do not say what it is.
  func checkType(of attribute: String, _ type: Int) throws {
    guard let found = attributes[attribute].map({ Int($0.type) }), found != 0, found != type else { return }
    throw invalid("its attribute \(attribute) has the type \(found), expected \(type)")
  }

  /// Checks that an operation gives all that the node wants of it.
  func checkOutputs(_ count: Int) throws {
    let wanted = outputs.lastIndex { !$0.isEmpty }.map { $0 + 1 } ?? 0
    guard wanted <= count else { throw unsupported("output \(wanted - 1), \(outputs[wanted - 1])") }
  }

  func has(_ attribute: String) -> Bool { attributes[attribute] != nil }
  func integer(_ attribute: String, _ standard: Int) -> Int { attributes[attribute].map { Int($0.i) } ?? standard }
  func flag(_ attribute: String, _ standard: Bool = false) -> Bool { integer(attribute, standard ? 1 : 0) != 0 }
  func float(_ attribute: String, _ standard: Float) -> Float { attributes[attribute]?.f ?? standard }
  func integers(_ attribute: String) -> [Int]? { attributes[attribute].map { $0.ints.map(Int.init) } }
  func text(_ attribute: String, _ standard: String) -> String {
    attributes[attribute].map { String(decoding: $0.s, as: UTF8.self) } ?? standard
  }
  func texts(_ attribute: String) -> [String]? {
    attributes[attribute].map { $0.strings.map { String(decoding: $0, as: UTF8.self) } }
  }
  func floats(_ attribute: String) -> [Float]? { attributes[attribute]?.floats }
  func tensor(_ attribute: String) throws -> ONNXTensor? {
    guard let found = attributes[attribute] else { return nil }
    if found.hasSparseTensor { return try ONNXTensor(sparse: found.sparseTensor, files) }
    guard found.hasT else { return nil }
    return try ONNXTensor(found.t, files)
  }
  func type(_ attribute: String, _ standard: ONNXType) throws -> ONNXType {
    guard has(attribute) else { return standard }
    let number = integer(attribute, 0)
    guard let type = ONNXType(rawValue: number), type != .complex64, type != .complex128 else {
      throw unsupported("\(attribute) = \(number), which is no type of numbers that is known")
    }
    return type
  }
  /// One of some words.
  func word(_ attribute: String, _ accepted: [String]) throws -> String {
    let word = text(attribute, accepted[0])
    guard accepted.contains(word) else {
      throw unsupported("\(attribute) = \(word) (known: \(accepted.joined(separator: ", ")))")
    }
    return word
  }
  var graphProtos: [(attribute: String, graph: Kirchhoff_Onnx_GraphProto)] {
    attributes.values.filter(\.hasG).map { ($0.name, $0.g) }.sorted { $0.0 < $1.0 }
  }

  /// An axis counted from the front.
  func axis(_ axis: Int, rank: Int) throws -> Int {
    let resolved = axis < 0 ? axis &+ rank : axis
    guard (0..<rank).contains(resolved) else { throw invalid("axis \(axis) is outside the rank \(rank)") }
    return resolved
  }

  /// Axes counted from the front, each once.
  func axes(_ axes: [Int], rank: Int) throws -> [Int] {
    let resolved = try axes.map { try axis($0, rank: rank) }
    guard Set(resolved).count == resolved.count else { throw invalid("the axes \(axes) name one twice") }
    return resolved
  }

  /// Checks that a result of this shape may be made: 2²⁹ numbers at most, 4 GiB in double precision.
  @discardableResult func checkedCount(_ shape: [Int]) throws -> Int {
    var count = 1.0
    for extent in shape {
      guard extent >= 0 else { throw invalid("its result would have the shape \(shape)") }
      count *= Double(extent)
    }
    guard count <= 0x1p29 else { throw tooLarge("would make a result of shape \(shape)") }
    return Int(count)
  }

  /// Checks that a node asks for no more than 2⁴⁰ steps, which take minutes.
  func checkWork(_ factors: [Int]) throws {
    guard factors.reduce(1.0, { $0 * Double($1) }) <= 0x1p40 else {
      throw tooLarge("would take \(factors.map(String.init).joined(separator: " × ")) steps")
    }
  }
}

/// The values that a node is given.
struct ONNXArguments {
  let node: ONNXNode
  let values: [ONNXValue?]

  var count: Int { values.count }
  var version: Int { node.version }

  func value(_ place: Int) throws -> ONNXValue {
    guard place < values.count, let value = values[place] else { throw node.invalid("input \(place) is missing") }
    return value
  }
  func has(_ place: Int) -> Bool { place < values.count && values[place] != nil }

  func tensor(_ place: Int) throws -> ONNXTensor {
    guard case .tensor(let tensor) = try value(place) else { throw node.invalid("input \(place) has to be a tensor") }
    return tensor
  }
  func optional(_ place: Int) throws -> ONNXTensor? { has(place) ? try tensor(place) : nil }

  func floats(_ place: Int) throws -> Tensor<Float> { try tensor(place).floats() }
  func doubles(_ place: Int) throws -> Tensor<Double> { try tensor(place).doubles() }
  func wholes(_ place: Int) throws -> Tensor<Int64> { try tensor(place).wholes() }

  /// Whole numbers as those of this machine.
  func integers(_ place: Int) throws -> [Int] { try wholes(place).elements.map { Int($0) } }

  /// One number, in a tensor of any rank.
  func integer(_ place: Int) throws -> Int {
    let all = try integers(place)
    guard let first = all.first, all.count == 1 else { throw node.invalid("input \(place) has to be one number") }
    return first
  }
  func number(_ place: Int) throws -> Double {
    let all = try doubles(place).elements
    guard let first = all.first, all.count == 1 else { throw node.invalid("input \(place) has to be one number") }
    return first
  }

  /// Whole numbers from an input, or from the attribute that older versions of the operator have instead.
  func list(_ place: Int, attribute: String) throws -> [Int]? {
    if has(place) { return try integers(place) }
    return node.integers(attribute)
  }

  /// Checks that all given tensors have one type.
  func checkSameTypes(_ places: Range<Int>) throws {
    let types = try places.filter(has).map { try tensor($0).type }
    guard Set(types).count <= 1 else { throw node.invalid("its inputs have the types \(types)") }
  }
}
