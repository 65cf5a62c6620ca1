/// A kind of part: a cell, a converter, a multiplier in logic. A new kind is a constant in the room that knows it.
public struct Part: RawRepresentable, Hashable, Codable, Sendable, Comparable, ExpressibleByStringLiteral {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }
  public init(stringLiteral value: String) { rawValue = value }
  public static func < (a: Part, b: Part) -> Bool { a.rawValue < b.rawValue }

  /// Floating-point logic; `bits` of its events is the width of a number.
  public static let floatLogic: Part = "floating-point logic"
  /// Integer and fixed-point logic; `bits` of its events is the width of a number.
  public static let integerLogic: Part = "integer logic"
  /// On-chip memory next to logic.
  public static let memory: Part = "memory"

  /// Whether it is digital logic or its memory, and no array.
  public var isLogic: Bool { [.floatLogic, .integerLogic, .memory].contains(self) }
}

/// What happens to a part.
public struct Event: RawRepresentable, Hashable, Codable, Sendable, Comparable, ExpressibleByStringLiteral {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }
  public init(stringLiteral value: String) { rawValue = value }
  public static func < (a: Event, b: Event) -> Bool { a.rawValue < b.rawValue }

  /// One product added to a sum.
  public static let multiplyAccumulate: Event = "multiply-accumulate"
  /// One sum, comparison, scaling or activation of one number.
  public static let operation: Event = "operation"
  /// One byte in or out.
  public static let byte: Event = "byte"
}

/// What happened while a computation ran: a ledger with one amount for each scope, part and event, from which costs follow.
///
/// Every primitive adds to the ledger of the context it is given. Amounts are counts, or seconds and joules where the event
/// says so. Nothing is sampled.
public struct Activity: Sendable, Equatable {
  /// What an amount belongs to.
  public struct Key: Hashable, Codable, Sendable, Comparable {
    /// Where it happened: the names of layers, joined by dots; empty outside all of them.
    public var scope: String
    public var part: Part
    public var event: Event
    /// Resolution of a conversion or width of a number; 0 where that means nothing, and for ideal converters.
    public var bits: Int

    public static func < (a: Key, b: Key) -> Bool {
      (a.scope, a.part, a.event, a.bits) < (b.scope, b.part, b.event, b.bits)
    }
  }

  /// One line of the ledger.
  public struct Entry: Codable, Sendable, Equatable {
    public var key: Key
    public var amount: Double
  }

  private var amounts: [Key: Double] = [:]

  public init() {}

  /// All lines, sorted by scope, part, event and bits.
  public var entries: [Entry] { amounts.sorted { $0.key < $1.key }.map { Entry(key: $0.key, amount: $0.value) } }

  public mutating func add(_ part: Part, _ event: Event, _ amount: Double, bits: Int = 0, scope: String = "") {
    guard amount != 0 else { return }
    amounts[Key(scope: scope, part: part, event: event, bits: bits), default: 0] += amount
  }

  /// The sum over scopes and bits.
  public func total(_ part: Part, _ event: Event) -> Double {
    amounts.reduce(0) { $1.key.part == part && $1.key.event == event ? $0 + $1.value : $0 }
  }

  /// Names of all scopes, sorted.
  public var scopes: [String] { Set(amounts.keys.map(\.scope)).sorted() }

  /// The lines that pass.
  public func filtered(_ isIncluded: (Key) -> Bool) -> Activity {
    var result = self
    result.amounts = amounts.filter { isIncluded($0.key) }
    return result
  }

  /// Every amount times a factor: 1/n for one of n inferences.
  public static func * (a: Activity, factor: Double) -> Activity {
    var result = a
    result.amounts = a.amounts.mapValues { $0 * factor }
    return result
  }

  public static func + (a: Activity, b: Activity) -> Activity {
    var sum = a
    sum += b
    return sum
  }

  public static func += (a: inout Activity, b: Activity) { a.amounts.merge(b.amounts, uniquingKeysWith: +) }
}

extension Activity: Codable {
  public init(from decoder: any Decoder) throws {
    for entry in try decoder.singleValueContainer().decode([Entry].self) { amounts[entry.key] = entry.amount }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(entries)
  }
}

/// Parts that exist, whether or not they work.
public struct Inventory: Sendable, Equatable {
  public struct Key: Hashable, Sendable, Comparable {
    public var part: Part
    /// Resolution of a converter; 0 where that means nothing, and for ideal converters.
    public var bits: Int
    public static func < (a: Key, b: Key) -> Bool { (a.part, a.bits) < (b.part, b.bits) }
  }

  public private(set) var parts: [Key: Int] = [:]

  public init() {}

  public mutating func add(_ part: Part, _ count: Int, bits: Int = 0) {
    guard count != 0 else { return }
    parts[Key(part: part, bits: bits), default: 0] += count
  }

  /// How many of a part there are with a resolution.
  public func count(_ part: Part, bits: Int) -> Int { parts[Key(part: part, bits: bits)] ?? 0 }

  /// How many of a part there are, over all resolutions.
  public func count(_ part: Part) -> Int { parts.reduce(0) { $1.key.part == part ? $0 + $1.value : $0 } }

  public static func + (a: Inventory, b: Inventory) -> Inventory {
    var sum = a
    sum += b
    return sum
  }

  public static func += (a: inout Inventory, b: Inventory) { a.parts.merge(b.parts, uniquingKeysWith: +) }
}

/// Something made of parts.
public protocol HasInventory: Sendable {
  var inventory: Inventory { get }
}

extension Activity {
  /// The same logic with integers of a width in place of floating point, and memory traffic to match: what a digital side costs
  /// at the precision that it is compared at. With 32 bits or more it stays floating point.
  public func charged(at bits: Int) -> Activity {
    guard bits < 32 else { return self }
    var result = Activity()
    for entry in entries {
      let key = entry.key
      switch key.part {
      case .floatLogic: result.add(.integerLogic, key.event, entry.amount, bits: bits, scope: key.scope)
      case .memory:
        result.add(.memory, key.event, entry.amount * Double((bits + 7) / 8) / 4, bits: key.bits, scope: key.scope)
      default: result.add(key.part, key.event, entry.amount, bits: key.bits, scope: key.scope)
      }
    }
    return result
  }
}
