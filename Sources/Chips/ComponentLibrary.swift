import Circuits
import Settings
import Substrates
import Tensors

/// Component figures by name; each belongs to an event of a part, or to a part as such.
///
/// Costs that follow from it are projections, not measurements of a chip: interconnect, control and leakage are left out.
public struct ComponentLibrary: Sendable, Equatable {
  public var components: [String: Component]

  /// Which component an event is charged to.
  static let events: [(part: Part, event: Event, name: String)] = [
    (.cell, .joule, "cellJoule"), (.cell, .pulse, "pulse"), (.cell, .pulseTurn, "pulse"),
    (.cell, .programmingJoule, "cellJoule"), (.array, .step, "arrayStep"),
    (.inputConverter, .conversion, "inputConversion"), (.inputConverter, .turn, "inputConversion"),
    (.outputConverter, .conversion, "outputConversion"), (.outputConverter, .turn, "outputConversion"),
    (.amplifier, .second, "amplifier"), (.multiplier, .second, "multiplier"), (.closedLoop, .settling, "settling"),
    (.comparator, .decision, "comparator"), (.integerLogic, .multiplyAccumulate, "integerMultiplyAccumulate"),
    (.integerLogic, .operation, "integerOperation"), (.floatLogic, .multiplyAccumulate, "floatMultiplyAccumulate"),
    (.floatLogic, .operation, "floatOperation"), (.memory, .byte, "memoryByte"),
  ]

  /// Events that say how often others happened, or how; they cost nothing by themselves.
  static let remarks: [(part: Part, event: Event)] = [
    (.cell, .read), (.inputConverter, .clipped), (.outputConverter, .clipped), (.outputConverter, .uncalibrated),
  ]

  /// Which component a part's area is.
  static let areas: [(part: Part, name: String)] = [
    (.cell, "cell"), (.spareCell, "cell"), (.outputConverter, "outputConversion"),
  ]

  /// Turns take time, conversions energy: the same component serves both.
  static func takesTime(_ event: Event) -> Bool {
    [.turn, .step, .pulseTurn, .settling, .multiplyAccumulate, .operation].contains(event)
  }
  static func takesEnergy(_ event: Event) -> Bool { ![.turn, .pulseTurn, .settling].contains(event) }

  /// A figure from outside this package, and what it is charged for.
  public struct Addition: Sendable {
    /// Of the key, `substrate.components.NAME`.
    public var name: String
    public var component: Component
    /// Each takes the component's energy and time; an event that a standard component was charged for is taken from it.
    public var events: [(part: Part, event: Event)]
    /// What has the component's area.
    public var parts: [Part]

    public init(
      _ name: String, _ component: Component, events: [(part: Part, event: Event)], parts: [Part] = []
    ) {
      (self.name, self.component, self.events, self.parts) = (name, component, events, parts)
    }
  }

  private static let added = Locked<[Addition]>([])

  /// Makes a figure from outside this package one of the standard ones; the last one of a name counts. Systems take the figures
  /// that there are when they are added, so components go first.
  public static func add(_ addition: Addition) {
    added.withLock { list in
      list.removeAll { $0.name == addition.name }
      list.append(addition)
    }
  }

  /// The component that an event is charged to, and whether it takes the component's energy and its time.
  static func charge(_ part: Part, _ event: Event) -> (name: String, energy: Bool, time: Bool)? {
    let additions = added.withLock { $0 }
    if let own = additions.last(where: { $0.events.contains { $0.part == part && $0.event == event } }) {
      return (own.name, true, true)
    }
    let standard = events.first { $0.part == part && $0.event == event }
    return standard.map { ($0.name, takesEnergy(event), takesTime(event)) }
  }

  /// The component whose area a part has.
  static func area(of part: Part) -> String? {
    added.withLock { $0.last { $0.parts.contains(part) }?.name } ?? areas.first { $0.part == part }?.name
  }

  public init(components: [String: Component]) { self.components = components }

