import AllSystems
import Chips
import Foundation
import Reports
import Runs
import Settings
import Tensors
import Testing

/// Every system of the list at its smallest scale, on arrays.
@Suite("Every system at its smallest scale") struct SmallestScaleTests {
  static let names: [String] = {
    AllSystems.register()
    return SystemList.all.map(\.card.name)
  }()

  /// Stops a run when it told its progress so often.
  private final class Listener: RunListener {
    private let told = Locked(0)
    private let limit: Int
    init(limit: Int = .max) { self.limit = limit }

    var count: Int { told.withLock { $0 } }
    func recorded(metric: String, step: Int, value: Double) {}
    func progressed(fraction: Double, text: String) { told.withLock { $0 += 1 } }
    var isCancelled: Bool { count >= limit }
  }

  private func specification(_ system: AnySystem, _ settings: [String] = []) throws -> RunSpecification {
    let word = system.card.usesSubstrate ? ["substrate.kind=analog", "substrate.draws=2"] : []
    return try RunSpecification(
      system.keys, scale: .smallest, seed: 3, assignments: word + settings.filter { !$0.hasPrefix("scale=") })
  }

  private func run(
    _ system: AnySystem, _ specification: RunSpecification, folder: String? = nil, listener: Listener = Listener()
  ) throws -> Report {
    let context = RunContext(
      seed: specification.seed,
      substrate: try specification.substrate.configuration(SubstrateChoice.self, at: "substrate"), folder: folder,
      listener: listener)
    return try system.run(specification.configuration, context)
  }

  private func bits(_ report: Report) -> [String: UInt64] {
    Dictionary(report.figures.map { ($0.name, $0.value.bitPattern) }) { a, _ in a }
  }

  @Test("the same seed gives the same bits, also for a run that was stopped and continued", arguments: names)
  func repeats(name: String) throws {
    let system = try SystemList.named(name)
    let specification = try specification(system)
    let listener = Listener()
    let first = try run(system, specification, listener: listener)
    #expect(!first.figures.isEmpty && first.figures.allSatisfy { $0.value.isFinite })
    #expect(first.card.name == name)
    let folder = FileManager.default.temporaryDirectory.appending(path: "smallest-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // In the middle of what it does, most of which is training; then from what it left behind.
    #expect(throws: RunCancelled.self) {
      try run(system, specification, folder: folder, listener: Listener(limit: max(1, listener.count / 2)))
    }
    let continued = try run(system, specification, folder: folder)
    #expect(bits(continued) == bits(first))
  }

  @Test("no two systems have one name")
  func unique() { #expect(Set(Self.names).count == Self.names.count) }

  @Test("every claim is computed by the settings that it names", arguments: names)
  func claims(name: String) throws {
    let system = try SystemList.named(name)
    for needs in Set(system.card.claims.map(\.needs)) where !needs.contains("scale=paper") {
      let report = try run(system, specification(system, needs))
      for outcome in report.outcomes where outcome.claim.needs == needs {
        #expect(outcome.figure != nil, "\(outcome.claim.figure)")
      }
    }
  }
}
