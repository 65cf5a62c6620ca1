/// What a Python pickle describes, without running anything: protocols 0 to 2 as far as numbers, texts, lists,
/// dictionaries, NumPy arrays and SciPy matrices need. Names of classes stay names.
struct Pickle {
  indirect enum Value {
    case none
    case integer(Int)
    case real(Double)
    case bytes([UInt8])
    case tuple([Value])
    case list(Container)
    case dictionary(Container)
    case name(String)
    /// What a class or function makes of arguments, and the state it is given afterwards.
    case object(Object)
  }

  /// Lists and dictionaries are filled after they are remembered, so they are shared. A dictionary holds keys and values
  /// in turn.
  final class Container { var items: [Value] = [] }

  final class Object {
    let maker: String, arguments: [Value]
    var state: Value?

    init(_ maker: String, _ arguments: [Value]) { (self.maker, self.arguments) = (maker, arguments) }
  }

  private var file: DataFile
  private var stack: [Value] = []
  private var marks: [Int] = []
  private var memory: [Int: Value] = [:]
  /// Tuples and objects so far. Files that we read have some dozens; deep chains would overflow the stack when freed.
  private var made = 0

  static func read(_ path: String, limit: Int = 1 << 30) throws(DataError) -> Value {
    var pickle = Pickle(file: try DataFile(path, format: "pickle", limit: limit))
    return try pickle.run()
  }

  private init(file: DataFile) { self.file = file }

  private mutating func make(_ value: Value) throws(DataError) {
    made += 1
    guard made <= 4096 else { throw file.malformed("it makes more than 4096 tuples and objects") }
    stack.append(value)
  }

  private mutating func pop() throws(DataError) -> Value {
    guard stack.count > (marks.last ?? 0), let value = stack.popLast() else {
      throw file.malformed("its stack is empty")
    }
    return value
  }

