import Foundation

/// A protocol buffer message as a tree of fields, to be changed in its structure without knowing what it means.
struct ProtobufTree {
  enum Value {
    case number(UInt64)
    case fixed64(UInt64)
    case fixed32(UInt32)
    case bytes([UInt8])
    case message([Field])
  }
  struct Field {
    var number: UInt64
    var value: Value
  }

  var fields: [Field]

  /// Nothing where the bytes are no message.
  init?(_ bytes: [UInt8], depth: Int = 0) {
    var at = 0
    func varint() -> UInt64? {
      var (result, shift): (UInt64, UInt64) = (0, 0)
      while at < bytes.count, shift < 64 {
        let byte = bytes[at]
        at += 1
        result |= UInt64(byte & 127) << shift
        if byte < 128 { return result }
        shift += 7
      }
      return nil
    }
    func fixed(_ count: Int) -> UInt64? {
      guard at + count <= bytes.count else { return nil }
      defer { at += count }
      return (0..<count).reduce(0) { $0 | UInt64(bytes[at + $1]) << UInt64(8 * $1) }
    }
    fields = []
    while at < bytes.count {
      guard let key = varint(), key >> 3 > 0, key >> 3 < 64 else { return nil }
      switch key & 7 {
      case 0:
        guard let number = varint() else { return nil }
        fields.append(Field(number: key >> 3, value: .number(number)))
      case 1:
        guard let number = fixed(8) else { return nil }
        fields.append(Field(number: key >> 3, value: .fixed64(number)))
      case 5:
        guard let number = fixed(4) else { return nil }
        fields.append(Field(number: key >> 3, value: .fixed32(UInt32(truncatingIfNeeded: number))))
      case 2:
        guard let count = varint(), count <= UInt64(bytes.count - at) else { return nil }
        let content = Array(bytes[at..<at + Int(count)])
        at += Int(count)
        // Short texts rarely parse; where they do, the message is written back as it was.
        if depth < 12, content.count > 1, content.count < 1 << 16, let inner = ProtobufTree(content, depth: depth + 1) {
          fields.append(Field(number: key >> 3, value: .message(inner.fields)))
        } else {
          fields.append(Field(number: key >> 3, value: .bytes(content)))
        }
      default: return nil
      }
    }
  }

  var bytes: [UInt8] { Self.bytes(fields) }

  private static func varint(_ value: UInt64) -> [UInt8] {
    var (rest, bytes): (UInt64, [UInt8]) = (value, [])
    repeat {
      bytes.append(UInt8(rest & 127) | (rest > 127 ? 128 : 0))
      rest >>= 7
    } while rest > 0
    return bytes
  }

  private static func bytes(_ fields: [Field]) -> [UInt8] {
    fields.flatMap { field -> [UInt8] in
      switch field.value {
      case .number(let number): return varint(field.number << 3) + varint(number)
      case .fixed64(let number):
        return varint(field.number << 3 | 1) + (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
      case .fixed32(let number):
        return varint(field.number << 3 | 5) + (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
      case .bytes(let content): return varint(field.number << 3 | 2) + varint(UInt64(content.count)) + content
      case .message(let inner):
        let content = bytes(inner)
        return varint(field.number << 3 | 2) + varint(UInt64(content.count)) + content
      }
    }
  }

  /// Makes one change at a random place.
  mutating func change(_ next: () -> UInt64, texts: [[UInt8]]) { Self.change(&fields, next, texts) }

  private static let numbers: [UInt64] = [
    0, 1, 2, 3, 4, 7, 11, 13, 16, 255, 1 << 20, 1 << 31, 1 << 32, 1 << 62, 1 << 63, .max, UInt64(bitPattern: -2),
    UInt64(bitPattern: -3), .max >> 1,
  ]
  private static let reals: [Float] = [
    0, -0.0, 1, -1, .nan, .infinity, -.infinity, 1e38, .leastNonzeroMagnitude, 0.5, 1e10,
  ]

  private static func change(_ fields: inout [Field], _ next: () -> UInt64, _ texts: [[UInt8]]) {
    guard !fields.isEmpty else { return }
    let i = Int(next() % UInt64(fields.count))
    if case .message(var inner) = fields[i].value, next() % 8 != 0 {
      change(&inner, next, texts)
      fields[i].value = .message(inner)
      return
    }
    switch next() % 8 {
    case 0: fields.remove(at: i)
    case 1: fields.insert(fields[i], at: i)
    case 2: fields.swapAt(i, Int(next() % UInt64(fields.count)))
    case 3: fields[i].number = 1 + next() % 24
    default: changeValue(&fields[i].value, next, texts)
    }
  }

  private static func changeValue(_ value: inout Value, _ next: () -> UInt64, _ texts: [[UInt8]]) {
    switch value {
    case .number(let old):
      value = .number(next() % 3 == 0 ? old &+ next() % 5 &- 2 : numbers[Int(next() % UInt64(numbers.count))])
    case .fixed64: value = .fixed64(Double(reals[Int(next() % UInt64(reals.count))]).bitPattern)
    case .fixed32: value = .fixed32(reals[Int(next() % UInt64(reals.count))].bitPattern)
    case .bytes(var content):
      switch next() % 4 {
      case 0 where !content.isEmpty: content[Int(next() % UInt64(content.count))] = UInt8(truncatingIfNeeded: next())
      case 1 where !content.isEmpty: content.removeLast(Int(next() % UInt64(content.count)))
      case 2: content += content
      default: if !texts.isEmpty { content = texts[Int(next() % UInt64(texts.count))] }
      }
      value = .bytes(content)
    case .message(let inner): value = .message(inner.reversed())
    }
  }

  /// Short byte strings: names of values, operators and attributes.
  var texts: [[UInt8]] {
    func find(_ fields: [Field]) -> [[UInt8]] {
      fields.flatMap { field -> [[UInt8]] in
        switch field.value {
        case .bytes(let content): content.count < 32 ? [content] : []
        case .message(let inner): find(inner)
        default: []
        }
      }
    }
    return find(fields)
  }
}
