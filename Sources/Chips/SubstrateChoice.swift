import Circuits
import Devices
import Settings
import Substrates
import Tensors

/// What carries out a computation, as configuration: `substrate.kind`, `substrate.device.…`, `substrate.macro.…`,
/// `substrate.components.…`.
public struct SubstrateChoice: Codable, Sendable, Equatable {
  public enum Kind: String, ConfigurationChoice {
    /// Exact single precision.
    case digital
    /// Rounded digital logic, `fixedPoint.…`.
    case fixedPoint = "fixed-point"
    /// Simulated arrays, `device.…` and `macro.…`.
    case analog
  }

  public var kind = Kind.digital
  public var fixedPoint = FixedPoint()
  /// The cells; the word `device.kind` selects what keys there are.
  public var device = DeviceChoice()
  public var macro = Macro()
  /// What everything costs.
  public var components = ComponentLibrary()
  /// Programming draws over which analog figures are averaged.
  public var draws = 3

  public init(_ kind: Kind = .digital) { self.kind = kind }

  /// The arrays of a platform, for when arrays are asked for.
  public init(_ platform: Platform, draws: Int = 3) {
    (device, macro, components, self.draws) = (platform.device, platform.macro, platform.components, draws)
  }

  /// The groups in which a word selects the keys, by their paths from the top of a run's settings.
  public static func variants() throws -> Variants {
    let device = Variants(["device": try DeviceChoice.variants()])
    return try device.merging(Macro.variants().below("macro")).below("substrate")
  }

  /// - Throws: `ConfigurationError` naming the key.
  public func validate() throws {
    guard (1...1000).contains(draws) else {
      throw ConfigurationError.invalidValue(key: "substrate.draws", found: "\(draws)", expected: "1 to 1000")
    }
    do { try macro.validate() } catch CircuitError.invalidSetting(let name, let found, let expected) {
      throw ConfigurationError.invalidValue(key: "substrate.macro.\(name)", found: found, expected: expected)
    }
    do { try device.model.validate() } catch DeviceError.invalidSetting(let name, let found, let expected) {
      throw ConfigurationError.invalidValue(key: "substrate.device.\(name)", found: found, expected: expected)
    }
    do { try fixedPoint.validate() } catch TensorError.invalidArgument(let name, let found, let expected) {
      throw ConfigurationError.invalidValue(key: "substrate.fixedPoint.\(name)", found: found, expected: expected)
    }
    do { try components.validate() } catch ConfigurationError.invalidValue(let key, let found, let expected) {
      throw ConfigurationError.invalidValue(key: "substrate.\(key)", found: found, expected: expected)
    } catch ConfigurationError.unknownKey(let key, let accepted) {
      throw ConfigurationError.unknownKey(key: "substrate.\(key)", accepted: accepted)
    }
    _ = try device.model.prepared()
  }

  /// The substrate itself.
  public func make() throws -> any Substrate {
    switch kind {
    case .digital: Digital()
    case .fixedPoint: fixedPoint
    case .analog: try Analog(macro, device: device.model)
    }
  }

  /// How many times things have to be made for a mean and a spread: once where nothing is drawn when they are made.
  public var drawCount: Int { kind == .analog ? draws : 1 }

  /// The same settings for another kind.
  public func choosing(_ kind: Kind) -> SubstrateChoice {
    var other = self
    other.kind = kind
    return other
  }

  /// Energy, latency and area by the components.
  public func cost(of activity: Activity, inventory: Inventory = Inventory()) -> Cost {
    components.cost(of: activity, inventory: inventory)
  }

  /// Seconds that a ledger takes when all parts but those of logic exist `copies` times and work side by side.
  public func latency(of activity: Activity, copies: Int = 1) -> Double {
    cost(of: activity.filtered { $0.part.isLogic }).latency_s
      + cost(of: activity.filtered { !$0.part.isLogic }).latency_s / Double(copies)
  }

  /// The same hardware of ideal parts.
  public var withoutFaults: SubstrateChoice {
    var other = self
    other.device.model = device.model.withoutFaults
    other.macro = macro.withoutFaults
    return other
  }

  /// Every fault that this hardware has, alone in the same hardware of ideal parts; nothing where there are no arrays.
  public var eachFaultAlone: [(name: String, substrate: SubstrateChoice)] {
    get throws {
      guard kind == .analog else { return [] }
      let ideal = try ConfigurationValue(encoding: withoutFaults)
      let full = try ConfigurationValue(encoding: self)
      let faults =
        device.model.faults.map { ($0.name, $0.keys.map { "device.\($0)" }) }
        + Macro.faults.map { ($0.name, $0.keys.map { "macro.\($0)" }) }
      return try faults.compactMap { name, keys in
        guard keys.contains(where: { ideal[$0] != full[$0] }) else { return nil }
        var tree = ideal
        for key in keys { if let value = full[key] { tree = try tree.setting(key, to: value) } }
        return (name, try tree.configuration(SubstrateChoice.self, at: "substrate"))
      }
    }
  }

  /// The same with other settings, such as `device.readNoise=0.02`, checked.
  ///
  /// - Throws: `ConfigurationError` naming the key.
  public func setting(_ assignments: String...) throws -> SubstrateChoice {
    var tree = try ConfigurationValue(encoding: self)
    for assignment in assignments {
      tree = try tree.setting(assignment, at: "substrate", variants: Self.variants())
    }
    let choice = try tree.configuration(SubstrateChoice.self, at: "substrate")
    try choice.validate()
    return choice
  }
}