  /// Figures for a 45 to 65 nm chip with resistive cells. Logic does 64 operations at 1 GHz, of whatever width.
  public init() {
    let logic = 1 / 64e9
    let horowitz = "Horowitz, ISSCC 2014, 45 nm"
    let page = "specification of MIMO-OFDM baseband processing"
    components = [
      "cellJoule": Component(energy_J: 1, source: "the circuit simulation: ΣV²·G·t", mark: .stated),
      "cell": Component(area_mm2: 1.44e-6, source: "specification of the RRAM compiler, 130 nm", mark: .stated),
      "pulse": Component(energy_J: 11e-12, time_s: 100e-9, source: "1.5 V at 50 µS for 100 ns", mark: .assumed),
      "arrayStep": Component(time_s: 10e-9, source: "\(page): settling", mark: .assumed),
      "inputConversion": Component(
        energy_J: 0.5e-12, time_s: 1e-9, bits: 8, energyGrowth: .linear, timeGrowth: .none, source: page,
        mark: .assumed),
      "outputConversion": Component(
        energy_J: 2e-12, time_s: 1e-9, area_mm2: 0.0012, bits: 8, energyGrowth: .doubling, timeGrowth: .linear,
        areaGrowth: .doubling, source: "\(page) (energy, time), successive approximation; area: ISAAC, ISCA 2016",
        mark: .assumed),
      "amplifier": Component(energy_J: 100e-6, source: "\(page): 100 µW", mark: .assumed),
      "multiplier": Component(energy_J: 100e-6, source: "as an amplifier, 100 µW", mark: .assumed),
      "settling": Component(time_s: 1, source: "the circuit simulation", mark: .stated),
      "comparator": Component(energy_J: 50e-15, time_s: 1e-9, source: "10–50 fJ a decision", mark: .assumed),
      "integerMultiplyAccumulate": Component(
        energy_J: 0.23e-12, time_s: logic, bits: 8, energyGrowth: .quadratic,
        source: "\(horowitz): 0.2 pJ product, 0.03 pJ sum of 8 bits", mark: .known),
      "integerOperation": Component(
        energy_J: 0.03e-12, time_s: logic, bits: 8, energyGrowth: .linear, source: "\(horowitz): sum of 8 bits",
        mark: .known),
      "floatMultiplyAccumulate": Component(
        energy_J: 4.6e-12, time_s: logic, bits: 32, energyGrowth: .quadratic,
        source: "\(horowitz): 3.7 pJ product, 0.9 pJ sum of 32 bits", mark: .known),
      "floatOperation": Component(
        energy_J: 0.9e-12, time_s: logic, bits: 32, energyGrowth: .linear, source: "\(horowitz): sum of 32 bits",
        mark: .known),
      "memoryByte": Component(
        energy_J: 1.25e-12, source: "\(horowitz): 10 pJ for 8 bytes from 8 KB of SRAM", mark: .known),
    ]
    for addition in Self.added.withLock({ $0 }) { components[addition.name] = addition.component }
  }

  /// - Throws: `ConfigurationError` naming the component and the figure.
  public func validate() throws {
    let added = Self.added.withLock { $0.map(\.name) }
    let known = Set(Self.events.map(\.name) + Self.areas.map(\.name) + added)
    for (name, component) in components.sorted(by: { $0.key < $1.key }) {
      guard known.contains(name) else {
        throw ConfigurationError.unknownKey(key: "components.\(name)", accepted: known.sorted())
      }
      for (key, value) in [
        ("energy_J", component.energy_J), ("time_s", component.time_s), ("area_mm2", component.area_mm2),
      ] where !(value >= 0 && value.isFinite) {
        throw ConfigurationError.invalidValue(
          key: "components.\(name).\(key)", found: "\(value)", expected: "0 or more, finite")
      }
      guard Quantiser.limits.contains(component.bits) || component.bits == 32 else {
        throw ConfigurationError.invalidValue(
          key: "components.\(name).bits", found: "\(component.bits)", expected: "0 (does not depend on bits) to 32")
      }
    }
  }
}

extension ComponentLibrary: Codable {
  public init(from decoder: any Decoder) throws {
    components = try decoder.singleValueContainer().decode([String: Component].self)
    // Whoever changes a figure and not its source is the source.
    for (name, standard) in ComponentLibrary().components {
      guard var own = components[name], own != standard, own.source == standard.source else { continue }
      (own.source, own.mark) = ("set in the configuration", .given)
      components[name] = own
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(components)
  }
}
