import Foundation
import Tensors

extension ONNXType {
  /// A real number as a whole one of this type: cut off; what does not fit becomes what processors of the x86 family make of it,
  /// as the standard leaves it open.
  func truncated(_ value: Double) -> Int64 {
    let whole = value.rounded(.towardZero)
    if self == .bool { return value == 0 ? 0 : 1 }
    if self == .uint64 {
      if let fits = UInt64(exactly: whole) { return Int64(bitPattern: fits) }
    }
    let wide = Int64(exactly: whole) ?? .min
    if self == .int32, Int32(exactly: whole) == nil { return Int64(Int32.min) }
    return wrapped(wide)
  }
}

// From one type to another.
extension ONNXOperators {
  static let casts: [String: Evaluate] = [
    "Cast": one { a in
      guard a.node.has("to") else { throw a.node.invalid("it does not say its type") }
      return try cast(a.tensor(0), to: a.node.type("to", .float), a.node)
    },
    "CastLike": one { a in try cast(a.tensor(0), to: a.tensor(1).type, a.node) },
    "BitCast": one(bitCast),
  ]

  private static func cast(_ x: ONNXTensor, to type: ONNXType, _ node: ONNXNode) throws -> ONNXTensor {
    if x.type == type { return x }
    if type == .string { return try ONNXTensor(strings: texts(x), shape: x.shape) }
    if x.type == .string { return try parsed(x, as: type, node) }
    let saturates = node.flag("saturate", true)
    let rule: FloatingPointRoundingRule =
      switch try node.word("round_mode", ["up", "down", "nearest"]) {
      case "down": .down
      case "nearest": .toNearestOrAwayFromZero
      default: .up
      }
    if type.isReal {
      if type == .float { return ONNXTensor(try x.floats()) }
      if type == .double { return ONNXTensor(try x.doubles()) }
      let rounded = try x.doubles().elements.map { type.rounded($0, saturates: saturates, scaleRounding: rule) }
      return try ONNXTensor(exact: Tensor(rounded, shape: x.shape), as: type)
    }
    if case .wholes(let numbers) = x.storage {
      if type == .bool { return try ONNXTensor(truths: numbers.elements.map { $0 != 0 }, shape: x.shape) }
      return try ONNXTensor(numbers, as: type)
    }
    return try ONNXTensor(Tensor(x.doubles().elements.map(type.truncated), shape: x.shape), as: type)
  }

  private static func texts(_ x: ONNXTensor) throws -> [String] {
    switch x.storage {
    case .strings: return try x.strings()
    case .wholes(let numbers):
      if x.type == .bool { return numbers.elements.map { $0 == 0 ? "False" : "True" } }
      return numbers.elements.map { x.type == .uint64 ? "\(UInt64(bitPattern: $0))" : "\($0)" }
    case .floats(let numbers): return numbers.elements.map { text(Double($0), "\($0)") }
    case .doubles(let numbers): return numbers.elements.map { text($0, "\($0)") }
    }
  }

  private static func text(_ value: Double, _ shortest: String) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-INF" : "INF" }
    return shortest.hasSuffix(".0") ? String(shortest.dropLast(2)) : shortest
  }

  private static func parsed(_ x: ONNXTensor, as type: ONNXType, _ node: ONNXNode) throws -> ONNXTensor {
    let texts = try x.strings().map { $0.trimmingCharacters(in: .whitespaces) }
    if type == .uint64 || type == .int64 {
      let whole = texts.map { type == .int64 ? Int64($0) : UInt64($0).map { Int64(bitPattern: $0) } }
      let exact = whole.compactMap { $0 }
      if exact.count == texts.count { return try ONNXTensor(Tensor(exact, shape: x.shape), as: type) }
    }
    let numbers = try texts.map { text -> Double in
      if let number = Double(text) { return number }
      switch text.uppercased() {
      case "INF", "+INF": return .infinity
      case "-INF": return -.infinity
      case "NAN": return .nan
      default: throw node.invalid("the string “\(text)” is no number")
      }
    }
    if type.isReal { return try ONNXTensor(Tensor(numbers, shape: x.shape), as: type) }
    return try ONNXTensor(Tensor(numbers.map(type.truncated), shape: x.shape), as: type)
  }

  /// The same bits as another type of as many.
  private static func bitCast(_ a: ONNXArguments) throws -> ONNXTensor {
    let x = try a.tensor(0)
    let type = try a.node.type("to", .float)
    guard let bits = x.type.bits, bits == type.bits else {
      throw a.node.invalid("\(x.type) does not have as many bits as \(type)")
    }
    let patterns: [UInt64] =
      switch x.storage {
      case .wholes(let numbers): numbers.elements.map { UInt64(bitPattern: $0) }
      case .doubles(let numbers): numbers.elements.map(\.bitPattern)
      case .floats(let numbers) where x.type == .float: numbers.elements.map { UInt64($0.bitPattern) }
      case .floats(let numbers):
        numbers.elements.map { value in
          UInt64(x.type.smallFormat?.encoded(Double(value)) ?? UInt16(PowerOfTwoFormat.encoded(Double(value))))
        }
      case .strings: throw ONNXTypeError(found: x.type, expected: "numbers")
      }
    switch type {
    case .double: return ONNXTensor(try Tensor(patterns.map { Double(bitPattern: $0) }, shape: x.shape))
    case .float:
      return ONNXTensor(
        try Tensor(patterns.map { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) }, shape: x.shape))
    case _ where type.isReal:
      let numbers = patterns.map { pattern in
        type.smallFormat?.decoded(UInt16(truncatingIfNeeded: pattern & (1 << UInt64(bits) - 1)))
          ?? PowerOfTwoFormat.decoded(UInt8(truncatingIfNeeded: pattern))
      }
      return try ONNXTensor(exact: Tensor(numbers, shape: x.shape), as: type)
    default: return try ONNXTensor(Tensor(patterns.map { Int64(bitPattern: $0) }, shape: x.shape), as: type)
    }
  }
}
