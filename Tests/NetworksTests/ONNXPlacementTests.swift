import Foundation
import Networks
import Substrates
import Tensors
import Testing

/// Writes the few parts of an ONNX file that tests need; field numbers as in the format.
struct ONNXBuilder {
  /// Of the standard operators.
  var version = 17
  private var graph: [UInt8] = []

  private static func varint(_ value: Int) -> [UInt8] {
    var rest = UInt64(bitPattern: Int64(value))
    var bytes: [UInt8] = []
    repeat {
      bytes.append(UInt8(rest & 127) | (rest > 127 ? 128 : 0))
      rest >>= 7
    } while rest > 0
    return bytes
  }
  private static func field(_ number: Int, _ content: [UInt8]) -> [UInt8] {
    varint(number << 3 | 2) + varint(content.count) + content
  }
  private static func field(_ number: Int, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }
  private static func field(_ number: Int, _ value: Int) -> [UInt8] { varint(number << 3) + varint(value) }

  enum Attribute {
    case integer(Int)
    case float(Float)
    case text(String)
  }

  mutating func node(
    _ kind: String, _ name: String, _ inputs: [String], _ outputs: [String], _ attributes: [String: Attribute] = [:]
  ) {
    var node = inputs.flatMap { Self.field(1, $0) } + outputs.flatMap { Self.field(2, $0) }
    node += Self.field(3, name) + Self.field(4, kind)
    for (key, value) in attributes {
      let content: [UInt8] =
        switch value {
        case .integer(let i): Self.field(3, i)
        case .float(let f): Self.varint(2 << 3 | 5) + withUnsafeBytes(of: f.bitPattern.littleEndian) { Array($0) }
        case .text(let s): Self.field(4, s)
        }
      node += Self.field(5, Self.field(1, key) + content)
    }
    graph += Self.field(1, node)
  }

  mutating func constant(_ name: String, _ value: Tensor<Float>) {
    let raw = value.elements.flatMap { number in withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) } }
    graph += Self.field(
      5, value.shape.flatMap { Self.field(1, $0) } + Self.field(2, 1) + Self.field(8, name) + Self.field(9, raw))
  }

  mutating func input(_ name: String) { graph += Self.field(11, Self.field(1, name)) }
  mutating func output(_ name: String) { graph += Self.field(12, Self.field(1, name)) }

  func model() throws -> ONNXModel {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("kirchhoff-\(UUID().uuidString).onnx")
    try Data(Self.field(7, graph) + Self.field(8, Self.field(2, version))).write(to: path)
    defer { try? FileManager.default.removeItem(at: path) }
    return try ONNXModel(contentsOf: path.path)
  }
}

/// A product by a constant, and what it gives.
struct Product: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let kind: String
  let x: Tensor<Float>, w: Tensor<Float>
  var isConstantLeft = false
  var equation = ""
  var integers: [String: Int] = [:]
  var alpha: Float = 1
  /// Of each matrix that is stored.
  let stored: [Int]
  /// Matrices that are stored.
  var copies = 1
  let expected: Tensor<Float>

  static func random(_ shape: [Int]) -> Tensor<Float> {
    var random = RandomStream(seed: UInt64(shape.reduce(7) { $0 * 31 + $1 }))
    return try! random.normal(shape)
  }
}

