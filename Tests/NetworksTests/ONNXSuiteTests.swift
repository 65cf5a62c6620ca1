import Foundation
import Networks
import Substrates
import Tensors
import Testing

/// The node tests of the onnx package and the models that it ships, as `Tests/References/onnx_suite.py` writes them.
enum ONNXSuite {
  struct Index: Decodable {
    struct Value: Decodable {
      var name: String, kind: String, file: String
    }
    var rtol: Double, atol: Double
    var inputs: [Value], outputs: [Value]
  }

  /// The interpreter of the tests, where the package onnx is installed.
  private static let python: String? = {
    let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path
    let path = "\(project)/.venv/bin/python"
    return (try? output(path, ["-c", "import onnx"])) == nil ? nil : path
  }()

  private static func output(_ path: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    let pipe = Pipe()
    (process.standardOutput, process.standardError) = (pipe, FileHandle.nullDevice)
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw CocoaError(.fileReadUnknown) }
    return text
  }

  static let isThere = python != nil

  /// The folder of the cases, made once for every run of the tests.
  static let cases: Result<(folder: String, names: [String]), any Error> = Result { try made() }

  private static func made() throws -> (folder: String, names: [String]) {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("kirchhoff-\(UUID().uuidString)").path
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("References/onnx_suite.py").path
    _ = try output(python ?? "", [script, folder])
    return (folder, try FileManager.default.contentsOfDirectory(atPath: folder).sorted())
  }

  private static func index(_ folder: String) throws -> Index {
    try JSONDecoder().decode(Index.self, from: Data(contentsOf: URL(fileURLWithPath: "\(folder)/index.json")))
  }

  private static func value(_ entry: Index.Value, _ folder: String) throws -> ONNXValue {
    let kinds: [String: ONNXValue.Kind] = ["sequence": .sequence, "optional": .optional]
    return try ONNXValue(contentsOf: "\(folder)/\(entry.file)", as: kinds[entry.kind] ?? .tensor)
  }

  /// The outputs of a model for the inputs of a case.
  static func results(_ folder: String, model: String) throws -> [String: ONNXValue] {
    var context = ForwardContext()
    let network = try ONNXModel(contentsOf: model).placed(on: Digital(), in: &context)
    let inputs = try index(folder).inputs.map { ($0.name, try value($0, folder)) }
    return try network(Dictionary(inputs) { first, _ in first }, in: &context)
  }

  /// What became of a case: nothing where all outputs are right.
  static func problem(_ folder: String) throws -> String? {
    let index = try index(folder)
    let results = try results(folder, model: "\(folder)/model.onnx")
    for entry in index.outputs where !entry.name.isEmpty {
      guard let found = results[entry.name] else { return "no \(entry.name)" }
      if let problem = try difference(found, value(entry, folder), index) { return "\(entry.name): \(problem)" }
    }
    return nil
  }

  private static func difference(_ found: ONNXValue, _ expected: ONNXValue, _ index: Index) throws -> String? {
    switch (found, expected) {
    case (.optional(let x), .optional(let y)):
      guard let x, let y else { return (x == nil) == (y == nil) ? nil : "one is absent" }
      return try difference(x, y, index)
    case (.optional(let x?), _): return try difference(x, expected, index)
    case (_, .optional(let y?)): return try difference(found, y, index)
    case (.sequence(let x), .sequence(let y)):
      guard x.count == y.count else { return "\(x.count) elements, expected \(y.count)" }
      for (p, q) in zip(x, y) { if let problem = try difference(p, q, index) { return problem } }
      return nil
    case (.tensor(let x), .tensor(let y)):
      guard x.type == y.type, x.shape == y.shape else {
        return "\(x.type) of \(x.shape), expected \(y.type) of \(y.shape)"
      }
      if x.type == .string { return try x.strings() == y.strings() ? nil : "other strings" }
      if !x.type.isReal { return try x.wholes().elements == y.wholes().elements ? nil : "other whole numbers" }
      // Sums of numbers of 16 bits, rounded at other places, differ by two steps of their format.
      let step: Double = x.type == .bfloat16 ? 0x1p-6 : x.type == .float16 ? 0x1p-9 : 0
      for (p, q) in zip(try x.doubles().elements, try y.doubles().elements) where p != q && !(p.isNaN && q.isNaN) {
        guard abs(p - q) <= index.atol + max(index.rtol, step) * abs(q) else { return "\(p), expected \(q)" }
      }
      return nil
    default: return "another kind of value"
    }
  }
}

@Suite("The node tests of ONNX", .enabled(if: ONNXSuite.isThere, "the Python package onnx is not installed"))
struct ONNXSuiteTests {
  @Test("no value is wrong, and what is refused is refused by name")
  func all() throws {
    let (folder, names) = try ONNXSuite.cases.get()
    #expect(names.count > 1500)
    var refusals: [String: Int] = [:]
    for name in names {
      do {
        let problem = try ONNXSuite.problem("\(folder)/\(name)")
        #expect(problem == nil, "\(name): \(problem ?? "")")
      } catch let error as ONNXError {
        switch error {
        case .unsupportedOperator(let kind, _): refusals[kind, default: 0] += 1
        case .unsupportedFeature(let feature, _): refusals[feature, default: 0] += 1
        // Three cases of the first version are among them.
        case .unsupportedOperatorSet(_, 1, _): refusals["version 1", default: 0] += 1
        default: Issue.record("\(name): \(error)")
        }
      }
    }
    #expect(refusals.values.reduce(0, +) * 100 <= 6 * names.count, "\(refusals.sorted { $0.value > $1.value })")
  }

  /// Fields changed, left out, doubled and exchanged: numbers or an error, no trap, and none that takes long.
  @Test("models that were changed at random give numbers or errors", arguments: 0..<10)
  func changed(part: Int) throws {
    let (folder, names) = try ONNXSuite.cases.get()
    var random = RandomStream(seed: UInt64(part))
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("kirchhoff-\(UUID().uuidString).onnx").path
    defer { unlink(path) }
    var (ran, refused) = (0, 0)
    while ran + refused < 1000 {
      let own = "\(folder)/\(names[Int(random.next() % UInt64(names.count))])"
      let model = try Data(contentsOf: URL(fileURLWithPath: "\(own)/model.onnx"))
      guard model.count < 100_000, var tree = ProtobufTree(Array(model)) else { continue }
      let texts = tree.texts
      for _ in 0...random.next() % 3 { tree.change({ random.next() }, texts: texts) }
      let file = try #require(fopen(path, "w"))
      tree.bytes.withUnsafeBytes { _ = fwrite($0.baseAddress, 1, $0.count, file) }
      fclose(file)
      let start = ContinuousClock.now
      do {
        _ = try ONNXSuite.results(own, model: path)
        ran += 1
      } catch is ONNXError { refused += 1 }
      // Milliseconds alone; the tests beside it have the cores too.
      #expect(start.duration(to: .now) < .seconds(60))
    }
    #expect(ran > 100 && refused > 100)
  }
}
