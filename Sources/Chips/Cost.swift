import Circuits
import Substrates

/// Energy, latency and area that follow from a ledger and an inventory, line by line with their sources.
public struct Cost: Sendable, Equatable {
  /// One component in one scope.
  public struct Line: Codable, Sendable, Equatable {
    public var scope: String
    public var part: Part
    public var event: Event
    public var bits: Int
    /// How often.
    public var amount: Double
    public var energy_J: Double
    /// As if everything that takes time came one after the other, as the layers of one inference do.
    public var latency_s: Double
    /// Name of the component.
    public var component: String
    public var source: String
    public var mark: Component.Mark
  }

  public private(set) var lines: [Line] = []
  /// Parts and events that no component is known for, and parts without an area: they are not charged.
  public private(set) var uncharged: [String] = []
  public private(set) var area_mm2 = 0.0

  public var energy_J: Double { lines.reduce(0) { $0 + $1.energy_J } }
  public var latency_s: Double { lines.reduce(0) { $0 + $1.latency_s } }

  init(_ activity: Activity, _ inventory: Inventory, _ library: ComponentLibrary) {
    for entry in activity.entries {
      let key = entry.key
      if ComponentLibrary.remarks.contains(where: { $0.part == key.part && $0.event == key.event }) { continue }
      guard let charge = ComponentLibrary.charge(key.part, key.event), let component = library.components[charge.name]
      else {
        uncharged.append("\(key.part.rawValue): \(key.event.rawValue)")
        continue
      }
      let each = component.cost(bits: key.bits)
      lines.append(
        Line(
          scope: key.scope, part: key.part, event: key.event, bits: key.bits, amount: entry.amount,
          energy_J: charge.energy ? each.energy_J * entry.amount : 0,
          latency_s: charge.time ? each.time_s * entry.amount : 0, component: charge.name, source: component.source,
          mark: component.mark))
    }
    for (key, count) in inventory.parts.sorted(by: { $0.key < $1.key }) {
      if let name = ComponentLibrary.area(of: key.part), let component = library.components[name] {
        area_mm2 += component.area(bits: key.bits) * Double(count)
      } else {
        uncharged.append("area of \(key.part.rawValue)")
      }
    }
    uncharged = Array(Set(uncharged)).sorted()
  }

  /// Joules and seconds by part and event, over scopes and bits, in the order of the ledger.
  public var byPart: [(name: String, energy_J: Double, latency_s: Double)] {
    grouped { "\($0.part.rawValue), \($0.event.rawValue)" }
  }

  /// Joules and seconds by scope.
  public var byScope: [(name: String, energy_J: Double, latency_s: Double)] { grouped(\.scope) }

  /// The components that were charged, each once, with figures and sources.
  public var sources: [(component: String, source: String, mark: Component.Mark)] {
    var seen: Set<String> = []
    return lines.filter { seen.insert($0.component).inserted }.map { ($0.component, $0.source, $0.mark) }
  }

  private func grouped(_ name: (Line) -> String) -> [(name: String, energy_J: Double, latency_s: Double)] {
    var order: [String] = []
    var sums: [String: (Double, Double)] = [:]
    for line in lines {
      let key = name(line)
      if sums[key] == nil { order.append(key) }
      let sum = sums[key] ?? (0, 0)
      sums[key] = (sum.0 + line.energy_J, sum.1 + line.latency_s)
    }
    return order.map { ($0, sums[$0]?.0 ?? 0, sums[$0]?.1 ?? 0) }
  }
}

extension ComponentLibrary {
  /// What happened × what it costs, and the area of what there is. Writing is in it: leave programming's events out of the
  /// ledger, or ask for them alone, where it is shared by many inferences.
  public func cost(of activity: Activity, inventory: Inventory = Inventory()) -> Cost {
    Cost(activity, inventory, self)
  }
}

extension Activity {
  /// What programming did, and everything else.
  public var programming: Activity { filtered { Activity.programmingEvents.contains($0.event) } }
  public var operation: Activity { filtered { !Activity.programmingEvents.contains($0.event) } }

  private static let programmingEvents: Set<Event> = [.pulse, .pulseTurn, .programmingJoule]
}