/// What is tried.
enum Products {
  static let all: [Product] = {
    let (x, x3, w) = (Product.random([5, 4]), Product.random([2, 5, 4]), Product.random([4, 3]))
    let (left, y3, v) = (Product.random([3, 5]), Product.random([2, 4, 5]), Product.random([4]))
    let stack = Product.random([2, 4, 3])
    func einsumCase(
      _ equation: String, _ a: Tensor<Float>, _ b: Tensor<Float>, _ stored: [Int], left: Bool = false, copies: Int = 1
    ) -> Product {
      Product(
        testDescription: "Einsum \(equation)\(left ? ", constant first" : "")", kind: "Einsum", x: left ? b : a,
        w: left ? a : b, isConstantLeft: left, equation: equation, stored: stored,
        copies: copies, expected: try! einsum(equation, a, b))
    }
    return [
      Product(testDescription: "MatMul", kind: "MatMul", x: x3, w: w, stored: [4, 3], expected: try! matmul(x3, w)),
      Product(
        testDescription: "MatMul from the left", kind: "MatMul", x: x, w: left, isConstantLeft: true, stored: [5, 3],
        expected: try! matmul(left, x)),
      Product(
        testDescription: "MatMul from the left of a stack", kind: "MatMul", x: x3, w: left, isConstantLeft: true,
        stored: [5, 3], expected: try! Tensor.stack([matmul(left, x3.at(0)), matmul(left, x3.at(1))])),
      Product(
        testDescription: "MatMul with a vector", kind: "MatMul", x: x3, w: v, stored: [4, 1],
        expected: try! matmul(x3, v.expanded(axis: 1)).squeezed(axis: 2)),
      Product(
        testDescription: "MatMul of a vector with a stack", kind: "MatMul", x: y3, w: v, isConstantLeft: true,
        stored: [4, 1], expected: try! matmul(y3.transposed(), v.expanded(axis: 1)).squeezed(axis: 2)),
      Product(
        testDescription: "MatMul with a constant stack", kind: "MatMul", x: x3, w: stack, stored: [4, 3],
        copies: 2, expected: try! matmul(x3, stack)),
      Product(
        testDescription: "MatMul of a constant stack", kind: "MatMul", x: x3.turned, w: stack.turned,
        isConstantLeft: true,
        stored: [4, 3], copies: 2, expected: try! matmul(x3, stack).transposed()),
      Product(
        testDescription: "Gemm, both turned", kind: "Gemm", x: x.turned, w: w.turned,
        integers: ["transA": 1, "transB": 1], alpha: 0.5, stored: [4, 3], expected: try! matmul(x, w) * 0.5),
      Product(
        testDescription: "Gemm from the left", kind: "Gemm", x: x, w: left, isConstantLeft: true, stored: [5, 3],
        expected: try! matmul(left, x)),
      Product(
        testDescription: "Gemm from the left, both turned", kind: "Gemm", x: x.turned, w: left.turned,
        isConstantLeft: true, integers: ["transA": 1, "transB": 1], stored: [5, 3], expected: try! matmul(left, x)),
      einsumCase("bij,jk->bik", x3, w, [4, 3]),
      einsumCase("bij,jk->kbi", x3, w, [4, 3]),
      einsumCase("ki,bij->bkj", left, x3, [5, 3], left: true),
      einsumCase("bij,bj->i", x3, Product.random([2, 4]), [8, 1]),
      einsumCase("bij,bjk->bik", x3, stack, [4, 3], copies: 2),
    ]
  }()
}

@Suite("ONNX on substrates") struct ONNXPlacementTests {
  @Test("products by a constant go onto arrays from either side, others are named and counted", arguments: Products.all)
  func products(product: Product) throws {
    var builder = ONNXBuilder()
    builder.input("x")
    builder.constant("w", product.w)
    var attributes = product.integers.mapValues { ONNXBuilder.Attribute.integer($0) }
    if product.kind == "Einsum" { attributes["equation"] = .text(product.equation) }
    if product.alpha != 1 { attributes["alpha"] = .float(product.alpha) }
    builder.node(product.kind, "the product", product.isConstantLeft ? ["w", "x"] : ["x", "w"], ["y"], attributes)
    builder.output("y")
    var context = ForwardContext()
    let network = try builder.model().placed(on: ArraySubstrate(), in: &context)
    context.activity = Activity()
    let y = try #require(try network(["x": product.x], in: &context)["y"])
    #expect(y.shape == product.expected.shape)
    // Sums of up to eight products in another order.
    #expect(try (y - product.expected).magnitude().max().item() < 1e-5)
    #expect(network.placements.count == product.copies)
    #expect(network.placements.allSatisfy { $0.name.hasPrefix("the product") && $0.stored == [product.stored] })
    #expect(network.placements.allSatisfy { $0.staysDigital == nil })
    #expect(context.activity.scopes.allSatisfy { $0.hasPrefix("the product") })
    #expect(network.inventory.count(.testCell) == product.w.count)
    // Each cell is read once for each vector: the product has as many multiply–accumulates.
    #expect(context.activity.total(.testCell, .testRead) == Double(y.count * product.stored[0]))
    #expect(context.activity.total(.integerLogic, .multiplyAccumulate) == 0)
  }

