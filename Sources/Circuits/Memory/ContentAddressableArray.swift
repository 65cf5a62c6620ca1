import Devices
import Substrates
import Tensors

/// Stored words in an array of cells, one line of columns for each word: the current of a line is its score.
///
/// Binary and ternary words are pairs of cells at the ends of the window, "don't care" is a pair at the low end; queries of −1
/// and 1 need drivers of one bit. Real words (`distance`) take one more row that holds −|w|²/2, so that a line's current is
/// q·w − |w|²/2; logic subtracts |q|²/2 and doubles.
///
/// The best word comes from comparing currents, without conversion, where a word fits into one array; else from the numbers.
public struct ContentAddressableArray: AssociativeMemory {
  public let match: Match
  public let words: Int
  public let width: Int
  private var array: Crossbar
  private let bits: Int
  private let isOneArray: Bool

  /// - Parameter words: shape `[words, width]`.
  public init(
    _ words: Tensor<Float>, _ match: Match, macro: Macro, device: any DeviceModel, in context: inout ForwardContext
  ) throws {
    try match.check(words, width: words.shape.last ?? 0, isQuery: false)
    (self.match, self.words, width) = (match, words.shape[0], words.shape[1])
    var own = macro
    if match == .distance {
      var mapping = DifferentialMapping()
      // Scores are compared with each other, so all have one scale.
      mapping.scaling.over = .matrix
      own.mapping = MappingChoice(mapping)
    } else {
      var mapping = TernaryMapping()
      mapping.threshold = 0
      own.mapping = MappingChoice(mapping)
    }
    own.input.domain = .signed
    if match == .binary || match == .ternary { own.input.bits = 1 }
    bits = own.logicBits
    array = try Crossbar(weights: Self.lines(words, match), macro: own, device: device, in: &context)
    isOneArray = Set(array.tiles.map(\.rows)).count == 1
  }

  /// Words as columns.
  private static func lines(_ words: Tensor<Float>, _ match: Match) throws -> Tensor<Float> {
    guard match == .distance else { return try words.transposed().rowMajor() }
    let squares = try words.squared().sum(axes: [1], keepingAxes: true) * -0.5
    return try Tensor.concatenate([words, squares], axis: 1).transposed().rowMajor()
  }

  public var inventory: Inventory {
    var inventory = array.inventory
    if isOneArray { inventory.add(.comparator, Swift.max(0, words - 1)) }
    return inventory
  }

  private func inputs(_ query: Tensor<Float>) throws -> Tensor<Float> {
    match == .distance ? try Tensor.concatenate([query, .ones([query.shape[0], 1])], axis: 1) : query
  }

  public func scores(_ query: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Float> {
    try match.check(query, width: width, isQuery: true)
    let product = try array.apply(inputs(query), in: &context)
    switch match {
    case .ternary, .product: return product
    case .binary:
      context.countLogic(.operation, product.count, bits: bits)
      return try (product + Float(width)) * 0.5
    case .distance:
      context.countLogic(.multiplyAccumulate, query.count, bits: bits)
      context.countLogic(.operation, product.count, bits: bits)
      return try product * 2 - query.squared().sum(axes: [1], keepingAxes: true)
    }
  }

  public func best(_ query: Tensor<Float>, in context: inout ForwardContext) throws -> Tensor<Int32> {
    guard isOneArray else {
      context.countLogic(.operation, (query.shape.first ?? 0) * words, bits: bits)
      return try scores(query, in: &context).indexOfMax(axis: 1)
    }
    try match.check(query, width: width, isQuery: true)
    context.count(.comparator, .decision, query.shape[0] * Swift.max(0, words - 1))
    return try array.currents(inputs(query), in: &context).indexOfMax(axis: 1)
  }

  public mutating func store(_ words: Tensor<Float>, in context: inout ForwardContext) throws {
    try match.check(words, width: width, isQuery: false)
    guard words.shape[0] == self.words else {
      throw TensorError.wrongShape(argument: "words", found: words.shape, expected: "[\(self.words), \(width)]")
    }
    try array.write(Self.lines(words, match), in: &context)
  }

  /// Sets the ranges of converters from typical queries.
  public mutating func calibrate(_ query: Tensor<Float>, in context: inout ForwardContext) throws {
    try match.check(query, width: width, isQuery: true)
    try array.calibrate(inputs(query), from: .rows, in: &context)
  }
}
