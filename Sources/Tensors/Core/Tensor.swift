/// An array of numbers with a shape: a value, shared until it is changed.
///
/// Operations are pure and throw a `TensorError` when the arguments do not fit, or memory runs out. Gradients of any
/// computation come from `valueAndGradient`.
///
///     let x = try Tensor<Float>([[1, 2], [3, 4]])
///     let y = try matmul(x, x.transposed()) + 1
public struct Tensor<Element: TensorElement>: Sendable {
  package var body: Body

  package init(body: Body) { self.body = body }

  /// Extents, outermost first; empty for a single number.
  public var shape: [Int] { body.shape }
  /// Number of axes.
  public var rank: Int { body.shape.count }
  /// Number of elements.
  public var count: Int { body.count }

  /// Memory with undefined contents, for operations that fill all of it.
  package static func uninitialized(_ shape: [Int], _ layout: Layout = .rowMajor) throws(TensorError) -> Tensor {
    Tensor(body: try Body(Element._elementType.type, shape, layout))
  }

  package var pointer: UnsafeMutablePointer<Element> { body.pointer.assumingMemoryBound(to: Element.self) }

  /// A tensor of `shape` with the numbers of `elements`, row-major.
  /// - Throws: `TensorError.wrongShape` when their number is not the product of the extents.
  public init(_ elements: some Collection<Element>, shape: [Int]) throws(TensorError) {
    let result = try Tensor.uninitialized(shape)
    guard result.count == elements.count
    else { throw .wrongShape(argument: "shape", found: shape, expected: "a product of \(elements.count)") }
    var next = result.pointer
    for element in elements {
      next.initialize(to: element)
      next += 1
    }
    self = result
  }

  /// A vector.
  public init(_ elements: [Element]) throws(TensorError) { try self.init(elements, shape: [elements.count]) }

  /// A matrix, from its rows.
  /// - Throws: `TensorError.wrongShape` when the rows differ in length.
  public init(_ rows: [[Element]]) throws(TensorError) {
    let width = rows.first?.count ?? 0
    if let odd = rows.first(where: { $0.count != width }) {
      throw .wrongShape(argument: "rows", found: [odd.count], expected: "\(width) numbers in every row")
    }
    try self.init(rows.flatMap { $0 }, shape: [rows.count, width])
  }

  /// A single number, of rank 0.
  public init(_ element: Element) throws(TensorError) { try self.init(CollectionOfOne(element), shape: []) }

  /// The same number everywhere.
  public init(repeating element: Element, shape: [Int]) throws(TensorError) {
    let result = try Tensor.uninitialized(shape)
    result.pointer.initialize(repeating: element, count: result.count)
    self = result
  }

  /// The numbers, row-major.
  public var elements: [Element] {
    let raw = UnsafeBufferPointer(start: pointer, count: count)
    defer { withExtendedLifetime(body) {} }
    guard body.layout == .channelsLast else { return Array(raw) }
    let channels = shape[1]
    let pixels = shape[2...].reduce(1, *)
    return (0..<count).map { i in
      let pixel = i % pixels
      let channel = i / pixels % channels
      let sample = i / (pixels * channels)
      return raw[(sample * pixels + pixel) * channels + channel]
    }
  }

  /// The number in a tensor of one element.
  /// - Throws: `TensorError.wrongShape` when there are none or several.
  public func item() throws(TensorError) -> Element {
    guard count == 1 else { throw .wrongShape(argument: "self", found: shape, expected: "one element") }
    return pointer.pointee
  }

  /// Calls `body` with the numbers, row-major.
  public func withElements<R>(_ body: (Span<Element>) throws -> R) throws -> R {
    let plain = try rowMajor()
    defer { withExtendedLifetime(plain) {} }
    return try body(UnsafeBufferPointer(start: plain.pointer, count: plain.count).span)
  }

  /// Changes the numbers in place, row-major; other tensors that share the memory keep theirs.
  public mutating func updateElements<R>(_ change: (inout MutableSpan<Element>) throws -> R) throws -> R {
    try makeUnique()
    var span = UnsafeMutableBufferPointer(start: pointer, count: count).mutableSpan
    return try change(&span)
  }

  /// Makes sure that no one else sees a change of this tensor's memory, and that it is row-major.
  package mutating func makeUnique() throws(TensorError) {
    if isKnownUniquelyReferenced(&body), !body.isView, body.layout == .rowMajor, body.tape == nil { return }
    let plain = try rowMajor()
    let copy = try Tensor.uninitialized(shape)
    copy.pointer.update(from: plain.pointer, count: count)
    self = copy
  }

  /// The same numbers, followed by no gradient computation.
  public func detached() -> Tensor { body.tape == nil ? self : Tensor(body: Body(viewing: body, shape: shape)) }
}

extension Tensor where Element: TensorScalar {
  public static func zeros(_ shape: [Int]) throws(TensorError) -> Tensor { try Tensor(repeating: 0, shape: shape) }
  public static func ones(_ shape: [Int]) throws(TensorError) -> Tensor { try Tensor(repeating: 1, shape: shape) }

  /// The identity matrix of `order` rows.
  public static func identity(_ order: Int) throws(TensorError) -> Tensor {
    let result = try zeros([order, order])
    for i in 0..<order { result.pointer[i * order + i] = 1 }
    return result
  }

  /// `count` numbers from `first` on, `step` apart.
  public static func range(_ count: Int, from first: Element = 0, step: Element = 1) throws(TensorError) -> Tensor {
    let result = try uninitialized([count])
    for i in 0..<count { result.pointer[i] = first + step * Element(i) }
    return result
  }

  /// `count` numbers evenly from `first` to `last`, both included.
  public static func linearSpace(_ first: Element, _ last: Element, count: Int) throws(TensorError) -> Tensor {
    guard count >= 2 else { throw .invalidArgument("count", found: "\(count)", expected: "2 or more") }
    let result = try range(count, from: first, step: (last - first) / Element(count - 1))
    result.pointer[count - 1] = last
    return result
  }
}

extension Tensor: Equatable {
  /// Same shape and equal numbers; as for numbers, NaN equals nothing.
  public static func == (a: Tensor, b: Tensor) -> Bool { a.shape == b.shape && a.elements == b.elements }
}

extension Tensor: CustomStringConvertible {
  public var description: String {
    let shown = elements.prefix(8).map { "\($0)" }.joined(separator: ", ")
    return "Tensor<\(Element.self)>\(shape)[\(shown)\(count > 8 ? ", …" : "")]"
  }
}

extension Tensor: Codable {
  private enum CodingKeys: String, CodingKey { case shape, elements }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(shape, forKey: .shape)
    try container.encode(elements, forKey: .elements)
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    try self.init(
      container.decode([Element].self, forKey: .elements), shape: container.decode([Int].self, forKey: .shape))
  }
}
