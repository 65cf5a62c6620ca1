import Tensors

/// A tensor of any type that the ONNX format has, but complex ones.
///
/// Real numbers of fewer than 32 bits are kept in single precision and rounded to their type after every operation.
public struct ONNXTensor: Sendable {
  enum Storage: Sendable {
    /// `float`, and everything smaller.
    case floats(Tensor<Float>)
    case doubles(Tensor<Double>)
    /// Whole numbers and truth values; `uint64` by its bits.
    case wholes(Tensor<Int64>)
    /// Positions in a list of strings, so that strings move as numbers do.
    case strings(Tensor<Int64>, [String])
  }

  public let type: ONNXType
  var storage: Storage

  public var shape: [Int] {
    switch storage {
    case .floats(let x): x.shape
    case .doubles(let x): x.shape
    case .wholes(let x), .strings(let x, _): x.shape
    }
  }
  var rank: Int { shape.count }
  var count: Int {
    switch storage {
    case .floats(let x): x.count
    case .doubles(let x): x.count
    case .wholes(let x), .strings(let x, _): x.count
    }
  }

  private init(_ type: ONNXType, _ storage: Storage) { (self.type, self.storage) = (type, storage) }

  /// Single precision.
  public init(_ numbers: Tensor<Float>) { self.init(.float, .floats(numbers)) }
  /// Double precision.
  public init(_ numbers: Tensor<Double>) { self.init(.double, .doubles(numbers)) }
  /// Whole numbers of 64 bits.
  public init(_ numbers: Tensor<Int64>) { self.init(.int64, .wholes(numbers)) }
  /// Whole numbers of 32 bits.
  public init(_ numbers: Tensor<Int32>) throws {
    self.init(.int32, .wholes(try Tensor(numbers.elements.map { Int64($0) }, shape: numbers.shape)))
  }

  /// Numbers of a type; rounded, or wrapped, to it.
  init(_ numbers: Tensor<Int64>, as type: ONNXType) throws {
    if type == .int64 || type == .uint64 { self.init(type, .wholes(numbers)); return }
    self.init(type, .wholes(try Tensor(numbers.elements.map(type.wrapped), shape: numbers.shape)))
  }

  init(_ numbers: Tensor<Double>, as type: ONNXType) throws {
    switch type {
    case .double: self.init(numbers)
    case .float: self.init(try numbers.converted())
    default:
      self.init(type, .floats(try Tensor(numbers.elements.map { Float(type.rounded($0)) }, shape: numbers.shape)))
    }
  }

  init(_ numbers: Tensor<Float>, as type: ONNXType) throws {
    switch type {
    case .float: self.init(numbers)
    case .double: self.init(try numbers.converted())
    default:
      let rounded = numbers.elements.map { Float(type.rounded(Double($0))) }
      self.init(type, .floats(try Tensor(rounded, shape: numbers.shape)))
    }
  }

  /// Numbers that their type holds as they are.
  init(exact numbers: Tensor<Double>, as type: ONNXType) throws {
    self.init(type, .floats(try numbers.converted()))
  }

  init(wholes: [Int], shape: [Int]? = nil, as type: ONNXType = .int64) throws {
    try self.init(Tensor(wholes.map { Int64($0) }, shape: shape ?? [wholes.count]), as: type)
  }
  init(truths: [Bool], shape: [Int]) throws {
    self.init(.bool, .wholes(try Tensor(truths.map { $0 ? 1 : 0 }, shape: shape)))
  }
  init(strings: [String], shape: [Int]) throws {
    var places: [String: Int64] = [:]
    var table: [String] = []
    let positions = strings.map { text in
      if let place = places[text] { return place }
      table.append(text)
      places[text] = Int64(table.count - 1)
      return Int64(table.count - 1)
    }
    self.init(.string, .strings(try Tensor(positions, shape: shape), table))
  }

  /// The numbers in single precision: rounded where the type has more bits. Strings have none.
  public func floats() throws -> Tensor<Float> {
    switch storage {
    case .floats(let x): return x
    case .doubles(let x): return try x.converted()
    case .wholes(let x) where type == .uint64:
      return try Tensor(x.elements.map { Float(UInt64(bitPattern: $0)) }, shape: x.shape)
    case .wholes(let x): return try Tensor(x.elements.map { Float($0) }, shape: x.shape)
    case .strings: throw ONNXTypeError(found: type, expected: "numbers")
    }
  }

  /// The numbers in double precision.
  public func doubles() throws -> Tensor<Double> {
    switch storage {
    case .floats(let x): return try x.converted()
    case .doubles(let x): return x
    case .wholes(let x) where type == .uint64:
      return try Tensor(x.elements.map { Double(UInt64(bitPattern: $0)) }, shape: x.shape)
    case .wholes(let x): return try Tensor(x.elements.map { Double($0) }, shape: x.shape)
    case .strings: throw ONNXTypeError(found: type, expected: "numbers")
    }
  }

  /// Whole numbers or truth values; those of `uint64` by their bits. Others are refused.
  public func wholes() throws -> Tensor<Int64> {
    guard case .wholes(let x) = storage else { throw ONNXTypeError(found: type, expected: "whole numbers") }
    return x
  }

  /// Strings, row-major. Others are refused.
  public func strings() throws -> [String] {
    guard case .strings(let x, let table) = storage else { throw ONNXTypeError(found: type, expected: "strings") }
    return x.elements.map { table[Int($0)] }
  }
}

/// A tensor of a type that an operation does not take.
struct ONNXTypeError: Error {
  let found: ONNXType
  let expected: String
}

/// What flows along the edges of a graph.
public enum ONNXValue: Sendable {
  case tensor(ONNXTensor)
  indirect case sequence([ONNXValue])
  /// A value that may be absent.
  indirect case optional(ONNXValue?)

  /// Single precision.
  public init(_ numbers: Tensor<Float>) { self = .tensor(ONNXTensor(numbers)) }
}
