import Foundation
import Substrates
import SwiftProtobuf
import Tensors

/// A network in the ONNX format, as PyTorch, TensorFlow and scikit-learn export it.
///
///     let model = try ONNXModel(contentsOf: "digits.onnx")
///     var context = ForwardContext()
///     let network = try model.placed(on: Digital(), in: &context)
///     let scores = try network(["x": images], in: &context)
///
/// Products with constant matrices (`Conv`, `ConvTranspose`, `Gemm`, `MatMul`, `Einsum`, `LSTM`, `GRU`, `RNN`) are carried out
/// by the substrate, in graphs inside the graph too. Everything else stays in digital logic: it is computed in the types that
/// the model states, counted at the width of the substrate's logic, and named in `ONNXNetwork.placements`.
public struct ONNXModel: Sendable {
  /// Versions of the standard operators (`opset_import` of `ai.onnx`) that are understood.
  public static let versions = 7...28
  /// Versions of the operators of `ai.onnx.ml`: trees, linear models and support vectors of scikit-learn.
  public static let learningVersions = 1...5
  /// Operators that are understood; those of other domains with their domain before a dot.
  public static let operators: [String] = ONNXOperators.names

  /// An input that has to be given.
  public struct Input: Sendable, Equatable {
    public var name: String
    /// Extents; nothing where the model leaves one open.
    public var shape: [Int?]
    /// Of its elements; nothing where it is no tensor.
    public var type: ONNXType?
    /// Whether the model says nothing about its shape.
    var hasOpenRank: Bool
  }

  public let inputs: [Input]
  public let outputs: [String]
  /// Number of constant numbers, weights mostly.
  public let parameters: Int
  let graph: ONNXGraph

  /// Reads a file and checks that every operator is known.
  ///
  /// Weights in files of their own are looked for beside the model.
  ///
  /// - Parameter limit: largest file to read, in bytes.
  /// - Throws: `ONNXError`.
  public init(contentsOf path: String, limit: Int = 2 << 30) throws {
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe) else {
      throw ONNXError.unreadable(path: path)
    }
    guard data.count <= limit else {
      throw ONNXError.malformed(path: path, problem: "it is larger than \(limit) bytes")
    }
    let proto: Kirchhoff_Onnx_ModelProto
    do { proto = try Kirchhoff_Onnx_ModelProto(serializedBytes: data) } catch {
      throw ONNXError.malformed(path: path, problem: "it is no protocol buffer of a model")
    }
    let file = proto.graph
    guard proto.hasGraph, !file.output.isEmpty else {
      throw ONNXError.malformed(path: path, problem: "it holds no graph with outputs")
    }
    let versions = try Self.versions(proto.opsetImport, path)
    var functions: [ONNXFunction.Key: ONNXFunction] = [:]
    for function in proto.functions {
      let domain = function.domain == "ai.onnx" ? "" : function.domain
      let own = try Self.versions(function.opsetImport, path)
      functions[.init(domain: domain, name: function.name, overload: function.overload)] = ONNXFunction(
        proto: function, versions: versions.merging(own) { $1 })
    }
    let setting = ONNXGraphBuilder.Setting(
      path: path, files: ONNXExternalFiles(path: path, limit: limit), functions: functions)
    let builder = ONNXGraphBuilder(setting, versions: versions)
    try builder.addConstants(of: file)
    let given = file.input.filter { builder.constant($0.name) == nil }
    for input in given { builder.addInput(input.name) }
    outputs = file.output.map(\.name)
    try builder.addNodes(file.node, outputs: outputs)
    graph = builder.finish(outputs: outputs)
    parameters = builder.parameters
    inputs = given.map(Input.init)
  }

  private static func versions(_ imports: [Kirchhoff_Onnx_OperatorSetIdProto], _ path: String) throws -> [String: Int] {
    var versions: [String: Int] = [:]
    for entry in imports {
      let domain = entry.domain == "ai.onnx" ? "" : entry.domain
      let accepted: ClosedRange<Int>? =
        switch domain {
        case "": Self.versions
        case "ai.onnx.ml": learningVersions
        default: nil
        }
      let version = Int(entry.version)
      if let accepted, !accepted.contains(version) {
        throw ONNXError.unsupportedOperatorSet(domain: domain, version: version, accepted: accepted)
      }
      guard versions[domain] == nil || versions[domain] == version else {
        throw ONNXError.malformed(path: path, problem: "it names two versions of the operators \(domain)")
      }
      versions[domain] = version
    }
    return versions
  }

  /// Names the node in errors of the operations inside.
  static func checked<R>(_ node: ONNXNode, _ body: () throws -> R) throws -> R {
    do { return try body() } catch let error as TensorError {
      throw node.invalid(error.description)
    } catch let error as ONNXTypeError {
      throw node.invalid("an input has the type \(error.found), expected \(error.expected)")
    }
  }

  /// Programs the weights into a substrate.
  ///
  /// - Throws: `ONNXError`; what the substrate throws.
  public func placed(on substrate: any Substrate, in context: inout ForwardContext) throws -> ONNXNetwork {
    ONNXNetwork(
      model: self, graph: try PlacedGraph(graph, on: substrate, in: &context), logicBits: substrate.logicBits)
  }
}

extension ONNXModel.Input {
  fileprivate init(_ proto: Kirchhoff_Onnx_ValueInfoProto) {
    let tensor = proto.type.tensorType
    self.init(
      name: proto.name, shape: tensor.shape.dim.map { $0.dimParam.isEmpty && $0.dimValue > 0 ? Int($0.dimValue) : nil },
      type: proto.type.hasTensorType ? ONNXType(rawValue: Int(tensor.elemType)) : nil, hasOpenRank: !tensor.hasShape)
  }
}