  private mutating func popToMark() throws(DataError) -> [Value] {
    guard let mark = marks.popLast(), mark <= stack.count else { throw file.malformed("its stack has no mark") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  private mutating func line() throws(DataError) -> String {
    var bytes: [UInt8] = []
    while true {
      let byte = try file.integer(UInt8.self, big: false)
      if byte == 10 { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(byte)
    }
  }

  /// Text is kept as the bytes of Latin-1, which is how NumPy's raw data come as text.
  private func latin(_ bytes: ArraySlice<UInt8>) -> Value {
    .bytes(String(decoding: bytes, as: UTF8.self).unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
  }

  private mutating func run() throws(DataError) -> Value {
    while true {
      let code = try file.integer(UInt8.self, big: false)
      switch UnicodeScalar(code) {
      case "\u{80}": _ = try file.take(1)
      case ".": return try pop()
      case "(": marks.append(stack.count)
      case "N": stack.append(.none)
      case "\u{88}": stack.append(.integer(1))
      case "\u{89}": stack.append(.integer(0))
      case "K", "M", "J", "I", "L", "\u{8A}": stack.append(.integer(try integer(UnicodeScalar(code))))
      case "G": stack.append(.real(Double(bitPattern: try file.integer(UInt64.self, big: true))))
      case "U": stack.append(.bytes(Array(try file.take(Int(try file.integer(UInt8.self, big: false))))))
      case "T": stack.append(.bytes(Array(try file.take(Int(try file.integer(UInt32.self, big: false))))))
      case "X": stack.append(latin(try file.take(Int(try file.integer(UInt32.self, big: false)))))
      case "c": stack.append(.name(try line() + "." + line()))
      case ")": try make(.tuple([]))
      case "t": try make(.tuple(try popToMark()))
      case "\u{85}": try make(.tuple([try pop()]))
      case "\u{86}":
        let b = try pop()
        try make(.tuple([try pop(), b]))
      case "\u{87}":
        let c = try pop(), b = try pop()
        try make(.tuple([try pop(), b, c]))
      case "]": stack.append(.list(Container()))
      case "}": stack.append(.dictionary(Container()))
      case "a": try append([try pop()])
      case "e": try append(try popToMark())
      case "s":
        let value = try pop()
        try append([try pop(), value])
      case "u": try append(try popToMark())
      case "q": try remember(Int(try file.integer(UInt8.self, big: false)))
      case "r": try remember(Int(try file.integer(UInt32.self, big: false)))
      case "p": try remember(Int(try line()) ?? -1)
      case "h": try recall(Int(try file.integer(UInt8.self, big: false)))
      case "j": try recall(Int(try file.integer(UInt32.self, big: false)))
      case "g": try recall(Int(try line()) ?? -1)
      case "R", "\u{81}":
        guard case .tuple(let arguments) = try pop(), case .name(let maker) = try pop() else {
          throw file.malformed("it calls something that has no name")
        }
        try make(.object(Object(maker, arguments)))
      case "b":
        let state = try pop()
        guard case .object(let object)? = stack.last else { throw file.malformed("it gives a state to no object") }
        object.state = state
      default: throw file.malformed("the instruction \(code) is not supported")
      }
    }
  }

  /// A whole number in the form of its instruction.
  private mutating func integer(_ code: UnicodeScalar) throws(DataError) -> Int {
    switch code {
    case "K": return Int(try file.integer(UInt8.self, big: false))
    case "M": return Int(try file.integer(UInt16.self, big: false))
    case "J": return Int(Int32(bitPattern: try file.integer(UInt32.self, big: false)))
    case "\u{8A}":
      let count = Int(try file.integer(UInt8.self, big: false))
      guard count <= 8 else { throw file.malformed("a number of \(count) bytes is too large") }
      var word: UInt64 = 0
      for byte in try file.take(count).reversed() { word = word << 8 | UInt64(byte) }
      // Sign extension from the last byte.
      let unused = UInt64(64 - 8 * count)
      return count == 0 ? 0 : Int(Int64(bitPattern: word << unused) >> Int64(unused))
    default:
      let text = try line()
      guard let number = Int(text.hasSuffix("L") ? String(text.dropLast()) : text) else {
        throw file.malformed("a number is none")
      }
      return number
    }
  }

  private mutating func append(_ values: [Value]) throws(DataError) {
    // Nothing we read nests them, and freeing a chain of a million would overflow the stack.
    for value in values {
      switch (stack.last, value) {
      case (_, .dictionary), (.list?, .list): throw file.malformed("it holds lists or dictionaries in each other")
      default: break
      }
    }
    switch stack.last {
    case .list(let container)?, .dictionary(let container)?: container.items += values
    // A dictionary that a class makes, such as one with default values, takes its items as state.
    case .object(let object)?:
      let container: Container
      if case .dictionary(let present)? = object.state { container = present } else { container = Container() }
      container.items += values
      object.state = .dictionary(container)
    default: throw file.malformed("it adds to something that holds nothing")
    }
  }

  private mutating func remember(_ place: Int) throws(DataError) {
    guard let value = stack.last else { throw file.malformed("its stack is empty") }
    memory[place] = value
  }

  private mutating func recall(_ place: Int) throws(DataError) {
    guard let value = memory[place] else { throw file.malformed("it recalls what it never remembered") }
    stack.append(value)
  }
}

extension Pickle.Value {
  var integer: Int? { if case .integer(let value) = self { value } else { nil } }

  var text: String? { if case .bytes(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { nil } }

  /// Keys and values of a dictionary, or of an object's state.
  var entries: [(key: Pickle.Value, value: Pickle.Value)]? {
    switch self {
    case .dictionary(let container):
      return stride(from: 0, to: container.items.count - 1, by: 2).map {
        (container.items[$0], container.items[$0 + 1])
      }
    case .object(let object): if case .dictionary? = object.state { return object.state?.entries } else { return nil }
    default: return nil
    }
  }

  /// Shape and numbers of a NumPy array with numbers of a fixed size in the machine's usual order.
  var array: (shape: [Int], values: [Double])? {
    guard case .object(let object) = self, object.maker.hasSuffix("multiarray._reconstruct"),
      case .tuple(let state)? = object.state, state.count == 5, case .tuple(let extents) = state[1],
      case .object(let type) = state[2], let kind = type.arguments.first?.text, state[3].integer == 0
    else { return nil }
    if case .tuple(let details)? = type.state, details.count > 1, details[1].text == ">" { return nil }
    var raw: [UInt8] = []
    switch state[4] {
    case .bytes(let bytes): raw = bytes
    // Python 3 writes bytes as text with its encoding.
    case .object(let encoded) where encoded.maker == "_codecs.encode":
      guard case .bytes(let bytes)? = encoded.arguments.first else { return nil }
      raw = bytes
    default: return nil
    }
    let shape = extents.compactMap(\.integer)
    var count = 1
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow else { return nil }
      count = product
    }
    func decode<T>(_ type: T.Type, _ convert: (T) -> Double) -> [Double]? {
      let size = MemoryLayout<T>.size
      guard raw.count / size == count, raw.count % size == 0 else { return nil }
      return raw.withUnsafeBytes { bytes in
        (0..<count).map { convert(bytes.loadUnaligned(fromByteOffset: $0 * size, as: T.self)) }
      }
    }
    let values: [Double]? =
      switch kind {
      case "f4": decode(Float.self) { Double($0) }
      case "f8": decode(Double.self) { $0 }
      case "i4": decode(Int32.self) { Double($0) }
      case "i8": decode(Int64.self) { Double($0) }
      case "u1", "b1": decode(UInt8.self) { Double($0) }
      case "i1": decode(Int8.self) { Double($0) }
      default: nil
      }
    return values.map { (shape, $0) }
  }
}
