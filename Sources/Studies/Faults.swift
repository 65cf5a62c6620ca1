import Chips
import Reports
import Runs
import Settings
import Substrates
import Tensors

/// Kinds of hardware that a study holds beside each other, such as a chip with each of its faults alone.
public struct HardwareCases: Sendable {
  public private(set) var cases: [(name: String, substrate: SubstrateChoice)] = []
  /// Cases whose settings the chosen device or circuit does not have.
  public private(set) var missing: [String] = []

  public init() {}

  /// The hardware of ideal parts, it with each fault alone; nothing where there are no arrays.
  public static func eachFaultAlone(of choice: SubstrateChoice) throws -> HardwareCases {
    var list = HardwareCases()
    let alone = try choice.eachFaultAlone
    guard !alone.isEmpty else { return list }
    list.add("ideal parts", choice.withoutFaults)
    for item in alone { list.add(item.name, item.substrate) }
    return list
  }

  public mutating func add(_ name: String, _ substrate: SubstrateChoice) { cases.append((name, substrate)) }

  /// Adds a base with settings changed, such as `device.stuckFraction=0.027`. Where the device has no such setting the name is
  /// kept among those that are missing.
  ///
  /// - Throws: `ConfigurationError` for values that are not accepted.
  public mutating func add(_ name: String, _ base: SubstrateChoice, _ settings: [String]) throws {
    do { add(name, try settings.reduce(base) { try $0.setting($1) }) } catch ConfigurationError.unknownKey {
      missing.append(name)
    }
  }

  /// Measures each case over its programming draws.
  ///
  /// - Parameters:
  ///   - name: of the draws' streams: every case has the same chips but for its faults.
  ///   - body: the measures on one chip, always in one order.
  /// - Returns: for each case, for each measure, the values of all draws.
  public func measured(
    in context: RunContext, named name: String, progress part: ClosedRange<Double>,
    _ body: (any Substrate, RandomStream) throws -> [Double]
  ) throws -> [[[Double]]] {
    let width = (part.upperBound - part.lowerBound) / Double(max(1, cases.count))
    return try cases.enumerated().map { i, item in
      let draws = try context.overDraws(of: item.substrate, named: name, body)
      try context.progress(part.lowerBound + width * Double(i + 1), item.name)
      return (draws.first ?? []).indices.map { measure in draws.map { $0[measure] } }
    }
  }
}

extension Report {
  /// A table of cases with mean and spread of each measure.
  public mutating func table(_ title: String, _ list: HardwareCases, measures: [String], _ values: [[[Double]]]) {
    var rows = ComparisonTable(["faults"] + measures)
    for (item, values) in zip(list.cases, values) { rows.add(item.name, values.map { .sample($0) }) }
    table(title, rows)
    missing(list)
  }

  /// Says which cases could not be made.
  public mutating func missing(_ list: HardwareCases) {
    guard !list.missing.isEmpty else { return }
    note("The chosen device has no such setting, so these lines are left out: \(list.missing.joined(separator: "; ")).")
  }
}
