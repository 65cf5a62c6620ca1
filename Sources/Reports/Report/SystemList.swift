import Foundation
import Runs
import Settings
import Tensors

/// Everything that can be run by its name.
public enum SystemList {
  private static let known = Locked<[(system: AnySystem, isCommand: Bool)]>([])

  /// Makes systems known by the names on their cards; the last one of a name counts.
  ///
  /// - Parameter commands: whether they have a command of their own, and so are not listed.
  public static func add(_ systems: [any System.Type], commands: Bool = false) {
    func erased<S: System>(_ type: S.Type) -> AnySystem { AnySystem(type) }
    for type in systems {
      let system = erased(type)
      known.withLock { list in
        list.removeAll { $0.system.card.name == system.card.name }
        list.append((system, commands))
      }
    }
  }

  /// The systems in the order in which they were added, without those that are commands.
  public static var all: [AnySystem] { known.withLock { $0.filter { !$0.isCommand }.map(\.system) } }

  /// The system of a name.
  ///
  /// - Throws: `ConfigurationError` that lists the names.
  public static func named(_ name: String) throws(ConfigurationError) -> AnySystem {
    let list = known.withLock { $0.map(\.system) }
    guard let system = list.first(where: { $0.card.name == name }) else {
      throw ConfigurationError.invalidValue(
        key: "system", found: name, expected: accepted(list.map(\.card.name), insteadOf: name))
    }
    return system
  }
}
