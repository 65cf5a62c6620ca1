import Settings
import Tensors

/// A device by its word: in a configuration `kind` and the keys of that device alone.
public struct DeviceChoice: Sendable, Equatable {
  public var model: any DeviceModel

  public init(_ model: any DeviceModel = RRAM()) { self.model = model }

  /// Every technology that there is.
  public static let builtIn: [any DeviceModel.Type] = [RRAM.self, MeasuredDevice.self, IdealDevice.self]

  private static let added = Locked<[any DeviceModel.Type]>([])

  /// Makes a technology from outside this package known by its word; the last one of a word counts.
  public static func add(_ type: any DeviceModel.Type) { added.withLock { $0.append(type) } }

  /// Technologies by their words.
  public static var kinds: [String: any DeviceModel.Type] {
    Dictionary((builtIn + added.withLock { $0 }).map { ($0.kind, $0) }) { $1 }
  }

  /// The default keys of each kind, for `Variants`.
  public static func variants() throws -> [String: ConfigurationValue] {
    try kinds.mapValues { try ConfigurationValue(encoding: DeviceChoice($0.init())) }
  }

  public static func == (a: DeviceChoice, b: DeviceChoice) -> Bool {
    func equal<D: DeviceModel>(_ x: D) -> Bool { (b.model as? D) == x }
    return equal(a.model)
  }

  /// The same technology with `change` made to its parameters, if it is `D`; else as it is.
  public func changing<D: DeviceModel>(_ type: D.Type, _ change: (inout D) -> Void) -> DeviceChoice {
    guard var own = model as? D else { return self }
    change(&own)
    return DeviceChoice(own)
  }
}

extension DeviceChoice: Codable {
  private enum Keys: CodingKey { case kind }

  /// - Throws: `DeviceError.unknownKind`; what the device's own decoding throws.
  public init(from decoder: any Decoder) throws {
    let kind = try decoder.container(keyedBy: Keys.self).decode(String.self, forKey: .kind)
    guard let type = Self.kinds[kind] else {
      throw DeviceError.unknownKind(found: kind, accepted: accepted(Self.kinds.keys.sorted(), insteadOf: kind))
    }
    model = try type.init(from: decoder)
  }

  public func encode(to encoder: any Encoder) throws {
    try model.encode(to: encoder)
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode(type(of: model).kind, forKey: .kind)
  }
}
