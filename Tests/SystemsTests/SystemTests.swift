import Foundation
import Reports
import Systems
import Testing

@Suite("Systems") struct SystemTests {
  @Test(
    "every system that needs no files runs at its smallest scale and keeps its card",
    arguments: ["spirals", "mimo-ofdm"])
  func runs(name: String) throws {
    let system = try AllSystems.named(name)
    for kind in [SubstrateChoice.Kind.digital, .analog] where kind == .digital || system.card.usesSubstrate {
      let report = try system.run(system.defaults(.quick), RunContext(substrate: SubstrateChoice(kind)))
      #expect(report.card.name == name)
      #expect(!report.figures.isEmpty && report.figures.allSatisfy { $0.value.isFinite })
    }
    #expect(Set(AllSystems.list.map(\.card.name)).count == AllSystems.list.count)
  }
}

@Suite("Teams") struct TeamTests {
  @Test("pieces of work shared by several processes give the figures of one")
  func shares() throws {
    // Two members of a team that know each other's numbers: what message passing does, in one process.
    struct Member: Team {
      var rank: Int
      var size = 2
      let other: @Sendable ([Double]) -> [Double]
      func sum(_ values: [Double]) -> [Double] { zip(values, other(values)).map(+) }
    }
    #expect(Array(Member(rank: 1) { $0 }.share(of: 5)) == [1, 3])
    let collected = try Member(rank: 0) { _ in [0, 0, 3, 4, 0, 0] }.collect(
      [0: [1, 2], 2: [5, 6]], pieces: 3, width: 2)
    #expect(collected == [[1, 2], [3, 4], [5, 6]])
  }
}
