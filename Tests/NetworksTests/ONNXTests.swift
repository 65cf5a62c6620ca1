import Foundation
import Networks
import Substrates
import Tensors
import Testing

/// Models and what onnxruntime computes with them, made by `Tests/References/make_onnx.py`.
private struct ONNXReference: Sendable, CustomTestStringConvertible {
  var name: String
  var model: Data
  var inputs: [String: StoredTensor] = [:]
  var outputs: [String: Tensor<Float>] = [:]
  var testDescription: String { name }

  static let all: [ONNXReference] = {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("References/ONNX/references.safetensors").path
    guard let tensors = try? Safetensors.read(path).tensors else { return [] }
    var found: [String: ONNXReference] = [:]
    for (key, value) in tensors {
      let parts = key.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      var reference = found[parts[0]] ?? ONNXReference(name: parts[0], model: Data())
      switch (parts[1], value) {
      case ("model", .int32(let words)):
        reference.model = words.elements.withUnsafeBytes { Data($0) }.prefix(Int(parts[2]) ?? 0)
      case ("input", _): reference.inputs[parts[2]] = value
      default: reference.outputs[parts[2]] = try? value.floats()
      }
      found[parts[0]] = reference
    }
    return found.values.sorted { $0.name < $1.name }
  }()

  func run(on substrate: any Substrate, in context: inout ForwardContext) throws -> [String: Tensor<Float>] {
    try withFile(model) { path in
      let network = try ONNXModel(contentsOf: path).placed(on: substrate, in: &context)
      var floats: [String: Tensor<Float>] = [:]
      var integers: [String: Tensor<Int32>] = [:]
      for (name, value) in inputs {
        if case .int32(let tensor) = value { integers[name] = tensor } else { floats[name] = try value.floats() }
      }
      return try network(floats, integers: integers, in: &context)
    }
  }
}

@discardableResult private func withFile<R>(_ data: Data, _ body: (String) throws -> R) throws -> R {
  let path = FileManager.default.temporaryDirectory.appendingPathComponent("kirchhoff-\(UUID().uuidString).onnx")
  // Foundation's own writing waits for the disk each time.
  let file = try #require(fopen(path.path, "w"))
  data.withUnsafeBytes { _ = fwrite($0.baseAddress, 1, $0.count, file) }
  fclose(file)
  defer { try? FileManager.default.removeItem(at: path) }
  return try body(path.path)
}

@Suite("ONNX") struct ONNXTests {
  /// Sums in another order differ by a few rounding errors of single precision; 2⁻²³ is 1.2e-7, and the longest sums here
  /// have some hundred terms.
  @Test("models give the numbers of onnxruntime", arguments: ONNXReference.all)
  fileprivate func agrees(reference: ONNXReference) throws {
    var context = ForwardContext()
    let results = try reference.run(on: Digital(), in: &context)
    #expect(!reference.outputs.isEmpty)
    for (name, expected) in reference.outputs {
      let found = try #require(results[name])
      #expect(found.shape == expected.shape)
      let scale = expected.elements.reduce(1) { max($0, abs($1)) }
      #expect(zip(found.elements, expected.elements).allSatisfy { abs($0 - $1) <= 2e-5 * scale })
    }
  }

  /// The same products through unfolding and stored matrices, which every substrate but the digital one uses.
  @Test(
    "unfolded convolutions equal direct ones",
    arguments: ["residual", "unet", "conv1d", "conv3d", "op-Conv-same", "op-ConvTranspose"])
  func unfolds(name: String) throws {
    let reference = try #require(ONNXReference.all.first { $0.name == name })
    var context = ForwardContext()
    let results = try reference.run(on: ArraySubstrate(), in: &context)
    for (name, expected) in reference.outputs {
      let found = try #require(results[name])
      let scale = expected.elements.reduce(1) { max($0, abs($1)) }
      #expect(zip(found.elements, expected.elements).allSatisfy { abs($0 - $1) <= 2e-5 * scale })
    }
  }

  @Test("operators, attributes and versions that are not known are named")
  func unsupported() throws {
    func refused(_ expected: ONNXError, _ change: (inout ONNXBuilder) -> Void) {
      var builder = ONNXBuilder()
      builder.input("x")
      builder.output("y")
      change(&builder)
      #expect(throws: expected) { try builder.model() }
    }
    refused(.unsupportedOperator("Imagine", node: "where?")) { $0.node("Imagine", "where?", ["x"], ["y"]) }
    refused(
      .unsupportedFeature("the attribute depth, which version 17 of it does not have", node: "bend (Relu)")
    ) { $0.node("Relu", "bend", ["x"], ["y"], ["depth": .integer(2)]) }
    refused(
      .invalidNode(node: "bend", operator: "Gelu", problem: "version 17 of its operators does not have it")
    ) { $0.node("Gelu", "bend", ["x"], ["y"]) }
    for version in [6, 29] {
      refused(.unsupportedOperatorSet(domain: "", version: version, accepted: ONNXModel.versions)) {
        $0.version = version
        $0.node("Relu", "bend", ["x"], ["y"])
      }
    }
    #expect(throws: ONNXError.unreadable(path: "/nowhere")) { try ONNXModel(contentsOf: "/nowhere") }
  }

  @Test("inputs of another name or shape are refused")
  func inputs() throws {
    let reference = try #require(ONNXReference.all.first { $0.name == "mlp" })
    try withFile(reference.model) { path in
      var context = ForwardContext()
      let network = try ONNXModel(contentsOf: path).placed(on: Digital(), in: &context)
      #expect(throws: ONNXError.missingInput(name: "x0", given: ["image"])) {
        try network(["image": .zeros([3, 10])], in: &context)
      }
      #expect(throws: ONNXError.wrongInput(name: "x0", found: [3, 9], expected: "[3, 10]")) {
        try network(["x0": .zeros([3, 9])], in: &context)
      }
    }
  }

  @Test(
    "damaged files are errors, never crashes", arguments: ["mlp", "residual", "lstm", "graph", "op-Slice", "op-Pad"])
  func damaged(name: String) throws {
    let reference = try #require(ONNXReference.all.first { $0.name == name })
    var random = RandomStream(seed: UInt64(name.utf8.reduce(0) { $0 + Int($1) }))
    for _ in 0..<2000 {
      var damaged = reference
      for _ in 0...random.next() % 3 {
        let at = Int(random.next() % UInt64(max(1, damaged.model.count)))
        switch random.next() % 4 {
        case 0: damaged.model[at] = UInt8(truncatingIfNeeded: random.next())
        case 1: damaged.model.removeSubrange(at..<min(damaged.model.count, at + Int(random.next() % 9)))
        case 2: damaged.model.insert(UInt8(truncatingIfNeeded: random.next()), at: at)
        default: damaged.model = damaged.model.prefix(max(1, at))
        }
        damaged.model = Data(damaged.model)
      }
      var context = ForwardContext()
      do { _ = try damaged.run(on: Digital(), in: &context) } catch is ONNXError {} catch is TensorError {}
    }
  }
}