  @Test("digital operators are counted under their nodes, at the width of the substrate's logic")
  func digital() throws {
    var builder = ONNXBuilder()
    builder.input("x")
    builder.constant("w", Product.random([4, 3]))
    builder.node("MatMul", "weights", ["x", "w"], ["a"])
    builder.node("Relu", "bend", ["a"], ["b"])
    builder.node("Transpose", "turn", ["b"], ["c"])
    builder.node("MatMul", "gram", ["b", "c"], ["d"])
    builder.node("Softmax", "share", ["d"], ["y"])
    builder.output("y")
    var context = ForwardContext()
    let network = try builder.model().placed(on: ArraySubstrate(logicBits: 6), in: &context)
    context.activity = Activity()
    _ = try network(["x": Product.random([5, 4])], in: &context)
    func amount(_ scope: String, _ event: Event) -> Double {
      context.activity.filtered { $0.scope == scope && $0.bits == 6 }.total(.integerLogic, event)
    }
    #expect(amount("bend", .operation) == 5 * 3)
    #expect(amount("gram", .multiplyAccumulate) == 5 * 5 * 3)
    #expect(amount("share", .operation) == 5 * 5 * 5)
    #expect(context.activity.scopes == ["bend", "gram", "share", "weights"])
    #expect(network.placements.map(\.name) == ["weights", "bend", "turn", "gram", "share"])
    #expect(network.placements.map { $0.staysDigital == nil } == [true, false, false, false, false])
    #expect(network.placements[3].staysDigital == "all its factors are computed")
  }

  @Test("calibration sets the ranges of every stored matrix, and calling a network changes nothing")
  func calibrates() throws {
    var builder = ONNXBuilder()
    builder.input("x")
    builder.constant("w", Product.random([4, 3]))
    builder.constant("k", Product.random([2, 1, 2]))
    builder.node("MatMul", "weights", ["x", "w"], ["a"])
    builder.node("Conv", "kernels", ["a", "k"], ["y"])
    builder.output("y")
    var context = ForwardContext()
    var network = try builder.model().placed(on: ArraySubstrate(needsCalibration: true), in: &context)
    let x = Product.random([5, 1, 4])
    #expect(throws: ONNXError.self) { try network(["x": x], in: &context) }
    try network.calibrate(["x": x], in: &context)
    #expect(!context.isCalibrating)
    let y = try #require(try network(["x": x], in: &context)["y"])
    #expect(y.shape == [5, 2, 2])
    // Five vectors, and two windows of each.
    #expect(network.placements.map { $0.inventory.count(.calibrationVector) } == [5, 10])
  }

  /// z = σ(u₀ + v₀), r = σ(u₁ + v₁), n = tanh(u₂ + (r·h)·R₂ᵀ + b₂), h⁺ = (1 − z)·n + z·h, as the ONNX specification has it.
  @Test("a reset gate before the product follows the specification and reads each cell once for each step")
  func resetsBefore() throws {
    let (steps, batch, inputs, width) = (3, 2, 4, 5)
    let w = Product.random([1, 3 * width, inputs]), r = Product.random([1, 3 * width, width])
    let bias = Product.random([1, 6 * width]), x = Product.random([steps, batch, inputs])
    var builder = ONNXBuilder()
    builder.input("x")
    builder.constant("w", w)
    builder.constant("r", r)
    builder.constant("b", bias)
    builder.node("GRU", "gru", ["x", "w", "r", "b"], ["y"], ["hidden_size": .integer(width)])
    builder.output("y")
    var context = ForwardContext()
    let network = try builder.model().placed(on: ArraySubstrate(), in: &context)
    context.activity = Activity()
    let y = try #require(try network(["x": x], in: &context)["y"])
    var h = try Tensor<Float>.zeros([batch, width])
    for t in 0..<steps {
      func input(_ g: Int) throws -> Tensor<Float> {
        let rows = g * width..<(g + 1) * width
        return try matmul(x.at(t), w.at(0).slice(rows), transposingB: true) + bias.at(0).slice(rows)
      }
      func state(_ g: Int, _ h: Tensor<Float>) throws -> Tensor<Float> {
        let rows = g * width..<(g + 1) * width
        return try matmul(h, r.at(0).slice(rows), transposingB: true)
          + bias.at(0).slice((3 + g) * width..<(4 + g) * width)
      }
      let z = try sigmoid(input(0) + state(0, h)), reset = try sigmoid(input(1) + state(1, h))
      h = try (1 - z) * tanh(input(2) + state(2, reset * h)) + z * h
      // Sums of some ten products in another order.
      #expect(try (y.at(t).at(0) - h).magnitude().max().item() < 1e-5)
    }
    #expect(
      context.activity.total(.testCell, .testRead) == Double(steps * batch * 3 * width * (inputs + width)))
    #expect(
      network.placements.map(\.name) == ["input", "recurrent", "candidate", "gates"].map { "gru.forward.\($0)" })
  }
}

extension Tensor<Float> {
  fileprivate var turned: Tensor { try! transposed() }
}
